"""A gateway whose hub is in a PostgreSQL that is away as it starts, in a process of its own."""

import signal
import time

import pytest

from tests.cli.programs import CONFIGURATION, RunningGateway, pushgate

HUB = """
[hubs.away]
apns = "demo"
store = "{url}"
"""
REGISTER = ("hub", "register", "--hub", "away", "--platform", "apns", "--handle", "aa01")


@pytest.fixture
def away(postgresql):
    """The server, which is away; it is there again after the test."""
    postgresql.stop()
    yield postgresql
    postgresql.stop()
    postgresql.start()


@pytest.fixture
def gateway(away, tmp_path):
    """A gateway that was started then."""
    running = RunningGateway(tmp_path, CONFIGURATION + HUB.format(url=away.url))
    yield running
    running.stop()


def test_the_apps_are_served(away, gateway):
    """The hub refuses all meanwhile, and is served as soon as the server is there."""
    sent = pushgate("send", "--app", "demo", "--to", gateway.to, "--token", "aa01", "--alert", "Hi")
    assert sent.returncode == 0, sent
    refused = pushgate(*REGISTER, "--to", gateway.to)
    assert refused.returncode == 1
    assert "the hub's database cannot be reached; nothing was done" in refused.stderr
    [line] = [line for line in gateway.log().splitlines() if "hubs.away.store: " in line]
    assert "it is tried again" in line
    away.start()
    deadline = time.monotonic() + 30
    while (made := pushgate(*REGISTER, "--to", gateway.to)).returncode:
        assert time.monotonic() < deadline, made
    assert "hubs.away.store: the database is reached" in gateway.log()
    assert "Traceback" not in gateway.log()


def test_a_stop_meanwhile(gateway):
    """It is as clean as any."""
    gateway.process.terminate()
    assert gateway.process.wait(30) == -signal.SIGTERM
    assert "pushgate has stopped" in gateway.log()
    assert "Traceback" not in gateway.log()


def test_what_the_server_refuses(postgresql, tmp_path):
    """That does not pass by itself: the gateway does not start."""
    url = postgresql.url.replace("/postgres?", "/nothere?")
    with pytest.raises(AssertionError, match=r"cannot start: hubs\.away\.store: .*nothere.* does not exist"):
        RunningGateway(tmp_path, CONFIGURATION + HUB.format(url=url))
