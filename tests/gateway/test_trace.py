"""What can still be reported of a notification: by the gateway, by the sinks that remember, over a restart."""

import json
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from pushgate.gateway.gateway import Limits
from pushgate.gateway.spool.interface import Kept
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.errors import NotFound
from pushgate.model.history import Event, Step
from pushgate.model.notification import Delivery
from pushgate.model.outcome import Outcome, State
from pushgate.model.outcome_record import record
from pushgate.plugin.sink_interface import IHistory
from pushgate.testing import RecordingSink, RecordingSpool
from tests.gateway_rig import EPOCH, GatewayRig
from tests.samples import batch, token
from tests.stream_rig import StreamRig


@implementer(IHistory)
class Memory(RecordingSink):
    """A sink that remembers all it was given."""

    def outcomes(self, number: int) -> Deferred[list[Outcome]]:
        index = number % (1 << 16)
        return succeed([
            Outcome(report.span.part(index, index + 1), *(getattr(report, each) for each in _FIELDS))
            for report in self.reports
            if isinstance(report, Outcome)
            and report.span.batch.id == number - index
            and report.span.start <= index < report.span.stop
        ])  # fmt: skip


_FIELDS = ("state", "status", "reason", "at", "upstream")


class TraceCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.rig = GatewayRig()

    def events(self, number: int) -> list[str]:
        return [event["event"] for event in self.story(number)["events"]]

    def story(self, number: int) -> dict[str, Any]:
        story: dict[str, Any] = json.loads(self.successResultOf(self.rig.gateway.trace(number)).json())
        return story

    def accepted(self, count: int = 3, **terms: Any) -> int:
        number: int = self.successResultOf(self.rig.submit(count, **terms)).id
        return number


class MemoryTests(TraceCase):
    """With nothing but the gateway's own memory."""

    def test_on_its_way(self) -> None:
        """Queued, and through which input and when; then written; then what became of it."""
        number = self.accepted() + 1
        self.assertEqual(self.events(number), ["submitted", "queued"])
        self.assertEqual(
            self.story(number)["events"][0], {"event": "submitted", "at": EPOCH, "input": "test"}
        )
        self.assertEqual(self.story(number)["state"], "queued")
        self.rig.upstream.take()
        self.assertEqual(self.story(number)["state"], "written")
        self.rig.clock.advance(2)
        self.rig.upstream.settle(State.ACCEPTED)
        story = self.story(number)
        self.assertEqual((story["state"], story["token"], story["index"]), ("accepted", token(1).hex(), 1))
        self.assertEqual(story["events"][-1]["at"], EPOCH + 2)

    def test_where_it_was(self) -> None:
        """What an upstream noted on the spans is in the story, while it waits again and when it is done."""
        number = self.accepted()
        [span] = self.rig.upstream.take()
        steps = Step(Event.WRITTEN, EPOCH, 4), Step(Event.LOST, EPOCH + 1.0, 4, "ConnectionLost")
        self.rig.upstream.in_flight.clear()
        self.rig.upstream.work.requeue([span.noted(steps[0]).noted(steps[1])])
        wanted = ["submitted", "queued", "written", "lost"]
        self.assertEqual(self.events(number), wanted)
        self.rig.upstream.take()
        self.rig.upstream.settle(State.PRESUMED)
        self.assertEqual(self.events(number), [*wanted, "outcome"])
        self.assertEqual(
            self.story(number)["events"][3],
            {"event": "lost", "at": EPOCH + 1.0, "connection": 4, "reason": "ConnectionLost"},
        )

    def test_a_correction(self) -> None:
        """What was presumed is in the story, where it stands again, and what proved it wrong."""
        number = self.accepted()
        [span] = self.rig.upstream.take()
        self.rig.upstream.settle(State.PRESUMED)
        lost = BatchSlice(span.batch, 0, 3, 1, recalled=True).noted(
            Step(Event.DISCARDED, EPOCH, 1, "InvalidToken")
        )
        self.rig.upstream.work.requeue([lost])
        self.assertEqual(self.events(number), ["submitted", "queued", "outcome", "discarded"])
        self.rig.upstream.take()
        self.rig.clock.advance(1)
        self.rig.upstream.settle(State.ACCEPTED)
        self.assertEqual(self.events(number)[2:], ["outcome", "discarded", "correction"])

    def test_unknown(self) -> None:
        """Of an id that was never given, or of a member that was refused, there is no story."""
        number = self.accepted([token(1), b""])  # type: ignore[arg-type]  # tokens may be given too
        for unknown in (12345, number + 1, number + 2):
            self.failureResultOf(self.rig.gateway.trace(unknown), NotFound)


class HistoryTests(TraceCase):
    """With a sink that remembers, and a spool."""

    def setUp(self) -> None:
        self.memory = Memory()
        self.start(RecordingSpool())

    def start(self, spool: RecordingSpool, limits: Limits | None = None) -> None:
        self.spool = spool
        self.rig = GatewayRig(spool, limits)
        self.rig.gateway.add_sink("memory", self.memory, 1_000)
        self.rig.reported()

    def restart(self) -> None:
        """All that is left is what the spool and the memory have."""
        left = RecordingSpool(*self.spool.recovered)
        left.reports, left.settled = self.spool.reports, self.spool.settled
        self.start(left)

    def accepted(self, count: int = 3, **terms: Any) -> int:
        asked = self.rig.submit(count, **terms)
        self.spool.release()
        number: int = self.successResultOf(asked).id
        return number

    def status(self, number: int) -> dict[str, Any]:
        answer = self.rig.gateway.status(number)
        outcome = self.successResultOf(answer) if isinstance(answer, Deferred) else answer
        fields: dict[str, Any] = json.loads(record(outcome))
        return fields

    def test_a_memory_that_fails(self) -> None:
        """A sink that cannot be asked is named in the log; what others know is reported all the same."""
        number = self.accepted()
        self.patch(self.memory, "outcomes", lambda _: fail(OSError("the disk is gone")))
        with capturedLogs() as logs:
            self.assertEqual(self.events(number), ["submitted", "queued"])
            self.failureResultOf(self.rig.gateway.status(number + 9), NotFound)
        self.assertEqual([event["sink"] for event in logs], ["memory"])
        self.assertEqual(self.rig.counted("pushgate_sink_errors_total", "memory"), 2)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_over_a_restart(self) -> None:
        """What ended before the restart has its record and its story afterwards as before."""
        number = self.accepted()
        self.rig.upstream.take()
        self.rig.upstream.settle(State.REJECTED, status=8, reason="InvalidToken")
        self.rig.reported()
        before = self.status(number + 2), self.story(number + 2)
        self.spool.recovered.clear()
        self.restart()
        self.assertEqual((self.status(number + 2), self.story(number + 2)), before)
        self.assertEqual(before[1]["events"][0]["input"], "test")
        self.failureResultOf(self.rig.gateway.status(number + 3), NotFound)

    def test_found_at_the_start(self) -> None:
        """What was on its way at the restart says so, and goes on from there."""
        number = self.accepted()
        self.restart()
        self.assertEqual(self.events(number), ["submitted", "queued", "restarted"])
        self.rig.upstream.take()
        self.rig.upstream.settle(State.PRESUMED)
        self.rig.reported()
        self.assertEqual(self.events(number), ["submitted", "queued", "restarted", "outcome"])
        self.assertEqual(self.status(number)["state"], "presumed")

    def test_in_doubt_at_the_start(self) -> None:
        """So does what may have been written and must not be written twice."""
        of = batch(2, order=1)
        self.start(RecordingSpool(Kept(of, ((0, 2),), ((0, 1),))))
        self.rig.reported()
        self.assertEqual(self.events(of.id), ["submitted", "queued", "restarted", "outcome"])
        self.assertEqual(self.story(of.id)["reason"], "GatewayRestarted")

    def test_some_of_a_batch(self) -> None:
        """Of a batch that was half done at the restart, each half is known."""
        number = self.accepted()
        [span] = self.rig.upstream.take()
        self.rig.upstream.settle(State.ACCEPTED, span.part(0, 1))
        self.rig.reported()
        self.restart()
        self.assertEqual(
            [self.status(number + i)["state"] for i in range(3)], ["accepted", "queued", "queued"]
        )
        self.assertEqual(
            [self.story(number + i)["state"] for i in range(3)], ["accepted", "queued", "queued"]
        )

    def test_cancelled_on_the_disk(self) -> None:
        """What was cancelled while the spool alone had it is known at once, and when it was reported."""
        self.start(RecordingSpool(), Limits(held=1, few=1))
        self.accepted(1)
        number = self.accepted(2)
        self.assertEqual(self.story(number)["state"], "queued")
        self.assertTrue(self.successResultOf(self.cancelled(number)))
        self.assertEqual(self.status(number)["state"], "cancelled")
        self.assertEqual(self.memory.reports, [])
        self.rig.reported()
        self.assertEqual(len(self.memory.reports), 1)
        self.assertEqual(self.status(number)["state"], "cancelled")
        self.assertEqual(self.events(number), ["submitted", "queued", "outcome"])
        self.assertEqual(self.status(number + 1)["state"], "queued")

    def cancelled(self, number: int) -> Deferred[bool]:
        """Cancel what the spool has to be asked for."""
        self.spool.holding = True
        asked = self.rig.gateway.cancel(number)
        assert isinstance(asked, Deferred)
        self.spool.holding = False
        while not asked.called:
            self.spool.answer()
        return asked

    def test_no_restart_is_told_of_what_was_paged(self) -> None:
        """What only waited on the disk for its turn was found by no restart."""
        self.start(RecordingSpool(), Limits(held=1, few=1))
        self.accepted(1)
        number = self.accepted(1)
        self.rig.upstream.take()
        self.rig.upstream.settle(State.ACCEPTED)
        self.rig.clock.advance(1)
        self.assertEqual(self.rig.upstream.work.depth(), 1)
        self.rig.upstream.take()
        self.assertEqual(self.events(number), ["submitted", "queued"])

    def test_at_most_once(self) -> None:
        """What is on record before it is written is reported the same way."""
        number = self.accepted(delivery=Delivery.AT_MOST_ONCE)
        self.assertEqual((self.rig.upstream.take(), len(self.rig.upstream.take())), ([], 1))
        self.rig.upstream.settle(State.UNKNOWN, reason="ConnectionLost")
        self.rig.reported()
        self.spool.recovered.clear()
        self.restart()
        self.assertEqual(self.status(number)["reason"], "ConnectionLost")


class WireTests(SynchronousTestCase):
    """With the binary stream: each event with what it says, and the seconds since the acceptance."""

    def setUp(self) -> None:
        self.rig = StreamRig(connections=1)
        self.rig.run(2)

    def send(self, count: int = 1, **terms: Any) -> int:
        number: int = self.successResultOf(self.rig.submit(count, **terms)).id
        return number

    def events(self, number: int) -> list[tuple[Any, ...]]:
        """When, what, on which connection, and why or what became of it."""
        events = json.loads(self.successResultOf(self.rig.gateway.trace(number)).json())["events"]
        self.assertEqual([event["event"] for event in events[:2]], ["submitted", "queued"])
        began = events[0]["at"]
        return [
            (round(each["at"] - began, 1), each["event"], *filter(None, map(each.get, _TOLD)))
            for each in events[2:]
        ]

    def test_a_plain_success(self) -> None:
        """Written, and nothing was heard for `response_timeout`."""
        number = self.send()
        self.rig.run(7)
        written, outcome = self.events(number)
        self.assertEqual(written, (0.0, "written", 1))
        self.assertEqual(outcome[1:], ("outcome", "presumed"))
        self.assertTrue(5 <= outcome[0] <= 6, outcome)

    def test_behind_a_dead_one(self) -> None:
        """The dead one is refused; the one behind it was discarded, and goes again on the next connection."""
        number = self.send(2)
        self.rig.run(1)
        self.rig.service.open()[0].answer(8, 1)
        self.rig.run(8)
        self.assertEqual(
            self.events(number), [(0.0, "written", 1), (1.0, "outcome", "rejected", "InvalidToken")]
        )
        story = self.events(number + 1)
        self.assertEqual(story[:2], [(0.0, "written", 1), (1.0, "discarded", 1, "InvalidToken")])
        self.assertEqual([each[1:] for each in story[2:]], [("written", 2), ("outcome", "presumed")])

    def test_a_shutdown_and_a_silent_close(self) -> None:
        """Each says why it was sent again."""
        number = self.send(2)
        self.rig.run(1)
        self.rig.service.open()[0].answer(10, 1)
        self.rig.run(1)
        self.rig.service.open()[0].end()
        self.rig.run(9)
        self.assertEqual(
            [each[1:] for each in self.events(number)], [("written", 1), ("outcome", "accepted")]
        )
        self.assertEqual(
            [each[1:] for each in self.events(number + 1)],
            [
                ("written", 1), ("discarded", 1, "Shutdown"), ("written", 2), ("lost", 2, "ConnectionLost"),
                ("written", 3), ("outcome", "presumed"),
            ],
        )  # fmt: skip

    def test_a_late_error(self) -> None:
        """What was presumed too early: first that, then what proved it wrong."""
        number = self.send(2)
        self.rig.run(7)
        self.rig.service.open()[0].answer(8, 1)
        self.rig.run(12)
        self.assertEqual(
            [each[1:] for each in self.events(number)],
            [("written", 1), ("outcome", "presumed"), ("correction", "rejected", "InvalidToken")],
        )
        self.assertEqual(
            [each[1:] for each in self.events(number + 1)],
            [
                ("written", 1), ("outcome", "presumed"), ("discarded", 1, "InvalidToken"), ("written", 2),
                ("correction", "presumed"),
            ],
        )  # fmt: skip

    def test_never_written(self) -> None:
        """What expired or was cancelled while it waited was on no connection."""
        self.rig.service.mood = "refuses"
        for wire in self.rig.service.open():
            wire.end()
        self.rig.run(1)
        late, unwanted = self.send(expiration=int(self.rig.wall()) + 3), self.send()
        self.assertTrue(self.rig.gateway.cancel(unwanted))
        self.rig.run(20)
        [expired] = self.events(late)
        self.assertEqual(expired[1:], ("outcome", "expired", "ExpirationPassed"))
        self.assertEqual(self.events(unwanted), [(0.0, "outcome", "cancelled")])


_TOLD = ("connection", "state", "reason")
