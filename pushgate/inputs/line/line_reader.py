"""Cutting lines out of a stream of bytes, within bounds."""

from collections.abc import Iterator
from typing import Final

MAX_LINE: Final = 1 << 17
"""Bytes of one line at most: the longest payload, with room to spare."""


class LineReader:
    """Takes bytes as they come, gives whole lines, many at a time.

    Lines end with LF; a CR before it stays, as white space of the line.
    """

    def __init__(self) -> None:
        self._tail = bytearray()
        self._skipping = False

    @property
    def partial(self) -> bool:
        """True while the last line has no end."""
        return bool(self._tail) or self._skipping

    def feed(self, data: bytes) -> list[bytes | None]:
        """The lines that are complete with `data`: blocks of one or more, in which LF separates them.

        None stands for a line that is too long; it is returned as soon as that is known.
        """
        if self._skipping:
            end = data.find(b"\n") + 1
            if not end:
                return []
            data, self._skipping = data[end:], False
        end = data.rfind(b"\n")
        blocks: list[bytes | None] = []
        if end >= 0:
            block = bytes(self._tail) + data[:end] if self._tail else data[:end]
            blocks += [block] if len(block) <= MAX_LINE else _within(block)
            self._tail.clear()
        self._tail += data[end + 1 :]
        if len(self._tail) > MAX_LINE:
            self._tail.clear()
            self._skipping = True
            blocks.append(None)
        return blocks

    def end(self) -> list[bytes | None]:
        """Return the last line, if it has no end: the stream has ended."""
        tail, self._tail = bytes(self._tail), bytearray()
        self._skipping = False
        return [tail] if tail else []


def _within(block: bytes) -> Iterator[bytes | None]:
    """Each line of a block by itself, None in place of one that is too long."""
    for line in block.split(b"\n"):
        yield line if len(line) <= MAX_LINE else None
