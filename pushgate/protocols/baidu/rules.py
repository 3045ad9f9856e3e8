"""What Baidu's push takes."""

import re
from typing import Final

from pushgate.model.errors import Invalid
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.target import TargetForm

PUSH_TYPES: Final = {"message": 0, "notification": 1}
"""The push types, and the numbers that ``msg_type`` has for them."""
MAX_PAYLOAD: Final = 4096
"""Bytes of a message at most."""
MAX_TARGET: Final = 257
"""Bytes of a target at most; Baidu's ids have about 20 digits each."""
is_target: Final = re.compile(rb"(?:[0-9A-Za-z_-]{1,128}\+)?[0-9A-Za-z_-]{1,128}").fullmatch


def check_target(target: bytes) -> None:
    """Raise `Invalid` for what is no channel id, alone or behind a user id and a plus sign."""
    if not is_target(target):
        raise Invalid(
            "token", f"{len(target)} bytes", "a channel id, or a user id, a plus sign and a channel id"
        )


BAIDU_RULES: Final = NotificationRules(
    form=TargetForm.TEXT,
    max_target=MAX_TARGET,
    push_types=frozenset(PUSH_TYPES),
    max_payload=MAX_PAYLOAD,
    check_target=check_target,
)
"""The rules of Baidu's push. A payload is the field ``msg``, a JSON object."""
