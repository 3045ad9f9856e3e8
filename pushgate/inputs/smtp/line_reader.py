"""Cutting lines out of bytes: CRLF ends one, and nothing else does."""

from typing import Final

MAX_LINE: Final = 1 << 15
"""Bytes of a line at most. A payload is often one line, and longer than the 998 bytes of RFC 5322."""


class LineReader:
    """Keeps a part of one line at most; of a line that is too long, nothing."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0
        self._too_long = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._buffer += data

    def next(self) -> bytes | None:
        """Return the next line without its end; None when there is no whole one.

        A line that is too long is returned as one of `MAX_LINE` + 1 bytes.
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
        """True while a part of a line is there."""
        return self._too_long or len(self._buffer) > self._at

    @property
    def bare(self) -> bool:
        """Whether what is there looks like a line that LF alone ends."""
        return self._buffer.find(b"\n", self._at) >= 0

    def clear(self) -> None:
        """Forget what came."""
        self._buffer.clear()
        self._at, self._too_long = 0, False

    def _compact(self) -> None:
        del self._buffer[: self._at]
        self._at = 0
        if len(self._buffer) > MAX_LINE + 1:
            self._too_long = True
            del self._buffer[:-1]  # its CR may be here, and its LF not yet
