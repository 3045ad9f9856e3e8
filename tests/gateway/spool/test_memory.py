"""The spool in memory, through the gateway: its idempotency keys."""

from twisted.internet.task import Clock

from pushgate.gateway.spool.memory import KEEP_KEYS, MemorySpool
from pushgate.model.errors import Conflict, Overloaded
from pushgate.model.notification import Priority
from pushgate.model.outcome import State
from pushgate.model.packed import Packed
from tests.gateway_rig import EPOCH, GatewayRig, GatewayTestCase, tokens_of
from tests.samples import PAYLOAD, token


class KeyTests(GatewayTestCase):
    def test_same_content(self) -> None:
        """The same key, app and content is answered with the first id, and nothing is sent."""
        first = self.accepted(2, key="k", expiration=EPOCH + 60)
        self.rig.clock.advance(1)
        again = self.accepted(2, key="k", expiration=EPOCH + 60)
        self.assertEqual((again.id, first.repeated, again.repeated), (first.id, False, True))
        self.assertEqual(tokens_of(self.rig.upstream.take()), [token(0), token(1)])
        self.assertEqual(self.rig.counted("pushgate_submitted_total", "news", "test"), 2)
        self.rig.upstream.settle(State.ACCEPTED)
        self.assertEqual(self.accepted(2, key="k", expiration=EPOCH + 60), again)
        self.assertEqual(self.rig.gateway.left(), 0)

    def test_other_content(self) -> None:
        """The same key with other tokens, another payload or other terms conflicts."""
        self.accepted(2, key="k")
        self.refused(Conflict, 3, key="k")
        self.refused(Conflict, 2, b"{}", key="k")
        self.refused(Conflict, 2, Packed.of([PAYLOAD, PAYLOAD], 2), key="k")
        self.refused(Conflict, 2, key="k", priority=Priority.BULK)
        self.refused(Conflict, 2, key="k", expiration=0)
        self.assertEqual(self.rig.counted("pushgate_refused_total", "news", "test", "CONFLICT"), 11)
        self.assertEqual(self.rig.gateway.left(), 2)

    def test_other_app(self) -> None:
        """Each app has keys of its own."""
        self.assertNotEqual(self.accepted(key="k").id, self.accepted(2, app="chat", key="k").id)

    def test_forgotten_after_a_day(self) -> None:
        """A key is remembered for 24 hours from its first use, on the monotonic clock."""
        first = self.accepted(key="k").id
        self.rig.clock.advance(KEEP_KEYS - 1)
        self.rig.epoch += 10 * KEEP_KEYS
        self.assertEqual(self.accepted(key="k").id, first)
        self.rig.clock.advance(1)
        self.assertNotEqual(self.accepted(2, key="k").id, first)

    def test_bounded(self) -> None:
        """With no room for a key its submission is refused; known keys, and none, still work; time makes room."""
        clock = Clock()
        self.rig = GatewayRig(spool=MemorySpool(clock, max_keys=2))
        first = self.accepted(key="a").id
        clock.advance(10)
        self.accepted(key="b")
        self.refused(Overloaded, key="c")
        self.accepted()
        self.assertEqual(self.accepted(key="a").id, first)
        clock.advance(KEEP_KEYS - 10)
        self.accepted(key="c")
        self.refused(Overloaded, key="a")
