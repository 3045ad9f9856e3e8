"""JSON as a tree whose values know where they stand, and the faults of texts that are no JSON.

The standard library's reader says whether a text is JSON. A pattern then only has to tell the tokens of a
text that is known to be right from each other, so that places are known without a parser of our own.
"""

import json
import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final

import msgspec

from pushgate.protocols.lint.flaw import Flaw, Grade

_BOMS: Final = {b"\xef\xbb\xbf": "UTF-8", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_tokens: Final = re.compile(
    r'(?P<text>"(?:[^"\\]|\\.)*+")(?P<colon>[ \t\r\n]*:)?|[{}\[\]]|(?P<bare>[^\s{}\[\],:"]++)'
).finditer
_blanks: Final = re.compile(r'(?P<text>"(?:[^"\\]|\\.)*+"|)[ \t\r\n]*').sub
_is_word: Final = re.compile(r"[A-Za-z0-9_-]+").fullmatch
_half_a_pair: Final = re.compile("[\ud800-\udfff]").search
_NO_NUMBERS: Final = frozenset({"NaN", "Infinity", "-Infinity"})
_ADVICE: Final = (
    ("Expecting property name", "a key in double quotes; no comma behind the last member"),
    ("Illegal trailing comma", "take the comma behind the last member away"),
    ("Expecting ',' delimiter", "a comma between two members, or a backslash before a quote inside a text"),
    ("Expecting ':' delimiter", "a colon behind the key"),
    ("Expecting value", "a value: a text in double quotes, a number, true, false, null, { } or [ ]"),
    ("Extra data", "one value, and nothing behind it"),
    ("Unterminated string", "close the text with a double quote"),
    ("Invalid control character", r"write a line feed in a text as \n, a tab as \t"),
    ("Invalid \\", r"a backslash is followed by one of \" \\ / b f n r t, or by u and four hex digits"),
)


class Kind(StrEnum):
    """The kinds of values."""

    OBJECT = "an object"
    ARRAY = "an array"
    TEXT = "a text"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    NULL = "null"
    OPEN = "an expression"
    """In a template: what it becomes is not known."""


class Value(msgspec.Struct, eq=False):
    """A value of JSON.

    :param at: where it begins, in characters from 0.
    :param found: what it says, if it is a text, a number, true or false.
    :param key_at: where its key begins; as `at` when it has none.
    :param name: its key, or its index.
    :param members: of an object, the last of each key.
    :param items: of an array.
    """

    kind: Kind
    at: int
    found: object = None
    key_at: int = 0
    parent: "Value | None" = None
    name: str | int = ""
    members: dict[str, "Value"] = {}
    items: list["Value"] = []

    @property
    def path(self) -> str:
        """The names on the way to it: ``aps.alert.loc-args[1]``; "" of the whole."""
        names: list[str] = []
        value = self
        while value.parent is not None:
            names.append(_step(value.name))
            value = value.parent
        return "".join(reversed(names)).removeprefix(".")

    def __iter__(self) -> Iterator["Value"]:
        """Its members or items."""
        yield from self.members.values()
        yield from self.items


def _step(name: str | int) -> str:
    if isinstance(name, int):
        return f"[{name}]"
    return f".{name}" if _is_word(name) else f"[{json.dumps(name)}]"


class JSONText(msgspec.Struct, eq=False):
    """A payload that was read, as far as it could be.

    :param root: None when it is no JSON.
    :param flaws: what is wrong with it as JSON.
    """

    text: str
    root: Value | None = None
    flaws: list[Flaw] = []

    def flaw(self, grade: Grade, value: Value, what: str, advice: str, *, of_key: bool = False) -> Flaw:
        """A flaw of a value, or of its key."""
        line, column = place(self.text, value.key_at if of_key else value.at)
        return Flaw(grade, value.path, line, column, what, advice)


def place(text: str, at: int) -> tuple[int, int]:
    """Line and column, from 1, of a place in characters from 0."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def without_blanks(text: str) -> str:
    """JSON without the blanks between its parts."""
    return _blanks(r"\g<text>", text)


def decode(payload: bytes) -> tuple[str, list[Flaw]]:
    """A payload as text, what is no UTF-8 replaced, and what is wrong with it."""
    for mark, encoding in _BOMS.items():
        if payload.startswith(mark):
            what = f"begins with a byte order mark of {encoding}"
            flaw = Flaw(Grade.ERROR, "", 1, 1, what, "save the file as UTF-8 without a byte order mark")
            return payload.removeprefix(mark).decode("utf-8", "replace"), [flaw]
    try:
        return payload.decode(), []
    except UnicodeDecodeError as error:
        text = payload.decode("utf-8", "replace")
        line, column = place(text, len(payload[: error.start].decode()))
        what = f"byte {error.start + 1} of {len(payload)} is no UTF-8"
        return text, [Flaw(Grade.ERROR, "", line, column, what, "encode the payload as UTF-8")]


def read(text: str, is_open: Callable[[str], bool] = lambda _: False) -> JSONText:
    """Read a text as JSON.

    :param is_open: says of a text in it that it stands for something else, as the expression of a template.
    """
    if not text.strip():
        flaw = Flaw(Grade.ERROR, "", 0, 0, "there is nothing in it", 'a JSON object: {"aps": {"alert": "…"}}')
        return JSONText(text, flaws=[flaw])
    try:
        json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except json.JSONDecodeError as error:
        return JSONText(text, flaws=[Flaw(Grade.ERROR, "", *place(text, error.pos), *_said(error))])
    except RecursionError:
        flaw = Flaw(Grade.ERROR, "", 0, 0, "objects and arrays nested too deep", "fewer levels")
        return JSONText(text, flaws=[flaw])
    return _Builder(text, is_open).build()


def _said(error: json.JSONDecodeError) -> tuple[str, str]:
    advice = next((advice for begin, advice in _ADVICE if error.msg.startswith(begin)), "JSON, RFC 8259")
    return f"no JSON: {error.msg.removesuffix(' at')}", advice


class _Builder:
    """Makes the tree of a text that is JSON."""

    def __init__(self, text: str, is_open: Callable[[str], bool]) -> None:
        self._read = JSONText(text)
        self._is_open = is_open
        self._inside: Value | None = None
        self._key = ("", 0)

    def build(self) -> JSONText:
        for token in _tokens(self._read.text):
            if token["colon"]:
                self._key = json.loads(token["text"]), token.start()
            elif token[0] in "}]":
                assert self._inside is not None  # as it is JSON
                self._inside = self._inside.parent
            else:
                self._add(self._value(token), token.start())
        return self._read

    def _value(self, token: re.Match[str]) -> Value:
        at, bare = token.start(), token["bare"]
        if token["text"]:
            return self._text(json.loads(token["text"]), at)
        if token[0] in "{[":
            return Value(Kind.OBJECT if token[0] == "{" else Kind.ARRAY, at, members={}, items=[])
        if bare in {"true", "false"}:
            return Value(Kind.BOOLEAN, at, bare == "true")
        if bare == "null":
            return Value(Kind.NULL, at)
        return self._number(bare, at)

    def _text(self, found: str, at: int) -> Value:
        value = Value(Kind.OPEN if self._is_open(found) else Kind.TEXT, at, found)
        if _half_a_pair(found):
            advice = r"both halves, as \ud83d\ude00, or the character itself in UTF-8"
            self._note(value, "half of a surrogate pair, which is no character", advice)
        return value

    def _number(self, bare: str, at: int) -> Value:
        value = Value(Kind.NUMBER, at, float(bare))
        if bare in _NO_NUMBERS:
            self._note(value, f"{bare} is no JSON, though many programs write it", "a number, or null")
        return value

    def _note(self, value: Value, what: str, advice: str) -> None:
        """Note a flaw; the value is not in the tree yet, so its path is that of where it goes."""
        value.parent, value.name = self._inside, self._next_name()
        self._read.flaws.append(self._read.flaw(Grade.ERROR, value, what, advice))

    def _next_name(self) -> str | int:
        inside = self._inside
        return len(inside.items) if inside is not None and inside.kind is Kind.ARRAY else self._key[0]

    def _add(self, value: Value, at: int) -> None:
        inside = self._inside
        value.parent, value.key_at = inside, at
        if inside is None:
            self._read.root = value
        elif inside.kind is Kind.ARRAY:
            value.name = len(inside.items)
            inside.items.append(value)
        else:
            value.name, value.key_at = self._key
            if self._key[0] in inside.members:
                what, advice = "this key is there twice; most readers take the last", "one of them"
                self._read.flaws.append(self._read.flaw(Grade.ERROR, value, what, advice, of_key=True))
            inside.members[self._key[0]] = value
        if value.kind in {Kind.OBJECT, Kind.ARRAY}:
            self._inside = value
