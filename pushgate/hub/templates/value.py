"""Single values: of the headers of a template, of its expiry and of its priority."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec

from pushgate.hub.templates.expression import BadExpression, Literal, Term, parse_value
from pushgate.model.errors import Invalid, TooLarge

MAX_VALUE: Final = 4096
"""Characters of a value at most, as it is written and as it is rendered."""
_controls: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class CompiledValue(msgspec.Struct, frozen=True):
    """A value, ready to be rendered."""

    terms: tuple[Term, ...]

    @property
    def literal(self) -> str | None:
        """Its text, if that does not depend on properties."""
        if all(isinstance(term, Literal) for term in self.terms):
            return self.render({})
        return None

    def render(self, properties: Mapping[str, str]) -> str:
        """Its text for these properties, whose names are in lower case.

        It is one line, fit for a header: control characters become blanks.

        :raises TooLarge: it would have more than `MAX_VALUE` characters.
        """
        parts: list[str] = []
        for term in self.terms:
            parts.append(term.text if isinstance(term, Literal) else term.text(properties))
            if (size := sum(map(len, parts))) > MAX_VALUE:
                raise TooLarge("template: a value", size, MAX_VALUE, "characters")
        return _controls.sub(" ", "".join(parts))


@lru_cache(maxsize=1024)
def compile_value(text: str, field: str = "value") -> CompiledValue:
    """Compile a value, a literal or an expression.

    :param field: named by the error.
    :raises Invalid: it begins like an expression and is none.
    :raises TooLarge: it is longer than `MAX_VALUE`.
    """
    if len(text) > MAX_VALUE:
        raise TooLarge(field, len(text), MAX_VALUE, "characters")
    try:
        return CompiledValue(parse_value(text))
    except BadExpression as error:
        raise Invalid(field, f"an expression, its position {error.position}", error.rule) from None
