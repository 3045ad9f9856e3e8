"""A reload: whole or not at all, and nothing is lost on the way."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface import implementer

from pushgate.gateway.gateway import Gateway
from pushgate.gateway.limits import Limits
from pushgate.gateway.spool.memory import MemorySpool
from pushgate.model.errors import CannotStart, ShuttingDown, UnknownApp
from pushgate.model.metrics import Metrics
from pushgate.model.notification import Submission
from pushgate.model.outcome import State
from pushgate.model.packed import Packed
from pushgate.plugin.context import Context
from pushgate.plugin.optional_interfaces import IReadsFiles
from pushgate.plugin.settings import AppTable, FilePath, InputTable, PrincipalTable, SinkTable
from pushgate.plugins.builtin import apns_stream
from pushgate.service.config.named_files import all_digests, digests
from pushgate.service.config.reader import Config, GatewayTable
from pushgate.service.lifecycle import Lifecycle
from pushgate.service.parts import Parts
from pushgate.service.reload import CHECK, Reloader
from pushgate.simulator.certificates import Certificates
from pushgate.testing import RecordingInput, RecordingSink, RecordingUpstream, RecordingUpstreams
from tests.rig import Rig, live
from tests.samples import PAYLOAD, token
from tests.service.test_lifecycle import Reactor


class FileTable(AppTable):
    certificate: FilePath

    def files(self) -> dict[str, Path]:
        return {"certificate": self.certificate}


class RecordingParts:
    """Makes inputs without callers, and sinks, by name."""

    name = "x"

    def __init__(self) -> None:
        self.made: dict[str, Any] = {}
        self.next_error: Exception | None = None

    def input(self, name, config, gateway, context) -> RecordingInput:
        return self._made(name, RecordingInput())

    def sink(self, name, config, gateway, context) -> RecordingSink:
        return self._made(name, RecordingSink())

    def _made(self, name: str, part: Any) -> Any:
        part.error = self.next_error
        self.made[name] = part
        return part


class ReloadCase(SynchronousTestCase):
    """A lifecycle that was started with one app, one input and one sink."""

    first: ClassVar[dict[str, Any]] = {"apps": {"news": {}}, "inputs": ["front"], "sinks": ["all"]}

    def setUp(self) -> None:
        for each in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            self.addCleanup(signal.signal, each, signal.getsignal(each))
        self.clock, self.upstreams, self.parts = Reactor(), RecordingUpstreams(), RecordingParts()
        self.certificate = Path(self.mktemp())
        self.certificate.write_text("first")
        self.fault: CannotStart | None = None
        self.config = self.make(**self.first)
        self.start(self.config)

    def tearDown(self) -> None:
        """Close what is still closing."""
        for ending in self.gateway._apps.endings():
            ending.cancel()

    def make(self, apps=None, inputs=("front",), sinks=("all",), **gateway) -> Config:
        """A configuration with these apps (their settings), inputs and sinks."""
        tables = {
            name: FileTable(upstream="recording", certificate=self.certificate, **settings)
            for name, settings in ({"news": {}} if apps is None else apps).items()
        }
        parts: Any = self.parts
        return Config(
            GatewayTable.model_validate({"state_dir": "memory", **gateway}),
            {name: (self.upstreams, table) for name, table in tables.items()},
            {name: (parts, InputTable(type="x")) for name in inputs},
            {name: (parts, SinkTable(type="x")) for name in sinks},
        )

    def start(self, config: Config) -> None:
        context = Context(reactor=self.clock, wall=self.clock.seconds, jitter=lambda: 0.0, metrics=Metrics())
        self.gateway = Gateway(context, MemorySpool(self.clock), Limits(), iter(range(100)).__next__)
        for app, (factory, table) in config.apps.items():
            self.gateway.add_app(app, table, factory)
        sinks = {name: (self.parts.sink(name, None, None, None), 100) for name in config.sinks}
        inputs = {name: self.parts.input(name, None, None, None) for name in config.inputs}
        parts = Parts(self.gateway, sinks, inputs, 30.0)
        files = all_digests(config)
        self.reload = Reloader(parts, context, config, files, self.read)
        self.lifecycle = Lifecycle(parts, self.clock, reloader=self.reload)
        self.successResultOf(self.lifecycle.start())

    def read(self) -> Config:
        if self.fault is not None:
            raise self.fault
        return self.config

    @property
    def upstream(self) -> RecordingUpstream:
        return self.upstreams.made["news"]

    def reloaded(self, **config) -> list[str]:
        """What a reload of this configuration says that it changed."""
        self.config = self.make(**config)
        return self.successResultOf(self.gateway.reload())

    def refused(self, **config) -> list[str]:
        """What it says is wrong."""
        if config:
            self.config = self.make(**config)
        return self.failureResultOf(self.gateway.reload(), CannotStart).value.faults

    def submit(self, count: int = 1, app: str = "news") -> Deferred:
        tokens = Packed.of(map(token, range(count)), 1)
        return self.gateway.submit(Submission(app=app, tokens=tokens, payload=PAYLOAD), "front")

    def turn(self) -> None:
        self.clock.pump([0] * 3)

    def states(self) -> list[State]:
        self.turn()
        return [report.state for report in self.parts.made["all"].reports]


class TakenTests(ReloadCase):
    """A configuration that is taken up."""

    def test_nothing_changed(self) -> None:
        """Then nothing is touched."""
        upstream = self.upstream
        self.assertEqual(self.reloaded(), [])
        self.assertIs(self.upstream, upstream)
        self.assertEqual(self.parts.made["front"].history, ["start"])

    def test_apps(self) -> None:
        """Apps come, change and go in one step; each change has a line, in the log too."""
        self.reloaded(apps={"news": {}, "chat": {}, "mail": {}})
        before = dict(self.upstreams.made)
        with capturedLogs() as events:
            lines = self.reloaded(apps={"news": {"topic": "com.example"}, "chat": {"rate": 5.0}, "fresh": {}})
        self.assertEqual(
            lines,
            [
                "apps.fresh: added",
                "apps.mail: removed",
                "apps.news.topic: changed",
                "apps.chat.rate: changed",
            ],
        )
        self.assertEqual([formatEvent(e) for e in events], [f"reloaded: {line}" for line in lines])
        self.assertEqual(before["news"].history, ["start", "stop"])
        self.assertEqual(before["mail"].history, ["start", "stop"])
        self.assertIs(self.upstreams.made["chat"], before["chat"])
        for app in ("news", "chat", "fresh"):
            self.assertEqual(self.upstreams.made[app].history, ["start"])
            self.successResultOf(self.submit(app=app))
        self.failureResultOf(self.submit(app="mail"), UnknownApp)

    def test_in_flight(self) -> None:
        """What was written before is settled by the upstream that wrote it, what waits goes out by the new configuration."""
        self.submit(3)
        old = self.upstream
        old.take(2)
        old.holding = True
        self.reloaded(apps={"news": {"topic": "com.example"}})
        self.assertEqual(sum(map(len, self.upstream.take())), 1)
        self.upstream.settle(State.ACCEPTED)
        old.settle(State.PRESUMED)
        self.assertEqual(self.states(), [State.ACCEPTED, State.PRESUMED])

    def test_the_gateways_limits(self) -> None:
        """They hold from now on."""
        self.reloaded(queue_limit=1, drain_timeout="1s")
        self.successResultOf(self.submit())
        self.assertEqual(self.failureResultOf(self.submit()).value.code, "OVERLOADED")
        self.upstream.take()
        self.upstream.holding = True
        stopped = self.lifecycle.stop()
        self.clock.advance(1)
        self.turn()
        self.successResultOf(stopped)

    def test_inputs(self) -> None:
        """A new input listens when the answer comes; one that is gone is closed after the answer."""
        old = self.parts.made["front"]
        old.holding = True
        self.assertEqual(self.reloaded(inputs=["back"]), ["inputs.back: added", "inputs.front: removed"])
        self.assertEqual((old.history, self.parts.made["back"].history), (["start", "stop"], ["start"]))
        stopped = self.lifecycle.stop()
        self.turn()
        self.assertNoResult(stopped)
        old.release()
        self.successResultOf(stopped)
        self.assertEqual(old.history, ["start", "stop"])
        self.assertEqual(self.parts.made["back"].history, ["start", "stop"])

    def test_sinks(self) -> None:
        """A new sink hears of all that happens from now on; one that is gone gets what waits for it first."""
        self.submit(2)
        self.upstream.take(1)
        self.upstream.settle(State.ACCEPTED)
        self.reloaded(sinks=["other"])
        self.upstream.take(1)
        self.upstream.settle(State.ACCEPTED)
        self.turn()
        old, new = self.parts.made["all"], self.parts.made["other"]
        self.assertEqual(old.history, ["start", "emit", "stop"])
        self.assertEqual(new.history, ["start", "emit"])
        self.assertEqual((len(old.reports), len(new.reports)), (1, 1))

    def test_one_after_the_other(self) -> None:
        """A reload waits for the one before, and compares with what that one made."""
        self.config = self.make(apps={"news": {}, "chat": {}}, inputs=["front", "slow"])
        slow = RecordingInput()
        slow.holding = True
        self.parts._made = lambda name, part: slow
        first = self.gateway.reload()
        second = self.gateway.reload()
        self.assertNoResult(first)
        self.assertFalse(self.gateway.has_app("chat"), "not before all is ready")
        slow.release()
        self.assertEqual(self.successResultOf(first), ["apps.chat: added", "inputs.slow: added"])
        self.assertEqual(self.successResultOf(second), [])

    def test_hangup(self) -> None:
        """SIGHUP does it too, besides having the sinks open their files anew."""
        self.config = self.make(apps={"news": {}, "chat": {}})
        os.kill(os.getpid(), signal.SIGHUP)
        self.turn()
        self.assertTrue(self.gateway.has_app("chat"))
        self.assertIn("reopen", self.parts.made["all"].history)


class RefusedTests(ReloadCase):
    """A configuration that is not taken up: not even the part of it that is good."""

    def assert_as_before(self) -> None:
        """The first configuration runs, and takes notifications."""
        self.assertFalse(self.gateway.has_app("chat"))
        self.assertEqual(self.upstream.history, ["start"])
        self.assertEqual(self.parts.made["front"].history, ["start"])
        self.submit()
        self.upstream.take()
        self.upstream.settle(State.ACCEPTED)
        self.assertEqual(self.states(), [State.ACCEPTED])
        self.fault, self.parts.next_error, self.upstreams.faults = None, None, []
        self.assertEqual(self.reloaded(apps={"news": {}, "chat": {}}), ["apps.chat: added"])

    def test_a_file_with_faults(self) -> None:
        """Each fault is a line, to the caller and in the log."""
        self.fault = CannotStart(["f.toml: one", "f.toml: two"])
        with capturedLogs() as events:
            self.assertEqual(self.refused(), ["f.toml: one", "f.toml: two"])
        self.assertEqual(
            [formatEvent(event) for event in events],
            [f"not reloaded, nothing has changed: f.toml: {each}" for each in ("one", "two")],
        )
        self.assert_as_before()

    def test_at_a_hangup(self) -> None:
        """The same without a caller: the log has it, once, and no traceback."""
        self.fault = CannotStart(["f.toml: one"])
        with capturedLogs() as events:
            os.kill(os.getpid(), signal.SIGHUP)
            self.turn()
        self.assertEqual([event["log_level"].name for event in events], ["error"])
        self.assert_as_before()

    def test_what_needs_a_restart(self) -> None:
        """Is named by its key."""
        [fault] = self.refused(apps={"news": {}, "chat": {}}, state_dir="/elsewhere")
        self.assertIn("gateway.state_dir: ", fault)
        self.assert_as_before()

    def test_an_upstream_that_cannot_be_made(self) -> None:
        """All faults are reported at once, a sink's beside an app's."""
        self.upstreams.faults = ["apps.chat.certificate: no such file"]
        self.parts.sink = lambda *_: self.refuse("sinks.more.path: no")
        faults = self.refused(apps={"news": {}, "chat": {}}, sinks=["all", "more"])
        self.assertEqual(faults, ["apps.chat.certificate: no such file", "sinks.more.path: no"])
        del self.parts.sink
        self.assert_as_before()

    def refuse(self, fault: str) -> None:
        raise CannotStart([fault])

    def test_an_upstream_that_cannot_start(self) -> None:
        """What was started before it is closed again."""
        self.patch(RecordingUpstream, "start", lambda _: self.refuse("simulator.listen: in use"))
        self.assertEqual(
            self.refused(apps={"news": {}, "chat": {}}, sinks=["all", "more"]), ["simulator.listen: in use"]
        )
        self.turn()
        self.assertEqual(self.parts.made["more"].history, ["start", "stop"])

    def test_a_sink_that_cannot_start(self) -> None:
        """No upstream connects then."""
        self.parts.next_error = CannotStart(["sinks.more.path: no"])
        news = self.upstream
        self.assertEqual(
            self.refused(apps={"news": {}, "chat": {}}, sinks=["all", "more"]), ["sinks.more.path: no"]
        )
        self.assertEqual(self.upstreams.made["chat"].history, [])
        self.assertEqual(news.history, ["start"])
        self.assert_as_before()

    def test_an_input_that_cannot_listen(self) -> None:
        """What was opened before it is closed again."""
        self.parts.next_error = CannotStart(["inputs.back.listen: in use"])
        self.assertEqual(
            self.refused(apps={"news": {}, "chat": {}}, inputs=["front", "back"]),
            ["inputs.back.listen: in use"],
        )
        self.assertEqual(self.upstreams.made["chat"].history, ["start", "abort"])
        self.flushLoggedErrors(CannotStart)
        self.assert_as_before()

    def test_several_inputs_that_cannot_listen(self) -> None:
        """Each has its line."""
        self.parts.next_error = CannotStart(["inputs.NAME.listen: in use"])
        self.assertEqual(self.refused(inputs=["front", "back", "side"]), ["inputs.NAME.listen: in use"] * 2)
        self.assertEqual(self.parts.made["side"].history, ["start", "stop"])
        self.flushLoggedErrors(CannotStart)
        self.assert_as_before()

    def test_a_bug(self) -> None:
        """Whatever a plug-in raises leaves all as it was; the log has the traceback."""
        self.parts.input = lambda *_: 1 / 0
        self.config = self.make(inputs=["front", "back"])
        os.kill(os.getpid(), signal.SIGHUP)
        self.turn()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assert_as_before()

    def test_while_it_stops(self) -> None:
        """A gateway that stops reloads nothing."""
        self.lifecycle.stop()
        self.failureResultOf(self.gateway.reload(), ShuttingDown)
        self.turn()

    def test_a_stop_in_its_middle(self) -> None:
        """A reload that waits for an input when the gateway stops changes nothing, and holds nothing up."""
        slow = RecordingInput()
        slow.holding = True
        self.parts._made = lambda name, part: slow
        self.config = self.make(apps={"news": {}, "chat": {}}, inputs=["front", "slow"])
        reloading = self.gateway.reload()
        slow.holding = False
        stopped = self.lifecycle.stop()
        self.turn()
        self.failureResultOf(reloading)
        self.successResultOf(stopped)
        self.assertFalse(self.gateway.has_app("chat"))
        self.assertEqual(slow.history, ["start", "stop"])
        self.assertEqual(self.clock.getDelayedCalls(), [])


class RenewedTests(ReloadCase):
    """A certificate file is renewed."""

    def test_with_a_reload(self) -> None:
        """The app has another upstream, and the line names the key."""
        old = self.upstream
        self.certificate.write_text("second")
        self.assertEqual(self.reloaded(), ["apps.news.certificate: the file was renewed"])
        self.assertIsNot(self.upstream, old)
        self.assertEqual(self.reloaded(), [])

    def test_with_another_change(self) -> None:
        """One that is changed anyway is replaced once."""
        self.certificate.write_text("second")
        self.assertEqual(self.reloaded(apps={"news": {"topic": "x"}}), ["apps.news.topic: changed"])
        self.assertEqual(self.reloaded(apps={"news": {"topic": "x"}}), [])

    def test_with_a_change_that_leaves_the_upstream(self) -> None:
        """One whose rate changes as well has both."""
        self.certificate.write_text("second")
        self.assertEqual(
            self.reloaded(apps={"news": {"rate": 1.0}}),
            ["apps.news.rate: changed", "apps.news.certificate: the file was renewed"],
        )

    def test_by_itself(self) -> None:
        """Nobody has to say so: it is seen within a minute. What else changed in the configuration waits."""
        old = self.upstream
        self.config = self.make(apps={"news": {}, "chat": {}})
        self.clock.advance(CHECK)
        self.assertIs(self.upstream, old)
        self.certificate.write_text("second")
        with capturedLogs() as events:
            self.clock.advance(CHECK)
            self.clock.advance(CHECK)
        self.assertEqual(old.history, ["start", "stop"])
        self.assertEqual(self.upstream.history, ["start"])
        self.assertFalse(self.gateway.has_app("chat"))
        [line] = map(formatEvent, events)
        self.assertEqual(line, "apps.news.certificate: the file was renewed, and is used from now on")

    def test_one_that_cannot_be_used(self) -> None:
        """A file that is bad, or half written, is reported once and the old one stays in use; later it is tried again."""
        old = self.upstream
        self.certificate.write_text("half")
        self.upstreams.faults = ["apps.news.certificate: no certificate in PEM"]
        with capturedLogs() as events:
            self.clock.advance(CHECK)
            self.clock.advance(CHECK)
        [line] = map(formatEvent, events)
        self.assertEqual(line, "renewed, but not used: apps.news.certificate: no certificate in PEM")
        self.assertIs(self.upstream, old)
        self.upstreams.faults = []
        self.certificate.write_text("whole")
        self.clock.advance(CHECK)
        self.assertIsNot(self.upstream, old)

    def test_one_that_goes_away(self) -> None:
        """A file that cannot be read does no harm while it is not needed."""
        self.certificate.unlink()
        self.upstreams.faults = ["apps.news.certificate: No such file"]
        self.clock.advance(CHECK)
        self.assertEqual(self.upstream.history, ["start"])

    def test_a_bug(self) -> None:
        """What an upstream raises does not end the checks."""
        self.certificate.write_text("second")
        self.patch(self.upstreams, "upstream", lambda *_: 1 / 0)
        self.clock.advance(CHECK)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertTrue(self.reload._checking.running)


class PartTable(InputTable):
    secret: FilePath

    def files(self) -> dict[str, Path]:
        return self.given("secret")


@implementer(IReadsFiles)
class Reader(RecordingInput):
    """An input that reads its file again; empty ones are of no use."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file, self.content = file, file.read_text()

    def read_files(self) -> Callable[[], None]:
        found = self.file.read_text()
        if not found:
            raise CannotStart(["inputs.front.secret: it is empty"])
        return lambda: setattr(self, "content", found)


class PartFilesTests(ReloadCase):
    """A file of an input or a sink is renewed."""

    def make(self, *args: Any, **options: Any) -> Config:
        config = super().make(*args, **options)
        self.secret = self.certificate.with_name("secret")
        if not self.secret.exists():
            self.secret.write_text("one")
        parts: Any = self.parts
        table = PartTable(type="x", secret=self.secret)
        return msgspec.structs.replace(config, inputs={"front": (parts, table)})

    def test_it_is_read_again(self) -> None:
        """By the part itself, when all else has worked."""
        part = self.lifecycle._parts.inputs["front"] = Reader(self.secret)
        self.secret.write_text("two")
        self.fault = CannotStart(["f.toml: one"])
        self.refused()
        self.assertEqual(part.content, "one")
        self.fault = None
        self.assertEqual(self.reloaded(), ["inputs.front.secret: the file was renewed"])
        self.assertEqual(part.content, "two")
        self.assertEqual(self.reloaded(), [])

    def test_it_cannot_be_used(self) -> None:
        """The reload is refused as a whole, each time until the file is mended."""
        part = self.lifecycle._parts.inputs["front"] = Reader(self.secret)
        self.secret.write_text("")
        for _ in range(2):
            self.assertEqual(
                self.refused(apps={"news": {}, "chat": {}}), ["inputs.front.secret: it is empty"]
            )
        self.assertEqual((part.content, self.gateway.has_app("chat")), ("one", False))
        self.secret.write_text("one")
        self.assertEqual(self.reloaded(), [])

    def test_a_part_that_does_not_read_it(self) -> None:
        """The line says that it is not used yet."""
        self.secret.write_text("two")
        [line] = self.reloaded()
        self.assertEqual(
            line, "inputs.front.secret: the file was renewed, and is read at the next start at the latest"
        )


class PrincipalsTests(ReloadCase):
    def test_none_are_left(self) -> None:
        """It is reported once what that means; at the next reload nothing has changed."""
        without = self.config
        self.config = msgspec.structs.replace(
            without, principals={"shop": PrincipalTable(certificate="CN=shop")}
        )
        self.successResultOf(self.gateway.reload())
        self.config = without
        with capturedLogs() as events:
            self.assertEqual(self.successResultOf(self.gateway.reload()), ["principals.shop: removed"])
            self.assertEqual(self.successResultOf(self.gateway.reload()), [])
        [line] = [formatEvent(event) for event in events if event["log_level"].name == "warn"]
        self.assertIn("others none until there are principals again", line)


class RealTests(TestCase):
    """Over real TLS."""

    timeout = 60

    async def test_a_renewed_certificate(self) -> None:
        """In the middle of a stream of notifications: each arrives once, the rest over new connections."""
        rig = await Rig(self.mktemp()).start()
        self.addCleanup(lambda: Deferred.fromCoroutine(rig.stop()))
        tokens = [live(number) for number in range(6000)]
        await rig.push(tokens[:3000])
        while not rig.simulator.received.entries():
            await rig.beat()
        before = rig.simulator.summary()["connections"]
        candidate = rig.gateway.candidate("news", rig.table(), apns_stream)
        candidate.start()
        rig.gateway.admit(candidate, 30.0)
        await rig.push(tokens[3000:])
        await rig.settled()
        self.assertEqual(set(rig.received().values()), {1})
        self.assertEqual(set(rig.received()), set(tokens))
        self.assertEqual(rig.audience.tokens(State.PRESUMED), set(tokens))
        self.assertGreater(rig.simulator.summary()["connections"]["accepted"], before["accepted"])

    def test_files_of_a_real_app(self) -> None:
        """A certificate made anew is another one, also under the same name."""
        here = Path(self.mktemp())
        table = Rig(str(here)).table()
        first = digests(table)
        table.certificate.write_bytes(Certificates.in_directory(here / "others").client.read_bytes())
        self.assertNotEqual(digests(table)["certificate"], first["certificate"])
        self.assertEqual(digests(table)["trust"], first["trust"])
