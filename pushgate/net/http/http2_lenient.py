"""HTTP/2 of a server for peers whose first request libnghttp2 refuses and h2 takes: ``:scheme`` ``https:``.

The connection begins on ngh2. When ngh2 refuses its first request, all that came is given to h2 instead,
which says again what ngh2 has said already: that is left out. A good first request settles it for ngh2.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from pushgate.net.http.codec import CodecLimits, Event, HTTP2ServerCodec, RequestHead
from pushgate.net.http.http2_frames import PREFACE, FrameReader
from pushgate.net.http.http2_h2 import H2Codec
from pushgate.net.http.http2_ngh2 import Ngh2Codec

_MOST: Final = 1 << 17
"""Bytes before the first request that are kept."""


class _Strict(Ngh2Codec):
    """On ngh2.

    :ivar refuses: it has refused a request.
    """

    refuses = False

    def _on_reset(self, stream: int, by_peer: bool) -> None:
        self.refuses = self.refuses or not by_peer
        super()._on_reset(stream, by_peer)


class _Tolerant(H2Codec):
    """On h2."""

    def resume(self, received: bytes, sent: bytes) -> list[Event]:
        """Take over a connection.

        :param received: all that came on it.
        :param sent: all that was answered, none of it on a stream.
        """
        events = self.receive(received)
        said = Counter(_frames(sent))
        self._flush()
        out, self._out = b"".join(self._out), []
        for frame in _frames(out):
            if said[frame]:
                said[frame] -= 1
            else:
                self._out.append(frame)
        return events


class LenientStart:
    """A codec until its first request; then it has `chosen` called with the one that goes on.

    See `HTTP2ServerCodec`; what is not said here is as the codec on ngh2 has it.
    """

    def __init__(self, limits: CodecLimits, chosen: Callable[[HTTP2ServerCodec], None]) -> None:
        self._limits, self._chosen = limits, chosen
        self._strict = _Strict(limits)
        self._received = self._sent = b""

    def receive(self, data: bytes) -> list[Event]:
        """See `ServerCodec`."""
        self._received += data
        events = self._strict.receive(data)
        if self._strict.refuses:
            tolerant = _Tolerant(self._limits)
            events = tolerant.resume(self._received, self._sent)
            self._chosen(tolerant)
        elif len(self._received) > _MOST or any(isinstance(event, RequestHead) for event in events):
            self._chosen(self._strict)
        return events

    def output(self) -> bytes:
        """See `ServerCodec`."""
        data = self._strict.output()
        self._sent += data
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._strict, name)


def _frames(data: bytes) -> list[bytes]:
    """The frames in what a server sent."""
    reader = FrameReader(len(data))
    return [frame for *_, frame in reader.take(PREFACE + data)]
