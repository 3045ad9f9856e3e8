"""The gateway's middle: who is let in, what is reported of it, and that the books are right."""

import json
from uuid import UUID

from msgspec import to_builtins
from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, capturedLogs
from zope.interface import alsoProvides, directlyProvides
from zope.interface.verify import verifyObject

from pushgate.gateway.gateway import Gateway
from pushgate.gateway.limits import Limits
from pushgate.gateway.spool.interface import ISpool, Kept
from pushgate.gateway.spool.memory import MemorySpool
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.model.errors import (
    CannotStart,
    Invalid,
    NotFound,
    Overloaded,
    ShuttingDown,
    TooLarge,
    UnknownApp,
)
from pushgate.model.gateway_stats import gateway_stats
from pushgate.model.history import Event, Step
from pushgate.model.notification import Delivery, Priority, Submission, Terms, batch_id
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.outcome import DeadToken, Outcome, State, Verdict
from pushgate.model.outcome_record import lines
from pushgate.model.packed import Packed
from pushgate.model.target import TargetForm
from pushgate.net.prometheus import Exposition
from pushgate.plugin.factory_interfaces import IUpstreamFactory
from pushgate.plugin.gateway_interface import IGateway, Receipt
from pushgate.plugin.input_interface import IInput
from pushgate.plugin.settings import AppTable
from pushgate.plugin.upstream_interface import (
    IHasChannels,
    IInFlight,
    IUpstream,
    IWork,
    RouteState,
    UpstreamState,
)
from pushgate.protocols.apns_rules import APNS_RULES
from pushgate.testing import MemoryChannels, RecordingInput, RecordingSink, RecordingSpool, RecordingUpstreams
from tests.gateway_rig import EPOCH, GatewayRig, GatewayTestCase, now, tokens_of
from tests.samples import CHANNEL, PAYLOAD, WITH_CHANNELS, batch, token


def alone(suspect: BatchSlice) -> BatchSlice:
    """The span as one that must travel alone."""
    return replace(suspect, alone=1)


class InterfaceTests(GatewayTestCase):
    def test_providers(self) -> None:
        """The gateway, its share of an app, and the fakes that stand for its neighbours are what they say."""
        upstream = self.rig.upstream
        for interface, provider in (
            (IGateway, self.rig.gateway),
            (IWork, upstream.work),
            (IUpstream, upstream),
            (IUpstreamFactory, RecordingUpstreams()),
            (ISpool, RecordingSpool()),
            (ISpool, MemorySpool(self.rig.clock)),
            (IInput, RecordingInput()),
        ):
            self.assertTrue(verifyObject(interface, provider))

    def test_an_upstream_that_cannot_be_made(self) -> None:
        """An app whose upstream cannot be made is none, and the reason is the factory's."""
        gateway = Gateway(self.rig.context, MemorySpool(self.rig.clock), Limits(), lambda: 0)
        factory = RecordingUpstreams()
        factory.faults = ["apps.a.certificate: no such file"]
        with self.assertRaises(CannotStart):
            gateway.add_app("a", AppTable(upstream="recording"), factory)
        self.assertFalse(gateway.has_app("a"))


class ChannelTests(GatewayTestCase):
    def test_the_channels_of_an_app(self) -> None:
        """They are its upstream's, if that has any; none are given out while the gateway stops."""
        gateway, upstream = self.rig.gateway, self.rig.upstream
        with self.assertRaises(UnknownApp):
            gateway.channels("unknown")
        with self.assertRaisesRegex(Invalid, "^app: news has no channels"):
            gateway.channels("news")
        channels = upstream.channels = MemoryChannels()
        directlyProvides(upstream, IUpstream, IHasChannels)
        self.assertIs(gateway.channels("news"), channels)
        gateway.refuse()
        with self.assertRaises(ShuttingDown):
            gateway.channels("news")

    def test_broadcasts(self) -> None:
        """The form of a batch says that its targets are a channel, whatever the form of tokens is."""
        app = self.rig.gateway._apps.configured("news")
        app.configure(app.config, WITH_CHANNELS)
        targets = Packed.of([CHANNEL.encode()], 2)
        submission = Submission(app="news", tokens=targets, payload=PAYLOAD, terms=Terms(channel=CHANNEL))
        receipt = self.successResultOf(self.rig.gateway.submit(submission, "test"))
        outcome = self.rig.gateway.status(receipt.id)
        assert isinstance(outcome, Outcome)
        self.assertEqual(outcome.span.batch.form, TargetForm.CHANNEL)
        app.configure(app.config, APNS_RULES)
        self.assertEqual(self.rig.upstream.work.take(1, True), [])
        self.assertEqual(self.rig.reported(), [(CHANNEL.encode(), State.FAILED, "ChannelsNotSupported")])


class AdmissionTests(GatewayTestCase):
    def test_unknown_app(self) -> None:
        """An app that is not configured is refused, and its name, which anybody can make up, is no label."""
        self.refused(UnknownApp, 3, app="nobody")
        self.assertEqual(self.rig.counted("pushgate_refused_total", "", "test", "UNKNOWN_APP"), 3)
        self.assertFalse(self.rig.gateway.has_app("nobody"))
        self.assertTrue(self.rig.gateway.has_app("news"))

    def test_ids(self) -> None:
        """A receipt has the id of a version 7 UUID of now; members count on from it."""
        receipt = self.accepted(3)
        self.assertEqual(receipt, Receipt(batch_id(EPOCH, 1), 3))
        self.assertEqual(UUID(int=receipt.id).version, 7)
        self.assertNotEqual(self.accepted().id, receipt.id)
        self.assertEqual(self.rig.status(receipt.id + 2)["token"], token(2).hex())

    def test_one_bad_member_is_refused_by_index(self) -> None:
        """Bad members are refused each with its reason; the others go, and keep the ids of their places."""
        payloads = Packed.of([PAYLOAD, b"[]", PAYLOAD, b"{" + b" " * 3000 + b"}", PAYLOAD], 2)
        members = [token(0), token(1), b"", token(3), token(4)]
        receipt = self.accepted(members, payloads)
        self.assertEqual(
            [(index, refusal.code) for index, refusal in receipt.refused],
            [(1, "INVALID"), (2, "INVALID"), (3, "TOO_LARGE")],
        )
        self.assertEqual(tokens_of(self.rig.upstream.take()), [token(0), token(4)])
        self.rig.upstream.settle(State.ACCEPTED)
        self.assertEqual(self.rig.status(receipt.id + 4)["state"], "accepted")
        for hole in (1, 2, 3, 5):
            self.assertRaises(NotFound, self.rig.gateway.status, receipt.id + hole)
            self.assertRaises(NotFound, self.rig.gateway.cancel, receipt.id + hole)
        self.assertEqual(self.rig.gateway.left(), 0)

    def test_refusals_do_not_tell_content(self) -> None:
        """The text of a refusal names field, shape and rule, never a token or payload."""
        receipt = self.accepted([token(0), b"\xab" * 101], b'{"aps":1}')
        [(_, refusal)] = receipt.refused
        self.assertEqual(str(refusal), "token: 101 bytes; 1 to 100 bytes")

    def test_all_members_refused(self) -> None:
        """When every member is bad the receipt says so of each, and nothing waits, is kept, or is remembered."""
        rig = self.rig = GatewayRig(spool=RecordingSpool())
        receipt = self.accepted([b"", b""], key="k")
        self.assertEqual([index for index, _ in receipt.refused], [0, 1])
        self.failureResultOf(rig.gateway.status(receipt.id), NotFound)
        self.assertEqual((rig.upstream.wakes, rig.gateway.left()), (0, 0))
        self.assertEqual(rig.counted("pushgate_refused_total", "news", "test", "INVALID"), 2)

    def test_a_refused_batch_does_not_use_up_its_key(self) -> None:
        """Nothing was accepted under the key, so the corrected batch may have it."""
        self.accepted([b""], key="k")
        self.assertEqual(self.accepted(1, key="k").refused, ())
        self.assertEqual(self.rig.gateway.left(), 1)

    def test_a_shared_payload_that_is_bad(self) -> None:
        """A payload that all share and none can have refuses the whole, before anything is queued."""
        error = self.refused(TooLarge, 2, b"{" + b" " * 2047 + b"}")
        self.assertEqual((error.size, error.limit), (2049, 2048))
        self.refused(Invalid, 2, b'{"aps":')
        self.assertEqual(self.rig.counted("pushgate_refused_total", "news", "test", "TOO_LARGE"), 2)
        self.assertEqual(self.rig.gateway.stats()["apps"]["news"]["queue"], 0)

    def test_the_app_sets_the_payload_limit(self) -> None:
        """`max_payload` bytes are accepted, one more is refused."""
        self.rig = GatewayRig(max_payload=10)
        self.accepted(1, b'{"a":1234}')
        self.refused(TooLarge, 1, b'{"a":12345}')

    def test_overloaded_at_the_limit(self) -> None:
        """What fits exactly is accepted; one more is refused with the numbers; other apps are not concerned."""
        self.rig = GatewayRig(limits=Limits(queue=10))
        self.accepted(7)
        self.refused(Overloaded, 4)
        self.accepted(3)
        error = self.refused(Overloaded, 1)
        self.assertEqual((error.queued, error.limit), (10, 10))
        self.accepted(10, app="chat")
        self.rig.upstream.take(1)
        self.accepted(1)

    def test_what_was_refused_takes_no_room(self) -> None:
        """A bad member counts neither against the limit now nor while the spool is at work."""
        spool = RecordingSpool()
        self.rig = GatewayRig(spool=spool, limits=Limits(queue=4))
        first = self.rig.submit([token(0), b"", b"", b"", token(1)])
        second = self.rig.submit(2)
        spool.release()
        self.assertEqual(len(self.successResultOf(first).refused), 3)
        self.successResultOf(second)

    def test_what_the_spool_is_keeping_counts(self) -> None:
        """Submissions that arrive while others are being kept cannot overrun the limit together."""
        spool = RecordingSpool()
        self.rig = GatewayRig(spool=spool, limits=Limits(queue=4))
        first = self.rig.submit(3)
        self.refused(Overloaded, 2)
        spool.fail(OSError("disk full"))
        self.failureResultOf(first, OSError)
        second = self.rig.submit(4)
        self.assertNoResult(second)
        self.refused(Overloaded, 1)
        spool.release()
        self.successResultOf(second)
        self.refused(Overloaded, 1)

    def test_answered_when_it_is_safe(self) -> None:
        """A submission is answered, and sent, only once the spool has kept it."""
        spool = RecordingSpool()
        self.rig = GatewayRig(spool=spool)
        answer = self.rig.submit(2)
        self.assertNoResult(answer)
        self.assertEqual((self.rig.upstream.wakes, self.rig.upstream.take()), (0, []))
        spool.release()
        self.successResultOf(answer)
        self.assertEqual((self.rig.upstream.wakes, len(self.rig.upstream.take()[0])), (1, 2))

    def test_the_spool_hears_of_outcomes(self) -> None:
        """What is settled need not be kept any longer."""
        spool = RecordingSpool()
        self.rig = GatewayRig(spool=spool)
        self.rig.submit(2)
        spool.release()
        self.rig.upstream.take()
        self.rig.upstream.settle(State.ACCEPTED)
        self.assertEqual([len(outcome.span) for outcome in spool.settled], [2])

    def test_what_was_kept_is_sent_after_a_restart(self) -> None:
        """The spool's batches wait before the first submission does."""
        spool = RecordingSpool(Kept(batch(2, order=1), ((0, 2),)))
        self.rig = GatewayRig(spool=spool)
        self.assertEqual(self.rig.gateway.left(), 2)
        self.assertEqual(tokens_of(self.rig.upstream.take()), [token(0), token(1)])

    def test_shutting_down(self) -> None:
        """A gateway that stops takes nothing new."""
        self.rig.gateway.refuse()
        self.refused(ShuttingDown, 1)
        self.assertEqual(self.rig.counted("pushgate_refused_total", "news", "test", "SHUTTING_DOWN"), 1)

    def test_delivery(self) -> None:
        """A batch has its own delivery policy, or the app's."""
        self.rig = GatewayRig(delivery="at-most-once")
        self.accepted(1)
        self.accepted(1, delivery=Delivery.AT_LEAST_ONCE)
        policies = [each.batch.delivery for each in self.rig.upstream.take()]
        self.assertEqual(policies, [Delivery.AT_MOST_ONCE, Delivery.AT_LEAST_ONCE])

    def test_urgent_passes_bulk(self) -> None:
        """Priority 10 goes before priority 5, whenever it came."""
        self.accepted([token(5)], priority=Priority.BULK)
        self.accepted([token(10)])
        self.assertEqual(tokens_of(self.rig.upstream.take()), [token(10), token(5)])


class StatusTests(GatewayTestCase):
    def test_on_its_way(self) -> None:
        """A notification is queued until its upstream takes it, and written until it is settled."""
        number = self.accepted(2).id
        record = self.rig.status(number + 1)
        self.assertEqual((record["state"], record["attempts"], record["at"]), ("queued", 0, EPOCH))
        self.assertEqual((record["index"], record["batch"]), (1, str(UUID(int=number))))
        self.rig.upstream.take(1)
        self.assertEqual([self.rig.status(number + i)["state"] for i in (0, 1)], ["written", "queued"])
        self.assertEqual(self.rig.status(number)["attempts"], 1)

    def test_with_the_upstream(self) -> None:
        """What its upstream has, and waits to write, is queued as well: its host may be down, or have refused it."""
        number = self.accepted(1).id
        upstream = self.rig.upstream
        [waits] = upstream.work.take(1, True)
        upstream.find = lambda batch, index: waits
        upstream.state = lambda: UpstreamState(connections={}, window=0, delayed=1)
        alsoProvides(upstream, IInFlight)
        record = self.rig.status(number)
        self.assertEqual((record["state"], record["attempts"]), ("queued", 0))
        trace = json.loads(self.successResultOf(self.rig.gateway.trace(number)).json())
        self.assertEqual((trace["state"], trace["attempts"]), ("queued", 0))
        for event, state in (
            (Event.WRITTEN, "written"),
            (Event.REFUSED, "queued"),
            (Event.WRITTEN, "written"),
        ):
            step = Step(event, EPOCH)
            waits = waits.written(step) if event is Event.WRITTEN else waits.noted(step)
            self.assertEqual(self.rig.status(number)["state"], state)
        self.assertEqual(self.rig.status(number)["attempts"], 2)

    def test_each_outcome(self) -> None:
        """Each final state is reported with status, reason, time and attempts of that one member."""
        states = [
            State.ACCEPTED, State.REPLACED, State.PRESUMED, State.REJECTED, State.EXPIRED, State.UNKNOWN,
            State.FAILED,
        ]  # fmt: skip
        number = self.accepted(len(states)).id
        [taken] = self.rig.upstream.take()
        self.rig.clock.advance(7)
        for index, state in enumerate(states):
            self.rig.upstream.settle(state, taken.part(index, index + 1), status=index, reason=f"R{index}")
        for index, state in enumerate(states):
            record = self.rig.status(number + index)
            reported = [record[key] for key in ("state", "status", "reason", "at", "attempts", "index")]
            self.assertEqual(reported, [state, index, f"R{index}", EPOCH + 7, 1, index])
            self.assertEqual(record["upstream"], "recording")

    def test_a_new_token(self) -> None:
        """What the push service says that the device's token is now is in the report, the record and the trace."""
        number = self.accepted(2).id
        [taken] = self.rig.upstream.take()
        self.rig.upstream.work.settle(
            [
                Verdict(taken.part(0, 1), State.ACCEPTED, 200),
                Verdict(taken.part(1, 2), State.REPLACED, 200, replacement=b"\xab\xcd"),
            ]
        )
        states = [(token(0), State.ACCEPTED, ""), (token(1), State.REPLACED, "")]
        self.assertEqual(self.rig.reported(), states)
        self.assertEqual([report.replacement for report in self.rig.sink.reports], [b"", b"\xab\xcd"])
        self.assertNotIn("replacement", self.rig.status(number))
        self.assertEqual(self.rig.status(number + 1)["replacement"], "abcd")
        trace = json.loads(now(self.rig.gateway.trace(number + 1)).json())
        self.assertEqual((trace["replacement"], trace["events"][-1]["state"]), ("abcd", "replaced"))
        self.assertEqual(self.rig.counted("pushgate_outcomes_total", "news", "replaced", ""), 1)
        self.assertEqual(self.rig.gateway.stats()["outcomes"]["news"], {"accepted": 1, "replaced": 1})

    def test_the_record_is_the_sinks(self) -> None:
        """Asked for, an outcome reads as it was reported: same id, same time."""
        number = self.accepted().id
        self.rig.upstream.take()
        self.rig.upstream.settle(State.REJECTED, status=8, reason="InvalidToken")
        self.rig.clock.advance(60)
        self.assertEqual(self.rig.status(number)["at"], EPOCH)

    def test_unknown_and_forgotten(self) -> None:
        """An id nobody gave out, and one whose outcome is no longer kept, are not found."""
        number = self.accepted().id
        self.rig.upstream.take()
        self.rig.upstream.settle(State.ACCEPTED)
        self.assertRaises(NotFound, self.rig.gateway.status, 12345)
        for _ in range(8):
            self.accepted(65536)
            self.rig.upstream.take(65536)
            self.rig.upstream.settle(State.ACCEPTED)
        self.assertRaises(NotFound, self.rig.gateway.status, number)
        self.assertRaises(NotFound, self.rig.gateway.cancel, number)


class CancelTests(GatewayTestCase):
    def test_queued(self) -> None:
        """What still waits is withdrawn, alone, and its outcome says so."""
        number = self.accepted(3).id
        self.assertTrue(self.rig.gateway.cancel(number + 1))
        self.assertEqual(self.rig.states(), {token(1): State.CANCELLED})
        self.assertEqual(tokens_of(self.rig.upstream.take()), [token(0), token(2)])
        self.assertEqual(self.rig.status(number + 1)["state"], "cancelled")

    def test_written(self) -> None:
        """What was written cannot be called back, and goes on as if nobody had asked."""
        number = self.accepted().id
        self.rig.upstream.take()
        self.assertFalse(self.rig.gateway.cancel(number))
        self.rig.upstream.settle(State.ACCEPTED)
        self.assertEqual(self.rig.states(), {token(0): State.ACCEPTED})

    def test_done(self) -> None:
        """What is done stays as it is; a second cancel changes nothing."""
        number = self.accepted().id
        self.assertTrue(self.rig.gateway.cancel(number))
        self.assertFalse(self.rig.gateway.cancel(number))
        self.assertEqual(self.rig.states(), {token(0): State.CANCELLED})

    def test_requeued(self) -> None:
        """What came back from a lost connection waits again, and can be withdrawn again."""
        number = self.accepted().id
        self.rig.upstream.take()
        self.rig.upstream.requeue()
        self.assertTrue(self.rig.gateway.cancel(number))
        self.assertEqual(self.rig.upstream.take(), [])


class SinkTests(GatewayTestCase):
    def attach(self, name: str = "watch", buffer: int = 10) -> RecordingSink:
        """A second sink; `detach` takes it away."""
        sink = RecordingSink()
        self.detach = self.rig.gateway.attach(name, sink, buffer)
        return sink

    def end_one(self) -> None:
        """Let one notification be accepted."""
        self.accepted()
        self.rig.upstream.take()
        self.rig.upstream.settle(State.ACCEPTED)

    def test_attached(self) -> None:
        """A sink hears of what happens from then on, as every other does."""
        self.end_one()
        sink = self.attach()
        self.end_one()
        self.rig.reported()
        self.assertEqual((len(sink.reports), len(self.rig.sink.reports)), (1, 2))

    def test_two_of_a_name(self) -> None:
        """A sink never takes the place of another unnoticed."""
        with self.assertRaises(ValueError):
            self.attach("sink")
        self.end_one()
        self.assertEqual(len(self.rig.reported()), 1)

    def test_one_that_cannot_start(self) -> None:
        """What a sink raises when it is started is the attacher's, and the sink is given nothing."""
        sink = RecordingSink()
        sink.error = CannotStart(["no such directory"])
        with self.assertRaises(CannotStart):
            self.rig.gateway.attach("watch", sink, 10)
        self.end_one()
        self.rig.reported()
        self.assertEqual(sink.history, ["start"])

    def test_detached(self) -> None:
        """A detached sink is stopped and given nothing more; detaching again is harmless."""
        sink = self.attach()
        self.detach()
        self.detach()
        self.end_one()
        self.rig.reported()
        self.assertEqual(sink.history, ["start", "stop"])
        self.assertNotIn("watch", self.rig.gateway.stats()["sinks"])
        self.assertEqual(self.rig.counted("pushgate_sink_errors_total", "watch"), 0)

    def test_detached_with_reports_waiting(self) -> None:
        """What waits for a sink that is detached is dropped, the call under way is given up."""
        sink = self.attach()
        sink.holding = True
        self.end_one()
        self.rig.reported()
        self.end_one()
        sink.holding = False
        self.detach()
        self.rig.reported()
        self.assertEqual((len(sink.calls), sink.history), (1, ["start", "emit", "stop"]))
        self.assertEqual(self.rig.counted("pushgate_sink_dropped_total", "watch"), 2)

    def test_detached_before_its_turn(self) -> None:
        """A sink that is detached in the turn in which something happened is not called any more."""
        sink = self.attach()
        self.end_one()
        self.detach()
        self.rig.reported()
        self.assertEqual(sink.history, ["start", "stop"])

    def test_a_slow_stop_is_no_error(self) -> None:
        """A sink without anything to flush may take its time to close when it is detached."""
        sink = self.attach()
        sink.holding = True
        self.detach()
        sink.release()
        self.assertEqual(self.rig.counted("pushgate_sink_errors_total", "watch"), 0)

    def test_the_name_is_free_again(self) -> None:
        """After a detach another sink may have the name, which the first detach does not touch."""
        self.attach()
        detach = self.detach
        detach()
        sink = self.attach()
        detach()
        self.end_one()
        self.rig.reported()
        self.assertEqual(len(sink.reports), 1)

    def test_a_raising_sink(self) -> None:
        """A sink that raises disturbs neither the upstream nor the other sinks."""
        sink = self.attach()
        sink.error = RuntimeError("sink")
        self.end_one()
        self.assertEqual(self.rig.states(), {token(0): State.ACCEPTED})
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual(self.rig.counted("pushgate_sink_errors_total", "watch"), 1)

    def test_reopen(self) -> None:
        """Every sink opens its files anew, also when one cannot."""
        sink = self.attach()
        self.rig.sink.error = OSError("gone")
        self.rig.gateway.reopen()
        self.assertEqual((sink.history, self.rig.sink.history), (["start", "reopen"],) * 2)
        self.flushLoggedErrors(OSError)


class PressureTests(GatewayTestCase):
    """A queue of at most 100: from 90 on its senders should pause, until there are 80."""

    def setUp(self) -> None:
        self.rig = GatewayRig(limits=Limits(queue=100))
        self.relieved: list[str] = []

    def pressed(self, app: str = "news") -> bool:
        """Ask as an input does; whether the queue is nearly full."""
        return self.rig.gateway.pressed(app, lambda: self.relieved.append(app)) is not None

    def test_it_rises_and_falls(self) -> None:
        """Who asks between nine tenths and four fifths learns later that there is room; the others need not wait."""
        self.accepted(89)
        self.assertFalse(self.pressed())
        self.accepted(1)
        self.assertEqual((self.pressed(), self.pressed("chat"), self.pressed("nobody")), (True, False, False))
        self.assertTrue(self.rig.gateway.stats()["apps"]["news"]["pressed"])
        self.rig.upstream.take(9)
        self.rig.clock.advance(0)
        self.assertEqual((self.relieved, self.pressed()), ([], True))
        self.rig.upstream.take(1)
        self.assertEqual(self.relieved, [], "not while the upstream is taking")
        self.rig.clock.advance(0)
        self.assertEqual((self.relieved, self.pressed()), (["news", "news"], False))

    def test_what_is_being_kept_counts(self) -> None:
        """Submissions that the spool is still keeping fill the queue; one that it could not keep leaves it."""
        spool = RecordingSpool()
        self.rig = GatewayRig(spool=spool, limits=Limits(queue=100))
        submitted = self.rig.submit(95)
        self.assertTrue(self.pressed())
        spool.fail(Overloaded("disk", 1, 1))
        self.failureResultOf(submitted, Overloaded)
        self.rig.clock.advance(1)
        self.rig.clock.advance(0)
        self.assertEqual(self.relieved, ["news"])

    def test_what_waits_in_the_spool_counts(self) -> None:
        """A queue larger than memory is as full as it is long, wherever it waits."""
        spool = RecordingSpool()
        self.rig = GatewayRig(spool=spool, limits=Limits(queue=100, held=1, few=10))
        for _ in range(9):
            self.rig.submit(10)
            spool.release()
        self.assertEqual(self.rig.queue._ready.depth, 10)
        self.assertTrue(self.pressed())
        self.rig.upstream.take(10)
        self.rig.clock.advance(0)
        self.assertEqual(self.relieved, ["news"])

    def test_a_refusal_for_want_of_room(self) -> None:
        """Whoever is refused above four fifths should wait; a batch that is too large for the queue should not."""
        self.refused(Overloaded, 101)
        self.assertFalse(self.pressed())
        self.accepted(85)
        self.refused(Overloaded, 16)
        self.assertTrue(self.pressed())

    def test_withdrawn_and_expired(self) -> None:
        """The queue also drains by cancelling, and by expiring while the push service is gone."""
        number = self.accepted(90).id
        self.pressed()
        for index in range(10):
            self.assertTrue(self.rig.gateway.cancel(number + index))
        self.rig.clock.advance(0)
        self.assertEqual(self.relieved, ["news"])
        self.accepted(10, expiration=EPOCH)
        self.pressed()
        self.rig.upstream.reachable(False)
        self.rig.clock.pump([1, 1, 0])
        self.assertEqual(self.relieved, ["news", "news"])

    def test_the_end(self) -> None:
        """When the gateway stops everybody goes on, to hear that it does; who asks later is not asked to wait."""
        self.accepted(95)
        self.pressed()
        self.rig.gateway.refuse()
        self.assertEqual((self.relieved, self.pressed()), (["news"], False))

    def test_who_leaves(self) -> None:
        """One that has left off is not called any more."""
        self.accepted(95)
        leave = self.rig.gateway.pressed("news", lambda: self.relieved.append("left"))
        assert leave is not None
        leave()
        self.rig.upstream.take()
        self.rig.clock.advance(0)
        self.assertEqual((self.relieved, self.pressed()), ([], False))


class BooksTests(GatewayTestCase):
    def test_stats(self) -> None:
        """The numbers operators see add up, and are ready for JSON and for the metrics."""
        rig = self.rig
        self.accepted(5)
        rig.upstream.take(3)
        rig.upstream.settle(State.ACCEPTED, rig.upstream.in_flight[0].part(0, 1))
        rig.upstream.reachable(False)
        rig.clock.advance(2.5)
        stats = json.loads(json.dumps(rig.gateway.stats()))
        self.assertEqual((stats["uptime"], stats["unsettled"]), (2.5, 4))
        self.assertEqual(stats["outcomes"], {"news": {"accepted": 1}, "chat": {}})
        self.assertEqual((stats["at"], stats["accepting"], stats["hubs"]), (EPOCH + 2.5, True, {}))
        self.assertEqual(
            stats["sinks"]["sink"],
            {
                "lag": 0,
                "reports": 0,
                "buffer": 1_000_000,
                "age": 0.0,
                "failing": False,
                "dropped": 0,
                "errors": 0,
                "watches": False,
            },
        )
        self.assertEqual(
            stats["apps"]["news"],
            {
                "upstream": "recording",
                "queue": 2,
                "queue_age": 2.5,
                "queue_limit": 1_000_000,
                "pressed": False,
                "paced": 0,
                "rate": 0.0,
                "window": 2,
                "delayed": 0,
                "connections": {"ready": 0},
                "circuit": {"open": True, "cause": "network"},
                "routes": {},
                "certificate_expires": None,
                "response_timeout": None,
                "dead_tokens": 0,
                "counts": {
                    "submitted": 5,
                    "refused": 0,
                    "resent": 0,
                    "late_errors": 0,
                    "rejected_as_dead": 0,
                },
                "recent": {
                    "seconds": 2.5,
                    "submitted": 5,
                    "refused": 0,
                    "resent": 0,
                    "late_errors": 0,
                    "rejected_as_dead": 0,
                    "outcomes": {"accepted": 1},
                },
            },
        )

    def test_stats_can_be_read(self) -> None:
        """Every field that the gateway states is one that readers know, and the other way round."""
        self.rig.gateway.attach("input.watch-1", RecordingSink(), 10)
        self.accepted(5)
        stats = self.rig.gateway.stats()
        read = to_builtins(gateway_stats(stats))
        self.assertEqual(read.keys() - stats.keys(), {"versions", "disk", "files"})  # of the process
        self.assertEqual({name: read[name] for name in stats}, stats | {"sinks": read["sinks"]})
        self.assertEqual(read["sinks"]["sink"], stats["sinks"]["sink"])
        self.assertEqual(stats["sinks"]["input.watch-1"], {"lag": 0, "watches": True})
        self.assertEqual(gateway_stats({"apps": {"news": {"of tomorrow": 1}}}).apps["news"].queue, 0)

    def test_routes(self) -> None:
        """Origins of a push service that failed last are shown, and go to the metrics."""
        routes = {
            "https://b.example": RouteState("refused", True),
            "https://a.example": RouteState("network"),
        }
        shown = UpstreamState(connections={}, window=0, circuit="refused", routes=routes)
        self.patch(self.rig.upstream, "state", lambda: shown)
        stats = json.loads(json.dumps(self.rig.gateway.stats()))
        self.assertEqual(
            stats["apps"]["news"]["routes"],
            {
                "https://a.example": {"open": False, "cause": "network"},
                "https://b.example": {"open": True, "cause": "refused"},
            },
        )
        text = Exposition(self.rig.metrics, self.rig.gateway.stats).answer("")[0].decode()
        line = 'pushgate_route_circuit_open{app="news",cause="refused",origin="https://b.example"} 1.0'
        self.assertIn(line, text)

    def test_stats_are_what_the_metrics_expect(self) -> None:
        """The metrics can be made of the gateway's stats."""
        self.accepted(5)
        self.rig.upstream.take(3)
        text = Exposition(self.rig.metrics, self.rig.gateway.stats).answer("")[0].decode()
        for line in (
            'pushgate_queue_notifications{app="news"} 2.0',
            'pushgate_window_notifications{app="news"} 3.0',
            'pushgate_connections{app="news",state="ready"} 1.0',
            'pushgate_circuit_open{app="news",cause=""} 0.0',
            'pushgate_sink_lag{sink="sink"} 0.0',
            'pushgate_submitted_total{app="news",input="test"} 5.0',
        ):
            self.assertIn(f"{line}\n", text)

    def test_counts(self) -> None:
        """Each notification is counted once at each station: let in or refused, written again, ended."""
        rig = self.rig
        self.accepted([*map(token, range(4)), b""])
        rig.clock.advance(2)
        rig.upstream.take()
        rig.upstream.requeue()
        [taken] = rig.upstream.take()
        rig.upstream.settle(State.ACCEPTED, taken.part(0, 1))
        rig.upstream.settle(State.REJECTED, taken.part(1, 4), status=8, reason="InvalidToken")
        self.assertEqual(rig.counted("pushgate_submitted_total", "news", "test"), 4)
        self.assertEqual(rig.counted("pushgate_refused_total", "news", "test", "INVALID"), 1)
        self.assertEqual(rig.counted("pushgate_resent_total", "news"), 4)
        self.assertEqual(rig.counted("pushgate_outcomes_total", "news", "accepted", ""), 1)
        self.assertEqual(rig.counted("pushgate_outcomes_total", "news", "rejected", "InvalidToken"), 3)
        self.assertEqual(rig.metrics.histograms["pushgate_settle_seconds"]["news",].total, 8)
        self.assertEqual(rig.metrics.histograms["pushgate_accept_seconds"]["test",].total, 0)

    def test_an_upstream_that_settles_twice(self) -> None:
        """A second outcome is left out and logged; those beside it are reported, and the books stay right."""
        self.accepted(3)
        [taken] = self.rig.upstream.take()
        self.rig.upstream.settle(State.ACCEPTED, taken.part(0, 2))
        self.rig.upstream.work.settle(
            [Verdict(taken, State.FAILED), Verdict(taken.part(2, 3), State.REJECTED)]
        )
        self.assertEqual(list(self.rig.states().values()), [State.ACCEPTED, State.ACCEPTED, State.REJECTED])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.assertEqual(self.rig.gateway.left(), 0)

    def test_dead_tokens_are_reported(self) -> None:
        """What the feedback service says goes to the sinks; it is the outcome of nothing."""
        self.rig.upstream.work.tokens_died([DeadTokenEntry(token(0), EPOCH - 5, DeadReason.FEEDBACK)])
        self.rig.reported()
        self.assertEqual(self.rig.sink.reports, [DeadToken("news", token(0), EPOCH - 5, EPOCH, "recording")])
        self.assertEqual(self.rig.gateway.stats()["apps"]["news"]["dead_tokens"], 1)

    def test_feedback_from_the_future(self) -> None:
        """It is reported, and counts, since now; what the device registered since then is sent."""
        self.rig.upstream.work.tokens_died([DeadTokenEntry(token(0), EPOCH + 10**8, DeadReason.FEEDBACK)])
        self.accepted(1, registered_at=EPOCH - 1)
        self.accepted(1, registered_at=EPOCH)
        self.assertEqual(len(tokens_of(self.rig.upstream.work.take(10, idle=False))), 1)
        self.rig.reported()
        reported = [report for report in self.rig.sink.reports if isinstance(report, DeadToken)]
        self.assertEqual(reported, [DeadToken("news", token(0), EPOCH, EPOCH, "recording")])

    def test_a_dead_token_that_is_text(self) -> None:
        """Its report says how it is written, as the outcomes of its app do."""
        self.rig.factory.rules = NotificationRules()
        self.rig.gateway.add_app("web", AppTable(upstream="recording"), self.rig.factory)
        gone = DeadTokenEntry(b"https://x", EPOCH - 5, DeadReason.FEEDBACK)
        self.rig.factory.made["web"].work.tokens_died([gone])
        self.rig.reported()
        self.assertIn('"token":"https://x"', lines(self.rig.sink.reports[-1])[0])

    def test_targets_that_can_be_written_in_several_ways(self) -> None:
        """Each has one form, in which it is sent, is dead, and is forgotten again, however it came."""
        gateway = self.rig.gateway
        news = gateway._apps.configured("news")
        news.configure(news.config, NotificationRules(canonical=bytes.lower))
        gone = DeadTokenEntry(b"Gone", EPOCH + 5, DeadReason.IMPORTED)
        self.assertEqual(now(gateway.bury("news", [gone])), 1)
        now(self.rig.submit([b"LIVES", b"GONE"]))
        self.assertEqual(tokens_of(self.rig.upstream.work.take(10, idle=False)), [b"lives"])
        self.assertEqual(now(gateway.forget("news", [b"gONE"])), 1)
        self.assertIsNone(gateway.dead_token("news", b"gone"))

    def test_one_apps_trouble_is_not_the_others(self) -> None:
        """When the look at one queue fails, that is logged and the other queues are looked at."""
        self.accepted(1, expiration=EPOCH + 1)
        self.accepted(1, app="chat", expiration=EPOCH + 1)
        for upstream in self.rig.factory.made.values():
            upstream.reachable(False)
        self.rig.queue._ready.drop = lambda unwanted: 1 / 0
        self.rig.clock.advance(1)
        self.assertEqual([state for _, state, _ in self.rig.reported()], [State.EXPIRED])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class StoppingTests(GatewayTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.chat = self.rig.factory.made["chat"]

    def stopped(self) -> Deferred[None]:
        self.rig.gateway.refuse()
        return self.rig.gateway.drain()

    def turn(self) -> None:
        self.rig.clock.pump([0] * 3)

    def test_what_waits_is_sent_first(self) -> None:
        """An upstream is stopped once its queue is empty, in a turn of its own, and not while it is taking."""
        self.accepted(2)
        drained = self.stopped()
        self.turn()
        self.assertNotIn("stop", self.rig.upstream.history)
        self.rig.upstream.take(1)
        self.turn()
        self.assertNotIn("stop", self.rig.upstream.history)
        self.rig.upstream.take(1)
        self.assertNotIn("stop", self.rig.upstream.history)
        self.rig.upstream.holding = True
        self.turn()
        self.assertIn("stop", self.rig.upstream.history)
        self.assertNoResult(drained)
        self.rig.upstream.settle(State.ACCEPTED)
        self.rig.upstream.abort()
        self.successResultOf(drained)
        self.assertEqual(self.rig.gateway.left(), 0)

    def test_a_suspect_that_is_sent_last(self) -> None:
        """A queue is empty too when the last that left it was one that must travel alone."""
        self.accepted(2)
        [taken] = self.rig.upstream.take()
        self.rig.upstream.in_flight.clear()
        self.rig.upstream.work.requeue([alone(taken.part(0, 1)), alone(taken.part(1, 2))])
        drained = self.stopped()
        for left in (1, 0):
            self.turn()
            self.assertNoResult(drained)
            self.rig.upstream.take()
            self.rig.upstream.settle(State.ACCEPTED)
            self.assertEqual(self.rig.gateway.left(), left)
        self.turn()
        self.successResultOf(drained)

    def test_a_queue_that_is_emptied_by_cancelling(self) -> None:
        """When the last that waited is withdrawn there is nothing to wait for."""
        number = self.accepted().id
        drained = self.stopped()
        self.rig.gateway.cancel(number)
        self.turn()
        self.successResultOf(drained)

    def test_no_use_waiting(self) -> None:
        """With its push service unreachable an upstream is stopped at once, and what waits is left."""
        self.accepted(2)
        drained = self.stopped()
        self.turn()
        self.assertNoResult(drained)
        self.rig.upstream.reachable(False)
        self.turn()
        self.successResultOf(drained)
        self.assertEqual(self.rig.gateway.left(), 2)

    def test_cut_short(self) -> None:
        """Cancelled, the drain closes every upstream at once; what was in flight waits again."""
        self.accepted(3)
        self.rig.upstream.take(1)
        drained = self.stopped()
        drained.cancel()
        self.turn()
        self.successResultOf(drained)
        self.assertEqual(self.rig.upstream.history, ["start", "abort"])
        self.assertEqual(self.rig.gateway.left(), 3)
        self.assertEqual(self.rig.upstream.work.depth(), 3)

    def test_an_upstream_that_fails_to_stop(self) -> None:
        """Why an upstream could not be stopped is logged; it is closed anyway, and so are the others."""
        self.rig.upstream.stop = lambda: 1 / 0
        drained = self.stopped()
        self.turn()
        self.successResultOf(drained)
        self.assertEqual(self.rig.upstream.history[-1], "abort")
        self.assertIn("stop", self.chat.history)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_no_timer_is_left(self) -> None:
        """Drained and closed, the gateway leaves nothing on the clock, also with a rate that was holding back."""
        self.rig = GatewayRig(rate=1)
        self.accepted(5)
        self.rig.upstream.take()
        drained = self.stopped()
        drained.cancel()
        self.turn()
        self.successResultOf(Deferred.fromCoroutine(self.rig.gateway.close()))
        self.assertEqual(self.rig.clock.getDelayedCalls(), [])

    def test_close(self) -> None:
        """Closing gives the sinks what waits for them, stops them, and then closes the spool."""
        spool = RecordingSpool()
        self.rig = GatewayRig(spool=spool)
        self.rig.upstream.work.tokens_died([DeadTokenEntry(token(0), EPOCH, DeadReason.FEEDBACK)])
        self.rig.sink.holding = True
        closed = Deferred.fromCoroutine(self.rig.gateway.close())
        self.turn()
        self.assertFalse(spool.closed)
        self.rig.sink.release()
        self.turn()
        self.rig.sink.release()
        self.successResultOf(closed)
        self.assertEqual(self.rig.sink.history, ["start", "emit", "stop"])
        self.assertTrue(spool.closed)

    def test_a_sink_is_stopped_once(self) -> None:
        """Whoever detaches a sink of a gateway that is closed, or reopens it, does nothing."""
        sink = RecordingSink()
        detach = self.rig.gateway.attach("watch", sink, 10)
        self.successResultOf(Deferred.fromCoroutine(self.rig.gateway.close()))
        detach()
        self.rig.gateway.reopen()
        self.assertEqual(sink.history, ["start", "stop"])

    def test_close_cut_short(self) -> None:
        """Cancelled, closing drops what a sink does not take, stops it, and still closes the spool."""
        spool = RecordingSpool()
        self.rig = GatewayRig(spool=spool)
        self.rig.upstream.work.tokens_died([DeadTokenEntry(token(0), EPOCH, DeadReason.FEEDBACK)])
        self.rig.sink.holding = True
        with capturedLogs() as events:
            closed = Deferred.fromCoroutine(self.rig.gateway.close())
            self.turn()
            closed.cancel()
            self.rig.sink.release()
        self.successResultOf(closed)
        self.assertTrue(spool.closed)
        self.assertTrue(any(event["log_level"] is LogLevel.warn for event in events))
