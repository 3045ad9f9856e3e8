"""Splitting bytes into lines, which end with CRLF and nothing else."""

from typing import Final

MAX_LINE: Final = 1 << 15
"""Bytes of a line at most. A payload is often one line, and longer than the 998 bytes of RFC 5322."""


class LineReader:
    """Splits received bytes into lines. It buffers one partial line, and drops lines that are too long."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0
        self._too_long = False

    def feed(self, data: bytes) -> None:
        """Add received bytes."""
        self._buffer += data

    def next(self) -> bytes | None:
        """Return the next line without its end, or None if there is no complete one.

        In place of a line that is too long, `MAX_LINE` + 1 zero bytes are returned.
        """
        end = self._buffer.find(b"\r\n", self._at)
        if end < 0:
            self._compact()
            return None
        line = bytes(self._buffer[self._at : end])
        self._at = end + 2
        if self._too_long or len(line) > MAX_LINE:
            self._too_long = False
            return bytes(MAX_LINE + 1)
        return line

    @property
    def partial(self) -> bool:
        """Whether there is a partial line."""
        return self._too_long or len(self._buffer) > self._at

    @property
    def bare(self) -> bool:
        """Whether the partial line has a bare LF."""
        return self._buffer.find(b"\n", self._at) >= 0

    def clear(self) -> None:
        """Drop all bytes."""
        self._buffer.clear()
        self._at, self._too_long = 0, False

    def _compact(self) -> None:
        del self._buffer[: self._at]
        self._at = 0
        if len(self._buffer) > MAX_LINE + 1:
            self._too_long = True
            del self._buffer[:-1]  # it may be the CR of the line's end
