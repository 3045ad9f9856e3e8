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
import random
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, Unpack

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

__all__ = ["AsyncClient", "AsyncOutcomes"]


class AsyncClient:
    """A gateway, for programs with asyncio. Also an asynchronous context manager.

    Connections are made when they are needed, and kept. Commands may be made at the same time; each has a
    connection to itself. One that a lost connection cuts off is repeated when that is harmless: a push with
    an idempotency key is accepted once however often it is sent. Without a key it fails with `FateUnknown`.

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

    async def push(
        self,
        app: str,
        token: Token | None,
        payload: Payload | None,
        *,
        key: str | None = None,
        **terms: Unpack[PushArguments],
    ) -> str:
        """Send one notification; return its id once the gateway keeps it safe.

        :param token: as the push service writes it: a device token in hex; or a device token's bytes. None
            for a broadcast, with ``channel`` in its place.
        :param payload: a JSON object: a dict, or encoded. None with ``push_magic``.
        :param key: the idempotency key.
        :raises PushgateError: see `pushgate.client`.
        """
        number: str = await self._gateway.ask(self._gateway.calls.push(app, token, payload, key, terms))
        return number

    async def push_batch(
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
        """Send a notification to each of `tokens`, of which there may be any number; return the receipt.

        Where the push service has no device tokens, `targets` takes their place: bytes or text, of up to
        4,096 bytes each; over HTTP text only. One that is bad is refused by its index, in the receipt, and
        the others go through.

        :param payload: for all of them; or `payloads`, one for each.
        :param key: the idempotency key of the whole: repeated with the same tokens in the same order, nothing
            is sent twice.
        :raises PartlySent: it failed after some were accepted.
        :raises PushgateError: nothing was accepted; see `pushgate.client`.
        """
        return await self._gateway.push_batch(app, tokens, targets, payload, payloads, key, terms)

    async def status(self, id: str) -> Record:  # noqa: A002 - the contract's word
        """What became of a notification; raise `NotFound` when its outcome is no longer kept."""
        record: Record = await self._gateway.ask(self._gateway.calls.status(id))
        return record

    async def trace(self, id: str) -> dict[str, Any]:  # noqa: A002 - the contract's word
        """The story of a notification: the fields of its record, and `events` step by step."""
        story: dict[str, Any] = await self._gateway.ask(self._gateway.calls.trace(id))
        return story

    async def cancel(self, id: str) -> bool:  # noqa: A002 - the contract's word
        """Withdraw a notification; return False when it was written already or is done."""
        return bool(await self._gateway.ask(self._gateway.calls.cancel(id)))

    async def flush(self, id: str) -> int:  # noqa: A002 - the contract's word
        """Have proven what the app of this notification or batch has written; return how many were."""
        return int(await self._gateway.ask(self._gateway.calls.flush(id)))

    async def stats(self) -> dict[str, Any]:
        """Queues, windows, connections, circuits and counts of the gateway."""
        return await self._gateway.stats()

    def dead_tokens(self, app: str) -> AsyncIterator[DeadTokenEntry]:
        """Every token of an app that the gateway takes for dead, in the order of the tokens."""
        return self._gateway.dead_tokens(app)

    async def watch(
        self, app: str | None = None, *, missed: Callable[[str], object] | None = None
    ) -> "AsyncOutcomes":
        """Hear of every outcome from now on; returns when the gateway has confirmed.

        A lost connection is made again. Over HTTP, from a gateway with a ledger, no outcome is left out then.

        :param app: only of this app.
        :param missed: called with a reason when outcomes are missing before the next one.
        """
        watching = Watching(self._gateway, self._jitter, app, missed)
        await watching.start()
        return AsyncOutcomes(watching)


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
