"""What Push Kit takes."""

import re
from typing import Final

from pushgate.model.errors import Invalid
from pushgate.model.notification_rules import NotificationRules, check_json_object
from pushgate.model.target import TargetForm
from pushgate.protocols.http_push.json_fields import read_fields

MAX_TOKEN: Final = 1024
"""Bytes of a token at most; Huawei names no limit, and gives about 130."""
MAX_PAYLOAD: Final = 4096
"""Bytes of a message at most, its token not counted."""
PUSH_TYPES: Final = {"alert": 0, "widget": 1, "extension": 2, "background": 6, "live-view": 7, "call": 10}
"""The push types of v3, and the numbers that its header ``push-type`` has for them."""
_is_token: Final = re.compile(rb"[!-~]{1,%d}" % MAX_TOKEN).fullmatch


def check_target(target: bytes) -> None:
    """Raise `Invalid` for what cannot be a token."""
    if not _is_token(target):
        raise Invalid("token", f"{len(target)} bytes", f"1 to {MAX_TOKEN} characters of ASCII without blanks")


def check_android(payload: bytes) -> None:
    """Raise `Invalid` for what is no ``message`` of v1, or says itself to whom it goes."""
    check_json_object(payload)
    if not (read_fields(payload) or {}).keys().isdisjoint({"token", "topic", "condition"}):
        rule = "the message object of v1 without token, topic and condition"
        raise Invalid("payload", "it names whom it is for", rule)


def check_harmony(payload: bytes) -> None:
    """Raise `Invalid` for what is no body of v3, or says itself to whom it goes."""
    check_json_object(payload)
    fields = read_fields(payload) or {}
    if "payload" not in fields or "target" in fields:
        rule = '{"payload": {…}, "pushOptions": {…}} without target'
        raise Invalid("payload", "no payload, or a target", rule)


HMS_RULES: Final = NotificationRules(
    form=TargetForm.TEXT,
    max_target=MAX_TOKEN,
    push_types=frozenset(),
    max_payload=MAX_PAYLOAD,
    check_target=check_target,
    check_payload=check_android,
)
"""The rules of v1."""
HARMONY_RULES: Final = NotificationRules(
    form=TargetForm.TEXT,
    max_target=MAX_TOKEN,
    push_types=frozenset(PUSH_TYPES),
    max_payload=MAX_PAYLOAD,
    check_target=check_target,
    check_payload=check_harmony,
)
"""The rules of v3."""
