"""Tag expressions, read from text.

::

    or  = and *( "||" and )
    and = not *( "&&" not )
    not = "!" not / "(" or ")" / tag

So ``!`` binds before ``&&``, and ``&&`` before ``||``. How many tags an expression may have depends on its
operators: 20 with ``||`` alone, 10 with ``&&`` and ``!`` alone, 6 with others mixed, as Microsoft documents
it.
"""

import re

from pushgate.hub.tag_expressions.expression import And, Expression, HasTag, Not, Or
from pushgate.hub.tag_expressions.tags import ALLOWED, IMPLICIT, MAX_TAG, PLAIN
from pushgate.model.errors import Invalid

MAX_LENGTH = 4096
"""Characters of an expression, blanks included."""
MAX_DEPTH = 32
"""How many ``!`` and ``(`` may be open at one place."""
MAX_TAGS_OR = 20
MAX_TAGS_AND = 10
MAX_TAGS_MIXED = 6
_BLANKS = " \t\r\n"
_TOKEN = re.compile(rf"&&|\|\||[!()]|{IMPLICIT}|{PLAIN}", re.IGNORECASE | re.ASCII)
_OPERATORS = {"&&", "||", "!", "(", ")"}
_END = ""
"""The text of the token behind the last one."""

Token = tuple[str, int]
"""A token's text, and its position in characters from 1."""


def parse_expression(text: str, field: str = "expression") -> Expression:
    """Read a tag expression.

    Raises `Invalid` that names `field`, the position in characters from 1, and the rule.
    """
    if len(text) > MAX_LENGTH:
        raise Invalid(field, f"{len(text)} characters", f"at most {MAX_LENGTH}")
    tokens = _tokens(text, field)
    expression = _Parser(tokens, field).read()
    _check_number(tokens, field)
    return expression


def _tokens(text: str, field: str) -> list[Token]:
    tokens: list[Token] = []
    at = 0
    while (at := _skip_blanks(text, at)) < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Invalid(field, f"position {at + 1}: U+{ord(text[at]):04X}", _expected_at(text[at]))
        token = match.group()
        if len(token) > MAX_TAG:
            raise Invalid(field, f"position {at + 1}: a tag of {len(token)} characters", ALLOWED)
        tokens.append((token, at + 1))
        at = match.end()
    return [*tokens, (_END, len(text) + 1)]


def _skip_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANKS:
        at += 1
    return at


def _expected_at(character: str) -> str:
    if character == ",":
        return "tags are joined by ||, not by commas"
    if character in "&|":
        return "the operators are && || !"
    return ALLOWED


def _check_number(tokens: list[Token], field: str) -> None:
    texts = [text for text, _ in tokens if text != _END]
    operators = {"&&", "||", "!"}.intersection(texts)
    number = sum(text not in _OPERATORS for text in texts)
    if operators <= {"||"}:
        limit, rule = MAX_TAGS_OR, "with no operator but ||"
    elif "||" not in operators:
        limit, rule = MAX_TAGS_AND, "with && or ! and no ||"
    else:
        limit, rule = MAX_TAGS_MIXED, "with || and others mixed"
    if number > limit:
        raise Invalid(field, f"{number} tags", f"at most {limit} {rule}")


class _Parser:
    """Reads tokens by recursive descent; its depth is that of the expression, which is limited."""

    def __init__(self, tokens: list[Token], field: str) -> None:
        self._tokens = tokens
        self._field = field
        self._at = 0

    def read(self) -> Expression:
        expression = self._read_or(0)
        if self._next != _END:
            raise self._unexpected("&& or || or the end")
        return expression

    @property
    def _next(self) -> str:
        return self._tokens[self._at][0]

    def _take(self, text: str) -> bool:
        """Go past the next token if it is this one."""
        taken = self._next == text
        self._at += taken
        return taken

    def _read_or(self, depth: int) -> Expression:
        operands = [self._read_and(depth)]
        while self._take("||"):
            operands.append(self._read_and(depth))
        return operands[0] if len(operands) == 1 else Or(tuple(operands))

    def _read_and(self, depth: int) -> Expression:
        operands = [self._read_not(depth)]
        while self._take("&&"):
            operands.append(self._read_not(depth))
        return operands[0] if len(operands) == 1 else And(tuple(operands))

    def _read_not(self, depth: int) -> Expression:
        if depth > MAX_DEPTH:
            raise self._invalid("nested deeper", f"at most {MAX_DEPTH} ! and ( inside each other")
        if self._take("!"):
            return Not(self._read_not(depth + 1))
        if self._take("("):
            inner = self._read_or(depth + 1)
            if not self._take(")"):
                raise self._unexpected("&& or || or )")
            return inner
        if self._next == _END or self._next in _OPERATORS:
            raise self._unexpected("a tag or ! or (")
        tag = HasTag(self._next.lower())
        self._at += 1
        return tag

    def _unexpected(self, expected: str) -> Invalid:
        text = self._next
        found = "the end" if text == _END else text if text in _OPERATORS else "a tag"
        return self._invalid(found, f"{expected} is expected there")

    def _invalid(self, found: str, rule: str) -> Invalid:
        return Invalid(self._field, f"position {self._tokens[self._at][1]}: {found}", rule)
