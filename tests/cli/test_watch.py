"""``pushgate watch``, at a gateway in a process of its own."""

import json
import select
import signal

from pushgate.cli.outcome_format import fields, plain, row, sentence
from tests.cli.demo.test_audit import record
from tests.cli.programs import COMMAND, end, pushgate, start


def watch(gateway, *options):
    """A watcher. It may not be subscribed yet."""
    return start(*COMMAND, "watch", "--to", gateway.to, *options)


def first_line(watcher):
    """What the watcher has said by now; None if nothing."""
    return watcher.stdout.readline() if select.select([watcher.stdout], [], [], 0)[0] else None


def send(gateway, app, token):
    """Send, and wait for the outcome."""
    return pushgate("send", "--app", app, "--token", token, "--alert", "x", "--to", gateway.to)


def test_json(gateway):
    """Each outcome is a record of the contract, on a line of its own, as soon as it is known."""
    watcher = watch(gateway, "--json")
    try:
        # Sent until the watcher, which takes a moment to start, hears of one.
        first = None
        while first is None:
            send(gateway, "demo", "dead0002")
            first = first_line(watcher)
        heard = json.loads(first)
        assert (heard["app"], heard["token"]) == ("demo", "dead0002")
        assert heard["state"] in {"rejected", "suppressed"}
    finally:
        end(watcher)


def test_lines_of_one_app(gateway):
    """Without a terminal a line has fields separated by tabs; another app's outcomes do not come."""
    watcher = watch(gateway, "--app", "other")
    try:
        line = None
        while line is None:
            send(gateway, "demo", "0c01")
            send(gateway, "other", "0c02")
            line = first_line(watcher)
        at, *rest, number = line.rstrip("\n").split("\t")
        assert rest == ["presumed", "", "", "other", "0c02"]
        assert float(at) > 1_700_000_000
        assert len(number) == 36
    finally:
        code, out, err = end(watcher, signal.SIGINT)
    assert "0c01" not in out
    assert (code, err) == (130, "")


def test_an_unknown_app(gateway):
    """An app that is not configured is a line, not a silence."""
    done = pushgate("watch", "--app", "nope", "--to", gateway.to)
    assert done.stderr == "refused, UNKNOWN_APP: app: 'nope' is not configured\n"
    assert (done.stdout, done.returncode) == ("", 1)


def test_fields():
    """Fields that are empty keep their places."""
    assert fields(record("0a", "presumed")) == "1.000\tpresumed\t\t\tdemo\t0a\tid of 0a"
    assert fields(record("0a", "rejected", 8)) == "1.000\trejected\t8\tInvalidToken\tdemo\t0a\tid of 0a"


def test_rows():
    """People see what happened to which notification, by its id; a long token is cut in the middle."""
    assert row(record("0a", "rejected", 8)).endswith("\x1b[0m  id of 0a  demo  0a  8 InvalidToken")
    assert row(record("ab" * 100, "presumed")).endswith(f"  demo  {'ab' * 7}a…abababab")
    assert "corrects an earlier outcome" in row(record("0a", "accepted", corrects=True))


def test_a_status_without_a_word():
    """Where the push service said no more than its number, the number is not said twice; records have it."""
    told = record("0a", "rejected", 410, reason="HTTP410")
    assert sentence(told) == "rejected: refused by the push service, 410"
    assert fields(told).split("\t")[2:4] == ["410", "HTTP410"]


def test_a_replaced_token():
    """It is good news, in green, with the new token; programs get it as a field of the record."""
    told = record("0a", "replaced", 200, replacement="cd" * 100)
    assert row(told).split("\x1b[32m")[1].startswith("replaced")
    assert row(told).endswith(f"  0a  200  the new one: {'cd' * 7}c…cdcdcdcd")
    meaning = "taken by the push service, which says that the device has another token now"
    assert sentence(told) == f"replaced: {meaning}, 200, the new one: {'cd' * 100}"
    assert plain(told)["replacement"] == "cd" * 100
    assert "replacement" not in plain(record("0a", "accepted"))
