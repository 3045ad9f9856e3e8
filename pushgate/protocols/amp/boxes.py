"""AMP boxes in bytes, within bounds: no input and no output, just the format.

A box is keys and values, each behind its length in two bytes, big-endian, and ends with an empty key.
"""

from typing import Final

from pushgate.model.errors import PushgateError

MAX_KEY: Final = 255
"""Bytes of a key at most, so that the first byte of its length is always zero."""
MAX_KEYS: Final = 32
"""Keys of one box at most."""
MAX_BOX: Final = 1 << 18
"""Bytes of one box at most: enough for four values of full length."""

Box = dict[bytes, bytes]


class Malformed(PushgateError):
    """What a peer sent is no AMP; nothing after it on that connection can be understood."""


class BoxReader:
    """Takes bytes as they come, gives boxes as they are complete."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._needed = 2  # bytes without which looking again is of no use

    def feed(self, data: bytes) -> None:
        """Take more bytes."""
        self._buffer += data

    @property
    def partial(self) -> bool:
        """Whether there are bytes that `next` has not given."""
        return bool(self._buffer)

    def next(self) -> Box | None:
        """The next box, None until it is complete.

        :raises Malformed: when the bytes are no box, or one beyond the bounds.
        """
        if len(self._buffer) < self._needed:
            return None
        box: Box = {}
        at = 0
        for _ in range(MAX_KEYS + 1):
            key = self._string(at, MAX_KEY)
            if key is None:
                return None
            at += 2 + len(key)
            if not key:
                self._take(at)
                return box
            value = self._string(at, MAX_BOX)
            if value is None:
                return None
            at += 2 + len(value)
            box[key] = value
        raise Malformed(f"a box of more than {MAX_KEYS} keys")

    def _string(self, at: int, limit: int) -> bytes | None:
        """The string whose length stands at `at`, None until it is there."""
        buffer = self._buffer
        if len(buffer) < at + 2:
            self._needed = at + 2
            return None
        length = buffer[at] << 8 | buffer[at + 1]
        end = at + 2 + length
        if length > limit:
            raise Malformed(f"a key of {length} bytes; at most {limit}")
        if end > MAX_BOX:
            raise Malformed(f"a box of more than {MAX_BOX} bytes")
        if len(buffer) < end:
            self._needed = end
            return None
        return bytes(buffer[at + 2 : end])

    def _take(self, size: int) -> None:
        del self._buffer[:size]
        self._needed = 2


def box_bytes(box: Box) -> bytes:
    """A box as it goes on the wire; raise OverflowError when a value is longer than 65535 bytes."""
    parts: list[bytes] = []
    for key, value in box.items():
        parts += (len(key).to_bytes(2, "big"), key, len(value).to_bytes(2, "big"), value)
    return b"".join(parts) + b"\0\0"
