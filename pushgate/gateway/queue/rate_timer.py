"""The rate of one app, and the timer that wakes its upstream when the rate allows more."""

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from pushgate.gateway.queue.rate_groups import TICK
from pushgate.model.token_bucket import TokenBucket


class RateTimer:
    """A token bucket on a clock.

    :param rate: notifications per second; 0 sets no limit.
    :param wake: called when more may be taken.
    """

    def __init__(self, rate: float, clock: IReactorTime, wake: Callable[[], None]) -> None:
        self._clock, self._wake = clock, wake
        self._bucket = TokenBucket(rate, clock.seconds())
        self._call: IDelayedCall | None = None

    @property
    def rate(self) -> float:
        """Notifications per second at most; 0: no limit."""
        return self._bucket.rate

    def change(self, rate: float) -> None:
        """Go on with another rate."""
        self._bucket.change(rate, self._clock.seconds())

    def replace(self, rate: float) -> None:
        """Begin anew with this rate, as an app does whose configuration was changed."""
        self._bucket = TokenBucket(rate, self._clock.seconds())

    def allows(self, wanted: int) -> int:
        """Return how many of `wanted` notifications may go now."""
        return self._bucket.allows(wanted, self._clock.seconds())

    def spend(self, count: int) -> None:
        """Note that `count` notifications went."""
        self._bucket.spend(count)

    def wait(self) -> float:
        """Return the seconds until one more may go."""
        return self._bucket.wait()

    def wake_in(self, seconds: float) -> None:
        """Wake the upstream in so many seconds, `TICK` at least, unless it will be woken sooner anyway."""
        soon = max(seconds, TICK)
        if self._call is None:
            self._call = self._clock.callLater(soon, self._fire)
        elif self._call.getTime() > self._clock.seconds() + soon:
            self._call.reset(soon)

    def stop(self) -> None:
        """Wake nothing any more."""
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _fire(self) -> None:
        self._call = None
        self._wake()
