"""Apple's push types: what each demands of a notification, and which one a payload is.

From the table of ``apns-push-type`` in "Sending notification requests to APNs".
"""

import re
from functools import lru_cache
from typing import Final

import msgspec

from pushgate.model.errors import Invalid, TooLarge
from pushgate.model.notification import Priority, Terms

USUAL_PAYLOAD: Final = 4096
"""Bytes of a payload at most, unless its push type allows more."""
LARGEST_PAYLOAD: Final = 5120
"""Bytes of any payload at most: of VoIP and of broadcasts."""
is_topic: Final = re.compile(r"[!-~]+").fullmatch
"""What can stand in the header of a topic: a bundle id, or what Apple has in its place."""


class PushType(msgspec.Struct, frozen=True):
    """What Apple demands of one push type.

    :param suffix: what the topic has behind the bundle id.
    :param priority: the only one there is; None: any.
    :param max_payload: bytes at most.
    :param needs_token: a provider token is needed, a certificate will not do.
    :param needs_certificate: the other way round.
    """

    suffix: str = ""
    priority: Priority | None = None
    max_payload: int = USUAL_PAYLOAD
    needs_token: bool = False
    needs_certificate: bool = False


TYPES: Final = {
    "alert": PushType(),
    "background": PushType(priority=Priority.BULK),
    "complication": PushType(".complication"),
    "controls": PushType(".push-type.controls", needs_token=True),
    "fileprovider": PushType(".pushkit.fileprovider"),
    "liveactivity": PushType(".push-type.liveactivity", needs_token=True),
    "location": PushType(".location-query", needs_token=True),
    "mdm": PushType(needs_certificate=True),
    "pushtotalk": PushType(".voip-ptt", needs_token=True),
    "voip": PushType(".voip", max_payload=LARGEST_PAYLOAD),
    "widgets": PushType(".push-type.widgets", needs_token=True),
}
"""Every push type. An MDM topic is no bundle id, but the UID of the MDM certificate's subject."""
_BY_SUFFIX: Final = sorted(
    ((each.suffix, name) for name, each in TYPES.items() if each.suffix), key=lambda pair: -len(pair[0])
)


class _Aps(msgspec.Struct, rename="kebab"):
    """The keys of ``aps`` that tell push types apart; None where there is no such key."""

    alert: object = None
    badge: object = None
    sound: object = None
    content_available: object = None
    content_state: object = None
    content_changed: object = None
    event: object = None


class _Payload(msgspec.Struct):
    aps: _Aps | None = None
    mdm: object = None


_decode = msgspec.json.Decoder(_Payload).decode


@lru_cache(maxsize=1024)
def of_topic(topic: str | None) -> str | None:
    """The push type that the suffix of a topic stands for, None when it has none of Apple's."""
    return next((name for suffix, name in _BY_SUFFIX if topic is not None and topic.endswith(suffix)), None)


def of_payload(payload: bytes) -> str:
    """The push type that a payload is: ``alert`` unless it is plainly another.

    :param payload: a JSON object.
    """
    try:
        decoded = _decode(payload)
    except (msgspec.ValidationError, RecursionError):  # an aps that is no object: the service refuses it
        return "alert"
    aps = decoded.aps
    if aps is None:
        return "alert" if decoded.mdm is None else "mdm"
    if aps.event is not None and aps.content_state is not None:
        return "liveactivity"
    is_shown = aps.alert is not None or aps.badge is not None or aps.sound is not None
    if aps.content_changed is not None and not is_shown:
        return "widgets"
    return "background" if aps.content_available is not None and not is_shown else "alert"


def event_of(payload: bytes) -> object:
    """The ``event`` of a payload of a Live Activity; None when it has none.

    :param payload: a JSON object.
    """
    try:
        aps = _decode(payload).aps
    except (msgspec.ValidationError, RecursionError):  # an aps that is no object: the service refuses it
        return None
    return None if aps is None else aps.event


def derived(terms: Terms, topic: str | None, payload: bytes) -> str:
    """The push type of a notification: the given one, or by its topic, or by its payload.

    :param topic: of the notification, as it was given or as its app has it.
    """
    if terms.push_type is not None:
        return terms.push_type
    return "liveactivity" if terms.channel is not None else of_topic(topic) or of_payload(payload)


def full_topic(topic: str, push_type: str) -> str:
    """The topic with the suffix of the push type, unless it has that already."""
    suffix = TYPES[push_type].suffix
    return topic if topic.endswith(suffix) else topic + suffix


def priority_of(terms: Terms, push_type: str) -> Priority:
    """The priority to send: the one that the push type demands, or the given one, or 10."""
    return TYPES[push_type].priority or terms.priority or Priority.URGENT


def check_combination(terms: Terms, push_type: str, payload: bytes) -> None:
    """Check what Apple demands of one push type.

    :param push_type: as `derived` says.
    :raises Invalid: the priority was given together with a push type that has another.
    :raises TooLarge: the payload is over the limit of its type.
    """
    rule = TYPES[push_type]
    limit = LARGEST_PAYLOAD if terms.channel is not None else rule.max_payload
    if len(payload) > limit:
        raise TooLarge("payload", len(payload), limit)
    if terms.push_type and rule.priority and terms.priority not in {None, rule.priority}:
        raise Invalid(
            "priority", f"{terms.priority} with push_type {push_type}", f"{push_type} needs {rule.priority}"
        )
