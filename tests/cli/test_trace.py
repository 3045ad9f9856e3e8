"""``pushgate trace``, of a gateway in a process of its own that is killed in between."""

import json
import signal

import pytest

from pushgate.cli.trace import sentence
from tests.cli.programs import CONFIGURATION, RunningGateway, end, pushgate

DURABLE = (
    CONFIGURATION.replace('"memory"', '"state"')
    + """
[sinks.ledger]
type = "ledger"
"""
)


def trace(gateway, number, *options):
    return pushgate("trace", number, "--to", gateway.to, *options)


def send(gateway, token):
    """Send one, and wait for its outcome; its id."""
    done = pushgate("send", "--app", "demo", "--token", token, "--alert", "x", "--to", gateway.to)
    return done.stdout.splitlines()[0]


def test_a_story(gateway):
    """Who asks reads when and through which input it came, on which connection it went, and how it ended."""
    number = send(gateway, "0b0b")
    lines = trace(gateway, number).stdout.splitlines()
    assert lines[:4] == [f"id     {number}", "app    demo", "token  0b0b", "state  presumed"]
    assert [line.split("s  ", 1)[1].split(maxsplit=1) for line in lines[4:6]] == [
        ["submitted", "through amp"], ["queued"],
    ]  # fmt: skip
    assert "written     on connection " in lines[6]
    assert lines[7].endswith("outcome     presumed")


def test_over_a_crash(tmp_path):
    """After a kill and a restart the whole story is known as before, on the way and in JSON."""
    running = RunningGateway(tmp_path, DURABLE)
    try:
        number = send(running, "dead0b0b")
        before = json.loads(trace(running, number, "--json").stdout)
        assert before["events"][-1]["reason"] == "InvalidToken"
    finally:
        end(running.process, signal.SIGKILL)
    running = RunningGateway(tmp_path, DURABLE)
    try:
        assert json.loads(trace(running, number, "--json").stdout) == before
        status = pushgate("trace", number[:-4] + "0999", "--to", running.to)
        assert (status.returncode, status.stdout) == (1, "")
        assert status.stderr.startswith("refused, NOT_FOUND: ")
    finally:
        running.stop()


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"event": "submitted", "input": None}, "through an input whose name is not known"),
        ({"event": "refused", "connection": 2, "reason": "ProcessingError"},
         "for now, on connection 2: ProcessingError; queued again"),
        ({"event": "discarded", "connection": 2, "reason": "InvalidToken"},
         "connection 2 ended for the sake of another: InvalidToken; queued again"),
        ({"event": "discarded", "connection": 2, "reason": "Shutdown"},
         "connection 2 was shut down by the push service before its turn; queued again"),
        ({"event": "lost", "connection": 2, "reason": "ConnectionLost"},
         "connection 2 ended without a word about it: ConnectionLost; queued again"),
        ({"event": "restarted"}, "the gateway was started, and found it in the spool"),
        ({"event": "outcome", "state": "rejected", "status": 8, "reason": "InvalidToken"}, "rejected 8 InvalidToken"),
        ({"event": "correction", "state": "rejected", "status": 8, "reason": "InvalidToken"},
         "rejected 8 InvalidToken; it takes the place of what was reported before"),
        ({"event": "something of tomorrow"}, ""),
    ],
)  # fmt: skip
def test_words(event, words):
    """Each event is said in words; one that is not known yet is named."""
    assert sentence(event) == words
