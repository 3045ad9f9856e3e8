"""The address of a notification: opaque bytes, which each push service writes as text in its own way."""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, cast

from pushgate.model.errors import Invalid
from pushgate.model.packed import Packed

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
    CHANNEL = "channel"
    """UTF-8, and no device's: the id of a channel of the push service, for all that listen on it."""

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

    def pack(self, texts: Sequence[str] | Sequence[bytes], limit: int = MAX_TARGET) -> Packed | None:
        """Return the targets of texts, read all at once, at a fraction of the cost of one by one.

        None unless they are in hex, undecorated, and equally long; then each has to be parsed by itself.
        """
        size, odd = divmod(len(texts[0]), 2)
        if self is not TargetForm.HEX or odd or not 1 <= size <= limit or len(set(map(len, texts))) > 1:
            return None
        try:
            blob = bytes.fromhex(_joined(f"{size:04x}", texts))
        except ValueError:
            return None
        # White space is skipped between bytes, so that digits would be missing.
        return Packed(blob, 2) if len(blob) == (size + 2) * len(texts) else None

    def write(self, target: bytes) -> str:
        """Return the text of a target; bytes that are no UTF-8, which `parse` never makes, are replaced."""
        return target.hex() if self is TargetForm.HEX else target.decode("utf-8", "replace")

    def rule(self, limit: int) -> str:
        """Say in one phrase what `parse` takes."""
        if self is TargetForm.HEX:
            return f"an even number of hex digits, for 1 to {limit} bytes"
        return f"1 to {limit} bytes of UTF-8"


def channel_target(channel: str) -> bytes:
    """Return the target of a broadcast: each notification to a channel has the channel's id for its own."""
    return channel.encode()


def _joined(head: str, texts: Sequence[str] | Sequence[bytes]) -> str:
    """Each text behind its length, one after the other."""
    if isinstance(texts[0], str):
        return head + head.join(cast("Sequence[str]", texts))
    return (head.encode() + head.encode().join(cast("Sequence[bytes]", texts))).decode()


def _from_hex(text: str) -> bytes | None:
    digits = text if text.isalnum() else text.translate(_HEX_FILLER)
    return None if len(digits) % 2 or not _are_hex(digits) else bytes.fromhex(digits)


def _from_text(text: str) -> bytes | None:
    try:
        return text.encode()
    except UnicodeEncodeError:  # JSON can spell half a surrogate pair
        return None
