"""Payloads in XML."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.protocols.xml_payload import NotXML, check_document, guessed_child, guessed_root

BOMB = b'<!DOCTYPE toast [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><toast>&b;</toast>'
WP = b'<?xml version="1.0" encoding="utf-8"?>\n<wp:Notification xmlns:wp="WPNotification"> <wp:Toast/></wp:Notification>'


@pytest.mark.parametrize(
    ("payload", "root", "child"),
    [
        (b"<toast/>", "toast", ""), (b"<toast launch='x'><visual/></toast>", "toast", "visual"), (WP, "Notification", "Toast"),
        (b"\xef\xbb\xbf <!-- <tile> --> <?pi ?><badge value='1'/>", "badge", ""), (b"toast", "", ""), (b"", "", ""),
        (b'{"a":"<toast>"}', "", ""), (b"\x00<toast>", "", ""), (b"<toasted>", "toasted", ""), (b"<toast", "", ""),
        (b"<!-->--><toast>", "toast", ""), (b"<!---->" * 5000 + b"x", "", ""), (b" " * 5000, "", ""), (b"<a:" * 2000, "", ""),
    ],
)  # fmt: skip
def test_looks(payload, root, child):
    """A look finds the first element behind what may stand before it, in time that its length bounds."""
    assert (guessed_root(payload), guessed_child(payload)) == (root, child)


@pytest.mark.parametrize("payload", [b"", b"<toast>", b"<toast/><toast/>", b"<toast>&x;</toast>", b"text", b"\xff", b"<a b='1' b='2'/>",
                                     b"<?xml version='1.0' encoding='none-such'?><a/>", b"<?xml version='1.0' encoding='utf-32'?><a/>"])  # fmt: skip
def test_what_is_not_well_formed(payload):
    """It is refused."""
    with pytest.raises(NotXML, match="well-formed"):
        check_document(payload)


@pytest.mark.parametrize(
    "payload", [BOMB, BOMB.decode().encode("utf-16"), b"<!DOCTYPE toast SYSTEM 'file:///etc/passwd'><toast/>"]
)
def test_document_types(payload):
    """They are refused in every encoding, before an entity grows."""
    with pytest.raises(NotXML, match="a document type"):
        check_document(payload)


def test_roots():
    """The root's name is without its prefix."""
    assert check_document(WP) == "Notification"
    assert check_document("<?xml version='1.0'?><toast/>".encode("utf-16")) == "toast"
    assert check_document(b"<a>" * 5000 + b"</a>" * 5000) == "a"


@given(st.binary(max_size=200) | st.text(alphabet="<>/!-?a:'= toast", max_size=60).map(str.encode))
def test_whatever_comes(payload):
    """A look raises nothing, a check only its own error; both find the same root."""
    guess = guessed_root(payload)
    guessed_child(payload)
    with suppress(NotXML):
        assert check_document(payload) == guess or not guess
