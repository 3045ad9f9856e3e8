"""The address of a notification: opaque bytes, which each push service writes as text in its own way."""

import re
from enum import StrEnum
from typing import Final

from pushgate.model.errors import Invalid

MAX_TARGET: Final = 4096
"""Bytes of a target at most: room for a Web Push subscription or a channel URI."""

_HEX_FILLER: Final = str.maketrans("", "", " <>")
_are_hex = re.compile("[0-9A-Fa-f]*").fullmatch


class TargetForm(StrEnum):
    """How targets are written as text, in submissions and in records."""

    HEX = "hex"
    """Hex digits; spaces and ``<>`` of Apple's old notation are read over."""
    TEXT = "text"
    """UTF-8, as it stands."""

    def parse(self, text: str, limit: int = MAX_TARGET, field: str = "token") -> bytes:
        """Return the target that `text` stands for.

        :param limit: bytes of a target at most.
        :param field: named by the error.
        :raises Invalid: it is of another form, empty, or longer than `limit`.
        """
        target = _from_hex(text) if self is TargetForm.HEX else _from_text(text)
        if target is None:
            raise Invalid(field, f"text of {len(text)} characters", self.rule(limit))
        if not 1 <= len(target) <= limit:
            raise Invalid(field, f"{len(target)} bytes", self.rule(limit))
        return target

    def write(self, target: bytes) -> str:
        """Return the text of a target; bytes that are no UTF-8, which `parse` never makes, are replaced."""
        return target.hex() if self is TargetForm.HEX else target.decode("utf-8", "replace")

    def rule(self, limit: int) -> str:
        """Say in one phrase what `parse` takes."""
        if self is TargetForm.HEX:
            return f"an even number of hex digits, for 1 to {limit} bytes"
        return f"1 to {limit} bytes of UTF-8"


def _from_hex(text: str) -> bytes | None:
    digits = text if text.isalnum() else text.translate(_HEX_FILLER)
    return None if len(digits) % 2 or not _are_hex(digits) else bytes.fromhex(digits)


def _from_text(text: str) -> bytes | None:
    try:
        return text.encode()
    except UnicodeEncodeError:  # JSON can spell half a surrogate pair
        return None
