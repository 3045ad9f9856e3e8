"""Compiled templates: bytes that are the same for all, and the places that properties fill."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from pushgate.hub.templates.expression import BadExpression, Literal, Reference, parse_value
from pushgate.model.errors import Invalid, TooLarge

MAX_RENDERED: Final = 65_535
"""Bytes of a rendered template at most: no push service takes more."""
Escape = Callable[[str], bytes]
"""Makes of a text the bytes that stand for it at its place, whatever characters it has."""


class BadValue(Invalid):
    """A value of a template begins like an expression and is none.

    :param at: where in the template the value begins, in characters from 0.
    :param position: where in the value it is wrong, in characters from 1.
    """

    def __init__(self, at: int, position: int, rule: str) -> None:
        shape = f"the value at position {at + 1}: an expression, its position {position}"
        super().__init__("template", shape, rule)
        self.at, self.position = at, position


class Place(msgspec.Struct, frozen=True):
    """Where the value of a property goes."""

    reference: Reference
    escape: Escape


Piece = bytes | Place


class CompiledTemplate(msgspec.Struct, frozen=True):
    """A template, ready to be rendered any number of times."""

    pieces: tuple[Piece, ...]

    @property
    def properties(self) -> list[str]:
        """The names of the properties that it is filled with, in their order as text, in lower case."""
        return sorted({piece.reference.name for piece in self.pieces if isinstance(piece, Place)})

    @property
    def size(self) -> int:
        """Bytes that are the same whatever the properties are."""
        return sum(len(piece) for piece in self.pieces if isinstance(piece, bytes))

    def render(self, properties: Mapping[str, str]) -> bytes:
        """The notification for these properties, whose names are in lower case.

        :raises TooLarge: it would have more than `MAX_RENDERED` bytes.
        """
        rendered: list[bytes] = []
        size = 0
        for piece in self.pieces:
            part = piece if isinstance(piece, bytes) else piece.escape(piece.reference.text(properties))
            size += len(part)
            if size > MAX_RENDERED:  # at once: a short template can name a long property many times
                raise TooLarge("template: the notification", size, MAX_RENDERED)
            rendered.append(part)
        return b"".join(rendered)


def joined(pieces: Iterable[Piece]) -> CompiledTemplate:
    """A template of these pieces; bytes next to each other become one piece."""
    found: list[Piece] = []
    for piece in pieces:
        if found and isinstance(piece, bytes) and isinstance(found[-1], bytes):
            found[-1] += piece
        else:
            found.append(piece)
    return CompiledTemplate(tuple(found))


def value_pieces(text: str, at: int, escape: Escape, number: Escape | None = None) -> list[Piece]:
    """The pieces of one value.

    :param at: where in the template it begins, in characters from 0, for the error.
    :param escape: for a part of a text.
    :param number: for a whole value that ``#`` makes; None: like `escape`.
    :raises Invalid: it begins like an expression and is none.
    """
    try:
        terms = parse_value(text)
    except BadExpression as error:
        raise BadValue(at, error.position, error.rule) from None
    if number is not None and isinstance(terms[0], Reference) and terms[0].function == "#":
        return [Place(terms[0], number)]
    return [escape(term.text) if isinstance(term, Literal) else Place(term, escape) for term in terms]
