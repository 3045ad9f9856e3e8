"""One connection of an HTTP server, in either version of HTTP."""

from collections.abc import Callable
from typing import Any, Final

from twisted.internet import protocol
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.model.errors import Overloaded
from pushgate.net.finish_close import finish_close
from pushgate.net.http.codec import (
    BodyData,
    Event,
    Header,
    PeerGoesAway,
    Refused,
    RequestEnd,
    RequestHead,
    RoomGrew,
    ServerCodec,
)
from pushgate.net.http.http1 import HTTP1Codec
from pushgate.net.http.http2 import http2_codec
from pushgate.net.http.interfaces import BodyReader, HTTPOwner
from pushgate.net.http.request import LINGER, ServerRequest
from pushgate.net.http.responses import HTTPFault
from pushgate.net.read_pause import ReadPause
from pushgate.net.write_now import write_now

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What an HTTP/2 connection begins with (RFC 9113 3.4), whether ALPN was spoken or not."""
HELD: Final = 1 << 15
"""Bytes of answers to requests of one read that are written together at most."""
_UNREAD: Final = "answers not read"
_PIPELINED: Final = "requests wait for an answer"


@implementer(IHalfCloseableProtocol, IPushProducer)
class HTTPConnection(protocol.Protocol):
    """Gives bytes to the codec, and what it makes of them to requests.

    A request's head, its body, the silence between requests, and answers that are not read each have a limit
    of time. Of answers that wait for the peer a connection keeps `HTTPBounds.unsent` bytes at most; when it
    has more, further requests are refused. In HTTP/1.1 the next request is not even parsed before.

    :ivar read_pause: stops reading from the peer.
    :ivar requests: those under way by stream: one at most in HTTP/1.1.
    """

    _log = Logger()
    request_class: Callable[[Any, RequestHead], ServerRequest] = ServerRequest
    codec: ServerCodec
    read_pause: ReadPause

    def __init__(self, server: HTTPOwner) -> None:
        self.server, self.requests = server, dict[int, ServerRequest]()
        self.paused = False
        self._first, self._chosen = b"", False
        self._closing = self._gone = self._in_head = self._batch = False
        self._due: float | None = None
        self._unsent = self._held = 0
        self._stalled_since: float | None = None
        self._progress = self._progress_seen = 0
        self._second, self._frames = 0.0, 0

    @property
    def under_way(self) -> int:
        """The number of unfinished requests."""
        return len(self.requests)

    def http2_codec(self) -> ServerCodec:
        """A codec for HTTP/2."""
        return http2_codec(self.server.bounds.codec)

    # called by the server

    def sweep(self, now: float, interval: float) -> None:
        """End what takes too long.

        :param interval: seconds since the last call.
        """
        if self._due is not None and now >= self._due:
            self._too_slow()
        self._end_if_unread(now)
        held = self.read_pause.held and not self.read_pause.holds(_UNREAD)
        for request in list(self.requests.values()):
            request.sweep(now, interval if held else 0.0)

    def close(self, _reason: str = "") -> None:
        """Send what is written, then close; after `LINGER` seconds anyway."""
        if not self._closing:
            if self._chosen:
                self.codec.close_after()
                self.transport.write(self.codec.output())  # type: ignore[union-attr]  # it is there
            self._end()

    def _end(self) -> None:
        """Close when all is written, without another word."""
        self._closing = True
        self._due = self.server.clock.seconds() + LINGER
        self.transport.unregisterProducer()  # type: ignore[union-attr]  # it is there
        self.transport.loseConnection()  # type: ignore[union-attr]  # it is there

    def abort(self) -> None:
        """Close at once."""
        self._closing = True
        if not self._gone:
            self.transport.abortConnection()  # type: ignore[union-attr]  # TCP, TLS and UNIX transports have it

    def hold_writes(self) -> None:
        """Write what is answered from now on together, at `release_writes`."""
        self._batch = not self._gone

    def release_writes(self) -> None:
        """Write what was held back."""
        self._batch = False
        if not self._gone:
            self.flush()
            self._settle()

    # called by requests; see `RequestOwner`

    def now(self) -> float:
        return self.server.clock.seconds()

    def find_reader(self, request: Any) -> BodyReader:
        return self.server.find_reader(request)

    def common_headers(self) -> tuple[Header, ...]:
        if self.server.stopping:
            self.codec.close_after()
        return self.server.common_headers()

    def body_timeout(self) -> float:
        return self.server.bounds.body_timeout

    def count_closed(self, reason: str) -> None:
        self.server.count_closed(reason)

    def unsent(self, size: int) -> None:
        if size < 0:
            self._progress += 1
        self._unsent += size
        self.server.unsent += size

    def flush(self, size: int = 0) -> None:
        self._held += size
        if self._batch and self._held < HELD:
            return
        self._held = 0
        if data := self.codec.output():
            if self.codec.multiplexed:  # further answers may follow in this turn
                self.transport.write(data)  # type: ignore[union-attr]  # it is there
            else:
                write_now(self.transport, data)

    def over(self, request: ServerRequest) -> None:
        self.requests.pop(request.head.stream, None)
        if not self._batch and not self._gone:
            self._go_on()
        self.server.finished()

    def close_when_answered(self) -> None:
        if not self._gone:
            self.codec.close_after()
            self.flush()
            self._settle()

    # called by the transport

    def makeConnection(self, transport: Any) -> None:
        self.read_pause = ReadPause(transport, lambda: None)
        self._due = self.now() + self.server.bounds.idle_timeout
        self.server.joined(self)
        super().makeConnection(transport)  # type: ignore[no-untyped-call]  # untyped in Twisted
        transport.registerProducer(self, True)

    def dataReceived(self, data: bytes) -> None:
        if self._closing:
            return
        if not self._chosen and not self._choose(data):
            return
        if self._first:
            data, self._first = self._first, b""
        self._take(self.codec.receive, data)

    def readConnectionLost(self) -> None:
        """The peer sends nothing more; what it asked is answered."""
        if self._chosen and not self._closing:
            self._take(self.codec.receive_end)
        elif not self._closing:
            self.close()

    def writeConnectionLost(self) -> None:
        """The peer reads nothing more."""
        self.abort()

    def pauseProducing(self) -> None:
        """Called by the transport: the peer does not read its answers."""
        self.paused = True
        self.read_pause.hold(_UNREAD)
        for request in list(self.requests.values()):
            request.transport_paused()

    def resumeProducing(self) -> None:
        """Called by the transport: the peer has read."""
        if finish_close(self.transport):
            return
        self.paused = False
        self._progress += 1
        for request in list(self.requests.values()):
            request.pump()
        if not self.paused and not self._gone:
            self.read_pause.release(_UNREAD)
            if self._chosen:
                self._go_on()

    def stopProducing(self) -> None:
        """Called by the transport when it is lost; `connectionLost` does the work."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._due, self._closing, self._gone = None, True, True
        for request in list(self.requests.values()):
            request.lost()
        self.server.left(self)

    # within

    def _choose(self, data: bytes) -> bool:
        """Choose the codec by the first bytes; return False while they are too few."""
        self._first += data
        bounds = self.server.bounds
        secure = getattr(self.transport, "negotiatedProtocol", None) == b"h2"
        if not secure and len(self._first) < len(PREFACE) and PREFACE.startswith(self._first):
            self._start_head_timer()
            return False
        is_http2 = secure or self._first.startswith(PREFACE)
        self.codec = self.http2_codec() if is_http2 else HTTP1Codec(bounds.codec)
        self._chosen = True
        return True

    def _take(self, receive: Callable[..., list[Event]], *data: bytes) -> None:
        """Act on what the codec makes of something that came."""
        try:
            self._dispatch(receive(*data))
        except Exception:  # noqa: BLE001 - the connection would stay, as TLS does not survive it
            self._batch = False
            self._log.failure("a bug while serving HTTP")
            self._give_up("malformed")

    def _go_on(self) -> None:
        """Read what waited for the end of an answer."""
        if self.codec.buffered and not self.paused:
            self._take(self.codec.receive, b"")
        else:
            self._settle()

    def _dispatch(self, events: list[Event]) -> None:
        self._batch = True
        while events:
            for event in events:
                self._handle(event)
            again = self.codec.buffered and not (self.paused or self._closing)
            events = self.codec.receive(b"") if again else []
        self._batch = False
        self.flush()
        self._settle()

    def _handle(self, event: Event) -> None:
        if isinstance(event, RequestHead):
            self._begin(event)
        elif isinstance(event, Refused):
            self._refuse(event)
        elif isinstance(event, RoomGrew):
            for stream in [event.stream] if event.stream else list(self.requests):
                if stream in self.requests:
                    self.requests[stream].pump()
        elif not isinstance(event, PeerGoesAway) and (request := self.requests.get(event.stream)):
            if isinstance(event, BodyData):
                request.feed(event.data)
            elif isinstance(event, RequestEnd):
                request.complete()
            else:
                request.lost()

    def _begin(self, head: RequestHead) -> None:
        request = self.requests[head.stream] = self.request_class(self, head)
        self._due, self._in_head = None, False
        bounds, of_all = self.server.bounds, self.server.unsent
        if self._unsent > bounds.unsent:
            request.refuse(Overloaded("answers that you have not read (bytes)", self._unsent, bounds.unsent))
        elif of_all > bounds.all_unsent:
            request.refuse(Overloaded("answers that no caller has read (bytes)", of_all, bounds.all_unsent))
        else:
            request.start()

    def _refuse(self, refused: Refused) -> None:
        self.server.count_closed("malformed")
        if refused.stream:
            unreadable = RequestHead(refused.stream, b"", b"", (), 0)
            request = self.requests.setdefault(refused.stream, self.request_class(self, unreadable))
            request.refuse(HTTPFault(refused.status, refused.text))
        elif not self.codec.multiplexed:
            self.abort()

    def _settle(self) -> None:
        """After each change: close what is finished, hold back what is too early, set the time limit."""
        if self._closing:
            return
        if self._is_flood():
            self._give_up("flood")
        elif self.codec.finished and not self.requests:
            self.close()
        elif self.requests:
            self._due, self._in_head = None, False
            if self.codec.buffered:
                self.read_pause.hold(_PIPELINED)
        else:
            self.read_pause.release(_PIPELINED)
            if self.codec.buffered:
                self._start_head_timer()
            else:
                self._in_head = False
                if self._due is None:
                    self._due = self.now() + self.server.bounds.idle_timeout

    def _start_head_timer(self) -> None:
        if not self._in_head:
            self._in_head = True
            self._due = self.now() + self.server.bounds.header_timeout

    def _is_flood(self) -> bool:
        """Return True if frames that ask for work and bring nothing come too fast."""
        now, frames = self.now(), self.codec.control_frames
        if now - self._second >= 1.0:
            self._second, self._frames = now, frames
        return frames - self._frames > self.server.bounds.control_frames

    def _end_if_unread(self, now: float) -> None:
        if not (self.paused or any(request.stalled for request in self.requests.values())):
            self._stalled_since = None
        elif self._stalled_since is None or self._progress != self._progress_seen:
            self._stalled_since, self._progress_seen = now, self._progress
        elif now - self._stalled_since >= self.server.bounds.unread_timeout:
            self._give_up("unread")

    def _give_up(self, reason: str) -> None:
        self.server.count_closed(reason)
        self.abort()

    def _too_slow(self) -> None:
        if self._closing:
            self._due = None
            self.abort()
        else:
            if self._in_head:
                self.server.count_closed("slow")
            self.close()
