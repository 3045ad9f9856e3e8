"""What both codecs of HTTP/2 have in common: all but framing, HPACK, windows and the states of streams.

A codec gives its library one whole frame at a time, so that what a frame causes is done before the next one
is looked at, in the same order with every library. Frames that no library need see (priorities, GOAWAY,
frames of unknown kinds) are dealt with here; so is what a library would make an error of the connection where
RFC 9113 has one of the stream.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec

from pushgate.net.http.codec import (
    BodyData,
    CodecLimits,
    Event,
    Header,
    PeerGoesAway,
    Refused,
    RequestEnd,
    RoomGrew,
    StreamReset,
)
from pushgate.net.http.http2_frames import (
    ACK,
    END_STREAM,
    MAX_SETTINGS,
    Code,
    ConnectionFault,
    FrameReader,
    Kind,
    body_size,
    goaway_frame,
    settings_frame,
    without_priority,
)
from pushgate.net.http.http2_requests import Malformed, check_fields, request_head, size_of

DEFAULT_WINDOW: Final = 65_535
"""Bytes that HTTP/2 grants before anything is said."""
MAX_CONCURRENT_STREAMS: Final = 3
"""The number of the setting."""
NO_STREAM_LIMIT: Final = 0x7FFFFFFF
_MOST_ROOM: Final = 1 << 20
"""Bytes of an answer taken at a time at most: a large window is no reason to copy all of a large body."""
_HEAD_SIZE: Final = 9
_DROPPED: Final = frozenset({b"connection", b"transfer-encoding"})
_UNLIKE: Final = frozenset({b"apns-id", b"apns-unique-id", b"location", b"set-cookie"})
"""Headers whose values do not come again, or are secret: not for HPACK's table."""


def hard_limit(limits: CodecLimits) -> int:
    """Bytes of a head, as HTTP/2 counts them, that are decoded at all.

    Between `CodecLimits.head` and this the answer is 431; beyond this the connection ends.
    """
    return max(4 * limits.head, 1 << 16)


def settings_of(limits: CodecLimits, streams: int) -> dict[int, int]:
    """The settings that a codec announces.

    :param streams: at a time. The libraries are given `NO_STREAM_LIMIT`: for one stream too many they would
        end the connection, where RFC 9113 5.1.2 has that stream refused.
    """
    return {2: 0, MAX_CONCURRENT_STREAMS: streams, 4: limits.window, 6: limits.head}


def kept(headers: Sequence[Header]) -> list[tuple[Header, bool]]:
    """The headers of an answer that HTTP/2 has, each with whether it is kept out of HPACK's table."""
    return [(each, each[0] in _UNLIKE) for each in headers if each[0] not in _DROPPED]


class _Stream(msgspec.Struct):
    """A request under way.

    :ivar missing: bytes of its body that are to come; None when that is not known.
    :ivar waits: for `ServerCodec.go_on`.
    :ivar complete: all of it has come.
    :ivar answered: the head of its answer was sent.
    """

    missing: int | None
    waits: bool
    complete: bool = False
    answered: bool = False


class HTTP2Codec(ABC):
    """A server's side of HTTP/2, without its library. See `ServerCodec`.

    A stream is known here from its `RequestHead` until its answer has ended or it was reset.
    """

    multiplexed = True
    buffered = 0

    def __init__(self, limits: CodecLimits) -> None:
        self.control_frames = 0
        self._limits = limits
        self._reader = FrameReader(hard_limit(limits))
        self._streams: dict[int, _Stream] = {}
        self._events: list[Event] = []
        self._out: list[bytes] = []
        self.highest = 0
        self._most_streams, self._last = limits.streams, NO_STREAM_LIMIT
        self._announced = deque[int]()
        self._peer_window = DEFAULT_WINDOW
        self._acknowledged = self._refused = self._closing = self._turns_away = self._peer_left = False

    # What a library does.

    @abstractmethod
    def _feed(self, frame: bytes) -> None:
        """Take a whole frame; call ``_on_…`` for what it causes.

        :raises ConnectionFault: it breaks a rule of the connection.
        """

    @abstractmethod
    def _send_headers(self, stream: int, status: int, headers: Sequence[Header], end: bool) -> None:
        """Send the head of an answer, or a status below 200 before it."""

    @abstractmethod
    def _send_body(self, stream: int, data: bytes, end: bool) -> None:
        """Send a part of an answer that the windows have room for."""

    @abstractmethod
    def _send_reset(self, stream: int, code: int) -> None:
        """Send RST_STREAM, after all that was sent on the stream."""

    @abstractmethod
    def _window(self, stream: int) -> int:
        """Bytes that the peer takes on a stream now; not positive: none."""

    @property
    @abstractmethod
    def room_of_all(self) -> int:
        """Bytes that the peer takes on all streams together."""

    @abstractmethod
    def _flush(self) -> None:
        """Append what the library has to send to ``_out``."""

    # What the caller does.

    def receive(self, data: bytes) -> list[Event]:
        if self._refused:
            return []
        try:
            for kind, flags, stream, frame in self._reader.take(data):
                self._take(kind, flags, stream, frame)
        except ConnectionFault as fault:
            self._refuse(fault)
        except Exception:  # noqa: BLE001 - both libraries have raised other errors than their own
            self._refuse(ConnectionFault(Code.PROTOCOL_ERROR, "a frame cannot be understood"))
        events, self._events = self._events, []
        return events

    def receive_end(self) -> list[Event]:
        if self._refused:
            return []
        self._peer_left = True
        for stream in [stream for stream, state in self._streams.items() if not state.complete]:
            self._lose(stream)
            self._send_reset(stream, Code.CANCEL)
        events, self._events = self._events, []
        return events

    def go_on(self, stream: int) -> None:
        state = self._streams.get(stream)
        if state is not None and state.waits and not state.answered:
            state.waits = False
            self._send_headers(stream, 100, (), False)

    def send_head(self, stream: int, status: int, headers: tuple[Header, ...], end: bool) -> None:
        state = self._streams.get(stream)
        if state is None or state.answered:
            return
        state.answered = True
        self._send_headers(stream, status, headers, end)
        if end:
            self._ended(stream, state)

    def room(self, stream: int) -> int:
        if stream not in self._streams:
            return 0
        return max(0, min(self._window(stream), _MOST_ROOM))

    def send_data(self, stream: int, data: bytes, end: bool) -> None:
        """See `ServerCodec`.

        :raises ValueError: there is no room for it, or no head was sent.
        """
        state = self._streams.get(stream)
        if state is None or not (data or end):
            return
        if not state.answered or (data and len(data) > self.room(stream)):
            raise ValueError("a part of an answer needs a head before it, and room")
        self._send_body(stream, data, end)
        if end:
            self._ended(stream, state)

    def reset(self, stream: int, code: int = Code.INTERNAL_ERROR) -> None:
        if self._streams.pop(stream, None) is not None:
            self._send_reset(stream, code)

    def close_after(self) -> None:
        if not self._closing and not self._refused:
            self._turns_away = True
            self.go_away(self.highest)

    def limit_streams(self, streams: int) -> None:
        self._flush()
        # Not by the library, for which there is no limit.
        self._out.append(settings_frame({MAX_CONCURRENT_STREAMS: streams}))
        self._announced.append(streams)
        self._most_streams = max(self._most_streams, streams)

    def go_away(self, last: int, code: int = Code.NO_ERROR, debug: bytes = b"") -> None:
        self._closing, self._last = True, last
        self._streams = {stream: state for stream, state in self._streams.items() if stream <= last}
        self._flush()
        # Not by the library: h2 would take an answer for an error after its own GOAWAY.
        self._out.append(goaway_frame(last, code, debug))

    @property
    def finished(self) -> bool:
        return self._refused or ((self._closing or self._peer_left) and not self._streams)

    def output(self) -> bytes:
        if not self._refused:
            self._flush()
        data = b"".join(self._out)
        self._out.clear()
        return data

    # What comes from the peer.

    def _take(self, kind: int, flags: int, stream: int, frame: bytes) -> None:
        """A frame has come.

        :raises ConnectionFault: it breaks a rule of the connection.
        """
        if kind == Kind.DATA:
            self._take_data(flags, stream, frame)
        elif kind == Kind.HEADERS:
            self._take_headers(flags, stream, frame)
        elif kind == Kind.CONTINUATION:
            self._feed(frame)
        else:
            self.control_frames += 1
            self._take_control(kind, flags, stream, frame)

    def _take_data(self, flags: int, stream: int, frame: bytes) -> None:
        """DATA has come. Checked before the library sees it, which then counts it to the windows only."""
        end = flags & END_STREAM
        size = body_size(flags, frame)
        if not size and not end:
            self.control_frames += 1
        state = self._streams.get(stream)
        if state is not None:
            if state.complete:
                self._break(stream, Code.STREAM_CLOSED)
            elif state.missing is not None and (size > state.missing or (end and size != state.missing)):
                self._break(stream, Code.PROTOCOL_ERROR)
        self._feed(frame)

    def _take_headers(self, flags: int, stream: int, frame: bytes) -> None:
        """HEADERS have come: a request, or the end of one."""
        state = self._streams.get(stream)
        if state is not None:
            if state.complete:
                self._break(stream, Code.STREAM_CLOSED)
            elif not flags & END_STREAM:
                self._break(stream, Code.PROTOCOL_ERROR)
        if stream % 2:
            self.highest = max(self.highest, stream)
        self._feed(without_priority(flags, stream, frame))

    def _take_control(self, kind: int, flags: int, stream: int, frame: bytes) -> None:
        """A frame that brings nothing has come.

        :raises ConnectionFault: it breaks a rule of the connection.
        """
        size = len(frame) - _HEAD_SIZE
        if kind in {Kind.PING, Kind.WINDOW_UPDATE}:
            self._feed(frame)
        elif kind == Kind.RST_STREAM:
            if stream > self.highest:
                raise ConnectionFault(Code.PROTOCOL_ERROR, "a stream is reset that has not begun")
            self._feed(frame)
        elif kind == Kind.SETTINGS:
            self._take_settings(flags, size, frame)
        elif kind == Kind.PUSH_PROMISE:
            raise ConnectionFault(Code.PROTOCOL_ERROR, "a client pushes")
        elif kind == Kind.PRIORITY:
            _check_form(stream != 0, size == 5)
        elif kind == Kind.GOAWAY:
            _check_form(stream == 0, size >= 8)
            if not self._peer_left:
                self._peer_left = True
                self._events.append(PeerGoesAway())

    def _take_settings(self, flags: int, size: int, frame: bytes) -> None:
        """SETTINGS have come, or the acknowledgement of ours, of which the library knows the first ones.

        :raises ConnectionFault: they break a rule.
        """
        if size > MAX_SETTINGS * 6:
            raise ConnectionFault(Code.ENHANCE_YOUR_CALM, "too many settings at a time")
        if flags & ACK:
            if self._acknowledged:
                if not self._announced or size:
                    raise ConnectionFault(Code.PROTOCOL_ERROR, "settings are acknowledged that were not sent")
                self._most_streams = max((self._announced.popleft(), *self._announced))
                return
            self._acknowledged = True
        self._feed(frame)

    # What the library says.

    def _on_head(self, stream: int, fields: Sequence[Header], end: bool) -> None:
        """A request has come."""
        try:
            head = request_head(stream, fields, end)
        except Malformed:
            self._break(stream, Code.PROTOCOL_ERROR)
            return
        if stream > self._last and not self._turns_away:
            self.control_frames += 1
        elif len(self._streams) >= self._most_streams or self._turns_away or self._peer_left:
            self._break(stream, Code.REFUSED_STREAM)
        elif size_of(fields) > self._limits.head:
            self._too_large(stream, end)
        else:
            self._streams[stream] = _Stream(head.length, head.waits)
            self._events.append(head)
            if end:
                self._complete(stream)

    def _on_trailers(self, stream: int, fields: Sequence[Header]) -> None:
        """A body has ended with headers."""
        state = self._streams.get(stream)
        if state is None:
            return
        try:
            check_fields(fields)
        except Malformed:
            self._break(stream, Code.PROTOCOL_ERROR)
            return
        if state.missing:
            self._break(stream, Code.PROTOCOL_ERROR)
        else:
            self._complete(stream)

    def _on_data(self, stream: int, data: bytes, end: bool) -> None:
        """A part of a body has come; its length was checked."""
        state = self._streams.get(stream)
        if state is None:
            return
        if data:
            state.waits = False
            if state.missing is not None:
                state.missing -= len(data)
            self._events.append(BodyData(stream, data))
        if end:
            self._complete(stream)

    def _on_reset(self, stream: int, by_peer: bool) -> None:
        """A stream was reset, by the peer or by the library because the peer broke a rule."""
        if not by_peer:
            self.control_frames += 1
        self._lose(stream)

    def _on_room(self, stream: int) -> None:
        """A window has grown."""
        if not stream or stream in self._streams:
            self._events.append(RoomGrew(stream))

    def _on_peer_window(self, size: int) -> None:
        """The window of all streams is another."""
        if size > self._peer_window:
            self._events.append(RoomGrew(0))
        self._peer_window = size

    # What follows from it.

    def _complete(self, stream: int) -> None:
        """All of a request has come."""
        state = self._streams[stream]
        state.complete, state.waits = True, False
        self._events.append(RequestEnd(stream))

    def _ended(self, stream: int, state: _Stream) -> None:
        """An answer has ended. A request that has not is not wanted any more: RFC 9113 8.1."""
        del self._streams[stream]
        if not state.complete:
            self._send_reset(stream, Code.NO_ERROR)

    def _lose(self, stream: int) -> None:
        """Nothing more comes of a stream, if it is one that the caller knows."""
        if self._streams.pop(stream, None) is not None:
            self._events.append(StreamReset(stream))

    def _break(self, stream: int, code: int) -> None:
        """The peer broke a rule of a stream: work for nothing, as a frame that brings nothing is."""
        self.control_frames += 1
        self._lose(stream)
        self._send_reset(stream, code)

    def _too_large(self, stream: int, end: bool) -> None:
        """A head is too large: the answer is 431."""
        self.control_frames += 1
        self._send_headers(stream, 431, ((b"content-length", b"0"),), True)
        if not end:
            self._send_reset(stream, Code.NO_ERROR)

    def _refuse(self, fault: ConnectionFault) -> None:
        """The peer broke a rule of the connection."""
        self._refused = True
        self._streams.clear()
        if not fault.said:
            self._out.append(goaway_frame(self.highest, fault.code))
        self._events.append(Refused(400, fault.text))


def _check_form(on_right_stream: bool, right_size: bool) -> None:
    """Check a frame that no library sees.

    :raises ConnectionFault: it is malformed.
    """
    if not on_right_stream:
        raise ConnectionFault(Code.PROTOCOL_ERROR, "a frame is on a stream that it cannot be on")
    if not right_size:
        raise ConnectionFault(Code.FRAME_SIZE_ERROR, "a frame has a wrong length")
