"""How many requests are made at a time, and what becomes of those that have no answer."""

from collections.abc import Callable

import pytest

from pushgate.model.outcome import State
from pushgate.protocols.http_push.exchange import UNLIMITED
from tests.apns_http2_upstream_rig import CANCEL, REFUSED_STREAM, HTTP2Rig, Request, accepts, silence
from tests.samples import token

ACCEPTED = (State.ACCEPTED, "")
Make = Callable[..., HTTP2Rig]


def tokens(count: int) -> list[bytes]:
    """Tokens of devices, in order."""
    return [token(number) for number in range(count)]


class TestLimits:
    def test_one_until_the_first_valid_answer(self, rig: HTTP2Rig) -> None:
        """With a provider token one request is made; when its answer shows that the token is good, all are."""
        rig.service.behaviour = silence
        rig.submit(20)
        rig.run(5)
        (wire,) = rig.service.up()
        assert len(wire.requests) == 1
        wire.requests[0].answer()
        rig.run(0.1)
        assert len(wire.requests) == 20
        assert wire.requests[0].headers["authorization"] == "bearer token-1700000000"

    def test_a_certificate_is_good_at_once(self, make_rig: Make) -> None:
        """With a certificate there is nothing to show: the service takes what its SETTINGS say."""
        rig = make_rig(certificate="x.pem")
        rig.service.behaviour = silence
        rig.submit(20)
        rig.run(1)
        (wire,) = rig.service.up()
        assert len(wire.requests) == 20
        assert "authorization" not in wire.requests[0].headers

    @pytest.mark.parametrize(("ours", "theirs", "most"), [(0, 7, 7), (5, 7, 5), (9, 7, 7)])
    def test_the_lower_limit(self, make_rig: Make, ours: int, theirs: int, most: int) -> None:
        """The service's limit is kept, and so is the one that is configured."""
        rig = make_rig(certificate="x.pem", streams=ours)
        rig.service.wires[0].limit(theirs)
        rig.service.behaviour = silence
        rig.submit(20)
        rig.run(1)
        (wire,) = rig.service.up()
        assert len(wire.open) == most
        wire.requests[0].answer()
        rig.run(0.1)
        assert (len(wire.open), len(wire.requests)) == (most, most + 1)

    def test_a_limit_that_shrinks(self, rig: HTTP2Rig) -> None:
        """Requests under way go on; new ones are made when there are fewer than the limit of now."""
        rig.prove()
        rig.service.behaviour = silence
        rig.submit(20)
        rig.run(0.1)
        (wire,) = rig.service.up()
        assert len(wire.open) == 20
        wire.limit(3)
        rig.submit([token(number) for number in range(100, 110)])
        rig.run(0.1)
        for request in list(wire.open.values())[:17]:
            request.answer()
        rig.run(0.1)
        assert len(wire.open) == 3
        rig.service.behaviour = accepts
        for request in list(wire.open.values()):
            request.answer()
        rig.run(1)
        assert len(rig.outcomes()) == 30
        assert set(rig.outcomes().values()) == {ACCEPTED}
        assert max(rig.service.counts().values()) == 1

    def test_a_service_that_sets_no_limit(self, rig: HTTP2Rig) -> None:
        """Once it has answered, it is given as many requests as RFC 9113 has it take at least."""
        rig.service.opens = b"\0\0\0\4\0\0\0\0\0"  # SETTINGS that set nothing
        rig.service.wires[0].end()
        rig.run(5)
        (wire,) = rig.service.up()
        wire.codec.output()  # instead of its SETTINGS
        rig.service.behaviour = silence
        rig.submit(300)
        rig.run(1)
        assert len(wire.open) == 1
        wire.requests[0].answer()
        rig.run(1)
        assert len(wire.open) == UNLIMITED


class TestRefusedStreams:
    @pytest.mark.parametrize("delivery", ["at-least-once", "at-most-once"])
    def test_sent_again(self, rig: HTTP2Rig, delivery: str) -> None:
        """REFUSED_STREAM proves that nothing was looked at, whatever the delivery."""
        rig.prove()
        refused: list[bytes] = []

        def refuse_once(request: Request) -> None:
            if request.token in refused:
                request.answer()
            else:
                refused.append(request.token)
                request.wire.reset(request.stream, REFUSED_STREAM)

        rig.service.behaviour = refuse_once
        rig.submit(10, delivery=delivery)
        rig.run(2)
        assert rig.outcomes() == dict.fromkeys(tokens(10), ACCEPTED)
        assert set(rig.service.counts().values()) == {2}
        assert len(rig.service.wires) == 1

    def test_another_reset(self, rig: HTTP2Rig) -> None:
        """A stream that was reset for another reason may have been processed: the delivery decides."""
        rig.prove()
        rig.service.by_token[token(0)] = lambda request: (
            accepts(request)
            if rig.service.counts()[token(0)] > 1
            else request.wire.reset(request.stream, CANCEL)
        )
        rig.service.by_token[token(1)] = lambda request: request.wire.reset(request.stream, CANCEL)
        rig.submit([token(0)])
        rig.submit([token(1)], delivery="at-most-once")
        rig.run(2)
        assert rig.outcomes() == {
            token(0): ACCEPTED, token(1): (State.UNKNOWN, "StreamReset: cancel"),
        }  # fmt: skip


class TestGoodbye:
    @pytest.mark.parametrize("delivery", ["at-least-once", "at-most-once"])
    def test_what_is_above_the_last_stream_goes_again(self, rig: HTTP2Rig, delivery: str) -> None:
        """GOAWAY: streams up to the last are answered, those above are sent again on another connection."""
        rig.prove()
        rig.service.behaviour = silence
        rig.submit(10, delivery=delivery)
        rig.run(0.2)
        (wire,) = rig.service.up()
        rig.service.behaviour = accepts
        wire.go_away(wire.requests[5].stream)
        rig.run(1)
        assert len(rig.service.wires) == 2
        assert rig.app()["connections"] == {"draining": 1, "ready": 1}
        assert set(rig.outcomes()) == set(tokens(10)[5:])
        for request in list(wire.open.values()):
            request.answer()
        rig.run(6)
        assert rig.outcomes() == dict.fromkeys(tokens(10), ACCEPTED)
        assert {each: count for each, count in rig.service.counts().items() if count > 1} == dict.fromkeys(
            tokens(10)[5:], 2
        )
        assert rig.app()["connections"] == {"ready": 1}
        assert rig.circuit == (False, "")

    def test_nothing_in_flight(self, rig: HTTP2Rig) -> None:
        """A connection that the service leaves is closed at once, and another takes its place."""
        rig.prove()
        rig.service.wires[0].go_away(1)
        rig.submit(3)
        rig.run(1)
        assert not rig.service.wires[0].connected
        assert len(rig.outcomes()) == 3
        assert rig.counted("pushgate_reconnects_total", "news", "goaway") == 1

    def test_a_reason_opens_the_circuit(self, rig: HTTP2Rig, lines: Callable[[], list[str]]) -> None:
        """The reason in GOAWAY's debug data is read, also when nothing is in flight."""
        rig.prove()
        lines()
        rig.service.wires[0].go_away(1, "BadCertificate")
        rig.run(0.1)
        assert rig.circuit == (True, "certificate-rejected")
        (line,) = lines()
        assert "apps.news.key_file: BadCertificate: the certificate is no good" in line

    def test_before_anything_was_answered(self, rig: HTTP2Rig, lines: Callable[[], list[str]]) -> None:
        """A service that goes away again and again is not asked at once each time; its words are shown."""
        rig.service.greet = lambda wire: wire.go_away(0, "Busy\\u000anow")
        rig.service.wires[0].go_away(0, "Busy\\u000anow")
        rig.submit(1)
        rig.run(60)
        assert len(rig.service.attempts) < 10
        assert rig.circuit == (True, "shutdown")
        assert "went away before it answered: Busy\\nnow" in lines()[-1]
        rig.service.greet = lambda wire: None
        rig.run(120)
        assert rig.outcomes() == {token(0): ACCEPTED}


class TestLostConnections:
    def test_the_delivery_decides(self, rig: HTTP2Rig) -> None:
        """What was in flight is sent again, or reported as unknown."""
        rig.prove()
        rig.service.behaviour = silence
        rig.submit(tokens(5))
        rig.submit([token(number) for number in range(5, 8)], delivery="at-most-once")
        rig.run(0.2)
        rig.service.behaviour = accepts
        rig.service.wires[0].end()
        rig.run(2)
        assert rig.outcomes() == {
            **dict.fromkeys(tokens(5), ACCEPTED),
            **dict.fromkeys([token(number) for number in range(5, 8)], (State.UNKNOWN, "ConnectionLost")),
        }

    def test_half_a_request(self, rig: HTTP2Rig) -> None:
        """A body that the service's window had no room for was not acted on: it goes again under at-most-once."""
        rig.service.window = 100
        rig.service.wires[0].end()
        rig.run(3)
        rig.prove()
        (wire,) = rig.service.up()
        wire.deaf = True
        rig.submit(3, payload=b'{"aps":{"alert":"%s"}}' % (b"x" * 500), delivery="at-most-once")
        rig.run(0.2)
        assert wire.asked.count(b"alert") == 3
        rig.service.window = 1 << 16
        rig.service.behaviour = accepts
        wire.end()
        rig.run(5)
        assert rig.outcomes() == dict.fromkeys(tokens(3), ACCEPTED)

    def test_a_poison_is_cornered(self, rig: HTTP2Rig) -> None:
        """A notification that ends each connection it is sent on fails in the end; all others are accepted."""
        rig.prove()
        rig.service.by_token[token(77)] = lambda request: request.wire.end()
        rig.submit(200)
        rig.run(300)
        outcomes = rig.outcomes()
        assert outcomes.pop(token(77)) == (State.FAILED, "ClosesConnection")
        assert outcomes == dict.fromkeys([each for each in tokens(200) if each != token(77)], ACCEPTED)
        assert rig.circuit == (False, "")
