"""``pushgate tokens``, to a gateway in a process of its own."""

import json
import subprocess

import pytest

from pushgate.cli.tokens import _format, _parser
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.model.target import TargetForm
from tests.cli.programs import COMMAND, pushgate


def tokens(gateway, action, *options, app="other", stdin=None):
    """Run an action on an app's register."""
    arguments = [*COMMAND, "tokens", action, "--app", app, "--to", gateway.to, *options]
    return subprocess.run(arguments, input=stdin, text=True, capture_output=True, check=False, timeout=60)


def test_there_and_back(gateway, tmp_path):
    """What is imported is listed and exported, in the order of the tokens, and is gone once it is forgotten."""
    (tmp_path / "in").write_text('\ufeffccdd 1700000000 feedback\n\n{"token": "aa01", "since": 5}\n')
    done = tokens(gateway, "import", str(tmp_path / "in"))
    assert (done.stdout, done.stderr, done.returncode) == ("2 entered, 2 of them new\n", "", 0)
    lines = "aa01 5 imported\nccdd 1700000000 feedback\n"
    assert tokens(gateway, "list", "--limit", "1").stdout == lines.splitlines(keepends=True)[0]
    tokens(gateway, "export", str(tmp_path / "out"))
    assert (tmp_path / "out").read_text() == lines
    records = tokens(gateway, "export", "--json").stdout
    assert [json.loads(line) for line in records.splitlines()] == [
        {"token": "aa01", "since": 5, "reason": "imported"},
        {"token": "ccdd", "since": 1_700_000_000, "reason": "feedback"},
    ]
    assert tokens(gateway, "import", "--json", stdin=records).stdout.split() == (
        ["{", '"entered":', "2,", '"new":', "0,", '"refused":', "0,", '"faults":', "[]", "}"]
    )
    assert (
        pushgate("send", "--app", "other", "--token", "aa01", "--alert", "x", "--to", gateway.to).returncode
        == 1
    )
    done = tokens(gateway, "forget", "aa01", "ee", "--file", str(tmp_path / "out"))
    assert (done.stdout, done.returncode) == ("2 forgotten, 2 were not there\n", 0)


def test_bad_lines(gateway):
    """They are listed by number, with the rule; the others are entered, and the status is 1."""
    done = tokens(gateway, "import", stdin="aa02 5\nxyz\n" + "aa 5 gone\n" * 20)
    assert done.stdout == "1 entered, 1 of them new\n"
    faults = done.stderr.splitlines()
    assert (
        faults[0] == "line 2: token: text of 3 characters; an even number of hex digits, for 1 to 100 bytes"
    )
    assert faults[1].startswith("line 3: reason: text of 4 characters; must be one of feedback, ")
    assert faults[-2:] == ["and 1 more", "21 bad lines were left out"]
    assert done.returncode == 1
    assert tokens(gateway, "forget", "aa02").stdout == "1 forgotten, 0 were not there\n"


def test_refusals(gateway):
    """An app that is not there, a token that is none: a line each."""
    assert (
        tokens(gateway, "list", app="nope").stderr == "refused, UNKNOWN_APP: app: 'nope' is not configured\n"
    )
    assert "token: text of 1 characters; an even number" in tokens(gateway, "forget", "a").stderr


def test_many(gateway):
    """More than fit into one answer, one command, or one word about the progress."""
    lines = "".join(f"{number:064x} 5 feedback\n" for number in range(21_000))
    done = tokens(gateway, "import", stdin=lines)
    assert (done.stdout, done.stderr) == ("21,000 entered, 21,000 of them new\n", "entered: 20,000\n")
    assert tokens(gateway, "list").stdout == lines
    assert (
        tokens(gateway, "forget", "--file", "-", stdin=lines).stdout == "21,000 forgotten, 0 were not there\n"
    )


def test_a_file_that_cannot_be_written(gateway, tmp_path):
    """A line with the file and the reason, no traceback."""
    done = tokens(gateway, "export", str(tmp_path / "none" / "out"))
    assert (done.stdout, done.returncode) == ("", 1)
    [line] = done.stderr.splitlines()
    assert "none/out" in line
    assert "No such file or directory" in line


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    "text", ["https://x/1", "a b", '{"endpoint":"https://x","keys":{}}', "\ufeffa", "a\n\x85b", "z" * 4096]
)
def test_tokens_that_are_text(text, as_json):
    """Whatever is in them, `import` reads what `export` writes, a line each."""
    entry = DeadTokenEntry(text.encode(), 5, DeadReason.GONE)
    line = _format(as_json, people=False)(entry, TargetForm.TEXT)
    assert "\n" not in line
    assert _parser(TargetForm.TEXT, 0)(line) == entry


def test_tokens_that_are_text_for_people():
    """A token of a caller's making moves no cursor."""
    entry = DeadTokenEntry("a\x1b[2Jü".encode(), 5, DeadReason.GONE)
    shown = _format(as_json=False, people=True)(entry, TargetForm.TEXT)
    assert shown.startswith("a\\x1b[2Jü  ")
    assert shown.endswith("  Gone")
