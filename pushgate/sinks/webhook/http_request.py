"""One POST request, and what came back of it."""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.interfaces import IConsumer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import Agent, HTTPConnectionPool
from twisted.web.http import stringToDatetime
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer, IResponse
from zope.interface import implementer

from pushgate.model.errors import SinkDown
from pushgate.sinks.webhook.guarded_endpoint import AddressRefused, GuardedEndpoints

MAX_ANSWER: Final = 65536
"""Bytes of an answer's body that are read, and thrown away, for the sake of using the connection again."""
BODY_PATIENCE: Final = 5.0
"""Seconds the body of an answer has after its status came."""
LONGEST_WAIT: Final = 3600.0
"""Seconds that an answer can make us wait at most."""
IDLE: Final = 60
"""Seconds a connection without a request is kept."""


class WebhookAnswer(msgspec.Struct, frozen=True):
    """What the other side said.

    :param retry_after: seconds it wants us to wait, 0 when it does not say.
    """

    status: int
    retry_after: float = 0.0


class Poster:
    """Sends requests to one URL, over one connection that is kept.

    :param timeout: seconds for a connection, the request and the status of the answer together.
    :param wall: Unix seconds.
    """

    def __init__(
        self,
        url: str,
        endpoints: GuardedEndpoints,
        timeout: float,
        reactor: Any,
        wall: Callable[[], float],
    ) -> None:
        self._url, self._timeout, self._reactor, self._wall = url.encode("ascii"), timeout, reactor, wall
        self._endpoints = endpoints
        self._pool = HTTPConnectionPool(reactor)
        self._pool.maxPersistentPerHost = 1
        self._pool.cachedConnectionTimeout = IDLE
        self._pool.retryAutomatically = False
        self._agent = Agent.usingEndpointFactory(reactor, endpoints, self._pool)

    async def post(self, body: bytes, headers: Mapping[str, str]) -> WebhookAnswer:
        """Send a request; raise `SinkDown` when there is no answer."""
        sent = Headers({name: [value] for name, value in headers.items()})
        requested = self._agent.request(b"POST", self._url, sent, _AnswerBody(body))
        requested.addTimeout(self._timeout, self._reactor, self._late)
        try:
            response = await requested
        except (CancelledError, SinkDown):
            raise
        except Exception as error:
            if isinstance(error, ConnectingCancelledError) or _was_cancelled(error):
                raise CancelledError from error
            raise SinkDown(_why(error)) from error  # each layer below has errors of its own
        await self._drain(response)
        return WebhookAnswer(response.code, self._wait(response))

    def close(self) -> Deferred[None]:
        """Close the connection that is kept."""
        closed: Deferred[None] = self._pool.closeCachedConnections()
        self._endpoints.abort()
        return closed

    async def _drain(self, response: IResponse) -> None:
        rest = _Rest(self._endpoints.abort)
        response.deliverBody(rest)
        with contextlib.suppress(Exception):  # the status says all there is to know
            await rest.done.addTimeout(BODY_PATIENCE, self._reactor)
        rest.close()

    def _late(self, result: object, timeout: float) -> Failure:
        return Failure(SinkDown(f"no answer within {timeout:g} s"))

    def _wait(self, response: IResponse) -> float:
        value = next(iter(response.headers.getRawHeaders("retry-after", [])), "").strip()
        if value.isascii() and value.isdigit():
            return min(LONGEST_WAIT, float(value[:9]))
        with contextlib.suppress(ValueError, IndexError, KeyError):
            until: float = stringToDatetime(value.encode())
            return max(0.0, min(LONGEST_WAIT, until - self._wall()))
        return 0.0


@implementer(IBodyProducer)
class _AnswerBody:
    """Bytes as a body."""

    def __init__(self, body: bytes) -> None:
        self._body, self.length = body, len(body)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        consumer.write(self._body)
        return succeed(None)

    def pauseProducing(self) -> None:
        """All is written at once."""

    def resumeProducing(self) -> None:
        """All is written at once."""

    def stopProducing(self) -> None:
        """All is written at once."""


class _Rest(Protocol):
    """Reads a body, but no more than `MAX_ANSWER` of it.

    :param abort: closes its connection.
    :ivar done: fires when nothing more is to be read.
    """

    def __init__(self, abort: Callable[[], None]) -> None:
        self._abort = abort
        self.done: Deferred[None] = Deferred()
        self._room, self._ended = MAX_ANSWER, False

    def dataReceived(self, data: bytes) -> None:
        self._room -= len(data)
        if self._room < 0:
            self.close()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._ended = True
        if not self.done.called:
            self.done.callback(None)

    def close(self) -> None:
        """Give the connection up, unless the body is complete."""
        if not self._ended:
            self._abort()


def _reasons(error: BaseException) -> list[Failure]:
    """What lies behind one of the HTTP client's errors."""
    reasons: list[Failure] = getattr(error, "reasons", [])
    return reasons


def _was_cancelled(error: BaseException) -> bool:
    return any(
        reason.check(CancelledError) or _was_cancelled(reason.value)  # type: ignore[arg-type]  # it is an exception
        for reason in _reasons(error)
    )


def _why(error: BaseException) -> str:
    for reason in _reasons(error):
        return _why(reason.value)  # type: ignore[arg-type]  # it is an exception
    if isinstance(error, AddressRefused) or not str(error):
        return str(error) or type(error).__name__
    return f"{type(error).__name__}: {error}"
