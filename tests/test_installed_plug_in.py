"""A plug-in as a package of its own: installed with pip, found without configuration."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.process import ROOT, ProcessTestCase

PACKAGE = ROOT / "tests" / "pigeon_post"


def install(directory: Path) -> Path:
    """Have pip build and install the package into a directory of its own, without the network."""
    source, target = directory / "source", directory / "installed"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-q", "--no-deps"]
    done = subprocess.run(
        [*pip, "--no-index", "--no-build-isolation", "--target", str(target), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return target


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package is installed."""
    return install(tmp_path_factory.mktemp("pigeon"))


def listed(target: Path) -> tuple[dict[str, str], list[dict[str, str]]]:
    """What `pushgate plugins` says: the files of the plug-ins by name, and those that cannot be used."""
    command = [sys.executable, "-c", "from pushgate.cli import main; main()", "plugins", "--json"]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(target), str(ROOT)])}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    assert done.stderr == ""
    answer = json.loads(done.stdout)
    assert done.returncode == (1 if answer["broken"] else 0)
    return {each["name"]: each["origin"] for each in answer["plugins"]}, answer["broken"]


def test_it_is_found(target):
    """It is listed with the file that declares it, and looking for it writes nothing beside it."""
    directory = target / "pushgate" / "plugins"
    names, broken = listed(target)
    assert names["pigeon-post"] == str(directory / "pigeon_post_plugin.py")
    assert broken == []
    assert {each.name for each in directory.iterdir()} <= {"pigeon_post_plugin.py", "__pycache__"}


def test_a_module_is_missing(target, tmp_path):
    """One whose code is gone is reported by name, and the others are listed all the same."""
    copy = shutil.copytree(target, tmp_path / "copy")
    shutil.rmtree(copy / "pigeon_post")
    names, [broken] = listed(copy)
    assert "amp" in names
    assert broken["reason"] == (
        'sink "pigeon-post" (pigeon_post.sink:plug_in) cannot be imported: '
        "ModuleNotFoundError: No module named 'pigeon_post'"
    )


def test_it_goes(target, tmp_path):
    """When its files are removed it is gone, although it was there a moment ago."""
    copy = shutil.copytree(target, tmp_path / "copy")
    assert "pigeon-post" in listed(copy)[0]
    (copy / "pushgate" / "plugins" / "pigeon_post_plugin.py").unlink()
    names, broken = listed(copy)
    assert "pigeon-post" not in names
    assert broken == []


class ProcessTests(ProcessTestCase):
    async def test_it_works(self) -> None:
        """A gateway whose configuration names its type starts, and the plug-in does its work."""
        target, inbox, post = install(self.directory), self.directory / "inbox", self.directory / "post.txt"
        inbox.mkdir()
        (inbox / "a.json").write_text('{"app": "demo", "token": "0a1b", "payload": {}}')
        config = self.config(f"""
            [gateway]
            state_dir = "memory"
            [apps.demo]
            upstream = "dry-run"
            [inputs.drop]
            type = "folder"
            path = "{inbox}"
            [sinks.post]
            type = "pigeon-post"
            path = "{post}"
        """)
        plugins = str(ROOT / "plugins")
        process = self.twistd("pushgate", "--plugins", plugins, "--config", config, installed=[target])
        await process.until(lambda: post.exists() and post.read_text() == "1 accepted\n", "the line")
        self.assertEqual(process.err, "")

    async def test_where_it_is_not_installed(self) -> None:
        """A configuration that names it is refused with one line there."""
        config = self.config('[apps.demo]\nupstream = "simulator"\n[sinks.post]\ntype = "pigeon-post"\n')
        process = self.twistd("pushgate", "--config", config)
        self.assertEqual(await process.ended(), 78)
        [line] = process.err.splitlines()
        self.assertIn('sinks.post.type: there is no sink "pigeon-post"; known: ', line)
