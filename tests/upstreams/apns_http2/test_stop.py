"""A stop, a reload, and an app that is removed: what is in flight and what is delayed."""

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from pushgate.model.outcome import State
from pushgate.upstreams.apns_http2.settings import ApnsHTTP2Table
from pushgate.upstreams.apns_http2.upstream import ApnsHTTP2Upstream
from tests.apns_http2_upstream_rig import KEY, HTTP2Rig, Request, accepts, says, silence
from tests.samples import token

ACCEPTED = (State.ACCEPTED, "")
Make = Callable[..., HTTP2Rig]
LATER = [(500, "InternalServerError"), (429, "TooManyRequests")]
"""Answers after which a notification is delayed."""


def tokens(count: int) -> list[bytes]:
    """Tokens of devices, in order."""
    return [token(number) for number in range(count)]


def fired(deferred: Deferred[Any]) -> list[Any]:
    """The result of a Deferred that has fired, in a list; an empty one otherwise."""
    return [deferred.result] if deferred.called else []


def drained(rig: HTTP2Rig) -> Deferred[Any]:
    """Begin to stop the gateway, as `pushgate run` does."""
    rig.gateway.refuse()
    return rig.gateway.drain()


def closed(rig: HTTP2Rig) -> list[object]:
    """Close the gateway; return the timers that are left."""
    closing = Deferred.fromCoroutine(rig.gateway.close())
    rig.run(1)
    assert closing.called
    return list(rig.clock.getDelayedCalls())


class TestStop:
    def test_at_rest(self, rig: HTTP2Rig) -> None:
        """The connection is closed with GOAWAY at once, and no timer is left."""
        rig.prove()
        stopped = drained(rig)
        rig.run(0.2)
        assert fired(stopped) == [None]
        (wire,) = rig.service.wires
        assert (wire.left, wire.connected) == (True, False)
        assert closed(rig) == []

    def test_before_the_first_notification(self, rig: HTTP2Rig) -> None:
        """One that was never used is closed the same way."""
        stopped = drained(rig)
        rig.run(0.2)
        assert fired(stopped) == [None]
        assert rig.service.wires[0].left
        assert closed(rig) == []

    def test_without_a_connection(self, rig: HTTP2Rig) -> None:
        """A service that cannot be reached holds no stop up; what waits is left to the spool."""
        rig.service.mood = "refuses"
        rig.service.wires[0].end()
        rig.submit(5)
        rig.run(2)
        stopped = drained(rig)
        rig.run(0.2)
        assert fired(stopped) == [None]
        assert rig.outcomes() == {}
        assert rig.gateway.left() == 5
        assert closed(rig) == []

    def test_what_is_in_flight(self, rig: HTTP2Rig) -> None:
        """It is waited for, however long its answers take; the connection is closed when the last has come."""
        rig.prove()
        rig.service.behaviour = silence
        rig.submit(10)
        rig.run(0.2)
        stopped = drained(rig)
        (wire,) = rig.service.wires
        for request in list(wire.open.values()):
            rig.run(2)
            assert (fired(stopped), wire.left) == ([], False)
            request.answer()
        rig.run(0.5)
        assert fired(stopped) == [None]
        assert rig.outcomes() == dict.fromkeys(tokens(10), ACCEPTED)
        assert wire.left
        assert closed(rig) == []

    def test_what_waits_is_sent_first(self, make_rig: Make) -> None:
        """As long as the service is of use, the queue is emptied before anything is closed."""
        rig = make_rig(streams=2)
        rig.prove()
        rig.submit(50)
        stopped = drained(rig)
        rig.run(20)
        assert fired(stopped) == [None]
        assert rig.outcomes() == dict.fromkeys(tokens(50), ACCEPTED)

    def test_what_is_never_answered(self, rig: HTTP2Rig) -> None:
        """A connection on which nothing is answered ends a stop late, but it does."""
        rig.prove()
        rig.service.wires[0].deaf = True
        rig.submit(3)
        rig.run(0.2)
        stopped = drained(rig)
        rig.run(45)
        assert fired(stopped) == [None]
        assert rig.outcomes() == {}
        assert (rig.app()["queue"], rig.gateway.left()) == (3, 3)
        assert closed(rig) == []

    @pytest.mark.parametrize(("status", "reason"), LATER)
    def test_what_is_delayed(self, rig: HTTP2Rig, status: int, reason: str) -> None:
        """It waits in the queue again, and no timer does."""
        rig.prove()
        rig.service.by_token[token(3)] = says(status, reason)
        rig.submit(5)
        rig.run(0.5)
        assert (rig.app()["delayed"], rig.app()["queue"]) == (1, 0)
        stopped = drained(rig)
        rig.run(0.5)
        assert fired(stopped) == [None]
        assert (rig.app()["delayed"], rig.app()["queue"], rig.gateway.left()) == (0, 1, 1)
        assert closed(rig) == []

    @pytest.mark.parametrize(("status", "reason"), LATER)
    def test_what_would_be_delayed(self, rig: HTTP2Rig, status: int, reason: str) -> None:
        """An answer after the stop delays nothing: the notification waits in the queue."""
        rig.prove()
        rig.service.behaviour = silence
        rig.submit(2)
        rig.run(0.2)
        stopped = rig.http2.stop()
        for request in rig.service.received:
            request.answer(status, reason)
        rig.run(0.5)
        assert fired(stopped) == [None]
        assert (rig.app()["delayed"], rig.app()["queue"]) == (0, 2)
        rig.http2.abort()
        assert closed(rig) == []

    def test_a_refused_credential(self, rig: HTTP2Rig) -> None:
        """Nothing is tried again during a stop."""
        rig.prove()
        rig.service.behaviour = silence
        rig.submit(2)
        rig.run(0.2)
        stopped = rig.http2.stop()
        for request in rig.service.received:
            request.answer(403, "InvalidProviderToken")
        rig.run(60)
        assert fired(stopped) == [None]
        assert len(rig.service.wires) == 1
        assert rig.app()["queue"] == 2
        assert closed(rig) == []

    def test_twice(self, rig: HTTP2Rig) -> None:
        """A second stop waits for the first one."""
        rig.prove()
        first, second = rig.http2.stop(), rig.http2.stop()
        rig.run(0.5)
        assert fired(first) == fired(second) == [None]
        rig.http2.abort()
        assert closed(rig) == []


class TestAbort:
    def test_the_delivery_decides(self, rig: HTTP2Rig) -> None:
        """What is in flight waits again, or its outcome is unknown; what is delayed waits again."""
        rig.prove()
        rig.service.by_token[token(20)] = says(500, "InternalServerError")
        rig.submit([token(20)])
        rig.run(0.2)
        rig.service.behaviour = silence
        rig.submit(tokens(3))
        rig.submit([token(10)], delivery="at-most-once")
        rig.run(0.2)
        stopped = drained(rig)
        rig.run(5)
        assert fired(stopped) == []
        stopped.cancel()
        rig.run(0.5)
        assert rig.outcomes() == {token(10): (State.UNKNOWN, "ConnectionLost")}
        assert (rig.app()["delayed"], rig.app()["queue"]) == (0, 4)
        assert not rig.service.up()
        assert closed(rig) == []

    def test_while_connecting(self, rig: HTTP2Rig) -> None:
        """An attempt that hangs is cancelled."""
        rig.service.wires[0].end()
        rig.service.connect = lambda factory: Deferred()  # type: ignore[method-assign] # it never answers
        rig.submit(1)
        rig.run(5)
        assert rig.app()["connections"] == {"connecting": 1}
        rig.http2.abort()
        rig.run(0.5)
        assert rig.app()["connections"] == {}
        rig.http2.stop()
        assert closed(rig) == []


class TestReload:
    def hand_over(self, rig: HTTP2Rig, patience: float = 60.0, **app: Any) -> ApnsHTTP2Upstream:
        """Replace the upstream by another one; return the old one."""
        old = rig.http2
        table = {"upstream": "apns-http2", "host": "localhost", "connections": 1, **KEY, **app}
        candidate = rig.gateway.candidate("news", ApnsHTTP2Table.model_validate(table), rig.memory)
        candidate.start()
        rig.gateway.admit(candidate, patience)
        assert rig.http2 is not old
        return old

    def test_everything_has_its_outcome(self, rig: HTTP2Rig) -> None:
        """In flight: by the old one. Delayed, for the service or a device, and waiting: by the new one."""
        rig.prove()
        rig.service.by_token = {
            token(3): says(500, "InternalServerError"),
            token(4): says(429, "TooManyRequests"),
        }
        rig.submit(5)
        rig.run(0.5)
        assert rig.app()["delayed"] == 2
        rig.service.by_token.clear()
        rig.service.behaviour = silence
        rig.submit([token(10)])
        rig.run(0.2)
        (request,) = (each for each in rig.service.received if each.token == token(10))
        rig.service.behaviour = accepts
        self.hand_over(rig)
        rig.submit([token(20)])
        rig.run(1)
        new = rig.service.wires[1]
        assert {each.token for each in new.requests} == {token(3), token(4), token(20)}
        assert rig.app()["connections"] == {"draining": 1, "ready": 1}
        request.answer()
        rig.run(1)
        assert rig.outcomes() == dict.fromkeys([*tokens(5), token(10), token(20)], ACCEPTED)
        assert rig.app()["connections"] == {"ready": 1}
        assert rig.service.wires[0].left

    @pytest.mark.parametrize(("status", "reason"), LATER)
    def test_an_answer_that_comes_later(self, rig: HTTP2Rig, status: int, reason: str) -> None:
        """What the old one would have delayed is sent by the new one, and can be found all the time."""
        rig.prove()
        rig.service.behaviour = silence
        receipt = rig.submit([token(0)]).result
        rig.run(0.2)
        (request,) = rig.service.received
        rig.service.behaviour = accepts
        self.hand_over(rig)
        request.answer(status, reason)
        rig.run(1)
        assert rig.status(receipt.id)["state"] == "accepted"
        assert [each.wire for each in rig.service.received] == rig.service.wires

    def test_impatience(self, rig: HTTP2Rig) -> None:
        """What the old one has in flight after its time goes to the new one."""
        rig.prove()
        rig.service.behaviour = silence
        rig.submit(3)
        rig.run(0.2)
        rig.service.behaviour = accepts
        self.hand_over(rig, patience=5)
        rig.run(4)
        assert rig.outcomes() == {}
        rig.run(3)
        assert rig.outcomes() == dict.fromkeys(tokens(3), ACCEPTED)
        assert not rig.service.wires[0].connected

    def test_during_an_outage(self, rig: HTTP2Rig) -> None:
        """The new one's credential is tried at once, whatever the old one waits for."""
        rig.service.behaviour = says(403, "InvalidProviderToken")
        rig.submit(10)
        rig.run(60)
        rig.service.behaviour = accepts
        self.hand_over(rig, team_id="XYZ123GHIJ")
        rig.run(1)
        assert rig.outcomes() == dict.fromkeys(tokens(10), ACCEPTED)
        assert rig.circuit == (False, "")

    def test_removed(self, rig: HTTP2Rig) -> None:
        """An app that is removed with a request in flight: its answer is its outcome, a delay is none."""
        rig.prove()
        rig.service.behaviour = silence
        rig.submit(2)
        rig.run(0.2)
        rig.gateway.remove_app("news", 60)
        answers: list[Request] = list(rig.service.received)
        answers[0].answer()
        answers[1].answer(500, "InternalServerError")
        rig.run(2)
        assert rig.outcomes() == {token(0): ACCEPTED, token(1): (State.CANCELLED, "AppRemoved")}
        assert closed(rig) == []
