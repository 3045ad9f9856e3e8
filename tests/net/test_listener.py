"""Listening: where it is refused, and the peer's identity over real TLS."""

import os
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import trustme
from cryptography import x509
from OpenSSL import SSL
from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import (
    Certificate,
    PrivateCertificate,
    TLSVersion,
    optionsForClientTLS,
    trustRootFromCertificates,
)
from twisted.internet.testing import EventLoggingObserver, MemoryReactorClock
from twisted.logger import capturedLogs, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase, TestCase

from pushgate.model.errors import CannotStart
from pushgate.model.metrics import Metrics
from pushgate.model.principals import Grant, Principals
from pushgate.net.listener import Listener
from pushgate.net.tls import peer_subject
from pushgate.plugin.context import Context
from pushgate.plugin.settings import ListeningTable

PRINCIPALS = Principals({"shop": Grant(certificate="CN=shop")})
LOOPBACK = "tcp:0:interface=127.0.0.1"
AUTHORITY, OTHERS = trustme.CA(), trustme.CA()
CERTIFICATE_MISSING = (
    "inputs.front.certificate: missing; other machines can reach 'tcp:7215', so it needs TLS, "
    "or inputs.front.insecure = true"
)
PRINCIPALS_MISSING = (
    "principals: missing; other machines can reach 'tcp:7215' (inputs.front.listen), so callers must log in, "
    "or inputs.front.insecure = true"
)


def listener(reactor, principals=None, files_scarce=bool, metrics=None, **keys):
    """An input's listener with these keys."""
    context = Context(
        reactor=reactor,
        wall=lambda: 0.0,
        jitter=lambda: 0.0,
        metrics=metrics or Metrics(),
        principals=principals or Principals(),
        files_scarce=files_scarce,
    )
    return Listener("front", ListeningTable.model_validate({"type": "x", **keys}), context)


class Folder:
    """For tests that need files."""

    def folder(self):
        """A directory that is gone after the test."""
        folder = Path(mkdtemp())
        self.addCleanup(rmtree, folder)
        return folder

    def server_pem(self, folder=None, authority=AUTHORITY):
        """An input's certificate and key, in one file."""
        file = (folder or self.folder()) / "server.pem"
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(file))
        return file


class RuleTests(Folder, SynchronousTestCase):
    def setUp(self):
        self.log = EventLoggingObserver()
        globalLogPublisher.addObserver(self.log)
        self.addCleanup(globalLogPublisher.removeObserver, self.log)

    def faults(self, principals=None, **keys):
        """Why it does not listen so."""
        with self.assertRaises(CannotStart) as caught:
            listener(MemoryReactorClock(), principals, **keys)
        return caught.exception.faults

    def logged(self):
        """The lines of the log."""
        return [event["log_format"].format(**event) for event in self.log]

    def test_this_machine_is_trusted(self):
        """On loopback and UNIX sockets an input needs nothing, and peers need not log in."""
        for listen in (LOOPBACK, "unix:/tmp/pushgate-test.sock"):
            for principals in (None, PRINCIPALS):
                self.assertTrue(listener(MemoryReactorClock(), principals, listen=listen).trusting)
        self.assertEqual(self.logged(), [])

    def test_elsewhere_it_needs_both(self):
        """TLS and principals; each that is missing is named with the key that gives it."""
        file = str(self.server_pem())
        self.assertEqual(self.faults(listen="tcp:7215"), [CERTIFICATE_MISSING, PRINCIPALS_MISSING])
        self.assertEqual(self.faults(PRINCIPALS, listen="tcp:7215"), [CERTIFICATE_MISSING])
        self.assertEqual(self.faults(listen="tcp:7215", certificate=file), [PRINCIPALS_MISSING])
        self.assertEqual(len(self.faults(listen=f"ssl:7215:privateKey={file}")), 1)
        with_key = listener(MemoryReactorClock(), PRINCIPALS, listen="tcp:7215", certificate=file)
        in_string = listener(MemoryReactorClock(), PRINCIPALS, listen=f"ssl:7215:privateKey={file}")
        self.assertEqual((with_key.trusting, in_string.trusting), (False, False))

    def test_insecure(self):
        """With `insecure` it listens, and the log warns of each thing that is missing."""
        self.assertTrue(listener(MemoryReactorClock(), listen="tcp:7215", insecure=True).trusting)
        self.assertEqual(len(self.logged()), 2)
        for line in self.logged():
            self.assertTrue(line.startswith("inputs.front.insecure: "), line)
            self.assertTrue(line.endswith("; it is open all the same"), line)
        listener(MemoryReactorClock(), listen=LOOPBACK, insecure=True)
        self.assertEqual(len(self.logged()), 2)

    def test_keys_that_do_not_go_together(self):
        """Each is named."""
        file = str(self.server_pem())
        [fault] = self.faults(listen=f"ssl:0:interface=127.0.0.1:privateKey={file}", certificate=file)
        self.assertIn("inputs.front.certificate: listen has one already", fault)
        for key in ("private_key", "client_authorities"):
            [fault] = self.faults(listen=LOOPBACK, **{key: file})
            self.assertEqual(
                fault, f"inputs.front.{key}: of no use without certificate; must be given with it"
            )

    def test_bad_files(self):
        """Each is named with its key and the reason, before anything listens."""
        folder = self.folder()
        good, empty, other = self.server_pem(folder), folder / "empty", folder / "other"
        empty.write_text("")
        other.write_bytes(OTHERS.issue_cert("x").private_key_pem.bytes())
        cases = [
            ({"certificate": folder / "no"}, f"certificate: {folder / 'no'}: No such file or directory"),
            ({"certificate": empty}, f"certificate: {empty}: no certificate in PEM: it is empty"),
            (
                {"certificate": good, "private_key": empty},
                f"private_key: {empty}: no private key in PEM: it is empty",
            ),
            (
                {"certificate": good, "private_key": other},
                f"private_key: {other}: does not belong to the certificate",
            ),
            (
                {"certificate": good, "client_authorities": empty},
                f"client_authorities: {empty}: no certificate in PEM: it is empty",
            ),
        ]
        for keys, expected in cases:
            with self.subTest(expected):
                strings = {key: str(value) for key, value in keys.items()}
                self.assertEqual(self.faults(listen=LOOPBACK, **strings), [f"inputs.front.{expected}"])


class FilesTests(Folder, SynchronousTestCase):
    """Nearly as many files are open as may be."""

    def test_connections_are_closed(self):
        """Before anything is made for them, with TLS as without; counted each, and in the log once a minute."""
        for keys in ({}, {"certificate": str(self.server_pem())}):
            reactor, metrics, scarce = MemoryReactorClock(), Metrics(), [True]
            made = []
            factory = Factory.forProtocol(Protocol)
            factory.buildProtocol = lambda addr, made=made: made.append(addr) or Protocol()
            listening = listener(
                reactor, listen=LOOPBACK, files_scarce=lambda s=scarce: s[0], metrics=metrics, **keys
            )
            self.successResultOf(listening.start(factory))
            [(_, accepting, *_)] = reactor.tcpServers
            with capturedLogs() as events:
                for _ in range(3):
                    self.assertIsNone(accepting.buildProtocol(None))
                reactor.advance(60)
                self.assertIsNone(accepting.buildProtocol(None))
            self.assertEqual(made, [])
            self.assertEqual(metrics.counts["pushgate_connections_closed_total"], {("front", "files"): 4})
            lines = [formatEvent(event).partition(":")[2].partition(":")[0] for event in events]
            self.assertEqual(
                lines, [f" {count} connections closed since the last such line" for count in (1, 3)]
            )
            scarce[0] = False
            self.assertIsNotNone(accepting.buildProtocol(None))
            self.assertEqual(made, [None])


class Greeter(Protocol):
    """Answers the first bytes with whose certificate it has seen."""

    def dataReceived(self, data):
        self.transport.write((peer_subject(self.transport) or "nobody").encode() + b"\n")


class Listens(Protocol):
    """A client that says something and keeps what comes back."""

    def __init__(self):
        self.heard, self.answer, self.lost = b"", Deferred(), Deferred()

    def connectionMade(self):
        self.transport.write(b"hello")

    def dataReceived(self, data):
        self.heard += data
        if self.heard.endswith(b"\n"):
            self.answer.callback(self.heard.decode().strip())

    def connectionLost(self, reason):
        if not self.heard.endswith(b"\n"):
            self.answer.errback(reason)
        self.lost.callback(None)


class TlsTests(Folder, TestCase):
    """Over real sockets on loopback."""

    async def listen(self, factory=None, **keys):
        """An input that listens; the port."""
        self.front = listener(reactor, listen=LOOPBACK, **{key: str(file) for key, file in keys.items()})
        await self.front.start(factory or Factory.forProtocol(Greeter))
        self.addCleanup(self.front.stop)
        [address] = self.front.addresses()
        self.assertTrue(address.startswith("ssl 127.0.0.1:"))
        return int(address.rpartition(":")[2])

    async def ask(self, port, own=None, trusted=AUTHORITY, **options):
        """What a client hears, with `own` certificate if it has one."""
        roots = trustRootFromCertificates([Certificate.loadPEM(trusted.cert_pem.bytes())])
        own = None if own is None else PrivateCertificate.loadPEM(own.private_key_and_cert_chain_pem.bytes())
        tls = optionsForClientTLS("localhost", roots, own, extraCertificateOptions=options)
        endpoint = wrapClientTLS(tls, TCP4ClientEndpoint(reactor, "127.0.0.1", port))
        client = await connectProtocol(endpoint, Listens())
        try:
            return await client.answer
        finally:
            client.transport.abortConnection()
            await client.lost

    async def client_authorities(self):
        """An input that asks for certificates of one authority."""
        folder = self.folder()
        AUTHORITY.cert_pem.write_to_path(str(folder / "ca.pem"))
        return await self.listen(certificate=self.server_pem(folder), client_authorities=folder / "ca.pem")

    async def test_a_certificate_of_the_client(self):
        """It is asked for and verified; its subject is written as in the configuration."""
        port = await self.client_authorities()
        own = AUTHORITY.issue_cert(common_name="shop, of O=Example")
        subject = x509.load_pem_x509_certificate(own.cert_chain_pems[0].bytes()).subject
        self.assertEqual(await self.ask(port, own), subject.rfc4514_string())
        self.assertIn(r"CN=shop\, of O=Example", subject.rfc4514_string())

    async def test_a_client_without_one(self):
        """It may come in all the same, and log in otherwise."""
        self.assertEqual(await self.ask(await self.client_authorities()), "nobody")

    async def test_a_certificate_of_another_authority(self):
        """It does not get in."""
        port = await self.client_authorities()
        for options in ({}, {"lowerMaximumSecurityTo": TLSVersion.TLSv1_2}):
            with self.assertRaises(SSL.Error):
                await self.ask(port, OTHERS.issue_cert(common_name="shop"), **options)

    async def test_certificates_are_not_asked_for_without_authorities(self):
        """Then what a client says of itself is not believed, nor even heard."""
        port = await self.listen(certificate=self.server_pem())
        self.assertEqual(await self.ask(port, AUTHORITY.issue_cert(common_name="shop")), "nobody")

    async def test_old_versions_of_tls(self):
        """At least TLS 1.2 is spoken."""
        port = await self.listen(certificate=self.server_pem())
        self.assertEqual(await self.ask(port, lowerMaximumSecurityTo=TLSVersion.TLSv1_2), "nobody")
        with self.assertRaises(SSL.Error):
            await self.ask(
                port,
                insecurelyLowerMinimumTo=TLSVersion.TLSv1_0,
                lowerMaximumSecurityTo=TLSVersion.TLSv1_1,
            )

    async def test_a_renewed_certificate(self):
        """It is used from the next connection on, without a restart; one that cannot be used is not."""
        file = self.server_pem()
        port = await self.listen(certificate=file)
        await self.ask(port)
        self.server_pem(file.parent, OTHERS)
        os.utime(file, ns=(1, 1))
        self.assertEqual(await self.ask(port, trusted=OTHERS), "nobody")
        log = EventLoggingObserver()
        globalLogPublisher.addObserver(log)
        self.addCleanup(globalLogPublisher.removeObserver, log)
        file.write_text("half of it")
        for _ in range(2):
            self.assertEqual(await self.ask(port, trusted=OTHERS), "nobody")
        file.unlink()
        self.assertEqual(await self.ask(port, trusted=OTHERS), "nobody")
        lines = [event["log_format"].format(**event) for event in log if event["log_level"].name == "error"]
        self.assertEqual(len(lines), 2)
        self.assertIn("no certificate in PEM; the last good one stays in use", lines[0])

    async def test_an_input_that_is_full(self):
        """A connection for which there is no protocol is closed, without a traceback."""

        class Full(Factory):
            def buildProtocol(self, addr):
                return None

        port = await self.listen(Full(), certificate=self.server_pem())
        client = await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), Listens())
        client.answer.addErrback(lambda _: None)
        await DeferredList([client.lost, client.answer])
