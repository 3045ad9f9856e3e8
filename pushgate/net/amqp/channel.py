"""One channel to a broker, opened again whenever it is lost."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.task import deferLater
from twisted.logger import Logger

from pushgate.model.backoff import delay
from pushgate.model.errors import reason
from pushgate.model.printable import printable
from pushgate.net.amqp.connect import AmqpConnection, Dialer
from pushgate.net.amqp.settings import BrokerTable
from pushgate.net.amqp.shield import shielded
from pushgate.plugin.context import Context

FIRST_PAUSE: Final = 0.5
"""Seconds after the first failure; doubled with each in a row."""
LONGEST_PAUSE: Final = 30.0
"""Seconds between two attempts at most."""
SETTLED: Final = 10.0
"""Seconds a channel must have lived for the next failure to count as the first."""
PREPARE_TIMEOUT: Final = 30.0
"""Seconds the broker has to answer while a new channel is prepared."""

Channel = Any
"""pika's `TwistedChannel`."""


class AmqpChannel:
    """Keeps a channel open from `start` to `stop`, with growing pauses while that fails.

    :param where: the table in the configuration; for the log, the broker and the metrics.
    :param opened: called with a new channel, to prepare it; when it fails, another connection is made.
    :param lost: called when a channel, prepared or not, is lost.
    :raises CannotStart: what the table names cannot be used.
    """

    log = Logger()

    def __init__(
        self,
        where: str,
        table: BrokerTable,
        context: Context,
        opened: Callable[[Channel], Coroutine[Any, Any, None]],
        lost: Callable[[], None],
    ) -> None:
        self.where = where
        self._dialer = Dialer(where, table, context.reactor)
        self._clock, self._jitter, self._metrics = context.reactor, context.jitter, context.metrics
        self._opened, self._lost = opened, lost
        self._connection: AmqpConnection | None = None
        self._keeping: Deferred[None] = succeed(None)
        self._up_since: float | None = None
        self._given_up = ""
        self._stopping = False

    @property
    def address(self) -> str:
        """The broker's address, for people."""
        return str(self._dialer.address)

    def read_files(self) -> Callable[[], None]:
        """See `IReadsFiles`."""
        return self._dialer.read_files()

    def start(self) -> None:
        """Begin to connect."""
        if self._dialer.address.exposed:
            self.log.warn(
                "{where}: the password and everything else goes to the broker unencrypted; use amqps://",
                where=self.where,
            )
        self._stopping = False
        self._keeping = Deferred.fromCoroutine(self._keep())

    async def stop(self) -> None:
        """Close in order, by force when the broker does not answer; cancelled, by force at once."""
        self._stopping = True
        self._keeping.cancel()
        connection = self._connection
        if connection is not None and connection.transport is not None:
            connection.end()
            try:
                await connection.gone
            except CancelledError:
                connection.abort()
                raise

    def renew(self, why: str) -> None:
        """Close this connection and open another."""
        self._given_up = why
        if self._connection is not None:
            self._connection.end()

    async def _keep(self) -> None:
        failures = 0
        while True:
            self._up_since, self._given_up = None, ""
            try:
                await self._session()
            except CancelledError:
                return
            except Exception as error:  # noqa: BLE001 - pika, Twisted and OpenSSL each have their own
                cause = (self._connection and self._connection.why) or error
                why = self._given_up or printable(reason(cause))
            if self._stopping:  # Twisted's connecting ends with an error of its own when it is cancelled
                return
            lived = 0.0 if self._up_since is None else self._clock.seconds() - self._up_since
            failures = 1 if lived >= SETTLED else failures + 1
            pause = delay(failures, first=FIRST_PAUSE, cap=LONGEST_PAUSE, jitter=self._jitter)
            self._note_loss(why, pause)
            try:
                await deferLater(self._clock, pause)
            except CancelledError:
                return

    def _note_loss(self, why: str, pause: float) -> None:
        self._metrics.count("pushgate_broker_losses_total", self.where)
        self.log.warn(
            "{where}: no broker at {broker}: {why}; next attempt in {pause:.1f} s",
            where=self.where,
            broker=self._dialer.address.hosts,
            why=why,
            pause=pause,
        )

    async def _session(self) -> None:
        """One connection from its start to its end, which is always an exception."""
        self._connection = connection = self._dialer.connection()
        await self._dialer.open(connection)
        try:
            preparing = Deferred.fromCoroutine(self._prepare(connection))
            channel = await preparing.addTimeout(PREPARE_TIMEOUT, self._clock)
            self._up_since = self._clock.seconds()
            self.log.info(
                "{where}: connected to the broker at {broker}",
                where=self.where,
                broker=self._dialer.address.hosts,
            )
            raise await shielded(channel.on_closed)
        finally:
            self._lost()
            connection.end()

    async def _prepare(self, connection: AmqpConnection) -> Channel:
        channel = await shielded(connection.channel())
        await self._opened(channel)
        return channel
