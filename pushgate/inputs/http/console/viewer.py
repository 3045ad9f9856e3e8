"""An open page: its permissions, and the stream to it."""

from collections.abc import Callable
from typing import Any

import msgspec

from pushgate.inputs.http.console.visitor import Visitor
from pushgate.inputs.http.event_stream import EventStream


class Viewer:
    """Sends events to one page, and drops events while the page reads too slowly.

    :param app: the app whose points are sent; None: all apps together.
    :ivar principal: the name of the visitor's principal when the page was opened.
    :ivar behind: no event was sent yet, or one was dropped, so that the next one must have the whole state.
    """

    def __init__(self, stream: EventStream, visitor: Visitor, app: str | None) -> None:
        self.stream, self.visitor, self._app = stream, visitor, app
        self.principal = visitor.name
        self.behind = True
        self._busy = False

    def wanted(self, app: str) -> bool:
        """Return True if the page's points include this app."""
        return self._app in (None, app) and self.visitor.session.sees(app)

    @property
    def sees_sinks(self) -> bool:
        """Whether the page may read the state of sinks, which belong to all apps."""
        principal = self.visitor.session.principal
        return principal is not None and not principal.limited

    def send(self, kind: str, make: Callable[[], Any]) -> None:
        """Send an event, unless an earlier one has not been read yet.

        :param make: returns the event's data.
        """
        if self._busy:
            self.behind = True
            return
        event = b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode(make()))
        self.behind = False
        taken = self.stream.write(iter([event]))
        if taken is not None:
            self._busy = True
            taken.addCallback(self._taken)

    def _taken(self, _: None) -> None:
        self._busy = False
