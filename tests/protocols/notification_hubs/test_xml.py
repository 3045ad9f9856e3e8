"""XML in, within bounds, and texts out."""

from contextlib import suppress
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.errors import Invalid
from pushgate.protocols.notification_hubs.xml_reader import MAX_DEPTH, MAX_ELEMENTS, read
from pushgate.protocols.notification_hubs.xml_text import cdata, escape


def test_a_document_becomes_a_tree():
    """Names without their namespaces, texts without those of children."""
    root = read(
        b'<?xml version="1.0"?><!-- c --><e:a xmlns:e="u" xmlns:i="v" i:type="x" k="1">t<b> v </b>u<![CDATA[<]]></e:a>'
    )
    assert (root.name, root.attributes, root.text) == ("a", {"type": "x", "k": "1"}, "tu<")
    assert root.value("b") == "v"
    assert root.value("c") is root.child("c") is None


def test_an_element_given_twice():
    """Which of them counts is not guessed."""
    with pytest.raises(Invalid, match="b: given twice"):
        read(b"<a><b/><b/></a>").value("b")


BOMB = b'<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;">]><a>&z;</a>'


@pytest.mark.parametrize(("document", "shape"), [
    (BOMB, "XML with a document type"),
    (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "XML with a document type"),
    (b"<a>&x;</a>", "not well-formed XML at line 1, column 3"),
    (b"", "not well-formed XML at line 1, column 0"),
    (b"<a>\n<b></a>", "not well-formed XML at line 2, column 5"),
    (b"<a/><b/>", "not well-formed XML at line 1, column 4"),
    (b'<?xml version="1.0" encoding="klingon"?><a/>', "XML in an unknown encoding"),
    (b'<?xml version="1.0" encoding="gb2312"?><a/>', "XML in an unknown encoding"),
    (b"<a>" * (MAX_DEPTH + 1), "XML with too many elements, or too deep"),
    (b"<a>" + b"<b/>" * MAX_ELEMENTS + b"</a>", "XML with too many elements, or too deep"),
])  # fmt: skip
def test_hostile_documents(document, shape):
    """They are refused before they grow."""
    with pytest.raises(Invalid) as caught:
        read(document)
    assert caught.value.shape == shape


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(data):
    """Nothing else happens."""
    with suppress(Invalid):
        read(data)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
_WRITABLE = {*range(0x20, 0xD800), *range(0xE000, 0xFFFE), 9, 10, 13, *range(0x10000, 0x110000)}


@given(TEXTS)
def test_texts_come_back(text):
    """Whatever XML can have is the same on the other side; what it cannot is U+FFFD."""
    expected = "".join(each if ord(each) in _WRITABLE else "\ufffd" for each in text)
    assert (ElementTree.fromstring(f'<a b="">{escape(text)}</a>').text or "") == expected
    assert read(f"<a>{cdata(text)}</a>".encode()).text == expected.replace("\r\n", "\n").replace("\r", "\n")


def test_attributes():
    """Quotes are escaped too."""
    assert escape('a"b<&>') == "a&quot;b&lt;&amp;&gt;"
