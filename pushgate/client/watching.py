"""Outcomes as they happen, for programs without a reactor."""

from collections import deque
from collections.abc import Callable
from typing import Any

from pushgate.client.byte_stream import Cut, Deadline
from pushgate.client.connection import FIRST_DELAY, MAX_DELAY
from pushgate.client.gateway_calls import GatewayCalls, NotConnected, unreachable
from pushgate.client.record import Record
from pushgate.model.backoff import delay


class Watching:
    """Reads outcomes on a connection of its own, and on another when that is lost.

    :param missed: is given a text when outcomes are missing before the next one.
    """

    def __init__(
        self, gateway: GatewayCalls, app: str | None, missed: Callable[[str], object] | None
    ) -> None:
        self._gateway, self._missed = gateway, missed
        self._feed = gateway.calls.feed(app)
        self._exchange: Any = None
        self._here: deque[Record] = deque()
        self._is_closed = False

    async def start(self) -> None:
        """Subscribe; raise the gateway's refusal, or `Unreachable` when there is no connection in time."""
        await self._connect(Deadline(self._gateway.runtime, self._gateway.timeout))

    async def next(self) -> Record | None:
        """The next record, None once it is closed; raises the gateway's refusal at a later subscription."""
        while not self._here and not self._is_closed:
            try:
                for each in await self._feed.next(self._exchange):
                    self._take(each)
            except Cut:
                self._exchange.close()
                if not self._is_closed:
                    await self._connect(None)
                    self._say(self._feed.missed())
        return self._here.popleft() if self._here else None

    def close(self) -> None:
        """End it, after the records that are here."""
        self._is_closed = True
        if self._exchange is not None:
            self._exchange.close()

    def _take(self, found: Record | str) -> None:
        if isinstance(found, Record):
            self._here.append(found)
        else:
            self._say(found)

    def _say(self, reason: str | None) -> None:
        if reason is not None and self._missed is not None:
            self._missed(reason)

    async def _connect(self, deadline: Deadline | None) -> None:
        """Subscribe on a new connection, as often as it takes; until a time, if there is one."""
        failures = 0
        while not self._is_closed:
            this = deadline or Deadline(self._gateway.runtime, self._gateway.timeout)
            try:
                self._exchange = await self._gateway.connect(this)
                await self._feed.begin(self._exchange, this)
                return
            except (NotConnected, Cut, TimeoutError) as error:
                failures += 1
                pause = delay(failures, first=FIRST_DELAY, cap=MAX_DELAY, jitter=self._gateway.jitter)
                is_final = isinstance(error, NotConnected) and error.is_final
                if is_final or (deadline is not None and not deadline.allows(pause)):
                    raise unreachable(error) from None
            await self._gateway.runtime.sleep(pause)
