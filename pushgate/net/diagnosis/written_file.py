"""A file that is to be written: its directory, who may write there, and the room on its disk."""

import os
from pathlib import Path
from typing import Final

from pushgate.model.disk_room import room
from pushgate.model.finding import Finding, Level, failure, ok, warning
from pushgate.model.printable import printable

_NO_START: Final = "a gateway does not start with it, and a reload changes nothing"
_FULL: Final = "when it is full, what is reported waits in the spool, on the same disk or another"


def check_written_file(key: str, path: Path) -> list[Finding]:
    """Whether a file can be written here; nothing is written or made.

    :param key: of the configuration; "" for a file whose place follows from another key.
    """
    lead = f"{key}: " if key else ""
    shown, directory = printable(path), path.absolute().parent
    if path.is_dir():
        return [failure("file-kind", f"{lead}{shown} is a directory", _NO_START, "name a file in it")]
    if not directory.is_dir():
        return [
            failure(
                "directory", f"{lead}{printable(directory)} is no directory", _NO_START,
                f"make it for the gateway's user: install -d -o pushgate {printable(directory)}",
            )
        ]  # fmt: skip
    barred = path if path.exists() else directory
    if not _may_write(barred):
        return [
            failure(
                "file-not-writable", f"{lead}this user may not write {printable(barred)}", _NO_START,
                f"chown it to the gateway's user: chown pushgate {printable(barred)}",
            )
        ]  # fmt: skip
    return [ok("file-writable", f"{lead}{shown} can be written"), check_room(directory)]


def check_room(directory: Path) -> Finding:
    """How much room the disk of a directory has."""
    found = os.statvfs(directory)
    free, total = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
    what = f"{free / 1e9:,.1f} GB of {total / 1e9:,.1f} GB are free on the disk of {printable(directory)}"
    level = room(free, total)
    if level is Level.OK:
        return ok("disk", what)
    level_of = failure if level is Level.FAILURE else warning
    return level_of("disk", what, _FULL, "make room, or rotate what is old")


def _may_write(path: Path) -> bool:
    """Judged as the system would judge this process, not who started it."""
    mode = os.W_OK | os.X_OK if path.is_dir() else os.W_OK
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)
