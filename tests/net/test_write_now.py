"""Writing at once, over real sockets."""

import socket

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.internet.protocol import Protocol
from twisted.internet.tcp import Server
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from pushgate.net.write_now import MOST, write_now


class Quiet(Protocol):
    """Notes that its connection is lost."""

    lost = None

    def connectionLost(self, reason):
        self.lost = reason


class WriteNowTests(SynchronousTestCase):
    def connected(self):
        """A transport of Twisted's, and the socket at its other end."""
        near, far = socket.socketpair()
        near.setblocking(False)
        far.settimeout(5)
        self.addCleanup(far.close)
        self.addCleanup(near.close)
        transport = Server(near, Quiet(), ("127.0.0.1", 1), None, 1, reactor)
        self.addCleanup(reactor.removeAll)
        return transport, far

    def test_at_once(self):
        """What the socket takes is there without a turn of the reactor, and the reactor is asked for none."""
        transport, far = self.connected()
        write_now(transport, b"answer")
        self.assertEqual(far.recv(100), b"answer")
        self.assertNotIn(transport, reactor.getWriters())

    def test_behind_what_waits(self):
        """It never overtakes what was written before."""
        transport, far = self.connected()
        transport.write(b"first ")
        write_now(transport, b"second")
        far.setblocking(False)
        self.assertRaises(BlockingIOError, far.recv, 100)
        transport.doWrite()
        self.assertEqual(far.recv(100), b"first second")

    def test_a_full_socket(self):
        """What the socket does not take waits in the transport, in order, and its producer is paused."""
        transport, far = self.connected()
        size = 0
        while transport not in reactor.getWriters():
            write_now(transport, b"%08d" % size * (MOST // 8))
            size += 1
        got = bytearray()
        while len(got) < size * MOST:
            got += far.recv(1 << 20)
            if transport in reactor.getWriters():
                transport.doWrite()
        self.assertEqual(bytes(got), b"".join(b"%08d" % number * (MOST // 8) for number in range(size)))

    def test_more_than_is_tried(self):
        """A long answer goes the usual way."""
        transport, _ = self.connected()
        write_now(transport, bytes(MOST + 1))
        self.assertIn(transport, reactor.getWriters())

    def test_a_connection_that_is_gone(self):
        """An error of the socket is the transport's to report, once."""
        transport, far = self.connected()
        far.close()
        write_now(transport, b"answer")
        self.assertIsNone(transport.protocol.lost)
        self.assertIsInstance(transport.doWrite(), Exception)

    @given(st.lists(st.tuples(st.booleans(), st.binary(max_size=200)), max_size=30))
    def test_order(self, writes):
        """Whatever is written in both ways, and however turns fall between, arrives in order."""
        transport, far = self.connected()
        for now, data in writes:
            (write_now if now else type(transport).write)(transport, data)
            if transport in reactor.getWriters() and len(data) % 2:
                transport.doWrite()
        if transport in reactor.getWriters():
            transport.doWrite()
        transport.socket.shutdown(socket.SHUT_WR)
        got = b""
        while data := far.recv(1 << 16):
            got += data
        self.assertEqual(got, b"".join(data for _, data in writes))
        reactor.removeAll()

    def test_other_transports(self):
        """A transport that is no TCP socket has it written as usual."""
        transport = StringTransport()
        write_now(transport, b"answer")
        self.assertEqual(transport.value(), b"answer")
