"""What an HTTP client's codec is: requests in, bytes out; bytes in, answers out. No I/O, no clock.

It is made for many small requests with small answers: a request is given whole, an answer comes whole.
HTTP/1.1 and HTTP/2 look the same from above. A request is a stream: in HTTP/1.1 there is one at a time.
"""

from typing import Final, Protocol

import msgspec

from pushgate.net.http.codec import Header

LAST_STREAM: Final = (1 << 31) - 1
"""HTTP/2 has no higher stream: a connection makes half as many requests at most."""


class RequestForm(msgspec.Struct, frozen=True):
    """What many requests have in common.

    :param pseudo: the pseudo headers but ``:path``.
    :param fields: headers whose values come again.
    """

    pseudo: tuple[Header, ...]
    fields: tuple[Header, ...]


class Answered(msgspec.Struct, frozen=True, gc=False):
    """The answer to a request is complete."""

    stream: int
    status: int
    headers: tuple[Header, ...]
    body: bytes


class Unprocessed(msgspec.Struct, frozen=True, gc=False):
    """The server says that it has not looked at a request: it may be made again.

    RST_STREAM with REFUSED_STREAM, or GOAWAY with a lower last stream (RFC 9113 8.7).
    """

    stream: int


class Abandoned(msgspec.Struct, frozen=True, gc=False):
    """A stream was reset: whether the server has acted on the request is not known.

    :param code: HTTP/2's error code.
    """

    stream: int
    code: int


class StreamLimit(msgspec.Struct, frozen=True):
    """The server takes so many requests at a time from now on, those under way included."""

    streams: int


class GoingAway(msgspec.Struct, frozen=True):
    """The server takes no further requests; those that are not `Unprocessed` go on.

    :param code: HTTP/2's error code; 0 in HTTP/1.1, whose server closes behind its answer.
    :param debug: what it says of the reason; its words.
    """

    code: int
    debug: bytes


class PingAnswered(msgspec.Struct, frozen=True):
    """The server has answered a PING: it is there, and had read what came before."""


class Broken(msgspec.Struct, frozen=True):
    """The server broke a rule of the connection: nothing more can be read from it. Close it.

    :param text: what was wrong; our words.
    """

    text: str


ClientEvent = Answered | Unprocessed | Abandoned | StreamLimit | GoingAway | PingAnswered | Broken


class ClientLimits(msgspec.Struct, frozen=True):
    """What a server may send.

    :param head: bytes of an answer's head, as HTTP/2 counts them: 32 more for each header.
    :param body: bytes of an answer's body.
    :param noise: bytes in a row that end no request.
    :param window: bytes of bodies that may be on their way, for a stream and for all.
    """

    head: int = 8 << 10
    body: int = 16 << 10
    noise: int = 1 << 20
    window: int = 1 << 20


class ClientCodec(Protocol):
    """One connection's."""

    @property
    def streams(self) -> int | None:
        """Requests at a time before the server says more (`StreamLimit`); None: not known."""

    @property
    def can_ping(self) -> bool:
        """Whether `ping` asks anything."""

    @property
    def last_stream(self) -> int:
        """The stream of the last request, 0 before the first."""

    def open(self, form: RequestForm, path: bytes, unlike: tuple[Header, ...], body: bytes) -> int:
        """Make a request; return its stream.

        The server's limit of streams is the caller's to keep.

        :param unlike: headers whose values do not come again.
        :raises ValueError: the server is going away, or there is no stream left. In HTTP/1.1 also: a request
            is under way, one was cancelled, or this one has what a head cannot carry; it is not made then.
        """

    def is_unsent(self, stream: int) -> bool:
        """Whether some of a request is still here, for want of a window: then it was not acted on.

        In HTTP/1.1: whether it was not given out by `output`. After `cancel` it never is.

        Asked after `output`, and before what comes of the stream or of the connection's end.
        """

    def cancel(self, stream: int) -> None:
        """Want no answer any more. Nothing comes of the stream then; harmless when it has ended.

        In HTTP/1.1 the connection cannot be used again: the next request would get the answer to this one.
        It is to be closed.
        """

    def ping(self) -> None:
        """Ask whether the server is there: `PingAnswered`. Does nothing unless `can_ping`."""

    def close(self) -> None:
        """Say that no request follows, and that none is waited for: GOAWAY. Nothing comes after it.

        HTTP/1.1 has no word for it: no request can be made any more, and one that `output` has not given out
        is not sent.
        """

    def receive(self, data: bytes) -> list[ClientEvent]:
        """Take bytes, in any pieces; return what they complete, in order.

        It returns nothing more after `close`, after `Broken`, and after `GoingAway` once no request is under
        way. It raises nothing, whatever comes.
        """

    def finish(self) -> list[ClientEvent]:
        """The server has closed the connection in good order; return what that completes.

        An answer of HTTP/1.1 may end with its connection. It is not to be called for one that was lost, nor,
        over TLS, for one without a goodbye: the end of the answer may be missing then. Nothing comes after.
        """

    def output(self) -> bytes:
        """The bytes to send since the last call."""
