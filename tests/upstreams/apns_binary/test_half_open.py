"""A connection whose other side is gone without a word: nothing that is written to it is acknowledged."""

from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase, TestCase

from pushgate.model.outcome import State
from pushgate.simulator.push_service import PushConnection
from pushgate.upstreams.apns_binary.connection import ASSUMED
from pushgate.upstreams.common import connection_pool
from pushgate.upstreams.common.connection_pool import STALL
from tests.half_open import vanish
from tests.rig import Rig
from tests.samples import token
from tests.stream_rig import StreamRig, Wire

MUCH = 1 << 20
"""Bytes on their way, more than these tests write."""


class HalfOpenTests(SynchronousTestCase):
    def rig(self, **app: Any) -> tuple[StreamRig, Wire]:
        """A gateway with one connection, and that connection."""
        rig = StreamRig(connections=1, spare=0, **app)
        rig.run(2)
        [wire] = rig.service.open()
        return rig, wire

    def test_nothing_arrives(self) -> None:
        """Nothing is presumed; after a minute the connection is closed, and all of it is sent again."""
        rig, wire = self.rig()
        wire.unacknowledged = MUCH
        rig.submit(3)
        with capturedLogs() as events:
            rig.run(STALL - 1)
            self.assertEqual((rig.states(), rig.service.open()), ({}, [wire]))
            rig.run(10)
        self.assertEqual(rig.states(), {token(number): State.PRESUMED for number in range(3)})
        self.assertFalse(wire.connected)
        self.assertEqual([sorted(each.tokens) for each in rig.service.wires], [[*map(token, range(3))]] * 2)
        lines = [formatEvent(each) for each in events]
        self.assertEqual(len([line for line in lines if "nothing was acknowledged for 60 s" in line]), 1)

    def test_at_most_once(self) -> None:
        """What may have arrived before the network failed is unknown, and not sent again."""
        rig, wire = self.rig(delivery="at-most-once")
        wire.unacknowledged = MUCH
        rig.submit(3)
        rig.run(STALL + 10)
        self.assertEqual(rig.states(), {token(number): State.UNKNOWN for number in range(3)})
        self.assertEqual([each.tokens for each in rig.service.wires if each is not wire], [])

    def test_it_arrives_late(self) -> None:
        """The response timeout counts from then."""
        rig, wire = self.rig()
        wire.unacknowledged = MUCH
        rig.submit(1)
        rig.run(20)
        wire.unacknowledged = 0
        rig.run(4.9)
        self.assertEqual(rig.states(), {})
        rig.run(1)
        self.assertEqual(rig.states(), {token(0): State.PRESUMED})
        self.assertEqual(rig.service.open(), [wire])

    def test_a_part_arrives(self) -> None:
        """What is acknowledged is presumed, though more is on its way."""
        rig, wire = self.rig()
        rig.submit([token(0)])
        rig.run(1)
        wire.unacknowledged = 10
        rig.submit([token(1)])
        rig.run(10)
        self.assertEqual(rig.states(), {token(0): State.PRESUMED})

    def test_a_slow_network(self) -> None:
        """As long as something is acknowledged now and then, the connection is left alone."""
        rig, wire = self.rig()
        wire.unacknowledged = MUCH
        rig.submit(3)
        for acknowledged in range(1, 5):
            rig.run(STALL - 10, step=0.25)
            wire.unacknowledged = MUCH - acknowledged
        self.assertEqual((rig.states(), rig.service.open()), ({}, [wire]))

    def test_nothing_is_blamed(self) -> None:
        """However often the network fails, no notification is suspected of closing connections."""
        rig, _ = self.rig()
        self.patch(Wire, "unacknowledged", MUCH)
        rig.submit(1)
        rig.run(5 * STALL + 10, step=0.25)
        self.assertEqual(rig.states(), {})
        self.assertEqual(len([wire for wire in rig.service.wires if wire.tokens]), 6)
        Wire.unacknowledged = 0
        rig.run(8)
        self.assertEqual(rig.states(), {token(0): State.PRESUMED})

    def test_a_system_that_cannot_tell(self) -> None:
        """There a minute passes before silence counts: time in which a connection that is gone fails."""
        rig, wire = self.rig()
        wire.unacknowledged = None
        rig.submit(1)
        rig.run(ASSUMED + 4)
        self.assertEqual(rig.states(), {})
        rig.run(3)
        self.assertEqual(rig.states(), {token(0): State.PRESUMED})
        self.assertEqual(rig.service.open(), [wire])


class RealTests(TestCase):
    """Over TLS on loopback, to a service whose kernel drops everything that comes for its connection."""

    timeout = 60

    async def test_a_peer_that_vanished(self) -> None:
        """What it is sent is never reported as presumed; it goes over a new connection, once that was given up."""
        self.patch(connection_pool, "STALL", 1.0)
        rig = Rig(self.mktemp(), connections=1, spare=0, response_timeout=0.3)
        await rig.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(rig.stop()))
        await rig.push([token(0)])
        await rig.settled()
        [gone] = connections = list(rig.simulator._gates["push"].connections)
        vanish(server_socket(gone))
        await rig.push([token(1), token(2), token(3)])
        await deferLater(reactor, 0.9, lambda: None)
        self.assertEqual(rig.audience.tokens(State.PRESUMED), {token(0)})
        await rig.settled()
        self.assertEqual(rig.audience.tokens(State.PRESUMED), set(map(token, range(4))))
        self.assertEqual(set(rig.received().values()), {1})
        [new] = (each for each in rig.simulator._gates["push"].connections if each not in connections)
        self.assertIsInstance(new, PushConnection)


def server_socket(connection: Any) -> Any:
    """The socket of a connection of the simulator's."""
    return connection.transport.transport.socket
