"""What an app's credential and Apple's table of push types demand of a notification's terms and payload."""

import re
from typing import Final

import msgspec

from pushgate.model.errors import Invalid
from pushgate.model.notification import Terms
from pushgate.protocols.apns_http2.channels import is_channel_id
from pushgate.protocols.apns_http2.requests import RequestRules
from pushgate.protocols.apns_push_types import (
    TYPES,
    check_combination,
    event_of,
    full_topic,
    is_topic,
)
from pushgate.protocols.mdm_push import TOPIC_PREFIX, is_mdm_topic

_has_control: Final = re.compile(r"[\x00-\x1f\x7f]|^ | $").search


class Combination(msgspec.Struct, frozen=True):
    """Checks notifications; see `NotificationRules.check_combination`.

    :param requests: of the app.
    :param topics: that its certificate has; empty: not known.
    :param has_key: it has a provider key, not a certificate.
    """

    requests: RequestRules
    topics: frozenset[str]
    has_key: bool

    def __call__(self, terms: Terms, payload: bytes) -> None:
        """Raise a `Refusal` for what Apple would refuse."""
        push_type = self.requests.push_type(terms, payload)
        check_combination(terms, push_type, payload)
        _check_headers(terms)
        if terms.channel is not None:
            self._check_broadcast(terms, payload)
        else:
            if TYPES[push_type].needs_certificate:
                self._check_mdm(terms)
            if not self.has_key:
                self._check_certificate(terms, push_type)

    def _check_mdm(self, terms: Terms) -> None:
        if self.has_key:
            raise Invalid("push_type", "mdm with a provider key", "it needs an MDM push certificate")
        topic = terms.topic or self.requests.topic or next(iter(self.topics), "")
        if not is_mdm_topic(topic):
            raise Invalid("push_type", "mdm without an MDM topic", f"a certificate for {TOPIC_PREFIX}…")

    def _check_broadcast(self, terms: Terms, payload: bytes) -> None:
        if not is_channel_id(terms.channel or ""):
            raise Invalid("channel", "not base64", "a channel's id, as Apple gave it")
        if terms.push_type not in {None, "liveactivity"}:
            raise Invalid("push_type", f"{terms.push_type} with a channel", "only liveactivity is broadcast")
        if terms.topic is not None:
            raise Invalid("topic", "given with a channel", "a channel belongs to the app's own topic")
        if not self.has_key:
            raise Invalid("channel", "with a certificate", "broadcasts need a provider key (key_file)")
        if terms.collapse_id is not None:
            raise Invalid("collapse_id", "given with a channel", "a broadcast has none")
        if event_of(payload) == "start":
            raise Invalid("payload", "event start with a channel", "an activity is started on each device")

    def _check_certificate(self, terms: Terms, push_type: str) -> None:
        if TYPES[push_type].needs_token:
            raise Invalid(
                "push_type", f"{push_type} with a certificate", "it needs a provider key (key_file)"
            )
        topic = full_topic(terms.topic or self.requests.topic, push_type)
        if topic and self.topics and topic not in self.topics:
            known = ", ".join(sorted(self.topics))
            raise Invalid("topic", "not one of the certificate's", f"one of {known}")


def _check_headers(terms: Terms) -> None:
    """Check what goes into headers as it is."""
    if terms.topic is not None and not is_topic(terms.topic):
        raise Invalid("topic", "with blanks, or not ASCII", "a bundle id, or what Apple has in its place")
    if terms.collapse_id is not None and _has_control(terms.collapse_id):
        raise Invalid("collapse_id", "with control characters or outer blanks", "what a header can hold")
