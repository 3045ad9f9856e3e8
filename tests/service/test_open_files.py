"""The limit of open files: callers cannot have all of them."""

import os
import re
import resource
import socket
from contextlib import ExitStack
from typing import Any

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from pushgate.client import connect
from pushgate.plugin.settings import AppTable
from pushgate.service.config.reader import config_from
from pushgate.service.open_files import PROCESS, OpenFiles, most_callers, needed
from pushgate.service.plugin_registry import find
from tests.process import ProcessTestCase

CONFIG = """
[gateway]
state_dir = "memory"
[apps.demo]
upstream = "simulator"
response_timeout = "200ms"
idle_timeout = "200ms"
connections = 2
feedback = false
[inputs.amp]
type = "amp"
listen = "tcp:0:interface=127.0.0.1"
[inputs.line]
type = "line"
listen = "tcp:0:interface=127.0.0.1"
"""
LIMIT = 160
LIMITED = ("sh", "-c", f'ulimit -n {LIMIT}; exec "$@"', "sh")


class StrangersTests(ProcessTestCase):
    """A gateway in a process with few open files."""

    async def test_idle_strangers(self) -> None:
        """More than there are files, on two inputs: further ones are closed at once, and pushes still go out."""
        process = self.twistd("pushgate", "--config", self.config(CONFIG), before=LIMITED)
        ports = [await process.address(f"input {name}") for name in ("amp", "line")]
        self.assertIn(f"the limit of open files is {LIMIT}: inputs may have 2000 connections", process.out)
        async with connect(reactor, f"tcp:{ports[0]}") as client:
            outcomes = await client.watch(app="demo")
            while any((await client.stats())["apps"]["demo"]["connections"].values()):
                await deferLater(reactor, 0.05)  # the connections to the push service close: nothing to send
            with ExitStack() as strangers:
                for number in range(LIMIT + 40):
                    host, port = ports[number % 2].split(":")
                    stranger = strangers.enter_context(socket.socket())
                    stranger.connect((host, int(port)))
                closed = lambda: re.findall(r"inputs\.(\w+): \d+ connections closed since .*", process.out)  # noqa: E731 - short
                await process.until(lambda: len(closed()) == 2, "a line about those of each input")
                receipt = await client.push_batch("demo", [b"\x0a\x1b"], {"aps": {}})
                async for outcome in outcomes:
                    self.assertEqual((outcome.state, receipt.accepted), ("presumed", 1))
                    break
        self.assertEqual(sorted(closed()), ["amp", "line"])
        self.assertNotIn("Traceback", process.out)
        self.assertNotIn("not-resolved", process.out)


class LimitTests(SynchronousTestCase):
    def config(self, **inputs: Any) -> Any:
        """A configuration with these inputs."""
        tree = {
            "gateway": {"state_dir": "memory"},
            "apps": {"demo": {"upstream": "simulator", "connections": 7, "spare": 1}},
            "inputs": {name: {"type": name, **keys} for name, keys in inputs.items()},
            "sinks": {"metrics": {"type": "metrics", "max_connections": 10}},
        }
        return config_from(tree, "f", find())

    def limit(self, soft: int, hard: int) -> list[int]:
        """Stand in for the system; returns the limits that were set."""
        now = [soft]

        def set_limit(_: int, limits: tuple[int, int]) -> None:
            now.append(limits[0])

        self.patch(resource, "getrlimit", lambda _: (now[-1], hard))
        self.patch(resource, "setrlimit", set_limit)
        return now

    def test_what_may_be_wanted(self) -> None:
        """Callers on every address of every input; for all else, connections of apps and of sinks count."""
        config = self.config(amp={"max_connections": 100}, apns={"app": "demo", "max_connections": 10})
        self.assertEqual(most_callers(config), 120)
        self.assertGreater(needed(config), PROCESS + 7 + 32 + 10)

    def test_an_upstream_of_a_plug_in(self) -> None:
        """It need not say how many connections it has at most: those in its table count."""

        class Table(AppTable):
            connections: int = 50
            spare: int = 5

        config = self.config(amp={"max_connections": 100})
        without = needed(config)
        [(name, (upstream, _))] = config.apps.items()
        config.apps[name] = (upstream, Table(upstream="own"))
        self.assertEqual(needed(config) - without, 50 + 5 - (7 + 32))

    def test_the_limit_is_raised(self) -> None:
        """To an ample number, to more where the configuration wants more, no further than the system lets it."""
        for soft, hard, callers, expected in (
            (1024, 1 << 20, 1000, 65536),
            (1024, resource.RLIM_INFINITY, 1000, 65536),
            (1024, 1 << 20, 100_000, 100_000),
            (1024, 4096, 1000, 4096),
            (70_000, 1 << 20, 1000, 70_000),
            (resource.RLIM_INFINITY, resource.RLIM_INFINITY, 1000, resource.RLIM_INFINITY),
        ):
            now = self.limit(soft, hard)
            files = OpenFiles()
            with capturedLogs() as events:
                files.fit(self.config(amp={"max_connections": callers}))
            self.assertIn(now[-1] - expected, range(200), (soft, hard))
            self.assertEqual([formatEvent(event) for event in events], [])

    def test_too_low_a_limit(self) -> None:
        """Then one line says what there is and what may be wanted."""
        self.limit(1024, 1024)
        with capturedLogs() as events:
            OpenFiles().fit(self.config(amp={"max_connections": 1000}))
        [line] = map(formatEvent, events)
        self.assertIn("the limit of open files is 1024: inputs may have 1000 connections", line)

    def test_a_limit_that_cannot_be_raised(self) -> None:
        """The one there is stays, and the start goes on."""
        self.limit(1024, 4096)

        def refuse(*_: object) -> None:
            raise ValueError("not allowed to raise maximum limit")

        self.patch(resource, "setrlimit", refuse)
        with capturedLogs() as events:
            OpenFiles().fit(self.config(amp={"max_connections": 1000}))
        self.assertEqual(len(events), 1)

    def test_scarce(self) -> None:
        """When what is free is the reserve; with less than half of all files for callers never."""
        files = OpenFiles()
        lowest = os.dup(0)
        os.close(lowest)
        files.reserve = 10
        for limit, scarce in (
            (lowest + 1, True),
            (lowest + 10, True),
            (lowest + 11, False),
            (1 << 20, False),
        ):
            self.limit(limit, limit)
            self.assertEqual(files.scarce(), scarce, limit - lowest)
        self.limit(resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        self.assertFalse(files.scarce())
        self.limit(100, 100)

        def none_left(_: int) -> int:
            raise OSError(24, "Too many open files")

        self.patch(os, "dup", none_left)
        self.assertTrue(files.scarce())
