"""The durable spool and a wall clock that is set, by hours and days, in both directions."""

from itertools import pairwise

from twisted.internet import reactor

from pushgate.gateway.spool.idempotency_keys import KEEP_KEYS
from tests.samples import batch
from tests.spool_rig import WALL, SpoolCase

DAY = 86400.0


class SteppedClockTests(SpoolCase):
    async def test_a_clock_set_back_while_nobody_runs(self) -> None:
        """What was accepted in the future has waited since now: it gets its half hour anew, no more."""
        await self.keep(batch(1, order=1))
        self.wall = WALL - 30 * DAY
        await self.restart()
        [kept] = await self.kept()
        self.assertAlmostEqual(reactor.seconds() - kept.batch.waiting_since, 0, places=0)

    async def test_a_clock_set_forward_while_nobody_runs(self) -> None:
        """What was accepted has waited that much longer: a clock cannot be distinguished from a long stop."""
        await self.keep(batch(1, order=1))
        self.wall += 3 * DAY
        await self.restart()
        [kept] = await self.kept()
        waited = reactor.seconds() - kept.batch.waiting_since
        self.assertAlmostEqual(waited, self.wall - kept.batch.accepted_at, places=0)

    async def test_the_order_is_not_of_the_clock(self) -> None:
        """What was accepted first goes first, whatever the clock said."""
        for order, step in enumerate((0, -DAY, 2 * DAY, -3 * DAY), 1):
            self.wall += step
            await self.keep(batch(1, order=order))
            await self.restart()
        self.assertTrue(all(a.batch.order < b.batch.order for a, b in pairwise(await self.kept())))
        self.assertEqual(self.spool.last_order(), 4)

    async def test_keys_of_the_future(self) -> None:
        """A clock set back makes keys live longer, never shorter; new ones are kept for their day as well."""
        first, second = batch(1, order=1), batch(1, order=2)
        self.assertEqual(await self.spool.append(first, "a"), first.id)
        self.wall -= 10 * DAY
        self.assertEqual(await self.spool.append(second, "b"), second.id)
        await self.restart()
        for key, of in (("a", first), ("b", second)):
            self.assertEqual(await self.spool.append(batch(1, order=9), key), of.id)
        self.wall += KEEP_KEYS
        self.assertEqual(await self.spool.append(batch(1, order=9), "a"), first.id)
        again = batch(1, order=10)
        self.assertEqual(await self.spool.append(again, "b"), again.id)
