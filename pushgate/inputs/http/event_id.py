"""The ids of server-sent events: positions a reader can come back to."""

import re
from typing import Final

import msgspec

from pushgate.model.errors import Invalid

UNKEPT: Final = "live"
"""The id of events that are not kept: a reader that resumes with it gets a gap event."""
PATTERN: Final = r"^([0-9A-Za-z]{1,32}-[0-9]{1,19}|0|live)$"
"""What a `Last-Event-ID` looks like."""
_RULE: Final = "the id of an event of this stream, or 0 for all that is kept"
_match = re.compile(PATTERN, re.ASCII).fullmatch


class EventId(msgspec.Struct, frozen=True):
    """A position among what a sink keeps.

    :param epoch: of the sink's positions; "" for any.
    """

    epoch: str
    position: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.position}"

    @classmethod
    def parse(cls, text: str) -> "EventId":
        """Read what a reader sends as `Last-Event-ID`.

        :raises Invalid: it is no id.
        """
        if not _match(text):
            raise Invalid("Last-Event-ID", f"text of {len(text)} characters", _RULE)
        if text == UNKEPT:
            return cls(UNKEPT, 0)
        epoch, _, position = text.rpartition("-")
        return cls(epoch, int(position))
