"""HTTP/2 frames, as far as both codecs need them: where one ends, which may follow which, a few made by hand.

The libraries below the codecs check what is in a frame. What bounds the work that a peer can ask for is
checked here, the same for both.
"""

from collections.abc import Iterator, Mapping
from enum import IntEnum
from struct import Struct
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME_SIZE: Final = 1 << 14
"""Bytes of a frame's payload at most: what HTTP/2 grants every peer, and no setting of ours enlarges it."""
MAX_CONTINUATIONS: Final = 16
"""CONTINUATION frames of one block of headers at most."""
END_STREAM: Final = 0x1
ACK: Final = 0x1
END_HEADERS: Final = 0x4
PADDED: Final = 0x8
PRIORITY: Final = 0x20
_HEAD: Final = Struct(">BHBBL")
_SETTING: Final = Struct(">HL")
_GOAWAY: Final = Struct(">LL")
_ID: Final = 0x7FFFFFFF

Frame = tuple[int, int, int, bytes]
"""Kind, flags, stream, and the whole frame with its head."""


class Kind:
    """The kinds of frames that HTTP/2 has: plain numbers, since they are compared for every frame."""

    DATA: Final = 0
    HEADERS: Final = 1
    PRIORITY: Final = 2
    RST_STREAM: Final = 3
    SETTINGS: Final = 4
    PUSH_PROMISE: Final = 5
    PING: Final = 6
    GOAWAY: Final = 7
    WINDOW_UPDATE: Final = 8
    CONTINUATION: Final = 9


class Code(IntEnum):
    """HTTP/2's error codes, those that the codecs send."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    ENHANCE_YOUR_CALM = 11


class ConnectionFault(Exception):
    """The peer broke a rule of the whole connection.

    :param code: for GOAWAY.
    :param text: our words.
    :param said: the GOAWAY is among the bytes to send already.
    """

    def __init__(self, code: int, text: str, said: bool = False) -> None:
        super().__init__(text)
        self.code, self.text, self.said = code, text, said


class FrameReader:
    """Splits bytes into frames. Keeps one incomplete frame at most.

    :param block: bytes of a compressed block of headers at most, its CONTINUATION frames included.
    :param preface: what comes before the frames; a server sends nothing.
    """

    def __init__(self, block: int, preface: bytes = PREFACE) -> None:
        self._most = block
        self._rest = b""
        self._preface = preface
        self._settled = False
        self._block_stream = self._block_size = self._continuations = 0

    def take(self, data: bytes) -> Iterator[Frame]:
        """The frames that these bytes complete.

        :raises ConnectionFault: they break a rule; what came before has been yielded. It cannot go on.
        """
        if self._preface:
            data = self._take_preface(data)
        buffer = self._rest + data if self._rest else data
        position, size = 0, len(buffer)
        while size - position >= _HEAD.size:
            high, low, kind, flags, stream = _HEAD.unpack_from(buffer, position)
            length = high << 16 | low
            if length > FRAME_SIZE:
                raise ConnectionFault(Code.FRAME_SIZE_ERROR, "a frame is too large")
            end = position + _HEAD.size + length
            if end > size:
                break
            stream &= _ID
            self._follow(kind, flags, stream, length)
            yield kind, flags, stream, buffer[position:end]
            position = end
        self._rest = buffer[position:]

    def _take_preface(self, data: bytes) -> bytes:
        """What comes after the preface.

        :raises ConnectionFault: it is another.
        """
        part = data[: len(self._preface)]
        if not self._preface.startswith(part):
            raise ConnectionFault(Code.PROTOCOL_ERROR, "this is not HTTP/2: it begins otherwise")
        self._preface = self._preface[len(part) :]
        return data[len(part) :]

    def _follow(self, kind: int, flags: int, stream: int, length: int) -> None:
        """Check that a frame may come now.

        :raises ConnectionFault: it may not.
        """
        if not self._settled:
            if kind != Kind.SETTINGS or flags & ACK:
                raise ConnectionFault(Code.PROTOCOL_ERROR, "the first frame is not SETTINGS")
            self._settled = True
        if self._block_stream:
            self._go_on_with_block(kind, stream, length)
        elif kind == Kind.CONTINUATION:
            raise ConnectionFault(Code.PROTOCOL_ERROR, "CONTINUATION continues nothing")
        elif kind == Kind.HEADERS:
            self._block_stream, self._block_size, self._continuations = stream, length, 0
        else:
            return
        if self._block_size > self._most:
            raise ConnectionFault(Code.ENHANCE_YOUR_CALM, "a block of headers is too large")
        if flags & END_HEADERS:
            self._block_stream = 0

    def _go_on_with_block(self, kind: int, stream: int, length: int) -> None:
        """Count a frame to the block of headers that has begun.

        :raises ConnectionFault: it belongs to no block, or is one too many.
        """
        if kind != Kind.CONTINUATION or stream != self._block_stream:
            raise ConnectionFault(Code.PROTOCOL_ERROR, "a block of headers is interrupted")
        self._block_size += length
        self._continuations += 1
        if self._continuations > MAX_CONTINUATIONS:
            raise ConnectionFault(Code.ENHANCE_YOUR_CALM, "a block of headers has too many pieces")


def body_size(flags: int, frame: bytes) -> int:
    """Bytes of body in a DATA frame: without its padding. Negative when the padding is too long."""
    size = len(frame) - _HEAD.size
    if flags & PADDED:
        return size - 1 - (frame[_HEAD.size] if size else 0)
    return size


def without_priority(flags: int, stream: int, frame: bytes) -> bytes:
    """A HEADERS frame without what RFC 7540 had in it of priorities; RFC 9113 has servers ignore that.

    :raises ConnectionFault: it is too short.
    """
    if not flags & PRIORITY:
        return frame
    begin = _HEAD.size + bool(flags & PADDED)
    if len(frame) < begin + 5:
        raise ConnectionFault(Code.FRAME_SIZE_ERROR, "a frame is too short")
    return _frame(Kind.HEADERS, flags & ~PRIORITY, stream, frame[_HEAD.size : begin] + frame[begin + 5 :])


def settings_frame(settings: Mapping[int, int]) -> bytes:
    """A SETTINGS frame."""
    return _frame(Kind.SETTINGS, 0, 0, b"".join(_SETTING.pack(*each) for each in settings.items()))


def goaway_frame(last: int, code: int, debug: bytes = b"") -> bytes:
    """A GOAWAY frame.

    :param last: the highest stream that was or will be worked on.
    :param debug: for people, or what the two sides have agreed on.
    """
    return _frame(Kind.GOAWAY, 0, 0, _GOAWAY.pack(last, code) + debug)


def goaway(frame: bytes) -> tuple[int, int, bytes]:
    """What a GOAWAY frame says: the last stream that was looked at, the code, and the server's words.

    :raises ConnectionFault: it is too short, or of a stream.
    """
    if int.from_bytes(frame[_HEAD.size - 4 : _HEAD.size]) & _ID:
        raise ConnectionFault(Code.PROTOCOL_ERROR, "a frame is on the wrong stream")
    if len(frame) < _HEAD.size + _GOAWAY.size:
        raise ConnectionFault(Code.FRAME_SIZE_ERROR, "a frame has a wrong length")
    last, code = _GOAWAY.unpack_from(frame, _HEAD.size)
    return last & _ID, code, frame[_HEAD.size + _GOAWAY.size :]


def end_frame(stream: int) -> bytes:
    """A DATA frame without data that ends a stream: it needs no window."""
    return _frame(Kind.DATA, END_STREAM, stream, b"")


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """A frame."""
    return _HEAD.pack(len(payload) >> 16, len(payload) & 0xFFFF, kind, flags, stream) + payload
