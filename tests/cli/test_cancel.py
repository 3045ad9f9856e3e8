"""``pushgate cancel`` and ``pushgate flush``, to a gateway in a process of its own."""

import json
import subprocess
import sys

import pytest

from tests.cli.programs import CONFIGURATION, RunningGateway, pushgate, wait_until

APPS = """
[apps.slow]
upstream = "simulator"
rate = 0.001
[apps.probed]
upstream = "simulator"
response_timeout = "60s"
confirm = "probe"
[apps.proven]
upstream = "simulator"
response_timeout = "60s"
confirm = "probe"
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A gateway with an app that sends next to nothing, and one whose notifications can be proven."""
    gateway = RunningGateway(tmp_path_factory.mktemp("cancel"), CONFIGURATION + APPS)
    yield gateway
    gateway.stop()


def sent(running, app, *options):
    """The id of a notification that was accepted."""
    what = ("--token", "0a01", "--alert", "x", "--json", "--wait", "0")
    done = pushgate("send", "--app", app, *what, "--to", running.to, *options)
    return json.loads(done.stdout)["id"]


def test_cancel(running):
    """What waits is withdrawn, once; what is unknown is refused."""
    sent(running, "slow")
    waiting = sent(running, "slow")
    done = pushgate("cancel", waiting, "--to", running.to)
    assert (done.stdout, done.returncode) == (f"{waiting} is cancelled\n", 0)
    done = pushgate("cancel", waiting, "--to", running.to)
    assert (
        done.stdout == f"{waiting} was written already, or is done; `pushgate trace {waiting}` says which\n"
    )
    assert done.returncode == 1
    done = pushgate("cancel", waiting, "--to", running.to, "--json")
    assert (json.loads(done.stdout), done.returncode) == ({"id": waiting, "cancelled": False}, 1)
    done = pushgate("cancel", waiting.replace(waiting[-4:], "ffff"), "--to", running.to)
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr.startswith("refused, NOT_FOUND: id: ")


def flushed(running, app, *options):
    """Send twice, wait until both are written, and flush."""
    number, last = sent(running, app), sent(running, app)
    wait_until(lambda: '"written"' in pushgate("trace", last, "--json", "--to", running.to).stdout)
    return pushgate("flush", number, "--to", running.to, *options)


def test_flush(running):
    """What was written is proven, once a minute at most; an app whose configuration does not allow it says so."""
    assert flushed(running, "probed").stdout == "2 are now known to be accepted\n"
    done = flushed(running, "proven", "--json")
    assert (json.loads(done.stdout)["proven"], done.stderr, done.returncode) == (2, "", 0)
    done = flushed(running, "proven")
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr.startswith("refused, OVERLOADED: ")
    refused = pushgate("flush", sent(running, "demo"), "--to", running.to)
    assert (refused.stderr.startswith("refused, INVALID: "), refused.returncode) == (True, 1)


def test_the_module():
    """``python -m pushgate`` is the command, and is called by its name."""
    done = subprocess.run(
        [sys.executable, "-m", "pushgate", "cancel"], text=True, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: pushgate cancel [OPTIONS] ID")
