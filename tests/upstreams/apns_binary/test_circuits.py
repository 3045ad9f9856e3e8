"""Circuits, certificates, spares and proof, on a clock that is moved by hand, through the real gateway."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from pushgate.model.errors import Invalid, NotFound, Overloaded, ShuttingDown
from pushgate.model.outcome import Outcome, State
from pushgate.upstreams.common.circuit_breaker import BLOCK_AFTER, HOLD, HOLD_JITTER
from tests.samples import token
from tests.stream_rig import DAY, StreamRig


def warnings(events: Any, about: str) -> list[tuple[LogLevel, float]]:
    """Level and days left of each line about the certificate."""
    return [
        (event["log_level"], round(event.get("days", 0)))
        for event in events
        if about in event.get("log_format", "")
    ]


class LogTests(SynchronousTestCase):
    """The log names the service that is spoken of."""

    def lines(self, events: Any) -> list[str]:
        return [formatEvent(each) for each in events if each["log_namespace"].endswith("ServiceHealth")]

    def test_one_line_when_it_works(self) -> None:
        """Once it was of use, not for each connection; again after it failed."""
        with capturedLogs() as events:
            rig = StreamRig()
            rig.run(30)
        self.assertEqual(self.lines(events), ["news: the push service at localhost:2195 can be used"])
        rig.service.mood = "refuses"
        for wire in rig.service.open():
            wire.end()
        with capturedLogs() as events:
            rig.submit(1)
            rig.run(5)
            rig.service.mood = "well"
            rig.run(60)
        lines = self.lines(events)
        self.assertTrue(lines[0].startswith("news: refused: localhost:2195: Connection was refused"), lines)
        self.assertEqual(lines[-1], "news: the push service at localhost:2195 can be used again")


class BlockTests(SynchronousTestCase):
    """A service that turns us away again and again has blocked us, and each attempt prolongs that."""

    def until_blocked(self, rig: StreamRig) -> None:
        while rig.app()["circuit"]["cause"] != "suspected-block":
            self.assertLess(rig.clock.seconds(), 120)
            rig.run(1)

    def test_an_hour_without_any_attempt(self) -> None:
        """After five attempts none for an hour, whatever is submitted; chance only adds; then one, and so on."""
        for chance in (0.0, 1.0):
            rig = StreamRig(chance=chance)
            rig.service.mood = "closes"
            for wire in rig.service.open():
                wire.end()
            with capturedLogs() as events:
                self.until_blocked(rig)
            self.assertIn(LogLevel.critical, [event["log_level"] for event in events])
            made, began = len(rig.service.attempts), rig.service.attempts[-1]
            self.assertEqual(made, BLOCK_AFTER)
            while rig.clock.seconds() < began + HOLD + chance * HOLD_JITTER:
                self.assertEqual(len(rig.service.attempts), made)
                rig.submit(1)
                rig.clock.pump([10, 0, 0])
            rig.clock.pump([10, 0, 0, 0])
            self.assertEqual(len(rig.service.attempts), made + 1)
            self.assertEqual(rig.app()["circuit"], {"open": True, "cause": "suspected-block"})
            rig.run(1800, step=60)
            self.assertEqual(len(rig.service.attempts), made + 1)

    def test_what_waits_expires_meanwhile(self) -> None:
        """Thirty minutes without a reachable push service end as expired, and no attempt is made for them."""
        rig = StreamRig()
        rig.service.mood = "closes"
        for wire in rig.service.open():
            wire.end()
        self.until_blocked(rig)
        made = len(rig.service.attempts)
        rig.submit(3)
        rig.run(1798, step=1)
        self.assertEqual(rig.reported(), [])
        rig.run(4, step=1)
        self.assertEqual(
            rig.reported(), [(token(i), State.EXPIRED, "PushServiceUnreachable") for i in range(3)]
        )
        self.assertEqual(len(rig.service.attempts), made)

    def test_it_ends_when_the_service_is_of_use(self) -> None:
        """The attempt after the hour finds a service that is well: the circuit closes, what waits goes."""
        rig = StreamRig()
        rig.service.mood = "closes"
        for wire in rig.service.open():
            wire.end()
        self.until_blocked(rig)
        rig.service.mood = "well"
        rig.run(HOLD, step=60)
        rig.submit(3)
        rig.run(10)
        self.assertEqual(rig.app()["circuit"], {"open": False, "cause": ""})
        self.assertEqual({state for _, state, _ in rig.reported()}, {State.PRESUMED})

    def test_a_service_that_closes_on_whatever_it_is_sent(self) -> None:
        """It does not have the whole queue given up as poison: one is blamed at most before a block is suspected."""
        rig = StreamRig(spare=0)
        rig.service.closes_on = token(0)
        rig.submit([token(0)] * 40)
        self.until_blocked(rig)
        failed = [each for each, state, _ in rig.reported() if state is State.FAILED]
        self.assertLess(len(failed), 10)
        self.assertGreater(rig.app()["queue"], 30)


class HandshakeTests(SynchronousTestCase):
    def test_no_minute_has_more_than_the_cap(self) -> None:
        """Connections that live for a while and end without a word are replaced so often, over the whole pool."""
        rig = StreamRig(handshakes_per_minute=6, connections=2, response_timeout="1s")
        for _ in range(300):
            for wire in rig.service.open():
                wire.end()
            rig.submit([token(number) for number in range(50)])
            rig.run(1.5, step=0.25)
        attempts = rig.service.attempts
        self.assertGreater(len(attempts), 20)
        for at in attempts:
            self.assertLessEqual(sum(at <= each < at + 60 for each in attempts), 6)

    def test_dead_tokens_do_not_count(self) -> None:
        """A connection that ends with the outcome of a notification was of use: a list of dead tokens goes on."""
        rig = StreamRig(handshakes_per_minute=6, connections=2, response_timeout="1s")
        rig.submit(1)
        rig.run(2)
        for number in range(0, 100, 2):
            rig.submit([token(100 + number), token(101 + number)])
            rig.run(0.2)
            [wire] = [each for each in rig.service.open() if token(101 + number) in each.tokens]
            wire.answer(8, len(wire.tokens))
        rig.run(0.1)
        rejected = [each for each, state, _ in rig.reported() if state is State.REJECTED]
        self.assertEqual(len(rejected), 50)
        self.assertGreater(len(rig.service.attempts), 50)

    def test_a_pool_that_was_lost_does_not_come_back_at_once(self) -> None:
        """When all connections are lost together their successors come one by one."""
        rig = StreamRig(chance=1.0, connections=8, response_timeout="1s", window=100, spare=0)
        rig.submit([token(number) for number in range(8 * 256)])
        rig.run(2)
        self.assertEqual(rig.app()["connections"], {"ready": 8})
        made = len(rig.service.attempts)
        for wire in rig.service.open():
            wire.end()
        rig.submit([token(number) for number in range(20 * 256)])
        rig.run(10)
        again = rig.service.attempts[made:]
        self.assertEqual(len(again), 8)
        self.assertEqual(len(set(again)), len(again))


class CertificateTests(SynchronousTestCase):
    """An operator hears of a certificate's end while there is time."""

    def test_thirty_seven_and_one(self) -> None:
        """One warning each at 30, 7 and 1 days, and one line when it is over; to ten minutes."""
        rig = StreamRig(days=40)
        with capturedLogs() as events:
            rig.run(45 * DAY, step=300)
        logged = warnings(events, "the certificate expires") + warnings(events, "the certificate has expired")
        self.assertEqual(
            logged, [(LogLevel.warn, 30), (LogLevel.warn, 7), (LogLevel.warn, 1), (LogLevel.critical, 0)]
        )

    def test_at_the_start(self) -> None:
        """What is below a mark already is logged once at the start, and the next mark in its time."""
        with capturedLogs() as events:
            rig = StreamRig(days=5)
            rig.run(2 * DAY, step=300)
            self.assertEqual(warnings(events, "the certificate expires"), [(LogLevel.warn, 5)])
            rig.run(3 * DAY, step=300)
        self.assertEqual(len(warnings(events, "the certificate expires")), 2)

    def test_expired_at_the_start(self) -> None:
        """So is that it is over; and the circuit has the cause."""
        with capturedLogs() as events:
            rig = StreamRig(days=-0.5)
        self.assertEqual(warnings(events, "the certificate has expired"), [(LogLevel.critical, 0)])
        self.assertEqual(rig.app()["circuit"], {"open": True, "cause": "certificate-expired"})
        self.assertEqual(rig.service.attempts, [])

    def test_not_yet_valid(self) -> None:
        """A certificate of the future is not tried, and once its time has come it is."""
        rig = StreamRig()
        rig.epoch -= 2 * DAY
        for wire in rig.service.open():
            wire.end()
        rig.submit(1)
        rig.run(10)
        self.assertEqual(rig.app()["circuit"], {"open": True, "cause": "certificate-not-yet-valid"})
        rig.epoch += 2 * DAY
        rig.run(3600, step=1)
        self.assertEqual(rig.app()["circuit"], {"open": False, "cause": ""})


class SpareTests(SynchronousTestCase):
    """One connection more than are in use waits for one of them to end."""

    def rig(self, **app: Any) -> StreamRig:
        rig = StreamRig(**{"connections": 1, "response_timeout": "5s", **app})
        rig.submit([token(1)])
        rig.run(1)
        return rig

    def test_only_a_busy_app_has_one(self) -> None:
        """None at the start; one once there was something to send; none after the idle timeout."""
        self.assertEqual(StreamRig().app()["connections"], {"ready": 1})
        rig = self.rig(idle_timeout="1m")
        self.assertEqual(rig.app()["connections"], {"ready": 1, "spare": 1})
        rig.run(58, step=0.25)
        self.assertEqual(rig.app()["connections"], {"ready": 1, "spare": 1})
        rig.run(5, step=0.25)
        self.assertEqual(rig.app()["connections"], {})

    def test_it_takes_over_at_once(self) -> None:
        """An error closes the one in use: what was behind it is written in the same moment, on the spare."""
        rig = self.rig()
        first, second = rig.service.open()
        rig.submit([token(number) for number in range(10, 15)])
        rig.run(0.1)
        self.assertEqual((len(first.tokens), second.tokens), (6, []))
        first.answer(8, 3)
        rig.clock.pump([0, 0, 0])
        self.assertEqual(second.tokens, [token(number) for number in range(12, 15)])
        rig.run(1)
        self.assertEqual(rig.app()["connections"], {"ready": 1, "spare": 1})

    def test_more_of_them_while_connections_end(self) -> None:
        """When errors end connections again and again more of them wait, and none serves that is not needed."""
        rig = self.rig(handshakes_per_minute=0)
        for number in range(200):
            rig.submit([token(10 + number), token(1000 + number)])
            rig.run(0.05, step=0.01)
            for wire in rig.service.open():
                if len(wire.tokens) > 1:
                    wire.answer(8, len(wire.tokens))
            states = rig.app()["connections"]
            self.assertLessEqual(states.get("ready", 0), 1)
        self.assertGreater(states["spare"], 3)

    def test_fewer_of_them_when_it_is_over(self) -> None:
        """However busy the app stays, those that are not needed any more are closed; as many as configured stay."""
        rig = self.rig(handshakes_per_minute=0)
        for number in range(100):
            rig.submit([token(10 + number), token(1000 + number)])
            rig.run(0.05, step=0.01)
            for wire in rig.service.open():
                if len(wire.tokens) > 1:
                    wire.answer(8, len(wire.tokens))
        for number in range(90):
            rig.submit([token(5000 + number)])
            rig.run(1, step=0.25)
        self.assertEqual(rig.app()["connections"], {"ready": 1, "spare": 1})
        made = len(rig.service.attempts)
        rig.submit([token(9000)])
        rig.run(60, step=0.25)
        self.assertEqual(len(rig.service.attempts), made)

    def test_it_is_not_written_to(self) -> None:
        """However much there is to send, as long as the others are there."""
        rig = self.rig(window=10)
        _, spare = rig.service.open()
        rig.submit([token(number) for number in range(200)])
        rig.run(60)
        self.assertEqual(spare.tokens, [])

    def test_its_end_says_nothing(self) -> None:
        """A spare that the service closes is no failure, and is not replaced again and again."""
        rig = self.rig()
        _, spare = rig.service.open()
        made = len(rig.service.attempts)
        spare.end()
        rig.submit([token(2)])
        rig.run(50)
        self.assertEqual(rig.app()["circuit"], {"open": False, "cause": ""})
        self.assertEqual(len(rig.service.attempts), made)
        rig.run(20)
        rig.submit([token(3)])
        rig.run(1)
        self.assertEqual(rig.app()["connections"], {"ready": 1, "spare": 1})

    def test_it_proves_nothing(self) -> None:
        """While the service fails no spare is opened, and one that stands idle does not say that all is well."""
        rig = self.rig()
        rig.run(10)
        rig.service.mood = "refuses"
        in_use, spare = rig.service.open()
        spare.end()
        in_use.end()
        rig.submit([token(2)])
        rig.run(30)
        self.assertEqual(rig.app()["circuit"], {"open": True, "cause": "refused"})
        self.assertEqual(rig.app()["connections"], {})

    def test_none(self) -> None:
        """spare = 0 keeps none."""
        self.assertEqual(self.rig(spare=0).app()["connections"], {"ready": 1})


class FlushTests(SynchronousTestCase):
    """Proof on demand."""

    def rig(self, **app: Any) -> tuple[StreamRig, int]:
        rig = StreamRig(**{"confirm": "probe", **app})
        receipt = self.successResultOf(rig.submit(3))
        return rig, receipt.id

    def outcomes(self, rig: StreamRig) -> list[tuple[State, bool]]:
        rig.reported()
        return [(each.state, each.span.recalled) for each in rig.sink.reports if isinstance(each, Outcome)]

    def test_what_is_in_flight(self) -> None:
        """It is accepted by proof, and does not wait for the response timeout."""
        rig, number = self.rig()
        rig.run(1)
        flushing = rig.gateway.flush(number + 2)
        self.assertNoResult(flushing)
        rig.run(0.1)
        self.assertEqual(self.successResultOf(flushing), 3)
        self.assertEqual(self.outcomes(rig), [(State.ACCEPTED, False)])

    def test_what_was_presumed(self) -> None:
        """One correction each says that it was accepted; the status stands last."""
        rig, number = self.rig()
        rig.run(10)
        self.assertEqual(self.outcomes(rig), [(State.PRESUMED, False)])
        flushing = rig.gateway.flush(number)
        rig.run(0.1)
        self.assertEqual(self.successResultOf(flushing), 3)
        self.assertEqual(self.outcomes(rig), [(State.PRESUMED, False), (State.ACCEPTED, True)])
        self.assertEqual(rig.status(number)["state"], "accepted")
        self.assertTrue(rig.status(number)["corrects"])
        self.assertEqual(rig.app()["circuit"], {"open": False, "cause": ""})

    def test_sending_goes_on(self) -> None:
        """What comes meanwhile goes over another connection, once."""
        rig, number = self.rig(connections=1)
        rig.service.answers_probes = False
        rig.run(1)
        flushing = rig.gateway.flush(number)
        rig.submit([token(number) for number in range(20, 25)])
        rig.run(1)
        self.assertNoResult(flushing)
        sent = [each for wire in rig.service.wires for each in wire.tokens]
        self.assertEqual(sent, [*map(token, range(3)), *map(token, range(20, 25))])

    def test_a_service_that_does_not_answer(self) -> None:
        """The flush ends all the same; what was in flight is presumed as ever, and nothing is sent twice."""
        rig, number = self.rig()
        rig.service.answers_probes = False
        rig.run(1)
        flushing = rig.gateway.flush(number)
        rig.run(20)
        self.assertEqual(self.successResultOf(flushing), 0)
        self.assertEqual(self.outcomes(rig), [(State.PRESUMED, False)])
        self.assertEqual(sum(len(wire.tokens) for wire in rig.service.wires), 3)

    def test_once_a_minute(self) -> None:
        """A request while one is under way gets its answer; the next is refused for a minute, with the seconds."""
        rig, number = self.rig()
        rig.run(1)
        flushing = [rig.gateway.flush(number) for _ in range(3)]
        flushing[0].cancel()
        rig.run(0.1)
        self.failureResultOf(flushing[0])
        self.assertEqual([self.successResultOf(each) for each in flushing[1:]], [3, 3])
        rig.submit(1)
        rig.run(1)
        error = self.failureResultOf(rig.gateway.flush(number), Overloaded).value
        self.assertEqual(str(error), "flush of news: one was made less than 60 s ago; try again in 59 s")
        rig.run(60)
        rig.submit(1)
        rig.run(1)
        flushed = rig.gateway.flush(number)
        rig.run(0.1)
        self.assertEqual(self.successResultOf(flushed), 2)  # the one presumed meanwhile as well

    def test_nothing_in_doubt(self) -> None:
        """Nothing to prove costs nothing, so it may be asked again at once."""
        rig, number = self.rig()
        self.assertEqual(self.successResultOf(rig.gateway.flush(number)), 0)
        self.assertEqual(self.successResultOf(rig.gateway.flush(number)), 0)

    def test_refusals(self) -> None:
        """An unknown id, a configuration that does not allow it, and a gateway that stops."""
        rig, number = self.rig(confirm="quiet")
        for unknown in (5, number + 3):
            self.failureResultOf(rig.gateway.flush(unknown), NotFound)
        error = self.failureResultOf(rig.gateway.flush(number), Invalid).value
        self.assertEqual(str(error), 'id: of an app with confirm = "quiet"; its confirm must be "probe"')
        rig.gateway.refuse()
        self.failureResultOf(rig.gateway.flush(number), ShuttingDown)

    def test_a_drain_meanwhile(self) -> None:
        """A stop while a flush is under way does not ask twice, and both end."""
        rig, number = self.rig()
        rig.run(1)
        flushing, drained = rig.gateway.flush(number), rig.gateway.drain()
        rig.run(1)
        self.assertEqual(self.successResultOf(flushing), 3)
        self.successResultOf(drained)


class StopTests(SynchronousTestCase):
    """A stop that is waited for in vain."""

    def test_cut_short(self) -> None:
        """When what is in flight takes too long the stop is cancelled: no timer stays, nothing polls on."""
        rig = StreamRig(response_timeout="60s")
        rig.run(1)
        rig.submit(3)
        rig.run(1)
        rig.gateway.refuse()
        stopping = rig.gateway.drain()
        rig.run(5)
        self.assertNoResult(stopping)
        stopping.cancel()
        rig.run(1)
        self.successResultOf(stopping)
        self.successResultOf(Deferred.fromCoroutine(rig.gateway.close()))
        self.assertEqual(rig.clock.getDelayedCalls(), [])
