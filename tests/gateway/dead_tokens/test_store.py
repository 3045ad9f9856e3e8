"""One app's dead tokens in memory and in the spool, which says when they are safe."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from pushgate.gateway.dead_tokens import store
from pushgate.gateway.dead_tokens.environment_guard import GUARD, PROVEN_GUARD
from pushgate.gateway.dead_tokens.store import DeadTokenStore
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.model.errors import ShuttingDown, TooLarge, UnknownApp
from pushgate.model.outcome import DeadToken, State, Verdict
from pushgate.testing import RecordingSpool
from tests.gateway_rig import EPOCH, GatewayRig, GatewayTestCase
from tests.samples import span, token


def fed(number: int, since: int = EPOCH) -> DeadTokenEntry:
    """An entry of the feedback service."""
    return DeadTokenEntry(token(number), since, DeadReason.FEEDBACK)


class GraveyardCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.spool, self.wall = RecordingSpool(), EPOCH
        self.graveyard = self.made()

    def made(self) -> DeadTokenStore:
        made = DeadTokenStore("news", self.spool, lambda: self.wall)
        self.successResultOf(Deferred.fromCoroutine(made.recover()))
        return made

    def kept(self) -> set[bytes]:
        """The tokens the spool keeps."""
        return set(self.spool.dead_tokens.get("news", {}))

    def reject(self, *numbers: int, first: bool = True) -> list[int]:
        """Have tokens refused; at which the environment is suspect."""
        return [n for n in numbers if self.graveyard.rejected(token(n), DeadReason.INVALID_TOKEN, first)]


class RecoveryTests(GraveyardCase):
    def test_everything_comes_back(self) -> None:
        """However many pages it takes, with times and reasons."""
        self.patch(store, "PAGE", 3)
        deaths = [fed(number, EPOCH - number) for number in range(10)]
        self.successResultOf(self.graveyard.died(deaths))
        self.reject(11)
        again = self.made().tokens
        self.assertEqual(
            again.page(b"", 99), [*deaths, DeadTokenEntry(token(11), EPOCH, DeadReason.INVALID_TOKEN)]
        )

    def test_dates_in_the_future(self) -> None:
        """What an earlier version kept with one is dead since now, for good: a later registration counts."""
        kept = {token(1): fed(1, EPOCH + 10**8), token(2): fed(2, EPOCH - 5), token(3): fed(3, EPOCH)}
        self.spool.dead_tokens["news"] = dict(kept)
        with capturedLogs() as logged:
            again = self.made().tokens
        self.assertEqual(again.page(b"", 99), [fed(1), fed(2, EPOCH - 5), fed(3)])
        self.assertEqual(self.spool.dead_tokens["news"][token(1)], fed(1))
        self.assertEqual([event["count"] for event in logged], [1])
        self.assertTrue(again.suppresses(token(1), EPOCH - 1))
        self.assertFalse(again.suppresses(token(1), EPOCH))

    def test_a_row_goes_on(self) -> None:
        """Refusals that nothing confirmed count after a restart: all are taken back, the spool's included."""
        self.reject(*range(GUARD - 1))
        self.graveyard = self.made()
        self.assertEqual(len(self.graveyard.tokens), GUARD - 1)
        self.assertEqual(self.reject(GUARD), [GUARD])
        self.assertEqual((len(self.graveyard.tokens), self.kept()), (0, set()))

    def test_what_was_confirmed_is_not_doubted(self) -> None:
        """An acceptance confirms the row for good."""
        self.reject(*range(GUARD - 1))
        self.reject(50, first=False)
        self.graveyard = self.made()
        self.assertEqual(self.reject(*range(100, 100 + GUARD)), [100 + GUARD - 1])
        self.assertEqual(self.kept(), {token(number) for number in (*range(GUARD - 1), 50)})


class GuardTests(GraveyardCase):
    def test_taken_back(self) -> None:
        """What the row entered goes, from the spool too; what was known otherwise stays as it was."""
        self.successResultOf(self.graveyard.died([fed(0, EPOCH - 9), fed(100)]))
        self.reject(*range(GUARD - 1))
        self.wall += 9
        later = fed(3, EPOCH + 9)
        self.successResultOf(self.graveyard.died([later]))
        self.reject(0)
        left = [fed(0, EPOCH - 9), later, fed(100)]
        self.assertEqual(self.graveyard.tokens.page(b"", 99), left)
        self.assertEqual(list(self.spool.dead_tokens["news"].values()), [fed(100), later, left[0]])

    def test_what_proves_the_environment(self) -> None:
        """An acceptance does, whether or not the device has another token by now; a presumption proves nothing."""
        for state, confirmed in ((State.ACCEPTED, True), (State.REPLACED, True), (State.PRESUMED, False)):
            self.graveyard = self.made()
            self.reject(1)
            self.graveyard.learn([Verdict(span(), state)])
            self.assertIs(self.spool.dead_tokens["news"][token(1)].doubted, not confirmed)
            self.graveyard.forget([token(1)])

    def test_an_honest_list_of_dead_tokens(self) -> None:
        """With something accepted before, hundreds of dead tokens in a row are just that."""
        self.reject(0, first=False)
        self.assertEqual(self.reject(*range(1, PROVEN_GUARD - 1)), [])
        self.assertEqual(len(self.kept()), PROVEN_GUARD - 1)


class CommitTests(GraveyardCase):
    def setUp(self) -> None:
        super().setUp()
        self.spool.holding = True

    def test_a_refusal_counts_at_once(self) -> None:
        """Later notifications to it are suppressed before they are sent again; the commit follows."""
        self.reject(1)
        self.assertTrue(self.graveyard.tokens.suppresses(token(1), None))
        self.assertEqual(self.kept(), set())
        self.spool.answer()
        self.assertEqual(self.kept(), {token(1)})

    def test_feedback_counts_once_it_is_safe(self) -> None:
        """The service has forgotten it: so it is committed before it is acted on."""
        died = self.graveyard.died([fed(1)])
        self.assertNoResult(died)
        self.assertNotIn(token(1), self.graveyard.tokens)
        self.spool.answer()
        self.successResultOf(died)
        self.assertIn(token(1), self.graveyard.tokens)

    def test_idle(self) -> None:
        """It is idle when all is safe."""
        self.successResultOf(self.graveyard.idle())
        self.graveyard.died([fed(1)])
        forgotten = self.graveyard.forget([token(2)])
        idle = self.graveyard.idle()
        self.assertNoResult(idle)
        self.spool.answer()
        self.successResultOf(idle)
        self.assertEqual(self.successResultOf(forgotten), 0)

    def test_forgotten_on_its_way(self) -> None:
        """Whoever is forgotten counts as living at once, and after a restart too."""
        self.reject(1)
        forgotten = self.graveyard.forget(iter([token(1), token(2)]))
        self.assertNotIn(token(1), self.graveyard.tokens)
        self.spool.answer()
        self.assertEqual((self.successResultOf(forgotten), self.kept()), (1, set()))

    def test_no_room(self) -> None:
        """Who enters more than there is room for is refused; what the push service says makes room."""
        self.spool.holding = False
        self.graveyard.tokens.limit = 2
        self.assertEqual(self.successResultOf(self.graveyard.bury([fed(1), fed(2), fed(2)])), 2)
        self.assertEqual(self.successResultOf(self.graveyard.bury([fed(2)])), 0)
        fault = self.assertRaises(TooLarge, self.graveyard.bury, [fed(3)])
        self.assertEqual(str(fault), "the app's dead tokens: 3 tokens; at most 2")
        self.successResultOf(self.graveyard.died([fed(3)]))
        self.assertEqual(self.kept(), {token(2), token(3)})


class FutureTests(GraveyardCase):
    def test_a_death_is_not_later_than_now(self) -> None:
        """Whether the feedback service or an operator dates it: what the device registered since then counts."""
        for enter in (self.graveyard.died, self.graveyard.bury):
            self.successResultOf(enter([fed(1, EPOCH + 10**8), fed(2, EPOCH - 5)]))
            self.assertEqual(self.graveyard.tokens.page(b"", 9), [fed(1), fed(2, EPOCH - 5)])
            self.assertEqual(set(self.spool.dead_tokens["news"].values()), {fed(1), fed(2, EPOCH - 5)})


class GatewayTests(GatewayTestCase):
    """Through the gateway."""

    def setUp(self) -> None:
        self.spool = RecordingSpool()
        self.rig = GatewayRig(self.spool)

    def test_feedback_is_reported_once_it_is_safe(self) -> None:
        """Neither sinks nor queue hear of an entry before it is committed, all of a chunk in one commit."""
        self.spool.busy = True
        reported = self.rig.upstream.work.tokens_died([fed(1), fed(2)])
        self.rig.clock.pump([0] * 3)
        self.assertEqual(
            (self.rig.sink.reports, self.rig.gateway.stats()["apps"]["news"]["dead_tokens"]), ([], 0)
        )
        self.spool.answer()
        self.rig.reported()
        self.successResultOf(reported)
        self.assertEqual(
            self.rig.sink.reports, [DeadToken("news", token(n), EPOCH, EPOCH, "recording") for n in (1, 2)]
        )

    def test_a_stop_waits_for_it(self) -> None:
        """The spool is not closed, nor are the sinks, before what was read is safe and reported."""
        self.spool.holding = True
        self.rig.upstream.work.tokens_died([fed(1)])
        draining = self.rig.gateway.drain()
        self.rig.clock.pump([0] * 3)
        self.assertNoResult(draining)
        self.spool.answer()
        self.successResultOf(draining)
        self.assertEqual(len(self.rig.sink.reports) + self.rig.gateway.stats()["sinks"]["sink"]["lag"], 1)

    def test_after_a_restart(self) -> None:
        """The register is there before anything is sent; a later registration brings a token back."""
        self.rig.upstream.work.tokens_died([fed(0)])
        self.rig = GatewayRig(self.spool)
        for registered_at in (None, EPOCH - 1, EPOCH):
            self.rig.submit(1, registered_at=registered_at)
            self.spool.release()
        self.assertEqual(sum(map(len, self.rig.upstream.take())), 1)
        self.assertEqual([state for _, state, _ in self.rig.reported()], [State.SUPPRESSED] * 2)

    def test_upstreams_wait_for_the_register(self) -> None:
        """Nothing is sent before it is known who is dead."""
        self.spool.holding = True
        self.rig = GatewayRig(self.spool)
        self.assertEqual(self.rig.upstream.history, [])
        while self.spool._asked:
            self.spool.answer()
        self.assertEqual(self.rig.upstream.history, ["start"])

    def test_from_outside(self) -> None:
        """Operators enter, look and forget; of apps that there are, while it runs."""
        gateway = self.rig.gateway
        self.assertEqual(self.successResultOf(gateway.bury("news", [fed(2), fed(1)])), 2)
        self.assertEqual(gateway.dead_tokens("news", b"", 1), [fed(1)])
        self.assertEqual(gateway.dead_tokens("news", token(1), 9), [fed(2)])
        self.assertEqual(gateway.dead_tokens("chat", b"", 9), [])
        self.assertEqual(gateway.dead_token("news", token(1)), fed(1))
        self.assertIsNone(gateway.dead_token("news", token(3)))
        self.assertRaises(UnknownApp, gateway.dead_token, "nope", token(1))
        self.assertEqual(self.successResultOf(gateway.forget("news", [token(1), token(9)])), 1)
        self.assertEqual(list(self.spool.dead_tokens["news"]), [token(2)])
        self.assertRaises(UnknownApp, gateway.dead_tokens, "nope", b"", 1)
        self.assertRaises(UnknownApp, gateway.bury, "nope", [])
        gateway.refuse()
        self.assertRaises(ShuttingDown, gateway.bury, "news", [fed(3)])
        self.assertRaises(ShuttingDown, gateway.forget, "news", [token(2)])


class Life(RuleBasedStateMachine):
    """Whatever comes in whatever order: when the spool has caught up, it keeps what is in memory."""

    numbers = st.integers(0, 30)

    def __init__(self) -> None:
        super().__init__()
        self.spool = RecordingSpool()
        self.restart()

    @rule()
    def restart(self) -> None:
        self.catch_up()
        self.graveyard = DeadTokenStore("news", self.spool, lambda: EPOCH)
        Deferred.fromCoroutine(self.graveyard.recover())

    @rule()
    def take_time(self) -> None:
        self.spool.holding = True

    @rule(numbers=st.lists(numbers, min_size=1, max_size=12), first=st.booleans())
    def reject(self, numbers: list[int], first: bool) -> None:
        for number in numbers:
            self.graveyard.rejected(token(number), DeadReason.INVALID_TOKEN, first)
            first = True

    @rule(number=numbers, since=st.integers(EPOCH - 2, EPOCH + 2))
    def feed(self, number: int, since: int) -> None:
        self.catch_up()
        self.graveyard.died([fed(number, since)])

    @rule(number=numbers)
    def forget(self, number: int) -> None:
        self.catch_up()
        self.graveyard.forget([token(number)])

    @rule()
    def catch_up(self) -> None:
        self.spool.holding = False
        while self.spool._asked:
            self.spool.answer()

    @invariant()
    def the_spool_has_it(self) -> None:
        if self.spool.holding:
            return
        kept = self.spool.dead_tokens.get("news", {})
        plain = [DeadTokenEntry(each.token, each.since, each.reason) for _, each in sorted(kept.items())]
        assert self.graveyard.tokens.page(b"", 999) == plain


Life.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
LifeTests = Life.TestCase
