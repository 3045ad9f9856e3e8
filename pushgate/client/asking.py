"""Asking a gateway for Twisted programs: commands under way on one connection, so many at a time."""

from typing import Any, TypeVar

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.protocols.amp import Command

from pushgate.client.amp_calls import AmpCalls
from pushgate.client.amp_exchange import AmpCall
from pushgate.client.calls import Calls
from pushgate.client.retries import Caller

T = TypeVar("T")


class Asking:
    """What `Operations` stand on here, and what the methods for further commands do.

    :param caller: calls a command until it is answered.
    :param in_flight: commands under way at most; more wait for their turn.
    :ivar slots: of the commands under way.
    """

    def __init__(self, caller: Caller, in_flight: int) -> None:
        self.calls: Calls = AmpCalls(None)  # the connection logs in by itself
        self.slots = DeferredSemaphore(in_flight)
        self._caller = caller

    async def ask(self, call: Any, *, retry_for: float | None = None) -> Any:
        """The result of a call of `calls`; see `Caller.call`."""
        async with self.slots:
            return await self._caller.call(call, retry_for)

    async def ask_at_once(self, call: Any) -> Any:
        """The same without waiting for a slot: the caller holds one."""
        return await self._caller.call(call)

    def command(self, command: type[Command], is_repeatable: bool, **arguments: Any) -> Deferred[Any]:
        """Fires with the answer to a command.

        :param is_repeatable: it may be sent again when no answer came.
        """
        return Deferred.fromCoroutine(self.ask(AmpCall(command, arguments, _as_it_is, is_repeatable)))


def _as_it_is(answer: dict[str, Any]) -> dict[str, Any]:
    return answer
