"""HTTP/2 of a client, as far as it is the same with every library."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

import msgspec

from pushgate.net.http.client_codec import (
    LAST_STREAM,
    Abandoned,
    Answered,
    Broken,
    ClientEvent,
    ClientLimits,
    GoingAway,
    PingAnswered,
    RequestForm,
    StreamLimit,
    Unprocessed,
)
from pushgate.net.http.codec import Header
from pushgate.net.http.http2_frames import Code, ConnectionFault, Kind

_KIND_AT: Final = 3
"""Where the kind of a frame is in its head, behind its length."""
_SETTINGS: Final = b"%c" % Kind.SETTINGS


class _Answer(msgspec.Struct):
    """An answer whose head has come.

    :ivar body: what has come of the body.
    """

    status: int
    headers: tuple[Header, ...]
    body: bytes = b""


class HTTP2Client(ABC):
    """A client's side of HTTP/2, without its library. See `ClientCodec`.

    A stream is known here from `open` until its answer is complete, or it was reset or cancelled.
    """

    streams: int | None = None
    can_ping = True

    def __init__(self, limits: ClientLimits) -> None:
        self._limits = limits
        self._open: dict[int, _Answer | None] = {}
        self._events: list[ClientEvent] = []
        self._noise = self._last = 0
        self._first = b""
        self._settled = self._leaving = self._closed = self._broken = False

    # What a library does.

    @abstractmethod
    def _send_request(self, form: RequestForm, path: bytes, unlike: tuple[Header, ...], body: bytes) -> int:
        """Send a request, or queue what the windows have no room for; return its stream."""

    @abstractmethod
    def _send_reset(self, stream: int) -> None:
        """Send RST_STREAM with CANCEL."""

    @abstractmethod
    def _send_ping(self) -> None:
        """Send PING."""

    @abstractmethod
    def _send_goaway(self) -> None:
        """Send GOAWAY with NO_ERROR."""

    @abstractmethod
    def _feed(self, data: bytes) -> None:
        """Take bytes; call ``_on_…`` for what they cause.

        :raises ConnectionFault: they break a rule of the connection.
        """

    @abstractmethod
    def _to_send(self) -> bytes:
        """What the library has to send."""

    @abstractmethod
    def is_unsent(self, stream: int) -> bool:
        """See `ClientCodec`."""

    # What the caller does.

    @property
    def last_stream(self) -> int:
        """See `ClientCodec`."""
        return self._last

    def open(self, form: RequestForm, path: bytes, unlike: tuple[Header, ...], body: bytes) -> int:
        """See `ClientCodec`."""
        if self._broken or self._leaving or self._last >= LAST_STREAM - 1:
            raise ValueError("no request can be made on this connection")
        stream = self._last = self._send_request(form, path, unlike, body)
        self._open[stream] = None
        return stream

    def cancel(self, stream: int) -> None:
        """See `ClientCodec`."""
        if stream in self._open and not self._is_over():
            del self._open[stream]
            self._send_reset(stream)

    def ping(self) -> None:
        """See `ClientCodec`."""
        if not self._is_over():
            self._send_ping()

    def close(self) -> None:
        """See `ClientCodec`."""
        if not self._is_over():
            self._send_goaway()
        self._leaving = self._closed = True

    def output(self) -> bytes:
        """See `ClientCodec`."""
        return b"" if self._broken else self._to_send()

    def receive(self, data: bytes) -> list[ClientEvent]:
        """See `ClientCodec`."""
        if self._is_over():
            return []
        self._noise += len(data)
        try:
            if not self._settled:
                self._check_first(data)
            self._feed(data)
            if self._noise > self._limits.noise:
                raise ConnectionFault(Code.ENHANCE_YOUR_CALM, "the server sends much and answers nothing")
        except ConnectionFault as fault:
            self._break(fault.text)
        except Exception:  # noqa: BLE001 - both libraries have raised other errors than their own
            self._break("a frame cannot be understood")
        events, self._events = self._events, []
        return events

    def finish(self) -> list[ClientEvent]:
        """See `ClientCodec`. Every answer has had its end by then, or will have none."""
        return []

    def _is_over(self) -> bool:
        """Whether nothing that comes can matter any more; libraries then make errors of what does come."""
        return self._broken or self._closed or (self._leaving and not self._open)

    def _check_first(self, data: bytes) -> None:
        """Check that what the server says begins as HTTP/2 does, which a TLS alert of 7 bytes does not.

        :raises ConnectionFault: it does not.
        """
        self._first += data[: _KIND_AT + 1 - len(self._first)]
        length, kind = self._first[:1], self._first[_KIND_AT:]
        if length not in {b"", b"\0"} or kind not in {b"", _SETTINGS}:
            raise ConnectionFault(Code.PROTOCOL_ERROR, "the server does not speak HTTP/2")
        self._settled = bool(kind)

    # What the library says.

    def _on_head(self, stream: int, fields: Sequence[Header], end: bool) -> None:
        """The head of an answer has come. Its size was checked when it was unpacked."""
        if stream not in self._open:
            return
        (name, value), *rest = fields
        if name != b":status" or not (len(value) == 3 and value.isdigit() and value >= b"200"):
            raise ConnectionFault(Code.PROTOCOL_ERROR, "an answer has no status")
        if end:
            self._complete(stream, _Answer(int(value), tuple(rest)))
        else:
            self._open[stream] = _Answer(int(value), tuple(rest))

    def _on_data(self, stream: int, data: bytes, end: bool) -> None:
        """A part of the body of an answer has come."""
        answer = self._open.get(stream)
        if answer is None:
            return
        answer.body += data
        if len(answer.body) > self._limits.body:
            raise ConnectionFault(Code.ENHANCE_YOUR_CALM, "the body of an answer is too long")
        if end:
            self._complete(stream, answer)

    def _on_end(self, stream: int) -> None:
        """An answer has ended, with trailers or without data; what they say is dropped."""
        answer = self._open.get(stream)
        if answer is not None:
            self._complete(stream, answer)

    def _on_reset(self, stream: int, code: int) -> None:
        """A stream was reset; a library says the same of those that GOAWAY leaves out."""
        if stream in self._open:
            del self._open[stream]
            self._noise = 0
            refused = code == Code.REFUSED_STREAM
            self._events.append(Unprocessed(stream) if refused else Abandoned(stream, code))

    def _on_limit(self, streams: int) -> None:
        """SETTINGS have come: so many streams at a time."""
        self._events.append(StreamLimit(streams))

    def _on_goaway(self, last: int, code: int, debug: bytes) -> None:
        """GOAWAY has come: what is above `last` was not looked at."""
        self._leaving = True
        self._events.append(GoingAway(code, debug))
        for stream in [stream for stream in self._open if stream > last]:
            self._on_reset(stream, Code.REFUSED_STREAM)

    def _on_ping_answered(self) -> None:
        """The answer to a PING has come."""
        self._events.append(PingAnswered())

    # What follows from it.

    def _complete(self, stream: int, answer: _Answer) -> None:
        """An answer has come. If it came early, the rest of the request is not wanted: RFC 9113 8.1."""
        del self._open[stream]
        if self.is_unsent(stream):
            self._send_reset(stream)
        self._noise = 0
        self._events.append(Answered(stream, answer.status, answer.headers, answer.body))

    def _break(self, text: str) -> None:
        self._broken = True
        self._events.append(Broken(text))
