"""Outcomes as events while they are reported, where no sink keeps them."""

from collections.abc import Callable, Iterator, Sequence

from twisted.internet.defer import Deferred
from zope.interface import implementer

from pushgate.inputs.http.event_id import UNKEPT, EventId
from pushgate.inputs.http.event_stream import EventStream
from pushgate.inputs.http.events import Gap, pieces
from pushgate.model.outcome import Report
from pushgate.plugin.sink_interface import IOutcomeSink


@implementer(IOutcomeSink)
class LiveEvents:
    """A sink that writes what it is given to one stream.

    :param wanted: returns True for an app whose outcomes are to be written.
    """

    def __init__(self, stream: EventStream, wanted: Callable[[str], bool]) -> None:
        self._stream, self._wanted = stream, wanted

    def begin(self, resume: EventId | None) -> None:
        """Begin with the outcomes from now on.

        :param resume: the peer was connected before: it gets an event for the gap.
        """
        self._stream.begin()
        gap = [Gap.NOT_KEPT.event()] if resume is not None else []
        self._stream.write(iter([*gap, b"id: %b\n\n" % UNKEPT.encode()]))

    # IOutcomeSink

    def start(self) -> None:
        """Open nothing."""

    def emit(self, reports: Sequence[Report]) -> Deferred[None] | None:
        """Write the records; fires when the peer has read enough for more to be given."""
        return self._stream.write(self._pieces(reports))

    def reopen(self) -> None:
        """Reopen nothing."""

    def stop(self) -> None:
        """End the answer: the gateway reports nothing more."""
        self._stream.close()

    def _pieces(self, reports: Sequence[Report]) -> Iterator[bytes]:
        for report in reports:
            if self._wanted(report.app):
                yield from pieces(report)
