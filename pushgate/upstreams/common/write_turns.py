"""Writing in turns of the reactor: everything else gets its turn between two of them."""

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall


class WriteTurns:
    """Calls `take` in the next turn of the reactor, once however often it was asked for meanwhile.

    :param reactor: provides IReactorTime.
    :param take: writes one run; asks for another turn while there is more.
    """

    def __init__(self, reactor: Any, take: Callable[[], None]) -> None:
        self._reactor, self._take = reactor, take
        self._call: IDelayedCall | None = None

    def ask(self) -> None:
        """Have a turn soon."""
        if self._call is None:
            self._call = self._reactor.callLater(0, self._begin)

    def cancel(self) -> None:
        """Have no turn; harmless when none was asked for."""
        call, self._call = self._call, None
        if call is not None:
            call.cancel()

    def _begin(self) -> None:
        self._call = None
        self._take()
