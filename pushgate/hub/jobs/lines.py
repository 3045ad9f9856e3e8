"""The files of jobs: lines that are read some at a time, and results that are written where they belong."""

import os
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from pushgate.model.errors import Invalid, Refusal, TooLarge
from pushgate.model.hub.registration import Registration
from pushgate.protocols.notification_hubs.registration_xml import read_entry

MAX_LINE: Final = 1 << 17
"""Bytes of a line at most; a longer one fails, and the next one is read."""
_BOM: Final = b"\xef\xbb\xbf"


class Line(msgspec.Struct, frozen=True):
    """A line of an import.

    :param number: from 1.
    :param found: the registration in it, or what is wrong with it.
    """

    number: int
    found: Registration | str


class Chunk(msgspec.Struct, frozen=True):
    """Some lines of an import. Those that are empty are counted and left out.

    :param line: lines of the file that are done with these.
    :param offset: the same in bytes.
    :param size: bytes of the file.
    """

    lines: tuple[Line, ...]
    line: int
    offset: int
    size: int

    @property
    def last(self) -> bool:
        """Whether nothing follows."""
        return self.offset >= self.size


def read_chunk(path: Path, line: int, offset: int, limit: int) -> Chunk:
    """Read lines of a file, and the registration in each.

    :param line: lines that are done.
    :param offset: bytes that are done.
    :param limit: lines at most.
    :raises OSError: the file cannot be read.
    """
    lines = []
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(offset)
        for number in range(line + 1, line + 1 + limit):
            data = file.readline(MAX_LINE + 1)
            if not data:
                break
            line = number
            read = _read(number, data, file)
            if read is not None:
                lines.append(read)
        return Chunk(tuple(lines), line, max(file.tell(), offset), size)


def write_at(path: Path, size: int, text: str) -> None:
    """Have a file end with a text behind its first bytes; what came behind them is gone.

    Doing it again changes nothing.

    :param size: bytes that stay.
    :raises OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        file.truncate(size)
        file.seek(size)
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def result(number: int, text: str) -> str:
    """A line of results: the number of the line of the input, and what became of it, as CSV."""
    if any(each in text for each in ',"\r\n'):
        text = '"' + text.replace('"', '""').replace("\r", " ").replace("\n", " ") + '"'
    return f"{number},{text}\n"


def _read(number: int, data: bytes, file: BinaryIO) -> Line | None:
    if len(data) > MAX_LINE and not data.endswith(b"\n"):
        return Line(number, str(TooLarge("line", len(data) + _skip(file), MAX_LINE)))
    if number == 1:
        data = data.removeprefix(_BOM)
    data = data.strip()
    if not data:
        return None
    try:
        return Line(number, read_entry(data))
    except Refusal as error:
        return Line(number, str(error))
    except RecursionError:
        return Line(number, str(Invalid("line", "XML that is too deep", "one registration")))


def _skip(file: BinaryIO) -> int:
    """Read over the rest of a line; return how long it is."""
    skipped = 0
    while data := file.readline(MAX_LINE):
        skipped += len(data)
        if data.endswith(b"\n"):
            break
    return skipped
