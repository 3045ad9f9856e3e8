"""TLS as a client: for every kind of name that a trusted authority may certify, which hosts it is good for."""

from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography.x509 import DNSName, IPAddress, RFC822Name, UniformResourceIdentifier
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.error import DNSLookupError
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.logger import LogLevel, capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from pushgate.net.client_tls import ClientTls, tls_endpoint
from pushgate.net.endpoint_string import endpoint_from_string
from pushgate.net.host_identity import NotForHost, host_identity
from pushgate.simulator.certificates import Certificates
from pushgate.upstreams.common.connect import Once
from tests.impostor import Impostor, Names

SECRET = b"for the true host only"
ADDRESS = IPAddress(ip_address("127.0.0.1"))
OTHER = DNSName("other.example")
WRONG_FOR_NAMES: dict[str, Names] = {
    "no extension": None,
    "no name": [],
    "any host": [DNSName("*")],
    "any host below": [DNSName("*.localhost")],
    "another host": [OTHER],
    "another host, and any": [OTHER, DNSName("*")],
    "this host, and any": [DNSName("localhost"), DNSName("*")],
    "part of a label": [DNSName("local*")],
    "a longer name": [DNSName("localhost.example")],
    "a name with NUL": [DNSName("localhost\0.example")],
    "a name with a line end": [DNSName("localhost\r\nx")],
    "an empty name": [DNSName("")],
    "the name as e-mail": [RFC822Name("root@localhost")],
    "the name as URI": [UniformResourceIdentifier("https://localhost/")],
    "its address": [ADDRESS],
    "its address as a name": [DNSName("127.0.0.1")],
}
GOOD_FOR_NAMES: dict[str, Names] = {
    "the host": [DNSName("localhost")],
    "in capitals": [DNSName("LOCALHOST")],
    "among others": [OTHER, RFC822Name("a@b.example"), DNSName("localhost"), ADDRESS],
}
WRONG_FOR_ADDRESSES: dict[str, Names] = {
    "no extension": None,
    "no name": [],
    "a host": [DNSName("localhost")],
    "any host": [DNSName("*")],
    "the address as a name": [DNSName("127.0.0.1")],
    "another address": [IPAddress(ip_address("127.0.0.2"))],
    "an address of the other kind": [IPAddress(ip_address("::1"))],
    "another address, and any host": [IPAddress(ip_address("127.0.0.2")), DNSName("*")],
}
GOOD_FOR_ADDRESSES: dict[str, Names] = {
    "the address": [ADDRESS],
    "among others": [OTHER, ADDRESS],
}


class Speaker(Protocol):
    """Sends its secret at once, as protocols do, and keeps how the connection ended."""

    def __init__(self) -> None:
        self.lost: Deferred[Failure] = Deferred()

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(SECRET)

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost.callback(reason)


class HostNameTests(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.certificates = Certificates.in_directory(Path(self.mktemp()))
        self.trust = trustRootFromCertificates([Certificate.loadPEM(self.certificates.ca.read_bytes())])

    async def attempt(
        self, host: str, names: Names, interface: str = "127.0.0.1", tls: ClientTls | None = None
    ) -> tuple[str, bytes]:
        """How the connection ended, and what the server was sent."""
        server = await Impostor(self.certificates, names, b"hello").start(interface)
        kind = TCP6ClientEndpoint if ":" in interface else TCP4ClientEndpoint
        tls = tls or ClientTls(host, self.trust)
        endpoint = tls_endpoint(kind(reactor, interface, server.port), tls)
        speaker = Speaker()
        await endpoint.connect(Once(speaker))
        failure = await speaker.lost.addBoth(lambda reason: reason.value)
        await server.stop()
        return type(failure).__name__ + f": {failure}", server.received

    async def check(self, host: str, wrong: dict[str, Names], good: dict[str, Names]) -> None:
        with capturedLogs() as events:
            for kind, names in wrong.items():
                end, received = await self.attempt(host, names)
                self.assertTrue(end.startswith(f"NotForHost: the certificate is not for {host}"), (kind, end))
                self.assertTrue(end.isprintable(), (kind, end))
                self.assertEqual(received, b"", kind)
            for kind, names in good.items():
                end, received = await self.attempt(host, names)
                self.assertEqual((end.partition(":")[0], received), ("ConnectionDone", SECRET), kind)
        self.assertEqual([each for each in events if each["log_level"] is LogLevel.critical], [])

    async def test_names(self) -> None:
        """For a host that is called by its name, only a certificate that names it: nothing is written else."""
        await self.check("localhost", WRONG_FOR_NAMES, GOOD_FOR_NAMES)

    async def test_addresses(self) -> None:
        """For one that is called by its address, only a certificate with that address."""
        await self.check("127.0.0.1", WRONG_FOR_ADDRESSES, GOOD_FOR_ADDRESSES)

    async def test_one_after_the_other(self) -> None:
        """A certificate that was for the host makes no other one good, of the same client."""
        tls = ClientTls("localhost", self.trust)
        for names, received in (
            ([DNSName("localhost")], SECRET),
            ([OTHER], b""),
            ([DNSName("localhost"), OTHER], SECRET),
            (None, b""),
        ):
            self.assertEqual((await self.attempt("localhost", names, tls=tls))[1], received)

    async def test_ipv6(self) -> None:
        """The same for the longer addresses."""
        names = [IPAddress(ip_address("::1"))]
        self.assertEqual((await self.attempt("::1", names, "::1"))[1], SECRET)
        self.assertEqual((await self.attempt("::1", [ADDRESS], "::1"))[1], b"")

    async def test_the_error_says_what_the_certificate_is_for(self) -> None:
        """The names are quoted, a few of them, and escaped."""
        names = [DNSName("a\x1b[31m.example"), *(DNSName(f"{number}.example") for number in range(9))]
        end, _ = await self.attempt("localhost", names)
        self.assertEqual(
            end,
            r"NotForHost: the certificate is not for localhost, but for 'a\x1b[31m.example', '0.example', "
            "'1.example', '2.example', '3.example' and 5 more",
        )

    async def test_another_authority(self) -> None:
        """A certificate for the host by an authority that is not trusted is none."""
        others = Certificates.in_directory(Path(self.mktemp()))
        self.trust = trustRootFromCertificates([Certificate.loadPEM(others.ca.read_bytes())])
        end, received = await self.attempt("localhost", [DNSName("localhost")])
        self.assertIn("certificate verify failed", end)
        self.assertEqual(received, b"")

    def test_interface(self) -> None:
        """It is what Twisted's TLS asks of a client."""
        verifyObject(IOpenSSLClientConnectionCreator, ClientTls("localhost", self.trust))


class StringTests(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.certificates = Certificates.in_directory(Path(self.mktemp()))

    async def attempt(self, arguments: str, names: Names) -> bytes:
        server = await Impostor(self.certificates, names, b"hello").start()
        speaker = Speaker()
        await endpoint_from_string(reactor, arguments.replace("PORT", str(server.port))).connect(
            Once(speaker)
        )
        await speaker.lost.addBoth(lambda reason: None)
        await server.stop()
        return server.received

    async def test_the_host_name_is_verified(self) -> None:
        """``tls:`` checks it as every client does; trust may be a file or a directory."""
        directory = Path(self.mktemp())
        directory.mkdir()
        (directory / "root.pem").write_bytes(self.certificates.ca.read_bytes())
        for trust in (self.certificates.ca, directory):
            text = f"tls:localhost:PORT:trustRoots={trust}"
            self.assertEqual(await self.attempt(text, [DNSName("localhost")]), SECRET)
            self.assertEqual(await self.attempt(text, [DNSName("*")]), b"")
            self.assertEqual(await self.attempt(text, None), b"")

    async def test_arguments(self) -> None:
        """By name or by place; a certificate may be shown; a colon is escaped as Twisted does."""
        text = (
            f"tls:host=127.0.0.1:port=PORT:trustRoots={self.certificates.ca}:timeout=5"
            f":certificate={self.certificates.client}"
        )
        self.assertEqual(await self.attempt(text, [ADDRESS]), SECRET)
        self.assertEqual(
            endpoint_from_string(reactor, r"tls:\:\:1:7215").__class__.__name__, "_WrapperEndpoint"
        )

    async def test_a_name_with_an_underscore(self) -> None:
        """Containers have them: it is looked up, and not refused for its form."""
        for kind in ("tcp", "tls"):
            attempt = endpoint_from_string(reactor, f"{kind}:push_gw.invalid:7215").connect(Once(Speaker()))
            await self.assertFailure(attempt, DNSLookupError)

    def test_other_kinds(self) -> None:
        """Twisted reads them."""
        self.assertIsNotNone(endpoint_from_string(reactor, "tcp:127.0.0.1:7215"))
        self.assertIsNotNone(endpoint_from_string(reactor, "unix:/run/gate.sock"))

    def test_what_is_refused(self) -> None:
        """What cannot be understood, and what verifies no host name."""
        empty, damaged = Path(self.mktemp()), Path(self.mktemp())
        empty.write_bytes(b"")
        damaged.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        for text, why in {
            "ssl:localhost:7215": "verifies no host name",
            "tls:localhost": "tls:HOST:PORT",
            "tls:localhost:https": "tls:HOST:PORT",
            "tls:localhost:7215:colour=red": "'colour'",
            "tls:a:1:b": r"'\?'",
            f"tls:localhost:7215:trustRoots={empty}": "no certificate in PEM",
            f"tls:localhost:7215:trustRoots={damaged}": "the certificate is damaged",
            f"tls:localhost:7215:certificate={damaged}": "the certificate is damaged",
            "tls:localhost:7215:trustRoots=/nowhere": "/nowhere: No such file",
            "tls:localhost:7215:timeout=soon": "timeout=SECONDS",
            "tcp:localhost": "tcp:HOST:PORT",
        }.items():
            self.assertRaisesRegex(ValueError, why, endpoint_from_string, reactor, text)


@pytest.mark.parametrize(
    "host", ["", " x", "https://x", "[::1]", "a b", "a..b", ".a", "a" * 64, "a." * 127 + "a"]
)
def test_hosts_that_no_certificate_can_name(host):
    """They are refused before anything is connected."""
    with pytest.raises(ValueError, match="no host name"):
        host_identity(host)


@pytest.mark.parametrize(
    ("host", "name"),
    [("push_gw", b"push_gw"), ("Example.com.", b"example.com"), ("bücher.de", b"xn--bcher-kva.de")],
)
def test_how_hosts_are_written(host, name):
    """Names of containers have underscores; those of other scripts are encoded; a last dot is left out."""
    assert host_identity(host).hostname == name


def test_the_error_is_text():
    """Its text is what happened, not a representation of an object."""
    assert str(NotForHost("one line")) == "one line"
