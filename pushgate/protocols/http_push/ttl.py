"""How long a push service may keep a notification: seconds from the moment it is sent."""

from typing import Final

from pushgate.model.batch_slice import BatchSlice

FOUR_WEEKS: Final = 28 * 86400
"""Seconds that FCM keeps a message at most; services of Web Push keep none for longer either."""


def seconds_left(span: BatchSlice, longest: int = FOUR_WEEKS) -> int | None:
    """Whole seconds until the notifications of a slice expire, 0 to `longest`; None when they never do.

    Counted from when the slice was last written, which is now; of one that was not, from its acceptance. The
    expiration 0 is 0 seconds: try once, do not store.
    """
    expiration = span.batch.terms.expiration
    if expiration is None:
        return None
    now = span.past[-1].at if span.past else span.batch.accepted_at
    return max(0, min(longest, int(expiration - now)))
