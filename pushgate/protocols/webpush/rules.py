"""What may be submitted for an app on Web Push. A payload is opaque: any bytes, or none."""

import re
from typing import Final

from pushgate.model.errors import Invalid
from pushgate.model.notification import Terms
from pushgate.model.notification_rules import NotificationRules
from pushgate.protocols.webpush.encryption import MAX_PLAINTEXT
from pushgate.protocols.webpush.subscription import canonical, check_target

is_topic: Final = re.compile(r"[A-Za-z0-9_-]{1,32}").fullmatch
"""What can be a ``Topic``, RFC 8030 5.4."""


def check_payload(_payload: bytes) -> None:
    """Take any: only the page's own script reads it."""


def check_combination(terms: Terms, _payload: bytes) -> None:
    """Raise `Invalid` for terms that no header of Web Push can carry."""
    if terms.collapse_id is not None and not is_topic(terms.collapse_id):
        shape = f"text of {len(terms.collapse_id)} characters"
        raise Invalid("collapse_id", shape, "for a Topic: 1 to 32 of A-Z a-z 0-9 - _")
    if terms.topic is not None:
        raise Invalid("topic", "given", "Web Push has none; collapse_id becomes its Topic")
    if terms.push_type is not None:
        raise Invalid("push_type", "given", "Web Push has none")


WEBPUSH_RULES: Final = NotificationRules(
    max_payload=MAX_PLAINTEXT,
    text_payloads=True,
    canonical=canonical,
    check_target=check_target,
    check_payload=check_payload,
    check_combination=check_combination,
)
"""What may be submitted. An app's own `max_payload` should be `MAX_PLAINTEXT` by default."""
