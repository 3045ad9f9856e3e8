"""Outcome names of a hub's own doings, and of what the gateway refuses. Pure."""

from typing import Final

from pushgate.hub.store.batches import BatchEntry
from pushgate.model.errors import Refusal, TooLarge
from pushgate.model.hub.platform import Platform
from pushgate.protocols.telemetry_names import OutcomeName

SKIPPED: Final = "Skipped"
"""The device has another registration that it gets the same notification by."""
HEALTHY: Final = frozenset({str(OutcomeName.SUCCESS), str(OutcomeName.ABANDONED), SKIPPED})
"""Names that no push service said anything of; the others have entries of error details."""
WORDS: Final = {
    OutcomeName.SUCCESS: "The Notification was successfully sent to the Push Notification System",
    OutcomeName.BAD_CHANNEL: "The Push Notification System handle is invalid",
    OutcomeName.EXPIRED_CHANNEL: "The Push Notification System handle has expired",
    OutcomeName.WRONG_CHANNEL: "The Push Notification System handle belongs to another application",
    OutcomeName.WRONG_TOKEN: "The Push Notification System handle belongs to another application or sender",
    OutcomeName.INVALID_CREDENTIALS: "The Push Notification System refused the credentials of this hub",
    OutcomeName.INVALID_NOTIFICATION_SIZE: "The notification is too large",
    OutcomeName.INVALID_NOTIFICATION_FORMAT: "The notification has a wrong format",
    OutcomeName.THROTTLED: "The Push Notification System was sent too much",
    OutcomeName.CHANNEL_THROTTLED: "The device was sent too much",
    OutcomeName.CHANNEL_DISCONNECTED: "The device is not connected",
    OutcomeName.DROPPED: "The Push Notification System dropped the notification",
    OutcomeName.PNS_INTERFACE_ERROR: "The Push Notification System gave an unexpected answer",
    OutcomeName.PNS_SERVER_ERROR: "The Push Notification System had an error of its own",
    OutcomeName.PNS_UNAVAILABLE: "The Push Notification System is unavailable",
    OutcomeName.ABANDONED: "The notification was not taken in time and was abandoned",
    OutcomeName.UNKNOWN_ERROR: "The outcome is not known",
}
"""What the result of a test send says."""


def refusal_name(error: Refusal) -> str:
    """The outcome name of a notification that the gateway, or a template, refuses."""
    if isinstance(error, TooLarge):
        return str(OutcomeName.INVALID_NOTIFICATION_SIZE)
    if getattr(error, "field", "") == "token":
        return str(OutcomeName.BAD_CHANNEL)
    return str(OutcomeName.INVALID_NOTIFICATION_FORMAT)


def refusal_entry(batch: str, platform: Platform, error: Refusal, count: int) -> BatchEntry:
    """What is kept of notifications that are refused."""
    return BatchEntry(id=batch, platform=platform, outcomes={refusal_name(error): count})


def skipped_entry(batch: str, platform: Platform, count: int) -> BatchEntry:
    """What is kept of registrations that get nothing."""
    return BatchEntry(id=batch, platform=platform, outcomes={SKIPPED: count})
