"""The client for programs without asyncio and without a reactor, over AMP or HTTP.

::

    from pushgate.client.blocking import SyncClient

    with SyncClient("http://127.0.0.1:7216") as gateway:
        receipt = gateway.push_batch("demo", tokens, {"aps": {"alert": "Hello"}}, key="hello-1")
        print(f"{receipt.accepted} accepted, {len(receipt.refused)} refused")
"""

import random
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import suppress
from threading import Semaphore
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from pushgate.client.address import Address
from pushgate.client.byte_stream import ByteStream
from pushgate.client.chunks import Payload, Token
from pushgate.client.client import BatchArguments, PushArguments
from pushgate.client.gateway_calls import GatewayCalls
from pushgate.client.receipt import PushReceipt
from pushgate.client.record import Record
from pushgate.client.socket_state import has_news
from pushgate.client.watching import Watching
from pushgate.model.backoff import Jitter
from pushgate.model.dead_token import DeadTokenEntry

__all__ = ["Outcomes", "SyncClient"]

_T = TypeVar("_T")


class SyncClient:
    """A gateway, for programs that wait for each answer. Also a context manager.

    Any number of threads may use one; each command has a connection to itself. Connections are made when
    they are needed, so a client that is made before a server forks its workers is each worker's own, as long
    as nothing was sent before. Everything else is as with `pushgate.client.aio.AsyncClient`.

    :param url: ``amp://HOST:PORT`` or ``http://HOST:PORT``; with TLS ``amps://`` or ``https://``.
    :param login: name and secret of the principal to be, where the gateway requires a login.
    :param tls: how to verify the gateway, and a certificate of the client's own; by default the system's
        authorities are trusted and the host name is verified.
    :param timeout: seconds until a command must have its answer.
    :param retry_for: seconds for which a gateway that is overloaded or restarts is asked again; 0 fails with
        `Overloaded` or `ShuttingDown` at once.
    :param connections: at most; commands beyond them wait for their turn.
    :param jitter: a number from 0 to 1, new at each call.
    :raises ValueError: `url` is none of these.
    """

    def __init__(
        self,
        url: str = "amp://127.0.0.1:7215",
        *,
        login: tuple[str, bytes] | None = None,
        tls: ssl.SSLContext | None = None,
        timeout: float = 60.0,
        retry_for: float = 30.0,
        connections: int = 8,
        jitter: Jitter = random.random,
    ) -> None:
        self._jitter = jitter
        self._gateway = GatewayCalls(
            url, _Runtime(connections), jitter, login=login, tls=tls, timeout=timeout, retry_for=retry_for
        )

    def close(self) -> None:
        """Close the connections; commands under way end as they would."""
        self._gateway.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def push(
        self,
        app: str,
        token: Token | None,
        payload: Payload | None,
        *,
        key: str | None = None,
        **terms: Unpack[PushArguments],
    ) -> str:
        """Send one notification; return its id. See `AsyncClient.push`."""
        return str(_run(self._gateway.ask(self._gateway.calls.push(app, token, payload, key, terms))))

    def push_batch(
        self,
        app: str,
        tokens: Iterable[Token] | None = None,
        payload: Payload | None = None,
        *,
        targets: Iterable[Token] | None = None,
        payloads: Iterable[Payload] | None = None,
        key: str | None = None,
        **terms: Unpack[BatchArguments],
    ) -> PushReceipt:
        """Send a notification to each of `tokens`; return the receipt. See `AsyncClient.push_batch`."""
        return _run(self._gateway.push_batch(app, tokens, targets, payload, payloads, key, terms))

    def status(self, id: str) -> Record:  # noqa: A002 - the contract's word
        """What became of a notification; raise `NotFound` when its outcome is no longer kept."""
        record: Record = _run(self._gateway.ask(self._gateway.calls.status(id)))
        return record

    def trace(self, id: str) -> dict[str, Any]:  # noqa: A002 - the contract's word
        """The story of a notification: the fields of its record, and `events` step by step."""
        story: dict[str, Any] = _run(self._gateway.ask(self._gateway.calls.trace(id)))
        return story

    def cancel(self, id: str) -> bool:  # noqa: A002 - the contract's word
        """Withdraw a notification; return False when it was written already or is done."""
        return bool(_run(self._gateway.ask(self._gateway.calls.cancel(id))))

    def flush(self, id: str) -> int:  # noqa: A002 - the contract's word
        """Have proven what the app of this notification or batch has written; return how many were."""
        return int(_run(self._gateway.ask(self._gateway.calls.flush(id))))

    def stats(self) -> dict[str, Any]:
        """Queues, windows, connections, circuits and counts of the gateway."""
        return _run(self._gateway.stats())

    def dead_tokens(self, app: str) -> Iterator[DeadTokenEntry]:
        """Every token of an app that the gateway takes for dead, in the order of the tokens."""
        return _iterate(self._gateway.dead_tokens(app))

    def watch(self, app: str | None = None, *, missed: Callable[[str], object] | None = None) -> "Outcomes":
        """Hear of every outcome from now on. See `AsyncClient.watch`."""
        watching = Watching(self._gateway, self._jitter, app, missed)
        _run(watching.start())
        return Outcomes(watching)


class Outcomes:
    """An iterator of outcome records, and a context manager that ends it; any thread may call `close`."""

    def __init__(self, watching: Watching) -> None:
        self._watching = watching

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Record:
        record = _run(self._watching.next())
        if record is None:
            raise StopIteration
        return record

    def close(self) -> None:
        """End it."""
        self._watching.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _run(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """The result of a coroutine that waits inside and never gives up its turn."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: _T = end.value
        return result
    raise RuntimeError("it waits for a turn, and there is nothing here that gives turns")


def _iterate(items: AsyncIterator[_T]) -> Iterator[_T]:
    async def following() -> _T:
        return await anext(items)

    while True:
        try:
            item = _run(following())
        except StopAsyncIteration:
            return
        yield item


class _Stream:
    """A `ByteStream` on a socket that blocks."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    async def send(self, data: bytes, timeout: float) -> None:
        self._socket.settimeout(timeout)
        self._socket.sendall(data)

    async def receive(self, timeout: float | None) -> bytes:
        self._socket.settimeout(timeout)
        return self._socket.recv(65536)

    def is_stale(self) -> bool:
        number = self._socket.fileno()
        return number < 0 or has_news(number)

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes a thread that reads from it
        self._socket.close()


class _Runtime:
    """A `Runtime` that waits inside."""

    def __init__(self, connections: int) -> None:
        self._slots = Semaphore(connections)

    def seconds(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    async def open(self, address: Address, tls: ssl.SSLContext | None, timeout: float) -> ByteStream:
        connection = socket.create_connection((address.host, address.port), timeout)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            return _Stream(
                connection if tls is None else tls.wrap_socket(connection, server_hostname=address.host)
            )
        except BaseException:
            connection.close()
            raise

    async def acquire(self, timeout: float) -> None:
        if not self._slots.acquire(timeout=timeout):
            raise TimeoutError

    def release(self) -> None:
        self._slots.release()
