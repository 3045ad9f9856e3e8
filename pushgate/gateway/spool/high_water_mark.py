"""What a spool has committed, noted beside it: SQLite takes a log that was deleted or cut for a shorter one.

A small file is mapped into memory, so that a commit costs no system call, and what was noted outlives the
process. It has the number of the last commit, which the spool has as well, and the last batches that were
accepted and are not done. A commit is noted when it is on the disk, a batch struck off before it is dropped.
So after a crash, of the process or of the machine, the mark may be behind the spool and is never before it.
"""

import mmap
import os
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

FILE: Final = "spool.mark"
REMEMBERED: Final = 32768
"""Batches that are remembered at most. SQLite moves commits from the log into the file long before."""
_MAGIC: Final = b"pgmark\x00\x01"
_HEAD: Final = struct.Struct("<8sQ")
_BATCH: Final = struct.Struct("<QI")  # its order, and how many notifications it has
_SIZE: Final = _HEAD.size + REMEMBERED * _BATCH.size


class Missing(msgspec.Struct, frozen=True):
    """What a spool has lost.

    :param commits: how many.
    :param batches: that were accepted and are not there.
    :param notifications: of these batches; some may have had their outcome.
    """

    commits: int
    batches: int
    notifications: int


class HighWaterMark:
    """The mark in one directory. Made without one it is kept in memory only, and good for nothing.

    :ivar trouble: why there is none on the disk, "" when there is.
    """

    def __init__(self, directory: Path) -> None:
        self.trouble = ""
        self._file = -1
        try:
            self._file = _opened(directory / FILE)
            self._map = mmap.mmap(self._file, _SIZE)
        except OSError as error:
            self.trouble = error.strerror or "not readable"
            self._map = mmap.mmap(-1, _SIZE)
            _HEAD.pack_into(self._map, 0, _MAGIC, 0)

    def compare(self, commits: int, batches: Sequence[tuple[int, int]]) -> Missing | None:
        """What a spool has lost; None when nothing. From now on the mark is of what it has.

        :param commits: those it has.
        :param batches: order and notifications of its last `REMEMBERED` batches.
        """
        _, noted = _HEAD.unpack_from(self._map, 0)
        known = {order for order, _ in batches}
        entries = _BATCH.iter_unpack(self._map[_HEAD.size :])
        lost = [live for order, live in entries if live and order not in known]
        self._map[:] = _HEAD.pack(_MAGIC, commits).ljust(_SIZE, b"\0")
        self.committed(commits, batches)
        return Missing(noted - commits, len(lost), sum(lost)) if noted > commits else None

    def committed(self, commits: int, batches: Iterable[tuple[int, int]]) -> None:
        """Note how many commits are on the disk, and order and notifications of each batch of the last."""
        for order, live in batches:
            _BATCH.pack_into(self._map, _place(order), order, live)
        _HEAD.pack_into(self._map, 0, _MAGIC, commits)

    def done(self, orders: Iterable[int]) -> None:
        """Strike off batches that will be dropped."""
        for order in orders:
            place = _place(order)
            if _BATCH.unpack_from(self._map, place)[0] == order:
                _BATCH.pack_into(self._map, place, order, 0)

    def sync(self) -> None:
        """Have it survive the machine, too; harmless when that fails."""
        if self._file >= 0:
            try:
                os.fdatasync(self._file)
            except OSError as error:
                self.trouble = error.strerror or "not writable"

    def close(self) -> None:
        """Release it."""
        self._map.close()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _place(order: int) -> int:
    return _HEAD.size + order % REMEMBERED * _BATCH.size


def _opened(path: Path) -> int:
    """Open the file, made anew when it is missing or not a mark; every byte of it has room on the disk."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if os.fstat(file).st_size != _SIZE or os.pread(file, len(_MAGIC), 0) != _MAGIC:
            os.ftruncate(file, 0)
            content = _HEAD.pack(_MAGIC, 0).ljust(_SIZE, b"\0")
            if os.pwrite(file, content, 0) < _SIZE:
                raise OSError(28, "no space left on device")
    except OSError:
        os.close(file)
        raise
    return file
