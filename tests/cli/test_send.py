"""``pushgate send``, to a gateway in a process of its own."""

import json
import uuid

import pytest

from pushgate.cli.demo.directory import free_ports
from pushgate.cli.gateway_address import endpoint_text
from pushgate.cli.send import _print
from pushgate.model.outcome import TAKEN, State
from tests.cli.demo.test_audit import record
from tests.cli.programs import pushgate


def send(gateway, *options, app="demo", token="0a1b2c3d"):
    """Send, with an alert unless the options have a payload."""
    what = () if {"--payload", "--push-magic"} & {*options} else ("--alert", "hello")
    return pushgate("send", "--app", app, "--token", token, "--to", gateway.to, *what, *options)


def test_an_outcome(gateway):
    """It prints the id, then what became of it in a line; that is good news, so it ends with 0."""
    done = send(gateway)
    number, outcome = done.stdout.splitlines()
    assert str(uuid.UUID(number)) == number
    assert outcome == "presumed: written, and the push service did not object; it can say no more"
    assert (done.returncode, done.stderr) == (0, "")


def test_a_push_magic(gateway):
    """It takes the place of a payload; there is one of them only."""
    assert send(gateway, "--push-magic", "47250C9C").stdout.splitlines()[1].startswith("presumed")
    done = send(gateway, "--push-magic", "47250C9C", "--payload", "{}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--push-magic is needed" in done.stderr


def test_a_dead_token(gateway):
    """A rejection is reported with status and reason, and ends with 1; the next one is not even sent."""
    done = send(gateway, token="dead0001")
    assert done.stdout.splitlines()[1] == "rejected: refused by the push service, 8 InvalidToken"
    assert done.returncode == 1
    assert send(gateway, token="dead0001").stdout.splitlines()[1].startswith("suppressed: not sent")


def test_json(gateway):
    """Programs get the outcome record of the contract, with all that was asked for in force."""
    terms = ("--priority", "5", "--collapse-id", "score", "--expiration", "4000000000", "--key", "once")
    done = send(gateway, "--json", "--payload", '{"aps":{"badge":1}}', *terms)
    record = json.loads(done.stdout)
    assert (record["app"], record["token"], record["state"]) == ("demo", "0a1b2c3d", "presumed")
    assert "dead_since" not in record
    again = send(gateway, "--json", "--payload", '{"aps":{"badge":1}}', *terms)
    assert json.loads(again.stdout)["id"] == record["id"]
    other = send(gateway, "--json", "--payload", '{"aps":{"badge":2}}', *terms)
    assert (json.loads(other.stdout)["error"], other.returncode) == ("CONFLICT", 1)


def test_expired(gateway):
    """One that is too old is not sent, and says so."""
    done = send(gateway, "--expiration", "1000000000")
    assert done.stdout.splitlines()[1].startswith("expired: given up: too old to be sent")
    assert done.returncode == 1


def test_without_waiting(gateway):
    """With --wait 0 only the id comes."""
    assert len(send(gateway, "--wait", "0").stdout.splitlines()) == 1
    assert list(json.loads(send(gateway, "--wait", "0", "--json").stdout)) == ["id"]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"app": "nope"}, "refused, UNKNOWN_APP: app: 'nope' is not configured"),
        ({"token": "xyz"}, "refused, INVALID: token: text of 3 characters; an even number of hex digits"),
    ],
)
def test_refused(gateway, options, line):
    """A refusal is one line with its code and reason, and no traceback."""
    done = send(gateway, **options)
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr.startswith(line)
    assert len(done.stderr.splitlines()) == 1


def test_a_bad_payload(gateway):
    """The gateway is the one who judges payloads."""
    done = send(gateway, "--payload", "[1]")
    assert done.stderr.startswith("refused, INVALID: payload: ")


def test_what_to_send():
    """Neither payload nor alert, or both, is an error of use; so it is of token and channel."""
    assert pushgate("send", "--app", "a", "--token", "0a").returncode == 2
    assert pushgate("send", "--app", "a", "--alert", "x").returncode == 2
    assert (
        pushgate("send", "--app", "a", "--token", "0a", "--channel", "YQ==", "--alert", "x").returncode == 2
    )
    assert pushgate("send", "--app", "a", "--token", "0a", "--alert", "x", "--payload", "{}").returncode == 2
    done = pushgate("send", "--app", "a", "--file", "-", "--alert", "x", "--wait", "5")
    assert done.returncode == 2
    assert "pushgate watch" in done.stderr


def test_several_tokens(gateway):
    """Each token has its id and its outcome in a line, in the order given; a bad one keeps none of the others away."""
    done = send(gateway, "--token", "dead0077", "--token", "xyz", token="0a01")
    good, dead, bad = (line.split("  ") for line in done.stdout.splitlines())
    assert (good[0], good[2].split(":")[0] in TAKEN) == ("0a01", True)
    assert (dead[0], dead[2]) == ("dead0077", "rejected: refused by the push service, 8 InvalidToken")
    assert (bad[0], bad[1].split(";")[0]) == ("xyz", "refused, INVALID: token: text of 3 characters")
    assert (done.returncode, done.stderr) == (1, "")


def test_several_tokens_in_json(gateway):
    """Programs get a list, and a key that is repeated sends nothing again."""
    options = ("--token", "0a02", "--json", "--key", "several")
    sent, again = (json.loads(send(gateway, *options, token="0a01").stdout) for _ in range(2))
    assert [(each["token"], each["state"]) for each in sent] == [("0a01", "presumed"), ("0a02", "presumed")]
    assert [each["id"] for each in again] == [each["id"] for each in sent]
    unasked = json.loads(send(gateway, "--token", "xy", "--json", "--wait", "0").stdout)
    assert [set(each) for each in unasked] == [{"token", "id"}, {"token", "error", "detail"}]


@pytest.mark.parametrize("command", [("send", "--app", "demo", "--token", "0a", "--alert", "x"), ("watch",)])
def test_no_gateway(command):
    """When there is no gateway, one reads why, and what to do, at once."""
    [port] = free_ports(1)
    done = pushgate(*command, "--to", f"127.0.0.1:{port}")
    why, advice = done.stderr.splitlines()
    assert (done.stdout, done.returncode) == ("", 1)
    assert why.startswith(f"no gateway at 127.0.0.1:{port}: Connection was refused")
    assert "make run" in advice


def test_no_endpoint():
    """So it is when --to is no address."""
    done = pushgate("send", "--app", "a", "--token", "0a", "--alert", "x", "--to", "foo:bar:baz")
    assert done.stderr.startswith("--to foo:bar:baz: no endpoint: Unknown endpoint type: 'foo'")


@pytest.mark.parametrize(
    ("to", "endpoint"),
    [
        ("push.example.com:7000", "tcp:host=push.example.com:port=7000"),
        ("push.example.com", "tcp:host=push.example.com:port=7215"),
        (":7000", "tcp:host=127.0.0.1:port=7000"),
        ("[::1]:7000", r"tcp:host=\:\:1:port=7000"),
        ("unix:/run/pushgate.sock", "unix:/run/pushgate.sock"),
        ("tls:push.example.com:7215", "tls:push.example.com:7215"),
    ],
)
def test_where(to, endpoint):
    """--to takes what people type, and any endpoint of Twisted's."""
    assert endpoint_text(to) == endpoint


@pytest.mark.parametrize("state", [state for state in State if state is not State.DEAD_TOKEN])
def test_the_exit_status(state, capsys):
    """It is 0 for what the push service has, and for what is on its way; 1 for all else."""
    code = 0
    try:
        _print("id", record("0a", state), "", as_json=False)
    except SystemExit as end:
        code = end.code
    assert code == (0 if state in {*TAKEN, State.QUEUED, State.WRITTEN} else 1)
    assert capsys.readouterr().out.startswith(f"{state}: ")
