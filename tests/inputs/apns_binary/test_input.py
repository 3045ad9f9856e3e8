"""The APNs listener as a whole, over real TLS: programs of another age push through it unchanged."""

import contextlib
import json
import socket
import ssl
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import trustme
from OpenSSL import SSL
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from pushgate.inputs.apns_binary.settings import ApnsTable
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.model.errors import CannotStart, ShuttingDown
from pushgate.model.principals import Grant
from pushgate.plugin.factory_interfaces import IInputFactory
from pushgate.plugin.input_interface import IInput
from pushgate.plugins.builtin import apns as factory
from pushgate.testing import RecordingGateway
from tests.apns_provider import OldProvider, enhanced, framed, simple
from tests.crowd import AT_ONCE, ENDPOINT, crowd
from tests.half_close import ask_and_close
from tests.input_rig import context
from tests.samples import PAYLOAD, token

HERE = Path(__file__).parents[2]
CROWD = 3_000
BAD = framed(7, b"", PAYLOAD)


class AmpTestCase(TestCase):
    """A listener with certificates of its own authority."""

    timeout = 80

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        self.authority = trustme.CA()
        self.authority.cert_pem.write_to_path(str(self.directory / "ca.pem"))
        self.server = self.certificate("localhost")
        self.client = self.certificate("news.example.com", "Apple Push Services: com.example.news")
        self.gateway = RecordingGateway("news", "mail")
        self.grants: dict[str, Grant] = {}

    def certificate(self, *names: str) -> str:
        """The path of a certificate with its key: for a host name, and with a common name."""
        file = self.directory / f"{names[0]}.pem"
        issued = self.authority.issue_cert(names[0], common_name=names[-1])
        issued.private_key_and_cert_chain_pem.write_to_path(str(file))
        return str(file)

    async def start(self, **options: Any) -> int:
        """A listener; returns its port for notifications."""
        options = {
            "listen": "tcp:0:interface=127.0.0.1",
            "feedback_listen": "tcp:0:interface=127.0.0.1",
            "certificate": Path(self.server),
            "client_authorities": self.directory / "ca.pem",
            "certificates": {"Apple Push Services: com.example.news": "news"},
            **options,
        }
        self.input = factory.input(
            "apns", ApnsTable(type="apns", **options), self.gateway, context(reactor, self.grants)
        )
        await self.input.start()
        self.addCleanup(self.input.stop)
        self.ports = [int(address.rpartition(":")[2]) for address in self.input.addresses()]
        return self.ports[0]

    async def connect(self, port: int, certificate: str | None = None, **options: Any) -> OldProvider:
        """A provider that has connected."""
        provider: OldProvider = await deferToThread(OldProvider, port, certificate or self.client, **options)
        self.addCleanup(provider.close)
        return provider

    async def until(self, condition: Any) -> None:
        """Wait until something holds."""
        while not condition():
            await deferLater(reactor, 0.01)

    def accepted(self) -> list[bytes]:
        """The tokens the gateway has taken, in order."""
        return [each for submission in self.gateway.submissions for each in submission.tokens]


class InputTests(AmpTestCase):
    async def test_interfaces(self) -> None:
        """The listener and its factory are what the gateway and the registry expect."""
        await self.start()
        verifyObject(IInputFactory, factory)
        verifyObject(IInput, self.input)
        self.assertEqual([address[:14] for address in self.input.addresses()], ["ssl 127.0.0.1:"] * 2)

    async def test_the_certificate_selects_the_app(self) -> None:
        """By its common name or its user id; an unknown one is not accepted, nor is a client without one."""
        port = await self.start()
        provider = await self.connect(port)
        provider.send(enhanced(1, token(1), PAYLOAD))
        await self.until(self.accepted)
        self.assertEqual(self.gateway.submissions[0].app, "news")
        outsider = await self.connect(port, self.certificate("stranger.example.com"))
        self.assertEqual(await deferToThread(outsider.rest), b"")
        with self.assertRaises((OSError, ssl.SSLError)):
            nobody = await deferToThread(OldProvider, port, None)
            self.addCleanup(nobody.close)
            await deferToThread(nobody.socket.recv, 1)

    async def test_a_fixed_app_with_principals(self) -> None:
        """A certificate that is not in the table must be a principal's."""
        subject = "CN=shop,OU=Testing cert #1,O=trustme v1"
        certificate = self.certificate("shop.example.com", "shop")
        from cryptography import x509

        pem = Path(certificate).read_bytes()
        subject = x509.load_pem_x509_certificates(pem[pem.index(b"-----BEGIN CERT") :])[
            0
        ].subject.rfc4514_string()
        self.grants = {"shop": Grant(certificate=subject, apps=frozenset({"mail"}))}
        port = await self.start(certificates={}, app="mail")
        provider = await self.connect(port, certificate)
        provider.send(enhanced(1, token(1), PAYLOAD))
        await self.until(self.accepted)
        outsider = await self.connect(port)
        self.assertEqual(await deferToThread(outsider.rest), b"")

    async def test_where_it_must_not_listen(self) -> None:
        """Elsewhere than on loopback it needs certificates that it knows; a table of them is enough."""
        for options in (
            {"certificates": {}, "app": "news", "client_authorities": None},
            {"certificates": {}, "app": "news"},
        ):
            with self.assertRaisesRegex(CannotStart, "principals: missing"):
                await self.start(listen="tcp:0", **options)
        with self.assertRaisesRegex(CannotStart, "feedback_listen"):
            await self.start(certificates={}, app="news", feedback_listen="tcp:0")
        await self.start(listen="tcp:0")

    async def test_without_tls(self) -> None:
        """Behind something that does TLS, or on a socket of this machine; and without feedback, too."""
        port = await self.start(
            certificate=None, client_authorities=None, certificates={}, app="news", feedback=False
        )
        self.assertEqual(len(self.ports), 1)
        provider = await self.connect(port, tls=False)
        provider.send(framed(1, token(1), PAYLOAD), BAD, framed(8, token(8), PAYLOAD))
        self.assertEqual(await deferToThread(provider.error), (2, 7))
        self.assertEqual(self.accepted(), [token(1)])

    async def test_the_last_word_always_arrives(self) -> None:
        """Also at a client that goes on writing and reads only later: forty of forty, early on their connections."""
        port = await self.start()

        def careless(number: int) -> tuple[int, int] | None:
            provider = OldProvider(port, self.client)
            try:
                provider.send(*[framed(n, token(n), PAYLOAD) for n in range(100, 100 + number)], BAD)
                for _ in range(20):
                    provider.send(*[framed(n, token(n), PAYLOAD) for n in range(200, 230)])
                return provider.error()
            finally:
                provider.close()

        answers = [await deferToThread(careless, number) for number in range(40)]
        self.assertEqual(answers, [(2, 7)] * 40)
        self.assertEqual(len(self.accepted()), sum(range(40)))

    async def test_fire_and_forget(self) -> None:
        """A script that never reads, and closes at once: every one of its notifications counts."""
        port = await self.start()
        script = [
            sys.executable,
            str(HERE / "apns_provider.py"),
            "127.0.0.1",
            str(port),
            self.client,
            "one",
            "two",
        ]
        for _ in range(5):
            await deferToThread(subprocess.run, script, check=True, timeout=20)
        await self.until(lambda: len(self.accepted()) == 10)

    async def test_draining(self) -> None:
        """A client learns how far it came before the gateway is gone; the port is closed to others."""
        port = await self.start()
        idle = await self.connect(port)
        busy = await self.connect(port)
        busy.send(*[enhanced(n, token(n), PAYLOAD) for n in range(1, 6)])
        await self.until(lambda: len(self.accepted()) == 5)
        self.gateway.error = ShuttingDown()
        busy.send(enhanced(6, token(6), PAYLOAD))
        self.assertEqual(await deferToThread(busy.error), (10, 5))
        self.assertEqual(await deferToThread(idle.error), (10, 0))
        with self.assertRaises(ConnectionRefusedError):
            await deferToThread(OldProvider, port, self.client)

    async def test_stopping(self) -> None:
        """The same, when no client sends anything."""
        provider = await self.connect(await self.start())
        provider.send(enhanced(3, token(3), PAYLOAD))
        await self.until(self.accepted)
        stopping = self.input.stop()
        self.assertEqual(await deferToThread(provider.error), (10, 3))
        provider.close()
        await stopping

    async def test_a_feedback_client_closes_at_once(self) -> None:
        """What TLS did not let out counts as not taken, and the connection ends."""
        # In TLS 1.3 the client's close comes with the end of its handshake, before the list; in 1.2 the
        # server ends the handshake, and all of the list may be on its way before the client has closed.
        await self.start(tls_maximum="1.3")
        self.gateway.bury(
            "news", [DeadTokenEntry(token(n), 1_600_000_000 + n, DeadReason.FEEDBACK) for n in range(5000)]
        )
        trust = ssl.create_default_context(cafile=str(self.directory / "ca.pem"))
        trust.load_cert_chain(self.client)
        with contextlib.suppress(ConnectionError):
            await deferToThread(ask_and_close, self.ports[1], trust, b"")
        await self.until(lambda: not self.input._servers[1].connections)
        reader = await self.connect(self.ports[1])
        self.assertEqual(len(await deferToThread(reader.dead)), 5000)

    async def test_feedback(self) -> None:
        """Read to the end and closed, it is delivered once; after a crash of the client, again."""
        await self.start()
        self.gateway.bury(
            "news", [DeadTokenEntry(token(n), 1_600_000_000 + n, DeadReason.FEEDBACK) for n in range(5000)]
        )
        expected = [(1_600_000_000 + n, token(n)) for n in range(5000)]
        crashing = await self.connect(self.ports[1])
        await deferToThread(crashing.socket.recv, 1000)
        crashing.close()  # with unread data: the system resets the connection
        await self.until(lambda: not self.input._servers[1].connections)
        reader = await self.connect(self.ports[1])
        self.assertEqual(await deferToThread(reader.dead), expected)
        reader.close()
        await self.until(lambda: not self.input._servers[1].connections)
        again = await self.connect(self.ports[1])
        self.assertEqual(await deferToThread(again.dead), [])

    async def test_old_tls(self) -> None:
        """Used with clients that have nothing newer, if the configuration allows it; else refused."""
        for minimum, spoken in (("1.0", "TLSv1"), ("1.2", None)):
            port = await self.start(tls_minimum=minimum)
            self.assertEqual(await deferToThread(self._shake_hands, port), spoken)

    def _shake_hands(self, port: int) -> str | None:
        """The version that a client of TLS 1.0 and a server agree on."""
        context = SSL.Context(SSL.TLS_METHOD)
        context.set_min_proto_version(SSL.TLS1_VERSION)
        context.set_max_proto_version(SSL.TLS1_VERSION)
        context.set_cipher_list(b"ALL:@SECLEVEL=0")
        context.use_certificate_chain_file(self.client)
        context.use_privatekey_file(self.client)
        with socket.create_connection(("127.0.0.1", port), 20) as plain:
            plain.settimeout(None)
            connection = SSL.Connection(context, plain)
            connection.set_connect_state()
            try:
                connection.do_handshake()
                connection.sendall(simple(token(1), PAYLOAD))
            except SSL.Error:
                return None
            version: str = connection.get_protocol_version_name()
            return version

    async def test_thousands_come_and_go(self) -> None:
        """Without a handshake, with half of one, with garbage; the one that stays is served all the while."""
        port = await self.start(listen=ENDPOINT)
        provider = await self.connect(port)
        sent = 0

        async def served() -> None:
            nonlocal sent
            sent += 1
            provider.send(enhanced(sent, token(sent), PAYLOAD))
            await self.until(lambda: len(self.accepted()) == sent)

        await crowd(port, CROWD, b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + bytes(60), served)
        await self.until(lambda: len(self.input._servers[0].connections) == 1)
        self.assertEqual(self.accepted(), [token(n) for n in range(1, CROWD // AT_ONCE + 1)])

    async def test_slowness_and_garbage(self) -> None:
        """Byte by byte it is accepted all the same; garbage closes its own connection only."""
        port = await self.start()
        slow = await self.connect(port)
        for number, byte in enumerate(frame := enhanced(1, token(1), PAYLOAD)):
            slow.send(bytes((byte,)))
            if number % 20 == 0:
                await deferLater(reactor, 0)
        await self.until(self.accepted)
        self.assertEqual(len(frame), 67)
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 100_000, b"\2\xff\xff\xff\xff"):
            outsider = await self.connect(port)
            outsider.send(garbage)
            await deferToThread(outsider.rest)
        slow.send(enhanced(2, token(2), PAYLOAD))
        await self.until(lambda: len(self.accepted()) == 2)


class OldLibraryTests(AmpTestCase):
    """Each device that the library was given and that is not at fault gets exactly one notification."""

    async def run_program(self, library: str, count: int) -> dict[str, Any]:
        """What a program on an old library reports."""
        port = await self.start()
        self.gateway.bury(
            "news", [DeadTokenEntry(token(n), 1_600_000_000, DeadReason.FEEDBACK) for n in (1001, 1002)]
        )
        command = [sys.executable, str(HERE / "old_program.py"), library]
        command += [str(port), str(self.ports[1]), self.client, str(count)]
        done = await deferToThread(subprocess.run, command, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    async def assert_each_once(self, numbers: list[int]) -> None:
        await self.until(lambda: len(self.accepted()) >= len(numbers))
        self.assertEqual(Counter(self.accepted()), Counter(token(number) for number in numbers))

    async def test_pyapns_simple(self) -> None:
        """PyAPNs, command 0: it never reads."""
        await self.run_program("pyapns_simple", 300)
        await self.assert_each_once(list(range(300)))

    async def test_pyapns_enhanced(self) -> None:
        """PyAPNs, command 1: it hears of each refusal, and resends what came after it."""
        report = await self.run_program("pyapns_enhanced", 300)
        self.assertEqual(report["errors"], [[4, number + 1] for number in range(25, 300, 50)])
        await self.assert_each_once([number for number in range(300) if number % 50 != 25])

    async def test_pyapns_frames(self) -> None:
        """PyAPNs, command 2, all in one write; and its reading of the feedback service."""
        report = await self.run_program("pyapns_frames", 3000)
        self.assertEqual(report["dead"], [token(1001).hex(), token(1002).hex()])
        await self.assert_each_once(list(range(3000)))

    async def test_pushjack(self) -> None:
        """pushjack, command 2: it resumes behind each refusal, and its report is true."""
        report = await self.run_program("pushjack", 300)
        self.assertEqual(report["errors"], [[5, number] for number in range(25, 300, 50)])
        self.assertEqual(report["successes"], 294)
        self.assertEqual(report["dead"], [token(1001).hex(), token(1002).hex()])
        await self.assert_each_once([number for number in range(300) if number % 50 != 25])
