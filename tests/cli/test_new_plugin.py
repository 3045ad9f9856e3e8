"""``pushgate new-plugin``: what it writes can be installed, is found, works, and passes its test."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from pushgate.cli import main
from tests.process import ROOT

KINDS = ("input", "sink", "upstream")


def run(*command: str | Path, cwd: Path, path: tuple[Path, ...] = ()) -> str:
    """What a Python program prints, in an environment that has pushgate and what is at `path`."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*path, ROOT)))}
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def made(kind: str, directory: Path, name: str = "night-owl") -> Path:
    """A package with a plug-in of this kind."""
    result = CliRunner().invoke(main, ["new-plugin", kind, name, "--dir", str(directory / kind)])
    assert (result.exit_code, result.stderr) == (0, "")
    return directory / kind


@pytest.mark.parametrize("kind", KINDS)
def test_its_own_test(kind: str, tmp_path: Path) -> None:
    """The test passes where it is, with nothing installed; more than one thing is tested."""
    said = run("-m", "unittest", "discover", "tests", cwd=made(kind, tmp_path))
    assert re.search(r"^Ran [2-9] tests", said, re.MULTILINE)


@pytest.mark.parametrize("kind", KINDS)
def test_installed(kind: str, tmp_path: Path) -> None:
    """Installed, it is listed, and its README shows a configuration that is good."""
    source, target = made(kind, tmp_path), tmp_path / "installed"
    pip = ["-m", "pip", "--disable-pip-version-check", "install", "-q", "--no-deps", "--no-index"]
    run(*pip, "--no-build-isolation", "--target", target, source, cwd=tmp_path)
    [shown] = re.findall(r"```toml\n(.*?)```", (source / "README.md").read_text(), re.DOTALL)
    file = tmp_path / "f.toml"
    rest = (
        '[apps.a]\nupstream = "simulator"\n[inputs.a]\ntype = "amp"\nlisten = "tcp:1:interface=127.0.0.1"\n'
    )
    file.write_text(rest + re.sub(r"(?m)^path = .*", f'path = "{tmp_path}"', shown))
    command = ["-c", "from pushgate.cli import main; main()"]
    assert f"night-owl\t{kind}\t" in run(*command, "plugins", cwd=tmp_path, path=(target,))
    assert "\tnight-owl\n" in run(*command, "config", "check", file, cwd=tmp_path, path=(target,))


@pytest.mark.parametrize("kind", KINDS)
def test_style(kind: str, tmp_path: Path) -> None:
    """Nothing in what is written is unused, undefined or out of style."""
    ruff = ("-m", "ruff", "check", "--no-cache", "--isolated", "--line-length=110")
    run(*ruff, "--select=B,E,F,N,UP,W", "--ignore=N802", ".", cwd=made(kind, tmp_path, "owl"))


@pytest.mark.parametrize("name", ["Owl", "3", "night_owl", "a--b", "-a", "a-", "ä", "a" * 65, ""])
def test_a_name_of_which_nothing_can_be_made(name: str, tmp_path: Path) -> None:
    """A name from which no package and no class can be named is an error of use; nothing is written."""
    result = CliRunner().invoke(main, ["new-plugin", "sink", "--dir", str(tmp_path / "x"), "--", name])
    assert result.exit_code == 2
    assert "NAME must be 1 to 64 lower-case letters, digits and single hyphens" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_taken(tmp_path: Path) -> None:
    """A name that such a plug-in has already is refused, with the file; another kind may have it."""
    result = CliRunner().invoke(main, ["new-plugin", "sink", "jsonl", "--dir", str(tmp_path / "x")])
    assert result.exit_code == 1
    assert re.fullmatch(r'the sink name "jsonl" is taken by \S+builtin.py\n', result.stderr)
    made("input", tmp_path, "jsonl")


def test_a_directory_that_is_used(tmp_path: Path) -> None:
    """What is there already is not overwritten, nor mixed with."""
    (tmp_path / "mine").write_text("x")
    for directory, said in (
        (tmp_path, f"{tmp_path}: there is something in it; must be empty, or not there\n"),
        (tmp_path / "mine", f"{tmp_path / 'mine'}: File exists\n"),
    ):
        result = CliRunner().invoke(main, ["new-plugin", "sink", "owl", "--dir", str(directory)])
        assert (result.exit_code, result.stderr) == (1, said)
    assert [each.name for each in tmp_path.iterdir()] == ["mine"]


def test_the_directory_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --dir it is a new directory where one is, and what to do next is said."""
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["new-plugin", "sink", "owl"])
    assert "pip install --editable ." in result.stdout
    assert (tmp_path / "pushgate-owl" / "pushgate_owl" / "sink.py").exists()
