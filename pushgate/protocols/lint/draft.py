"""A payload to be examined, with what is known of how it is to be sent."""

from typing import Final

import msgspec

from pushgate.model.notification_rules import NotificationRules
from pushgate.protocols.lint.flaw import Flaw, Grade

TEMPLATE: Final = "template"
"""The service of a payload that is a template of a hub."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A payload, and the terms it is to be sent on, as they were given: they may be wrong.

    :param service: ``"apns"``, ``"fcm"`` …; see `services.SERVICES`.
    :param max_payload: bytes, the limit of the app; None: only the services' own.
    :param rules: of the app, where it takes less than others on the service.
    :param topic: of the notification, or of its app.
    :param platform: of a template, the platform of the hub that it is for.
    :param is_template: its texts may be expressions.
    """

    payload: bytes
    service: str
    push_type: str | None = None
    priority: int | None = None
    topic: str | None = None
    collapse_id: str | None = None
    channel: str | None = None
    max_payload: int | None = None
    rules: NotificationRules | None = None
    platform: str = "apns"
    is_template: bool = False


def flaw_of_term(name: str, what: str, advice: str, grade: Grade = Grade.ERROR) -> Flaw:
    """A flaw of something that is given beside the payload: ``"priority"``."""
    return Flaw(grade, f"--{name.replace('_', '-')}", 0, 0, what, advice)
