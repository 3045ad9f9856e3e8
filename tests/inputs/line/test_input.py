"""The line input as a whole: it starts, serves programs over TCP, and stops; with well-behaved peers and others."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from shutil import which
from ssl import create_default_context
from tempfile import mkdtemp
from typing import Any

import trustme
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from pushgate.inputs.line.server import LineTable
from pushgate.plugin.factory_interfaces import IInputFactory
from pushgate.plugin.input_interface import IInput
from pushgate.plugins.builtin import line as factory
from pushgate.testing import RecordingGateway
from tests.crowd import ENDPOINT, crowd
from tests.half_close import ask_and_close
from tests.input_rig import context
from tests.line_rig import push, push_json

CROWD = 3_000


NETCAT = """
import socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
peer.sendall(sys.stdin.buffer.read())
peer.shutdown(socket.SHUT_WR)
while data := peer.recv(999):
    sys.stdout.buffer.write(data)
"""


def netcat(path: str) -> str:
    """The command for nc to a Unix socket. Where there is none that closes its side, a stand-in that does."""
    nc = which("nc")
    if nc and b"-N" in subprocess.run([nc, "-h"], capture_output=True, timeout=20).stderr:
        return f"{nc} -NU {path}"
    return shlex.join([sys.executable, "-c", NETCAT, path])


class Program(Protocol):
    """Whoever comes by TCP.

    :ivar gone: fires when the connection is lost.
    """

    def __init__(self) -> None:
        self.gone: Deferred[None] = Deferred()
        self.data = b""
        self._wanted: tuple[int, Deferred[list[bytes]]] | None = None

    def dataReceived(self, data: bytes) -> None:
        self.data += data
        if self._wanted is not None and self.data.count(b"\n") >= self._wanted[0]:
            (_, wanted), self._wanted = self._wanted, None
            lines, self.data = self.data.splitlines(), b""
            wanted.callback(lines)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.gone.callback(None)

    def ask(self, data: bytes, answers: int = 1) -> Deferred[list[bytes]]:
        """Send lines; fires with so many."""
        self._wanted = answers, Deferred()
        self.transport.write(data)
        return self._wanted[1]


class InputTests(TestCase):
    timeout = 60

    async def start(self, **options: Any) -> TCP4ClientEndpoint:
        """An input; returns the way to it."""
        self.gateway = RecordingGateway()
        options = {"listen": "tcp:0:interface=127.0.0.1", **options}
        table = LineTable(type="line", **options)
        self.input = factory.input("line", table, self.gateway, context(reactor))
        await self.input.start()
        self.addCleanup(self.input.stop)
        self.port = (
            int(self.input.addresses()[0].rpartition(":")[2] or 0) if "unix" not in options["listen"] else 0
        )
        return TCP4ClientEndpoint(reactor, "127.0.0.1", self.port)

    async def secured(self) -> TCP4ClientEndpoint:
        """An input with a certificate; returns the way to it."""
        self.authority = trustme.CA()
        pem = Path(mkdtemp(dir=".")) / "server.pem"
        self.authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(pem))
        return await self.start(certificate=pem.absolute())

    async def left(self, count: int) -> None:
        """Wait until the input has so many connections."""
        while len(self.input._server.connections) != count:
            await deferLater(reactor, 0.01, lambda: None)  # type: ignore[arg-type] # it is a reactor

    async def test_interfaces(self) -> None:
        """The input and its factory are what the gateway and the registry expect."""
        await self.start()
        verifyObject(IInputFactory, factory)
        verifyObject(IInput, self.input)

    async def test_a_shell(self) -> None:
        """printf and nc are enough, with or without a line end; so is a loop."""
        path = f"/tmp/pushgate-line-{os.getpid()}.sock"
        await self.start(listen=f"unix:{path}")
        self.assertEqual(self.input.addresses(), [f"unix {path}"])
        loop = "for n in 1 2; do echo 'PUSH news ab {\"aps\":{}}'; done; printf 'PUSH news cd {}'"
        done = await deferToThread(
            subprocess.run,
            ["sh", "-c", f"({loop}) | {netcat(path)}"],
            capture_output=True,
            timeout=20,
            check=True,
        )
        answers = done.stdout.decode().splitlines()
        self.assertEqual([answer[:3] for answer in answers], ["OK "] * 3)
        self.assertEqual(sum(len(each.tokens) for each in self.gateway.submissions), 3)
        await self.left(0)

    async def test_tls(self) -> None:
        """The same with a certificate."""
        tcp = await self.secured()
        roots = trustRootFromCertificates([Certificate.loadPEM(self.authority.cert_pem.bytes())])
        endpoint = wrapClientTLS(optionsForClientTLS("localhost", roots), tcp)
        program = await connectProtocol(endpoint, Program())
        answers = await program.ask(push() + push_json() + b"QUIT\n", 3)
        self.assertEqual([answer[:6] for answer in answers], [b"OK 018", b"OK 018", b"OK bye"])
        await program.gone

    async def test_a_client_closes_with_its_last_question(self) -> None:
        """More than the transport keeps is on its way when TLS ends: it goes out, and the connection ends."""
        await self.secured()
        self.gateway.stats = lambda: {"much": "x" * 60_000}  # type: ignore[method-assign] # a test's gateway
        trust = create_default_context()
        self.authority.configure_trust(trust)
        received = await deferToThread(ask_and_close, self.port, trust, b"STATS\n" * 20)
        self.assertGreater(received, 60_000)
        await self.left(0)

    async def test_stopping(self) -> None:
        """What was taken is answered, then the connection is closed; later lines are refused meanwhile."""
        program = await connectProtocol(await self.start(), Program())
        self.gateway.holding = True
        answer = program.ask(push())
        while not self.gateway.submissions:
            await deferLater(reactor, 0.001, lambda: None)  # type: ignore[arg-type] # it is a reactor
        stopping = self.input.stop()
        self.assertFalse(answer.called)
        self.gateway.release()
        self.assertEqual((await answer)[0][:3], b"OK ")
        await program.gone
        await stopping

    async def test_thousands_come_and_go(self) -> None:
        """A hundred at a time. None leaves anything behind, and the one that stays is served all the while."""
        program = await connectProtocol(await self.start(listen=ENDPOINT), Program())
        await crowd(self.port, CROWD, push(), lambda: program.ask(b"STATS\n"))
        await self.left(1)
        program.transport.loseConnection()

    async def test_one_that_never_reads(self) -> None:
        """It is not read any further once its answers pile up; the input keeps little for it, and serves others."""
        endpoint = await self.start()
        program = await connectProtocol(endpoint, Program())
        await program.ask(b"HELP\n")
        self.gateway.stats = lambda: {"much": "x" * 60_000}  # type: ignore[method-assign] # a test's gateway
        deaf = await connectProtocol(endpoint, Program())
        deaf.transport.pauseProducing()
        await self.left(2)
        [connection] = [
            each for each in self.input._server.connections
            if each.transport.getPeer().port == deaf.transport.getHost().port
        ]  # fmt: skip
        for _ in range(20):
            deaf.transport.write(b"STATS\n" * 100)  # whose answers are 120 MB together
        while not connection._read_pause.held:
            await program.ask(b"STATS\n")
        for _ in range(20):
            await program.ask(b"STATS\n")
        kept = len(connection.transport.dataBuffer) + sum(map(len, connection.transport._tempDataBuffer))
        self.assertLess(kept, 1 << 20)
        self.assertTrue(connection._read_pause.held)
        deaf.transport.abortConnection()
        await deaf.gone
        program.transport.loseConnection()

    async def test_garbage_and_slowness(self) -> None:
        """Whatever they send, and however slowly, each line gets its answer and the one beside them notices nothing."""
        endpoint = await self.start()
        program = await connectProtocol(endpoint, Program())
        slow = await connectProtocol(endpoint, Program())
        line, answered = push(), slow.ask(b"")
        for at in range(len(line)):
            slow.transport.write(line[at : at + 1])
            await program.ask(b"HELP\n")
        self.assertEqual((await answered)[0][:3], b"OK ")
        for garbage in (
            b"GET / HTTP/1.1\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\n",
            b"\xff" * 100_000 + b"\n",
            b"\0" * (1 << 20) + b"\n",
        ):
            outsider = await connectProtocol(endpoint, Program())
            self.assertEqual((await outsider.ask(garbage))[0][:4], b"ERR ")
            outsider.transport.abortConnection()
            await outsider.gone
            await program.ask(b"HELP\n")
        slow.transport.loseConnection()
        program.transport.loseConnection()
