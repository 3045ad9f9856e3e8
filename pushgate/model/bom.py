"""The byte order mark that some editors and shells put before text in UTF-8."""

from typing import Final

_BOM: Final = b"\xef\xbb\xbf"


def without_bom(data: bytes) -> bytes:
    """Return text without the mark of UTF-8: of one who did not write it, nothing must depend on it."""
    return data.removeprefix(_BOM)
