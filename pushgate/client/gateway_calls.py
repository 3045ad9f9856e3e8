"""The commands of a gateway for programs without a reactor: repeated, timed, with typed errors."""

import ssl
from collections import deque
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final, TypeVar
from uuid import uuid4

from pushgate.client.address import parse_address
from pushgate.client.amp_calls import AmpCalls
from pushgate.client.byte_stream import Cut, Deadline, Runtime, why
from pushgate.client.chunks import Chunk, Payload, Token, chunks_of, refused_part
from pushgate.client.client import BatchArguments
from pushgate.client.connection import FIRST_DELAY, MAX_DELAY
from pushgate.client.http_calls import HTTPCalls
from pushgate.client.receipt import PushReceipt, ReceiptPart, receipt_of
from pushgate.client.retries import FIRST_RETRY, MAX_RETRY, learn_wait
from pushgate.model.backoff import Jitter, delay
from pushgate.model.dead_token import DeadTokenEntry
from pushgate.model.errors import (
    FateUnknown,
    Invalid,
    Overloaded,
    PushgateError,
    Refusal,
    ShuttingDown,
    TooLarge,
    Unreachable,
)

T = TypeVar("T")
_OF_MEMBERS: Final = (Invalid, TooLarge)


class NotConnected(Exception):
    """There is no connection to the gateway.

    :ivar is_final: another attempt will end the same.
    """

    def __init__(self, reason: str, is_final: bool) -> None:
        super().__init__(reason)
        self.is_final = is_final


class GatewayCalls:
    """Asks a gateway, on connections of its own that are kept and used one command at a time.

    :param url: where it is; see `parse_address`.
    :param login: name and secret.
    :param tls: None for `ssl.create_default_context`, which verifies certificate and host name.
    :param timeout: seconds until a command must have its answer, all repetitions included.
    :param retry_for: seconds for which a gateway that is overloaded or restarts is asked again.
    """

    def __init__(
        self,
        url: str,
        runtime: Runtime,
        jitter: Jitter,
        *,
        login: tuple[str, bytes] | None,
        tls: ssl.SSLContext | None,
        timeout: float,
        retry_for: float,
    ) -> None:
        self._address = parse_address(url)
        self._tls = (tls or ssl.create_default_context()) if self._address.is_tls else None
        is_http = self._address.is_http
        # Of one type for the checker: the two have the same methods, and each carries its own calls.
        self.calls: Any = HTTPCalls(self._address.authority, login) if is_http else AmpCalls(login)
        self.runtime, self._jitter = runtime, jitter
        self.timeout, self._retry_for = timeout, retry_for
        self._idle: deque[Any] = deque()
        self._is_closed = False

    def close(self) -> None:
        """Close the connections that are not in use, and keep none from now on."""
        self._is_closed = True
        while self._idle:
            self._idle.pop().close()

    async def ask(self, call: Any) -> Any:
        """The result of a call, which is repeated as long as that is harmless and there is time.

        :raises Refusal: as the gateway did.
        :raises Unreachable: there was no connection in time; nothing was sent.
        :raises FateUnknown: it was sent, and no answer came.
        :raises Internal: the gateway failed.
        """
        whole, patience = Deadline(self.runtime, self.timeout), Deadline(self.runtime, self._retry_for)
        put_off = failures = 0
        cut_off = ""
        while True:
            try:
                return await self._attempt(call, whole)
            except (Overloaded, ShuttingDown) as refusal:
                learn_wait(refusal)
                put_off += 1
                pause = delay(put_off, first=FIRST_RETRY, cap=MAX_RETRY, jitter=self._jitter)
                pause = max(pause, getattr(refusal, "retry_after", None) or 0.0)
                if not (whole.allows(pause) and patience.allows(pause)):
                    raise
            except NotConnected as error:
                failures += 1
                pause = delay(failures, first=FIRST_DELAY, cap=MAX_DELAY, jitter=self._jitter)
                if error.is_final or not whole.allows(pause):
                    raise unreachable(error, cut_off) from None
            except Cut as cut:
                cut_off = f"the connection was lost before the answer came: {cut}"
                if not call.is_repeatable:
                    raise FateUnknown(cut_off) from None
                pause = 0.0
            await self.runtime.sleep(pause)

    async def connect(self, deadline: Deadline) -> Any:
        """A new connection, logged in.

        :raises NotConnected: it could not be made.
        """
        try:
            stream = await self.runtime.open(self._address, self._tls, deadline.left())
        except TimeoutError:
            raise NotConnected("it does not answer", False) from None
        except OSError as error:
            raise NotConnected(why(error), isinstance(error, ssl.SSLCertVerificationError)) from None
        exchange = self.calls.exchange(stream)
        try:
            await exchange.start(deadline)
        except BaseException as error:
            exchange.close()
            if isinstance(error, Cut | TimeoutError):
                raise NotConnected(str(error) or "it does not answer", False) from None
            raise
        return exchange

    async def _attempt(self, call: Any, deadline: Deadline) -> Any:
        try:
            await self.runtime.acquire(deadline.left())
        except TimeoutError:
            raise NotConnected("all connections are in use", True) from None
        try:
            return await self._ask(self._kept() or await self.connect(deadline), call, deadline)
        finally:
            self.runtime.release()

    async def _ask(self, exchange: Any, call: Any, deadline: Deadline) -> Any:
        is_answered = False
        try:
            result = await exchange.ask(call, deadline)
            is_answered = True
        except TimeoutError:
            raise FateUnknown(f"no answer came within {self.timeout:g} s") from None
        except PushgateError:
            is_answered = True
            raise
        finally:
            if is_answered and exchange.is_usable and not self._is_closed:
                self._idle.append(exchange)
            else:
                exchange.close()
        return result

    def _kept(self) -> Any:
        """A connection that is kept and has not ended, if there is one."""
        while self._idle:
            try:
                exchange = self._idle.pop()
            except IndexError:  # another thread was faster
                return None
            if exchange.is_usable:
                return exchange
            exchange.close()
        return None

    async def push_batch(
        self,
        app: str,
        tokens: Iterable[Token] | None,
        targets: Iterable[Token] | None,
        payload: Payload | None,
        payloads: Iterable[Payload] | None,
        key: str | None,
        terms: BatchArguments,
    ) -> PushReceipt:
        """Send chunks, one after the other; see `AsyncClient.push_batch`."""
        if "rate" in terms:
            terms["rate"] = float(terms["rate"])
        pace = (key or uuid4().hex) if terms.get("rate") else None
        parts: list[ReceiptPart] = []
        refusal: Refusal | None = None
        error: Exception | None = None
        try:
            for chunk in chunks_of(tokens, targets, payload, payloads):
                part, fault = await self._push_chunk(app, chunk, key, pace, terms)
                parts.append(part)
                refusal = refusal or fault
        except Exception as ended:  # noqa: BLE001 - raised with what is known by then
            error = ended
        return receipt_of(parts, error, refusal)

    async def _push_chunk(
        self, app: str, chunk: Chunk, key: str | None, pace: str | None, terms: BatchArguments
    ) -> tuple[ReceiptPart, Refusal | None]:
        """Send a chunk; what became of it, and what it was refused for when all of it was."""
        own = None if key is None else f"{key}/{chunk.number}"
        try:
            return await self.ask(self.calls.push_chunk(app, chunk, own, pace, terms)), None
        except _OF_MEMBERS as refusal:
            return refused_part(chunk, refusal), refusal

    async def stats(self) -> dict[str, Any]:
        """How the gateway is doing, however many apps it has."""
        stats: dict[str, Any] = {}
        after: str | None = ""
        while after is not None:
            page, after = await self.ask(self.calls.stats(after))
            for part, value in page.items():
                stats[part] = stats.get(part, {}) | value if isinstance(value, dict) else value
        return stats

    async def dead_tokens(self, app: str) -> AsyncIterator[DeadTokenEntry]:
        """Every token of an app that the gateway takes for dead, in the order of the tokens."""
        after, more = None, True
        while more:
            entries, after = await self.ask(self.calls.dead_tokens(app, after))
            for entry in entries:
                yield entry
            more = after is not None


def unreachable(error: Exception, cut_off: str = "") -> PushgateError:
    """What a command fails with that found no connection, though an earlier one may have carried it."""
    if cut_off:
        return FateUnknown(cut_off)
    return Unreachable(f"no connection to the gateway: {error}; nothing was sent")
