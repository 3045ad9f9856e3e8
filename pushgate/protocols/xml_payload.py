"""Payloads in XML: what element they begin with, and whether they are well formed.

A document type is refused: nothing of a push service needs one, and what it can do (entities that grow,
files that are read) harms the program that reads the payload next.
"""

import re
from typing import Final
from xml.parsers import expat

_BEFORE: Final = rb"(?:\xef\xbb\xbf)?+(?>\s|<\?.*?\?>|<!--.*?-->)*+"
_NAME: Final = rb"<(?:[\w.-]++:)?+([A-Za-z][\w.-]*+)(?=[\s/>])"
_first: Final = re.compile(_BEFORE + _NAME, re.DOTALL).match
_first_two: Final = re.compile(_BEFORE + _NAME + rb"[^>]*+>" + _BEFORE + _NAME, re.DOTALL).match


class NotXML(ValueError):
    """A payload is no XML document that can be sent; the text says why."""


def guessed_root(payload: bytes) -> str:
    """The local name of the first element, "" when there is none: a look, not a check."""
    found = _first(payload)
    return found[1].decode("ascii") if found else ""


def guessed_child(payload: bytes) -> str:
    """The local name of the first element in the first, likewise."""
    found = _first_two(payload)
    return found[2].decode("ascii") if found else ""


def check_document(payload: bytes) -> str:
    """The local name of the root of a well-formed document.

    :raises NotXML: it is none, or has a document type.
    """
    roots: list[str] = []
    parser = expat.ParserCreate()

    def begins(name: str, _attributes: object) -> None:
        roots.append(name)
        parser.StartElementHandler = None

    def has_type(*_: object) -> None:
        raise NotXML("a document type")

    parser.StartElementHandler = begins
    parser.StartDoctypeDeclHandler = has_type
    try:
        parser.Parse(payload, True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # LookupError: an encoding that is not known
        raise error if isinstance(error, NotXML) else NotXML("not well-formed XML") from None
    return roots[0].rpartition(":")[2]
