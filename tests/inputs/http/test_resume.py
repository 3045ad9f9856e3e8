"""A reader of events that comes back after the gateway was killed."""

import json
import signal
import subprocess

import pytest
import requests

from pushgate.cli.demo.directory import free_ports
from tests.cli.programs import CONFIGURATION, RunningGateway, end

DURABLE = (
    CONFIGURATION.replace('"memory"', '"state"')
    + """
[inputs.http]
type = "http"
listen = "tcp:{{http}}:interface=127.0.0.1"
[sinks.ledger]
type = "ledger"
[sinks.file]
type = "jsonl"
path = "outcomes"
"""
)
MANY = 3000


class Reader:
    """curl, as people run it; what it read so far, event by event.

    :ivar last: the id of the last event.
    """

    def __init__(self, url, last):
        self.last = last
        command = ["curl", "-sSN", "-H", f"Last-Event-ID: {last}", f"{url}/v1/outcomes"]
        self._process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE)

    def read(self, count):
        """The records of the next events, until there are so many or the answer ends.

        As the standard has it, what stands before an empty line is an event, and what is cut off is none.
        """
        found, fields = [], {}
        for line in self._process.stdout:
            if line == "\n":
                self.last = fields.get("id", self.last)
                found += [json.loads(fields["data"])] if "data" in fields else []
                fields = {}
                if len(found) == count:
                    break
            else:
                name, _, fields[name] = line.rstrip("\n").partition(": ")
        return found

    def close(self):
        """Go away."""
        self._process.terminate()
        self._process.wait(60)
        self._process.stdout.close()


def push(url, first, count):
    """Submit so many notifications in one request."""
    tokens = [f"{number:08x}" for number in range(first, first + count)]
    body = {"tokens": tokens, "payload": {"aps": {}}}
    answer = requests.post(f"{url}/v1/apps/demo/notifications", json=body, timeout=30)
    assert answer.status_code == 202, answer.text
    return tokens


@pytest.mark.timeout(120)
def test_killed_while_it_is_read(tmp_path):
    """Read in three turns, with a kill in the second: each notification's outcome comes, and comes once."""
    [port] = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    running = RunningGateway(tmp_path, DURABLE.replace("{{http}}", str(port)))
    try:
        told = push(url, 0, 10)
        reader = Reader(url, "0")
        found = reader.read(4)
        reader.close()
        told += push(url, 10, MANY)
        reader = Reader(url, reader.last)
        found += reader.read(1000)
        end(running.process, signal.SIGKILL)
        found += reader.read(MANY)
        reader.close()
        running.restart()
        told += push(url, 10 + MANY, 10)
        reader = Reader(url, reader.last)
        found += reader.read(len(told) - len(found))
        reader.close()
    finally:
        running.stop()
    assert sorted(record["token"] for record in found) == sorted(told)
    assert not [record for record in found if record["corrects"]]
