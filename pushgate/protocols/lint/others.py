"""What is wrong with messages for Amazon's, Huawei's, Xiaomi's and Baidu's services."""

from collections.abc import Iterator
from typing import Final

import msgspec

from pushgate.protocols.adm.message import LONGEST, MAX_KEY, SHORTEST, checksum
from pushgate.protocols.adm.rules import MAX_DATA
from pushgate.protocols.lint.draft import Draft
from pushgate.protocols.lint.flaw import Flaw, Grade
from pushgate.protocols.lint.json_tree import JSONText, Kind, Value
from pushgate.protocols.lint.shape import OBJECT, TEXT, Shape, array_of, compare, map_of, shape

_TARGET: Final = "take it away: to whom it goes is the token of the notification"


def _is_span(value: Value) -> bool:
    found = value.found
    return isinstance(found, float) and found.is_integer() and SHORTEST <= found <= LONGEST


_ADM: Final = Shape(
    "an object",
    frozenset({Kind.OBJECT}),
    fields={
        "data": map_of(TEXT),
        "notification": OBJECT,
        "consolidationKey": shape(
            f"a text of at most {MAX_KEY} characters",
            Kind.TEXT,
            test=lambda value: len(str(value.found)) <= MAX_KEY,
        ),
        "expiresAfter": shape(f"whole seconds, {SHORTEST} to {LONGEST}", Kind.NUMBER, test=_is_span),
        "md5": TEXT,
        "priority": shape("a text, high or normal", Kind.TEXT),
    },
    unknown=Grade.WARNING,
    why="ADM has no such field",
)
_HMS: Final = Shape(
    "an object",
    frozenset({Kind.OBJECT}),
    fields={
        "data": TEXT,
        "notification": OBJECT,
        "android": OBJECT,
        "apns": OBJECT,
        "webpush": OBJECT,
        "payload": OBJECT,
        "pushOptions": OBJECT,
    },
    unknown=Grade.WARNING,
    why="Push Kit has no such field",
    moved=dict.fromkeys(("token", "topic", "condition", "target"), _TARGET),
)
_FORM: Final = Shape(
    "an object of form fields",
    frozenset({Kind.OBJECT}),
    each=shape("a text or a number", Kind.TEXT, Kind.NUMBER),
    unknown=Grade.WARNING,
)
_BAIDU: Final = Shape(
    "an object",
    frozenset({Kind.OBJECT}),
    fields={
        "title": TEXT,
        "description": TEXT,
        "custom_content": OBJECT,
        "aps": OBJECT,
        "tags": array_of(TEXT),
    },
)


def of_adm(_: Draft, read: JSONText) -> Iterator[Flaw]:
    """What is wrong with a message for ADM."""
    if read.root is None:
        return
    yield from compare(read, read.root, _ADM)
    data = read.root.members.get("data")
    if data is not None and all(value.kind is Kind.TEXT for value in data.members.values()):
        yield from _of_data(read, read.root, {name: str(value.found) for name, value in data.members.items()})


def of_hms(_: Draft, read: JSONText) -> Iterator[Flaw]:
    """What is wrong with a message for Push Kit, v1 or v3."""
    yield from _compared(read, _HMS)


def of_xiaomi(_: Draft, read: JSONText) -> Iterator[Flaw]:
    """What is wrong with a message for Mi Push."""
    yield from _compared(read, _FORM)


def of_baidu(_: Draft, read: JSONText) -> Iterator[Flaw]:
    """What is wrong with a message for Baidu."""
    yield from _compared(read, _BAIDU)


def _compared(read: JSONText, wanted: Shape) -> Iterator[Flaw]:
    if read.root is not None:
        yield from compare(read, read.root, wanted)


def _of_data(read: JSONText, root: Value, data: dict[str, str]) -> Iterator[Flaw]:
    try:
        size, md5 = len(msgspec.json.encode(data)), checksum(data)
    except UnicodeEncodeError:  # half of a surrogate pair, which was found already
        return
    if size > MAX_DATA:
        what = f"{size} bytes of JSON; at most {MAX_DATA}"
        yield read.flaw(
            Grade.ERROR, root.members["data"], what, "less: an address that the app fetches the rest from"
        )
    given = root.members.get("md5")
    if given is not None and given.found != md5:
        yield read.flaw(Grade.ERROR, given, "not the checksum of data", "leave it out: the gateway makes it")
