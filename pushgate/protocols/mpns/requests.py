"""The requests that notifications become: ``POST`` to the channel URI, headers by push type.

Headers as Microsoft's "Sending push notifications" for Windows Phone 8 has them.
"""

from typing import Final

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.notification import Priority, Terms
from pushgate.model.outcome_record import id_stem
from pushgate.protocols.http_push.channel_uri import ChannelRules
from pushgate.protocols.http_push.plain_service import each_once
from pushgate.protocols.http_push.service import Header, Member
from pushgate.protocols.xml_payload import guessed_child, guessed_root

TARGETS: Final = {"toast": b"toast", "tile": b"token", "raw": b""}
"""The push types, and the values of ``X-WindowsPhone-Target``: none for a raw notification."""
_CLASSES: Final = {"tile": 1, "toast": 2, "raw": 3}
_DELAYS: Final = {Priority.URGENT: 0, Priority.BULK: 10, Priority.LOW: 20}
"""What is added to the class for delivery at once, within 450 and within 900 seconds."""
ROOT: Final = "Notification"
"""The root of toasts and tiles; its child says which."""


def push_type(terms: Terms, payload: bytes) -> str:
    """The push type: what the notification says, else what its payload is; ``raw`` for any other."""
    said = terms.push_type
    if said is None and guessed_root(payload) == ROOT:
        said = guessed_child(payload).lower()
    return said if said in TARGETS else "raw"


def members(span: BatchSlice, channels: ChannelRules) -> list[Member]:
    """What each member of a slice has for itself."""
    terms, stem = span.batch.terms, id_stem(span.batch.id)
    kinds = each_once(span.payloads(), lambda payload: (payload, push_type(terms, payload)))
    return [
        Member(
            index, channels.path(target), ((b"x-messageid", f"{stem}{index:04x}".encode()),), payload, kind
        )
        for index, target, (payload, kind) in zip(
            range(span.start, span.stop), span.tokens(), kinds, strict=True
        )
    ]


def fields(span: BatchSlice, kind: str) -> tuple[Header, ...]:
    """The headers that all of a slice of one push type have."""
    number = _CLASSES[kind] + _DELAYS[span.batch.priority]
    found = ((b"content-type", b"text/xml"), (b"x-notificationclass", b"%d" % number))
    return (*found, (b"x-windowsphone-target", TARGETS[kind])) if TARGETS[kind] else found
