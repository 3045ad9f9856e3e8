"""Calling a command until it is answered."""

import re
from typing import Any, Final, TypeVar

from twisted.internet import defer
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.protocols.amp import Command, TooLong, UnhandledCommand, UnknownRemoteError

from pushgate.client.amp_exchange import AmpCall
from pushgate.client.connection import ClientConnection, Cut, Wire
from pushgate.model.backoff import Jitter, delay
from pushgate.model.errors import (
    FateUnknown,
    Internal,
    Overloaded,
    ShuttingDown,
    TooLarge,
    Unreachable,
)
from pushgate.model.printable import printable
from pushgate.protocols.amp.commands import MAX_VALUE

T = TypeVar("T")
FIRST_RETRY: Final = 0.1
"""Seconds after which a gateway that is overloaded is asked again."""
MAX_RETRY: Final = 5.0
"""Seconds between two such attempts at most."""
_AGAIN_IN: Final = re.compile(r"again in (\d+(?:\.\d+)?) s$")
"""The end of an overload's text that says how long to wait: AMP has no other place for it."""


class Caller:
    """Waits for connections, repeats what may be repeated, and turns failures into typed errors.

    :param timeout: seconds until a command must have its answer, all repetitions included.
    :param retry_for: seconds for which a gateway that is overloaded or restarts is asked again.
    """

    def __init__(
        self, link: ClientConnection, clock: IReactorTime, jitter: Jitter, timeout: float, retry_for: float
    ) -> None:
        self._link, self._clock, self._jitter = link, clock, jitter
        self._timeout, self._retry_for = timeout, retry_for

    async def call(self, call: AmpCall[T], retry_for: float | None = None) -> T:
        """The result of a command.

        :param retry_for: for this one, in place of the client's.
        :raises Refusal: as the gateway did.
        :raises Unreachable: there was no connection in time; nothing was sent.
        :raises FateUnknown: it was sent, and no answer came.
        :raises Internal: the gateway failed.
        """
        began = self._clock.seconds()
        patience = min(self._retry_for if retry_for is None else retry_for, self._timeout)
        put_off, cut_off = 0, ""
        while True:
            try:
                wire = await self._wire(began + self._timeout)
            except Unreachable:
                if cut_off:
                    raise FateUnknown(cut_off) from None
                raise
            try:
                answer = await self._ask(wire, call.command, call.arguments, began + self._timeout)
                return call.read(answer)
            except (Overloaded, ShuttingDown) as refusal:
                put_off += 1
                pause = pause_after(refusal, put_off, self._jitter)
                if self._clock.seconds() + pause > began + patience:
                    raise
                await deferLater(self._clock, pause)
            except Cut as cut:
                cut_off = f"the connection was lost before the answer came: {cut}"
                if not call.is_repeatable:
                    raise FateUnknown(cut_off) from None

    async def _wire(self, deadline: float) -> Wire:
        try:
            return await self._link.wire().addTimeout(self._left(deadline), self._clock)
        except defer.TimeoutError:
            raise self._link.unreachable() from None

    async def _ask(
        self, wire: Wire, command: type[Command], arguments: dict[str, Any], deadline: float
    ) -> dict[str, Any]:
        asked_at = self._clock.seconds()
        try:
            answer = await wire.ask(command, arguments).addTimeout(self._left(deadline), self._clock)
        except TooLong as error:
            raise TooLarge(error.keyName.decode(), len(error.value), MAX_VALUE) from None
        except defer.TimeoutError:
            if wire.heard_at <= asked_at:
                wire.abort()  # nothing at all came: the gateway is gone, only its connection does not know
            raise FateUnknown(f"no answer came within {self._timeout:g} s") from None
        except (UnknownRemoteError, UnhandledCommand) as error:
            raise Internal(f"the gateway failed at {command.__name__}: {printable(error)}") from error
        self._link.useful()
        return answer

    def _left(self, deadline: float) -> float:
        return max(0.0, deadline - self._clock.seconds())


def pause_after(refusal: Overloaded | ShuttingDown, times: int, jitter: Jitter) -> float:
    """Seconds until a gateway is asked again that has refused so many times; at least those that it names.

    Sets an overload's `retry_after` to the seconds that its text names.
    """
    seconds = _AGAIN_IN.search(str(refusal))
    if isinstance(refusal, Overloaded) and seconds is not None:
        refusal.retry_after = float(seconds[1])
    pause = delay(times, first=FIRST_RETRY, cap=MAX_RETRY, jitter=jitter)
    return max(pause, getattr(refusal, "retry_after", None) or 0.0)
