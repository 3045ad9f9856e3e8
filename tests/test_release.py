"""What a release consists of beside the wheel: a dated section of the changelog, completion, man pages."""

import os
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import click
import pytest

from docs.tools.man_pages import contexts, roff, write
from pushgate import __version__
from pushgate.cli import main
from tests.process import ROOT

SHELLS = ("bash", "zsh", "fish")
OPERATING = (ROOT / "docs" / "operating.md").read_text()


def test_the_changelog() -> None:
    """This version has its section with the day; versions go down, and only what is to come may be above."""
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    if headings[0] == "[Unreleased]":
        del headings[0]
    found = [re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - (\S+)", heading) for heading in headings]
    assert all(found), headings
    versions = [tuple(map(int, each.groups()[:3])) for each in found if each]
    days = [date.fromisoformat(each[4]) for each in found if each]
    assert ".".join(map(str, versions[0])) == __version__
    assert versions == sorted(set(versions), reverse=True)
    assert days == sorted(days, reverse=True)


# completion


def completed(shell: str, **environment: str) -> str:
    """What `pushgate` prints for a shell that asks for completions."""
    done = subprocess.run(
        [Path(sys.executable).with_name("pushgate")],
        env={**os.environ, "_PUSHGATE_COMPLETE": shell, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell(shell: str) -> None:
    """Each shell that the manual names gets the function that the manual installs, and it asks `pushgate`."""
    assert f"_PUSHGATE_COMPLETE={shell}_source pushgate" in OPERATING
    assert f"_PUSHGATE_COMPLETE={shell}_complete" in completed(f"{shell}_source")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("pushgate ne", {"new-plugin"}),
        ("pushgate hub reg", {"register"}),
        ("pushgate send --pri", {"--priority"}),
    ],
)
def test_words(line: str, expected: set[str]) -> None:
    """Commands, those within a group, and options are completed."""
    said = completed("bash_complete", COMP_WORDS=line, COMP_CWORD=str(line.count(" ")))
    assert {each.partition(",")[2] for each in said.splitlines()} == expected


def test_bash() -> None:
    """bash offers the words once its function is defined as the manual says."""
    [line] = re.findall(r"eval .*=bash_source pushgate.*", OPERATING)
    script = f'{line}\nCOMP_WORDS=(pushgate doct) COMP_CWORD=1; _pushgate_completion pushgate; echo "${{COMPREPLY[@]}}"'
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script], env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("doctor\n", "")


# man pages


def test_every_command_has_a_page(tmp_path: Path) -> None:
    """There is a page of each command and of those in groups; it has every option and says what each is for."""
    pages = {file.name: file.read_text() for file in write(tmp_path)}
    for context in contexts(main, "pushgate"):
        text = pages.pop(f"{context.command_path.replace(' ', '-')}.1").replace("\\-", "-")
        assert f'"{__version__}"' in text
        for parameter in context.command.params:
            record = parameter.get_help_record(context)
            if isinstance(parameter, click.Option) and record:
                assert parameter.opts[0] in text
                assert roff(record[1]).replace("\\-", "-") in text.replace("\n.PP\n", "\n\n")
    assert pages == {}


def test_groff_takes_them(tmp_path: Path) -> None:
    """groff, where it is installed, has nothing to say against any page; all of them are plain ASCII."""
    files = write(tmp_path)
    assert all(file.read_bytes().isascii() for file in files)
    if shutil.which("groff"):
        done = subprocess.run(
            ["groff", "-man", "-Tutf8", "-ww", "-z", *files],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_what_roff_would_obey() -> None:
    """Text is text: a dot or a quote at the start of a line, a backslash, and letters beyond ASCII."""
    assert roff(".TH\n'x \\fB é\b\n") == "\\&.TH\n\\&'x \\efB \\[u00E9]"
