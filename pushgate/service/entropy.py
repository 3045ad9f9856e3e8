"""Random bits of the system, many at a time."""

import os
from typing import Final

_BYTES: Final = 8
_AT_ONCE: Final = 512


class Entropy:
    """Random bits that nothing can foretell, without a system call for each.

    A system call gives up the interpreter, and may wait to get it back while the thread of the spool
    is busy: with one for each batch, many small batches held up everything else for seconds.
    """

    def __init__(self) -> None:
        self._bytes = b""
        self._at = 0

    def bits(self, count: int) -> int:
        """The next `count` bits as a number; at most 64."""
        if self._at == len(self._bytes):
            self._bytes, self._at = os.urandom(_BYTES * _AT_ONCE), 0
        self._at += _BYTES
        return int.from_bytes(self._bytes[self._at - _BYTES : self._at], "big") >> (8 * _BYTES - count)
