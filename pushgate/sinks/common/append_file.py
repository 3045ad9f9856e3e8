"""A file of records that other programs read and rotate while it is written."""

import contextlib
import os
import stat
from pathlib import Path
from typing import Final, Self

MODE: Final = 0o640
"""Of a file that is created: its group may read it, others may not, since it has tokens."""


class AppendFile:
    """Appends whole lines. Its methods block.

    After a write that failed half-way the next one begins on a new line, so that one record is torn and
    no more; the same when the process before this one ended half-way.
    """

    def __init__(self, descriptor: int, torn: bool) -> None:
        self._descriptor, self._torn = descriptor, torn

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open `path` for appending, or create it; raise OSError when that cannot be done."""
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
        try:
            descriptor = os.open(path, flags | os.O_EXCL, MODE)
        except FileExistsError:
            descriptor = os.open(path, flags, MODE)
        else:
            os.fchmod(descriptor, MODE)  # a daemon's umask would shut out the group
        return cls(descriptor, _ends_torn(descriptor))

    def write(self, lines: bytes) -> None:
        """Append `lines`, each with its line end; raise OSError when the disk is full or the like.

        What was written of them then is taken back where that is possible: they will be given again.
        """
        if not lines:
            return
        begin = os.fstat(self._descriptor).st_size
        rest = memoryview(b"\n" + lines if self._torn else lines)
        try:
            while rest:
                written = os.write(self._descriptor, rest)
                self._torn = rest[written - 1] != 0x0A
                rest = rest[written:]
        except OSError:
            self._take_back(begin)
            raise

    def _take_back(self, begin: int) -> None:
        with contextlib.suppress(OSError):  # a pipe
            os.ftruncate(self._descriptor, begin)
            self._torn = _ends_torn(self._descriptor)

    def close(self) -> None:
        """Close it; every write reached the operating system already."""
        os.close(self._descriptor)


def _ends_torn(descriptor: int) -> bool:
    """Whether the file ends within a line; never for a pipe or a terminal."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        return False
    return os.pread(descriptor, 1, status.st_size - 1) != b"\n"
