"""The shapes of JSON bodies."""

from typing import Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from pushgate.inputs.common.json_terms import TERM_FIELDS, TermFields


class Notification(TermFields, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A member of `notifications`, or a line of NDJSON."""

    token: str
    payload: Raw


class Body(TermFields, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A whole body: one notification, one for many tokens, or many."""

    token: str | UnsetType = UNSET
    tokens: list[str] | UnsetType = UNSET
    notifications: list[Notification] | UnsetType = UNSET
    payload: Raw | UnsetType = UNSET
    rate: float | None = None
    pace: str | None = None


OPTIONAL: Final = (*TERM_FIELDS, "rate", "pace")
"""The fields that a body may have besides."""
decode_notification: Final = msgspec.json.Decoder(Notification).decode
decode_notifications: Final = msgspec.json.Decoder(Notification).decode_lines
decode_body: Final = msgspec.json.Decoder(Body).decode
