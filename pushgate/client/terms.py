"""What a notification may have besides its target and payload."""

from typing import TypedDict


class TermArguments(TypedDict, total=False):
    """What a notification may have besides its token and payload; the gateway checks it.

    ``expiration`` and ``registered_at`` are Unix seconds, ``priority`` is 1, 5 or 10, ``delivery`` overrides
    the app's policy: ``"at-least-once"`` or ``"at-most-once"``.
    """

    expiration: int
    priority: int
    collapse_id: str
    push_type: str
    topic: str
    registered_at: int
    delivery: str


class PushArguments(TermArguments, total=False):
    """What a single notification may have.

    ``channel`` is one of the push service's, in place of a token; ``push_magic`` is a managed device's, in
    place of a payload.
    """

    channel: str
    push_magic: str


class BatchArguments(TermArguments, total=False):
    """What a batch may have besides: ``rate`` is notifications per second at most."""

    rate: float
