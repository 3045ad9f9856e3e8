"""The SMTP input as a whole: over TCP and TLS, with `swaks` and Python's own client of SMTP."""

import smtplib
import socket
import ssl
import subprocess
from pathlib import Path
from shutil import which
from tempfile import mkdtemp
from typing import Any

import pytest
import trustme
from cryptography import x509
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from pushgate.inputs.smtp.server import SmtpTable
from pushgate.model.principals import Grant, Operation
from pushgate.model.secret_hash import SecretHash
from pushgate.plugin.factory_interfaces import IInputFactory
from pushgate.plugin.input_interface import IInput
from pushgate.plugins.builtin import smtp as factory
from pushgate.testing import RecordingGateway
from tests.crowd import AT_ONCE, ENDPOINT, crowd
from tests.input_rig import context
from tests.mcmt_samples import HEX, mcmt, wire
from tests.smtp_rig import BEGIN, commands, whole

SECRET = "secret-of-the-shop"
GRANTS = {
    "shop": Grant(
        operations=frozenset({Operation.PUSH}), secrets=(SecretHash.of(SECRET.encode(), bytes(16)),)
    )
}
SENDER, RECIPIENT = "news@example.com", "user1@apn_example.com"


class Peer:
    """One end of a plain connection, for a thread."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        self.file = self.socket.makefile("rb")

    def reply(self) -> bytes:
        """The last line of the next reply."""
        while (line := self.file.readline())[3:4] == b"-":
            pass
        return line

    def say(self, data: bytes) -> bytes:
        """Send bytes; the next reply."""
        self.socket.sendall(data)
        return self.reply()


class InputTests(TestCase):
    timeout = 60

    async def start(self, tls: bool = False, grants: Any = None, **options: Any) -> None:
        """An input, with STARTTLS and logins or without."""
        self.gateway = RecordingGateway()
        if tls:
            self.authority = trustme.CA()
            pem = Path(mkdtemp(dir=".")) / "server.pem"
            self.authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(pem))
            self.root = pem.with_name("ca.pem").absolute()
            self.authority.cert_pem.write_to_path(str(self.root))
            options |= {"certificate": pem.absolute()}
        table = SmtpTable(
            type="smtp",
            app="news",
            **{"listen": "tcp:0:interface=127.0.0.1", "host_name": "localhost", **options},
        )
        self.input = factory.input("smtp", table, self.gateway, context(reactor, GRANTS if tls else grants))
        await self.input.start()
        self.addCleanup(self.input.stop)
        self.port = int(self.input.addresses()[0].rpartition(":")[2])

    def trust(self) -> ssl.SSLContext:
        """What a client verifies the input with."""
        trust = ssl.create_default_context()
        self.authority.configure_trust(trust)
        return trust

    async def left(self, count: int) -> None:
        """Wait until the input has so many connections."""
        while len(self.input._server.connections) != count:
            await deferLater(reactor, 0.01, lambda: None)  # type: ignore[arg-type] # it is a reactor

    def tokens(self) -> list[str]:
        """The targets of all that was submitted."""
        return [token.hex() for each in self.gateway.submissions for token in each.tokens]

    async def test_interfaces(self) -> None:
        """The input and its factory are what the gateway and the registry expect."""
        await self.start(tls=True)
        verifyObject(IInputFactory, factory)
        verifyObject(IInput, self.input)
        self.assertEqual(self.input.addresses(), [f"tcp 127.0.0.1:{self.port}"])
        self.input.read_files()()

    async def swaks(self, *options: str, message: str = "") -> "subprocess.CompletedProcess[str]":
        """What swaks says to one message."""
        path = Path(mkdtemp(dir=".")) / "message"
        path.write_text(message or mcmt())
        if not which("swaks"):
            pytest.skip("swaks is not installed (Debian: apt-get install swaks libnet-ssleay-perl)")
        command = [
            "swaks",
            "--server",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--from",
            SENDER,
            "--to",
            RECIPIENT,
        ]
        command += ["--data", f"@{path.absolute()}", "--timeout", "20", *options]
        done: subprocess.CompletedProcess[str] = await deferToThread(
            subprocess.run, command, capture_output=True, text=True, timeout=40, check=False
        )
        return done

    async def test_swaks(self) -> None:
        """A message without TLS on loopback, and a refused one."""
        await self.start()
        done = await self.swaks()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("<-  250 2.0.0 OK 0", done.stdout)
        done = await self.swaks(message="Subject: mail\n\nmail\n")
        self.assertEqual(done.returncode, 26, done.stdout + done.stderr)
        self.assertIn("<** 554 5.6.0 Content-Type: another media type", done.stdout)
        self.assertEqual(self.tokens(), [HEX])

    async def test_swaks_with_tls_and_login(self) -> None:
        """STARTTLS with a verified certificate, then a login with each mechanism; a wrong secret is refused."""
        await self.start(tls=True)
        tls = ("--tls", "--tls-verify", "--tls-ca-path", str(self.root), "--auth-user", "shop")
        for kind in ("PLAIN", "LOGIN"):
            done = await self.swaks(*tls, "--auth", kind, "--auth-password", SECRET)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("235 2.7.0 logged in", done.stdout)
            done = await self.swaks(*tls, "--auth", kind, "--auth-password", "wrong")
            self.assertEqual(done.returncode, 28, done.stdout + done.stderr)
            self.assertIn("535 5.7.8", done.stdout)
        self.assertEqual(self.tokens(), [HEX, HEX])

    async def test_smtplib(self) -> None:
        """Python's client: several messages on one connection, over STARTTLS."""
        await self.start(tls=True)

        def send() -> None:
            with smtplib.SMTP("localhost", self.port, timeout=30) as client:
                client.starttls(context=self.trust())
                client.login("shop", SECRET)
                for number in range(3):
                    client.sendmail(SENDER, [RECIPIENT], wire(mcmt(f"{number:064x}")), ["BODY=8BITMIME"])
                with self.assertRaises(smtplib.SMTPDataError) as caught:
                    client.sendmail(SENDER, [RECIPIENT], wire(mcmt("zz")))
                self.assertEqual(caught.exception.smtp_code, 554)

        await deferToThread(send)
        self.assertEqual(self.tokens(), [f"{number:064x}" for number in range(3)])
        await self.left(0)

    async def test_a_client_certificate(self) -> None:
        """The certificate of a principal is a login after STARTTLS."""
        await self.start(tls=True)
        await self.input.stop()
        client = self.authority.issue_cert("client@example.com", common_name="shop")
        subject = x509.load_pem_x509_certificate(client.cert_chain_pems[0].bytes()).subject.rfc4514_string()
        grants = {"shop": Grant(operations=frozenset({Operation.PUSH}), certificate=subject)}
        pem = self.root.with_name("server.pem")
        await self.start(grants=grants, certificate=pem, client_authorities=self.root)

        def send() -> None:
            trust = self.trust()
            with smtplib.SMTP("localhost", self.port, timeout=30) as plain:
                plain.starttls(context=trust)
                with self.assertRaises(smtplib.SMTPSenderRefused):
                    plain.sendmail(SENDER, [RECIPIENT], wire(mcmt()))
            client.configure_cert(trust)
            with smtplib.SMTP("localhost", self.port, timeout=30) as shop:
                shop.starttls(context=trust)
                shop.sendmail(SENDER, [RECIPIENT], wire(mcmt()))

        await deferToThread(send)
        self.assertEqual(self.tokens(), [HEX])

    async def test_implicit_tls(self) -> None:
        """With `ssl:` in `listen` STARTTLS is not offered."""
        await self.start(tls=True)
        await self.input.stop()
        pem = str(self.root.with_name("server.pem"))
        table = {"listen": f"ssl:0:interface=127.0.0.1:privateKey={pem}:certKey={pem}"}
        await self.start(**table)
        self.assertIn("ssl 127.0.0.1", self.input.addresses()[0])

        def send() -> None:
            with smtplib.SMTP_SSL("localhost", self.port, timeout=30, context=self.trust()) as client:
                client.ehlo()
                self.assertFalse(client.has_extn("starttls"))
                client.sendmail(SENDER, [RECIPIENT], wire(mcmt()))

        await deferToThread(send)
        self.assertEqual(self.tokens(), [HEX])

    async def test_what_is_pipelined_before_tls(self) -> None:
        """Commands that are injected behind STARTTLS are dropped, and so is the earlier state."""
        await self.start(tls=True)

        def send() -> list[bytes]:
            peer = Peer(self.port)
            replies = [peer.reply(), peer.say(b"EHLO x\r\n")]
            injected = commands("NOOP", "MAIL FROM:<evil@example.com>")
            replies.append(peer.say(b"STARTTLS\r\n" + injected))
            secured = self.trust().wrap_socket(peer.socket, server_hostname="localhost")
            for line in (b"MAIL FROM:<a@b>\r\n", b"EHLO x\r\n", b"STARTTLS\r\n", b"QUIT\r\n"):
                secured.sendall(line)
                replies.append(secured.recv(1 << 16).splitlines()[-1])
            self.assertEqual(secured.recv(1), b"")
            return replies

        replies = await deferToThread(send)
        self.assertEqual(
            [each[:3] for each in replies], [b"220", b"250", b"220", b"503", b"250", b"503", b"221"]
        )
        self.assertEqual(replies[4], b"250 AUTH PLAIN LOGIN")

    async def test_no_handshake(self) -> None:
        """A peer that does not begin TLS after STARTTLS is closed; others are served."""
        await self.start(tls=True)

        def send() -> bytes:
            peer = Peer(self.port)
            peer.reply()
            peer.say(b"STARTTLS\r\n")
            peer.socket.sendall(whole())
            return peer.file.read()

        self.assertNotIn(b"250", await deferToThread(send))
        await self.left(0)
        self.assertEqual(self.tokens(), [])

    async def test_stopping(self) -> None:
        """Accepted messages get their replies; other connections get 421."""
        await self.start()
        self.gateway.holding = True
        peer, idle = await deferToThread(Peer, self.port), await deferToThread(Peer, self.port)
        for each in (peer, idle):
            await deferToThread(each.reply)
        peer.socket.sendall(commands(*BEGIN) + whole()[len(commands(*BEGIN)) :])
        while not self.gateway.submissions:
            await deferLater(reactor, 0.001, lambda: None)  # type: ignore[arg-type] # it is a reactor
        stopping = self.input.stop()
        self.gateway.release()
        heard = await deferToThread(peer.file.read)
        self.assertIn(b"\r\n250 2.0.0 OK 0", heard)
        self.assertIn(b"421 4.3.2 the gateway is shutting down", await deferToThread(idle.file.read))
        await stopping

    async def test_thousands_come_and_go(self) -> None:
        """Connections that open and close leave no state behind."""
        await self.start(max_per_address=0, listen=ENDPOINT)
        await crowd(self.port, 1000, commands("EHLO x"), lambda: self.left(AT_ONCE))
        await self.left(0)
        self.assertEqual(self.input._server._by_address, {})
