"""Channels of a push service: what is sent to one goes to every device that listens on it."""

from enum import IntEnum

import msgspec

from pushgate.model.errors import Invalid


class StoragePolicy(IntEnum):
    """What the push service keeps for devices that are not there when something is sent to a channel."""

    NONE = 0
    MOST_RECENT = 1
    """What was sent last."""


class Channel(msgspec.Struct, frozen=True):
    """A channel, as the push service describes it.

    :param channel: its id.
    :param message_storage_policy: a number of `StoragePolicy`; None: the service did not say.
    :param push_type: of what can be sent to it, "" when the service did not say.
    """

    channel: str
    message_storage_policy: int | None = None
    push_type: str = ""


def parse_storage_policy(number: int) -> StoragePolicy:
    """A storage policy from its number; raise `Invalid` for any but 0 and 1."""
    if number not in {0, 1}:
        raise Invalid("message_storage_policy", "another number", "0 (keep nothing) or 1 (keep the last)")
    return StoragePolicy(number)
