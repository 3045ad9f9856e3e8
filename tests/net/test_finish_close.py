"""A connection that the other side closes while our producer is paused."""

from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.interfaces import IPushProducer
from twisted.internet.main import CONNECTION_DONE
from twisted.internet.testing import MemoryReactor
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from pushgate.net.finish_close import finish_close


class _TCP(FileDescriptor):
    """Twisted's transport, with a socket that takes everything."""

    connected = True

    def writeSomeData(self, data: bytes) -> int:
        return len(data)


@implementer(IPushProducer)
class _Producer:
    def __init__(self, tcp: _TCP) -> None:
        self.tcp, self.closed = tcp, list[bool]()

    def pauseProducing(self) -> None: ...

    def stopProducing(self) -> None: ...

    def resumeProducing(self) -> None:
        self.closed.append(finish_close(self.tcp))


class FinishCloseTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor: Any = MemoryReactor()
        self.tcp = _TCP(self.reactor)
        self.producer = _Producer(self.tcp)
        self.tcp.registerProducer(self.producer, True)
        self.tcp.write(bytes(1 << 20))  # more than its buffer takes: the producer is paused

    def test_closed_when_written(self) -> None:
        """A transport that is to be closed is closed when its buffer is empty, although a producer was paused."""
        self.tcp.loseConnection()
        while not self.producer.closed:
            self.assertIsNone(self.tcp.doWrite())
        self.assertEqual((self.producer.closed, self.reactor.getWriters()), ([True], [self.tcp]))
        self.assertIs(self.tcp.doWrite(), CONNECTION_DONE)

    def test_not_to_be_closed(self) -> None:
        """Any other goes on, and waits for something to write."""
        while not self.producer.closed:
            self.tcp.doWrite()
        self.assertEqual((self.producer.closed, self.reactor.getWriters()), ([False], []))
