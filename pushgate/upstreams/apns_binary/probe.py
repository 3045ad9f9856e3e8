"""Proof on demand: a deliberately bad frame behind what was written, and what its answer proves."""

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred

from pushgate.model.outcome import State
from pushgate.protocols.apns_binary.connection_end import Ending
from pushgate.upstreams.apns_binary.connection import StreamConnection


class Probe:
    """Probes connections, each at the price of itself, and waits for their ends.

    :param reactor: provides IReactorTime.
    :param timeout: seconds after which a connection that did not answer is closed.
    :ivar done: fires with the number of notifications proven to be accepted, when all connections have ended.
    """

    def __init__(self, connections: Iterable[StreamConnection], reactor: Any, timeout: float) -> None:
        self._open = set(connections)
        self._proven = 0
        self.done: Deferred[int] = Deferred()
        self._deadline = reactor.callLater(timeout, self._give_up)
        for connection in self._open:
            connection.probe()

    def ended(self, connection: StreamConnection, ending: Ending) -> None:
        """Note that a connection has ended, probed or not."""
        if connection not in self._open:
            return
        self._open.discard(connection)
        accepted = (verdict for verdict in ending.verdicts if verdict.state is State.ACCEPTED)
        self._proven += sum(len(verdict.span) for verdict in accepted)
        if not self._open:
            if self._deadline.active():
                self._deadline.cancel()
            self.done.callback(self._proven)

    def _give_up(self) -> None:
        for connection in self._open:
            connection.abort()
