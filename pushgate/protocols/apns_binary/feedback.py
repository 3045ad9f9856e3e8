"""The feedback stream: tokens of devices from which the app is gone.

A client connects, sends nothing, and reads to the end: tuples of time (4, Unix seconds when APNs found out),
token length (2) and token, big-endian. The service forgets what was read.
"""

from struct import Struct

import msgspec

_HEAD = Struct(">IH")


class FeedbackTuple(msgspec.Struct, frozen=True):
    """The token of a device that the app is gone from.

    :param since: Unix seconds when the service found out.
    """

    since: int
    token: bytes


def encode(entry: FeedbackTuple) -> bytes:
    """The bytes of one tuple; raise struct.error when a number does not fit its field."""
    return _HEAD.pack(entry.since, len(entry.token)) + entry.token


class FeedbackDecoder:
    """Tuples from a stream of bytes, however it is cut."""

    def __init__(self) -> None:
        self._buffer = b""

    @property
    def pending(self) -> int:
        """Bytes of a tuple that is not complete; at the end of the stream, those of one cut short."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[FeedbackTuple]:
        """The tuples that are complete with `data`."""
        buffer = self._buffer + data
        tuples = []
        at = 0
        while len(buffer) >= at + _HEAD.size:
            since, length = _HEAD.unpack_from(buffer, at)
            end = at + _HEAD.size + length
            if end > len(buffer):
                break
            tuples.append(FeedbackTuple(since, buffer[at + _HEAD.size : end]))
            at = end
        self._buffer = buffer[at:]
        return tuples
