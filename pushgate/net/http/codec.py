"""What an HTTP server's codec is: bytes in, events out; answers in, bytes out. No I/O, no clock.

HTTP/1.1 and HTTP/2 look the same from above. A request is a stream: in HTTP/1.1 there is one at a time.
"""

from typing import Final, Protocol

import msgspec

Header = tuple[bytes, bytes]
UNBOUNDED: Final = 1 << 30
"""The room of a stream whose peer sets no limit: HTTP/1.1 has TCP's only."""
WITHOUT_LENGTH: Final = frozenset({204, 304})
"""Statuses of answers that have no body, and no length (RFC 9110, section 8.6)."""


class RequestHead(msgspec.Struct, frozen=True):
    """The head of a request is complete.

    :param stream: of the request; ascending.
    :param target: path and query, as they came: ASCII without blanks and control characters.
    :param headers: names in lower case, values without blanks around them. HTTP/2's ``:authority`` is
        ``host`` here, its cookies are one.
    :param length: bytes of the body: 0 when there is none, None when that is not known.
    :param waits: the peer sends the body only after `ServerCodec.go_on`, or after a while.
    """

    stream: int
    method: bytes
    target: bytes
    headers: tuple[Header, ...]
    length: int | None
    waits: bool = False


class BodyData(msgspec.Struct, frozen=True):
    """The next bytes of a body, at least one. The peer may send as many more, without a call."""

    stream: int
    data: bytes


class RequestEnd(msgspec.Struct, frozen=True):
    """The request is complete; trailers are dropped. Comes after the head of every request that is not
    reset, also of one without a body."""

    stream: int


class StreamReset(msgspec.Struct, frozen=True):
    """The peer does not want the answer any more, or broke a rule of the stream: nothing more of it comes,
    and nothing more may be sent on it. Comes only for a stream whose head was reported and whose answer has
    not ended."""

    stream: int


class RoomGrew(msgspec.Struct, frozen=True):
    """The peer takes more bytes of an answer; of any answer when `stream` is 0."""

    stream: int


class PeerGoesAway(msgspec.Struct, frozen=True):
    """The peer makes no further requests; those under way go on."""


class Refused(msgspec.Struct, frozen=True):
    """The peer broke a rule of the whole connection: nothing more can be read from it.

    HTTP/2 has its GOAWAY in `ServerCodec.output`. In HTTP/1.1 `status` can be answered on stream
    `stream`, with the connection's end, when `stream` is not 0.

    :param text: what was wrong; our words.
    """

    status: int
    text: str
    stream: int = 0


Event = RequestHead | BodyData | RequestEnd | StreamReset | RoomGrew | PeerGoesAway | Refused


class CodecLimits(msgspec.Struct, frozen=True):
    """What a peer may do.

    :param head: bytes of a request's head, names and values.
    :param streams: requests under way at a time, in HTTP/2; further ones are refused by the codec.
    :param window: bytes of bodies that may be on their way, for a stream and for all, in HTTP/2.
    """

    head: int = 16 << 10
    streams: int = 100
    window: int = 1 << 18


class ServerCodec(Protocol):
    """One connection's.

    Sending on a stream that has ended or was reset does nothing, so that an answer and a reset may cross.

    :ivar multiplexed: several streams at a time.
    :ivar control_frames: how many frames came that asked for work and brought nothing (HTTP/2): resets,
        settings, pings, priorities, window updates, empty data. The caller limits their rate.
    """

    multiplexed: bool
    control_frames: int

    @property
    def buffered(self) -> int:
        """Bytes that were received and wait for the end of an answer, or for the rest of a head."""

    def receive(self, data: bytes) -> list[Event]:
        """Take bytes, in any pieces; return what they complete, in order.

        In HTTP/1.1 nothing is parsed while an answer is under way; call it again with ``b""`` when one has
        ended. After `Refused` it returns nothing more. It raises nothing, whatever comes.
        """

    def receive_end(self) -> list[Event]:
        """The peer sends nothing more (TCP's half-close): requests that are not complete are reset."""

    def go_on(self, stream: int) -> None:
        """The body is wanted: answer ``Expect: 100-continue``. Harmless when nothing waits."""

    def send_head(self, stream: int, status: int, headers: tuple[Header, ...], end: bool) -> None:
        """Begin an answer.

        :param headers: names in lower case. ``connection`` and ``transfer-encoding`` are the codec's.
        :param end: there is no body: the answer has ended.
        """

    def room(self, stream: int) -> int:
        """Bytes of the answer that may be sent now; 0 for a stream that has ended."""

    def send_data(self, stream: int, data: bytes, end: bool) -> None:
        """Go on with an answer: at most `room` bytes.

        :param end: the answer has ended.
        """

    def reset(self, stream: int) -> None:
        """End an answer in the middle. In HTTP/1.1 only the end of the connection can do that."""

    def close_after(self) -> None:
        """No further requests: HTTP/2 sends GOAWAY, HTTP/1.1 says ``Connection: close`` in the next head."""

    @property
    def finished(self) -> bool:
        """The connection can be closed when all is written: no request is under way, none will come."""

    def output(self) -> bytes:
        """The bytes to send since the last call."""


class HTTP2ServerCodec(ServerCodec, Protocol):
    """What a server can say in HTTP/2 beside the answers.

    :ivar highest: the highest stream that the peer has begun, 0 before the first.
    """

    highest: int

    @property
    def room_of_all(self) -> int:
        """Bytes of answers that the peer takes now, on all streams together."""

    def reset(self, stream: int, code: int = 2) -> None:
        """End a stream with RST_STREAM.

        :param code: RFC 9113 7; INTERNAL_ERROR unless given.
        """

    def limit_streams(self, streams: int) -> None:
        """Announce how many requests may be under way at a time from now on.

        More are taken at once; fewer when the peer has acknowledged it. Those under way go on.
        """

    def go_away(self, last: int, code: int = 0, debug: bytes = b"") -> None:
        """Send GOAWAY. Streams up to `last` go on, and so do new ones up to there.

        Those above are forgotten, with nothing sent on them: the peer takes them for not processed.

        :param last: not above an earlier one.
        :param code: RFC 9113 7; NO_ERROR unless given.
        """
