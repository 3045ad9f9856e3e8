"""What TCP knows of a peer, on real sockets."""

import socket
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    UNIXClientEndpoint,
    UNIXServerEndpoint,
)
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from pushgate.net import tcp_loss
from pushgate.net.connecting import Once, connected
from pushgate.net.tcp_loss import SendMeter, notice_loss, unacknowledged
from tests.half_open import come_back, vanish

SIZE = 20_000_000
"""Bytes, more than the buffers of both sides hold."""


class Server(Factory):
    """Listens; takes one connection.

    :ivar connection: fires with it.
    """

    noisy = False

    def __init__(self) -> None:
        self.connection: Deferred[Any] = Deferred()

    def buildProtocol(self, _: Any) -> Protocol:
        protocol = Reader()
        protocol.connectionMade = lambda: self.connection.callback(protocol)  # type: ignore[method-assign]  # one test, one connection
        return protocol


class Reader(Protocol):
    """Counts."""

    read = 0

    def dataReceived(self, data: bytes) -> None:
        self.read += len(data)


class LossCase(TestCase):
    timeout = 60

    async def pair(self) -> tuple[Any, Any]:
        """Both sides of a connection."""
        server = Server()
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(server)
        self.addCleanup(port.stopListening)
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
        client, peer = await connected(endpoint, Once(Reader())), await server.connection
        for each in (client, peer):
            self.addCleanup(each.transport.abortConnection)
        return client, peer

    async def until(self, condition: Any) -> None:
        while not condition():
            await deferLater(reactor, 0.005, lambda: None)


class MeterTests(LossCase):
    async def test_a_peer_that_does_not_read(self) -> None:
        """Everything on its way is counted, wherever it waits; when it has arrived there is nothing."""
        client, peer = await self.pair()
        meter = SendMeter(client.transport)
        peer.transport.pauseProducing()
        client.transport.write(b"x" * SIZE)
        self.assertEqual((meter.buffered, meter.pending), (SIZE, SIZE))
        await self.until(lambda: meter.buffered < SIZE)
        await deferLater(reactor, 0.1, lambda: None)
        assert meter.pending is not None
        self.assertGreater(meter.buffered, 0)
        self.assertLess(meter.buffered, meter.pending + 1)
        peer.transport.resumeProducing()
        await self.until(lambda: peer.read == SIZE and meter.pending == 0)
        client.transport.writeSequence([b"ab", b"c"])
        await self.until(lambda: peer.read == SIZE + 3 and meter.pending == 0)
        self.assertEqual(meter.buffered, 0)

    async def test_a_peer_that_vanished(self) -> None:
        """The socket took the bytes and nobody acknowledges them, until the peer is there again."""
        client, peer = await self.pair()
        meter = SendMeter(client.transport)
        vanish(peer.transport.socket)
        client.transport.write(b"hello")
        await self.until(lambda: not meter.buffered)
        await deferLater(reactor, 0.3, lambda: None)
        self.assertEqual((meter.pending, peer.read), (5, 0))
        come_back(peer.transport.socket)
        await self.until(lambda: meter.pending == 0)
        self.assertEqual(peer.read, 5)

    def test_what_cannot_be_asked(self) -> None:
        """A socket that is closed, and a system that does not know."""
        closed = socket.socket()
        closed.close()
        self.assertIsNone(unacknowledged(closed))
        self.assertIsNone(unacknowledged(object()))
        with socket.socket() as sock:
            self.patch(tcp_loss.sys, "platform", "other")
            self.assertIsNone(unacknowledged(sock))


class NoticeTests(LossCase):
    async def test_minutes(self) -> None:
        """Every client of ours connects in one place, which asks the kernel to notice within minutes."""
        client, _ = await self.pair()
        sock = client.transport.socket
        self.assertTrue(sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
        options = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")
        values = [sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in options]
        self.assertEqual(values, [120, 30, 4, 90_000])

    async def test_what_is_no_tcp(self) -> None:
        """A Unix socket, and a transport without any, stay as they are."""
        path, server = self.mktemp(), Server()
        port = await UNIXServerEndpoint(reactor, path).listen(server)
        self.addCleanup(port.stopListening)
        client = await connected(UNIXClientEndpoint(reactor, path), Once(Reader()))
        peer = await server.connection
        for each in (client, peer):
            self.addCleanup(each.transport.abortConnection)
        self.assertFalse(client.transport.socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
        notice_loss(object())
