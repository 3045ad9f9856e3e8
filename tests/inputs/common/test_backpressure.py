"""A connection that feeds a full queue is not read, for a bounded time."""

from typing import ClassVar

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from pushgate.inputs.common.backpressure import LONGEST, FullQueues
from pushgate.inputs.common.conversation import LINGER
from pushgate.model.metrics import Metrics
from pushgate.net.parted_call import PARTS
from pushgate.net.read_pause import ReadPause
from pushgate.testing import RecordingGateway
from tests.amp_rig import AmpTestCase, command, push, push_batch


class FullQueuesTests(SynchronousTestCase):
    def setUp(self):
        self.clock, self.gateway, self.metrics = Clock(), RecordingGateway("news", "mail"), Metrics()
        self.transport = StringTransport()
        read_pause = ReadPause(self.transport, lambda: None)
        self.queues = FullQueues(self.gateway, read_pause, self.clock, "amp", self.metrics.count)

    def paused(self):
        """Whether the connection is."""
        return self.transport.producerState == "paused"

    def pauses(self, app="news"):
        """How often the metric says that a connection was paused because of an app."""
        return self.metrics.counts["pushgate_pauses_total"].get((app, "amp"), 0)

    def test_while_there_is_room(self):
        """Nothing is held, nothing counted, no timer set."""
        self.queues.fed("news")
        self.assertEqual((self.paused(), self.pauses(), self.clock.getDelayedCalls()), (False, 0, []))

    def test_until_there_is_room(self):
        """The connection is read again when the queue has drained, and paused again when it fills again."""
        for times in (1, 2):
            self.gateway.full.add("news")
            self.queues.fed("news")
            self.queues.fed("news")
            self.assertEqual((self.paused(), self.pauses()), (True, times))
            self.gateway.relieve("news")
            self.assertEqual((self.paused(), self.clock.getDelayedCalls()), (False, []))

    def test_no_longer_than_that(self):
        """After a bounded time it is read all the same, once for each time the queue fills up."""
        self.gateway.full.add("news")
        self.queues.fed("news")
        self.clock.advance(LONGEST)
        self.assertFalse(self.paused())
        self.queues.fed("news")
        self.assertFalse(self.paused())
        self.gateway.relieve("news")
        self.gateway.full.add("news")
        self.queues.fed("news")
        self.assertTrue(self.paused())

    def test_two_queues(self):
        """It is read when the last of the full queues it feeds has drained."""
        self.gateway.full |= {"news", "mail"}
        self.queues.fed("news")
        self.queues.fed("mail")
        self.gateway.relieve("news")
        self.assertTrue(self.paused())
        self.gateway.relieve("mail")
        self.assertFalse(self.paused())

    def test_the_end(self):
        """A connection that ends leaves nothing waiting."""
        self.gateway.full.add("news")
        self.queues.fed("news")
        self.queues.stop()
        self.assertEqual((self.paused(), self.clock.getDelayedCalls()), (False, []))
        self.gateway.relieve("news")


class AmpTests(AmpTestCase):
    options: ClassVar = {"watch_timeout": "1s"}

    def paused(self, connection=None):
        """Whether a connection is."""
        return (connection or self.connection).transport.producerState == "paused"

    def test_every_way_to_submit(self):
        """`Push`, `Push` with a key and `PushBatch` are answered; what was read behind them waits."""
        self.gateway.full.add("news")
        for data in (push(), push(key=b"k"), push_batch()):
            connection = self.connect()
            [answer] = self.send(data + command("Stats", ask=b"2"), connection=connection)
            self.assertEqual((answer[b"_answer"], self.paused(connection)), (b"1", True))
        self.assertFalse(self.paused())
        self.gateway.relieve("news")
        self.assertFalse(self.paused(connection))
        self.assertEqual([box[b"_answer"] for box in self.received(connection)], [b"2"])

    def test_others_are_not_concerned(self):
        """Peers that feed other queues, only ask, or name an unknown app are read."""
        self.gateway.full.add("news")
        data = push(app=b"mail"), push(app=b"no"), command("Stats"), command("Watch", app=b"news")
        self.assertEqual(len(self.send(*data)), 4)
        self.assertFalse(self.paused())

    def test_a_refused_submission_pauses_too(self):
        """A peer that gets OVERLOADED, because the queue is entirely full, is paused as well."""
        self.gateway.full.add("news")
        self.send(push_batch(payload=b"[]"))
        self.assertTrue(self.paused())

    def test_questions_are_answered_in_the_end(self):
        """A queue that stays full does not keep a connection's questions without an answer."""
        self.gateway.full.add("news")
        self.send(push(), command("Stats", ask=b"2"))
        self.received()
        self.clock.advance(LONGEST)
        self.assertEqual([box[b"_answer"] for box in self.received()], [b"2"])

    def test_a_watcher_is_not_blamed(self):
        """Its acknowledgements may have come while the input did not read: it is not disconnected for that."""
        self.send(command("Watch"))
        watcher = self.connection._watcher
        self.gateway.full.add("news")
        self.send(push())
        watcher.extend()
        self.clock.advance(1)
        self.assertFalse(self.connection.transport.disconnecting)
        self.gateway.relieve("news")
        self.clock.advance(1)
        self.assertTrue(self.connection.transport.disconnecting)
        self.clock.pump([LINGER / PARTS] * PARTS)

    def test_a_connection_that_ends(self):
        """Lost or closed by the input while it is paused, it leaves nothing behind."""
        self.gateway.full.add("news")
        self.send(push())
        self.lose(self.connection)
        other = self.connect()
        self.send(push(), connection=other)
        other.close("test")
        self.assertFalse(self.paused(other))
        self.lose(other)
        self.gateway.relieve("news")
        self.assertEqual(self.clock.getDelayedCalls(), [])
