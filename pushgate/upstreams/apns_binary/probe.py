"""Proof on demand: a deliberately bad frame behind what was written, and what its answer proves."""

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred

from pushgate.model.outcome import State
from pushgate.protocols.apns_binary.connection_end import Ending
from pushgate.upstreams.apns_binary.connection import StreamConnection


class Probe:
    """Probes links, each at the price of itself, and waits for their ends.

    :param reactor: provides IReactorTime.
    :param patience: seconds after which a link that did not answer is closed.
    :ivar done: fires with the number of notifications proven to be accepted, when all links have ended.
    """

    def __init__(self, links: Iterable[StreamConnection], reactor: Any, patience: float) -> None:
        self._open = set(links)
        self._proven = 0
        self.done: Deferred[int] = Deferred()
        self._patience = reactor.callLater(patience, self._give_up)
        for link in self._open:
            link.probe()

    def ended(self, link: StreamConnection, ending: Ending) -> None:
        """A link has ended, probed or not."""
        if link not in self._open:
            return
        self._open.discard(link)
        accepted = (verdict for verdict in ending.verdicts if verdict.state is State.ACCEPTED)
        self._proven += sum(len(verdict.span) for verdict in accepted)
        if not self._open:
            if self._patience.active():
                self._patience.cancel()
            self.done.callback(self._proven)

    def _give_up(self) -> None:
        for link in self._open:
            link.abort()
