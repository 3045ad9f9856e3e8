"""One page that looks on: what it may see, and the stream to it."""

from collections.abc import Callable
from typing import Any

import msgspec

from pushgate.inputs.http.console.visitor import Visitor
from pushgate.inputs.http.event_stream import EventStream


class Viewer:
    """Writes messages to one page, and leaves out what it is too slow for.

    :param app: the one whose points it is sent; None: those of all apps together.
    :ivar principal: the name of the visitor's, as it was when the page began to look on.
    :ivar behind: it knows nothing yet, or was left out: it has to be told everything.
    """

    def __init__(self, stream: EventStream, visitor: Visitor, app: str | None) -> None:
        self.stream, self.visitor, self._app = stream, visitor, app
        self.principal = visitor.name
        self.behind = True
        self._busy = False

    def wanted(self, app: str) -> bool:
        """Return True if its points count this app."""
        return self._app in (None, app) and self.visitor.session.sees(app)

    @property
    def sees_sinks(self) -> bool:
        """Whether it may see what is of all apps together."""
        principal = self.visitor.session.principal
        return principal is not None and not principal.limited

    def tell(self, kind: str, make: Callable[[], Any]) -> None:
        """Send an event, unless earlier ones wait to be read.

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
