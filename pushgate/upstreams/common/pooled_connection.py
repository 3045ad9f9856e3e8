"""A connection to a push service, as its pool needs it."""

from typing import Protocol

from pushgate.upstreams.common.connect import SecuredConnection


class PooledConnection(SecuredConnection, Protocol):
    """A protocol of Twisted's over TLS that a pool opens, counts and closes.

    :ivar number: of the connection in its pool, from 1.
    :ivar serving_since: monotonic seconds since when work may be written to it, None while it is a spare.
    :ivar busy_at: monotonic seconds of the last write.
    :ivar blocked_since: monotonic seconds since when the transport is full, None while it is not.
    :ivar unacknowledged_since: monotonic seconds since when the other side's TCP has acknowledged nothing of
        what it was sent, None while there is nothing to acknowledge.
    """

    number: int
    serving_since: float | None
    busy_at: float
    blocked_since: float | None
    unacknowledged_since: float | None

    @property
    def usable(self) -> bool:
        """Whether it can be written to, now or when it has room."""

    @property
    def in_flight(self) -> int:
        """Notifications written and not settled."""

    def vanish(self) -> None:
        """Close at once because the other side is gone, which is no fault of anything that was written."""

    def close(self) -> None:
        """Close in good order, or at once when the other side does not answer."""
