"""What may stand at a place in JSON, as tables say it, and the comparison of a value with that."""

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Final

import msgspec

from pushgate.protocols.lint.flaw import Flaw, Grade
from pushgate.protocols.lint.json_tree import JSONText, Kind, Value

_is_number: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?").fullmatch


class Shape(msgspec.Struct, frozen=True):
    """What a value may be.

    :param says: in words, behind "must be": ``"a whole number"``.
    :param kinds: the kinds of value that it may be.
    :param test: of such a value, whether it will do.
    :param fields: of an object, the fields that are known.
    :param each: of an array each item; of an object each field that is not in `fields`.
    :param unknown: how grave a field is that neither of these knows; None: any may be there.
    :param why: what happens to a field that is not known.
    :param moved: fields that belong elsewhere, or have no place any more: what to write instead.
    :param grade: how grave another value is.
    :param spelling: what a name is in `fields`, where one may be written in several ways.
    """

    says: str
    kinds: frozenset[Kind]
    test: Callable[[Value], bool] | None = None
    fields: Mapping[str, "Shape"] = {}
    each: "Shape | None" = None
    unknown: Grade | None = None
    why: str = ""
    moved: Mapping[str, str] = {}
    grade: Grade = Grade.ERROR
    spelling: Callable[[str], str] = str

    def fits(self, value: Value) -> bool:
        """Whether a value is of this kind; what stands in it is not looked at."""
        return value.kind in self.kinds and (self.test is None or self.test(value))


def shape(says: str, *kinds: Kind, test: Callable[[Value], bool] | None = None) -> Shape:
    """A shape without fields."""
    return Shape(says, frozenset(kinds), test)


def one_of(*words: str) -> Shape:
    """One of these texts."""
    return shape(f"one of {', '.join(words)}", Kind.TEXT, test=lambda value: value.found in words)


def array_of(each: Shape) -> Shape:
    """An array, each of whose items is of this shape."""
    return Shape(f"an array, each item {each.says}", frozenset({Kind.ARRAY}), each=each)


def map_of(each: Shape) -> Shape:
    """An object, each of whose values is of this shape, whatever its name."""
    return Shape(f"an object, each value {each.says}", frozenset({Kind.OBJECT}), each=each)


def is_whole(value: Value) -> bool:
    """Whether a number has no fraction."""
    return isinstance(value.found, float) and value.found.is_integer()


TEXT: Final = shape("a text", Kind.TEXT)
NUMBER: Final = shape("a number", Kind.NUMBER)
WHOLE: Final = shape("a whole number", Kind.NUMBER, test=is_whole)
BOOLEAN: Final = shape("true or false, without quotes", Kind.BOOLEAN)
OBJECT: Final = shape("an object", Kind.OBJECT)
ONE: Final = shape("the number 1", Kind.NUMBER, test=lambda value: value.found == 1)


def compare(read: JSONText, value: Value, wanted: Shape) -> Iterator[Flaw]:
    """What is wrong with a value and all that stands in it."""
    if value.kind is Kind.OPEN:
        return
    if not wanted.fits(value):
        yield _other(read, value, wanted)
        return
    for name, member in value.members.items():
        known = wanted.fields.get(wanted.spelling(name), wanted.each)
        if known is not None:
            yield from compare(read, member, known)
        elif wanted.unknown is not None:
            yield _unknown(read, member, name, wanted)
    if wanted.each is not None:
        for item in value.items:
            yield from compare(read, item, wanted.each)


def near(name: str, names: Mapping[str, object]) -> str:
    """The one of `names` that a name is probably meant to be; "" when it is like none."""
    by_letters = {_letters(each): each for each in names}
    same = by_letters.get(_letters(name))
    if same is not None:
        return same
    close = get_close_matches(_letters(name), by_letters, 1, 0.8) if len(name) <= 64 else []
    return by_letters[close[0]] if close else ""


def _other(read: JSONText, value: Value, wanted: Shape) -> Flaw:
    """The flaw of a value of another kind, with what was probably meant."""
    for candidate, written in _candidates(value):
        if wanted.fits(candidate):
            what = f"{_shown(value)}; must be {wanted.says}"
            return read.flaw(wanted.grade, value, what, f"write {written}")
    return read.flaw(wanted.grade, value, f"{_shown(value)} cannot stand here", f"write {wanted.says}")


def _unknown(read: JSONText, member: Value, name: str, wanted: Shape) -> Flaw:
    assert wanted.unknown is not None  # as the caller looked
    moved, like = wanted.moved.get(name), near(name, wanted.fields)
    if moved is not None:
        return read.flaw(Grade.ERROR, member, f"not known here; {wanted.why}", moved, of_key=True)
    if like:
        what = f"not known here, and nearly {like}; {wanted.why}"
        return read.flaw(Grade.ERROR, member, what, f"write {like}", of_key=True)
    what, advice = f"not known here; {wanted.why}", "take it away, or put it where it is read"
    return read.flaw(wanted.unknown, member, what, advice, of_key=True)


def _letters(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def _candidates(value: Value) -> Iterator[tuple[Value, str]]:
    """What was probably meant: the same in another kind."""
    found = value.found
    if isinstance(found, str) and _is_number(found.strip()):
        yield Value(Kind.NUMBER, 0, float(found)), f"{found.strip()}, without quotes"
        yield Value(Kind.TEXT, 0, f"{found.strip()}s"), f'"{found.strip()}s"'
    if isinstance(found, str) and found.lower() in {"true", "false"}:
        yield Value(Kind.BOOLEAN, 0, found.lower() == "true"), f"{found.lower()}, without quotes"
    if isinstance(found, bool) or (isinstance(found, str) and found.lower() in {"true", "false"}):
        number = int(found is True or str(found).lower() == "true")
        yield Value(Kind.NUMBER, 0, float(number)), str(number)
    if isinstance(found, float) and not isinstance(found, bool):
        written = f"{found:.15g}"
        for text in (written, f"{written}s"):
            yield Value(Kind.TEXT, 0, text), f'"{text}", in quotes'
        yield Value(Kind.BOOLEAN, 0, found == 1), "true" if found == 1 else "false"
    if isinstance(found, str):
        yield Value(Kind.TEXT, 0, found.lower()), f'"{found.lower()[:32]}"'
        yield Value(Kind.TEXT, 0, found.upper()), f'"{found.upper()[:32]}"'


def _shown(value: Value) -> str:
    """The kind of a value, and a short one itself: no texts that people wrote."""
    if isinstance(value.found, bool):
        return "true" if value.found else "false"
    if isinstance(value.found, float):
        return f"the number {value.found:.15g}"
    if isinstance(value.found, str) and len(value.found) <= 16 and value.found.isascii():
        return f'the text "{value.found}"' if value.found.isprintable() else str(value.kind)
    return str(value.kind)
