"""``pushgate send --test``, to a gateway in a process of its own."""

import json

import pytest

from pushgate.cli.send_test import lines
from pushgate.client import SendTest, TriedDevice
from tests.cli.programs import pushgate


def tries(gateway, *tokens, app="demo", options=()):
    """A test send to these tokens."""
    given = [word for token in tokens for word in ("--token", token)]
    what = () if "--payload" in options else ("--alert", "hello")
    return pushgate("send", "--test", "--app", app, *given, "--to", gateway.to, *what, *options)


def test_what_became_of_each(gateway):
    """For each device a line with its outcome, and one each for what it means and what to do."""
    done = tries(gateway, "0a1b2c3d", "dead0078")
    said = done.stdout.splitlines()
    assert " 0a1b2c3d presumed, after " in said[0] or " 0a1b2c3d accepted, after " in said[0]
    [rejected] = [
        number for number, line in enumerate(said) if " dead0078 rejected 8 InvalidToken, after " in line
    ]
    assert said[rejected + 1] == "    the token is malformed, or of the other environment"
    assert "sandbox tokens" in said[rejected + 2]
    assert (done.returncode, done.stderr) == (1, "")


def test_a_good_one(gateway):
    """Then it ends with 0; programs get all of it as JSON."""
    done = tries(gateway, "0a1b2c3d", options=("--json", "--priority", "5"))
    sent = json.loads(done.stdout)
    [device] = sent["devices"]
    assert (device["state"], device["token"], sent["settled"]) == ("presumed", "0a1b2c3d", True)
    assert 0 < device["seconds"] < 30
    assert done.returncode == 0


def test_what_has_no_outcome(gateway):
    """After the time is over it says where it is, and how to ask later."""
    done = tries(gateway, "0a1b2c3d", app="other", options=("--wait", "0"))
    assert "    it waits in the gateway" in done.stdout or "has not answered yet" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("pushgate trace ID asks for one later")
    assert done.returncode == 1


def test_a_bad_token(gateway):
    """It is refused with its reason; the others are sent."""
    done = tries(gateway, "xyz", "0a1b2c3d")
    assert done.stdout.splitlines()[-1].startswith("xyz was refused, INVALID: token: text of 3 characters")
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--token", "0a"] * 11, "TOO_LARGE"),
        (["--token", "0a", "--app", "nope"], "UNKNOWN_APP"),
        (["--token", "0a", "--channel", "x"], "one of --token, --channel"),
    ],
)
def test_refused(gateway, arguments, word):
    """A refusal is a line on stderr, and nothing is sent."""
    done = pushgate("send", "--test", "--app", "demo", "--alert", "x", "--to", gateway.to, *arguments)
    assert word in done.stderr
    assert done.returncode


def device(**fields):
    """A device of which this is known."""
    given = {
        "index": 0,
        "id": "ID",
        "app": "news",
        "state": "accepted",
        "meaning": "taken",
        "advice": "",
        "seconds": 0.25,
    }
    return TriedDevice(**{**given, **fields})


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"token": "0a"}, "ID  0a accepted, after 0.25 s"),
        ({"token": "0a", "attempts": 3}, "ID  0a accepted, after 0.25 s, written 3 times"),
        ({"channel": "c", "state": "queued", "seconds": None}, "ID  c queued"),
        ({"state": None, "seconds": None}, "ID  not known"),
        ({"token": "x" * 40, "status": 410, "reason": "HTTP410", "state": "rejected"}, "ID  xxxxxxxxxxxxxxx…xxxxxxxx rejected 410, after 0.25 s"),
        ({"token": "0a", "state": "replaced", "replacement": "0b"}, "ID  0a replaced, the new one: 0b, after 0.25 s"),
        ({"token": "\x1b[2J"}, "ID  \\x1b[2J accepted, after 0.25 s"),
    ],
)  # fmt: skip
def test_lines(fields, line):
    """Whatever is known of a device is in its line, and what a peer said does not move the cursor."""
    sent = SendTest(id="ID", devices=(device(**fields),), refused=(), settled=True, waited=0.25)
    assert list(lines(sent, ())) == [line, "    taken"]


def test_lines_of_a_repetition():
    """That nothing was sent again comes first; a channel that was refused has no token to be named by."""
    sent = SendTest(
        id="ID", devices=(), refused=((0, "INVALID", "bad"),), settled=True, waited=0.0, repeated=True
    )
    assert list(lines(sent, ())) == [
        "sent before under this key; nothing was sent again", "it was refused, INVALID: bad",
    ]  # fmt: skip
