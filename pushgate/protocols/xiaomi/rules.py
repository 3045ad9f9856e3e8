"""What Mi Push takes."""

import re
from typing import Any, Final

import msgspec

from pushgate.model.errors import Invalid
from pushgate.model.notification_rules import NotificationRules, check_json_object
from pushgate.model.target import TargetForm

MAX_REGID: Final = 512
"""Bytes of a regid at most; Xiaomi names no limit, and gives about 64."""
MAX_PAYLOAD: Final = 8192
"""Bytes of the fields at most: 4096 of ``payload``, and what stands beside it."""
TARGETS: Final = frozenset({
    "registration_id", "alias", "user_account", "topic", "topics",
})  # fmt: skip
"""Fields that say to whom a message goes."""
_is_regid: Final = re.compile(rb"[!-+\--~]{1,%d}" % MAX_REGID).fullmatch
_decode: Final = msgspec.json.Decoder(dict[str, str | int]).decode
_RULE: Final = 'an object of form fields {name: text or number, …} without "registration_id" and the like'


def check_target(target: bytes) -> None:
    """Raise `Invalid` for what cannot be a regid: a comma would make it several."""
    if not _is_regid(target):
        raise Invalid(
            "token", f"{len(target)} bytes", f"1 to {MAX_REGID} characters of ASCII, no blank or comma"
        )


def read_form(payload: bytes) -> dict[str, str]:
    """The fields of a message as texts.

    :raises ValueError: the payload is no object of fields.
    """
    return {name: str(value) for name, value in _decode(payload).items()}


def check_payload(payload: bytes) -> None:
    """Raise `Invalid` for what is no object of fields, or says itself to whom it goes."""
    check_json_object(payload)
    try:
        fields: dict[str, Any] = read_form(payload)
    except ValueError as error:  # that of msgspec has types and places, no values
        raise Invalid("payload", f"no form ({error})", _RULE) from None
    if not TARGETS.isdisjoint(fields):
        raise Invalid("payload", "it names whom it is for", _RULE)


XIAOMI_RULES: Final = NotificationRules(
    form=TargetForm.TEXT,
    max_target=MAX_REGID,
    push_types=frozenset(),
    max_payload=MAX_PAYLOAD,
    check_target=check_target,
    check_payload=check_payload,
)
"""The rules of Mi Push. A payload is the fields of the form as JSON."""
