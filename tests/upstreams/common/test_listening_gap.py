"""Silence proves nothing while the process does not listen: it was stopped, or its machine was."""

from twisted.trial.unittest import SynchronousTestCase

from pushgate.model.outcome import State
from tests.samples import token
from tests.stream_rig import StreamRig


class SilenceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.rig = StreamRig(connections=1)
        self.rig.run(2)
        self.successResultOf(self.rig.submit())
        self.rig.run(0.1)

    def test_a_pause(self) -> None:
        """After a pause what came meanwhile is read before anything is presumed: here, that it is to be sent again."""
        self.rig.clock.advance(60)
        self.assertEqual(self.rig.states(), {})
        self.rig.service.open()[0].end()
        self.rig.run(8)
        self.assertEqual(self.rig.states(), {token(0): State.PRESUMED})
        self.assertEqual([wire.tokens for wire in self.rig.service.wires if wire.tokens], [[token(0)]] * 2)

    def test_nothing_came(self) -> None:
        """When there was nothing to read, it is presumed after `response_timeout`, counted from then."""
        self.rig.clock.advance(60)
        self.rig.run(4)
        self.assertEqual(self.rig.states(), {})
        self.rig.run(2)
        self.assertEqual(self.rig.states(), {token(0): State.PRESUMED})

    def test_a_busy_moment(self) -> None:
        """A little late is late enough: a process that is always busy must come to an end too."""
        for _ in range(8):
            self.rig.clock.advance(1)
        self.assertEqual(self.rig.states(), {token(0): State.PRESUMED})
