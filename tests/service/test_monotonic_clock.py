"""A wall clock that is set, under a process that runs."""

import json

from twisted.internet import reactor
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from pushgate.client import connect
from pushgate.service.monotonic_clock import keep_steady
from tests.process import ProcessTestCase
from tests.samples import token

SETTABLE = """
import time
from pathlib import Path

true, offset = time.time, Path({offset!r})
time.time = lambda: true() + float(offset.read_text() or 0)
"""
"""Python runs it before anything else: the wall clock is off by what a file says."""
CONFIG = """
[gateway]
state_dir = "{directory}/state"

[apps.news]
upstream = "simulator"
response_timeout = "300ms"

[inputs.amp]
type = "amp"
listen = "tcp:0:interface=127.0.0.1"

[sinks.outcomes]
type = "jsonl"
path = "{directory}/outcomes.jsonl"
"""


class ProcessTests(ProcessTestCase):
    async def test_set_back_and_forward(self) -> None:
        """Time-outs last as long as ever after the clock was set by a day, either way; `at` is by the new clock."""
        offset = self.directory / "offset"
        offset.write_text("0")
        (self.directory / "sitecustomize.py").write_text(SETTABLE.format(offset=str(offset)))
        config = self.config(CONFIG.format(directory=self.directory))
        process = self.twistd("pushgate", "--config", config, installed=[self.directory])
        address = await process.address("input amp")
        outcomes = self.directory / "outcomes.jsonl"
        async with connect(reactor, f"tcp:{address}") as gateway:
            for number, seconds in enumerate((0, -86400, 86400)):
                offset.write_text(str(seconds))
                await gateway.push("news", token(number), {"aps": {}})
                await process.until(lambda: outcomes.read_text().count("\n") > number, "the outcome")  # noqa: B023 - it is awaited
        records = [json.loads(line) for line in outcomes.read_text().splitlines()]
        self.assertEqual([record["state"] for record in records], ["presumed"] * 3)
        self.assertLess(records[1]["at"], records[0]["at"] - 80000)
        self.assertGreater(records[2]["at"], records[0]["at"] + 80000)
        self.assertNotIn("Traceback", process.out + process.err)


class ReactorTests(SynchronousTestCase):
    def test_with_timers(self) -> None:
        """A reactor that has timers already keeps its clock: theirs is another time."""
        clock = Clock()
        clock.callLater(1, lambda: None)
        keep_steady(clock)
        self.assertEqual(clock.seconds(), 0.0)
