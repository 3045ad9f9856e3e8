"""What is wrong with a payload for Apple's service, over whichever of its protocols."""

from collections.abc import Iterator

import msgspec

from pushgate.protocols import apns_push_types
from pushgate.protocols.apns_push_types import TYPES
from pushgate.protocols.lint.apns_fields import APS, INSIDE, LIVE_APS, MDM
from pushgate.protocols.lint.apns_rules import RULES, Push
from pushgate.protocols.lint.draft import Draft, flaw_of_term
from pushgate.protocols.lint.flaw import Flaw, Grade
from pushgate.protocols.lint.json_tree import JSONText, Kind, Value
from pushgate.protocols.lint.shape import compare, near
from pushgate.protocols.mdm_push import TOPIC_PREFIX, is_mdm_topic

_WITHOUT_APS = frozenset({"mdm", "voip", "complication", "fileprovider", "location", "pushtotalk"})
"""Push types whose payload is the app's own, as far as it likes."""
_ADVICE = 'aps beside the app\'s own keys: {"aps": {"alert": "…"}, "mine": 1}'


def push_type_of(draft: Draft) -> str:
    """The push type that the gateway takes a payload for."""
    if draft.push_type is not None:
        return draft.push_type
    if draft.channel is not None:
        return "liveactivity"
    return apns_push_types.of_topic(draft.topic) or _by_payload(draft.payload)


def flaws(draft: Draft, read: JSONText) -> Iterator[Flaw]:
    """What is wrong with a payload that is JSON, and with how it is to be sent."""
    push_type = push_type_of(draft)
    yield from _of_terms(draft, push_type)
    if read.root is not None:
        yield from of_payload(read, read.root, push_type, draft)


def of_payload(read: JSONText, root: Value, push_type: str, draft: Draft) -> Iterator[Flaw]:
    """What is wrong with a payload, which may stand in another service's message."""
    if root.kind is not Kind.OBJECT:
        yield read.flaw(Grade.ERROR, root, f"{root.kind}; a payload is an object", _ADVICE)
        return
    if push_type == "mdm":
        yield from compare(read, root, MDM)
        return
    aps = root.members.get("aps")
    yield from _beside(read, root, aps)
    if aps is None:
        if push_type not in _WITHOUT_APS:
            yield read.flaw(Grade.ERROR, root, f"no aps, which {push_type} needs", _ADVICE)
        return
    yield from compare(read, aps, LIVE_APS if push_type == "liveactivity" else APS)
    if aps.kind is Kind.OBJECT:
        push = Push(push_type, root, aps, draft)
        for rule in RULES:
            yield from rule.flaws(read, push)


def _beside(read: JSONText, root: Value, aps: Value | None) -> Iterator[Flaw]:
    """What stands beside ``aps`` and is hardly the app's own."""
    for name, member in root.members.items():
        if aps is None and near(name, {"aps": None}) == "aps":
            what = "nearly aps; case counts, and devices look for no other name"
            yield read.flaw(Grade.ERROR, member, what, "write aps", of_key=True)
        elif name == "mdm":
            what = "mdm beside aps: a push of MDM has nothing else"
            yield read.flaw(Grade.ERROR, member, what, 'exactly {"mdm": "PUSH MAGIC"}', of_key=True)
        elif name in INSIDE:
            what = "it stands beside aps, where it is a key of the app's own"
            yield read.flaw(
                Grade.WARNING, member, what, f"put it into aps, if Apple's {name} is meant", of_key=True
            )


def _of_terms(draft: Draft, push_type: str) -> Iterator[Flaw]:
    kind = TYPES.get(push_type)
    if kind is None:
        yield flaw_of_term("push_type", "none of Apple's push types", f"one of {', '.join(sorted(TYPES))}")
    if draft.priority not in {None, 1, 5, 10}:
        yield flaw_of_term("priority", f"{draft.priority} is none of Apple's", "10, 5 or 1")
    elif kind and kind.priority and draft.priority not in {None, kind.priority}:
        what = f"{draft.priority}; {push_type} is sent with {kind.priority}, and Apple refuses another"
        yield flaw_of_term("priority", what, f"{int(kind.priority)}, or none")
    size = len((draft.collapse_id or "").encode("utf-8", "replace"))
    if size > 64:
        yield flaw_of_term("collapse_id", f"{size} bytes; at most 64", "a shorter one, such as a hash")
    yield from _of_topic(draft, push_type)


def _of_topic(draft: Draft, push_type: str) -> Iterator[Flaw]:
    topic, suffixed = draft.topic, apns_push_types.of_topic(draft.topic)
    if topic is None:
        return
    if not apns_push_types.is_topic(topic):
        yield flaw_of_term("topic", "no bundle id: it has blanks or other characters", "com.example.app")
    if suffixed is not None and suffixed != push_type:
        what = f"its end is that of {suffixed}, and the push type is {push_type}"
        yield flaw_of_term("topic", what, f"the bundle id alone, or push type {suffixed}")
    if push_type == "mdm" and not is_mdm_topic(topic):
        what = f"a topic of MDM begins with {TOPIC_PREFIX}"
        yield flaw_of_term("topic", what, "the UID in the subject of the MDM certificate")


def _by_payload(payload: bytes) -> str:
    try:
        return apns_push_types.of_payload(payload)
    except msgspec.DecodeError:
        return "alert"
