"""A gateway that is not there, or not who it should be: the program soon knows, and nothing of it goes out."""

import warnings
from pathlib import Path
from tempfile import mkdtemp

import trustme
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import PrivateCertificate
from twisted.internet.task import Clock, deferLater
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from pushgate.client import Unreachable, connect
from pushgate.client.connection import SILENCE, ClientConnection
from pushgate.client.reasons import reason
from pushgate.net.endpoint_string import endpoint_from_string
from tests.client.test_client import ClientTestCase
from tests.samples import PAYLOAD, TOKEN

UNTRUSTED = (
    "no connection to the gateway: its certificate is not trusted: no known authority signed it, or its time is"
    " over; nothing was sent"
)


class Recording(Protocol):
    """Keeps what it hears."""

    def connectionMade(self):
        self.factory.alive.append(self)
        self.ended = Deferred()

    def dataReceived(self, data):
        self.factory.heard += data

    def connectionLost(self, reason):
        self.ended.callback(None)


class TlsTests(TestCase):
    """A TLS server on loopback."""

    def setUp(self):
        self.directory = Path(mkdtemp())
        self.authority = trustme.CA()
        self.authority.cert_pem.write_to_path(str(self.directory / "ca.pem"))
        other = trustme.CA()
        bundle = other.cert_pem.bytes() + self.authority.cert_pem.bytes()
        (self.directory / "bundle.pem").write_bytes(bundle)
        (self.directory / "other.pem").write_bytes(other.cert_pem.bytes())

    async def serve(self, *names):
        """The port of a server with a certificate for these names."""
        pem = self.authority.issue_cert(*names).private_key_and_cert_chain_pem.bytes()
        self.server = Factory.forProtocol(Recording)
        self.server.heard, self.server.alive = b"", []
        tls = TLSMemoryBIOFactory(PrivateCertificate.loadPEM(pem).options(), False, self.server)
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(tls)
        self.addCleanup(port.stopListening)
        return port.getHost().port

    def to(self, port, roots):
        """The string of an endpoint that trusts the authorities of a file."""
        return f"tls:localhost:{port}:trustRoots={self.directory / roots}"

    async def test_a_file_of_authorities(self):
        """Each certificate in it is trusted, as in a directory each file's first."""
        for roots in ("ca.pem", "bundle.pem"):
            port = await self.serve("localhost")
            client = connect(reactor, self.to(port, roots))
            asked = client.push("news", TOKEN, PAYLOAD)
            while not self.server.heard:
                await deferLater(reactor, 0.01)
            await client.close()
            await asked.addErrback(lambda failure: failure.trap(Exception))
            self.assertIn(b"_command", self.server.heard)
            for each in self.server.alive:
                await each.ended

    async def test_one_that_is_not_trusted(self):
        """Every command fails at once, also those asked later; the server hears nothing."""
        port = await self.serve("localhost")
        async with connect(reactor, self.to(port, "other.pem")) as client:
            for key in (None, "once"):
                with self.assertRaises(Unreachable) as caught:
                    await client.push("news", TOKEN, PAYLOAD, key=key)
                self.assertEqual(str(caught.exception), UNTRUSTED)
            with self.assertRaises(Unreachable):
                await client.watch()
        self.assertEqual(self.server.heard, b"")

    async def test_another_hosts(self):
        """The same, without the representation of any object."""
        port = await self.serve("gate.example.com")
        async with connect(reactor, self.to(port, "ca.pem")) as client:
            with self.assertRaisesRegex(
                Unreachable,
                "the certificate is not for localhost, but for 'gate.example.com'; nothing was sent",
            ):
                await client.push("news", TOKEN, PAYLOAD)
        self.assertEqual(self.server.heard, b"")


class EndpointTests(SynchronousTestCase):
    def test_files_that_cannot_be_used(self):
        """Are named, with what is wrong with them."""
        file = Path(mkdtemp()) / "roots.pem"
        file.write_text("nothing")
        for text, said in (
            (f"tls:h:1:trustRoots={file}", f"trustRoots: {file}: no certificate in PEM"),
            ("tls:h:1:trustRoots=/nowhere", "trustRoots: /nowhere: No such file or directory"),
        ):
            with self.assertRaisesRegex(ValueError, said):
                endpoint_from_string(reactor, text)


class SilenceTests(ClientTestCase):
    def test_a_line_after_two_seconds(self):
        """A program that waits for a gateway which is not there hears of it, once until there was one."""
        lines = []
        self.wires.open = False
        link = ClientConnection(self.wires, Clock(), lambda: 1.0, report=lines.append)
        self.addCleanup(link.stop)
        link.start()
        waiting = link.wire()
        waiting.addErrback(lambda failure: failure.trap(Unreachable))
        link.clock.advance(SILENCE / 2)
        self.assertEqual(lines, [])
        for _ in range(50):
            link.clock.advance(1)
        [line] = lines
        self.assertEqual(
            line,
            "no connection to the gateway for 2 s: An error occurred while connecting: nobody there; trying again",
        )
        self.wires.open = True
        link.clock.advance(30)
        self.wires.flush()
        self.assertEqual(len(lines), 1)

    def test_a_warning_of_pythons(self):
        """By default the line is one, which a program without any logging shows too."""
        self.wires.open = False
        self.wires.cut()
        push = self.client.push("news", TOKEN, PAYLOAD)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self.clock.pump([0.5] * 10)
        self.assertEqual(len(caught), 1)
        self.assertIn("no connection to the gateway for 2 s", str(caught[0].message))
        self.wires.open = True
        self.clock.advance(30)
        self.result(push)

    def test_one_that_came_in_time(self):
        """Nothing is said."""
        self.wires.cut()
        push = self.client.push("news", TOKEN, PAYLOAD)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.clock.pump([0.5] * 10)
            self.result(push)

    def test_a_watcher_hears_that_the_gateway_went_and_came(self):
        """With the reason, and once each; by then it is subscribed again."""
        heard = []
        subscription = self.result(self.client.watch(connection=heard.append))
        self.assertEqual(heard, [])
        self.wires.open = False
        self.wires.cut()
        self.clock.pump([1] * 10)
        self.assertEqual(heard, ["it closed the connection"])
        self.wires.open = True
        self.clock.advance(30)
        self.wires.flush()
        self.assertEqual(heard, ["it closed the connection", None])
        self.assertEqual(len(self.gateway.sinks), 1)
        subscription.stop()
        self.wires.flush()
        self.assertEqual(len(heard), 2)


class ReasonTests(SynchronousTestCase):
    def test_an_error_without_words(self):
        """Its name stands for it."""
        self.assertEqual(reason(Failure(KeyError())), "KeyError")
