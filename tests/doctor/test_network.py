"""What the doctor says of names, firewalls, proxies and servers that are not what they should be."""

import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID
from OpenSSL.crypto import X509, PKey
from OpenSSL.SSL import NO_OVERLAPPING_PROTOCOLS
from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.endpoints import TCP4ServerEndpoint, wrapServerTLS
from twisted.internet.interfaces import IHostnameResolver
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions, TLSVersion
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from pushgate.model.finding import Finding
from pushgate.plugins.builtin import apns_http2, apns_stream, webpush
from pushgate.upstreams.apns_http2 import diagnosis
from pushgate.upstreams.webpush import diagnosis as webpush_diagnosis
from tests.connect_proxy import ProxyServer
from tests.doctor_rig import amiss, documented, examination, examine, told_apart
from tests.doctor_samples import DAY, NOW, key, name, pem

REFUSING = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"


class Says(Protocol):
    """Says something to each client that connects, or closes.

    :ivar lost: whether its connection has ended.
    """

    lost = False

    def __init__(self, words: bytes | None) -> None:
        self.words = words

    def connectionMade(self) -> None:
        transport: Any = self.transport
        if self.words is None:
            transport.loseConnection()
        else:
            transport.write(self.words)

    def dataReceived(self, data: bytes) -> None:
        """Whatever is said to it, it has nothing to add."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost = True


class Sayer(Factory):
    """Makes such connections, and remembers them."""

    noisy = False

    def __init__(self, words: bytes | None) -> None:
        self.words, self.made = words, list[Says]()

    def buildProtocol(self, addr: Any) -> Says:
        self.made.append(Says(self.words))
        return self.made[-1]


@implementer(IHostnameResolver)
class Names:
    """Says of the name ``none`` that it has no address, of ``two`` that it has two, and nothing of ``silent``."""

    def __init__(self, others: Any) -> None:
        self.others = others

    def resolveHostName(
        self,
        receiver: Any,
        host: str,
        portNumber: int = 0,  # noqa: N803 - Twisted's
        *rest: Any,
        **more: Any,
    ) -> Any:
        if host.startswith("silent"):
            return receiver
        if not host.startswith(("none", "two")):
            return self.others.resolveHostName(receiver, host, portNumber, *rest, **more)
        receiver.resolutionBegan(None)
        for address in ("127.0.0.1", "127.0.0.2") if host.startswith("two") else ():
            receiver.addressResolved(IPv4Address("TCP", address, portNumber))
        receiver.resolutionComplete()
        return receiver


def issue(
    subject: str, *, by: Any = None, hosts: tuple[str, ...] = (), ends: timedelta = DAY, place: str = ""
) -> Any:
    """A certificate with its key; an authority's when it is for no hosts.

    :param by: the issuer's certificate and key; its own when None.
    :param place: where the issuer's certificate is to be had.
    """
    own = key()
    issuer, signer = (by[0].subject, by[1]) if by else (name(subject), own)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject)).issuer_name(issuer).public_key(own.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(NOW - 9 * DAY).not_valid_after(NOW + ends)
        .add_extension(x509.BasicConstraints(not hosts, None), critical=True)
    )  # fmt: skip
    if hosts:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    if place:
        access = x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(place)
        )
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    return builder.sign(signer, SHA256()), own


class NetworkTests(TestCase):
    timeout = 60

    def setUp(self) -> None:
        network: Any = reactor
        self.addCleanup(network.installNameResolver, network.installNameResolver(Names(network.nameResolver)))
        self.root = issue("Root")
        self.between = issue("Between", by=self.root)
        directory = Path(self.mktemp()).absolute()
        directory.mkdir(parents=True)
        self.trust, self.key_file = directory / "ca.pem", directory / "AuthKey_ABCDE12345.p8"
        self.trust.write_bytes(self.root[0].public_bytes(Encoding.PEM))
        self.key_file.write_bytes(pem(key()))
        self.key_file.chmod(0o600)

    async def listen(self, words: bytes | None, tls: CertificateOptions | None = None) -> int:
        """A server on a free port, over TLS if it has any; the port."""
        endpoint: Any = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        self.sayer = Sayer(words)
        port = await (wrapServerTLS(tls, endpoint) if tls else endpoint).listen(self.sayer)
        self.addCleanup(port.stopListening)
        number: int = port.getHost().port
        return number

    def of(self, leaf: Any, *chain: Any) -> dict[str, Any]:
        """What the side with this certificate shows."""
        return {
            "privateKey": PKey.from_cryptography_key(leaf[1]),
            "certificate": X509.from_cryptography(leaf[0]),
            "extraCertChain": [X509.from_cryptography(each[0]) for each in chain],
        }

    def tls(self, leaf: Any, *chain: Any, is_http2: bool = True) -> CertificateOptions:
        """The server's side with a certificate."""
        options = CertificateOptions(**self.of(leaf, *chain), acceptableProtocols=[b"h2"])
        if not is_http2:
            options.getContext().set_alpn_select_callback(lambda *_: NO_OVERLAPPING_PROTOCOLS)
        return options

    async def app(self, **keys: Any) -> list[Finding]:
        own = {"key_file": self.key_file, "team_id": "TEAM123456", "topic": "com.example.news"}
        common = {"trust": self.trust, "host": "localhost"}
        return await examine(apns_http2, examination(timeout=0.5), **{**own, **common, **keys})

    def closed_port(self) -> int:
        """A port on which nothing listens."""
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            number: int = closed.getsockname()[1]
            return number

    def full_port(self) -> int:
        """A port that drops packets, as a firewall does: its queue of connections is full."""
        full = socket.socket()
        self.addCleanup(full.close)
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(2):
            waiting = socket.socket()
            self.addCleanup(waiting.close)
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        number: int = full.getsockname()[1]
        return number

    def servers(self) -> dict[str, Callable[[], Any]]:
        """Each thing that may be wrong, and the keys of an app that meets it."""
        localhost = issue("here", by=self.between, hosts=("localhost",))
        over = issue("over", by=self.root, hosts=("localhost",), ends=-DAY)
        other = issue("there", by=self.root, hosts=("other.example",))
        good = issue("good", by=self.root, hosts=("localhost",))
        alone = issue("alone", hosts=("localhost",))
        strange = issue("Strange root")
        theirs = issue("theirs", by=strange, hosts=("localhost",))
        return {
            "a name without an address": lambda: {"host": "none.example"},
            "name servers that are silent": lambda: {"host": "silent.example"},
            "an address that is down, of two": lambda: self.there(None, host="two.example"),
            "nothing listens": lambda: {"port": self.closed_port()},
            "a firewall that drops": lambda: {"port": self.full_port()},
            "accepts, and is silent": lambda: self.there(b""),
            "accepts, and closes": lambda: self.there(None),
            "speaks no TLS": lambda: self.there(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
            "signed by itself": lambda: self.there(b"", self.tls(alone)),
            "a root that is not trusted": lambda: self.there(b"", self.tls(theirs, strange)),
            "an intermediate that is missing": lambda: self.there(b"", self.tls(localhost)),
            "has expired": lambda: self.there(b"", self.tls(over)),
            "for another host": lambda: self.there(b"", self.tls(other)),
            "speaks no HTTP/2": lambda: self.there(b"HTTP/1.1 400 Bad Request\r\n\r\n", self.tls(good)),
            "agrees on no HTTP/2": lambda: self.there(
                b"HTTP/1.1 400 Bad Request\r\n\r\n", self.tls(good, is_http2=False)
            ),
            "a proxy that refuses": lambda: self.proxy(REFUSING),
            "no proxy there": lambda: {"proxy": f"http://127.0.0.1:{self.closed_port()}"},
        }

    async def there(
        self, words: bytes | None, tls: CertificateOptions | None = None, **keys: Any
    ) -> dict[str, Any]:
        return {"port": await self.listen(words, tls), **keys}

    async def proxy(self, answer: bytes) -> dict[str, Any]:
        proxy = ProxyServer(answer=answer)
        await proxy.start()
        self.addCleanup(proxy.stop)
        return {"proxy": proxy.url, "port": await self.listen(b"")}

    async def test_the_other_port(self) -> None:
        """Where one of Apple's ports is shut, the other one is tried, and what to set is said."""
        shut, is_open = self.closed_port(), await self.listen(b"")
        self.patch(diagnosis, "OTHER_PORT", {shut: is_open})
        findings = await self.app(port=shut)
        self.assertEqual(amiss(findings), {"tcp-refused", "other-port"})
        self.assertEqual(findings[-1].advice, f"set port = {is_open}")
        self.patch(diagnosis, "OTHER_PORT", {shut: self.closed_port()})
        self.assertIn("does not accept connections either", (await self.app(port=shut))[-1].what)

    async def test_where_an_issuer_is_to_be_had(self) -> None:
        """A certificate that says where its issuer's is to be had is quoted."""
        leaf = issue("here", by=self.between, hosts=("localhost",), place="http://ca.example/between.cer")
        [found] = [each for each in await self.app(**await self.there(b"", self.tls(leaf))) if each.advice]
        self.assertIn("it is said to be at http://ca.example/between.cer", found.advice)
        self.assertEqual(found.details[:2], ("0 s:CN=here", "  i:CN=Between"))

    async def test_browsers_services(self) -> None:
        """A service that targets may name, and that cannot be reached, is a warning: it may not be needed."""
        self.patch(webpush_diagnosis, "SERVICES", ("none.example",))
        own = {"vapid_key_file": self.key_file, "subject": "mailto:ops@example.org"}
        findings = await examine(webpush, examination(timeout=0.5), **own)
        self.assertEqual(
            [(each.check, each.level) for each in findings],
            [("vapid-key", "ok"), ("hosts", "ok"), ("name", "warning")],
        )

    async def test_a_feedback_service_of_its_day(self) -> None:
        """Under TLS 1.2 a service that is shown no certificate ends the handshake: that is as far as one goes."""
        options = CertificateOptions(
            **self.of(issue("good", by=self.root, hosts=("localhost",))),
            verify=True,
            caCerts=[X509.from_cryptography(self.root[0])],
            lowerMaximumSecurityTo=TLSVersion.TLSv1_2,
        )
        port = await self.listen(b"", options)
        client = issue("client", by=self.root, hosts=("client",))
        certificate = self.trust.with_name("client.pem")
        certificate.write_bytes(pem(*client))
        certificate.chmod(0o600)
        keys = {"certificate": certificate, "trust": self.trust, "host": "localhost", "port": port}
        where = {"feedback_host": "localhost", "feedback_port": port}
        findings = await examine(apns_stream, examination(timeout=1.0), **keys, **where)
        self.assertEqual(amiss(findings), {"certificate-expires"})
        self.assertEqual(
            [each.check for each in findings][-3:], ["feedback-name", "feedback-tcp", "feedback"]
        )
        while not all(each.lost for each in self.sayer.made):
            await deferLater(reactor, 0.01)

    async def test_every_one(self) -> None:
        """Each has the checks that the page lists, and no other has them."""
        found = {}
        for what, make in self.servers().items():
            keys = make()
            found[what] = amiss(await self.app(**(keys if isinstance(keys, dict) else await keys)))
        self.assertEqual(found, documented("Names, firewalls, proxies and TLS"))
        self.assertTrue(told_apart(found))
