"""How a connection of the binary stream ended, and what follows from it."""

from enum import Enum, auto

import msgspec

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.outcome import Verdict


class End(Enum):
    """How a connection ended."""

    IDLE = auto()
    """Closed with nothing in flight: no cause for alarm."""
    ANSWERED = auto()
    """With an error that gave the outcome of everything in flight."""
    SHUTDOWN = auto()
    """The service closes this connection, and said how far it came."""
    PROVEN = auto()
    """With the answer to our sentinel: everything was accepted."""
    UNTOLD = auto()
    """With nothing that gives the outcome of what was in flight."""


class Ending(msgspec.Struct, frozen=True):
    """Everything that follows from a connection's end.

    :param status: of the error response, None when there was none.
    :param requeue: to be sent again, in order.
    :param refused: how many spans at its head were refused with a temporary status.
    :param before: notifications it proves to have been accepted on this connection, presumed ones included.
    :param late: how many presumed notifications turned out not to have been accepted.
    :param cornered: it was an experiment: what was in flight was suspected of closing connections.
    """

    end: End
    status: int | None = None
    verdicts: tuple[Verdict, ...] = ()
    requeue: tuple[BatchSlice, ...] = ()
    refused: int = 0
    before: int = 0
    late: int = 0
    cornered: bool = False

    @property
    def has_answered(self) -> bool:
        """Whether the service gave the outcome of a notification: the connection was of use."""
        return bool(self.before or (self.verdicts and self.status is not None))
