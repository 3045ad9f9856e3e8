"""What commands that submit have in common: their arguments as targets, payloads and terms."""

from functools import lru_cache

from pushgate.model.errors import Invalid
from pushgate.model.notification import Terms, parse_delivery, parse_priority
from pushgate.model.packed import Packed
from pushgate.model.target import channel_target
from pushgate.protocols.mdm_push import push_payload


@lru_cache(maxsize=256)
def terms(
    expiration: int | None,
    priority: int | None,
    collapse_id: str | None,
    push_type: str | None,
    topic: str | None,
    registered_at: int | None,
    delivery: str | None,
    channel: str | None,
    rate: float | None = None,
    pace: str | None = None,
) -> Terms:
    """The terms of a notification by the arguments of a command; raise `Invalid`."""
    return Terms(
        expiration=expiration,
        priority=parse_priority(priority),
        collapse_id=collapse_id,
        push_type=push_type,
        topic=topic,
        registered_at=registered_at,
        delivery=parse_delivery(delivery),
        channel=channel,
        rate=rate or 0.0,
        pace=pace,
    )


def targets(tokens: bytes | None, targets: bytes | None) -> Packed:
    """The targets that a command names; raise `Invalid` unless it is in exactly one way."""
    if tokens is not None and targets is None:
        return Packed(tokens, 1, "tokens")
    if targets is not None and tokens is None:
        return Packed(targets, 2, "targets")
    raise Invalid("targets", "neither" if tokens is None else "both", "either tokens or targets")


def broadcasts(channel: str, payload: bytes | Packed, targets: bytes | None) -> Packed:
    """The targets of what is sent to a channel: the channel, for each payload."""
    if targets is not None:
        raise Invalid("channel", "with tokens", "either tokens or a channel")
    count = len(payload) if isinstance(payload, Packed) else 1
    return Packed.of([channel_target(channel)] * count, 2)


def one_payload(payload: bytes | None, push_magic: str | None) -> bytes:
    """The payload of a single notification; raise `Invalid` unless it is given in exactly one way."""
    if payload is not None and push_magic is not None:
        raise Invalid("push_magic", "with a payload", "either a payload or a push_magic")
    if push_magic is not None:
        return push_payload(push_magic)
    if payload is None:
        raise Invalid("payload", "missing", "it is required, or a push_magic in its place")
    return payload


def payload(payload: bytes | None, payloads: bytes | None) -> bytes | Packed:
    """One payload for all, or one each; raise `Invalid` unless exactly one of the two is given."""
    if payload is not None and payloads is None:
        return payload
    if payloads is not None and payload is None:
        return Packed(payloads, 2, "payloads")
    raise Invalid("payload", "both" if payload is not None else "neither", "either payload or payloads")
