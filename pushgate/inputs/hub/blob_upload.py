"""A file that is put into a container: written beside its place, and moved there when it is complete.

It is on the disk before it is answered. Pieces are written as they come, which seldom waits for a disk; the
rest is done in a thread.
"""

import os
from pathlib import Path
from typing import BinaryIO, Final
from uuid import uuid4

from pushgate.inputs.hub.blob_files import file_headers
from pushgate.inputs.hub.errors import XML
from pushgate.inputs.hub.request import HubRequest
from pushgate.model.errors import ServiceFailed, TooLarge
from pushgate.net.http.responses import HTTPFault, HTTPResponse

_TAKEN: Final = "file: a part of its name is a file, or it is a directory; choose another name"


class BlobUpload:
    """Reads the body of one request into a file.

    :param limit: bytes.
    :raises TooLarge: at once, when the head says that the body is too long.
    :raises HTTPFault: there cannot be a file of this name.
    """

    def __init__(self, request: HubRequest, path: Path, limit: int) -> None:
        self._request, self._path, self._limit = request, path, limit
        self._size, self._placing = 0, False
        self._check(request.length or 0)
        self._draft = path.parent / f".{uuid4().hex}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file: BinaryIO | None = self._draft.open("xb")
        except (FileExistsError, NotADirectoryError):
            raise HTTPFault(409, _TAKEN) from None
        except OSError as error:
            raise _unwritten(error) from None

    def feed(self, data: bytes) -> None:
        self._size += len(data)
        self._check(self._size)
        if self._file is not None:
            try:
                self._file.write(data)
            except OSError as error:
                raise _unwritten(error) from None

    def end(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            self._placing = True
            self._request.run(self._place(file))

    async def _place(self, file: BinaryIO) -> HTTPResponse:
        try:
            state = await self._request.in_thread(_moved, file, self._draft, self._path)
        except IsADirectoryError:
            raise HTTPFault(409, _TAKEN) from None
        except OSError as error:
            raise _unwritten(error) from None
        return HTTPResponse(201, b"", XML, file_headers(state))

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()
        if not self._placing:
            self._draft.unlink(missing_ok=True)

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise TooLarge("body", size, self._limit)


def _moved(file: BinaryIO, draft: Path, path: Path) -> os.stat_result:
    """Have a draft take its place once the disk has it; return its state. The draft is gone in any case."""
    try:
        with file:
            file.flush()
            os.fsync(file.fileno())
            state = os.fstat(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return state


def _unwritten(error: OSError) -> ServiceFailed:
    return ServiceFailed(f"file: it cannot be written: {error.strerror}")
