"""Services that do not do what Apple's does: bounded attempts, an honest cause, and nothing is lost."""

from collections.abc import Callable

import pytest

from pushgate.model.outcome import State
from tests.apns_http2_upstream_rig import REFUSED_STREAM, HTTP2Rig, Request, accepts, says
from tests.samples import token

Make = Callable[..., HTTP2Rig]
Lines = Callable[[], list[str]]
ACCEPTED = (State.ACCEPTED, "")
MINUTE = 60
FEW = 16
"""Attempts in a minute, once it has turned out that they are of no use."""


def refuse(request: Request) -> None:
    """Look at nothing."""
    request.wire.reset(request.stream, REFUSED_STREAM)


class TestOtherProtocols:
    @pytest.mark.parametrize(
        "greeting",
        [
            b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            b"220 mail.example.com ESMTP\r\n",
            b"\x15\x03\x03\x00\x02\x02\x28",
            bytes(range(256)) * 64,
            b"\0\0\0\4\0\0\0\0\0" + b"\0\xff\xff\1\4\0\0\0\1" + bytes(65535),
        ],
        ids=["HTTP/1.1", "SMTP", "TLS alert", "garbage", "a large frame"],
    )
    def test_none_that_is_ours(self, rig: HTTP2Rig, lines: Lines, greeting: bytes) -> None:
        """The circuit opens as not-http2; when the service speaks HTTP/2 again, everything is sent."""
        rig.service.opens = greeting
        rig.service.wires[0].end()
        rig.submit(10)
        rig.run(MINUTE)
        assert rig.circuit == (True, "not-http2")
        assert "news: not-http2: localhost:443: " in lines()[-1]
        assert len(rig.service.attempts) < FEW
        assert rig.outcomes() == {}
        rig.service.opens = None
        rig.run(2 * MINUTE)
        assert rig.outcomes() == dict.fromkeys([token(number) for number in range(10)], ACCEPTED)
        assert rig.circuit == (False, "")

    def test_what_was_good_breaks_a_rule(self, rig: HTTP2Rig) -> None:
        """A connection that was of use and then breaks HTTP/2 is closed; another takes its place."""
        rig.prove()
        rig.service.wires[0].deliver(b"\0\0\0\5\0\0\0\0\1")  # PUSH_PROMISE
        rig.submit(5)
        rig.run(5)
        assert not rig.service.wires[0].connected
        assert len(rig.outcomes()) == 5
        assert rig.circuit == (False, "")

    def test_closes_at_once(self, rig: HTTP2Rig) -> None:
        """A service that accepts connections and closes them is asked ever more rarely."""
        rig.service.greet = lambda wire: wire.end()
        rig.service.wires[0].end()
        rig.submit(1)
        rig.run(MINUTE)
        assert rig.circuit[1] in {"closed-at-once", "suspected-block"}
        assert len(rig.service.attempts) < FEW

    def test_cannot_be_reached(self, rig: HTTP2Rig) -> None:
        """One that refuses connections has that as its cause."""
        rig.service.mood = "refuses"
        rig.service.wires[0].end()
        rig.submit(1)
        rig.run(MINUTE)
        assert rig.circuit == (True, "refused")
        assert len(rig.service.attempts) < FEW


class TestSameAnswerAgainAndAgain:
    """Each of these is sent again elsewhere, or later; a service that says nothing else must not be hammered."""

    @pytest.mark.parametrize(
        ("status", "reason"),
        [
            (503, "Shutdown"),
            (400, "IdleTimeout"),
            (403, "UnrelatedKeyIdInToken"),
            (429, "TooManyProviderTokenUpdates"),
            (403, "ExpiredProviderToken"),
        ],
    )
    def test_from_the_first_on(self, rig: HTTP2Rig, status: int, reason: str) -> None:
        """The circuit opens; nothing has failed by the time the service is well again."""
        rig.service.behaviour = says(status, reason)
        rig.submit(10)
        rig.run(MINUTE)
        assert rig.circuit[0]
        assert len(rig.service.attempts) < FEW
        assert len(rig.service.received) < 2 * FEW
        rig.service.behaviour = accepts
        rig.run(4 * MINUTE)
        assert rig.outcomes() == dict.fromkeys([token(number) for number in range(10)], ACCEPTED)

    def test_every_stream_is_refused(self, rig: HTTP2Rig) -> None:
        """The same with REFUSED_STREAM for everything."""
        rig.prove()
        rig.service.behaviour = refuse
        rig.submit(10)
        rig.run(MINUTE)
        assert len(rig.service.received) <= 10 + 4 * MINUTE
        rig.service.behaviour = accepts
        rig.run(2 * MINUTE)
        assert rig.outcomes() == dict.fromkeys([token(number) for number in range(10)], ACCEPTED)

    def test_trouble_with_a_few(self, rig: HTTP2Rig) -> None:
        """Notifications that are always answered with 500 hold up no others for long."""
        rig.prove()
        for number in range(3):
            rig.service.by_token[token(number)] = says(500, "InternalServerError")
        rig.submit(3)
        rig.run(1)
        rig.submit([token(number) for number in range(3, 20)])
        rig.run(2 * MINUTE)
        others = {each: fate for each, fate in rig.outcomes().items() if each >= token(3)}
        assert others == dict.fromkeys([token(number) for number in range(3, 20)], ACCEPTED)
        assert not rig.circuit[0]
