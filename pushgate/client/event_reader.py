"""Server-sent events: no input and no output, just the format.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from collections.abc import Iterator

import msgspec


class Event(msgspec.Struct, frozen=True):
    """One event.

    :param kind: its type, "" of one without.
    :param data: "" of an event that has an id alone.
    """

    id: str | None
    kind: str
    data: str


class EventReader:
    """Takes bytes as they come, gives events as they are complete."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._fields: list[tuple[str, str]] = []

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events that these bytes complete; comments are passed over."""
        self._buffer += data
        *lines, rest = bytes(self._buffer).split(b"\n")
        self._buffer = bytearray(rest)
        for line in lines:
            text = line.rstrip(b"\r").decode("utf-8", "replace")
            if text:
                name, _, value = text.partition(":")
                if name:
                    self._fields.append((name, value.removeprefix(" ")))
            elif self._fields:
                yield self._event()

    def _event(self) -> Event:
        fields, self._fields = self._fields, []
        last = dict(fields)
        data = "\n".join(value for name, value in fields if name == "data")
        return Event(last.get("id"), last.get("event", ""), data)
