"""HTTP/1.1 for a server, on h11: one request at a time, and none that two parsers would read differently."""

import re
from functools import cache
from http import HTTPStatus
from typing import Final

import h11
import msgspec

from pushgate.net.http.codec import (
    UNBOUNDED,
    WITHOUT_LENGTH,
    BodyData,
    CodecLimits,
    Event,
    Header,
    PeerGoesAway,
    Refused,
    RequestEnd,
    RequestHead,
    StreamReset,
)

_FOLDED: Final = re.compile(rb"\n[ \t]")
_LENGTHS: Final = re.compile(rb"(?is)\ncontent-length:[^\r]*,|\ncontent-length:.*\ncontent-length:")
_BARE: Final = re.compile(rb"(?<!\r)\n|\r(?!\n)|\0")
_ABSOLUTE: Final = re.compile(rb"https?://([^/?#]*)([^#]*)", re.IGNORECASE)
_LINE: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [!-~]+ HTTP/1\.[01]\r?")
_LINE_BEGIN: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+( [!-~]*( [HTP/1.0]*\r?)?)?")
MAX_LINE: Final = 4096
"""Bytes of an incomplete head that are looked at before it is complete."""
_LINE_ENDS: Final = (bytearray(b"\r"), bytearray(b"\n"))
_VERSIONS: Final = frozenset({b"1.0", b"1.1"})
_CLOSE: Final = re.compile(rb"(?i)(^|[ ,\t])close([ ,\t]|$)")


class _BadRequest(Exception):
    """The head of a request, or its body's framing, breaks a rule.

    :param status: of the answer.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class _Parsed(msgspec.Struct, frozen=True):
    """A head, parsed.

    :param length: bytes of the body; None when it comes in chunks.
    :param waits: the peer waits for 100 before it sends the body.
    :param stays: the connection serves further requests.
    :param chunks: the answer may come in chunks: the peer speaks HTTP/1.1.
    """

    method: bytes
    target: bytes
    headers: tuple[Header, ...]
    length: int | None
    waits: bool
    stays: bool
    chunks: bool


_NOTHING: Final = _Parsed(b"", b"", (), 0, waits=False, stays=True, chunks=True)


class HTTP1Codec:
    """One connection's; see `ServerCodec`.

    h11 parses heads and chunked bodies. A head is given to it when it is complete: h11 takes folded headers
    and bare line feeds, which proxies and servers read in different ways, and so requests can be smuggled
    past one of them. A head that is, byte for byte, the connection's last one again is not parsed again: it
    is most of what a small request costs.
    """

    multiplexed = False
    control_frames = 0

    def __init__(self, limits: CodecLimits) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._out: list[bytes] = []
        self._stream, self._left = 0, 0
        self._last_head, self._parsed = b"", _NOTHING
        self._chunks: h11.Connection | None = None
        self._in_body = self._answering = self._begun = False
        self._over = self._closing = self._ended = self._chunked_answer = False

    # reading

    def receive(self, data: bytes) -> list[Event]:
        if self._over:
            return []
        events: list[Event] = []
        self._buffer += data
        try:
            while self._read(events):
                pass
        except _BadRequest as bad:
            events.append(self._refused(bad.status, str(bad)))
        except h11.RemoteProtocolError as error:
            events.append(self._refused(error.error_status_hint, "request: not HTTP/1.1"))
        return events

    def receive_end(self) -> list[Event]:
        self._ended = True
        if not self._in_body:
            return [PeerGoesAway()]
        lost, self._in_body, self._over = self._answering, False, True
        self._answering = False
        return [StreamReset(self._stream)] if lost else []

    def _read(self, events: list[Event]) -> bool:
        """Read the next part; return False when there is none, or it waits for the end of an answer."""
        if not self._buffer:
            return False
        if self._in_body:
            return self._read_body(events)
        if self._answering:
            return False
        if self._closing:
            self._over = True
            return False
        return self._read_head(events)

    def _read_head(self, events: list[Event]) -> bool:
        while self._buffer[:1] in _LINE_ENDS:  # RFC 9112 2.2
            del self._buffer[:1]
        found = self._buffer.find(b"\r\n\r\n") + 4
        if found < 4:
            self._check_first_line()
        if (found if found >= 4 else len(self._buffer)) > self._limits.head:
            raise _BadRequest(431, f"request: its head is longer than {self._limits.head} bytes")
        if found < 4:
            self._over = self._ended
            return False
        head = bytes(self._buffer[:found])
        del self._buffer[:found]
        if head != self._last_head:
            self._last_head, self._parsed = b"", _parse(head)
            self._last_head = head
        self._begin(head, events)
        return True

    def _begin(self, head: bytes, events: list[Event]) -> None:
        parsed = self._parsed
        self._stream += 1
        self._answering, self._begun, self._chunked_answer = True, False, False
        self._in_body, self._left = parsed.length != 0, parsed.length or 0
        self._closing = self._closing or not parsed.stays
        events.append(
            RequestHead(
                self._stream, parsed.method, parsed.target, parsed.headers, parsed.length, parsed.waits
            )
        )
        if not self._in_body:
            events.append(RequestEnd(self._stream))
        elif parsed.length is None:
            self._chunks = h11.Connection(h11.SERVER)
            self._chunks.receive_data(head)
            self._chunks.next_event()

    def _check_first_line(self) -> None:
        """Refuse what does not begin like a request, without waiting for a head that will not come."""
        line, end, rest = self._buffer[:MAX_LINE].partition(b"\n")
        if (_LINE if end else _LINE_BEGIN).fullmatch(line) is None or rest[:1] == b"\n":
            raise _BadRequest(400, "request: not HTTP/1.1")

    def _read_body(self, events: list[Event]) -> bool:
        if self._chunks is not None:
            return self._read_chunks(self._chunks, events)
        piece = bytes(self._buffer[: self._left])
        del self._buffer[: self._left]
        self._left -= len(piece)
        events.append(BodyData(self._stream, piece))
        if not self._left:
            self._end_body(events)
        return True

    def _read_chunks(self, chunks: h11.Connection, events: list[Event]) -> bool:
        chunks.receive_data(bytes(self._buffer))
        self._buffer.clear()
        while True:
            event = chunks.next_event()
            if isinstance(event, h11.Data):
                events.append(BodyData(self._stream, bytes(event.data)))
            elif isinstance(event, h11.EndOfMessage):
                self._buffer += chunks.trailing_data[0]
                self._end_body(events)
                return True
            else:
                return False

    def _end_body(self, events: list[Event]) -> None:
        self._in_body, self._chunks = False, None
        events.append(RequestEnd(self._stream))

    def _refused(self, status: int, text: str) -> Refused:
        self._over, self._in_body = True, False
        self._buffer.clear()
        if not self._answering:
            self._stream += 1
            self._answering, self._begun, self._parsed = True, False, _NOTHING
        if self._begun:
            self._answering = False
            return Refused(status, text)
        return Refused(status, text, self._stream)

    # answering

    def go_on(self, stream: int) -> None:
        if stream == self._stream and self._in_body and self._parsed.waits and not self._begun:
            self._out.append(b"HTTP/1.1 100 Continue\r\n\r\n")

    def send_head(self, stream: int, status: int, headers: tuple[Header, ...], end: bool) -> None:
        if stream != self._stream or not self._answering or self._begun:
            return
        self._begun = True
        lines = [_status_line(status), *(b"%b: %b\r\n" % header for header in headers)]
        if status not in WITHOUT_LENGTH and not any(name == b"content-length" for name, _ in headers):
            if end and self._parsed.method != b"HEAD":
                lines.append(b"content-length: 0\r\n")
            elif self._parsed.chunks:
                self._chunked_answer = not end
                lines.append(b"transfer-encoding: chunked\r\n")
            else:
                self._closing = True  # the end of the connection is the end of the answer
        if self._closing or self._over:
            lines.append(b"connection: close\r\n")
        lines.append(b"\r\n")
        self._out += lines
        if end:
            self._answering = False

    def room(self, stream: int) -> int:
        return UNBOUNDED if stream == self._stream and self._answering else 0

    def send_data(self, stream: int, data: bytes, end: bool) -> None:
        if stream != self._stream or not self._answering:
            return
        if not self._chunked_answer:
            self._out.append(data)
        elif data:
            self._out += (b"%x\r\n" % len(data), data, b"\r\n")
        if end:
            self._answering = False
            if self._chunked_answer:
                self._out.append(b"0\r\n\r\n")

    def reset(self, stream: int) -> None:
        if stream == self._stream:
            self._answering, self._over = False, True
            self._in_body = False

    def close_after(self) -> None:
        self._closing = True

    @property
    def finished(self) -> bool:
        if self._answering or self._in_body:
            return False
        return self._over or self._closing or (self._ended and not self._buffer)

    @property
    def buffered(self) -> int:
        return len(self._buffer)

    def output(self) -> bytes:
        out = b"".join(self._out)
        self._out.clear()
        return out


def _parse(head: bytes) -> _Parsed:
    if _FOLDED.search(head) or _BARE.search(head):
        raise _BadRequest(400, "request: folded headers or bare line ends")
    if _LENGTHS.search(head):
        raise _BadRequest(400, "content-length: more than one")
    parser = h11.Connection(h11.SERVER)
    parser.receive_data(head)
    request = parser.next_event()
    assert isinstance(request, h11.Request)  # the head is complete
    headers = tuple(request.headers)
    if request.http_version not in _VERSIONS:
        raise _BadRequest(505, "request: neither HTTP/1.1 nor HTTP/1.0")
    modern = request.http_version == b"1.1"
    return _Parsed(
        method=request.method,
        target=_target(request.target, headers),
        headers=headers,
        length=_length(headers, modern),
        waits=parser.they_are_waiting_for_100_continue,
        stays=modern and not any(name == b"connection" and _CLOSE.search(value) for name, value in headers),
        chunks=modern,
    )


def _length(headers: tuple[Header, ...], modern: bool) -> int | None:
    """Bytes of the body, None when it comes in chunks; h11 has checked each header."""
    chunked = any(name == b"transfer-encoding" for name, _ in headers)
    lengths = [int(value) for name, value in headers if name == b"content-length"]
    if chunked and (lengths or not modern):
        raise _BadRequest(400, "transfer-encoding: with content-length, or in HTTP/1.0")
    return None if chunked else next(iter(lengths), 0)


@cache
def _status_line(status: int) -> bytes:
    return b"HTTP/1.1 %d %b\r\n" % (status, HTTPStatus(status).phrase.encode())


def _target(target: bytes, headers: tuple[Header, ...]) -> bytes:
    """Path and query, of a target that may have scheme and host too, as for proxies (RFC 9112 3.2.2)."""
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        return target
    hosts = [value.lower() for name, value in headers if name == b"host"]
    if hosts != [absolute[1].lower()]:
        raise _BadRequest(400, "host: another one than in the target")
    return absolute[2] if absolute[2].startswith(b"/") else b"/" + absolute[2]
