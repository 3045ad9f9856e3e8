"""The fakes that `pushgate.testing` offers to authors of plug-ins."""

import time
from typing import Any

from msgspec.structs import replace
from twisted.internet import error
from twisted.internet.endpoints import clientFromString, connectProtocol, serverFromString
from twisted.internet.interfaces import IReactorFromThreads, IReactorTCP, IReactorTime, ITCPTransport
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from pushgate import testing
from pushgate.gateway.spool.interface import ISpool
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.errors import CannotStart
from pushgate.model.outcome import State, Verdict
from pushgate.plugin.factory_interfaces import IUpstreamFactory
from pushgate.plugin.gateway_interface import IGateway
from pushgate.plugin.hub_interface import IContainers, IHub
from pushgate.plugin.input_interface import IInput
from pushgate.plugin.mdm_interface import IEnrolments
from pushgate.plugin.sink_interface import IOutcomeSink
from pushgate.plugin.upstream_interface import IChannels, IUpstream, IWork
from pushgate.plugins.builtin import apns_stream, line
from pushgate.testing import (
    FakeHub,
    MemoryChannels,
    MemoryEnrolments,
    MemoryNetwork,
    RecordingGateway,
    RecordingInput,
    RecordingQueue,
    RecordingSink,
    RecordingSpool,
    RecordingUpstream,
    RecordingUpstreams,
    batch,
    context,
    outcome,
    simulator,
    table,
)


class InterfaceTests(SynchronousTestCase):
    def test_each(self) -> None:
        """Each fake provides the interface of what it stands for, signatures included."""
        fakes: dict[Any, object] = {
            IGateway: RecordingGateway(),
            IChannels: MemoryChannels(),
            IInput: RecordingInput(),
            IEnrolments: MemoryEnrolments(),
            IHub: FakeHub(),
            IContainers: FakeHub().containers,
            IOutcomeSink: RecordingSink(),
            ISpool: RecordingSpool(),
            IUpstream: RecordingUpstream(RecordingQueue()),
            IUpstreamFactory: RecordingUpstreams(),
            IWork: RecordingQueue(),
            IReactorTime: MemoryNetwork(),
            IReactorTCP: MemoryNetwork(),
            IReactorFromThreads: MemoryNetwork(),
        }
        for interface, fake in fakes.items():
            verifyObject(interface, fake)

    def test_all_are_offered(self) -> None:
        """What is imported above is all there is."""
        self.assertEqual([name for name in testing.__all__ if name not in globals()], [])


class SettingTests(SynchronousTestCase):
    def test_context(self) -> None:
        """Both clocks of a context go together; it has no directory unless one is given."""
        made = context()
        before = made.wall()
        made.reactor.advance(2)
        self.assertEqual((made.wall() - before, made.state_dir), (2.0, None))

    def test_table(self) -> None:
        """A table is checked as in a file, and says what is wrong as there."""
        self.assertEqual(table(line, listen="tcp:7218").listen, "tcp:7218")
        caught = self.assertRaises(CannotStart, table, line, listne="tcp:7218", insecure=1)
        self.assertEqual(
            sorted(caught.faults),
            [
                "test: line.insecure: a whole number; must be true or false",
                'test: line.listne: unknown key; did you mean "listen"?',
            ],
        )

    def test_batch(self) -> None:
        """A report is of a batch as it is made by itself."""
        self.assertEqual(outcome(State.ACCEPTED).span.batch, batch())


class WorkTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.work = RecordingQueue()

    def written(self) -> BatchSlice:
        """What waits, taken and written."""
        [span] = self.work.take(9, idle=True)
        return replace(span, attempts=1)

    def test_attempts(self) -> None:
        """What was written has its attempts counted; else it is a defect of the upstream. What failed was not."""
        self.work.put(b"a")
        [span] = self.work.take(9, idle=True)
        self.assertRaises(ValueError, self.work.settle, [Verdict(span, State.ACCEPTED)])
        self.assertRaises(ValueError, self.work.settle, [Verdict(span, State.REPLACED, replacement=b"b")])
        self.work.settle([Verdict(span, State.FAILED)])

    def test_taking(self) -> None:
        """What was put can be taken, in order, as much as is wanted, and once."""
        self.work.put(b"a", b"b", b"c")
        self.work.put(b"d")
        self.assertEqual([span.tokens() for span in self.work.take(2, idle=True)], [[b"a", b"b"]])
        self.assertEqual(self.work.depth(), 2)
        self.assertEqual([span.tokens() for span in self.work.take(9, idle=False)], [[b"c"], [b"d"]])
        self.assertEqual(self.work.take(9, idle=False), [])

    def test_alone(self) -> None:
        """What must be alone is given to an idle upstream only, and alone."""
        self.work.put(b"a")
        self.work.put(b"b", alone=True)
        self.assertTrue(self.work.has_suspects())
        self.assertEqual([span.tokens() for span in self.work.take(9, idle=False)], [[b"a"]])
        self.work.put(b"c")
        [suspect] = self.work.take(9, idle=True)
        self.assertEqual((suspect.tokens(), self.work.has_suspects()), ([b"b"], False))

    def test_verdicts(self) -> None:
        """What became of what was taken is kept; parts may come back one by one."""
        self.work.put(b"a", b"b")
        span = self.written()
        self.work.settle([Verdict(span.part(1, 2), State.REJECTED)])
        self.assertEqual([each.tokens() for each in self.work.in_flight], [[b"a"]])
        self.work.settle([Verdict(span.part(0, 1), State.ACCEPTED)])
        self.assertEqual(self.work.states(), {b"a": State.ACCEPTED, b"b": State.REJECTED})
        self.assertEqual(self.work.in_flight, [])

    def test_twice(self) -> None:
        """What comes back twice is a defect of the upstream, and reported as one."""
        self.work.put(b"a")
        span = self.written()
        self.work.settle([Verdict(span, State.ACCEPTED)])
        self.assertRaises(ValueError, self.work.settle, [Verdict(span, State.ACCEPTED)])
        self.assertRaises(ValueError, self.work.requeue, [span])

    def test_requeued(self) -> None:
        """What is given back goes to its old place, and the upstream is woken."""
        self.work.upstream = upstream = RecordingUpstream(self.work)
        first = self.work.put(b"a")
        self.work.put(b"b")
        self.work.requeue(self.work.take(1, idle=True))
        self.assertEqual((upstream.wakes, self.work.requeued), (3, [first]))
        self.assertEqual([span.tokens() for span in self.work.take(9, idle=True)], [[b"a"], [b"b"]])

    def test_what_it_is_reported(self) -> None:
        """It keeps the rest, too."""
        self.assertTrue(IWork.providedBy(self.work))
        self.successResultOf(self.work.tokens_died([]))
        self.work.suspicious = True
        self.assertTrue(self.work.token_rejected(b"a", first=True))
        self.work.reachable(True)
        self.assertEqual((self.work.rejected, self.work.is_reachable), ([b"a"], True))


class Recorder(Protocol):
    """Keeps what comes."""

    def __init__(self) -> None:
        self.data = b""
        self.why: Failure | None = None

    def dataReceived(self, data: bytes) -> None:
        self.data += data

    def connectionLost(self, reason: Failure) -> None:
        self.why = reason


class NetworkTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.network, self.server, self.client = MemoryNetwork(), Recorder(), Recorder()

    def listen(self, description: str = "tcp:7000") -> Any:
        factory = Factory.forProtocol(lambda: self.server)
        return self.successResultOf(serverFromString(self.network, description).listen(factory))

    def connect(self, description: str = "tcp:somewhere:7000") -> Any:
        connecting = connectProtocol(clientFromString(self.network, description), self.client)
        self.network.advance(0)
        return connecting

    def both(self) -> None:
        self.listen()
        self.successResultOf(self.connect())

    def ends(self) -> list[type | None]:
        return [each.why and each.why.type for each in (self.client, self.server)]

    def test_both_ways(self) -> None:
        """What one side writes the other gets with the next turn, in order."""
        self.both()
        verifyObject(ITCPTransport, self.client.transport)
        self.client.transport.write(b"a")
        self.client.transport.writeSequence([b"b", b"c"])
        self.server.transport.write(b"d")
        self.assertEqual(self.server.data, b"")
        self.network.advance(0)
        self.assertEqual((self.server.data, self.client.data), (b"abc", b"d"))
        self.assertEqual(self.client.transport.getPeer(), self.server.transport.getHost())

    def test_nothing_listens(self) -> None:
        """Where nothing listens, or not any more, a connection is refused."""
        self.failureResultOf(self.connect("tcp:127.0.0.1:7000"), error.ConnectionRefusedError)
        port = self.listen()
        self.successResultOf(port.stopListening())
        self.failureResultOf(self.connect(), error.ConnectionRefusedError)

    def test_given_up(self) -> None:
        """A connection that is given up is not made."""
        self.listen()
        connecting = connectProtocol(clientFromString(self.network, "tcp:127.0.0.1:7000"), self.client)
        connecting.cancel()
        self.failureResultOf(connecting, error.ConnectingCancelledError)
        self.network.advance(0)
        self.assertIsNone(self.client.transport)

    def test_ports(self) -> None:
        """A free port has a number of its own; one that is taken cannot be had."""
        first, second = self.listen("tcp:0"), self.listen("tcp:0")
        self.assertNotEqual(first.getHost().port, second.getHost().port)
        taken = serverFromString(self.network, f"tcp:{first.getHost().port}").listen(Factory())
        self.failureResultOf(taken, error.CannotListenError)

    def test_closing(self) -> None:
        """What was written before a close arrives; then both are reported."""
        self.both()
        self.client.transport.write(b"bye")
        self.client.transport.loseConnection()
        self.client.transport.write(b"too late")
        self.network.advance(0)
        self.assertEqual(self.server.data, b"bye")
        self.assertEqual(self.ends(), [error.ConnectionDone, error.ConnectionDone])

    def test_half_closing(self) -> None:
        """An end that closes its half is closed by a protocol that knows no halves."""
        self.both()
        self.client.transport.loseWriteConnection()
        self.network.advance(0)
        self.assertEqual(self.ends(), [error.ConnectionDone, error.ConnectionDone])

    def test_aborting(self) -> None:
        """An abort reaches both as what it is."""
        self.both()
        self.server.transport.abortConnection()
        self.network.advance(0)
        self.assertEqual(self.ends(), [error.ConnectionLost, error.ConnectionAborted])

    def test_pausing(self) -> None:
        """An end that does not read gets it later."""
        self.both()
        self.server.transport.pauseProducing()
        self.client.transport.write(b"a")
        self.network.advance(0)
        self.assertEqual(self.server.data, b"")
        self.server.transport.resumeProducing()
        self.network.advance(0)
        self.assertEqual(self.server.data, b"a")


class SimulatorTests(SynchronousTestCase):
    def test_the_real_upstream(self) -> None:
        """The built-in upstream speaks to the whole simulator over TLS, in memory, and hears of a dead token."""
        network, work = MemoryNetwork(), RecordingQueue()
        service = simulator(network, self.mktemp(), dead=["dead"])
        keys = {
            "certificate": str(service.certificates.client),
            "trust": str(service.certificates.ca),
            "host": "localhost",
            "feedback": False,
            "response_timeout": "1s",
        }
        made = context(network, now=time.time())
        upstream = apns_stream.upstream("news", table(apns_stream, **keys), work, made)
        work.upstream = upstream
        upstream.start()
        good, dead = bytes(32), b"\xde\xad" + bytes(30)
        work.put(good, dead, good, payload=b'{"aps":{}}')
        network.pump([0.1] * 100)
        self.assertEqual(work.states()[dead], State.REJECTED)
        self.assertEqual([entry.token for entry in service.received.entries()], [good, good])
        self.assertEqual((work.rejected, work.in_flight), ([dead], []))
        stopping = upstream.stop()
        network.pump([0.1] * 50)
        self.successResultOf(stopping)
        closing = service.stop()
        network.pump([1] * 10)
        self.successResultOf(closing)

    def test_the_real_input(self) -> None:
        """The built-in line input answers over a connection in memory."""
        network, gateway = MemoryNetwork(), RecordingGateway("news")
        made = line.input(
            "line", table(line, listen="tcp:7218:interface=127.0.0.1"), gateway, context(network)
        )
        self.successResultOf(made.start())
        client = Recorder()
        connectProtocol(clientFromString(network, "tcp:localhost:7218"), client)
        network.advance(0)
        client.transport.write(b"PUSH news 0a1b2c {}\n")
        network.advance(1)
        self.assertTrue(client.data.startswith(b"OK "), client.data)
        self.assertEqual(len(gateway.submissions), 1)
        stopping = made.stop()
        network.advance(10)
        self.successResultOf(stopping)
