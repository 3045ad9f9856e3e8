"""The AMP input over TCP with bad peers: floods of connections, clients that never read, clients that send garbage."""

from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList, DeferredSemaphore
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.protocols.amp import AMP
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from pushgate.inputs.amp.server import AmpTable
from pushgate.plugins.builtin import amp as factory
from pushgate.protocols.amp.commands import Stats
from pushgate.testing import RecordingGateway
from tests.amp_rig import command
from tests.input_rig import context

CROWD, AT_ONCE = 3_000, 100


class Outsider(Protocol):
    """Connects, sends something, and reads nothing until the test says so.

    :ivar gone: fires when the connection is lost.
    """

    def __init__(self) -> None:
        self.gone: Deferred[None] = Deferred()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.gone.callback(None)


class CrowdTests(TestCase):
    timeout = 60

    async def start(self, **options: Any) -> None:
        """An input, and a program at it that behaves."""
        self.gateway = RecordingGateway()
        table = AmpTable(type="amp", listen="tcp:0:interface=127.0.0.1", **options)
        self.input = factory.input("amp", table, self.gateway, context(reactor))
        await self.input.start()
        self.addCleanup(self.input.stop)
        port = int(self.input.addresses()[0].rpartition(":")[2])
        self.endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port)
        self.program = await connectProtocol(self.endpoint, AMP())
        self.addCleanup(self.program.transport.loseConnection)

    async def left(self, count: int) -> None:
        """Wait until the input has so many connections."""
        while len(self.input._server.connections) != count:
            await deferLater(reactor, 0.01, lambda: None)  # type: ignore[arg-type] # it is a reactor

    async def visit(self, number: int) -> None:
        """Connect, ask half a question or none, and go."""
        outsider = await connectProtocol(self.endpoint, Outsider())
        if number % 2:
            outsider.transport.write(command("Stats")[: number % 20])
        outsider.transport.abortConnection()
        await outsider.gone

    async def test_thousands_come_and_go(self) -> None:
        """A hundred at a time. None leaves anything behind, and the one that stays is served all the while."""
        await self.start()
        seats = DeferredSemaphore(AT_ONCE)
        visits = DeferredList(
            [seats.run(lambda n=n: Deferred.fromCoroutine(self.visit(n))) for n in range(CROWD)],
            fireOnOneErrback=True,
        )
        answers = 0
        while not visits.called:
            await self.program.callRemote(Stats)
            answers += 1
        await visits
        await self.left(1)
        self.assertGreater(answers, 10)
        await self.program.callRemote(Stats)

    async def test_one_that_never_reads(self) -> None:
        """It is not read any further once its answers pile up; the input keeps little for it, and serves others."""
        await self.start()
        self.gateway.stats = lambda: {"much": "x" * 60_000}  # type: ignore[method-assign] # a test's gateway
        deaf = await connectProtocol(self.endpoint, Outsider())
        deaf.transport.pauseProducing()
        await self.left(2)
        [connection] = self.input._server.connections - {
            each for each in self.input._server.connections
            if each.transport.getPeer().port == self.program.transport.getHost().port
        }  # fmt: skip
        questions = command("Stats") * 2000  # whose answers are 120 MB
        deaf.transport.write(questions)
        while not connection._read_pause.held:
            await self.program.callRemote(Stats)
        for _ in range(20):
            await self.program.callRemote(Stats)
        kept = len(connection.transport.dataBuffer) + sum(map(len, connection.transport._tempDataBuffer))
        self.assertLess(kept, 1 << 20)
        self.assertLess(len(connection._boxes._buffer), 1 << 18)
        self.assertTrue(connection._read_pause.held)
        deaf.transport.abortConnection()
        await deaf.gone
        await self.left(1)

    async def test_those_that_send_garbage(self) -> None:
        """Each is closed, whatever it sent, and the one beside them notices nothing."""
        await self.start()
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"\0\0", b"\xff" * 100_000):
            outsider = await connectProtocol(self.endpoint, Outsider())
            outsider.transport.write(garbage)
            await outsider.gone
            await self.program.callRemote(Stats)
        await self.left(1)
