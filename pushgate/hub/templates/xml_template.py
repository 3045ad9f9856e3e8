"""Templates in XML: texts and the values of attributes may be expressions; the rest stays as it was written.

A document is read twice: by expat, which says whether it is well formed and refuses document types, and then
by a pattern that only has to tell the parts of well-formed documents from each other. Written anew from a
tree, it would lose its prefixes, its quotes and its empty elements.

A CDATA section is a text of its own, beside the text before and behind it. What is put into one is escaped,
and the section's own marks are left out.
"""

import re
from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from pushgate.hub.templates.compiled import CompiledTemplate, Piece, joined, value_pieces
from pushgate.hub.templates.expression import STARTS
from pushgate.model.errors import Invalid

MAX_DEPTH: Final = 64
"""How deep elements may stand in each other."""
_RULE: Final = "a well-formed XML document without a document type"
_parts: Final = re.compile(
    r"<!--.*?-->|<\?.*?\?>|</[^>]*>"
    r"|<!\[CDATA\[(?P<cdata>.*?)\]\]>"
    r"|(?P<tag><[^!?/\s>](?:[^>\"']|\"[^\"]*\"|'[^']*')*+>)"
    r"|(?P<text>[^<]+)",
    re.DOTALL,
).finditer
_attributes: Final = re.compile(
    r"\s(?P<name>[^\s=]+)\s*=\s*(?P<quote>[\"'])(?P<value>.*?)(?P=quote)", re.DOTALL
)
_encoding: Final = re.compile(r"\A(<\?xml[^>]*?\sencoding\s*=\s*)(?:\"[^\"]*\"|'[^']*')")
_references: Final = re.compile(r"&(?:#x([0-9A-Fa-f]+)|#([0-9]+)|(amp|lt|gt|quot|apos));")
_NAMED: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_special: Final = re.compile("[&<>\"'\t\n\r\x00-\x1f\ud800-\udfff\ufffe\uffff]")
_KEPT: Final = {character: f"&{name};" for name, character in _NAMED.items()} | {
    character: f"&#{ord(character)};" for character in "\t\n\r"
}


def compile_xml(body: str) -> CompiledTemplate:
    """Compile a template in XML.

    :raises Invalid: it is not well-formed, has a document type, is nested too deep, or has a bad expression.
    """
    _check(body)
    pieces: list[Piece] = []
    for part in _parts(body):
        at = part.start()
        if part["tag"]:
            pieces += _tag(part["tag"], at)
        elif part["text"] and part["text"][0] in f"{STARTS}&":
            pieces += _value(part["text"], _unescaped(_lines(part["text"])), at)
        elif part["cdata"] and part["cdata"][0] in STARTS:
            pieces += value_pieces(_lines(part["cdata"]), at, escape)
        else:
            pieces.append(_encoding.sub(r'\1"utf-8"', part[0]).encode())
    return joined(pieces)


def escape(text: str) -> bytes:
    """A text as it stands in elements and in attributes; what XML cannot have becomes U+FFFD."""
    return _special.sub(lambda found: _KEPT.get(found[0], "\ufffd"), text).encode()


class _Depth:
    """What the parser calls: it counts how deep elements stand in each other."""

    def __init__(self) -> None:
        self._depth = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Invalid("template", "XML nested deeper", f"at most {MAX_DEPTH} elements in each other")

    def end(self, tag: str) -> None:
        self._depth -= 1

    def data(self, text: str) -> None:
        """Texts are read from the document itself."""

    def close(self) -> None:
        """There is nothing to return."""


def _check(body: str) -> None:
    parser = DefusedXMLParser(target=_Depth(), forbid_dtd=True)
    try:
        parser.feed(body)
        parser.close()
    except ParseError as error:
        line, column = error.position
        raise Invalid("template", f"not well-formed in line {line}, column {column + 1}", _RULE) from None
    except DefusedXmlException:
        raise Invalid("template", "XML with a document type or entities", _RULE) from None


def _tag(tag: str, at: int) -> Iterator[Piece]:
    """The pieces of a start tag. What declares a namespace is no expression: it cannot be empty."""
    done = 0
    for found in _attributes.finditer(tag):
        value = found["value"]
        if value[:1] and value[0] in f"{STARTS}&" and not found["name"].startswith("xmlns"):
            yield tag[done : found.start("value")].encode()
            yield from _value(
                value, _unescaped(re.sub(r"[\t\n]", " ", _lines(value))), at + found.start("value")
            )
            done = found.end("value")
    yield tag[done:].encode()


def _value(written: str, text: str, at: int) -> list[Piece]:
    """The pieces of a value, which is left as it is written if it is literal."""
    return value_pieces(text, at, escape) if text[0] in STARTS else [written.encode()]


def _lines(text: str) -> str:
    """A text with its line ends as XML has them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _unescaped(text: str) -> str:
    return _references.sub(_character, text)


def _character(found: re.Match[str]) -> str:
    if found[3]:
        return _NAMED[found[3]]
    return chr(int(found[1], 16) if found[1] else int(found[2]))
