"""Text as editors and shells write it into files: with a byte order mark, in UTF-16, with an end of line."""

from typing import Final

BOM: Final = b"\xef\xbb\xbf"
"""The byte order mark of UTF-8, which nothing may depend on."""
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
UTF16: Final = "text in UTF-16; must be ASCII or UTF-8"
"""What is wrong with a file that Windows' own programs wrote."""


def without_bom(data: bytes) -> bytes:
    """Return text without the mark of UTF-8."""
    return data.removeprefix(BOM)


def is_utf16(data: bytes) -> bool:
    """Return True for text that says of itself that it is UTF-16."""
    return data.startswith(_UTF16)


def text_lines(data: bytes) -> list[bytes]:
    """Return the lines of a file without their ends; raise ValueError for UTF-16."""
    if is_utf16(data):
        raise ValueError(UTF16)
    return without_bom(data).splitlines()


def secret_in(data: bytes) -> bytes:
    """Return the secret that a file holds: all but the end of its last line, for a blank may be part of it.

    :raises ValueError: it is text in UTF-16.
    """
    return b"\n".join(text_lines(data)).rstrip(b"\n")
