"""The files of the ``apns-id`` values that were given: entries of one size, one behind the other."""

import os
from pathlib import Path
from typing import Final

from twisted.logger import Logger

ENTRY: Final = 44
"""Bytes of an entry."""


class ApnsIdFiles:
    """The files of two generations of entries in one directory.

    One that cannot be written is logged, and from then on the entries are not kept.
    """

    log = Logger()

    def __init__(self, directory: Path) -> None:
        self._young, self._old = directory / "young", directory / "old"
        self._descriptor = -1

    def read(self) -> tuple[bytes, bytes]:
        """The content of the older and of the younger one, which ends with a whole entry from now on."""
        old, young = self._content(self._old), self._content(self._young)
        try:
            self._young.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(self._young, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            os.ftruncate(self._descriptor, len(young) - len(young) % ENTRY)
        except OSError:
            self._failed()
        return old, young

    def append(self, data: bytes) -> None:
        """Add entries to the younger file; the system writes them to the disk when it likes."""
        if self._descriptor < 0:
            return
        try:
            if os.write(self._descriptor, data) < len(data):
                raise OSError("only a part was written")
        except OSError:
            self._failed()

    def turn(self) -> None:
        """Make the younger file the older one."""
        self.close()
        try:
            self._young.replace(self._old)
            self._descriptor = os.open(self._young, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError:
            self._failed()

    def close(self) -> None:
        """Close the younger file; nothing is added any more."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def _content(self, file: Path) -> bytes:
        try:
            return file.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError:
            self._failed()
            return b""

    def _failed(self) -> None:
        self.log.failure("the ids of requests are not kept over a restart: {file}", file=str(self._young))
        self.close()
