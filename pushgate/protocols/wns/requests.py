"""The requests that notifications become: ``POST`` to the channel URI.

Headers as Microsoft's "Push notification service request and response headers" has them.
"""

import re
from typing import Final

import msgspec

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.notification import MAX_EXPIRATION, Terms
from pushgate.protocols.http_push.channel_uri import ChannelRules
from pushgate.protocols.http_push.plain_service import each_once
from pushgate.protocols.http_push.service import Header, Member
from pushgate.protocols.http_push.ttl import seconds_left
from pushgate.protocols.xml_payload import guessed_root

XML_TYPES: Final = frozenset({"toast", "tile", "badge"})
"""Push types whose payload is XML with a root of that name."""
TYPES: Final = XML_TYPES | {"raw"}
"""The push types, which `X-WNS-Type` has behind ``wns/``."""
TAGGED: Final = frozenset({"toast", "tile"})
"""Push types whose notifications have tags, by which a later one takes the place of an earlier one."""
is_tag: Final = re.compile(r"[0-9A-Za-z]{1,16}").fullmatch
"""What `X-WNS-Tag` may be."""


HEADERS: Final = frozenset({"x-wns-cache-policy", "x-wns-group", "x-wns-match", "x-wns-suppresspopup"})
"""Headers that a notification may have besides; what they say is for the service to judge."""


def push_type(terms: Terms, payload: bytes) -> str:
    """The push type: what the notification says, else what its payload's root is; ``raw`` for any other."""
    root = terms.push_type or guessed_root(payload)
    return root if root in XML_TYPES else "raw"


class RequestRules(msgspec.Struct, frozen=True):
    """What an app's requests have in common.

    :param channels: which targets there are.
    :param cache_policy: ``cache`` or ``no-cache``: whether the service keeps notifications for a device that
        is offline; "" leaves it to the service, which keeps the last tile, toast and badge, and nothing raw.
    """

    channels: ChannelRules
    cache_policy: str = ""

    def members(self, span: BatchSlice) -> list[Member]:
        """What each member of a slice has for itself."""
        terms = span.batch.terms
        kinds = each_once(span.payloads(), lambda payload: (payload, push_type(terms, payload)))
        return [
            Member(index, self.channels.path(target), (), payload, kind)
            for index, target, (payload, kind) in zip(
                range(span.start, span.stop), span.tokens(), kinds, strict=True
            )
        ]

    def fields(self, span: BatchSlice, kind: str) -> tuple[Header, ...]:
        """The headers that all of a slice of one push type have."""
        terms = span.batch.terms
        found = [
            (b"content-type", b"application/octet-stream" if kind == "raw" else b"text/xml"),
            (b"x-wns-type", f"wns/{kind}".encode()),
            (b"x-wns-requestforstatus", b"true"),
        ]
        found += [(name.encode(), value.encode()) for name, value in terms.headers]
        if self.cache_policy and not any(name == b"x-wns-cache-policy" for name, _ in found):
            found.append((b"x-wns-cache-policy", self.cache_policy.encode()))
        left = seconds_left(span, MAX_EXPIRATION)
        if left is not None:
            found.append((b"x-wns-ttl", b"%d" % max(1, left)))
        if terms.collapse_id is not None and kind in TAGGED and is_tag(terms.collapse_id):
            found.append((b"x-wns-tag", terms.collapse_id.encode()))
        return tuple(found)
