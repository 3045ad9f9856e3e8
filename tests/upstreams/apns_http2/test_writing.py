"""Which connection is written to, and when; and what the ends of connections mean besides."""

from collections.abc import Callable

from OpenSSL import SSL

from pushgate.model.outcome import State
from pushgate.upstreams.common.connection_pool import STALL
from tests.apns_http2_upstream_rig import TOPIC, HTTP2Rig, Request, accepts, says, silence
from tests.samples import token

Make = Callable[..., HTTP2Rig]
Lines = Callable[[], list[str]]
ACCEPTED = (State.ACCEPTED, "")


def tokens(count: int, first: int = 0) -> list[bytes]:
    """Tokens of devices, in order."""
    return [token(number) for number in range(first, first + count)]


def dirty_ends(*culprits: bytes) -> Callable[[Request], None]:
    """Ends the connection on which one of these comes; others are answered a moment later."""

    def judge(request: Request) -> None:
        if request.token in culprits:
            request.wire.end()
        else:
            request.wire.service.clock.callLater(0.2, request.answer)

    return judge


class TestRequests:
    def test_what_apple_is_sent(self, rig: HTTP2Rig) -> None:
        """Path, headers and body, as Apple has them; the notification's id is the request's."""
        receipt = rig.submit(
            [token(5)], payload=b'{"aps":{"content-available":1}}', collapse_id="score"
        ).result
        rig.run(0.5)
        (request,) = rig.service.received
        number = f"{receipt.id:032x}"
        uuid = "-".join([number[:8], number[8:12], number[12:16], number[16:20], number[20:]])
        assert request.body == b'{"aps":{"content-available":1}}'
        assert {name: value for name, value in request.headers.items() if name.startswith("apns")} == {
            "apns-id": uuid,
            "apns-push-type": "background",
            "apns-priority": "5",
            "apns-expiration": str(1_700_000_000 + 30 * 86400),
            "apns-topic": TOPIC,
            "apns-collapse-id": "score",
        }

    def test_the_id_stays_the_same(self, rig: HTTP2Rig) -> None:
        """A notification that is sent again has the id that it had."""
        rig.service.behaviour = silence
        rig.submit(1)
        rig.run(0.5)
        rig.service.behaviour = accepts
        rig.service.wires[0].end()
        rig.run(5)
        assert len({request.headers["apns-id"] for request in rig.service.received}) == 1
        assert len(rig.service.received) == 2


class TestConnections:
    def test_a_full_transport(self, rig: HTTP2Rig) -> None:
        """Nothing is written to a connection whose transport is full, until it has room again."""
        rig.prove()
        (wire,) = rig.service.wires
        wire.producer.pauseProducing()
        wire.producer.pauseProducing()
        rig.submit(5)
        rig.run(5)
        assert rig.service.received == []
        wire.producer.resumeProducing()
        rig.run(0.5)
        assert rig.outcomes() == dict.fromkeys(tokens(5), ACCEPTED)

    def test_a_transport_that_stays_full(self, rig: HTTP2Rig) -> None:
        """A service that reads nothing for a minute is given up."""
        rig.prove()
        rig.service.wires[0].producer.pauseProducing()
        rig.submit(5)
        rig.run(STALL + 2)
        assert not rig.service.wires[0].connected
        assert rig.outcomes() == dict.fromkeys(tokens(5), ACCEPTED)

    def test_several(self, make_rig: Make) -> None:
        """As many connections as the queue keeps busy; each is written to."""
        rig = make_rig(connections=3, streams=50)
        rig.prove()
        rig.service.behaviour = lambda request: rig.clock.callLater(0.2, request.answer)
        rig.submit(2000)
        rig.run(20)
        assert rig.outcomes() == dict.fromkeys(tokens(2000), ACCEPTED)
        assert len(rig.service.wires) == 3
        assert all(len(wire.requests) > 300 for wire in rig.service.wires)

    def test_suspects_among_others(self, make_rig: Make) -> None:
        """With work for all connections, one of them falls idle for the suspects; all others go through."""
        rig = make_rig(connections=2, streams=20)
        rig.prove()
        rig.service.behaviour = dirty_ends(token(33))
        for start in range(0, 3000, 300):
            rig.submit(tokens(300, start))
            rig.run(4)
        rig.run(60)
        outcomes = rig.outcomes()
        assert outcomes.pop(token(33)) == (State.FAILED, "ClosesConnection")
        assert set(outcomes.values()) == {ACCEPTED}
        assert len(outcomes) == 2999

    def test_suspects_on_a_connection_that_takes_fewer(self, rig: HTTP2Rig) -> None:
        """Suspects that may travel together do so as far as the limit of the streams lets them."""
        rig.prove()
        rig.service.behaviour = dirty_ends(token(7))
        rig.submit(100)
        rig.run(0.1)
        rig.service.streams = 5
        rig.run(120)
        outcomes = rig.outcomes()
        assert outcomes.pop(token(7)) == (State.FAILED, "ClosesConnection")
        assert outcomes == dict.fromkeys([each for each in tokens(100) if each != token(7)], ACCEPTED)

    def test_after_it_was_held_up(self, rig: HTTP2Rig) -> None:
        """When the process did not listen for a while, silence counts anew: answers may lie in the socket."""
        rig.prove()
        rig.service.behaviour = silence
        rig.submit(3)
        rig.run(0.5)
        rig.clock.advance(300)
        for request in rig.service.received:
            request.answer()
        rig.run(1)
        assert rig.outcomes() == dict.fromkeys(tokens(3), ACCEPTED)
        assert len(rig.service.wires) == 1

    def test_only_for_a_device_that_waits(self, rig: HTTP2Rig) -> None:
        """More for a device that has had too many waits with the first; the connection is free for others."""
        rig.prove()
        rig.service.by_token[token(0)] = says(429, "TooManyRequests")
        rig.submit(1)
        rig.run(0.5)
        rig.service.by_token.clear()
        rig.submit([token(0)] * 3)
        rig.run(1)
        assert (rig.app()["delayed"], rig.app()["queue"]) == (4, 0)
        rig.submit([token(1)])
        rig.run(1)
        assert rig.outcomes() == {token(1): ACCEPTED}
        rig.run(40)
        assert rig.app()["delayed"] == 0
        assert rig.service.counts()[token(0)] == 5


class TestEnds:
    def test_an_alert_about_the_certificate(self, make_rig: Make, lines: Lines) -> None:
        """Under TLS 1.3 it comes after the first requests: they were not looked at, and the circuit opens at once."""
        rig = make_rig(certificate="x.pem")
        rig.service.behaviour = silence
        rig.submit(3, delivery="at-most-once")
        rig.run(0.5)
        lines()
        alert = SSL.Error([("SSL routines", "ssl3_read_bytes", "sslv3 alert certificate revoked")])
        rig.service.behaviour = accepts
        rig.service.wires[0].end(alert)
        assert rig.circuit == (True, "wrong-environment")
        assert "the credential seems to be of the other environment" in lines()[-1]
        rig.run(5)
        assert rig.outcomes() == dict.fromkeys(tokens(3), ACCEPTED)

    def test_another_error_of_tls(self, rig: HTTP2Rig) -> None:
        """Its cause is the failed TLS; what was in flight may have been processed."""
        rig.prove()
        rig.service.behaviour = silence
        rig.submit(3, delivery="at-most-once")
        rig.run(0.5)
        rig.service.wires[0].end(SSL.Error([("SSL routines", "", "decryption failed or bad record mac")]))
        assert rig.circuit == (False, "handshake-failed")
        assert rig.outcomes() == dict.fromkeys(tokens(3), (State.UNKNOWN, "ConnectionLost"))

    def test_closed_after_it_was_idle(self, rig: HTTP2Rig) -> None:
        """A connection that was never used and is closed by the service after a while says nothing."""
        rig.run(60)
        rig.service.wires[0].end()
        rig.run(5)
        assert rig.circuit == (False, "")
        rig.submit(1)
        rig.run(1)
        assert rig.outcomes() == {token(0): ACCEPTED}

    def test_words_that_are_not_apples(self, rig: HTTP2Rig, lines: Lines) -> None:
        """GOAWAY with any words in it: they are shown on one line."""
        wire = rig.service.wires[0]
        wire.codec.go_away(0, 11, b"too many\r\n\x1b[2Jcalls \xff")
        wire.deliver()
        assert rig.circuit == (False, "shutdown")
        assert "too many\\r\\n\\x1b[2Jcalls \\xff" in lines()[-1]
        rig.service.wires[0].end()

    def test_no_answer_to_our_close(self, make_rig: Make) -> None:
        """A connection that is closed in good order is closed anyway when the other side does nothing."""
        rig = make_rig(idle_timeout="1m")
        rig.prove()
        (wire,) = rig.service.wires
        closed = []
        wire.loseConnection = lambda: None  # type: ignore[method-assign] # a peer that does nothing
        wire.abortConnection = lambda: (closed.append(rig.clock.seconds()), wire.end())  # type: ignore[method-assign] # a peer that does nothing
        rig.run(70)
        assert not wire.connected
        assert 60 < closed[0] < 68
