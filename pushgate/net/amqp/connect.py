"""Connecting to a broker, and closing the connection in bounded time."""

import struct
from collections.abc import Callable
from typing import Any, Final

from pika import BasicProperties, ConnectionParameters, PlainCredentials
from pika.adapters.twisted_connection import TwistedProtocolConnection
from pika.exceptions import InvalidFrameError
from pika.frame import Header
from pika.spec import FRAME_END_SIZE, FRAME_HEADER, FRAME_HEADER_SIZE
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import connectionDone
from twisted.internet.ssl import PrivateCertificate
from twisted.python.failure import Failure

from pushgate.model.text_file import text_lines
from pushgate.net.amqp.settings import BrokerTable, parse_url
from pushgate.net.client_tls import ClientTls, tls_endpoint
from pushgate.net.connecting import Once, connected
from pushgate.net.host_endpoint import host_endpoint
from pushgate.net.table_files import TableFiles

TIMEOUT: Final = 15.0
"""Seconds for name, TCP, TLS and login together."""
LINGER: Final = 2.0
"""Seconds a broker has to take the last bytes and close."""


class Unreadable(BasicProperties):  # type: ignore[misc]  # pika is not typed
    """Empty properties, in place of those that pika fails to read.

    One such header, say a date in the year 55840, would otherwise end the connection, and every connection
    that the message is delivered to again.
    """


class AmqpConnection(TwistedProtocolConnection):  # type: ignore[misc]  # pika is not typed
    """pika's connection, with the reason why it could not be opened, and an end in bounded time.

    :ivar gone: fires when it is closed.
    :ivar why: the broker's own reason to close it, which pika drops when the stream ends.
    """

    noisy = False

    def __init__(self, parameters: ConnectionParameters, reactor: Any) -> None:
        super().__init__(parameters, custom_reactor=reactor)
        self._read = self._impl._read_frame
        self._impl._read_frame = self._read_frame
        self.gone: Deferred[None] = Deferred()
        self._clock = reactor
        self._timer: IDelayedCall | None = None
        self._lost = False
        self.why: Exception | None = None

    def makeConnection(self, transport: Any) -> None:
        super().makeConnection(_Closing(transport, self._closing))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._lost, self.why = True, self._impl._error
        super().connectionLost(reason)
        self.gone.callback(None)

    def end(self) -> None:
        """Close in order, if need be by force; harmless when that has begun."""
        if self.transport is None or self._lost:
            return
        if self._impl.is_open:
            self._impl.close()
        elif not self._impl.is_closing:
            self.transport.loseConnection()
        self._closing()

    def abort(self) -> None:
        """Close at once; harmless when it is closed."""
        if self._timer is not None:
            self._timer.cancel()
        if self.transport is not None and not self._lost:
            self._abort()

    def _closing(self) -> None:
        if self._timer is None and not self._lost:
            self._timer = self._clock.callLater(LINGER, self._abort)

    def _abort(self) -> None:
        self._timer = None
        self.transport.abort()

    def _read_frame(self) -> tuple[int, Any]:
        """Called by pika: the number of bytes that were read, and the frame."""
        try:
            found: tuple[int, Any] = self._read()
        except InvalidFrameError:
            raise
        except Exception:
            data = self._impl._frame_buffer
            if data[0] != FRAME_HEADER:
                raise
            return _header(data)
        return found

    def _on_connection_failed(self, connection: Any, error: Exception | None = None) -> None:
        """Called by pika, which itself would report only that it failed."""
        ready: Any = self.ready
        self.ready: Any = None
        if ready is not None:
            ready.errback(self.why or error or ConnectionError("the broker closed the connection"))


def _header(data: bytes) -> tuple[int, Header]:
    """The length of the header frame that the bytes begin with, and the frame without its properties."""
    channel, length = struct.unpack_from(">HL", data, 1)
    (size,) = struct.unpack_from(">Q", data, FRAME_HEADER_SIZE + 4)
    return FRAME_HEADER_SIZE + length + FRAME_END_SIZE, Header(channel, size, Unreadable())


class _Closing:
    """A transport as pika uses it, with a bound on `loseConnection`, which waits for unwritten data."""

    def __init__(self, transport: Any, closing: Any) -> None:
        self._transport, self._closing = transport, closing
        self.write = transport.write

    def loseConnection(self) -> None:
        self._closing()
        self._transport.loseConnection()

    def abort(self) -> None:
        self._transport.abortConnection()


class Dialer:
    """Connects to one broker.

    :param where: the table in the configuration, ``inputs.queue``; the broker shows it to its operators.
    :raises CannotStart: a file that the table names cannot be used.
    """

    def __init__(self, where: str, table: BrokerTable, reactor: Any) -> None:
        self._where, self._table, self._reactor = where, table, reactor
        self.address = parse_url(table.url)
        self._tries = 0
        self._tls = self._files()

    def read_files(self) -> Callable[[], None]:
        """See `IReadsFiles`. The next connection is the first to use them."""
        tls = self._files()

        def use() -> None:
            self._tls = tls

        return use

    def connection(self) -> AmqpConnection:
        """A new connection, to be opened."""
        return AmqpConnection(self._parameters(), self._reactor)

    async def open(self, connection: AmqpConnection) -> None:
        """Connect to the next node, and log in; raise the error of whichever step failed."""
        host, port = self.address.nodes[self._tries % len(self.address.nodes)]
        self._tries += 1
        opening = Deferred.fromCoroutine(_open(connection, self._endpoint(host, port)))
        await opening.addTimeout(TIMEOUT, self._reactor)

    def _endpoint(self, host: str, port: int) -> Any:
        endpoint = host_endpoint(self._reactor, host, port, TIMEOUT)
        if self._tls is None:
            return endpoint
        trust, certificate = self._tls
        return tls_endpoint(endpoint, ClientTls(host, trust, certificate))

    def _parameters(self) -> ConnectionParameters:
        files = TableFiles(self._where)
        password = self._password(files)
        files.check()
        return ConnectionParameters(
            virtual_host=self.address.vhost,
            credentials=PlainCredentials(self._table.username, password, erase_on_connect=True),
            heartbeat=int(self._table.heartbeat),
            client_properties={"connection_name": f"pushgate {self._where}"},
        )

    def _password(self, files: TableFiles) -> str:
        """The password; with a fault in `files` when it cannot be read."""
        if self._table.password_file is None:
            return "guest"
        return files.parsed("password_file", self._table.password_file, _first_line) or ""

    def _files(self) -> tuple[Any, PrivateCertificate | None] | None:
        """Read all files; return what TLS needs, None without TLS."""
        table, files, identity, trust = self._table, TableFiles(self._where), None, None
        self._password(files)
        if self.address.tls:
            trust = files.trust(table.trust)
            if table.certificate is not None:
                identity = files.identity(table.certificate, table.private_key)
        files.check()
        return (trust, identity and identity.twisted()) if self.address.tls else None


def _first_line(data: bytes) -> str:
    try:
        return next(iter(text_lines(data)), b"").decode()
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None


async def _open(connection: AmqpConnection, endpoint: Any) -> None:
    """Connect and log in; leave nothing half-open when cancelled, timed out or failed."""
    try:
        await connected(endpoint, Once(connection))
        await connection.ready
    except BaseException:
        connection.end()
        raise
