"""The files of containers on disk, as answers."""

import os
import re
from email.utils import formatdate
from pathlib import Path
from typing import BinaryIO, Final

from pushgate.inputs.hub.request import HubRequest
from pushgate.inputs.hub.streamed_answer import StreamedAnswer
from pushgate.model.hub.errors import UnknownResource
from pushgate.net.http.codec import Header
from pushgate.net.http.responses import HTTPFault
from pushgate.protocols.notification_hubs.container_xml import Blob

BINARY: Final = b"application/octet-stream"
PIECE: Final = 1 << 16
"""Bytes that are read at a time."""
_range: Final = re.compile(r"\s*bytes\s*=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII | re.IGNORECASE).fullmatch


def described(name: str, path: Path) -> Blob:
    """A file as lists have it."""
    state = path.stat()
    return Blob(name, state.st_size, _modified(state), etag(state))


def etag(state: os.stat_result) -> str:
    """The ETag of a file in this state, with its quotes."""
    return f'"{state.st_mtime_ns:x}-{state.st_size:x}"'


def file_headers(state: os.stat_result) -> tuple[Header, ...]:
    """The headers that say in what state a file is."""
    return (
        (b"etag", etag(state).encode()),
        (b"last-modified", _modified(state).encode()),
        (b"x-ms-blob-type", b"BlockBlob"),
    )


async def answer(request: HubRequest, path: Path) -> None:
    """Answer with a file, or with the range of it that is asked for."""
    file, state = await request.in_thread(_opened, path)
    with file:
        wanted = request.header(b"x-ms-range") or request.header(b"range")
        start, stop = _wanted(wanted, state.st_size)
        _begin(request, state, start, stop)
        if request.head.method != b"HEAD":
            await _copy(request, file, start, stop)


def _opened(path: Path) -> tuple[BinaryIO, os.stat_result]:
    """An open file, and its state."""
    try:
        file = path.open("rb", buffering=0)
    except OSError:
        raise UnknownResource("file") from None
    return file, os.fstat(file.fileno())


def _begin(request: HubRequest, state: os.stat_result, start: int, stop: int) -> None:
    headers = (
        *file_headers(state),
        (b"accept-ranges", b"bytes"),
        (b"content-length", b"%d" % (stop - start)),
    )
    if stop - start == state.st_size:
        request.begin(200, BINARY, *headers)
    else:
        part = b"bytes %d-%d/%d" % (start, stop - 1, state.st_size)
        request.begin(206, BINARY, *headers, (b"content-range", part))


async def _copy(request: HubRequest, file: BinaryIO, start: int, stop: int) -> None:
    """Answer with a range of a file's bytes."""
    stream = StreamedAnswer(request)
    while start < stop and (
        piece := await request.in_thread(os.pread, file.fileno(), min(PIECE, stop - start), start)
    ):
        start += len(piece)
        if not await stream.write(piece):
            return
    if start < stop:  # it became shorter meanwhile
        request.abort()
    else:
        request.end()


def _wanted(text: str | None, size: int) -> tuple[int, int]:
    """The first byte of a range and the one behind its last; all of the file for what is no single range."""
    match = _range(text) if text else None
    if match is None or not (match[1] or match[2]):
        return 0, size
    if match[1]:
        start, stop = int(match[1]), min(int(match[2] or size) + 1, size)
    else:
        start, stop = max(size - int(match[2]), 0), size
    if start >= stop:
        raise HTTPFault(416, "range: not within the file", (b"content-range", b"bytes */%d" % size))
    return start, stop


def _modified(state: os.stat_result) -> str:
    return formatdate(state.st_mtime, usegmt=True)
