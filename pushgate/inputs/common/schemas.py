"""The shapes of JSON bodies."""

from typing import Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from pushgate.inputs.common.json_terms import TERM_FIELDS, TermFields
from pushgate.model.errors import Invalid
from pushgate.model.notification_rules import NotificationRules


class Notification(TermFields, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A member of `notifications`, or a line of NDJSON: with a token, or a channel in its place."""

    payload: Raw | UnsetType = UNSET
    token: str | UnsetType = UNSET


class Body(TermFields, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A whole body: one notification, to a token or a channel; one for many tokens; or many."""

    token: str | UnsetType = UNSET
    tokens: list[str] | UnsetType = UNSET
    notifications: list[Notification] | UnsetType = UNSET
    payload: Raw | UnsetType = UNSET
    rate: float | None = None
    pace: str | None = None


def check_one(body: Body) -> None:
    """Raise `Invalid` unless a body says in exactly one way where it is to go."""
    found = [name for name in ("token", "tokens", "notifications") if getattr(body, name) is not UNSET]
    if body.channel is not None:
        found.append("channel")
    if len(found) != 1:
        rule = "either token, or tokens, or notifications, or channel"
        raise Invalid("body", " and ".join(found) or "none of them", rule)
    if body.push_magic is not None and body.tokens is not UNSET:
        raise Invalid("push_magic", "with tokens", "each device has one of its own: token, or notifications")


def find_target(rules: NotificationRules, body: Body) -> bytes:
    """The target of a body of one notification; raise `Invalid`."""
    return rules.find_target(given(body.token), body.channel)


def given(text: str | UnsetType) -> str | None:
    """The text of a field; None where the field is not there."""
    return None if text is UNSET else text


OPTIONAL: Final = (*TERM_FIELDS, "rate", "pace")
"""The fields that a body may have besides."""
decode_notification: Final = msgspec.json.Decoder(Notification).decode
decode_notifications: Final = msgspec.json.Decoder(Notification).decode_lines
decode_body: Final = msgspec.json.Decoder(Body).decode
