"""Payloads in XML: what element they begin with, and whether they are well formed.

A document type is refused: nothing of a push service needs one, and what it can do (entities that grow,
files that are read) harms the program that reads the payload next.
"""

import re
from typing import Final
from xml.parsers import expat

_NOT_XML: Final = "not well-formed XML"
_BEFORE: Final = rb"(?:\xef\xbb\xbf)?+(?>\s|<\?.*?\?>|<!--.*?-->)*+"
_NAME: Final = rb"<(?:[\w.-]++:)?+([A-Za-z][\w.-]*+)(?=[\s/>])"
_first: Final = re.compile(_BEFORE + _NAME, re.DOTALL).match
_first_two: Final = re.compile(_BEFORE + _NAME + rb"[^>]*+>" + _BEFORE + _NAME, re.DOTALL).match


class NotXML(ValueError):
    """A payload is no XML document that can be sent; the text says why.

    :param line: where that is found, from 1; 0 when it is of no single place.
    :param column: in characters from 1; 0 likewise.
    """

    def __init__(self, why: str, line: int = 0, column: int = 0) -> None:
        super().__init__(why)
        self.line, self.column = line, column


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
        raise NotXML("a document type", parser.CurrentLineNumber, parser.CurrentColumnNumber + 1)

    parser.StartElementHandler = begins
    parser.StartDoctypeDeclHandler = has_type
    try:
        parser.Parse(payload, True)
    except expat.ExpatError as error:
        raise NotXML(_NOT_XML, error.lineno, error.offset + 1) from None
    except NotXML:
        raise
    except (ValueError, LookupError):  # LookupError: an encoding that is not known
        raise NotXML(_NOT_XML) from None
    return roots[0].rpartition(":")[2]
