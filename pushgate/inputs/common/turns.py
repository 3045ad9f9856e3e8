"""Work that is long is cut, so that others have their turn of the reactor in between."""

from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

AT_ONCE: Final = 50
"""Submissions in one turn of the reactor at most: on a busy machine each costs half a millisecond."""
UNDER_WAY: Final = 250
"""Submissions of one request at most that are not answered: what the spool's next commits have to do."""

_Part = TypeVar("_Part")
_Result = TypeVar("_Result")


class Turns:
    """The turns of the reactor that an input uses for long work: in each of them one piece, of whichever."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._waiting: deque[Deferred[None]] = deque()

    async def each(
        self,
        parts: Iterable[_Part],
        submit: Callable[[_Part], "Deferred[_Result]"],
        note: Callable[[_Part, _Result], object],
    ) -> None:
        """Submit parts, some in each turn, and take no more from `parts` while many are not answered.

        What is one piece begins at once.

        :param note: is called with each part and its result, in order.
        """
        rest, under_way = iter(parts), deque[tuple[_Part, Deferred[_Result]]]()
        more = True
        while more:
            piece = list(islice(rest, AT_ONCE))
            under_way.extend([(part, submit(part)) for part in piece])
            more = len(piece) == AT_ONCE
            while under_way and (not more or len(under_way) > UNDER_WAY):
                part, answer = under_way.popleft()
                note(part, await answer)
            if more:
                await self._next()

    def _next(self) -> "Deferred[None]":
        """Fires when it is the turn of the one who asks."""
        self._waiting.append(Deferred())
        if len(self._waiting) == 1:
            self._clock.callLater(0, self._begin)
        return self._waiting[-1]

    def _begin(self) -> None:
        waiting = self._waiting.popleft()
        if self._waiting:
            self._clock.callLater(0, self._begin)
        waiting.callback(None)
