"""NDJSON without I/O: bytes into lines, lines into the pieces that are submitted."""

from contextlib import suppress
from typing import Final

import msgspec

from pushgate.inputs.common.drafts import Draft, Drafts
from pushgate.inputs.common.json_terms import decoded
from pushgate.inputs.common.schemas import Notification, decode_notification, decode_notifications
from pushgate.model.errors import Refusal, TooLarge
from pushgate.model.notification_rules import NotificationRules

PIECE: Final = 1000
"""Notifications of one piece at most."""
PIECE_BYTES: Final = 1 << 19
"""Bytes of payloads after which a piece is complete."""
MAX_LINE: Final = 1 << 19
"""Bytes of one line at most: JSON may spell a byte of a payload with six characters."""


class LinePieces:
    """Makes pieces of a body that comes in chunks; the same body again makes the same pieces."""

    def __init__(self, rules: NotificationRules) -> None:
        self._drafts = Drafts(rules, PIECE, PIECE_BYTES)
        self._rest = b""
        self._skipping = False  # what is left of a line that was too long

    def feed(self, data: bytes) -> list[Draft]:
        """Take the next bytes; return the pieces that are complete now."""
        text, newline, rest = (self._rest + data).rpartition(b"\n")
        if newline and self._skipping:
            self._skipping = False
            text = text.partition(b"\n")[2]
        self._read(text)
        if self._skipping:
            rest = b""
        elif len(rest) > MAX_LINE:
            self._skipping = True
            self._drafts.refuse(TooLarge("line", len(rest), MAX_LINE))
            rest = b""
        self._rest = rest
        return self._drafts.complete()

    def end(self) -> list[Draft]:
        """Return the last pieces: the body is complete."""
        if not self._skipping:
            self._read(self._rest)
        return self._drafts.end()

    def _read(self, text: bytes) -> None:
        lines = [line for line in text.split(b"\n") if line and not line.isspace()]
        notifications: list[Notification] = []
        if max(map(len, lines), default=0) <= MAX_LINE:
            with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                notifications = decode_notifications(b"\n".join(lines))
        if len(notifications) == len(lines):
            for notification in notifications:
                self._drafts.add(notification)
            return
        for line in lines:  # at least one of them is bad: find out which
            self._read_line(line)

    def _read_line(self, line: bytes) -> None:
        try:
            if len(line) > MAX_LINE:
                raise TooLarge("line", len(line), MAX_LINE)
            notification = decoded(decode_notification, line, "line")
        except Refusal as refusal:
            self._drafts.refuse(refusal)
        else:
            self._drafts.add(notification)
