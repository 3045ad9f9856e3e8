"""A connection to a push service, as its pool needs it."""

from typing import Protocol

from pushgate.upstreams.common.connect import SecuredConnection


class PooledConnection(SecuredConnection, Protocol):
    """A protocol of Twisted's over TLS that a pool opens, counts and closes.

    :ivar number: of the connection in its pool, from 1.
    :ivar serving_since: monotonic seconds since when work may be written to it, None while it is a spare.
    :ivar busy_at: monotonic seconds of the last write.
    :ivar blocked_since: monotonic seconds since when the transport is full, None while it is not.
    """

    number: int
    serving_since: float | None
    busy_at: float
    blocked_since: float | None

    @property
    def usable(self) -> bool:
        """Whether it can be written to, now or when it has room."""

    @property
    def in_flight(self) -> int:
        """Notifications written and not settled."""

    def close(self) -> None:
        """Close in good order, or at once when the other side does not answer."""
