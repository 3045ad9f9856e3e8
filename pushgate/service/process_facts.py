"""What `Stats` says of the process itself: its versions, its open files, the disk of its state."""

import os
import platform
from pathlib import Path
from typing import Any, Final

from OpenSSL import SSL

from pushgate import __version__
from pushgate.service.open_files import file_limit
from twisted import __version__ as twisted_version

DESCRIPTORS: Final = Path("/proc/self/fd")
"""Has an entry for each file that this process has open."""


class ProcessFacts:
    """Reads the facts that change, and keeps those that do not.

    :param state_dir: None when nothing is kept on a disk.
    """

    def __init__(self, state_dir: Path | None) -> None:
        self._state_dir = state_dir
        self._versions = versions()

    def read(self) -> dict[str, Any]:
        """Versions, disk and open files, ready for JSON; None for what the system does not tell."""
        return {
            "versions": self._versions,
            "disk": None if self._state_dir is None else disk_space(self._state_dir),
            "files": {"open": open_files(), "limit": file_limit()},
        }


def versions() -> dict[str, str]:
    """The versions of what a gateway or a command runs on, this process's own."""
    return {
        "pushgate": __version__,
        "twisted": twisted_version,
        "openssl": SSL.OpenSSL_version(SSL.OPENSSL_VERSION).decode("ascii", "replace"),
        "python": platform.python_version(),
    }


def disk_space(directory: Path) -> dict[str, int] | None:
    """Bytes that are free for this user on the directory's file system, and all that it has."""
    try:
        found = os.statvfs(directory)
    except OSError:
        return None
    return {"free": found.f_bavail * found.f_frsize, "total": found.f_blocks * found.f_frsize}


def open_files(descriptors: Path = DESCRIPTORS) -> int | None:
    """How many files this process has open; None where there is no /proc.

    Since version 6.2 Linux gives the number as the size of the directory, however many there are (proc(5));
    earlier ones give 0, and the entries are counted.
    """
    try:
        return descriptors.stat().st_size or sum(1 for _ in descriptors.iterdir())
    except OSError:
        return None
