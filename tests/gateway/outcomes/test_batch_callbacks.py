"""Whoever submits may follow what becomes of it, batch by batch."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from pushgate.gateway.outcomes.batch_callbacks import BatchCallbacks
from pushgate.model.notification import Delivery, Submission, Terms
from pushgate.model.outcome import Outcome, State
from pushgate.model.packed import Packed
from pushgate.plugin.gateway_interface import Receipt, Settled
from pushgate.testing import RecordingSpool, outcome
from tests.gateway_rig import GatewayRig, GatewayTestCase
from tests.samples import PAYLOAD, token

Reported = list[tuple[int, int, State, str]]


def remember(reported: Reported) -> Settled:
    """A follower that keeps members, state and reason of what it is given."""

    def settled(outcomes: Sequence[Outcome]) -> None:
        reported.extend((each.span.start, each.span.stop, each.state, each.reason) for each in outcomes)

    return settled


class FollowingTests(GatewayTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.reported: Reported = []

    def submit(
        self, tokens: Sequence[bytes], doubtful: bool = False, key: str | None = None, **terms: Any
    ) -> Deferred[Receipt]:
        submission = Submission(
            app="news",
            tokens=Packed.of(tokens, 1),
            payload=PAYLOAD,
            terms=Terms(**terms),
            key=key,
            doubtful=doubtful,
        )
        return self.rig.gateway.submit(submission, "test", remember(self.reported))

    def test_each_outcome_once(self) -> None:
        """Who submitted a batch gets the outcomes of its members as they come, and of no other batch."""
        self.successResultOf(self.submit([token(0), token(1), token(2)]))
        self.accepted(2)
        one, other = self.rig.upstream.take()
        self.rig.upstream.settle(State.ACCEPTED, one.part(0, 2), other)
        self.assertEqual(self.reported, [(0, 2, State.ACCEPTED, "")])
        self.rig.upstream.settle(State.REJECTED, one.part(2, 3))
        self.assertEqual(self.reported[1:], [(2, 3, State.REJECTED, "")])

    def test_no_corrections(self) -> None:
        """What was presumed and is recalled had its outcome: a follower gets no second one."""
        self.successResultOf(self.submit([token(0), token(1)]))
        [span] = self.rig.upstream.take()
        self.rig.upstream.settle(State.PRESUMED, span.part(0, 1))
        self.rig.upstream.work.requeue([replace(span.part(0, 1), recalled=True)])
        self.rig.upstream.take()
        self.rig.upstream.settle(State.REJECTED)
        self.assertEqual(self.reported, [(0, 1, State.PRESUMED, ""), (1, 2, State.REJECTED, "")])

    def test_told_when_it_is_kept(self) -> None:
        """An outcome is reported when the spool has it."""
        spool = RecordingSpool()
        self.rig = GatewayRig(spool=spool)
        self.submit([token(0)])
        spool.release()
        self.rig.upstream.take()
        spool.busy = True
        self.rig.upstream.settle(State.ACCEPTED)
        held, self.reported[:] = list(self.reported), []
        spool.answer()
        self.assertEqual((held, self.reported), ([], [(0, 1, State.ACCEPTED, "")]))

    def test_used_key(self) -> None:
        """What was submitted before under the same key is followed by who was first."""
        self.successResultOf(self.submit([token(0)], key="k"))
        reported, self.reported = self.reported, []
        self.successResultOf(self.submit([token(0)], key="k"))
        self.rig.upstream.take()
        self.rig.upstream.settle(State.ACCEPTED)
        self.assertEqual((len(reported), self.reported), (1, []))

    def test_withdrawn(self) -> None:
        """What was not written of a batch can be withdrawn at once; what was keeps its course."""
        receipt = self.successResultOf(self.submit([token(0), token(1), token(2)]))
        other = self.accepted(1)
        [span] = self.rig.upstream.take(1)
        self.rig.gateway.withdraw([receipt.id])
        self.assertEqual(self.reported, [(1, 3, State.CANCELLED, "")])
        self.rig.upstream.settle(State.ACCEPTED, span)
        self.assertEqual(self.reported[1:], [(0, 1, State.ACCEPTED, "")])
        self.assertEqual(self.rig.status(other.id)["state"], "queued")

    def test_in_doubt_at_most_once(self) -> None:
        """What somebody else may have sent is not sent under at-most-once; its outcome is unknown."""
        self.successResultOf(self.submit([token(0), token(1)], doubtful=True, delivery=Delivery.AT_MOST_ONCE))
        self.assertEqual(self.reported, [(0, 2, State.UNKNOWN, "Redelivered")])
        self.assertEqual(self.rig.upstream.take(), [])
        self.assertEqual(self.rig.gateway.left(), 0)

    def test_in_doubt_at_least_once(self) -> None:
        """Under at-least-once it is sent, again perhaps."""
        self.successResultOf(self.submit([token(0)], doubtful=True))
        self.assertEqual(len(self.rig.upstream.take()), 1)


class FollowersTests(SynchronousTestCase):
    def test_a_follower_that_raises(self) -> None:
        """Its fault is logged; the follower of another batch is called all the same."""
        followers, reported = BatchCallbacks(), []
        bad, good = outcome(order=1), outcome(order=2)
        followers.follow(bad.span.batch, lambda _: 1 / 0)  # type: ignore[arg-type,func-returns-value]  # it raises
        followers.follow(good.span.batch, reported.extend)
        followers.call([bad, good], [bad.span.batch, good.span.batch])
        self.assertEqual(reported, [good])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertFalse(followers)
