"""Outcomes as events from a sink that keeps them: those that a reader missed, then those to come."""

from collections.abc import Callable, Iterator
from functools import partial

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.inputs.http.event_id import EventId
from pushgate.inputs.http.event_stream import EventStream
from pushgate.inputs.http.events import Gap, pieces
from pushgate.plugin.sink_interface import IReplays, ReplayPage


class ReplayedEvents:
    """Writes what a sink keeps to one stream, in the order of positions.

    One page at a time: the next is read when the peer has taken enough of the last. A reader that has all is
    given each further page as it is kept; one that is too slow for that reads on from where it is. So each
    position is written once, and none is left out, however slow the reader.

    :param wanted: returns True for an app whose outcomes are to be written.
    """

    log = Logger()

    def __init__(self, source: IReplays, stream: EventStream, wanted: Callable[[str], bool]) -> None:
        self._source, self._stream, self._wanted = source, stream, wanted
        self._next: Deferred[ReplayPage | None] | None = None
        self._behind = False
        self._first: int | None = None  # where the first page that came since the beginning begins
        self._unfollow: Callable[[], None] = lambda: None

    def begin(self, resume: EventId | None) -> None:
        """Begin behind the event that the peer had last; behind the last that is kept when it is None."""
        self._stream.begin()
        self._unfollow = self._source.follow(self._kept)
        after = None
        if resume is not None and resume.epoch in ("", self._source.epoch):
            after = resume.position
        elif resume is not None:
            self._stream.write(iter([Gap.UNKNOWN.event()]))
        Deferred.fromCoroutine(self._run(after)).addErrback(self._failed)

    def stop(self) -> None:
        """Read no more: the stream is over."""
        self._unfollow()
        self._kept(None)

    async def _run(self, after: int | None) -> None:
        page: ReplayPage | None = await self._replay(after)
        if after is None and self._first is not None:  # which the end that was read may include
            page = await self._replay(self._first)
        while page is not None:
            taken = self._stream.write(self._pieces(page))
            if taken is not None:
                await taken
            if self._stream.closed:
                return
            self._stream.mark(str(self._id(page.end)))
            page = await self._page_behind(page)

    async def _page_behind(self, last: ReplayPage) -> ReplayPage | None:
        """The next page, when there is one; None when there will be none."""
        if not self._behind:
            self._next = Deferred()
            page = await self._next
            if page is None or page.after == last.end:
                return page
        return await self._replay(last.end)

    async def _replay(self, after: int | None) -> ReplayPage:
        self._behind = False
        page: ReplayPage = await self._source.replay(after)
        self._behind = self._behind or bool(page.reports)
        return page

    def _kept(self, page: ReplayPage | None) -> None:
        """Called by the sink with what it keeps, and with None when it stops."""
        waiting, self._next = self._next, None
        self._behind = True
        if page is None:
            self._stream.close()
        elif self._first is None:
            self._first = page.after
        if waiting is not None:
            self._behind = False
            waiting.callback(page)

    def _pieces(self, page: ReplayPage) -> Iterator[bytes]:
        if page.missing:
            yield (Gap.REMOVED if page.end >= page.after else Gap.UNKNOWN).event()
        for position, report in page.reports:
            if self._wanted(report.app):
                yield from pieces(report, partial(self._id, position))

    def _id(self, position: int, place: int = 0) -> str:
        return str(EventId(self._source.epoch, position + place))

    def _failed(self, failure: Failure) -> None:
        self.log.failure("events that are kept cannot be read", failure)
        self._stream.close()
