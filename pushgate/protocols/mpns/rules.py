"""What MPNS takes."""

from typing import Final

from pushgate.model.errors import Invalid
from pushgate.model.notification import Terms
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.target import TargetForm
from pushgate.protocols.http_push.channel_uri import MAX_URI
from pushgate.protocols.mpns.channel import channel_rules
from pushgate.protocols.mpns.requests import ROOT, TARGETS, push_type
from pushgate.protocols.xml_payload import NotXML, check_document

MAX_PAYLOAD: Final = 3072
"""Bytes of a payload at most."""
_RULE: Final = f"a well-formed XML document with the root {ROOT} and without a document type"


def check_payload(payload: bytes) -> None:
    """Raise `Invalid` for a payload without a byte: raw notifications may be anything else."""
    if not payload:
        raise Invalid("payload", "0 bytes", f"1 to {MAX_PAYLOAD} bytes: XML, or anything for raw")


def check_combination(terms: Terms, payload: bytes) -> None:
    """Raise `Invalid` for a toast or a tile that is no XML of its kind."""
    if push_type(terms, payload) == "raw":
        return
    try:
        root = check_document(payload)
    except NotXML as error:
        raise Invalid("payload", f"{len(payload)} bytes, {error}", _RULE) from None
    if root != ROOT:
        raise Invalid("payload", "XML of another kind", _RULE)


def mpns_rules(hosts: tuple[str, ...] = ()) -> NotificationRules:
    """The rules, if the only hosts of channels are `hosts`; empty: those of the service."""
    return NotificationRules(
        form=TargetForm.TEXT,
        max_target=MAX_URI,
        push_types=frozenset(TARGETS),
        max_payload=MAX_PAYLOAD,
        text_payloads=True,
        check_target=channel_rules(hosts).check,
        check_payload=check_payload,
        check_combination=check_combination,
    )


MPNS_RULES: Final = mpns_rules()
"""The rules of the service itself."""
