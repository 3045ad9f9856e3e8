"""Calls to a gateway for programs without a reactor: repeated, timed, with typed errors."""

import ssl
from collections import deque
from typing import TypeVar

from pushgate.client.address import parse_address
from pushgate.client.amp_calls import AmpCalls
from pushgate.client.byte_stream import Cut, Deadline, Runtime, why
from pushgate.client.calls import Call, Calls, Exchange
from pushgate.client.connection import FIRST_DELAY, MAX_DELAY
from pushgate.client.http_calls import HTTPCalls
from pushgate.client.retries import pause_after
from pushgate.model.backoff import Jitter, delay
from pushgate.model.errors import (
    FateUnknown,
    Overloaded,
    PushgateError,
    ShuttingDown,
    Unreachable,
)

T = TypeVar("T")


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
        self.calls: Calls = HTTPCalls(self._address.authority, login) if is_http else AmpCalls(login)
        self.runtime, self.jitter = runtime, jitter
        self.timeout, self._retry_for = timeout, retry_for
        self._idle: deque[Exchange] = deque()
        self._is_closed = False

    def close(self) -> None:
        """Close the connections that are not in use, and keep none from now on."""
        self._is_closed = True
        while self._idle:
            self._idle.pop().close()

    async def ask(self, call: Call[T], *, retry_for: float | None = None) -> T:
        """The result of a call, which is repeated as long as that is harmless and there is time.

        :param retry_for: for this call, in place of the client's.
        :raises Refusal: as the gateway did.
        :raises Unreachable: there was no connection in time; nothing was sent.
        :raises FateUnknown: it was sent, and no answer came.
        :raises Internal: the gateway failed.
        """
        whole = Deadline(self.runtime, self.timeout)
        patience = Deadline(self.runtime, self._retry_for if retry_for is None else retry_for)
        put_off = failures = 0
        cut_off = ""
        while True:
            try:
                return await self._attempt(call, whole)
            except (Overloaded, ShuttingDown) as refusal:
                put_off += 1
                pause = pause_after(refusal, put_off, self.jitter)
                if not (whole.allows(pause) and patience.allows(pause)):
                    raise
            except NotConnected as error:
                failures += 1
                pause = delay(failures, first=FIRST_DELAY, cap=MAX_DELAY, jitter=self.jitter)
                if error.is_final or not whole.allows(pause):
                    raise unreachable(error, cut_off) from None
            except Cut as cut:
                cut_off = f"the connection was lost before the answer came: {cut}"
                if not call.is_repeatable:
                    raise FateUnknown(cut_off) from None
                pause = 0.0
            await self.runtime.sleep(pause)

    async def connect(self, deadline: Deadline) -> Exchange:
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

    async def _attempt(self, call: Call[T], deadline: Deadline) -> T:
        try:
            await self.runtime.acquire(deadline.left())
        except TimeoutError:
            raise NotConnected("all connections are in use", True) from None
        try:
            return await self._ask(self._kept() or await self.connect(deadline), call, deadline)
        finally:
            self.runtime.release()

    async def _ask(self, exchange: Exchange, call: Call[T], deadline: Deadline) -> T:
        is_answered = False
        try:
            result: T = await exchange.ask(call, deadline)
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

    def _kept(self) -> Exchange | None:
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


def unreachable(error: Exception, cut_off: str = "") -> PushgateError:
    """What a command fails with that found no connection, though an earlier one may have carried it."""
    if cut_off:
        return FateUnknown(cut_off)
    return Unreachable(f"no connection to the gateway: {error}; nothing was sent")
