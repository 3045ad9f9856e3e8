"""What is wrong with a payload in XML, for WNS and for MPNS."""

import re
from collections.abc import Iterator
from typing import Final

from pushgate.protocols.lint.draft import Draft, flaw_of_term
from pushgate.protocols.lint.flaw import Flaw, Grade
from pushgate.protocols.lint.json_tree import JSONText, place
from pushgate.protocols.mpns.requests import ROOT, TARGETS
from pushgate.protocols.wns.requests import TAGGED, TYPES, XML_TYPES, is_tag
from pushgate.protocols.xml_payload import NotXML, check_document, guessed_root

_GLYPHS: Final = frozenset({
    "none", "activity", "alarm", "alert", "attention", "available", "away", "busy", "error", "newMessage",
    "paused", "playing", "unavailable",
})  # fmt: skip
"""What a badge shows in place of a number: Microsoft's "Badge notifications for Windows apps"."""
_badge_value: Final = re.compile(r"<badge\b[^>]*?\svalue\s*=\s*[\"']([^\"']*)[\"']").search
_is_number: Final = re.compile("[0-9]{1,9}").fullmatch
_binding: Final = re.compile(r"<(?:[\w.-]+:)?binding[\s/>]").search
_REMEDY: Final = "XML that is well-formed: every element closed, & written as &amp;, no document type"


def of_wns(draft: Draft, read: JSONText) -> Iterator[Flaw]:
    """What is wrong with a payload for WNS."""
    kind = draft.push_type or guessed_root(draft.payload)
    if draft.push_type is not None and kind not in TYPES:
        yield flaw_of_term("push_type", "none of WNS'", f"one of {', '.join(sorted(TYPES))}")
    if draft.collapse_id is not None and kind in TAGGED and not is_tag(draft.collapse_id):
        yield flaw_of_term("collapse_id", "it becomes a tag, which it cannot", "1 to 16 letters and digits")
    if kind in XML_TYPES:
        yield from _document(draft, read.text, kind)
        if kind == "badge":
            yield from () if draft.is_template else _of_badge(read.text)
        elif not _binding(read.text):
            what = "there is no binding, so nothing in it is shown"
            yield Flaw(Grade.WARNING, "", 0, 0, what, f'<{kind}><visual><binding template="…">…')
    elif draft.push_type is None and read.text.lstrip().startswith("<"):
        what = f"its root is none of {', '.join(sorted(XML_TYPES))}: it goes to the app as a raw notification"
        yield Flaw(Grade.WARNING, "", 1, 1, what, "push type raw, if that is meant")


def of_mpns(draft: Draft, read: JSONText) -> Iterator[Flaw]:
    """What is wrong with a payload for MPNS."""
    if draft.push_type is not None and draft.push_type not in TARGETS:
        yield flaw_of_term("push_type", "none of MPNS'", f"one of {', '.join(sorted(TARGETS))}")
    elif (draft.push_type or "raw") != "raw" or guessed_root(draft.payload) == ROOT:
        yield from _document(draft, read.text, ROOT)


def _document(draft: Draft, text: str, root: str) -> Iterator[Flaw]:
    """What keeps a payload from being an XML document with this root."""
    try:
        found = check_document(draft.payload)
    except NotXML as error:
        yield Flaw(Grade.ERROR, "", error.line, error.column, f"{error}", _REMEDY)
        return
    if found != root:
        what = f"the root is {found[:40]}; must be {root}"
        yield Flaw(Grade.ERROR, "", *place(text, text.find(f"<{found}")), what, f"<{root}>…</{root}>")


def _of_badge(text: str) -> Iterator[Flaw]:
    found = _badge_value(text)
    if found is not None and (found[1] in _GLYPHS or _is_number(found[1])):
        return
    line, column = place(text, found.start(1) if found else 0)
    what = "a badge has a value, a number or the name of a glyph"
    yield Flaw(Grade.ERROR, "", line, column, what, f'value="3", or one of {", ".join(sorted(_GLYPHS))}')
