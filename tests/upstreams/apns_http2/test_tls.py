"""The HTTP/2 upstream over real TLS on loopback, with each kind of credential."""

from collections.abc import Callable
from typing import Any

from cryptography.x509 import DNSName
from OpenSSL.SSL import TLS_SERVER_METHOD, Context
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import SSL4ServerEndpoint
from twisted.internet.interfaces import IOpenSSLContextFactory
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import PrivateCertificate
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from pushgate.model.outcome import State
from pushgate.plugins.builtin import apns_http2
from pushgate.upstreams.apns_http2.settings import ApnsHTTP2Table
from pushgate.upstreams.common.http_push import connection
from tests.connect_proxy import ProxyServer
from tests.impostor import Impostor, issue
from tests.rig import Rig, dead, live

TOPIC = "com.example.app"


class TlsRig(Rig):
    """The app `news` on the simulator's provider API, with a provider key unless it has a `certificate`."""

    def table(self) -> Any:
        key = self.simulator.provider_key
        credential = {"key_file": key.file, "key_id": key.key_id, "team_id": key.team_id, "topic": TOPIC}
        return ApnsHTTP2Table.model_validate({
            "upstream": "apns-http2",
            "trust": self.simulator.certificates.ca,
            "host": "localhost",
            "port": self.simulator.http2_port,
            **({} if "certificate" in self._app else credential),
            **self._app,
        })  # fmt: skip


class _HTTP1(Protocol):
    """Answers what it does not understand as a web server does."""

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        self.transport.loseConnection()


@implementer(IOpenSSLContextFactory)
class _WithoutAlpn:
    """A context factory; Twisted's own ends a handshake in which the client offers what it does not have."""

    def __init__(self, own: PrivateCertificate) -> None:
        self._context = Context(TLS_SERVER_METHOD)
        self._context.use_certificate(own.original)
        self._context.use_privatekey(own.privateKey.original)

    def getContext(self) -> Context:
        """The same for every connection."""
        return self._context


class TlsTests(TestCase):
    """What only a real handshake shows."""

    timeout = 60

    async def rig(self, *script: dict[str, Any], **app: Any) -> TlsRig:
        """A started rig, stopped at the end."""
        rig = TlsRig(self.directory, script, **app)
        await rig.start(apns_http2)
        self.addCleanup(lambda: Deferred.fromCoroutine(rig.stop()))
        return rig

    async def until(self, condition: Callable[[], object]) -> None:
        while not condition():
            await deferLater(reactor, 0.01, lambda: None)  # type: ignore[arg-type]  # it is a reactor

    def setUp(self) -> None:
        self.directory = self.mktemp()
        self.certificates = TlsRig(self.directory).simulator.certificates

    async def listen(self, factory: Factory, pem: bytes | None = None) -> int:
        """The port of a TLS server that answers no offer of ALPN.

        :param pem: its certificate and key; good ones unless given.
        """
        tls = _WithoutAlpn(PrivateCertificate.loadPEM(pem or self.certificates.server.read_bytes()))
        port = await SSL4ServerEndpoint(reactor, 0, tls, interface="127.0.0.1").listen(factory)
        self.addCleanup(port.stopListening)
        found: int = port.getHost().port
        return found

    async def before(self, port: int, **app: Any) -> TlsRig:
        """A started rig before another server, with a notification to send; stopped at the end."""
        rig = TlsRig(self.directory, port=port, **app)
        await rig.start(apns_http2)
        self.addCleanup(lambda: Deferred.fromCoroutine(rig.stop()))
        await rig.push([live(0)])
        return rig

    async def goes_through(self, rig: TlsRig) -> None:
        """Good tokens are accepted, once each; dead ones are refused and entered."""
        good, bad = [live(number) for number in range(50)], [dead(number) for number in range(5)]
        await rig.push([*good, *bad])
        await rig.settled()
        self.assertEqual(rig.received(), dict.fromkeys(good, 1))
        self.assertEqual(rig.audience.tokens(State.ACCEPTED), set(good))
        self.assertEqual({rig.audience.outcomes[each] for each in bad}, {(State.REJECTED, 410)})
        entered = rig.gateway.dead_tokens("news", b"", 100)
        self.assertEqual({each.token for each in entered}, set(bad))

    async def test_a_provider_key(self) -> None:
        """The simulator checks the tokens as Apple does."""
        rig = await self.rig()
        await self.goes_through(rig)
        (entry,) = list(rig.simulator.received.entries())[:1]
        self.assertEqual(entry.topic, TOPIC)

    async def test_a_certificate(self) -> None:
        """With a certificate no request has a token; the topic is the certificate's, when none is given."""
        name = f"Apple Push Services: {TOPIC}"
        rig = await self.rig(certificate=self.certificates.issue_client("own.pem", name=name))
        await self.goes_through(rig)
        self.assertEqual({each.topic for each in rig.simulator.received.entries()}, {TOPIC})

    async def test_through_a_proxy(self) -> None:
        """Connections go through the app's proxy; the service is none the wiser."""
        proxies = await ProxyServer().start()
        self.addCleanup(lambda: Deferred.fromCoroutine(proxies.stop()))
        rig = await self.rig(proxy=proxies.url)
        await self.goes_through(rig)
        asked = {proxy.asked.split()[1].decode() for proxy in proxies.proxies}
        self.assertEqual(asked, {f"localhost:{rig.simulator.http2_port}"})

    async def test_a_key_that_does_not_belong_to_the_team(self) -> None:
        """The circuit opens at once with its cause; one line says which key of the configuration it is."""
        with capturedLogs() as events:
            rig = await self.rig(team_id="AAAAAAAAAA")
            await rig.push([live(0)])
            await self.until(lambda: rig.circuit()[0])
        self.assertEqual(rig.circuit(), (True, "credential-rejected"))
        lines = [formatEvent(each) or "" for each in events if "ServiceHealth" in each["log_namespace"]]
        self.assertIn("apps.news.key_file: InvalidProviderToken: ", lines[0])
        self.assertEqual(rig.gateway.left(), 1)

    async def test_a_server_of_http_1(self) -> None:
        """A web server that speaks only HTTP/1.1: not-http2, and the notification waits."""
        rig = await self.before(await self.listen(Factory.forProtocol(_HTTP1)))
        await self.until(lambda: rig.circuit()[1] == "not-http2")
        self.assertEqual(rig.gateway.left(), 1)

    async def test_a_server_that_says_nothing(self) -> None:
        """After `request_timeout` and a PING it counts as one that answers nothing; the notification waits."""
        self.patch(connection, "PING_TIMEOUT", 0.2)
        rig = await self.before(await self.listen(Factory.forProtocol(Protocol)), request_timeout="200ms")
        await self.until(lambda: rig.circuit()[1] == "timed-out")
        self.assertEqual(rig.gateway.left(), 1)

    async def test_a_server_for_another_host(self) -> None:
        """Nothing is sent to it, no provider token either."""
        impostor = Impostor(self.certificates, None)
        port = await self.listen(impostor, issue(self.certificates, [DNSName("other.example")]))
        rig = await self.before(port)
        await self.until(lambda: rig.circuit()[0])
        self.assertEqual((rig.circuit()[1], impostor.received), ("server-not-trusted", b""))
        self.assertEqual(rig.gateway.left(), 1)
