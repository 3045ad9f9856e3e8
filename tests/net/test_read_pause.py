"""Reading from a connection stops for any reason and goes on when there is none."""

from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from pushgate.net.read_pause import ReadPause


class BrakeTests(SynchronousTestCase):
    def setUp(self):
        self.transport, self.released = StringTransport(), []
        self.read_pause = ReadPause(
            self.transport, lambda: self.released.append(self.transport.producerState)
        )

    def test_one_reason_is_enough(self):
        """The transport is paused as long as one of several reasons holds."""
        self.read_pause.hold("full")
        self.read_pause.hold("stopping")
        self.read_pause.hold("full")
        self.read_pause.release("full")
        self.assertTrue(self.read_pause.held)
        self.assertEqual(self.transport.producerState, "paused")
        self.read_pause.release("stopping")
        self.assertFalse(self.read_pause.held)
        self.assertEqual(self.transport.producerState, "producing")

    def test_what_was_read_before_comes_first(self):
        """Bytes that arrived before the pause are worked off before new ones are read."""
        self.read_pause.hold("full")
        self.read_pause.release("full")
        self.assertEqual(self.released, ["paused"])

    def test_it_can_be_held_again_while_it_is_released(self):
        """Working off what was read may bring the reason back; then nothing new is read."""
        read_pause = ReadPause(self.transport, lambda: read_pause.hold("full"))
        read_pause.hold("full")
        read_pause.release("full")
        self.assertTrue(read_pause.held)
        self.assertEqual(self.transport.producerState, "paused")

    def test_releasing_what_does_not_hold_changes_nothing(self):
        """A release without its reason neither resumes nor calls back."""
        self.read_pause.release("full")
        self.read_pause.hold("stopping")
        self.read_pause.release("full")
        self.assertEqual((self.released, self.transport.producerState), ([], "paused"))
