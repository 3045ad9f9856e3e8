"""Back-pressure end to end, over real TLS and TCP: from a push service that stops reading to the sender's socket."""

import socket
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.protocols.amp import AMP
from twisted.trial.unittest import TestCase

from pushgate.inputs.amp.server import AmpInput, AmpTable
from pushgate.model.packed import Packed
from pushgate.plugins.builtin import amp
from pushgate.protocols.amp.commands import PushBatch, Stats
from tests.rig import Rig, live

LIMIT, BATCHES, SIZE = 500, 60, 50
PAYLOAD = b'{"aps":{"alert":"%s"}}' % (b"x" * 1900)
"""Large, so that the kernel's buffers between gateway and push service hold few."""


class Sender(AMP):
    """A program that submits as fast as it can write, and reads its answers."""

    def push(self, number: int) -> Deferred[Any]:
        """Submit one of the batches."""
        tokens = [live(number * SIZE + index) for index in range(SIZE)]
        answered: Deferred[Any] = self.callRemote(
            PushBatch, app="news", tokens=Packed.of(tokens, 1).blob, payload=PAYLOAD
        )
        return answered


class BackpressureTests(TestCase):
    timeout = 60

    async def start(self) -> tuple[Rig, AmpInput, Sender]:
        """A gateway with a short queue, its input, and a program at it."""
        rig = await Rig(self.mktemp(), queue=LIMIT, connections=1, spare=0).start()
        self.addCleanup(lambda: Deferred.fromCoroutine(rig.stop()))
        table = AmpTable(type="amp", listen="tcp:0:interface=127.0.0.1")
        server = amp.input("amp", table, rig.gateway, rig.context)
        await server.start()
        self.addCleanup(server.stop)
        return rig, server, await self.program(server, Sender())

    async def program(self, server: AmpInput, protocol: Any) -> Any:
        """A program, connected."""
        port = int(server.addresses()[0].rpartition(":")[2])
        return await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), protocol)

    async def until(self, rig: Rig, holds: Any) -> None:
        """Wait until something is so."""
        while not holds():
            await rig.beat()

    async def test_a_push_service_that_stops_reading(self) -> None:
        """Its window and buffers fill, then the queue to its high water; then the sender's connection is not read.

        Everything is taken and sent once it reads again; nothing is lost, doubled, or refused. Meanwhile
        others are served.
        """
        rig, server, sender = await self.start()
        await sender.push(0)
        await self.until(rig, lambda: rig.simulator.received.frames == SIZE)
        [guest] = rig.simulator._gates["push"].connections
        guest.transport.pauseProducing()
        [link] = rig.gateway._apps.configured("news").slot.upstream._pool.connections  # type: ignore[attr-defined] # of APNs
        for stream, buffer in ((guest, socket.SO_RCVBUF), (link, socket.SO_SNDBUF)):
            stream.transport.transport.getHandle().setsockopt(socket.SOL_SOCKET, buffer, 1 << 16)
        [connection] = server._server.connections
        answers = [sender.push(number) for number in range(1, BATCHES)]
        news = rig.gateway._apps.configured("news").queue
        depths, buffered = [], []

        async def watched(holds: Any) -> None:
            """Look at the queue now and then until something is so."""
            while not holds():
                depths.append(news.depth())
                buffered.append(len(connection._boxes._buffer))
                await rig.beat()

        await watched(lambda: news.capacity.is_pressed)
        await watched(lambda: connection._read_pause.held)
        other = await self.program(server, AMP())
        await other.callRemote(Stats)
        other.transport.loseConnection()
        waiting = sum(not answer.called for answer in answers)
        self.assertGreater(waiting, 1)
        await watched(lambda: len(depths) > 20)
        self.assertEqual(sum(not answer.called for answer in answers), waiting)
        guest.transport.resumeProducing()
        results = DeferredList(answers)
        await watched(lambda: results.called)
        self.assertEqual([failure for worked, failure in await results if not worked], [])
        await self.until(rig, lambda: sum(rig.audience.first.values()) == BATCHES * SIZE)
        self.assertEqual(rig.received(), dict.fromkeys(map(live, range(BATCHES * SIZE)), 1))
        self.assertLess(max(depths), LIMIT)
        self.assertGreater(max(depths), news.capacity._watermarks.low)
        self.assertLess(max(buffered), 1 << 18)
        self.assertGreater(rig.context.metrics.counts["pushgate_pauses_total"]["news", "amp"], 0)
        sender.transport.loseConnection()
