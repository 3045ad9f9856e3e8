"""The binary stream against the simulator, over real TLS: what is reported is what the service received."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from pushgate.gateway.spool.sqlite import SqliteSpool
from pushgate.model.dead_token import DeadReason
from pushgate.model.errors import CannotStart
from pushgate.model.metrics import Metrics
from pushgate.model.outcome import State
from pushgate.plugin.context import Context
from pushgate.plugin.factory_interfaces import IUpstreamFactory
from pushgate.plugin.upstream_interface import IProving, IUpstream
from pushgate.plugins.builtin import apns_stream as factory
from pushgate.protocols.apns_binary.feedback import FeedbackTuple
from pushgate.simulator.certificates import Certificates
from pushgate.testing import RecordingQueue, RecordingSpool
from pushgate.upstreams.apns_binary.connection import StreamConnection
from tests.connect_proxy import OPEN, ProxyServer
from tests.rig import Rig, dead, live

Rule = dict[str, Any]


class Chatter(Protocol):
    """Speaks no TLS."""

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(b"220 here is something else\r\n")


class RigCase(TestCase):
    """A test with a rig, stopped at the end."""

    timeout = 60

    async def rig(self, *script: Rule, **app: Any) -> Rig:
        """A started rig."""
        rig = Rig(self.mktemp(), script, **app)
        await rig.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(rig.stop()))
        return rig

    async def proxies(self, answer: bytes = OPEN) -> ProxyServer:
        """A proxy that listens."""
        proxies = await ProxyServer(answer=answer).start()
        self.addCleanup(lambda: Deferred.fromCoroutine(proxies.stop()))
        return proxies

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something holds."""
        while not condition():
            await deferLater(reactor, 0.01, lambda: None)

    def assert_exactly_once(self, rig: Rig, tokens: list[bytes]) -> None:
        """Each live token arrived once and is reported so; each dead one is rejected with status 8."""
        good, bad = ({t for t in tokens if (t[:2] == b"\xde\xad") is is_dead} for is_dead in (False, True))
        received = rig.received()
        self.assertEqual(set(received), good)
        self.assertEqual(set(received.values()), {1})
        audience = rig.audience
        self.assertEqual(audience.tokens(State.ACCEPTED) | audience.tokens(State.PRESUMED), good)
        self.assertEqual(
            {token: audience.outcomes[token] for token in bad}, dict.fromkeys(bad, (State.REJECTED, 8))
        )
        self.assertEqual(set(audience.first.values()), {1})

    def assert_none_lost(self, rig: Rig, tokens: list[bytes]) -> None:
        """Each token arrived at least once, and each has one outcome."""
        self.assertEqual(set(rig.received()), set(tokens))
        self.assertEqual(set(rig.audience.outcomes), set(tokens))
        self.assertEqual(set(rig.audience.first.values()), {1})


class StoryTests(RigCase):
    """The trace of a notification reports on which connections it was written, and why again."""

    async def events(self, rig: Rig, number: int) -> list[tuple[Any, ...]]:
        """Each event with its connection and reason."""
        trace = json.loads((await rig.gateway.trace(number)).json())
        return [
            (each["event"], each.get("connection"), each.get("reason", ""))
            for each in trace["events"]
            if each["event"] not in {"submitted", "queued"}
        ]

    async def test_discarded(self) -> None:
        """After an error about another it is discarded, and written again on the next connection."""
        rig = await self.rig(connections=1)
        receipt = await rig.push([live(0), dead(0), live(1)])
        await rig.settled()
        self.assertEqual(
            await self.events(rig, receipt.id + 2),
            [("written", 1, ""), ("discarded", 1, "InvalidToken"), ("written", 2, ""), ("outcome", None, "")],
        )
        self.assertEqual(
            await self.events(rig, receipt.id + 1), [("written", 1, ""), ("outcome", None, "InvalidToken")]
        )

    async def test_refused_for_now(self) -> None:
        """A temporary status is distinguished from the one of another."""
        rig = await self.rig({"act": "reject", "status": 1, "frame": 1, "times": 1}, connections=1)
        receipt = await rig.push([live(0), live(1)])
        await rig.settled()
        reasons = [(await self.events(rig, receipt.id + index))[1] for index in range(2)]
        self.assertEqual(reasons, [("refused", 1, "ProcessingError"), ("discarded", 1, "ProcessingError")])

    async def test_lost(self) -> None:
        """So is a connection that ended silently, and one that was shut down."""
        rig = await self.rig(
            {"act": "close", "frame": 1, "connection": 1},
            {"act": "shutdown", "frame": 1, "connection": 2},
            connections=1,
        )
        receipt = await rig.push([live(0)])
        await rig.settled()
        self.assertEqual(
            await self.events(rig, receipt.id),
            [
                ("written", 1, ""), ("lost", 1, "ConnectionLost"),
                ("written", 2, ""), ("discarded", 2, "Shutdown"),
                ("written", 3, ""), ("outcome", None, ""),
            ],
        )  # fmt: skip

    async def test_in_flight(self) -> None:
        """While it is in flight, the connection is known."""
        rig = await self.rig(connections=1, response_timeout=0.3)
        receipt = await rig.push([live(0)])
        while json.loads((await rig.gateway.trace(receipt.id)).json())["state"] != "written":
            await rig.beat()
        self.assertEqual(await self.events(rig, receipt.id), [("written", 1, "")])
        await rig.settled()


class ExactlyOnceTests(RigCase):
    """As long as the service speaks, everything is exactly once."""

    async def push_with_dead(self, *script: Rule, count: int = 600, **app: Any) -> Rig:
        """Push with a bad first, a bad last, and every fiftieth bad."""
        rig = await self.rig(*script, **app)
        tokens = [dead(i) if i % 50 == 0 or i == count - 1 else live(i) for i in range(count)]
        for start in range(0, count, 200):
            await rig.push(tokens[start : start + 200])
        await rig.settled()
        self.assert_exactly_once(rig, tokens)
        return rig

    async def test_plain(self) -> None:
        """Dead tokens first, last and in between."""
        rig = await self.push_with_dead()
        self.assertEqual(rig.circuit(), (False, ""))
        self.assertGreater(rig.context.metrics.counts["pushgate_resent_total"]["news",], 0)

    async def test_one_connection(self) -> None:
        """The same with a single connection."""
        await self.push_with_dead(connections=1)

    async def test_a_window_smaller_than_the_batch(self) -> None:
        """A full window waits for silence; nothing is evicted."""
        rig = await self.rig(window=50, connections=1, response_timeout=0.1)
        tokens = [live(i) for i in range(180)]
        await rig.push(tokens)
        await rig.settled()
        self.assert_exactly_once(rig, tokens)

    async def test_split_errors(self) -> None:
        """Error responses in one-byte segments."""
        await self.push_with_dead(
            {"act": "reject", "status": 8, "token": "dead", "split": [1, 1, 1, 1, 1, 1]}
        )

    async def test_garbage_after_errors(self) -> None:
        """Bytes after the error response are ignored."""
        await self.push_with_dead({"act": "reject", "status": 8, "token": "dead", "garbage": "0808080808"})

    async def test_errors_then_reset(self) -> None:
        """The connection is reset right after the error."""
        await self.push_with_dead({"act": "reject", "status": 8, "token": "dead", "end": "reset"})

    async def test_errors_then_half_close(self) -> None:
        """The service closes only its writing side."""
        await self.push_with_dead({"act": "reject", "status": 8, "token": "dead", "end": "half-close"})

    async def test_delayed_errors(self) -> None:
        """Errors that come late, but within the response timeout, and many frames later."""
        rule = {"act": "reject", "status": 8, "token": "dead", "delay": "150ms"}
        await self.push_with_dead(rule, count=300, response_timeout=1.0)

    async def test_shutdowns(self) -> None:
        """Status 10 names the last one accepted: nothing is rejected, nothing is sent twice."""
        rules = [{"act": "shutdown", "frame": n, "connection": c} for c, n in ((1, 1), (2, 30), (3, 5))]
        rig = await self.push_with_dead(*rules)
        self.assertNotIn("Shutdown", rig.audience.reasons)

    async def test_temporary_errors(self) -> None:
        """Status 1, 255 and an undefined one are sent again, and go through when the service recovers."""
        for status in (1, 255, 77):
            rig = await self.rig({"act": "reject", "status": status, "token": live(7).hex(), "times": 2})
            tokens = [live(i) for i in range(20)]
            await rig.push(tokens)
            await rig.settled()
            self.assert_exactly_once(rig, tokens)

    async def test_temporary_errors_that_stay(self) -> None:
        """After its retries a notification fails, with status and reason; the others go through."""
        rig = await self.rig({"act": "reject", "status": 1, "token": live(7).hex()})
        tokens = [live(i) for i in range(20)]
        await rig.push(tokens)
        await rig.settled()
        self.assertEqual(rig.audience.outcomes[live(7)], (State.FAILED, 1))
        self.assertIn("ProcessingError", rig.audience.reasons)
        self.assertEqual(set(rig.received()), set(tokens) - {live(7)})


class LateErrorTests(RigCase):
    """The error comes after the notification was presumed."""

    async def test_outcomes_are_corrected(self) -> None:
        """What was presumed wrongly is corrected once; what was discarded is sent again; nothing is lost."""
        rule = {"act": "reject", "status": 8, "token": "dead", "delay": "1500ms"}
        rig = await self.rig(rule, connections=1, response_timeout=0.3)
        tokens = [*map(live, range(5)), dead(5), *map(live, range(6, 12))]
        await rig.push(tokens)
        while not rig.audience.corrections[dead(5)]:
            await rig.audience.something()
        await rig.settled()
        while set(rig.received()) != set(tokens) - {dead(5)}:
            await rig.audience.something()
        self.assertEqual(rig.audience.outcomes[dead(5)], (State.REJECTED, 8))
        self.assertEqual(set(rig.received().values()), {1})
        self.assertEqual(rig.context.metrics.counts["pushgate_late_errors_total"]["news",], 7)


class SilentCloseTests(RigCase):
    """The service ends a connection without saying how far it came."""

    async def survive(self, rule: Rule, **app: Any) -> Rig:
        rig = await self.rig(rule, **app)
        tokens = [live(i) for i in range(400)]
        await rig.push(tokens)
        await rig.settled()
        self.assert_none_lost(rig, tokens)
        return rig

    async def test_close(self) -> None:
        """A silent close: all is sent again."""
        await self.survive({"act": "close", "connection": 1, "frame": 100})

    async def test_reset(self) -> None:
        """A silent reset: the same."""
        await self.survive({"act": "reset", "connection": 2, "frame": 20})

    async def test_half_close(self) -> None:
        """A silent half-close: the same."""
        await self.survive({"act": "half-close", "connection": 1, "frame": 100})

    async def test_an_error_that_was_lost(self) -> None:
        """The service rejected and closed, but its error never arrived."""
        await self.survive({"act": "reject", "status": 8, "lost": True, "frame": 50, "times": 1})

    async def test_an_unknown_identifier(self) -> None:
        """An error that names nothing that was sent."""
        rule = {"act": "reject", "status": 8, "identifier": 4_000_000, "frame": 50, "times": 1}
        await self.survive(rule)

    async def test_identifier_zero(self) -> None:
        """A protocol error that names none."""
        await self.survive({"act": "reject", "status": 128, "identifier": 0, "frame": 50, "times": 1})

    async def test_a_shutdown_naming_a_stranger(self) -> None:
        """Status 10 with an identifier that is not in the window."""
        await self.survive({"act": "shutdown", "identifier": 4_000_000, "frame": 50, "times": 1})

    async def test_wrong_command_byte(self) -> None:
        """An answer that is no error response."""
        await self.survive({"act": "reject", "status": 8, "command": 9, "frame": 50, "times": 1})

    async def test_at_most_once(self) -> None:
        """Under at-most-once nothing is sent twice; what was in flight is unknown."""
        rig = await self.rig({"act": "close", "connection": 1, "frame": 10}, connections=1)
        tokens = [live(i) for i in range(100)]
        await rig.push(tokens, delivery="at-most-once")
        await rig.settled()
        unknown = rig.audience.tokens(State.UNKNOWN)
        self.assertTrue(unknown)
        self.assertEqual(set(rig.received().values()), {1})
        self.assertEqual(set(tokens) - unknown - set(rig.received()), set())

    async def test_poison_is_found(self) -> None:
        """A notification that closes every connection it is sent on fails; all its neighbours arrive."""
        rig = await self.rig({"act": "close", "token": live(6).hex()}, response_timeout=0.1)
        tokens = [live(i) for i in range(8)]
        await rig.push(tokens)
        await rig.settled()
        self.assertEqual(rig.audience.outcomes[live(6)][0], State.FAILED)
        self.assertIn("ClosesConnection", rig.audience.reasons)
        self.assertEqual(rig.audience.tokens(State.FAILED), {live(6)})
        self.assertEqual(set(rig.received()), set(tokens) - {live(6)})
        self.assertEqual(set(rig.audience.first.values()), {1})

    async def test_poison_in_a_batch_that_must_not_be_sent_twice(self) -> None:
        """A batch may say otherwise than its app: the poison's neighbours in it are unknown, not sent again."""
        rule = {"act": "close", "token": live(3).hex()}
        rig = await self.rig(rule, response_timeout=0.1, connections=1, delivery="at-least-once")
        once, often = [live(i) for i in range(6)], [live(i) for i in range(10, 16)]
        await rig.push(once, delivery="at-most-once")
        await rig.push(often)
        await rig.settled()
        self.assertEqual(rig.audience.outcomes[live(3)][0], State.UNKNOWN)
        self.assertEqual({count for token, count in rig.received().items() if token in once} - {1}, set())
        self.assertEqual(rig.audience.tokens(State.UNKNOWN) - set(once), set())
        self.assertLessEqual(set(often), set(rig.received()))

    async def test_poison_in_a_batch_that_must_arrive(self) -> None:
        """And the other way round: under an app that sends once, this batch is sent again, and the poison found."""
        rule = {"act": "close", "token": live(1).hex()}
        rig = await self.rig(rule, response_timeout=0.1, delivery="at-most-once")
        tokens = [live(i) for i in range(2)]
        await rig.push(tokens, delivery="at-least-once")
        await rig.settled()
        self.assertEqual(rig.audience.tokens(State.FAILED), {live(1)})
        self.assertEqual(set(rig.received()), {live(0)})


class CircuitTests(RigCase):
    """Failures have a cause that operators can read, and do not become a loop."""

    async def until_circuit(self, rig: Rig, cause: str) -> None:
        """Wait until the circuit names this cause."""
        while rig.circuit()[1] != cause:
            await rig.beat()

    async def test_refused(self) -> None:
        """Nothing listens: refused; and when something does, everything goes through."""
        rig = await self.rig({"act": "refuse", "duration": "300ms", "connection": 1})
        tokens = [live(i) for i in range(10)]
        await rig.push(tokens)
        await rig.settled()
        self.assert_none_lost(rig, tokens)
        self.assertEqual(rig.circuit(), (False, ""))

    async def test_wrong_environment_by_alert(self) -> None:
        """The alert that a certificate of the other environment gets opens the circuit; nothing is lost."""
        rig = await self.rig({"act": "tls-alert", "connection": 1, "alert": 44})
        await self.until_circuit(rig, "wrong-environment")
        self.assertTrue(rig.circuit()[0])
        tokens = [live(i) for i in range(10)]
        await rig.push(tokens)
        await rig.settled()
        self.assert_exactly_once(rig, tokens)

    async def test_wrong_environment_by_rejections(self) -> None:
        """When every token is invalid the tokens are not to blame: they stay alive, the circuit opens."""
        rig = await self.rig({"act": "reject", "status": 8}, connections=1)
        await rig.push([live(i) for i in range(25)])
        await self.until_circuit(rig, "wrong-environment")
        self.assertTrue(rig.circuit()[0])
        self.assertEqual(rig.gateway.stats()["apps"]["news"]["dead_tokens"], 0)
        while len(rig.audience.outcomes) < 20:
            await rig.audience.something()
        self.assertEqual(len(rig.audience.tokens(State.REJECTED)), 20)

    async def test_an_honest_list_of_dead_tokens(self) -> None:
        """With one notification proven to have gone through before, dozens of dead tokens hold nothing up."""
        rig = await self.rig(connections=1)
        tokens = [live(0), *map(dead, range(60)), live(1)]
        await rig.push(tokens)
        await rig.settled()
        self.assert_exactly_once(rig, tokens)
        self.assertEqual(rig.circuit(), (False, ""))
        self.assertEqual(rig.gateway.stats()["apps"]["news"]["dead_tokens"], 60)

    async def test_expired_certificate(self) -> None:
        """An expired certificate opens the circuit, and no connection is even tried."""
        certificates = Certificates.in_directory(Path(self.mktemp()))
        rig = await self.rig(certificate=certificates.issue_expired_client())
        self.assertEqual(rig.circuit(), (True, "certificate-expired"))
        self.assertEqual(rig.simulator.summary()["connections"]["accepted"], 0)

    async def test_certificate_of_another_authority(self) -> None:
        """The service rejects it, under TLS 1.3 after the handshake; what was written meanwhile is not lost."""
        others = Certificates.in_directory(Path(self.mktemp()))
        rig = await self.rig(certificate=others.client)
        await rig.push([live(1)])
        await self.until_circuit(rig, "certificate-rejected")
        self.assertTrue(rig.circuit()[0])
        self.assertEqual(rig.gateway.left(), 1)

    async def test_server_not_trusted(self) -> None:
        """A service that our authorities do not vouch for is not spoken to."""
        others = Certificates.in_directory(Path(self.mktemp()))
        rig = await self.rig(trust=others.ca)
        await self.until_circuit(rig, "server-not-trusted")
        self.assertTrue(rig.circuit()[0])

    async def test_another_host_name(self) -> None:
        """A certificate for another name than the one we called is not trusted."""
        rig = await self.rig(interface="127.0.0.2", host="127.0.0.2")
        await self.until_circuit(rig, "server-not-trusted")

    async def test_nobody_listens(self) -> None:
        """A port that nothing listens on: refused."""
        closed = reactor.listenTCP(0, Factory(), interface="127.0.0.1")
        port = closed.getHost().port
        await closed.stopListening()
        rig = await self.rig(port=port)
        await self.until_circuit(rig, "refused")

    async def test_a_proxy_that_refuses(self) -> None:
        """It says nothing of the service: network, and no block is suspected; the log has the proxy's status."""
        proxies = await self.proxies(b"HTTP/1.1 403 Forbidden\r\n\r\n")
        with capturedLogs() as events:
            rig = await self.rig(proxy=proxies.url)
            await self.until_circuit(rig, "network")
        texts = [formatEvent(each) or "" for each in events]
        self.assertTrue(any("the proxy answers CONNECT with 403 Forbidden" in text for text in texts), texts)

    async def test_a_proxy_that_is_not_there(self) -> None:
        """The log says that it is the proxy."""
        proxies = await self.proxies()
        await proxies.stop()
        with capturedLogs() as events:
            rig = await self.rig(proxy=proxies.url)
            await self.until_circuit(rig, "network")
        texts = [formatEvent(each) or "" for each in events]
        self.assertTrue(any("the proxy cannot be reached: Connection was refused" in text for text in texts))

    async def test_no_such_name(self) -> None:
        """A name that does not exist: name-not-resolved."""
        rig = await self.rig(host="no-such-host.invalid")
        await self.until_circuit(rig, "name-not-resolved")

    async def test_no_tls(self) -> None:
        """Something else listens there: handshake-failed."""
        listening = reactor.listenTCP(0, Factory.forProtocol(Chatter), interface="127.0.0.1")
        self.addCleanup(listening.stopListening)
        rig = await self.rig(port=listening.getHost().port)
        await self.until_circuit(rig, "handshake-failed")

    async def test_dropped_before_tls(self) -> None:
        """A service that drops connections before TLS, as one that blocks us does: handshake-failed."""
        rig = await self.rig({"act": "refuse", "duration": "1h"})
        await self.until_circuit(rig, "handshake-failed")

    async def test_an_alert_after_the_handshake(self) -> None:
        """Under TLS 1.3 our side is done before the service checks our certificate: its alert is heard all the same.

        Here the certificate has expired by the service's clock, and not by ours.
        """
        seen, handshake_completed = [], StreamConnection.handshakeCompleted

        def note(connection: StreamConnection) -> None:
            transport: Any = connection.transport
            seen.append(transport.getHandle().get_protocol_version_name())
            handshake_completed(connection)

        self.patch(StreamConnection, "handshakeCompleted", note)
        directory = self.mktemp()
        expired = Certificates.in_directory(Path(directory)).issue_expired_client()
        rig = Rig(directory, certificate=expired, wall=lambda: time.time() - 2 * 86400)
        self.addCleanup(lambda: Deferred.fromCoroutine(rig.stop()))
        await rig.start()
        await rig.push([live(1)])
        await self.until_circuit(rig, "certificate-expired")
        self.assertTrue(rig.circuit()[0])
        self.assertEqual((seen[0], rig.gateway.left()), ("TLSv1.3", 1))

    async def test_closed_at_once(self) -> None:
        """A service that accepts and closes is not hammered: the wait grows although TLS succeeds each time."""
        rig = await self.rig({"act": "close", "frame": 0})
        await self.until_circuit(rig, "closed-at-once")
        self.assertLess(rig.simulator.summary()["connections"]["accepted"], 4)

    async def test_expires_what_waits_too_long(self) -> None:
        """What waits for an unreachable service longer than the gateway's expiry ends as expired."""
        rig = await self.rig({"act": "refuse", "duration": "1h"}, expiry=0.5)
        tokens = [live(i) for i in range(5)]
        await rig.push(tokens)
        await rig.settled()
        self.assertEqual(rig.audience.tokens(State.EXPIRED), set(tokens))
        self.assertEqual(rig.audience.reasons, {"PushServiceUnreachable"})


class ConnectionTests(RigCase):
    """How connections are kept."""

    async def test_idle_ones_are_closed_and_reopened(self) -> None:
        """After the idle timeout connections close in good order; new work opens one again."""
        rig = await self.rig(idle_timeout=0.1, response_timeout=0.1)
        await rig.push([live(1)])
        await rig.settled()
        while rig.gateway.stats()["apps"]["news"]["connections"]:
            await rig.beat()
        await rig.push([live(2)])
        await rig.settled()
        self.assert_exactly_once(rig, [live(1), live(2)])
        self.assertEqual(rig.circuit(), (False, ""))

    async def test_our_own_close_is_no_failure(self) -> None:
        """A connection closed for want of work before it was proven says nothing about the service."""
        rig = await self.rig(idle_timeout=0.05, response_timeout=30.0)
        while not rig.simulator.summary()["connections"]["accepted"]:
            await rig.beat()
        while rig.gateway.stats()["apps"]["news"]["connections"]:
            await rig.beat()
        self.assertEqual(rig.circuit(), (False, ""))

    async def test_a_service_that_stops_reading_for_a_time(self) -> None:
        """Its full pipe pauses us; when it reads again everything arrives once."""
        rig = await self.rig(
            {"act": "stall", "frame": 1, "duration": "1s"}, connections=1, response_timeout=3.0
        )
        payload = b'{"aps":{"alert":"%s"}}' % (b"x" * 1900)
        tokens = [live(i) for i in range(6000)]
        for start in range(0, 6000, 1000):
            await rig.push(tokens[start : start + 1000], payload)
        await rig.settled()
        self.assert_exactly_once(rig, tokens)

    async def test_drain_with_a_probe(self) -> None:
        """With confirm = probe a drain proves what is in flight instead of waiting in silence."""
        rig = await self.rig(confirm="probe", response_timeout=30.0)
        tokens = [live(i) for i in range(50)]
        await rig.push(tokens)
        while len(rig.received()) < 50:
            await rig.beat()
        await rig.gateway.drain()
        self.assertEqual(rig.gateway.left(), 0)
        await rig.settled()
        self.assertEqual(rig.audience.tokens(State.ACCEPTED), set(tokens))


class ProofTests(RigCase):
    """A deliberately bad frame, over real TLS, and a service that answers it as the real one does."""

    async def test_flush(self) -> None:
        """What is in flight or was presumed becomes accepted, on every connection; then sending goes on."""
        rig = await self.rig(confirm="probe", response_timeout=0.2)
        tokens = [live(i) for i in range(1000)]
        receipt = await rig.push(tokens)
        await rig.settled()
        self.assertEqual(rig.audience.tokens(State.PRESUMED), set(tokens))
        self.assertEqual(await rig.gateway.flush(receipt.id), 1000)
        while len(rig.audience.tokens(State.ACCEPTED)) < 1000:
            await rig.audience.something()
        self.assertEqual(set(rig.audience.corrections.values()), {1})
        await rig.push([live(2000)])
        await rig.settled()
        self.assert_exactly_once(rig, [*tokens, live(2000)])


class FeedbackTests(RigCase):
    """The feedback service is read to its end and heeded."""

    async def feedback(self, *script: Rule, count: int = 3, **app: Any) -> Rig:
        rig = Rig(self.mktemp(), script, **{"feedback": True, "feedback_interval": 0.05, **app})
        self.addCleanup(lambda: Deferred.fromCoroutine(rig.stop()))
        rig.simulator.add_feedback([FeedbackTuple(1_700_000_000, live(i)) for i in range(count)])
        await rig.start()
        return rig

    async def test_tokens_are_reported_and_suppressed(self) -> None:
        """Each entry is a report with its time; later sends to it are suppressed, unless registered since."""
        rig = await self.feedback()
        while len(rig.audience.dead) < 3:
            await rig.audience.something()
        self.assertEqual(
            [(d.token, d.since) for d in rig.audience.dead], [(live(i), 1_700_000_000) for i in range(3)]
        )
        await rig.push([live(0), live(9)])
        await rig.push([live(1)], registered_at=1_700_000_000)
        await rig.push([live(2)], registered_at=1_699_999_999)
        await rig.settled()
        self.assertEqual(rig.audience.tokens(State.SUPPRESSED), {live(0), live(2)})
        self.assertEqual(set(rig.received()), {live(1), live(9)})

    async def test_through_a_proxy(self) -> None:
        """The feedback service and the stream are both reached by the app's proxy, and by no other way."""
        proxies = await self.proxies()
        rig = await self.feedback(proxy=proxies.url, feedback_interval=3600.0)
        while len(rig.audience.dead) < 3:
            await rig.audience.something()
        tokens = [live(number) for number in range(100, 150)]
        await rig.push([*tokens, dead(0)])
        await rig.settled()
        self.assertEqual(set(rig.received()), set(tokens))
        asked = {proxy.asked.split()[1].decode() for proxy in proxies.proxies}
        ports = rig.simulator.port, rig.simulator.feedback_port
        self.assertEqual(asked, {f"localhost:{port}" for port in ports})

    async def test_it_is_polled_again(self) -> None:
        """The interval is kept."""
        rig = await self.feedback(count=1)
        while len(rig.audience.dead) < 1:
            await rig.audience.something()
        rig.simulator.add_feedback([FeedbackTuple(1_700_000_060, b"\xaa\xbb\xcc\xdd")])
        while len(rig.audience.dead) < 2:
            await rig.audience.something()
        self.assertEqual(rig.audience.dead[1].token, b"\xaa\xbb\xcc\xdd")

    async def test_a_cut_tuple_keeps_the_whole_ones(self) -> None:
        """A stream that ends inside a tuple: what was whole counts."""
        rig = await self.feedback({"act": "cut-feedback", "tuples": 2, "keep": 10})
        while len(rig.audience.dead) < 2:
            await rig.audience.something()
        self.assertEqual([each.token for each in rig.audience.dead], [live(0), live(1)])

    async def test_it_is_safe_before_it_is_acted_on(self) -> None:
        """The service has forgotten it: it is not reported before the spool has it, nor is there another poll."""
        spool = RecordingSpool()
        rig = await self.feedback(spool=spool)
        await self.until(lambda: rig.audience.dead)
        spool.busy = True
        rig.simulator.add_feedback([FeedbackTuple(1_700_000_060, live(i)) for i in range(10, 12)])
        await self.until(lambda: not rig.simulator.summary()["feedback"]["waiting"])
        await self.until(lambda: spool._asked)
        rig.simulator.add_feedback([FeedbackTuple(1_700_000_061, live(12))])
        await deferLater(reactor, 0.1, lambda: None)
        self.assertEqual(len(rig.audience.dead), 3)
        self.assertEqual(rig.simulator.summary()["feedback"]["waiting"], 1)
        spool.busy = False
        spool.answer()
        await self.until(lambda: len(rig.audience.dead) == 6)
        self.assertEqual(sorted(spool.dead_tokens["news"]), [live(i) for i in (0, 1, 2, 10, 11, 12)])

    async def test_it_closes_right_after_its_list(self) -> None:
        """The connection has long ended when its list is safe: the count is in the log, and nothing else."""
        spool = RecordingSpool()
        rig = await self.feedback(count=0, spool=spool)
        spool.busy = True
        with capturedLogs() as events:
            rig.simulator.add_feedback([FeedbackTuple(1_700_000_000, live(i)) for i in range(3)])
            connections = lambda: rig.simulator.summary()["feedback"]["connections"]  # noqa: E731 - short
            await self.until(lambda: spool._asked and not connections()["open"])
            spool.busy = False
            spool.answer()
            await self.until(lambda: len(rig.audience.dead) == 3)
        lines = [each["log_format"].format(**each) for each in events if "feedback" in each["log_format"]]
        self.assertIn("news: feedback: 3 dead tokens", lines)
        self.assertEqual([line for line in lines if "could not be read" in line], [])

    async def test_what_nobody_can_send_to(self) -> None:
        """Entries with tokens that no notification could have are left out."""
        rig = await self.feedback(count=0)
        rig.simulator.add_feedback([FeedbackTuple(5, each) for each in (b"", b"x" * 101, b"x" * 100)])
        await self.until(lambda: rig.audience.dead)
        self.assertEqual([each.token for each in rig.audience.dead], [b"x" * 100])


class RegisterTests(RigCase):
    """The register outlives the process."""

    async def test_a_restart(self) -> None:
        """What was rejected and what the feedback service listed is dead in the next life, with its time."""
        directory = Path(self.mktemp())
        directory.mkdir()
        context = Context(
            reactor=reactor, wall=lambda: 1_700_000_100.0, jitter=lambda: 0.0, metrics=Metrics()
        )
        rig = Rig(self.mktemp(), feedback=True, spool=SqliteSpool(directory, context))
        rig.simulator.add_feedback([FeedbackTuple(1_700_000_000, live(1))])
        await rig.start()
        await rig.push([dead(0)])
        await rig.settled()
        await self.until(lambda: rig.audience.dead)
        self.assertEqual(rig.audience.tokens(State.REJECTED), {dead(0)})
        await rig.stop()
        rig = await self.rig(spool=SqliteSpool(directory, context))
        entries = rig.gateway.dead_tokens("news", b"", 9)
        self.assertEqual([(each.token, each.reason) for each in entries],
                         [(live(1), DeadReason.FEEDBACK), (dead(0), DeadReason.INVALID_TOKEN)])  # fmt: skip
        self.assertEqual(entries[0].since, 1_700_000_000)
        await rig.push([dead(0), live(1), live(2)])
        await rig.settled()
        self.assertEqual(rig.audience.tokens(State.SUPPRESSED), {dead(0), live(1)})
        await rig.push([live(1)], registered_at=1_700_000_000)
        await rig.settled()
        self.assertEqual(set(rig.received()), {live(1), live(2)})


class ConfigurationTests(TestCase):
    """What the files of a configuration must be."""

    def fault(self, **files: Any) -> str:
        table = Rig(self.mktemp())
        model = table.table().model_copy(update=files)
        with self.assertRaises(CannotStart) as caught:
            factory.upstream("news", model, table, table.context)  # type: ignore[arg-type]  # never used
        (line,) = caught.exception.faults
        return line

    def test_faults_name_file_and_reason(self) -> None:
        """One line: key, file, reason."""
        here = Path(self.mktemp())
        here.mkdir()
        (here / "empty.pem").write_text("")
        others = Certificates.in_directory(here / "others")
        self.assertIn("No such file", self.fault(certificate=here / "none.pem"))
        self.assertEqual(
            self.fault(certificate=here / "empty.pem"),
            f"apps.news.certificate: {here}/empty.pem: no certificate in PEM: it is empty",
        )
        self.assertIn("does not belong to the certificate", self.fault(private_key=others.client))
        self.assertIn("no private key in PEM", self.fault(private_key=others.ca))
        self.assertIn("apps.news.trust: ", self.fault(trust=here / "empty.pem"))
        (here / "x.p12").write_bytes(b"no")
        self.assertIn("not PKCS #12", self.fault(certificate=here / "x.p12"))

    def test_provides_the_interfaces(self) -> None:
        """Factory and upstream are what they say."""
        rig = Rig(self.mktemp())
        verifyObject(IUpstreamFactory, factory)
        upstream = factory.upstream("news", rig.table(), rig, rig.context)  # type: ignore[arg-type]  # never used
        verifyObject(IUpstream, upstream)
        verifyObject(IProving, upstream)

    async def test_stopped_before_its_start(self) -> None:
        """A gateway that is stopped while it starts stops apps that it has not started yet."""
        rig = Rig(self.mktemp())
        upstream = factory.upstream("news", rig.table(), RecordingQueue(), rig.context)
        await upstream.stop()
        upstream.abort()
