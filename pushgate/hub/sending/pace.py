"""What a send on its way asks of what runs it: whether it may go on, and whether there is room."""

from contextlib import AbstractContextManager
from typing import Protocol

import msgspec
from twisted.internet.defer import Deferred

from pushgate.hub.sending.page import SendPage
from pushgate.hub.store.batches import BatchEntry
from pushgate.hub.store.send_work import ActiveSend


class Lost(Exception):
    """Another gateway has the lane by now, or the send was abandoned."""


class Stopped(Exception):
    """The hub stops; the send goes on after its next start."""


class Overdue(Exception):
    """The send took too long."""


class HeldUp(Exception):
    """An app has no room: the lane was given back, and goes on when there is some."""


class Begun(msgspec.Struct, frozen=True):
    """The rest of a page of which some was submitted.

    :param entries: what is kept of that.
    """

    page: SendPage
    entries: tuple[BatchEntry, ...]


class Pace(Protocol):
    """What a send waits for."""

    def check(self, active: ActiveSend) -> None:
        """Raise `Stopped` when the hub stops, `Overdue` when the send took too long."""

    def has_room(self, app: str) -> bool:
        """Whether something may be begun for an app: its queue has room, as far as is known."""

    def refused(self, app: str) -> None:
        """Note that it had none just now."""

    def midway(self, app: str) -> AbstractContextManager[None]:
        """Entered while the rest of a page waits for the queue of an app; few do at a time."""

    def room(self, app: str, refused: bool) -> "Deferred[bool]":
        """Fires with True if the queue of an app has room, else with False after a while.

        Fails with `Stopped`.

        :param refused: it had none just now.
        """

    def go_on(self, active: ActiveSend, begun: Begun) -> None:
        """Work on a lane besides, beginning with the rest of a page."""
