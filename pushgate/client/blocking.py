"""The client for programs without asyncio and without a reactor, over AMP or HTTP.

::

    from pushgate.client.blocking import SyncClient

    with SyncClient("http://127.0.0.1:7216") as gateway:
        receipt = gateway.push_batch("demo", tokens, {"aps": {"alert": "Hello"}}, key="hello-1")
        print(f"{receipt.accepted} accepted, {len(receipt.refused)} refused")
"""

import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import suppress
from functools import wraps
from threading import Semaphore
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from pushgate.client.address import Address
from pushgate.client.base_client import BaseClient
from pushgate.client.byte_stream import ByteStream, Runtime
from pushgate.client.operations import Operations
from pushgate.client.record import Record
from pushgate.client.socket_state import has_news
from pushgate.client.watching import Watching
from pushgate.model.dead_token import DeadTokenEntry

__all__ = ["Outcomes", "SyncClient"]

P = ParamSpec("P")
T = TypeVar("T")


def _waited(
    operation: Callable[Concatenate[Operations, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate["SyncClient", P], T]:
    """A method of the client that is one of the operations of a gateway, run to its end."""

    @wraps(operation)
    def method(self: "SyncClient", /, *arguments: P.args, **options: P.kwargs) -> T:
        return _run(operation(self._operations, *arguments, **options))

    return method


class SyncClient(BaseClient):
    """A gateway, for programs that wait for each answer. Also a context manager.

    Any number of threads may use one. Connections are made when they are needed, so a client that is made
    before a server forks its workers is each worker's own, as long as nothing was sent before. What a client
    is made with: `BaseClient`; what each command does: `Operations`.
    """

    def close(self) -> None:
        """Close the connections; commands under way end as they would."""
        self._gateway.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    push = _waited(Operations.push)
    push_batch = _waited(Operations.push_batch)
    test_send = _waited(Operations.test_send)
    status = _waited(Operations.status)
    trace = _waited(Operations.trace)
    cancel = _waited(Operations.cancel)
    flush = _waited(Operations.flush)
    stats = _waited(Operations.stats)
    enrol = _waited(Operations.enrol)
    check_in = _waited(Operations.check_in)
    check_out = _waited(Operations.check_out)

    def dead_tokens(self, app: str) -> Iterator[DeadTokenEntry]:
        """Every token of an app that the gateway takes for dead, in the order of the tokens."""
        return _iterate(self._operations.dead_tokens(app))

    def watch(self, app: str | None = None, *, missed: Callable[[str], object] | None = None) -> "Outcomes":
        """Hear of every outcome from now on. See `AsyncClient.watch`."""
        return Outcomes(_run(self._watching(app, missed)))

    def _runtime(self, connections: int) -> Runtime:
        return _Runtime(connections)


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


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that waits inside and never gives up its turn."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise RuntimeError("it waits for a turn, and there is nothing here that gives turns")


def _iterate(items: AsyncIterator[T]) -> Iterator[T]:
    async def following() -> T:
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
