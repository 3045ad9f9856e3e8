"""One connection that makes one request, and keeps all that comes of it."""

from collections.abc import Callable
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.net.http.client_codec import (
    Abandoned,
    Answered,
    Broken,
    ClientCodec,
    ClientEvent,
    GoingAway,
    PingAnswered,
    RequestForm,
    StreamLimit,
    Unprocessed,
)
from pushgate.net.http.codec import Header


class Request(msgspec.Struct, frozen=True):
    """What is asked."""

    form: RequestForm
    path: bytes
    unlike: tuple[Header, ...]
    body: bytes


class Lost(msgspec.Struct, frozen=True):
    """The connection has ended."""

    reason: Failure


@implementer(IHandshakeListener)
class HTTPProbe(Protocol):
    """Waits for its handshake, asks, and notes what comes.

    :param make_codec: makes its codec for what ALPN agreed on, None when it agreed on nothing.
    :ivar secured: fires when the handshake is complete, fails when the connection is lost before.
    :ivar agreed: what ALPN agreed on.
    :ivar settings: fires with the number of requests at a time that the server takes, when it says so.
    :ivar result: fires with what came of the request: an answer, how it failed, or how the connection ended.
    :ivar going_away: the server takes no further requests.
    :ivar fault: it broke a rule of HTTP.
    :ivar pinged: fires with True when the server has answered a PING, and with False when the connection is
        of no more use.
    """

    _codec: ClientCodec

    def __init__(self, make_codec: Callable[[bytes | None], ClientCodec]) -> None:
        self._make_codec = make_codec
        self.secured: Deferred[Any] = Deferred()
        self.settings: Deferred[int] = Deferred()
        self.result: Deferred[Answered | Abandoned | Broken | Lost] = Deferred()
        self.pinged: Deferred[bool] = Deferred()
        self.agreed: bytes | None = None
        self.going_away: GoingAway | None = None
        self.fault: Broken | None = None
        self._ready = self._closed = False

    def ask(self, request: Request) -> None:
        """Make the request; to be called once, on a connection that is secured."""
        if self._closed:
            return
        try:
            self._codec.open(request.form, request.path, request.unlike, request.body)
        except ValueError:  # the server is going away already
            self._end(Lost(Failure(ConnectionDone())))
        self._flush()

    def ping(self) -> bool:
        """Ask whether the server is there; return whether the protocol has a way to."""
        if self._closed or not self._codec.can_ping:
            return False
        self._codec.ping()
        self._flush()
        return True

    def abort(self) -> None:
        """Close at once; harmless when closed."""
        if self.transport is not None and not self._closed:
            self._tls().abortConnection()

    # Twisted's side

    def handshakeCompleted(self) -> None:
        self._ready = True
        self.agreed = self._tls().negotiatedProtocol
        self._codec = self._make_codec(self.agreed)
        self._flush()
        self.secured.callback(self)

    def dataReceived(self, data: bytes) -> None:
        for event in self._codec.receive(data):
            self._happened(event)
        self._flush()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._closed = True
        if not self._ready:
            self.secured.errback(reason)
            return
        self._end(Lost(reason))
        self._answer_ping(False)

    # within

    def _happened(self, event: ClientEvent) -> None:
        if isinstance(event, StreamLimit):
            if not self.settings.called:
                self.settings.callback(event.streams)
        elif isinstance(event, PingAnswered):
            self._answer_ping(True)
        elif isinstance(event, GoingAway):
            self.going_away = event
        elif isinstance(event, Unprocessed):
            self._end(Abandoned(event.stream, 7))
        else:
            if isinstance(event, Broken):
                self.fault = event
                self._answer_ping(False)
            self._end(event)

    def _answer_ping(self, is_there: bool) -> None:
        if not self.pinged.called:
            self.pinged.callback(is_there)

    def _end(self, result: Answered | Abandoned | Broken | Lost) -> None:
        if not self.result.called:
            self.result.callback(result)

    def _flush(self) -> None:
        data = self._codec.output()
        if data and not self._closed:
            self._tls().write(data)

    def _tls(self) -> Any:
        return self.transport
