"""The push service over real TLS: each behaviour that a provider must be tested against."""

import shutil
import tempfile
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.trial.unittest import TestCase

from pushgate.protocols.apns_binary.frames import (
    encode_enhanced,
    encode_framed,
    encode_sentinel,
    encode_simple,
)
from pushgate.simulator.fault_rules import parse_rules
from tests.simulator.provider import PAYLOAD, ClockedReactor, Provider, connect, frames, make_simulator, until


class PushServiceCase(TestCase):
    timeout = 60

    async def start(self, *script: dict, on: object = None, **config: object) -> None:
        self.simulator = make_simulator(self.mktemp(), on, script=list(script), **config)
        await self.simulator.start()
        self.addCleanup(self.simulator.stop)

    async def provider(self) -> Provider:
        provider = await connect(self.simulator)
        await provider.up
        return provider

    async def answer(self, sent: bytes, *script: dict, **config: object) -> bytes:
        """All that the service says to these bytes before it closes."""
        await self.start(*script, **config)
        provider = await self.provider()
        provider.transport.write(sent)
        self.reason = await provider.lost
        return provider.heard

    def accepted(self) -> list[int | None]:
        return [entry.identifier for entry in self.simulator.received.entries()]


class DefaultTests(PushServiceCase):
    """What the service does without a script, as the real one."""

    async def test_accepts_silently(self) -> None:
        """Good notifications are recorded in order, whole, and nothing at all is said (behaviour 1)."""
        await self.start()
        provider = await self.provider()
        provider.transport.write(frames(1, 300))
        await until(lambda: self.simulator.received.accepted == 300)
        self.assertEqual(self.accepted(), list(range(1, 301)))
        last = self.simulator.received.entries()[-1]
        self.assertEqual(last.token, b"\x07" * 28 + (300).to_bytes(4, "big"))
        self.assertEqual((last.payload, last.priority, last.connection), (PAYLOAD, 10, 1))
        self.assertEqual((provider.heard, provider.transport.disconnecting), (b"", False))

    async def test_every_command_is_understood(self) -> None:
        """Commands 0, 1 and 2 are accepted, in any order of items."""
        await self.start()
        provider = await self.provider()
        provider.transport.write(encode_simple(b"a" * 32, b"{}") + encode_enhanced(7, 9, b"b" * 32, b"{}"))
        provider.transport.write(encode_framed([(3, bytes((0, 0, 0, 8))), (2, b"{}"), (1, b"c" * 32)]))
        await until(lambda: self.simulator.received.accepted == 3)
        entries = self.simulator.received.entries()
        self.assertEqual([(e.command, e.identifier, e.expiration) for e in entries],
                         [(0, None, None), (1, 7, 9), (2, 8, None)])  # fmt: skip

    async def test_sentinel(self) -> None:
        """A frame without a token is answered with status 2 and identifier 0 (behaviour 9)."""
        heard = await self.answer(frames(1, 5) + encode_sentinel(6))
        self.assertEqual(heard, bytes.fromhex("080200000000"))
        self.assertEqual(self.simulator.summary()["rejected"], {"2": 1})

    async def test_missing_payload(self) -> None:
        """A frame without a payload is answered with status 4."""
        self.assertEqual(await self.answer(frames(9, 1, payload=b"")), bytes.fromhex("080400000009"))

    async def test_large_payload(self) -> None:
        """A payload over the limit is answered with status 7; one at the limit is accepted."""
        sent = frames(1, 1, payload=b"x" * 99) + frames(2, 1, payload=b"x" * 100)
        self.assertEqual(await self.answer(sent, max_payload=99), bytes.fromhex("080700000002"))
        self.assertEqual(self.accepted(), [1])

    async def test_token_size(self) -> None:
        """Tokens of 1 to 100 bytes are accepted, a longer one is answered with status 5."""
        sent = b"".join(frames(n, 1, token=b"t" * n) for n in (4, 33, 100, 101))
        self.assertEqual(await self.answer(sent), bytes.fromhex("080500000065"))
        self.assertEqual(self.accepted(), [4, 33, 100])

    async def test_malformed_frame(self) -> None:
        """A frame that cannot be parsed is answered with 128, with identifier 0 if it is not known."""
        self.assertEqual(await self.answer(frames(1, 2) + b"\x02\x00\x00\x00\x01\x01"),
                         bytes.fromhex("088000000000"))  # fmt: skip
        self.assertEqual(self.accepted(), [1, 2])

    async def test_unknown_command(self) -> None:
        """A command byte that does not exist closes the connection without an answer."""
        self.assertEqual(await self.answer(frames(1, 2) + b"GET / HTTP/1.1"), b"")
        self.assertEqual(self.accepted(), [1, 2])

    async def test_command_0_has_no_answer(self) -> None:
        """A bad notification in the simple format only closes the connection."""
        self.assertEqual(await self.answer(encode_simple(b"", b"{}")), b"")
        self.assertEqual(self.simulator.summary()["rejected"], {"2": 1})

    async def test_dead_tokens(self) -> None:
        """Tokens with a configured prefix are answered with status 8."""
        sent = frames(1, 1) + frames(2, 1, token=b"\xde\xad" + bytes(30)) + frames(3, 9)
        self.assertEqual(await self.answer(sent, dead=["dead"]), bytes.fromhex("080800000002"))
        self.assertEqual(self.accepted(), [1])

    async def test_discards_after_an_error(self) -> None:
        """After an error nothing on the connection is accepted, however much comes, and the error arrives.

        The service goes on reading: closing with unread data would reset the connection and eat the error.
        """
        heard = await self.answer(frames(1, 10) + encode_sentinel(11) + frames(12, 20_000))
        self.assertEqual(heard, bytes.fromhex("080200000000"))
        self.assertIsInstance(self.reason, ConnectionDone)
        summary = self.simulator.summary()
        self.assertEqual((summary["accepted"], summary["rejected"]), (10, {"2": 1}))
        self.assertEqual(summary["frames"], 11 + summary["discarded"])

    async def test_counts_add_up(self) -> None:
        """Frames are accepted, rejected or discarded; duplicates are those with equal token and payload."""
        await self.answer(frames(1, 3) * 2 + encode_sentinel(9) + frames(10, 4))
        summary = self.simulator.summary()
        counts = [summary[key] for key in ("frames", "accepted", "distinct", "duplicates", "discarded")]
        self.assertEqual(counts, [11, 6, 3, 3, 4])
        self.assertTrue(summary["complete"])

    async def test_client_certificate_is_required(self) -> None:
        """An expired certificate, and one of another authority, are refused with a TLS alert."""
        await self.start()
        other = make_simulator(self.mktemp()).certificates.client
        for file in (self.simulator.certificates.issue_expired_client(), other):
            provider = await connect(self.simulator, client=file)
            reason = await provider.lost
            self.assertIn("alert", str(reason))
        await until(lambda: self.simulator.summary()["connections"]["open"] == 0)
        self.assertEqual(self.simulator.summary()["connections"]["handshakes_failed"], 2)


class AnswerTests(PushServiceCase):
    """Errors, and how they can go wrong on their way."""

    async def test_error_then_close(self) -> None:
        """The nth notification is refused with its identifier, then the connection closes (behaviour 2)."""
        heard = await self.answer(frames(1, 9), {"act": "reject", "status": 8, "frame": 5})
        self.assertEqual(heard, bytes.fromhex("080800000005"))
        self.assertIsInstance(self.reason, ConnectionDone)
        self.assertEqual(self.accepted(), [1, 2, 3, 4])

    async def test_error_then_reset(self) -> None:
        """The error arrives although a reset follows it (behaviour 3)."""
        heard = await self.answer(frames(1, 9), {"act": "reject", "status": 1, "frame": 1, "end": "reset"})
        self.assertEqual(heard, bytes.fromhex("080100000001"))
        self.assertIsInstance(self.reason, ConnectionLost)

    async def test_split_answers(self) -> None:
        """An answer is delivered in the pieces asked for (behaviour 4)."""
        for sizes, seen in (([1, 5], [1, 5]), ([5, 1], [5, 1]), ([1] * 6, [1] * 6), ([4], [4, 2])):
            await self.start({"act": "reject", "status": 8, "split": sizes})
            provider = await self.provider()
            provider.transport.write(frames(1, 1))
            await provider.lost
            self.assertEqual([len(chunk) for chunk in provider.chunks], seen)
            self.assertEqual(provider.heard, bytes.fromhex("080800000001"))

    async def test_close_without_error(self) -> None:
        """The connection ends in silence; the notification is not accepted (behaviour 5)."""
        self.assertEqual(await self.answer(frames(1, 9), {"act": "close", "frame": 4}), b"")
        self.assertEqual(self.accepted(), [1, 2, 3])
        self.assertEqual(self.simulator.summary()["discarded"], 6)

    async def test_reset(self) -> None:
        """The connection is reset in silence."""
        self.assertEqual(await self.answer(frames(1, 9), {"act": "reset", "frame": 4}), b"")
        self.assertIsInstance(self.reason, ConnectionLost)

    async def test_lost_error(self) -> None:
        """An error may be lost: the notification is refused, and the connection just closes."""
        script = {"act": "reject", "status": 8, "frame": 2, "lost": True}
        self.assertEqual(await self.answer(frames(1, 9), script), b"")
        self.assertEqual(self.simulator.summary()["rejected"], {"8": 1})

    async def test_shutdown(self) -> None:
        """Status 10 names the last notification accepted, 0 when there is none (behaviour 7)."""
        script = {"act": "shutdown", "frame": 42}
        self.assertEqual(await self.answer(frames(1, 99), script), bytes.fromhex("080a00000029"))
        self.assertEqual(self.accepted(), list(range(1, 42)))
        self.simulator.set_script(parse_rules([{"act": "shutdown"}]))
        provider = await self.provider()
        provider.transport.write(frames(1, 1))
        await provider.lost
        self.assertEqual(provider.heard, bytes.fromhex("080a00000000"))

    async def test_foreign_identifier(self) -> None:
        """Status 10 may name what was never sent (behaviour 8)."""
        script = {"act": "shutdown", "frame": 2, "identifier": 0xDEADBEEF}
        self.assertEqual(await self.answer(frames(1, 2), script), bytes.fromhex("080adeadbeef"))

    async def test_identifier_0(self) -> None:
        """An error may name no notification (behaviour 9)."""
        script = {"act": "reject", "status": 128, "frame": 2, "identifier": 0}
        self.assertEqual(await self.answer(frames(1, 2), script), bytes.fromhex("088000000000"))

    async def test_undefined_status(self) -> None:
        """Any number can be the status (behaviour 10)."""
        for status in (0, 77, 255):
            heard = await self.answer(frames(1, 1), {"act": "reject", "status": status})
            self.assertEqual(heard, bytes((8, status, 0, 0, 0, 1)))

    async def test_garbage_and_wrong_command(self) -> None:
        """Bytes may follow the answer, and its first byte may be wrong (behaviours 15 and 16)."""
        script = {"act": "reject", "status": 8, "garbage": "c0ffee", "command": 9}
        self.assertEqual(await self.answer(frames(1, 1), script), bytes.fromhex("090800000001c0ffee"))

    async def test_own_faults_beside_a_script(self) -> None:
        """What is wrong by itself is found with a script too; `accept` exempts from the list of the dead only."""
        rule = {"act": "accept", "token": "dead", "times": 2}
        config = {"dead": ["dead"]}
        dead = frames(1, 1, token=b"\xde\xad" + bytes(30))
        for bad, answer in ((encode_sentinel(2), "080200000000"), (b"\x02\x00\x00\xff\xff", "088000000000"),
                            (dead * 2, "080800000001")):  # fmt: skip
            self.assertEqual(await self.answer(dead + bad, rule, **config), bytes.fromhex(answer))
            self.assertEqual(self.accepted()[0], 1)

    async def test_over_a_unix_socket(self) -> None:
        """TCP is not needed."""
        path = Path(tempfile.mkdtemp()) / "push"
        self.addCleanup(shutil.rmtree, path.parent)
        await self.start({"act": "reject", "status": 8, "frame": 2, "linger": False}, listen=f"unix:{path}")
        self.assertIsNone(self.simulator.port)
        self.assertEqual(self.simulator.addresses()["push"], f"unix:{path}")
        provider = await connect(self.simulator, over=UNIXClientEndpoint(reactor, str(path)))
        await provider.up
        provider.transport.write(frames(1, 2))
        await provider.lost
        self.assertEqual(self.accepted(), [1])

    async def test_rule_for_a_connection(self) -> None:
        """A rule may be about the nth connection since the script was set, and about the token."""
        await self.start()
        first = await self.provider()
        self.simulator.set_script(parse_rules([{"act": "reset", "connection": 2, "token": "0707"}]))
        second, third = await self.provider(), await self.provider()
        for each in (first, second, third):
            each.transport.write(frames(1, 1))
        await third.lost
        await until(lambda: self.simulator.received.accepted == 2)
        self.assertFalse(first.lost.called or second.lost.called)

    async def test_as_soon_as_up(self) -> None:
        """Frame 0 closes a connection before anything was sent on it."""
        await self.start({"act": "accept", "frame": 0, "times": 1}, {"act": "close", "frame": 0})
        spared, provider = await self.provider(), await self.provider()
        self.assertIsInstance(await provider.lost, ConnectionDone)
        self.assertFalse(spared.lost.called)

    async def test_abrupt_close(self) -> None:
        """Without lingering the socket is closed over unread data, so the connection ends in a reset."""
        script = {"act": "reject", "status": 8, "frame": 1, "linger": False}
        heard = await self.answer(frames(1, 20_000), script)
        self.assertIn(heard, (b"", bytes.fromhex("080800000001")))
        self.assertIsInstance(self.reason, ConnectionLost)


class TimeTests(PushServiceCase):
    """What takes time, by a clock of our own."""

    async def start(self, *script: dict, **config: object) -> None:
        self.reactor = ClockedReactor()
        self.clock = self.reactor.clock
        await super().start(*script, on=self.reactor, **config)

    async def test_delayed_error(self) -> None:
        """Three seconds and 500 notifications later the error still names the right one (behaviour 11)."""
        await self.start({"act": "reject", "status": 8, "frame": 3, "delay": "3s"})
        provider = await self.provider()
        provider.transport.write(frames(1, 503))
        await until(lambda: self.simulator.received.discarded == 500)
        self.clock.advance(2.9)
        self.assertEqual(provider.heard, b"")
        self.clock.advance(0.2)
        await until(lambda: provider.lost.called, self.clock)
        self.assertEqual(provider.heard, bytes.fromhex("080800000003"))
        self.assertEqual(self.accepted(), [1, 2])

    async def test_half_close(self) -> None:
        """The service ends its half of the connection and goes on reading, to discard it (behaviour 6)."""
        await self.start({"act": "half-close", "frame": 1})
        provider = await self.provider()
        provider.transport.pauseProducing()  # Twisted's TLS would close in answer
        provider.transport.write(frames(1, 100))
        await until(lambda: self.simulator.received.discarded == 100, self.clock)
        self.clock.advance(3600)
        provider.transport.write(frames(101, 100))
        await until(lambda: self.simulator.received.discarded == 200, self.clock)
        self.assertEqual(self.simulator.summary()["connections"]["open"], 1)
        provider.transport.resumeProducing()
        self.assertIsInstance(await provider.lost, ConnectionDone)
        self.assertEqual(provider.heard, b"")

    async def test_lingers_for_a_bounded_time(self) -> None:
        """A provider that does not close after an error is dropped after some seconds."""
        await self.start({"act": "reject", "status": 8, "frame": 1})
        provider = await self.provider()
        provider.transport.pauseProducing()
        provider.transport.write(frames(1, 2))
        await until(lambda: self.simulator.received.frames == 2)
        self.clock.advance(4.9)
        self.assertEqual(self.simulator.summary()["connections"]["open"], 1)
        self.clock.advance(0.2)
        await until(lambda: self.simulator.summary()["connections"]["open"] == 0, self.clock)
        provider.transport.abortConnection()
        await provider.lost

    async def test_not_reading(self) -> None:
        """The service can stop reading until the pipe is full, then go on where it was (behaviour 12)."""
        await self.start({"act": "stall", "frame": 2, "duration": "1h"})
        provider = await self.provider()
        paused = Pausable()
        provider.transport.registerProducer(paused, True)
        sent = 0
        while not paused.paused:
            provider.transport.write(frames(sent + 1, 1000, payload=b"x" * 2000))
            sent += 1000
        await until(lambda: self.simulator.received.accepted == 2)
        provider.transport.unregisterProducer()
        self.clock.advance(3600)
        await until(lambda: self.simulator.received.accepted == sent)
        self.assertEqual(self.accepted(), list(range(1, sent + 1)))

    async def test_gone_while_not_read(self) -> None:
        """A provider that leaves while it is not read leaves nothing behind."""
        await self.start({"act": "stall", "frame": 1, "duration": "1h"})
        provider = await self.provider()
        provider.transport.write(frames(1, 9))
        await until(lambda: self.simulator.received.frames == 9)
        await gatherResults([self.simulator.stop(), provider.lost])
        self.assertEqual(self.simulator.received.discarded, 8)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    async def test_refusal_is_extended_by_each_attempt(self) -> None:
        """Connections are refused until none was tried for the whole duration (behaviour 14)."""
        await self.start({"act": "refuse", "connection": 2, "duration": "1h"})
        await self.provider()
        for wait, up in ((0, False), (3000, False), (3000, False), (3601, True)):
            self.clock.advance(wait)
            provider = await connect(self.simulator)
            await (provider.up if up else provider.lost)
            self.assertEqual(provider.lost.called, not up)
        self.assertEqual(self.simulator.summary()["connections"]["refused"], 3)

    async def test_refusal_that_just_ends(self) -> None:
        """A refusal may also end when its time is over, whatever was tried meanwhile."""
        await self.start({"act": "refuse", "duration": "1h", "extend": False, "times": 1})
        for wait, up in ((0, False), (3000, False), (601, True)):
            self.clock.advance(wait)
            provider = await connect(self.simulator)
            await (provider.up if up else provider.lost)
            self.assertEqual(provider.lost.called, not up)

    async def test_new_script_ends_a_refusal(self) -> None:
        """A new script begins with a clean slate."""
        await self.start({"act": "refuse", "duration": "1h"})
        await (await connect(self.simulator)).lost
        self.simulator.set_script([])
        await self.provider()


class HandshakeTests(PushServiceCase):
    async def test_tls_alert(self) -> None:
        """The handshake is answered with a fatal alert, "certificate revoked" by default (behaviour 13)."""
        await self.start({"act": "tls-alert", "connection": 1}, {"act": "tls-alert", "alert": 45, "times": 1})
        for alert in ("certificate revoked", "certificate expired"):
            provider = await connect(self.simulator)
            self.assertIn(alert, str(await provider.lost))
        await self.provider()
        self.assertEqual(self.simulator.summary()["connections"]["handshakes_failed"], 2)


class Pausable:
    """A producer that knows whether it was paused."""

    paused = False

    def pauseProducing(self) -> None:
        self.paused = True

    def resumeProducing(self) -> None:
        pass

    def stopProducing(self) -> None:
        pass
