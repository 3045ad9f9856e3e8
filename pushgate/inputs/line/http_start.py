"""Whether a connection begins as HTTP does: a web page can make a browser send such bytes to any port."""

import re
from typing import Final

from pushgate.inputs.common.http_methods import METHODS

MAX_START: Final = 1 << 12
"""Bytes after which the first line is none of HTTP's unless its first word was a method."""
_REQUEST: Final = re.compile(rb"\S+ \S+ HTTP/[0-9.]+", re.IGNORECASE)


class HTTPStart:
    """Looks at the first bytes of a connection, up to the end of its first line that is not blank."""

    def __init__(self) -> None:
        self._start: bytearray | None = bytearray()

    def feed(self, data: bytes) -> bool:
        """Return True as soon as the bytes so far begin a request of HTTP; that is before their line ends."""
        if self._start is None:
            return False
        self._start += data[:MAX_START]
        start = bytes(self._start).lstrip()
        line, end, _ = start.partition(b"\n")
        word, space, _ = line.partition(b" ")
        if (space and word.upper() in METHODS) or (end and _REQUEST.fullmatch(line.strip())):
            return True
        if end or len(self._start) >= MAX_START:
            self._start = None
        return False
