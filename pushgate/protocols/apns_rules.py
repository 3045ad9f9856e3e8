"""What Apple's push service takes, over any of its protocols."""

from typing import Final

from pushgate.model.notification_rules import NotificationRules
from pushgate.model.target import TargetForm
from pushgate.protocols.apns_push_types import TYPES

MAX_TOKEN: Final = 100
"""Bytes of a device token at most: "up to 100 bytes" in Apple's final description of the token item."""
PUSH_TYPES: Final = frozenset(TYPES)
"""Apple's apns-push-type values."""
APNS_RULES: Final = NotificationRules(form=TargetForm.HEX, max_target=MAX_TOKEN, push_types=PUSH_TYPES)
"""What `IUpstreamFactory.rules` is of an upstream that speaks to Apple's service."""


def parse_token(text: str, field: str = "token") -> bytes:
    """Return the device token that `text` stands for; raise `Invalid`, naming `field`, when there is none."""
    return APNS_RULES.parse_target(text, field)
