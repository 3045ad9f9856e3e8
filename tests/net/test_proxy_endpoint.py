"""Connecting through an HTTP proxy: what it is asked, all that it may answer, and TLS to the host behind it."""

from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography.x509 import DNSName, IPAddress
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.error import (
    ConnectingCancelledError,
    ConnectionDone,
    ConnectionLost,
    NoProtocol,
)
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from pushgate.net.client_tls import ClientTls, tls_endpoint
from pushgate.net.connecting import Once, connected
from pushgate.net.proxy_endpoint import MAX_HEAD, PATIENCE, ProxyEndpoint, ProxyRefused, proxy_endpoint_for
from pushgate.simulator.certificates import Certificates
from tests.connect_proxy import OPEN, Proxy, ProxyServer
from tests.impostor import Impostor, Names
from tests.samples import at_every_byte

SECRET = b"for the host only"


class Kept(Protocol):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[bytes] = []
        self.made = 0
        self.lost: list[Failure] = []

    def connectionMade(self) -> None:
        self.made += 1

    def dataReceived(self, data: bytes) -> None:
        self.told.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost.append(reason)


class Counted(Once):
    """Counts its starts and stops."""

    starts = stops = 0

    def startFactory(self) -> None:
        self.starts += 1

    def stopFactory(self) -> None:
        self.stops += 1


class Transport(StringTransport):
    """Keeps how it was closed."""

    aborted = 0

    def abortConnection(self) -> None:
        self.aborted += 1


@implementer(IStreamClientEndpoint)
class Memory:
    """Connects at once, to nothing."""

    def connect(self, factory: Any) -> Deferred[Any]:
        self.transport, self.protocol = Transport(), factory.buildProtocol(None)
        self.protocol.makeConnection(self.transport)
        return succeed(self.protocol)


class AnswerTests(SynchronousTestCase):
    def ask(self, host: str = "push.example", **options: Any) -> Deferred[Any]:
        """An attempt that has asked the proxy."""
        self.clock, self.memory, self.kept = Clock(), Memory(), Kept()
        self.factory = Counted(self.kept)
        self.endpoint = ProxyEndpoint(self.clock, self.memory, host, 443, **options)
        attempt = self.endpoint.connect(self.factory)
        self.transport: Transport = self.memory.transport
        return attempt

    def say(self, *pieces: bytes) -> None:
        """The proxy says something."""
        for piece in pieces:
            self.memory.protocol.dataReceived(piece)

    def refused(self, attempt: Deferred[Any]) -> str:
        """How an attempt failed: nothing of it is left, and nothing more is heard."""
        error = str(self.failureResultOf(attempt, ProxyRefused).value)
        self.assertTrue(error.isprintable(), error)
        self.assert_over()
        return error

    def assert_over(self) -> None:
        self.assertEqual(self.transport.aborted, 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.say(OPEN, b"more")
        self.memory.protocol.connectionLost(Failure(ConnectionDone()))
        self.assertEqual((self.kept.made, self.kept.told, self.kept.lost), (0, [], []))
        self.assertEqual(self.transport.aborted, 1)
        self.assertEqual(self.factory.starts, self.factory.stops)

    def test_interface(self) -> None:
        """It is an endpoint."""
        self.ask()
        verifyObject(IStreamClientEndpoint, self.endpoint)

    def test_what_is_asked(self) -> None:
        """CONNECT with the host and its port, IPv6 in brackets, and the authorization if there is one."""
        self.ask()
        self.assertEqual(
            self.transport.value(), b"CONNECT push.example:443 HTTP/1.1\r\nHost: push.example:443\r\n\r\n"
        )
        for host, written in {
            "10.0.0.1": b"10.0.0.1", "2001:db8::1": b"[2001:db8::1]", "push_gw": b"push_gw",
            "bücher.example": b"xn--bcher-kva.example",
        }.items():  # fmt: skip
            self.ask(host, authorization=b"Basic dTpw")
            self.assertEqual(
                self.transport.value(),
                b"CONNECT %b:443 HTTP/1.1\r\nHost: %b:443\r\nProxy-Authorization: Basic dTpw\r\n\r\n"
                % (written, written),
            )

    def test_what_cannot_be_asked(self) -> None:
        """It is refused before anything is connected, and no secret is quoted."""
        for host in ("", "a b", "a\r\nx: y", "[::1]", "x:1", "a..b", "user@x"):
            self.assertRaises(ValueError, self.ask, host)
        for secret in (b"Basic x\r\nHost: y", b"Basic x\n", b"\0"):
            error = self.assertRaises(ValueError, self.ask, authorization=secret)
            self.assertNotIn("Basic", str(error))

    def test_a_way(self) -> None:
        """Any 2xx opens it, at every cut; what comes behind the head is the host's."""
        for head in (
            OPEN,
            b"HTTP/1.0 200 OK\r\nVia: x\r\n\r\n",
            b"HTTP/1.1 204 No\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n" + OPEN,
        ):
            for pieces in at_every_byte(head + b"220 hello\r\n"):
                attempt = self.ask()
                self.assertNoResult(attempt)
                self.say(*(piece for piece in pieces if piece))
                self.assertIs(self.successResultOf(attempt), self.kept)
                self.assertEqual(b"".join(self.kept.told), b"220 hello\r\n")
                self.assertEqual((self.kept.made, self.clock.getDelayedCalls()), (1, []))
                self.assertIs(self.kept.transport, self.transport)

    def test_a_way_that_ends(self) -> None:
        """Its protocol learns that once, and why; the factory is started and stopped."""
        self.successResultOf(self.opened())
        self.assertEqual((self.factory.starts, self.factory.stops), (1, 0))
        self.say(b"a", b"b")
        self.memory.protocol.connectionLost(Failure(ConnectionLost("gone")))
        self.assertEqual(self.kept.told, [b"a", b"b"])
        self.assertEqual([str(reason.value) for reason in self.kept.lost], [str(ConnectionLost("gone"))])
        self.assertEqual((self.factory.starts, self.factory.stops), (1, 1))
        self.say(b"c")
        self.memory.protocol.connectionLost(Failure(ConnectionDone()))
        self.assertEqual((self.kept.told, len(self.kept.lost)), ([b"a", b"b"], 1))

    def opened(self) -> Deferred[Any]:
        attempt = self.ask()
        self.say(OPEN)
        return attempt

    def test_no_time_is_left_running(self) -> None:
        """A way stays open beyond the proxy's patience."""
        attempt = self.opened()
        self.clock.advance(10 * PATIENCE)
        self.successResultOf(attempt)
        self.assertEqual(self.transport.aborted, 0)

    def test_first_the_caller_then_what_came(self) -> None:
        """As with every endpoint, the caller has its protocol before that is told anything."""
        told: list[list[bytes]] = []
        attempt = self.ask().addCallback(lambda kept: told.append(list(kept.told)))
        self.say(OPEN + b"at once")
        self.successResultOf(attempt)
        self.assertEqual((told, self.kept.told), ([[]], [b"at once"]))

    def test_other_answers(self) -> None:
        """The error names the status; the proxy's words are escaped, and cut."""
        for head, text in {
            b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n": "407 Proxy Authentication Required",
            b"HTTP/1.1 502 \x1b[31m\xff\r\nContent-Length: 1\r\n": r"502 \x1b[31m\xff",
            b"HTTP/1.1 301\r\nLocation: /\r\n": "301",
            b"HTTP/1.0 503 " + b"x" * 300 + b"\r\n": "503 " + "x" * 200 + "…",
        }.items():
            attempt = self.ask()
            self.say(head + b"\r\nx")
            self.assertEqual(self.refused(attempt), f"the proxy answers CONNECT with {text}")

    def test_what_is_no_answer(self) -> None:
        """Other protocols, and heads that are none; the socket of one that speaks first."""
        for talk in (
            b"\x15\x03\x01\x00\x02\x02\x46", b"220 mail.example\r\n\r\n", b"HTTP/1.1 101 Switching\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nx y: z\r\n\r\n", b"\r\n", b"HTTP/1.1 2000 OK\r\n\r\n", b"\0",
        ):  # fmt: skip
            for pieces in ([talk], [talk[at : at + 1] for at in range(len(talk))]):
                attempt = self.ask()
                self.say(*pieces)
                self.assertEqual(self.refused(attempt), "the proxy does not speak HTTP/1.1")

    def test_endless_heads(self) -> None:
        """Whatever they are made of, and in whatever pieces, they end."""
        for endless in (
            b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * MAX_HEAD,
            b"HTTP/1.1 200 " + b"x" * 2 * MAX_HEAD,
            b"HTTP/1.1 100 Continue\r\n\r\n" * MAX_HEAD,
        ):
            for size in (1, 1000, len(endless)):
                attempt = self.ask()
                self.say(*(endless[at : at + size] for at in range(0, 2 * MAX_HEAD, size)))
                self.assertEqual(
                    self.refused(attempt), f"the proxy answers CONNECT with more than {MAX_HEAD} bytes"
                )

    def test_the_longest_head(self) -> None:
        """What comes behind it in the same piece is not counted."""
        head = OPEN[:-4] + b"x" * (MAX_HEAD - len(OPEN) - 1) + b"\r\n\r\n"
        attempt = self.ask()
        self.say(head + bytes(3 * MAX_HEAD))
        self.successResultOf(attempt)
        self.assertEqual(b"".join(self.kept.told), bytes(3 * MAX_HEAD))

    def test_a_proxy_that_never_answers(self) -> None:
        """It has its time, also when it goes on saying something."""
        attempt = self.ask(patience=3.0)
        for _ in range(3):
            self.assertNoResult(attempt)
            self.say(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.clock.advance(1)
        self.assertEqual(self.refused(attempt), "the proxy does not answer CONNECT within 3 s")

    def test_a_proxy_that_closes(self) -> None:
        """Before its answer, or in the middle of it."""
        for said in ([], [OPEN[:10]]):
            attempt = self.ask()
            self.say(*said)
            self.memory.protocol.connectionLost(Failure(ConnectionDone()))
            self.assertEqual(
                str(self.failureResultOf(attempt, ProxyRefused).value),
                "the proxy does not answer CONNECT: Connection was closed cleanly",
            )
            self.assertEqual((self.clock.getDelayedCalls(), self.kept.made), ([], 0))

    def test_cancelled(self) -> None:
        """Nothing is left of it, and that is no failure of the proxy."""
        attempt = self.ask()
        attempt.cancel()
        self.failureResultOf(attempt, CancelledError)
        self.assert_over()

    def test_a_factory_that_builds_nothing(self) -> None:
        """An endpoint fails as the factory does."""

        class Broken:
            def makeConnection(self, _: object) -> None:
                raise OSError("x")

        def broken(_: object) -> None:
            raise KeyError("x")

        for build, error in ((lambda _: None, NoProtocol), (broken, KeyError), (lambda _: Broken(), OSError)):
            attempt = self.ask()
            self.factory.buildProtocol = build  # type: ignore[method-assign]  # of this one
            self.say(OPEN)
            self.failureResultOf(attempt, error)
            self.assert_over()


class Speaker(Protocol):
    """Sends its secret at once, closes when it is answered, and keeps how the connection ended."""

    def __init__(self) -> None:
        self.lost: Deferred[Failure] = Deferred()
        self.heard = b""

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(SECRET)

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.heard += data
        self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost.callback(reason)


class LoopbackTests(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.certificates = Certificates.in_directory(Path(self.mktemp()))
        self.trust = trustRootFromCertificates([Certificate.loadPEM(self.certificates.ca.read_bytes())])

    async def attempt(self, host: str, names: Names, answer: bytes = OPEN) -> tuple[str, bytes, Proxy]:
        """How a connection to a host ended, what the host was sent, and the proxy's side."""
        server = await Impostor(self.certificates, names, b"hello").start()
        proxies = await ProxyServer(server.port, answer).start()
        through = ProxyEndpoint(reactor, proxy_endpoint_for(reactor, proxies.url), host, 443)
        speaker = Speaker()
        try:
            await connected(tls_endpoint(through, ClientTls(host, self.trust)), Once(speaker))
            end = await speaker.lost.addBoth(lambda reason: reason.value)
        except ProxyRefused as error:
            end = error
        await proxies.stop()
        await server.stop()
        return f"{type(end).__name__}: {end}", server.received, proxies.proxies[0]

    async def test_tls_to_the_host(self) -> None:
        """The host that the proxy was asked for is spoken to over TLS, and its name is verified."""
        for host, names in {
            "push.example": [DNSName("push.example")],
            "2001:db8::1": [IPAddress(ip_address("2001:db8::1"))],
        }.items():
            end, received, proxy = await self.attempt(host, names)
            self.assertEqual((end.partition(":")[0], received), ("ConnectionDone", SECRET))
            written = b"[2001:db8::1]" if ":" in host else host.encode()
            self.assertTrue(proxy.asked.startswith(b"CONNECT " + written + b":443 HTTP/1.1\r\n"))

    async def test_a_proxy_that_leads_elsewhere(self) -> None:
        """A host with a certificate for another name, the proxy's among them, is sent nothing."""
        for names in ([DNSName("other.example")], [IPAddress(ip_address("127.0.0.1"))], None):
            end, received, _ = await self.attempt("push.example", names)
            self.assertTrue(end.startswith("NotForHost: the certificate is not for push.example"), end)
            self.assertEqual(received, b"")

    async def test_a_proxy_that_refuses(self) -> None:
        """The connection to it is closed; the host is sent nothing."""
        names = [DNSName("push.example")]
        end, received, _ = await self.attempt("push.example", names, b"HTTP/1.1 403 Forbidden\r\n\r\nno")
        self.assertEqual((end, received), ("ProxyRefused: the proxy answers CONNECT with 403 Forbidden", b""))

    async def test_a_proxy_that_is_not_there(self) -> None:
        """The error says that it is the proxy which cannot be reached, and why."""
        proxies = await ProxyServer(1).start()
        await proxies.stop()
        attempt = ProxyEndpoint(reactor, proxy_endpoint_for(reactor, proxies.url), "push.example", 443)
        error = await self.assertFailure(attempt.connect(Once(Speaker())), ProxyRefused)
        self.assertRegex(
            str(error), "^the proxy cannot be reached: Connection was refused by other side: [^.]+$"
        )
        nowhere = proxy_endpoint_for(reactor, "http://proxy.invalid:3128")
        attempt = ProxyEndpoint(reactor, nowhere, "push.example", 443)
        error = await self.assertFailure(attempt.connect(Once(Speaker())), ProxyRefused)
        self.assertRegex(str(error), "^the proxy cannot be reached: DNS lookup failed.*proxy.invalid[^.]*$")

    async def test_cancelled_while_it_is_connected_to(self) -> None:
        """It fails as every endpoint does, and as every Deferred does by way of `connected`."""
        for through, expected in ((False, ConnectingCancelledError), (True, CancelledError)):
            endpoint = ProxyEndpoint(
                reactor, TCP4ClientEndpoint(reactor, "127.0.0.1", 1), "push.example", 443
            )
            factory = Once(Speaker())
            attempt: Deferred[Any] = (
                Deferred.fromCoroutine(connected(endpoint, factory)) if through else endpoint.connect(factory)
            )
            attempt.cancel()
            await self.assertFailure(attempt, expected)
