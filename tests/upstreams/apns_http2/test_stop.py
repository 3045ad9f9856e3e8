"""The end of an upstream, in good order or at once, and what can be asked of it meanwhile."""

import json
from collections.abc import Callable
from typing import Any

from zope.interface.verify import verifyObject

from pushgate.model.outcome import State
from pushgate.plugin.interfaces import IDeclaresRules, IInFlight, IUpstream
from tests.apns_http2_upstream_rig import HTTP2Rig, accepts, says, silence
from tests.samples import token

Make = Callable[..., HTTP2Rig]
ACCEPTED = (State.ACCEPTED, "")


def story(rig: HTTP2Rig, number: int) -> list[tuple[Any, ...]]:
    """Each step of a notification's trace with its connection and reason."""
    answer = rig.gateway.trace(number)
    trace = json.loads(getattr(answer, "result", answer).json())
    return [
        (each["event"], each.get("connection"), each.get("reason", ""))
        for each in trace["events"]
        if each["event"] not in {"submitted", "queued"}
    ]


def test_interfaces(rig: HTTP2Rig) -> None:
    """An upstream that can be asked what is in flight, and that has rules of its own."""
    for interface in (IUpstream, IInFlight, IDeclaresRules):
        verifyObject(interface, rig.http2)


class TestStop:
    def test_what_is_in_flight_is_answered(self, rig: HTTP2Rig) -> None:
        """Nothing new is written; the connection closes when the last answer is there, and nothing is left to do."""
        rig.prove()
        rig.service.behaviour = silence
        rig.submit(3)
        rig.run(0.2)
        stopped = rig.http2.stop()
        rig.submit([token(9)])
        rig.run(5)
        assert not stopped.called
        assert len(rig.service.received) == 3
        for request in rig.service.received:
            request.answer()
        rig.run(1)
        assert stopped.called
        assert rig.service.up() == []
        assert rig.outcomes() == dict.fromkeys([token(number) for number in range(3)], ACCEPTED)
        assert rig.app()["queue"] == 1

    def test_what_waits_goes_back_to_the_queue(self, rig: HTTP2Rig) -> None:
        """What was delayed is the queue's again, and so is what is refused for a while during the stop."""
        rig.prove()
        rig.service.by_token[token(0)] = says(429, "TooManyRequests")
        rig.service.by_token[token(1)] = silence
        rig.service.by_token[token(2)] = silence
        rig.submit(3)
        rig.run(1)
        assert rig.app()["delayed"] == 1
        stopped = rig.http2.stop()
        assert (rig.app()["delayed"], rig.app()["queue"]) == (0, 1)
        rig.service.received[1].answer(429, "TooManyRequests")
        rig.service.received[2].answer(503, "ServiceUnavailable")
        rig.run(1)
        assert stopped.called
        assert (rig.app()["delayed"], rig.app()["queue"]) == (0, 3)

    def test_nothing_is_left_to_do(self, rig: HTTP2Rig) -> None:
        """An upstream that has stopped, with its circuit open too, leaves nothing in the reactor."""
        before = len(HTTP2Rig().clock.getDelayedCalls())
        rig.service.behaviour = says(403, "InvalidProviderToken")
        rig.submit(3)
        rig.run(1)
        assert rig.circuit[0]
        stopped = rig.http2.stop()
        rig.run(10)
        assert stopped.called
        left = [call for call in rig.clock.getDelayedCalls() if "pushgate.upstreams" in str(call)]
        assert left == []
        assert len(rig.clock.getDelayedCalls()) < before

    def test_at_once(self, rig: HTTP2Rig) -> None:
        """What is in flight then follows its delivery."""
        rig.prove()
        rig.service.behaviour = silence
        rig.submit([token(0)])
        rig.submit([token(1)], delivery="at-most-once")
        rig.run(0.2)
        stopped = rig.http2.stop()
        rig.http2.abort()
        rig.http2.abort()
        rig.run(0.2)
        assert stopped.called
        assert rig.outcomes() == {token(1): (State.UNKNOWN, "ConnectionLost")}
        assert rig.app()["queue"] == 1


class TestQuestions:
    def test_in_flight_and_delayed(self, rig: HTTP2Rig) -> None:
        """A notification is found wherever it is; its trace says on which connection, and why again."""
        rig.prove()
        rig.service.behaviour = silence
        receipt = rig.submit(2).result
        rig.run(0.2)
        assert rig.status(receipt.id)["state"] == "written"
        assert story(rig, receipt.id) == [("written", 1, "")]
        rig.service.received[0].answer(503, "ServiceUnavailable")
        rig.run(0.2)
        assert story(rig, receipt.id) == [("written", 1, ""), ("refused", 1, "ServiceUnavailable")]
        assert story(rig, receipt.id + 1) == [("written", 1, "")]
        rig.service.behaviour = accepts
        rig.service.wires[0].end()
        rig.run(1000, step=0.5)
        assert story(rig, receipt.id)[2:] == [("written", 2, ""), ("outcome", None, "")]
        assert story(rig, receipt.id + 1)[1:] == [
            ("lost", 1, "ConnectionLost"), ("written", 2, ""), ("outcome", None, ""),
        ]  # fmt: skip

    def test_counts(self, rig: HTTP2Rig) -> None:
        """What is in flight and what is delayed are counted apart."""
        rig.prove()
        rig.service.by_token[token(0)] = says(429, "TooManyRequests")
        rig.service.by_token[token(1)] = silence
        rig.submit(2)
        rig.run(0.5)
        app = rig.app()
        assert (app["window"], app["delayed"], app["queue"]) == (1, 1, 0)
