"""How large a payload may be: every limit of each service, and which of them counts for a payload."""

from collections.abc import Callable
from typing import Final

import msgspec

from pushgate.protocols.adm.rules import MAX_PAYLOAD as ADM_PAYLOAD
from pushgate.protocols.apns_push_types import LARGEST_PAYLOAD, TYPES, USUAL_PAYLOAD
from pushgate.protocols.baidu.rules import MAX_PAYLOAD as BAIDU_PAYLOAD
from pushgate.protocols.fcm.rules import MAX_MESSAGE
from pushgate.protocols.hms.rules import MAX_PAYLOAD as HMS_PAYLOAD
from pushgate.protocols.lint.draft import Draft
from pushgate.protocols.mpns.rules import MAX_PAYLOAD as MPNS_PAYLOAD
from pushgate.protocols.webpush.encryption import MAX_PLAINTEXT
from pushgate.protocols.wns.rules import MAX_PAYLOAD as WNS_PAYLOAD
from pushgate.protocols.xiaomi.rules import MAX_PAYLOAD as XIAOMI_PAYLOAD

BINARY: Final = 2048
"""Bytes of a payload at most over Apple's binary protocol, which Apple has switched off."""
BEFORE_IOS_8: Final = 256
"""The same until iOS 8."""


class Limit(msgspec.Struct, frozen=True):
    """A limit.

    :param of: what it is the limit of.
    :param size: bytes at most.
    :param counts: whether it is this payload's.
    """

    of: str
    size: int
    counts: Callable[[str, Draft], bool] = lambda _kind, _draft: True


class SizeCheck(msgspec.Struct, frozen=True):
    """A payload beside a limit.

    :param counts: the limit is this payload's; else it is another push type's, or another protocol's.
    """

    of: str
    limit: int
    fits: bool
    counts: bool


def _is_large(push_type: str, draft: Draft) -> bool:
    return draft.channel is not None or (
        push_type in TYPES and TYPES[push_type].max_payload == LARGEST_PAYLOAD
    )


LIMITS: Final[dict[str, tuple[Limit, ...]]] = {
    "apns": (
        Limit("apns-http2", USUAL_PAYLOAD, lambda kind, draft: not _is_large(kind, draft)),
        Limit("apns-http2, voip and broadcasts", LARGEST_PAYLOAD, _is_large),
        Limit("apns-stream", BINARY, lambda _kind, _draft: False),
        Limit("apns-stream before iOS 8", BEFORE_IOS_8, lambda _kind, _draft: False),
    ),
    "fcm": (Limit("a message", MAX_MESSAGE),),
    "webpush": (Limit("a message, before it is encrypted", MAX_PLAINTEXT),),
    "wns": (Limit("a notification", WNS_PAYLOAD),),
    "mpns": (Limit("a notification", MPNS_PAYLOAD),),
    "adm": (Limit("a message", ADM_PAYLOAD),),
    "hms": (Limit("a message", HMS_PAYLOAD),),
    "xiaomi": (Limit("the fields", XIAOMI_PAYLOAD),),
    "baidu": (Limit("a message", BAIDU_PAYLOAD),),
}
"""Every limit, by service. What parts of a payload may have at most is with the rules of the service."""


def checks(draft: Draft, push_type: str, size: int) -> tuple[SizeCheck, ...]:
    """A payload of so many bytes beside each limit of its service, and beside its app's own."""
    found = [
        SizeCheck(each.of, each.size, size <= each.size, each.counts(push_type, draft))
        for each in LIMITS[draft.service]
    ]
    if draft.max_payload is not None:
        found.append(SizeCheck("the app's max_payload", draft.max_payload, size <= draft.max_payload, True))
    return tuple(found)
