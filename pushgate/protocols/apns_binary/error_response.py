"""The error response: the only thing a push service ever sends on the binary stream.

Six bytes, then it closes: ``08``, status (1), identifier (4, big-endian). Success produces no bytes at all.
"""

from struct import Struct
from typing import Final

import msgspec

COMMAND: Final = 8
_REPLY = Struct(">BBI")


class ErrorResponse(msgspec.Struct, frozen=True):
    """An error response as it was sent.

    :param identifier: of the failing notification; with status 10 the last one accepted; 0: not known.
    """

    status: int
    identifier: int


class MalformedReply(msgspec.Struct, frozen=True):
    """Something else than an error response came, beginning with the byte `command`."""

    command: int


def encode(response: ErrorResponse) -> bytes:
    """The six bytes of an error response."""
    return _REPLY.pack(COMMAND, response.status, response.identifier)


class ReplyDecoder:
    """Reads the one reply of a connection, however it is cut; what follows it is noise and ignored."""

    def __init__(self) -> None:
        self._buffer = b""
        self._done = False

    @property
    def partial(self) -> bool:
        """Whether a reply began and is not complete: the connection's end makes it a lost error."""
        return bool(self._buffer) and not self._done

    def feed(self, data: bytes) -> ErrorResponse | MalformedReply | None:
        """The reply once it is complete, once."""
        if self._done or not data:
            return None
        self._buffer += data[: _REPLY.size - len(self._buffer)]
        if self._buffer[0] != COMMAND:
            self._done = True
            return MalformedReply(self._buffer[0])
        if len(self._buffer) < _REPLY.size:
            return None
        self._done = True
        _, status, identifier = _REPLY.unpack(self._buffer)
        return ErrorResponse(status, identifier)
