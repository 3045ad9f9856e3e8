"""What the gateway asks of an upstream: its interfaces, where a notification is, and what is on its way."""

import json
from typing import Any

from zope.interface.verify import verifyObject

from pushgate.plugin.upstream_interface import IDeclaresRules, IInFlight, IUpstream
from tests.apns_http2_upstream_rig import HTTP2Rig, accepts, says, silence
from tests.samples import token


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


def test_a_stop_before_anything_was_written(rig: HTTP2Rig) -> None:
    """What was about to be written stays in the queue; a second call changes nothing."""
    rig.prove()
    rig.submit(3)
    stopped = rig.http2.stop()
    assert rig.http2.stop() is stopped
    rig.run(1)
    assert stopped.called
    assert (rig.service.received, rig.app()["queue"]) == ([], 3)


def test_in_flight_and_delayed(rig: HTTP2Rig) -> None:
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


def test_counts(rig: HTTP2Rig) -> None:
    """What is in flight and what is delayed are counted apart."""
    rig.prove()
    rig.service.by_token[token(0)] = says(429, "TooManyRequests")
    rig.service.by_token[token(1)] = silence
    rig.submit(2)
    rig.run(0.5)
    app = rig.app()
    assert (app["window"], app["delayed"], app["queue"]) == (1, 1, 0)
