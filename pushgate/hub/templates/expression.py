"""The expressions of templates: what one value of a template says.

==================  ====================================================================================
``$(name)``         the property's text, "" when it is absent; ``$(name, 7)``: its first 7 characters
``.(name, 7)``      the same, ending in three dots when it was longer
``%(name)``         the text, URI-encoded
``#(name)``         in JSON a number, if the text is one; elsewhere as ``$(name)``
``$(name:{text})``  `text` when the property is absent; ``\\}`` stands for a brace
``{'it''s ' + …}``  texts in quotes and the above, one behind the other
==================  ====================================================================================

A value is an expression if its first character is one of ``$ . % # {``, and then has to be one as a whole;
every other value is literal: ``Hello $(name)`` too.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

import msgspec

STARTS: Final = "$.%#{"
"""The first characters of expressions."""
MAX_NAME: Final = 120
"""Characters of a property's name."""
_is_name: Final = re.compile(r"[A-Za-z0-9_]+").fullmatch
_is_length: Final = re.compile(r"\+?[0-9]{1,9}").fullmatch
_end_of_name: Final = re.compile("[,):]").search


class BadExpression(ValueError):
    """A value begins like an expression and is none.

    :param position: in characters from 1.
    :param rule: what is allowed there.
    """

    def __init__(self, position: int, rule: str) -> None:
        super().__init__(f"position {position}: {rule}")
        self.position, self.rule = position, rule


class Literal(msgspec.Struct, frozen=True):
    """A text as it stands."""

    text: str


class Reference(msgspec.Struct, frozen=True):
    """The value of a property.

    :param function: ``$``, ``.``, ``%`` or ``#``.
    :param name: in lower case.
    :param length: characters at most; None sets no limit.
    """

    function: str
    name: str
    length: int | None = None
    default: str = ""

    def text(self, properties: Mapping[str, str]) -> str:
        """What stands for it, by the properties, whose names are in lower case."""
        value = properties.get(self.name, self.default)
        if self.function == "%":
            return quote(value, safe="")
        if self.length is None or len(value) <= self.length:
            return value
        if self.function == ".":
            return (value[: max(0, self.length - 3)] + "...")[: self.length]
        return value[: self.length]


Term = Literal | Reference


def parse_value(text: str) -> tuple[Term, ...]:
    """The terms of a value, whose texts follow one another; one that is no expression is a `Literal`.

    ``#`` stands alone, so that the whole value can be a number.

    :raises BadExpression: it begins like an expression and is none.
    """
    if not text or text[0] not in STARTS:
        return (Literal(text),)
    if text[0] != "{":
        return _Reader(text, 0, len(text)).read(composite=False)
    if len(text) == 1 or text[-1] != "}":
        raise BadExpression(len(text) + 1, "a value that begins with { ends with }")
    return _Reader(text, 1, len(text[:-1].rstrip())).read(composite=True)


class _Reader:
    """Reads the terms from `at` to `end`."""

    def __init__(self, text: str, at: int, end: int) -> None:
        self._text, self._at, self._end = text, at, end

    def read(self, composite: bool) -> tuple[Term, ...]:
        terms: list[Term] = []
        numbers: list[int] = []
        while True:
            self._skip_blanks()
            if self._next == "#":
                numbers.append(self._at)
            terms.append(self._read_term())
            self._skip_blanks()
            if self._at == self._end:
                break
            if not composite:
                raise self._bad("an expression is the whole value; join texts as {'text' + $(name)}")
            if self._next != "+":
                raise self._bad("+ between the parts of { }")
            self._at += 1
        if numbers and len(terms) > 1:
            raise BadExpression(numbers[0] + 1, "#( ) stands alone, not joined with others")
        return tuple(terms)

    @property
    def _next(self) -> str:
        """The next character; "" at the end."""
        return self._text[self._at] if self._at < self._end else ""

    def _bad(self, rule: str) -> BadExpression:
        return BadExpression(self._at + 1, rule)

    def _skip_blanks(self) -> None:
        while self._next.isspace():
            self._at += 1

    def _read_term(self) -> Term:
        first = self._next
        if first and first in "'\"":
            return self._read_literal(first)
        if not first or first not in "$.%#":
            raise self._bad("$( .( %( #( or a text in quotes")
        if self._text.startswith("$body", self._at):
            raise self._bad("$body is not supported")
        self._at += 1
        self._pass("(")
        return self._read_reference(first)

    def _pass(self, character: str) -> None:
        if self._next != character:
            raise self._bad(f"{character} is expected here")
        self._at += 1

    def _read_literal(self, quote_mark: str) -> Literal:
        """A text in quotes, a doubled one in it stands for one."""
        parts: list[str] = []
        begin = self._at
        while self._next == quote_mark:
            closing = self._text.find(quote_mark, self._at + 1, self._end)
            if closing < 0:
                raise BadExpression(begin + 1, "the quote is closed by another")
            parts.append(self._text[self._at + 1 : closing])
            self._at = closing + 1
        return Literal(quote_mark.join(parts))

    def _read_reference(self, function: str) -> Reference:
        name = self._read_name()
        default = self._read_default()
        length = None
        if self._next == ",":
            if function in "%#":
                raise self._bad(f"{function}( ) has no length")
            length = self._read_length()
        elif function == ".":
            raise self._bad("a length: .(name, 20)")
        self._pass(")")
        return Reference(function, name.lower(), length, default)

    def _read_name(self) -> str:
        begin = self._at
        match = _end_of_name(self._text, begin, self._end)
        self._at = match.start() if match else self._end
        name = self._text[begin : self._at].strip()
        if not _is_name(name):
            raise BadExpression(begin + 1, "a property's name: letters A to Z, digits and _")
        if len(name) > MAX_NAME:
            raise BadExpression(begin + 1, f"a property's name of at most {MAX_NAME} characters")
        return name

    def _read_default(self) -> str:
        """What stands in ``:{…}``; a backslash takes the character behind it as it is."""
        if not self._text.startswith(":{", self._at, self._end):
            return ""
        begin, characters = self._at, []
        self._at += 2
        while self._next != "}":
            self._at += self._next == "\\"
            if not self._next:
                raise BadExpression(begin + 1, "the default is closed by }")
            characters.append(self._next)
            self._at += 1
        self._at += 1
        return "".join(characters)

    def _read_length(self) -> int:
        begin = self._at + 1
        closing = self._text.find(")", begin, self._end)
        if closing < 0:
            raise BadExpression(self._end + 1, ") is expected here")
        digits = self._text[begin:closing].strip()
        if not _is_length(digits):
            raise BadExpression(begin + 1, "a length in characters, of up to 9 digits")
        self._at = closing
        return int(digits)
