"""What WNS takes."""

from typing import Final

from pushgate.model.errors import Invalid
from pushgate.model.notification import Terms
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.target import TargetForm
from pushgate.protocols.http_push.channel_uri import MAX_URI
from pushgate.protocols.wns.channel import channel_rules
from pushgate.protocols.wns.requests import HEADERS, TAGGED, TYPES, XML_TYPES, is_tag, push_type
from pushgate.protocols.xml_payload import NotXML, check_document

MAX_PAYLOAD: Final = 5000
"""Bytes of a payload at most."""


def check_payload(payload: bytes) -> None:
    """Raise `Invalid` for a payload without a byte: raw notifications may be anything else."""
    if not payload:
        raise Invalid("payload", "0 bytes", f"1 to {MAX_PAYLOAD} bytes: XML, or anything for raw")


def check_combination(terms: Terms, payload: bytes) -> None:
    """Raise `Invalid` for a payload that is not its push type's XML, or a tag that there cannot be."""
    kind = push_type(terms, payload)
    if kind in XML_TYPES:
        _check_root(kind, payload)
    if terms.collapse_id is not None and kind in TAGGED and not is_tag(terms.collapse_id):
        raise Invalid("collapse_id", f"{len(terms.collapse_id)} characters", "1 to 16 letters and digits")


def wns_rules(hosts: tuple[str, ...] = ()) -> NotificationRules:
    """The rules, if the only hosts of channels are `hosts`; empty: those of the service."""
    return NotificationRules(
        form=TargetForm.TEXT,
        max_target=MAX_URI,
        push_types=TYPES,
        headers=HEADERS,
        max_payload=MAX_PAYLOAD,
        text_payloads=True,
        check_target=channel_rules(hosts).check,
        check_payload=check_payload,
        check_combination=check_combination,
    )


def _check_root(kind: str, payload: bytes) -> None:
    rule = f"a well-formed XML document <{kind}> without a document type"
    try:
        root = check_document(payload)
    except NotXML as error:
        raise Invalid("payload", f"{len(payload)} bytes, {error}", rule) from None
    if root != kind:
        raise Invalid("payload", "XML of another kind", rule)


WNS_RULES: Final = wns_rules()
"""The rules of the service itself."""
