"""Who holds up the reactor is reported, while it does."""

import sys
from collections.abc import Callable
from types import FrameType

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from pushgate.inputs.line.server import LineInput
from pushgate.model.log_throttle import LOG_INTERVAL
from pushgate.model.metrics import Metrics
from pushgate.service.reactor_watchdog import CHECKS, GATEWAY, Watchdog, culprit, home
from tests.plug_ins import PlugInTestCase
from tests.process import ROOT, ProcessTestCase

PIGEON = """
import sys, time

class Pigeon:
    def fly(self):
        return sys._getframe()

    def ask(self, other):
        return other()
"""


class Reactor(Clock):
    """A clock whose other threads' calls wait until it turns."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Callable[[], object]] = []

    def callFromThread(self, function: Callable[[], object]) -> None:
        self.asked.append(function)

    def turn(self) -> None:
        asked, self.asked = self.asked, []
        for function in asked:
            function()


class CulpritTests(PlugInTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.found(self.directory(a_pigeon=PIGEON))
        self.pigeon = sys.modules["pushgate.plugins.a_pigeon"].Pigeon()

    def test_a_plug_in(self) -> None:
        """A plug-in whose code runs is named, with file, line and function."""
        part, where = culprit(self.pigeon.fly(), {"input a": object(), "sink post": self.pigeon})
        self.assertEqual(part, "sink post")
        self.assertTrue(where.endswith("/a_pigeon.py, line 6, in fly"), where)

    def test_what_it_calls(self) -> None:
        """So is one that waits in a library's code."""
        part, where = culprit(self.pigeon.ask(sys._getframe), {"sink post": self.pigeon})
        self.assertEqual(part, "sink post")
        self.assertTrue(where.endswith("in ask"), where)

    def test_two_of_one_plug_in(self) -> None:
        """Of two parts of one plug-in it may be either."""
        part, _ = culprit(self.pigeon.fly(), {"sink a": self.pigeon, "sink b": self.pigeon})
        self.assertEqual(part, "sink a or sink b")

    def test_the_gateway(self) -> None:
        """It is the gateway itself when none of the plug-ins runs, or the plug-in is in the middle of a call to it."""
        self.assertEqual(culprit(sys._getframe(), {"sink post": self.pigeon})[0], GATEWAY)
        self.assertEqual(culprit(None, {}), (GATEWAY, "unknown"))
        frames: list[FrameType] = []
        ours = {"__name__": "pushgate.gateway.gateway", "sys": sys, "frames": frames}
        exec("def submit(): frames.append(sys._getframe())", ours)
        self.pigeon.ask(ours["submit"])
        self.assertEqual(culprit(frames[0], {"sink post": self.pigeon})[0], GATEWAY)

    def test_homes(self) -> None:
        """A package is all its plug-in's; of ours the one in the layer's folder is, of a drop-in its file."""
        self.assertEqual(home("pigeon_post.sink.wings"), "pigeon_post")
        self.assertEqual(home(LineInput.__module__), "pushgate.inputs.line")
        self.assertEqual(home("pushgate.plugins.a_pigeon"), "pushgate.plugins.a_pigeon")


class WatchdogTests(PlugInTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.found(self.directory(a_pigeon=PIGEON))
        self.pigeon = sys.modules["pushgate.plugins.a_pigeon"].Pigeon()
        self.reactor, self.metrics = Reactor(), Metrics()
        self.watchdog = Watchdog(self.reactor, self.metrics, lambda: {"sink post": self.pigeon})
        self.frame: FrameType | None = self.pigeon.fly()

    def check(self, times: int) -> list[str]:
        """What is said in so many checks."""
        with capturedLogs() as events:
            for _ in range(times):
                self.watchdog.check(lambda: self.frame)
        return [formatEvent(event).partition(":")[0] for event in events]

    def turn(self) -> list[str]:
        """What is said when the reactor turns."""
        with capturedLogs() as events:
            self.reactor.turn()
        return [formatEvent(event) for event in events]

    def counted(self) -> dict[tuple[str, ...], int]:
        return self.metrics.counts["pushgate_blocked_total"]

    def test_a_reactor_that_turns(self) -> None:
        """Nothing is said as long as it answers before the last check."""
        for _ in range(3):
            self.assertEqual(self.check(CHECKS), [])
            self.assertEqual(self.turn(), [])
        self.assertEqual(self.counted(), {})

    def test_one_that_is_held_up(self) -> None:
        """Who holds it up is reported once while it does, and for how long when it is over; then it is counted."""
        said = "sink post holds up the reactor, nothing else runs meanwhile"
        self.assertEqual(self.check(CHECKS + 1), [said])
        self.assertEqual(self.check(10), [])
        self.reactor.advance(5)
        self.assertEqual(self.turn(), ["sink post held up the reactor for 5.0 s"])
        self.assertEqual(self.counted(), {("sink post",): 1})

    def test_again_and_again(self) -> None:
        """It is reported once a minute, and counted each time."""
        for _ in range(5):
            self.check(CHECKS + 1)
            self.turn()
        self.assertEqual(self.check(CHECKS + 1), [])
        self.assertEqual(self.turn(), [])
        self.reactor.advance(LOG_INTERVAL)
        self.assertEqual(len(self.check(CHECKS + 1)), 1)
        self.assertEqual(self.counted(), {("sink post",): 6})

    def test_a_slow_start(self) -> None:
        """Before the first turn only a plug-in is logged: the gateway may take its time to start."""
        self.frame = sys._getframe()
        self.assertEqual(self.check(CHECKS + 1), [])
        self.turn()
        self.assertEqual(len(self.check(CHECKS + 1)), 1)
        self.turn()
        self.assertEqual(self.counted(), {(GATEWAY,): 1})


BLOCKING = """
import time
from pathlib import Path
from pushgate.plugin.factories import Sink, SinkFactory
from pushgate.plugin.settings import FilePath, SinkTable

class Table(SinkTable):
    path: FilePath

class Blocking(Sink):
    def __init__(self, name, config, gateway, context):
        self.path = config.path

    def emit(self, reports):
        while not self.path.exists():
            time.sleep(0.01)

blocking = SinkFactory("blocking", "waits for a file", Table, Blocking)
"""


class ProcessTests(ProcessTestCase):
    async def test_a_sink_that_blocks(self) -> None:
        """A running gateway says which plug-in holds it up, while it does; when that ends all goes on."""
        plugins, key, inbox = (self.directory / name for name in ("plugins", "key", "inbox"))
        plugins.mkdir()
        inbox.mkdir()
        (plugins / "a_blocking.py").write_text(BLOCKING)
        (inbox / "a.json").write_text('{"app": "demo", "token": "0a1b", "payload": {}}')
        config = self.config(f"""
            [gateway]
            state_dir = "memory"
            [apps.demo]
            upstream = "dry-run"
            [inputs.drop]
            type = "folder"
            path = "{inbox}"
            [sinks.slow]
            type = "blocking"
            path = "{key}"
            [sinks.counts]
            type = "count"
            path = "{self.directory / "counts.txt"}"
        """)
        process = self.twistd(
            "pushgate", "--plugins", str(plugins), "--plugins", str(ROOT / "plugins"), "--config", config
        )
        line = "sink slow holds up the reactor, nothing else runs meanwhile: plugins/a_blocking.py, line "
        await process.until(lambda: line in process.out, "the alarm")
        key.touch()
        await process.until(lambda: "sink slow held up the reactor for " in process.out, "the end of it")
        counts = self.directory / "counts.txt"
        await process.until(
            lambda: counts.exists() and counts.read_text() == "accepted 1\n", "the other sink"
        )
        await process.stop()
        self.assertEqual(process.err, "")
