"""docs/troubleshooting.md: each symptom ends in a command, and each command that is named is there."""

import re
import shlex
from pathlib import Path

import click
import pytest

from pushgate.cli import main

PAGE = (Path(__file__).parents[1] / "docs" / "troubleshooting.md").read_text("utf-8")
SYMPTOMS = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
NAMED = sorted(
    {*re.findall(r"^\$ (pushgate .*)$", PAGE, re.MULTILINE), *re.findall(r"`(pushgate [^`]*)`", PAGE)}
)


def found(line):
    """The command that a line calls, and the rest of its words."""
    command, words = main, shlex.split(line)[1:]
    while isinstance(command, click.Group):
        context = click.Context(command)
        command = command.get_command(context, words.pop(0))
        assert command is not None, line
    return command, words


@pytest.mark.parametrize("line", NAMED)
def test_a_command_is_there(line):
    """The command and each of its options can be typed as they are on the page, and it has a help text."""
    command, words = found(line)
    options = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options
    assert command.get_help(click.Context(command, info_name=command.name)).startswith("Usage: ")


@pytest.mark.parametrize("line", [line for line in NAMED if len(line.split()) > 2])
def test_a_command_can_be_called_so(line, monkeypatch, tmp_path):
    """What a reader copies is no error of use."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "push.json").write_text("{}")
    command, words = found(line)
    paths = [word.replace("/etc/pushgate/pushgate.toml", str(tmp_path / "push.json")) for word in words]
    assert command.make_context(command.name, paths).params


@pytest.mark.parametrize("symptom", SYMPTOMS, ids=lambda text: text.partition("\n")[0])
def test_a_symptom_ends_in_a_command(symptom):
    """After the reasons comes what tells them apart."""
    assert re.search(r"\n```console\n(\$ pushgate [^\n]+\n)+```\n*$", symptom)


def test_each_symptom_is_linked_at_the_top():
    """A reader finds the symptom without scrolling."""
    top = PAGE.partition("\n## ")[0]
    titles = [symptom.partition("\n")[0] for symptom in SYMPTOMS]
    anchors = [re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles]
    assert sorted(re.findall(r"\(#([^)]+)\)", top)) == sorted(anchors)
