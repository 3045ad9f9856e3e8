"""Targets of Firebase Cloud Messaging: as text, and as the field of a message that each becomes.

==============================  =============  ==========================================================
text                            field          what it is
==============================  =============  ==========================================================
any other                       ``token``      the registration token of an app on a device
``fid:ID``                      ``fid``        a Firebase installation id, which takes the token's place
``topic:N``, ``/topics/N``      ``topic``      all devices that subscribed to a topic
``condition:EXPRESSION``        ``condition``  those that subscribed to a combination of up to five
==============================  =============  ==========================================================

A token begins with an installation id of 22 characters and a colon, so no token begins with one of the words.
"""

import re
from enum import StrEnum
from typing import Final

import msgspec

from pushgate.model.errors import Invalid

MOST_TOPICS: Final = 5
"""Topics of a condition at most."""


class Kind(StrEnum):
    """The field of a message that names its target."""

    TOKEN = "token"  # noqa: S105 - the name of a field, not a secret
    FID = "fid"
    TOPIC = "topic"
    CONDITION = "condition"


DEVICES: Final = frozenset({Kind.TOKEN, Kind.FID})
"""Targets that are one device, which can be dead."""
_MARKED: Final = {
    b"fid:": Kind.FID,
    b"topic:": Kind.TOPIC,
    b"/topics/": Kind.TOPIC,
    b"condition:": Kind.CONDITION,
}
_MARKS: Final = tuple(_MARKED)
_HEADS: Final = {kind: b'"%b":"' % kind.encode() for kind in Kind}
_TOKEN_HEAD: Final = _HEADS[Kind.TOKEN]
_PLAIN: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:.~%-"
"""What stands in JSON as it is, and is all that there is in a token of Google's."""
_VISIBLE: Final = bytes(range(0x21, 0x7F))
_is_topic: Final = re.compile(rb"[a-zA-Z0-9-_.~%]+").fullmatch
_IN_TOPICS: Final = rb"(?:'[a-zA-Z0-9-_.~%]+'|\"[a-zA-Z0-9-_.~%]+\") +in +topics"
_topics_in: Final = re.compile(_IN_TOPICS).findall
_is_condition: Final = re.compile(rb"(?:" + _IN_TOPICS + rb"|[ !()]|&&|\|\|)+").fullmatch


def parse(target: bytes) -> tuple[Kind, bytes]:
    """The kind of a target, and what names it: a token, an id, a topic without prefix, a condition."""
    if target.startswith(_MARKS):
        mark = next(each for each in _MARKS if target.startswith(each))
        return _MARKED[mark], target[len(mark) :]
    return Kind.TOKEN, target


def field(target: bytes) -> bytes:
    """The field of a message for a target, as JSON: ``"token":"…"``. Any bytes give valid JSON."""
    head, name = _TOKEN_HEAD, target
    if target.startswith(_MARKS):
        kind, name = parse(target)
        head = _HEADS[kind]
    if not name.translate(None, _PLAIN):  # at a third of the cost of a pattern
        return head + name + b'"'
    return head + msgspec.json.encode(name.decode("utf-8", "replace"))[1:]


def check_target(target: bytes) -> None:
    """Raise `Invalid` for what cannot be a target."""
    kind, name = parse(target)
    if kind in DEVICES:
        if not name or name.translate(None, _VISIBLE):
            raise Invalid("token", f"a {kind} with blanks or other characters", "printable ASCII, no blanks")
    elif kind is Kind.TOPIC:
        if not _is_topic(name):
            raise Invalid("token", f"a topic of {len(name)} bytes", "topic:NAME of a-z A-Z 0-9 - _ . ~ %")
    else:
        _check_condition(name)


def _check_condition(text: bytes) -> None:
    """Check roughly: what is nested wrongly in another way than by number, the service refuses."""
    count = len(_topics_in(text))
    if not 1 <= count <= MOST_TOPICS:
        raise Invalid("token", f"a condition of {count} topics", f"1 to {MOST_TOPICS} topics")
    if not _is_condition(text) or text.count(b"(") != text.count(b")"):
        raise Invalid("token", "a condition", "'NAME' in topics, with && || ! and parentheses")
