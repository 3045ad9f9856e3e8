"""What ADM takes."""

import re
from typing import Any, Final

import msgspec

from pushgate.model.errors import Invalid, TooLarge
from pushgate.model.notification_rules import NotificationRules, check_json_object
from pushgate.model.target import TargetForm
from pushgate.protocols.adm.message import LONGEST, MAX_KEY, SHORTEST

MAX_ID: Final = 1536
"""Bytes of a registration id at most."""
MAX_DATA: Final = 6 * 1024
"""Bytes of ``data`` at most, as JSON without blanks."""
MAX_PAYLOAD: Final = 16 * 1024
"""Bytes of a payload at most: data, and a notification beside it."""
is_registration_id: Final = re.compile(rb"[0-9A-Za-z._~:=+!-]{1,%d}" % MAX_ID).fullmatch
_RULE: Final = (
    '{"data": {text: text, …}, …}, and if need be consolidationKey, expiresAfter, md5, notification, priority'
)


class _Message(msgspec.Struct, rename="camel"):
    """What is checked of a message; fields of tomorrow pass."""

    data: dict[str, str] | None = None
    notification: dict[str, Any] | None = None
    consolidation_key: str = ""
    expires_after: int = SHORTEST
    md5: str = ""


_decode: Final = msgspec.json.Decoder(_Message).decode


def check_target(target: bytes) -> None:
    """Raise `Invalid` for what cannot be a registration id."""
    if not is_registration_id(target):
        rule = f"a registration id: 1 to {MAX_ID} letters, digits and ._~:=+!-"
        raise Invalid("token", f"{len(target)} bytes", rule)


def check_payload(payload: bytes) -> None:
    """Raise `Invalid` or `TooLarge` for what is no message."""
    check_json_object(payload)
    try:
        found = _decode(payload)
    except (msgspec.MsgspecError, RecursionError) as error:  # with types and places, no values
        raise Invalid("payload", f"no message of ADM ({error})", _RULE) from None
    if found.data is None and found.notification is None:
        raise Invalid("payload", "neither data nor notification", _RULE)
    size = len(msgspec.json.encode(found.data)) if found.data else 0
    if size > MAX_DATA:
        raise TooLarge("payload: data", size, MAX_DATA)
    if len(found.consolidation_key) > MAX_KEY:
        raise TooLarge("payload: consolidationKey", len(found.consolidation_key), MAX_KEY, "characters")
    if not SHORTEST <= found.expires_after <= LONGEST:
        raise Invalid("payload", "expiresAfter out of range", f"{SHORTEST} to {LONGEST} seconds")


ADM_RULES: Final = NotificationRules(
    form=TargetForm.TEXT,
    max_target=MAX_ID,
    push_types=frozenset(),
    max_payload=MAX_PAYLOAD,
    check_target=check_target,
    check_payload=check_payload,
)
"""The rules of ADM. It has no push types: a payload says what it is."""
