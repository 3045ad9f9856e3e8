"""XML from outside as a small tree, within bounds: no document type, no entities, not deep, not wide."""

from typing import Final
from xml.parsers.expat import ExpatError

import msgspec
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from pushgate.model.errors import Invalid

MAX_DEPTH: Final = 16
MAX_ELEMENTS: Final = 2000
RULE: Final = "a well-formed XML document without a document type"


class Element(msgspec.Struct, gc=False):
    """One element. It is in no circle, so the collector of these need not look at it.

    :param name: local: without its namespace.
    :param attributes: by local name.
    :param text: all of it, without that of its children.
    """

    name: str
    attributes: dict[str, str]
    children: "list[Element]"
    text: str = ""

    def child(self, name: str) -> "Element | None":
        """The first child of this name."""
        return next((child for child in self.children if child.name == name), None)

    def value(self, name: str) -> str | None:
        """The text of the child of this name, without blanks around it; None when there is no such child.

        :raises Invalid: there are several.
        """
        found = [child.text.strip() for child in self.children if child.name == name]
        if len(found) > 1:
            raise Invalid(name, "given twice", "each element once")
        return found[0] if found else None


def read(document: bytes, field: str = "body") -> Element:
    """Read a document.

    :param field: its name, for the error.
    :raises Invalid: it is not well formed, or has what is not allowed.
    """
    tree = _Tree(field)
    # Its handlers of what is forbidden stay; those of elements are ours, at half the price of ElementTree's.
    parser = DefusedXMLParser(target=tree, forbid_dtd=True).parser
    parser.StartElementHandler, parser.EndElementHandler = tree.start, tree.end
    parser.CharacterDataHandler, parser.DefaultHandlerExpand = tree.data, None
    try:
        parser.Parse(document, True)
    except ExpatError as error:
        place = f"line {error.lineno}, column {error.offset}"
        raise Invalid(field, f"not well-formed XML at {place}", RULE) from None
    except DefusedXmlException:
        raise Invalid(field, "XML with a document type", RULE) from None
    except (ValueError, LookupError):  # an encoding that is not known
        raise Invalid(field, "XML in an unknown encoding", RULE) from None
    assert tree.root is not None  # a document without one is not well formed
    return tree.root


class _Tree:
    """Builds the tree."""

    def __init__(self, field: str) -> None:
        self.root: Element | None = None
        self._field, self._open, self._count = field, list[Element](), 0

    def start(self, name: str, attributes: list[str]) -> None:
        """An element begins.

        :param attributes: names and values in turn.
        """
        self._count += 1
        if self._count > MAX_ELEMENTS or len(self._open) >= MAX_DEPTH:
            rule = f"at most {MAX_ELEMENTS} elements, {MAX_DEPTH} deep"
            raise Invalid(self._field, "XML with too many elements, or too deep", rule)
        element = Element(name.rpartition("}")[2], _local(attributes) if attributes else {}, [])
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def data(self, text: str) -> None:
        """Text in an element, or a part of it."""
        self._open[-1].text += text

    def end(self, _name: str) -> None:
        """An element ends."""
        self._open.pop()


def _local(attributes: list[str]) -> dict[str, str]:
    """The values of attributes by their local names."""
    names = (name.rpartition("}")[2] for name in attributes[::2])
    return dict(zip(names, attributes[1::2], strict=True))
