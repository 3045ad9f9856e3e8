"""Writing in turns of the reactor: everything else gets its turn between two of them."""

from collections.abc import Callable
from math import inf
from typing import Any, Final

from twisted.internet.interfaces import IDelayedCall

PAUSE: Final = 0.002
"""Seconds between two turns at least, while there is not much to write.

Notifications that come one by one would otherwise be written one by one, each with a TLS record and a system
call of its own. The first one after a pause does not wait. Measured with 8 callers that post one after
another: 15 % of the gateway's CPU for each POST.
"""


class WriteTurns:
    """Calls `take` in a turn of the reactor soon, once however often it was asked for meanwhile.

    :param reactor: provides IReactorTime.
    :param take: writes one run; asks for another turn while there is more.
    :param is_much: returns True while so much is to be written that it need not wait for more; by default it
        always is. Over HTTP, where an answer makes room for the next request, a pause would slow down
        services that take one request at a time.
    """

    def __init__(
        self, reactor: Any, take: Callable[[], None], is_much: Callable[[], bool] = lambda: True
    ) -> None:
        self._reactor, self._take, self._is_much = reactor, take, is_much
        self._call: IDelayedCall | None = None
        self._latest = -inf
        self._waits = False

    def ask(self) -> None:
        """Have a turn soon."""
        if self._call is None:
            pause = self._latest + PAUSE - self._reactor.seconds()
            self._waits = pause > 0 and not self._is_much()
            self._call = self._reactor.callLater(pause if self._waits else 0, self._begin)
        elif self._waits and self._is_much():
            self._waits = False
            self._call.reset(0)

    def cancel(self) -> None:
        """Have no turn; harmless when none was asked for."""
        call, self._call = self._call, None
        if call is not None:
            call.cancel()

    def _begin(self) -> None:
        self._call, self._latest = None, self._reactor.seconds()
        self._take()
