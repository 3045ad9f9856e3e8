"""Proof that callers ask for, one app's: it costs connections, so it is not had too often."""

from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from pushgate.model.errors import Invalid, Overloaded
from pushgate.plugin.upstream_interface import IProving, IUpstream

PAUSE: Final = 60.0
"""Seconds from the start of one proof to the next at least."""


class ProofRequests:
    """Asks the upstream for proof, once at a time; who asks meanwhile gets the same answer.

    :param upstream: who it is now.
    """

    def __init__(self, app: str, upstream: Callable[[], IUpstream], clock: IReactorTime) -> None:
        self._app, self._upstream, self._clock = app, upstream, clock
        self._waiting: list[Deferred[int]] | None = None
        self._next = float("-inf")

    def ask(self) -> Deferred[int]:
        """Fires with how many notifications were proven to be accepted.

        :raises Invalid: the upstream cannot do it, or may not.
        :raises Overloaded: it was done less than `PAUSE` seconds ago.
        """
        if self._waiting is None:
            proving = self._prove()
            if proving is None:
                return succeed(0)
            self._waiting = []
            proving.addBoth(self._proven)
        waiting: Deferred[int] = Deferred(self._forget)
        self._waiting.append(waiting)
        return waiting

    def _prove(self) -> Deferred[int] | None:
        upstream, now = self._upstream(), self._clock.seconds()
        if not IProving.providedBy(upstream):
            raise Invalid("id", f"of the app {self._app}", "its upstream must be one that can prove")
        wait = self._next - now
        if wait > 0:
            raise Overloaded.from_text(
                f"flush of {self._app}: one was made less than {PAUSE:g} s ago; try again in {wait:.0f} s"
            )
        proving: Deferred[int] | None = upstream.prove()
        if proving is not None:
            self._next = now + PAUSE
        return proving

    def _proven(self, result: int | Failure) -> None:
        waiting, self._waiting = self._waiting or [], None
        for each in waiting:
            if isinstance(result, Failure):
                each.errback(result)
            else:
                each.callback(result)

    def _forget(self, waiting: Deferred[int]) -> None:
        if self._waiting and waiting in self._waiting:
            self._waiting.remove(waiting)
