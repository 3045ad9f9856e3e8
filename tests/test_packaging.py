"""What is installed: from a wheel in a clean environment, and from an editable checkout."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from pushgate import __version__
from pushgate.inputs.http.console.files import ASSETS, PAGES

ROOT = Path(__file__).parents[1]
BUILTIN = {"amp", "log", "jsonl", "metrics", "apns-stream", "simulator"}

# Installing the dependencies takes a while on a slow network.
WITHOUT_EXTRAS = [
    f"{kind} \"amqp\" (pushgate.{kind}s.amqp:plug_in) needs pika: pip install 'pika>=1.3.2,<2'"
    for kind in ("input", "sink")
]
pytestmark = pytest.mark.timeout(300)
TOP = {
    ".ci", ".gitignore", "CHANGELOG.md", "LICENSE", "Makefile", "README.md", "bench", "docs", "etc", "mkdocs.yml",
    "plugins", "pushgate", "pyproject.toml", "tests", "twisted",
}  # fmt: skip
"""What a checkout holds."""


def run(*command: str | Path, cwd: Path) -> str:
    """What a command prints; it runs outside the checkout and sees nothing of it."""
    env = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run(
        [str(each) for each in command], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from the checkout."""
    directory = tmp_path_factory.mktemp("wheel")
    run(
        sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", directory, ROOT, cwd=directory
    )
    [file] = directory.glob("*.whl")
    return file


def pip(programs: Path, *arguments: str | Path) -> None:
    """Have this environment's pip work on another one, which needs none of its own then."""
    to = ("--python", programs / "python", "--disable-pip-version-check", "-q")
    run(sys.executable, "-m", "pip", *to, *arguments, cwd=programs)


@pytest.fixture(scope="session")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment that holds the wheel and what it says it needs."""
    directory = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", "--without-pip", directory / "venv", cwd=directory)
    programs = directory / "venv" / "bin"
    pip(programs, "install", "--no-compile", wheel)  # next to nothing of it is imported
    return programs


@pytest.fixture(scope="session")
def editable() -> Path:
    """The programs of this environment, when pushgate is installed in it as an editable checkout."""
    try:
        origin = json.loads(distribution("pushgate").read_text("direct_url.json") or "{}")
    except PackageNotFoundError:
        origin = {}
    if not origin.get("dir_info", {}).get("editable"):
        pytest.skip("pushgate is not installed here as an editable checkout")
    return Path(sys.executable).parent


def test_the_checkout():
    """Nothing that a test or a run left behind is committed: no state, no keys, no temporary files."""
    assert {name.split("/")[0] for name in run("git", "ls-files", cwd=ROOT).splitlines()} == TOP


def test_the_wheel(wheel):
    """The wheel holds the package, its types, twistd's plug-ins, the console's files, and no cache of a scan."""
    names = zipfile.ZipFile(wheel).namelist()
    for name in ("pushgate/py.typed", "pushgate/plugins/builtin.py", "twisted/plugins/pushgate_plugin.py"):
        assert name in names
    for name in (*ASSETS, *PAGES.values(), "uPlot.LICENSE.txt"):
        assert f"pushgate/inputs/http/console/static/{name}" in names
    assert wheel.name.startswith(f"pushgate-{__version__}-")
    assert [name for name in names if "dropin.cache" in name or name.startswith("tests")] == []
    assert not {"twisted/__init__.py", "twisted/plugins/__init__.py"} & set(names)


def test_the_index_would_take_them(wheel, tmp_path):
    """An index takes the wheel and the sdist, with the README as their page; both have what they should, and no more."""
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", tmp_path, ROOT, cwd=tmp_path)
    [sdist] = tmp_path.glob("*.tar.gz")
    assert sdist.name == f"pushgate-{__version__}.tar.gz"
    assert "FAILED" not in run(sys.executable, "-m", "twine", "check", "--strict", wheel, sdist, cwd=tmp_path)
    run(
        Path(sys.executable).with_name("check-wheel-contents"),
        "--config",
        ROOT / "pyproject.toml",
        wheel,
        cwd=tmp_path,
    )
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "CHANGELOG.md",
        "LICENSE",
        "docs/plugins.md",
        "etc/pushgate.toml",
        "tests/test_packaging.py",
    } <= names
    assert not [
        name for name in names if name.startswith((".venv", "dist", "build")) or "node_modules" in name
    ]


@pytest.fixture
def pigeon(tmp_path: Path) -> Path:
    """A wheel of a plug-in."""
    source = shutil.copytree(ROOT / "tests" / "pigeon_post", tmp_path / "source")
    run(
        sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, source, cwd=tmp_path
    )
    [file] = tmp_path.glob("*.whl")
    return file


def test_a_plug_in_comes_and_goes(clean, pigeon, tmp_path):
    """A plug-in that is installed beside pushgate is found; one that is uninstalled is gone, and not missed."""

    def listed() -> tuple[set[str], list[str]]:
        answer = json.loads(run(clean / "pushgate", "plugins", "--json", cwd=tmp_path))
        return {each["name"] for each in answer["plugins"]}, [each["reason"] for each in answer["broken"]]

    before = listed()
    pip(clean, "install", "--no-deps", pigeon)
    assert listed() == (before[0] | {"pigeon-post"}, before[1])
    pip(clean, "uninstall", "-y", "pigeon-post")
    assert listed() == before


@pytest.mark.parametrize("installed", ["clean", "editable"])
def test_twistd(installed, request, tmp_path):
    """`twistd --help` lists both programs."""
    text = run(request.getfixturevalue(installed) / "twistd", "--help", cwd=tmp_path)
    for name in ("pushgate", "pushgate-simulator"):
        assert re.search(rf"^ +{name} +\S", text, re.MULTILINE)


@pytest.mark.parametrize("installed", ["clean", "editable"])
@pytest.mark.parametrize("program", ["pushgate", "pushgate-simulator"])
def test_options(installed, program, request, tmp_path):
    """Each program's options can be shown, which imports it."""
    text = run(request.getfixturevalue(installed) / "twistd", program, "--help", cwd=tmp_path)
    assert "--config" in text


@pytest.mark.parametrize("installed", ["clean", "editable"])
def test_plug_ins(installed, request, tmp_path):
    """`pushgate plugins` lists the built-in plug-ins; those alone lack something that need an extra."""
    text = run(request.getfixturevalue(installed) / "pushgate", "plugins", "--json", cwd=tmp_path)
    answer = json.loads(text)
    assert {each["name"] for each in answer["plugins"]} >= BUILTIN
    broken = [each["reason"] for each in answer["broken"]]
    assert broken == ([] if installed == "editable" else WITHOUT_EXTRAS)


def test_the_sample(clean, tmp_path):
    """The sample configuration is good for what is installed."""
    run(clean / "pushgate", "config", "check", ROOT / "etc" / "pushgate.toml", cwd=tmp_path)


def test_a_drop_in(clean, tmp_path):
    """The examples of others' plug-ins work with what is installed."""
    answer = json.loads(
        run(clean / "pushgate", "plugins", "--json", "--plugins", ROOT / "plugins", cwd=tmp_path)
    )
    assert {"count", "folder"} <= {each["name"] for each in answer["plugins"]}
    assert [each["reason"] for each in answer["broken"]] == WITHOUT_EXTRAS
