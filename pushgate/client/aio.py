"""The client for programs with asyncio, over AMP or HTTP. Nothing here imports a reactor.

::

    import asyncio

    from pushgate.client.aio import AsyncClient


    async def main():
        async with AsyncClient("http://127.0.0.1:7216") as gateway:
            receipt = await gateway.push_batch("demo", tokens, {"aps": {"alert": "Hello"}}, key="hello-1")
            print(f"{receipt.accepted} accepted, {len(receipt.refused)} refused")


    asyncio.run(main())
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from functools import wraps
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

__all__ = ["AsyncClient", "AsyncOutcomes"]

P = ParamSpec("P")
T = TypeVar("T")


def _awaited(
    operation: Callable[Concatenate[Operations, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate["AsyncClient", P], Coroutine[Any, Any, T]]:
    """A method of the client that is one of the operations of a gateway."""

    @wraps(operation)
    async def method(self: "AsyncClient", /, *arguments: P.args, **options: P.kwargs) -> T:
        return await operation(self._operations, *arguments, **options)

    return method


class AsyncClient(BaseClient):
    """A gateway, for programs with asyncio. Also an asynchronous context manager.

    Commands may be made at the same time. What a client is made with: `BaseClient`; what each command does:
    `Operations`.
    """

    async def aclose(self) -> None:
        """Close the connections; commands under way end as they would."""
        self._gateway.close()
        await asyncio.sleep(0)  # asyncio closes them in its next turn

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    push = _awaited(Operations.push)
    push_batch = _awaited(Operations.push_batch)
    test_send = _awaited(Operations.test_send)
    status = _awaited(Operations.status)
    trace = _awaited(Operations.trace)
    cancel = _awaited(Operations.cancel)
    flush = _awaited(Operations.flush)
    stats = _awaited(Operations.stats)
    enrol = _awaited(Operations.enrol)
    check_in = _awaited(Operations.check_in)
    check_out = _awaited(Operations.check_out)

    def dead_tokens(self, app: str) -> AsyncIterator[DeadTokenEntry]:
        """Every token of an app that the gateway takes for dead, in the order of the tokens."""
        return self._operations.dead_tokens(app)

    async def watch(
        self, app: str | None = None, *, missed: Callable[[str], object] | None = None
    ) -> "AsyncOutcomes":
        """Hear of every outcome from now on; returns when the gateway has confirmed.

        A lost connection is made again. Over HTTP, from a gateway with a ledger, no outcome is left out then.

        :param app: only of this app.
        :param missed: called with a reason when outcomes are missing before the next one.
        """
        return AsyncOutcomes(await self._watching(app, missed))

    def _runtime(self, connections: int) -> Runtime:
        return _Runtime(connections)


class AsyncOutcomes:
    """An asynchronous iterator of outcome records, and a context manager that ends it."""

    def __init__(self, watching: Watching) -> None:
        self._watching = watching

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Record:
        record = await self._watching.next()
        if record is None:
            raise StopAsyncIteration
        return record

    async def aclose(self) -> None:
        """End it."""
        self._watching.close()
        await asyncio.sleep(0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class _Stream:
    """A `ByteStream` of asyncio."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, data: bytes, timeout: float) -> None:
        async with asyncio.timeout(timeout):
            self._writer.write(data)
            await self._writer.drain()

    async def receive(self, timeout: float | None) -> bytes:
        async with asyncio.timeout(timeout):
            return await self._reader.read(65536)

    def is_stale(self) -> bool:
        if self._reader.at_eof() or self._writer.is_closing() or self._reader.exception() is not None:
            return True
        number: int = self._writer.get_extra_info("socket").fileno()
        return number < 0 or has_news(number)  # an end of which the loop has had no time to hear

    def close(self) -> None:
        with suppress(RuntimeError):  # the loop has ended, and its connections with it
            self._writer.transport.abort()


class _Runtime:
    """A `Runtime` of asyncio."""

    def __init__(self, connections: int) -> None:
        self._slots = asyncio.Semaphore(connections)

    def seconds(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def open(self, address: Address, tls: ssl.SSLContext | None, timeout: float) -> ByteStream:
        async with asyncio.timeout(timeout):
            return _Stream(*await asyncio.open_connection(address.host, address.port, ssl=tls))

    async def acquire(self, timeout: float) -> None:
        async with asyncio.timeout(timeout):
            await self._slots.acquire()

    def release(self) -> None:
        self._slots.release()
