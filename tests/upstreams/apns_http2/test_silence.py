"""Answers that do not come, connections on which nothing happens, and which of the two is at fault."""

from collections.abc import Callable

import pytest

from pushgate.model.outcome import State
from pushgate.upstreams.common.http_push.connection import PING_TIMEOUT, ROTATE
from tests.apns_http2_upstream_rig import HTTP2Rig, Request, accepts, silence
from tests.samples import token

ACCEPTED = (State.ACCEPTED, "")
Make = Callable[..., HTTP2Rig]
DAY = 86400.0


def silent_at_first(times: int) -> Callable[[Request], None]:
    """Answers a notification only when it has come more often."""

    def judge(request: Request) -> None:
        if request.wire.service.counts()[request.token] > times:
            request.answer()

    return judge


class TestNoAnswer:
    def test_one_request(self, rig: HTTP2Rig) -> None:
        """While others are answered, one without an answer is given up alone, and its connection stays."""
        rig.prove()
        rig.service.by_token[token(0)] = silent_at_first(1)
        rig.service.by_token[token(1)] = silence
        rig.submit([token(0)])
        rig.submit([token(1)], delivery="at-most-once")
        for number in range(2, 36):
            rig.submit([token(number)])
            rig.run(1)
        (wire,) = rig.service.wires
        assert len(wire.resets) == 2
        outcomes = rig.outcomes()
        assert outcomes.pop(token(1)) == (State.UNKNOWN, "NoAnswer")
        assert set(outcomes.values()) == {ACCEPTED}
        assert len(outcomes) == 35

    def test_a_late_answer(self, rig: HTTP2Rig) -> None:
        """An answer to a request that was given up changes nothing."""
        rig.prove()
        rig.service.by_token[token(0)] = silence
        rig.submit([token(0)], delivery="at-most-once")
        rig.run(29)
        late = rig.service.received[0]
        rig.submit([token(1)])
        rig.run(0.2)
        late.wire.deaf = True  # what we say does not arrive any more
        rig.run(1.5)
        late.wire.deaf = False
        late.answer()
        rig.run(1)
        assert rig.outcomes() == {token(0): (State.UNKNOWN, "NoAnswer"), token(1): ACCEPTED}

    def test_a_body_that_no_window_was_granted_for(self, rig: HTTP2Rig) -> None:
        """A request that was never sent whole is sent again even under at-most-once when its time is over."""
        rig.service.window = 100
        rig.service.wires[0].end()
        rig.run(3)
        rig.prove()
        (wire,) = rig.service.up()
        wire.deaf = True
        rig.submit([token(0)], payload=b'{"aps":{"alert":"%s"}}' % (b"x" * 500), delivery="at-most-once")
        rig.run(29)
        wire.connection.exchange._answered_at = rig.clock.seconds()  # others are answered
        rig.run(2)
        rig.service.window = 1 << 16
        wire.end()
        rig.run(5)
        assert rig.outcomes() == {token(0): ACCEPTED}

    def test_a_silent_connection(self, rig: HTTP2Rig) -> None:
        """When nothing is answered the connection is given up, and no notification is to blame."""
        rig.prove()
        (wire,) = rig.service.up()
        wire.deaf = True
        rig.submit(50)
        rig.run(30 + PING_TIMEOUT - 1)
        assert wire.connected
        rig.run(15)
        assert rig.outcomes() == dict.fromkeys([token(number) for number in range(50)], ACCEPTED)
        assert len(rig.service.wires) == 2
        assert rig.circuit == (False, "")

    def test_a_service_that_answers_nothing(self, rig: HTTP2Rig) -> None:
        """From the first connection on: the circuit opens with its cause, attempts grow rare, nothing fails."""
        rig.service.greet = lambda wire: setattr(wire, "deaf", True)
        rig.service.wires[0].deaf = True
        rig.submit(10)
        rig.run(600, step=0.25)
        assert rig.circuit == (True, "timed-out")
        assert len(rig.service.attempts) < 15
        assert rig.outcomes() == {}
        rig.service.greet = lambda wire: None
        rig.run(180, step=0.25)
        assert len(rig.outcomes()) == 10
        assert set(rig.outcomes().values()) == {ACCEPTED}

    def test_a_notification_that_is_never_answered(self, make_rig: Callable[..., HTTP2Rig]) -> None:
        """It fails in the end, and holds up no other, though nothing else is in flight with it."""
        rig = make_rig(retry_delay="20s")
        rig.prove()
        rig.service.by_token[token(7)] = silence
        rig.submit(20)
        rig.run(400, step=0.25)
        outcomes = rig.outcomes()
        assert outcomes.pop(token(7)) == (State.FAILED, "NoAnswer")
        assert len(outcomes) == 19
        assert set(outcomes.values()) == {ACCEPTED}
        assert not rig.circuit[0]
        rig.submit([token(100)])
        rig.run(1)
        assert rig.outcomes()[token(100)] == ACCEPTED
        assert rig.circuit == (False, "")


class TestPing:
    def test_after_the_interval(self, make_rig: Make) -> None:
        """A connection without requests is asked whether its other side is there; it stays when that answers."""
        rig = make_rig(ping_interval="1h")
        rig.prove()
        (wire,) = rig.service.wires
        asked = []
        deliver = wire.connection.transport.write

        def write(data: bytes) -> None:
            asked.append(rig.clock.seconds())
            deliver(data)

        wire.write = write
        rig.run(3 * 3600 + 60, step=1)
        assert [round(at / 3600, 1) for at in asked] == [1, 2, 3]
        assert wire.connected
        assert rig.service.wires == [wire]

    def test_without_an_answer(self, make_rig: Make) -> None:
        """A connection whose other side is gone is given up, and what is sent then has one that is not."""
        rig = make_rig(ping_interval="1h")
        rig.prove()
        rig.service.wires[0].deaf = True
        rig.run(3590, step=1)
        rig.run(PING_TIMEOUT + 11, step=0.25)
        assert not rig.service.wires[0].connected
        rig.submit(1)
        rig.run(1)
        assert rig.outcomes() == {token(0): ACCEPTED}
        assert rig.circuit == (False, "")

    def test_it_is_not_work(self, make_rig: Make) -> None:
        """A connection that has nothing but PING to do for `idle_timeout` is closed, in good order."""
        rig = make_rig(ping_interval="10m", idle_timeout="1h")
        rig.prove()
        rig.run(3590, step=1)
        assert rig.service.wires[0].connected
        rig.run(30, step=0.25)
        assert not rig.service.wires[0].connected
        assert rig.app()["connections"] == {}
        rig.submit(1)
        rig.run(1)
        assert rig.outcomes() == {token(0): ACCEPTED}


class TestRotation:
    def test_before_the_streams_run_out(self, rig: HTTP2Rig, monkeypatch: pytest.MonkeyPatch) -> None:
        """A connection with few streams left is replaced by another, and closed when all has its answer."""
        rig.prove()
        (wire,) = rig.service.up()
        rig.service.behaviour = silence
        rig.submit(3)
        rig.run(0.2)
        wire.connection._codec._last = ROTATE + 1
        rig.service.behaviour = accepts
        rig.submit([token(number) for number in range(3, 6)])
        rig.run(1)
        assert rig.app()["connections"] == {"draining": 1, "ready": 1}
        assert {each.wire for each in rig.service.received[3:]} == {rig.service.wires[1]}
        for request in list(wire.open.values()):
            request.answer()
        rig.run(6)
        assert rig.app()["connections"] == {"ready": 1}
        assert not wire.connected
        assert rig.outcomes() == dict.fromkeys([token(number) for number in range(6)], ACCEPTED)
        assert rig.service.counts() == dict.fromkeys([token(number) for number in range(6)], 1)
