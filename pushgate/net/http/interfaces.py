"""What the parts of an HTTP server need of one another: what is below knows only this of what is above."""

from typing import Any, Protocol

from twisted.internet.interfaces import IReactorTime

from pushgate.net.http.bounds import HTTPBounds
from pushgate.net.http.codec import Header, ServerCodec


class BodyReader(Protocol):
    """Reads the body of one request, and answers it."""

    def feed(self, data: bytes) -> None:
        """Take the next bytes. An exception becomes the answer, as in `end`."""

    def end(self) -> None:
        """The body is complete."""

    def close(self) -> None:
        """Nothing more comes: the body was complete, or is not wanted, or the peer is gone."""


class RequestOwner(Protocol):
    """The connection of a request, as the request uses it.

    :ivar codec: its own.
    :ivar paused: the transport takes nothing.
    """

    codec: ServerCodec
    paused: bool

    def now(self) -> float:
        """Monotonic seconds."""

    def find_reader(self, request: Any) -> BodyReader:
        """The reader of a request's body; raises what is wrong with its head."""

    def common_headers(self) -> tuple[Header, ...]:
        """Headers of every answer."""

    def body_timeout(self) -> float:
        """Seconds for a body, before its size is looked at."""

    def count_closed(self, reason: str) -> None:
        """A peer was too slow."""

    def unsent(self, size: int) -> None:
        """So many bytes of answers more wait for the peer; fewer when below zero."""

    def flush(self, size: int = 0) -> None:
        """Write what the codec has, now or soon.

        :param size: bytes that it was given since the last call.
        """

    def over(self, request: Any) -> None:
        """A request is over."""

    def close_when_answered(self) -> None:
        """Take no further requests, and close when those under way are answered."""

    def abort(self) -> None:
        """Close at once."""


class HTTPOwner(Protocol):
    """What the connections of one listener share.

    :ivar stopping: no further request is taken.
    :ivar unsent: bytes of answers that wait for peers.
    """

    clock: IReactorTime
    bounds: HTTPBounds
    stopping: bool
    unsent: int

    def find_reader(self, request: Any) -> BodyReader:
        """The reader of a request's body; raises what is wrong with its head."""

    def common_headers(self) -> tuple[Header, ...]:
        """Headers of every answer."""

    def count_closed(self, reason: str) -> None:
        """A connection is ended for what its peer does."""

    def joined(self, connection: Any) -> None:
        """A connection was made."""

    def left(self, connection: Any) -> None:
        """A connection was lost."""

    def finished(self) -> None:
        """A request is over."""
