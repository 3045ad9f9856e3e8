"""Notification frames, provider to push service: commands 0, 1 and 2, encoded and decoded.

All integers are unsigned and big-endian.

* command 0: ``00``, token length (2), token, payload length (2), payload
* command 1: ``01``, identifier (4), expiration (4), then as command 0
* command 2: ``02``, frame length (4), items; an item is its number (1), its length (2), its data:
  1 token, 2 payload, 3 identifier (4), 4 expiration (4), 5 priority (1), in any order
"""

from collections.abc import Iterable
from functools import lru_cache
from struct import Struct
from typing import Final

import msgspec

from pushgate.protocols.apns_binary.status import ErrorStatus

MAX_FRAME: Final = 15 + 100 + 4096 + 9
"""Bytes of items in one command 2 frame at most: a token of 100, a payload of 4096 and the rest."""
MAX_PAYLOAD: Final = 4096
"""Bytes of a payload that Apple's service takes, the largest kind; a decoder may be given another number."""
MAX_TOKEN: Final = 100

_SIMPLE = Struct(">BH")
_ENHANCED = Struct(">BIIH")
_FRAMED = Struct(">BI")
_LENGTH = Struct(">H")
_ITEM = Struct(">BH")


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One notification as it stands on the wire.

    :param identifier: None when the frame carries none: always for command 0.
    :param expiration: Unix seconds; None when absent.
    :param priority: 10 for commands 0 and 1 (Appendix B); None when absent.
    """

    command: int
    token: bytes
    payload: bytes
    identifier: int | None = None
    expiration: int | None = None
    priority: int | None = None


class MalformedFrame(msgspec.Struct, frozen=True, gc=False):
    """Something on the wire that is no frame; where the next one would begin cannot be known.

    :param identifier: of the offending frame, 0 when it is not known.
    :param status: what a service answers.
    :param mute: the service closes without an answer: to command 0, and to a byte that is no command.
    """

    reason: str
    identifier: int = 0
    status: ErrorStatus = ErrorStatus.PROTOCOL_ERROR
    mute: bool = False


def encode_simple(token: bytes, payload: bytes) -> bytes:
    """A command 0 frame; raise struct.error when a length does not fit its two bytes."""
    return b"".join((_SIMPLE.pack(0, len(token)), token, _LENGTH.pack(len(payload)), payload))


def encode_enhanced(identifier: int, expiration: int, token: bytes, payload: bytes) -> bytes:
    """A command 1 frame; raise struct.error when a number does not fit its field."""
    head = _ENHANCED.pack(1, identifier, expiration, len(token))
    return b"".join((head, token, _LENGTH.pack(len(payload)), payload))


def encode_framed(items: Iterable[tuple[int, bytes]]) -> bytes:
    """A command 2 frame of these items, number and data, in this order."""
    body = b"".join(_ITEM.pack(number, len(data)) + data for number, data in items)
    return _FRAMED.pack(2, len(body)) + body


def encode_run(
    tokens: Iterable[bytes],
    payloads: Iterable[bytes],
    identifiers: Iterable[int],
    expiration: int | None,
    priority: int,
) -> list[bytes]:
    """Command 2 frames for a run of notifications that share their expiration and priority."""
    tail = b"" if expiration is None else _ITEM.pack(4, 4) + expiration.to_bytes(4, "big")
    tail += _ITEM.pack(5, 1) + bytes((priority,))
    size = len(tail)
    return [
        _layout(len(token), len(payload), size).pack(
            2, 13 + len(token) + len(payload) + size, 1, len(token), token,
            2, len(payload), payload, 3, 4, identifier, tail,
        )
        for token, payload, identifier in zip(tokens, payloads, identifiers, strict=True)
    ]  # fmt: skip


def encode_sentinel(identifier: int) -> bytes:
    """A frame that is known to be rejected, with no token and no payload: its error proves all before it."""
    items = ((3, identifier.to_bytes(4, "big")), (1, b""), (2, b""), (4, bytes(4)), (5, b"\x0a"))
    return encode_framed(items)


@lru_cache(maxsize=8192)
def _layout(token: int, payload: int, tail: int) -> Struct:
    """The layout of a whole frame for these lengths, so that one call packs it."""
    return Struct(f">BIBH{token}sBH{payload}sBHI{tail}s")


class FrameDecoder:
    """Frames from a stream of bytes, however it is cut. After a `MalformedFrame` it ignores the rest.

    :param max_payload: bytes; a longer payload makes its frame malformed.
    """

    def __init__(self, max_payload: int = MAX_PAYLOAD) -> None:
        self._max_payload = max_payload
        self._buffer = b""
        self._broken = False

    @property
    def partial(self) -> bool:
        """Whether the last frame is incomplete."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[Frame | MalformedFrame]:
        """The frames that are complete with `data`; a `MalformedFrame` is always the last."""
        if self._broken:
            return []
        buffer = self._buffer + data if self._buffer else data
        frames: list[Frame | MalformedFrame] = []
        longest = _longest(self._max_payload)
        at = _decode_usual(buffer, 0, frames, longest)
        while at < len(buffer) and not self._broken:
            frame, end = _decode(buffer, at, self._max_payload)
            if frame is None:
                break
            frames.append(frame)
            self._broken = isinstance(frame, MalformedFrame)
            at = end if self._broken else _decode_usual(buffer, end, frames, longest)
        self._buffer = buffer[at:] if not self._broken else b""
        return frames


_HEAD_3, _HEAD_4, _HEAD_5 = _ITEM.pack(3, 4), _ITEM.pack(4, 4), _ITEM.pack(5, 1)


class _Usual(msgspec.Struct, frozen=True, gc=False):
    """How a command 2 frame is laid out whose items stand in the order 1, 2, 3, 4, 5 or 1, 2, 3, 5.

    :param length: of the whole frame.
    :param token_end: where item 2 begins; the three bytes there show which of the two it is.
    """

    length: int
    token_end: int
    with_expiration: tuple[bytes, Struct]
    without: tuple[bytes, Struct]


@lru_cache(maxsize=8192)
def _usual(head: bytes) -> _Usual | None:
    """The usual layouts of a frame that begins with these eight bytes: all up to the length of its token."""
    if len(head) < 8 or head[0] != 2 or head[5] != 1:
        return None
    length, token = int.from_bytes(head[1:5], "big"), int.from_bytes(head[6:8], "big")
    payload = length - token - 24
    if not 0 <= payload <= 0xFFFF - 7:
        return None
    return _Usual(
        5 + length,
        8 + token,
        (_ITEM.pack(2, payload), Struct(f">8x{token}s3x{payload}s3sI3sI3sB")),
        (_ITEM.pack(2, payload + 7), Struct(f">8x{token}s3x{payload + 7}s3sI3sB")),
    )


def _longest(max_payload: int) -> int:
    """Bytes of a whole command 2 frame at most."""
    return 5 + MAX_FRAME - MAX_PAYLOAD + max_payload


def _decode_usual(buffer: bytes, at: int, frames: list[Frame | MalformedFrame], longest: int) -> int:
    """Decode what is laid out as usual from `at` on, at a fifth of the cost, and say where that ends.

    Anything else, and anything incomplete, is left to `_decode`.
    """
    size = len(buffer)
    while (usual := _usual(buffer[at : at + 8])) and at + usual.length <= size and usual.length <= longest:
        head_2 = buffer[at + usual.token_end : at + usual.token_end + 3]
        expiration = None
        if head_2 == usual.with_expiration[0]:
            token, payload, head_3, identifier, head_4, expiration, head_5, priority = usual.with_expiration[
                1
            ].unpack_from(buffer, at)
            if head_4 != _HEAD_4:
                break
        elif head_2 == usual.without[0]:
            token, payload, head_3, identifier, head_5, priority = usual.without[1].unpack_from(buffer, at)
        else:
            break
        if head_3 != _HEAD_3 or head_5 != _HEAD_5:
            break
        frames.append(Frame(2, token, payload, identifier, expiration, priority))
        at += usual.length
    return at


_Decoded = tuple[Frame | MalformedFrame | None, int]
_PARTIAL: Final[_Decoded] = (None, 0)


def _decode(buffer: bytes, at: int, max_payload: int = MAX_PAYLOAD) -> _Decoded:
    """The frame that begins at `at` and where it ends; (None, 0) while it is incomplete."""
    command = buffer[at]
    if command == 2:
        return _decode_framed(buffer, at, _longest(max_payload))
    if command == 1:
        if len(buffer) < at + 9:
            return _PARTIAL
        _, identifier, expiration = _ENHANCED_HEAD.unpack_from(buffer, at)
        return _decode_pair(buffer, at + 9, max_payload, Frame(1, b"", b"", identifier, expiration, 10))
    if command == 0:
        return _decode_pair(buffer, at + 1, max_payload, Frame(0, b"", b"", None, None, 10))
    return MalformedFrame(f"command {command}", mute=True), 0


_ENHANCED_HEAD = Struct(">BII")


def _decode_pair(buffer: bytes, at: int, max_payload: int, head: Frame) -> _Decoded:
    """Token and payload of commands 0 and 1, each behind its length; `head` is what stands before them."""
    parts = []
    for what, limit, status in (
        ("token", MAX_TOKEN, ErrorStatus.INVALID_TOKEN_SIZE),
        ("payload", max_payload, ErrorStatus.INVALID_PAYLOAD_SIZE),
    ):
        if len(buffer) < at + 2:
            return _PARTIAL
        (length,) = _LENGTH.unpack_from(buffer, at)
        if length > limit:
            return MalformedFrame(
                f"{what} of {length} bytes", head.identifier or 0, status, head.command == 0
            ), 0
        at += 2
        parts.append(buffer[at : at + length])
        at += length
    if at > len(buffer):
        return _PARTIAL
    return Frame(head.command, parts[0], parts[1], head.identifier, head.expiration, 10), at


_ITEM_LENGTHS: Final = {3: 4, 4: 4, 5: 1}


def _decode_framed(buffer: bytes, at: int, longest: int) -> _Decoded:
    if len(buffer) < at + 5:
        return _PARTIAL
    _, length = _FRAMED.unpack_from(buffer, at)
    if 5 + length > longest:
        return MalformedFrame(f"frame of {length} bytes"), 0
    end = at + 5 + length
    if end > len(buffer):
        return _PARTIAL
    items: dict[int, bytes] = {}
    at += 5
    while at < end:
        if at + 3 > end:
            return _malformed("item cut short", items), 0
        number, size = _ITEM.unpack_from(buffer, at)
        at += 3 + size
        if at > end or size != _ITEM_LENGTHS.get(number, size) or number in items:
            return _malformed(f"item {number} of {size} bytes", items), 0
        items[number] = buffer[at - size : at]
    return _frame(items), end


def _frame(items: dict[int, bytes]) -> Frame:
    """A frame from its items; a missing token or payload is empty, which the service answers with 2 or 4."""
    identifier, expiration, priority = (
        int.from_bytes(items[number], "big") if number in items else None for number in (3, 4, 5)
    )
    return Frame(2, items.get(1, b""), items.get(2, b""), identifier, expiration, priority)


def _malformed(why: str, items: dict[int, bytes]) -> MalformedFrame:
    return MalformedFrame(why, int.from_bytes(items.get(3, b""), "big"))
