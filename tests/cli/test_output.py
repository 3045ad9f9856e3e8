"""What commands print for programs."""

import json
import time

import click
import pytest
from click.testing import CliRunner

from pushgate.cli import main
from pushgate.cli.mdm import _row
from pushgate.cli.output import local_time, print_json, print_json_line

HOSTILE = "\x1b[2J \x9b31m \x7f \u202e \u2028 \U000e0041 Grüße"
"""What a terminal obeys, and a text that it shows."""


@pytest.mark.parametrize("write", [print_json, print_json_line])
def test_json_on_a_terminal(capsys: pytest.CaptureFixture[str], write):
    """No character in it is obeyed by a terminal, and a program reads what it would have read anyhow."""
    value = {"reason": HOSTILE, "more": {HOSTILE: [1, None]}}
    write(value)
    text = capsys.readouterr().out
    assert text.replace("\n", "").isprintable()
    assert "Grüße" in text
    assert json.loads(text) == value


def test_times_are_of_this_machine(monkeypatch):
    """Those of an enrolment like all others, so that they can be laid beside each other."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        text = local_time(1_795_993_200)
        assert text == "2026-11-30 08:00:00"
        found = {"token": "aa", "device": "", "outcome": "", "status": None, "reason": None}
        at = dict.fromkeys(("enrolled_at", "checked_in_at", "checked_out_at", "superseded_at"), 1_795_993_200)
        assert _row({**found, **at}).count(text) == 4
    finally:
        monkeypatch.undo()
        time.tzset()


def groups(command, name="pushgate"):
    """A command's groups, itself included, with what one types for each."""
    if isinstance(command, click.Group):
        yield name, command
        context = click.Context(command)
        for each in command.list_commands(context):
            yield from groups(command.get_command(context, each), f"{name} {each}")


@pytest.mark.parametrize(("name", "group"), [*groups(main)])
def test_lists_of_commands(name, group):
    """On a terminal of 80 columns each command has a whole sentence, none that ends in dots."""
    text = CliRunner().invoke(group, ["--help"], prog_name=name, terminal_width=80).output
    lines = text.partition("Commands:\n")[2].splitlines()
    assert len(lines) == len(group.list_commands(click.Context(group)))
    assert all(line.endswith(".") and not line.endswith("...") for line in lines), lines
