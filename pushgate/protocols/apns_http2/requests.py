"""The requests that notifications become: ``POST /3/device/<token>``, or a broadcast.

Headers as Apple's "Sending notification requests to APNs" and "Sending broadcast push notification requests
to APNs" have them.
"""

from collections.abc import Sequence

import msgspec

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.notification import MAX_EXPIRATION, Terms
from pushgate.model.outcome_record import id_stem
from pushgate.protocols.apns_push_types import TYPES, derived, full_topic, of_topic, priority_of
from pushgate.protocols.http_push.service import Header, Member
from pushgate.protocols.mdm_push import MDM, MDM_TTL


class RequestRules(msgspec.Struct, frozen=True):
    """What an app's requests have in common.

    :param authority: host, and port if it is not 443.
    :param topic: of notifications that name none; "" when every one does.
    :param default_ttl: seconds that a notification without an expiration may be stored; 0: not at all.
    :param push_types: those that a payload may be taken for; empty: all. One of another kind is the first.
        What the notification, its topic or a channel says goes before.
    """

    authority: str
    topic: str
    default_ttl: float
    push_types: tuple[str, ...] = ()

    @property
    def pseudo(self) -> tuple[Header, ...]:
        """The pseudo headers of every request, but ``:path``."""
        return (b":method", b"POST"), (b":scheme", b"https"), (b":authority", self.authority.encode())

    def push_type(self, terms: Terms, payload: bytes) -> str:
        """The push type of a notification."""
        topic = terms.topic or self.topic
        found = derived(terms, topic, payload)
        is_said = terms.push_type is not None or terms.channel is not None or of_topic(topic) is not None
        return found if is_said or not self.push_types or found in self.push_types else self.push_types[0]

    def members(self, span: BatchSlice) -> list[Member]:
        """What each member of a slice has for itself."""
        batch = span.batch
        payloads = span.payloads()
        shared = None if _differ(payloads) else self.push_type(batch.terms, payloads[0])
        stem = id_stem(batch.id)
        name = b"apns-id" if batch.terms.channel is None else b"apns-request-id"
        whole = b"" if batch.terms.channel is None else self._broadcast_path(batch.terms)
        return [
            Member(
                index,
                whole or b"/3/device/" + token.hex().encode(),
                ((name, f"{stem}{index:04x}".encode()),),
                payload,
                shared or self.push_type(batch.terms, payload),
            )
            for index, token, payload in zip(
                range(span.start, span.stop), span.tokens(), payloads, strict=True
            )
        ]

    def fields(self, span: BatchSlice, push_type: str) -> tuple[Header, ...]:
        """The headers that all of a slice of one push type have."""
        terms = span.batch.terms
        found = [
            (b"apns-push-type", push_type.encode()),
            (b"apns-priority", b"%d" % priority_of(terms, push_type)),
            (b"apns-expiration", b"%d" % self._expiration(span, push_type)),
        ]
        if terms.channel is not None:
            return (*found, (b"apns-channel-id", terms.channel.encode()))
        topic = terms.topic or self.topic
        if topic:
            found.append((b"apns-topic", full_topic(topic, push_type).encode()))
        if terms.collapse_id is not None:
            found.append((b"apns-collapse-id", terms.collapse_id.encode()))
        return tuple(found)

    def _broadcast_path(self, terms: Terms) -> bytes:
        """The path of broadcasts, which has the bundle id: a topic without suffix."""
        bundle = (terms.topic or self.topic).removesuffix(TYPES["liveactivity"].suffix)
        return b"/4/broadcasts/apps/" + bundle.encode()

    def _expiration(self, span: BatchSlice, push_type: str) -> int:
        """Unix seconds. Always sent: what Apple does without is not documented beyond doubt."""
        given = span.batch.terms.expiration
        if given is not None:
            return given
        ttl = min(self.default_ttl, MDM_TTL) if push_type == MDM else self.default_ttl
        return min(MAX_EXPIRATION, int(span.batch.accepted_at + ttl)) if ttl else 0


def needs_token(push_type: str) -> bool:
    """Whether a push type cannot be sent with a certificate."""
    return TYPES[push_type].needs_token


def _differ(payloads: Sequence[bytes]) -> bool:
    """Whether payloads are not one and the same object."""
    first = payloads[0]
    return any(payload is not first for payload in payloads)
