"""Texts as XML has them."""

import re
from typing import Final

_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write."""
_SPECIAL: Final = re.compile('[&<>"\r]').search
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"})


def escape(text: str) -> str:
    """A text for an element or an attribute in double quotes; what XML cannot have is U+FFFD."""
    if not text.isascii() or not text.isprintable():
        text = _FORBIDDEN.sub("\ufffd", text)
    return text.translate(_ESCAPES) if _SPECIAL(text) else text


def cdata(text: str) -> str:
    """A text as a CDATA section, or more of them when it has the end of one in it."""
    inside = _FORBIDDEN.sub("\ufffd", text).replace("]]>", "]]]]><![CDATA[>")
    return f"<![CDATA[{inside}]]>"
