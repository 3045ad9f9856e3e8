"""Outcomes as they happen."""

from collections import deque
from collections.abc import Callable
from inspect import isawaitable
from typing import Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.logger import Logger
from twisted.protocols.amp import UnhandledCommand, UnknownRemoteError

from pushgate.client.connection import ClientConnection, Cut, Wire
from pushgate.client.record import Record, decode_records
from pushgate.model.backoff import Jitter
from pushgate.model.errors import Internal, PushgateError, Refusal
from pushgate.model.printable import printable
from pushgate.protocols.amp.commands import Watch

ROOM: Final = 1000
"""Records that wait for the program before the gateway is asked to hold back."""


class Subscription:
    """An asynchronous iterator of outcome records, on a connection of its own.

    A program that is slow to take them holds nothing else up: the gateway keeps some for it, drops and counts
    what is more, and disconnects it when it takes none at all. After a lost connection it subscribes anew;
    outcomes in between are not repeated, `Client.status` and the gateway's files have them.

    :param app: the only app whose outcomes come, None for all.
    :param login: name and secret.
    :ivar connection: see `Client.watch`.
    """

    log = Logger()

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        clock: IReactorTime,
        jitter: Jitter,
        app: str | None,
        login: tuple[str, bytes] | None = None,
    ) -> None:
        self.connection: Callable[[str | None], object] | None = None
        self._link = ClientConnection(
            endpoint,
            clock,
            jitter,
            login=login,
            made=self._made,
            refused=self._refused,
            lost=self._lost,
            take_outcomes=self._take,
        )
        self._records: deque[Record] = deque()
        self._error: PushgateError | None = None
        self._app, self._closed, self._missing = app, False, False
        self._subscribed: Deferred[None] | None = None
        self._readers: list[Deferred[None]] = []
        self._held: list[Deferred[None]] = []

    def start(self) -> Deferred[None]:
        """Connect; fires when the gateway has confirmed, fails with the `Refusal` with which it has not."""
        subscribed: Deferred[None] = Deferred()
        self._subscribed = subscribed
        self._link.start()
        return subscribed

    def stop(self) -> Deferred[None]:
        """End the iteration, after the records that are here; fires when the connection is closed."""
        self._closed = True
        stopped = self._link.stop()
        self._wake(self._readers)
        self._wake(self._held)
        return stopped

    def unreachable(self) -> PushgateError:
        """Why there is no connection."""
        return self._link.unreachable()

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> Record:
        """The next record; raises the gateway's `Refusal` when it takes the subscription back."""
        while not self._records:
            if self._error is not None:
                raise self._error
            if self._closed:
                raise StopAsyncIteration
            await _wait(self._readers)
        record = self._records.popleft()
        if len(self._records) <= ROOM * 4 // 5:
            self._wake(self._held)
        return record

    async def feed(self, callback: Callable[[Record], object]) -> None:
        """Give each record to `callback`, waiting for what it returns; what it raises is logged."""
        async for record in self:
            try:
                result = callback(record)
                if isawaitable(result):
                    await result
            except Exception:  # noqa: BLE001 - one record must not cost the program all later ones
                self.log.failure("a callback failed at an outcome")

    def _made(self, wire: Wire) -> None:
        Deferred.fromCoroutine(self._subscribe(wire)).addErrback(
            lambda failure: self.log.failure("subscribing to outcomes", failure)
        )

    async def _subscribe(self, wire: Wire) -> None:
        try:
            if len(self._records) > ROOM:
                await _wait(self._held)  # those of the last connection first
            await wire.ask(Watch, {"app": self._app})
        except Cut:
            return  # the next connection will do
        except Refusal as refusal:
            self._refused(refusal)
            return
        except (UnknownRemoteError, UnhandledCommand) as error:
            self._refused(Internal(f"the gateway failed at Watch: {printable(error)}"))
            return
        self._link.useful()
        if self._missing and self.connection is not None:
            self.connection(None)
        self._missing = False
        subscribed, self._subscribed = self._subscribed, None
        if subscribed is not None:
            subscribed.callback(None)

    def _lost(self, reason: str, untrusted: bool) -> None:
        if self._subscribed is not None and untrusted:
            self._refused(self._link.unreachable())
        elif self._subscribed is None and not self._missing:
            self._missing = True
            if self.connection is not None:
                self.connection(reason)

    def _refused(self, refusal: PushgateError) -> None:
        self._error = refusal
        subscribed, self._subscribed = self._subscribed, None
        self._link.stop()
        self._wake(self._readers)
        if subscribed is not None:
            subscribed.errback(refusal)

    def _take(self, outcomes: bytes) -> Deferred[None]:
        self._records.extend(decode_records(outcomes))
        self._wake(self._readers)
        taken: Deferred[None] = Deferred()
        self._held.append(taken)
        if len(self._records) <= ROOM:
            self._wake(self._held)
        return taken

    def _wake(self, sleepers: list[Deferred[None]]) -> None:
        woken = list(sleepers)
        sleepers.clear()
        for sleeper in woken:
            sleeper.callback(None)


async def _wait(sleepers: list[Deferred[None]]) -> None:
    """Sleep until woken."""
    sleeper: Deferred[None] = Deferred()
    sleepers.append(sleeper)
    try:
        await sleeper
    except CancelledError:
        if sleeper in sleepers:
            sleepers.remove(sleeper)
        raise
