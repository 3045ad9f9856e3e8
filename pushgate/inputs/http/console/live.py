"""A summary of the gateway once a second, for the pages that are open."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.inputs.http.console.app_state import app_state
from pushgate.inputs.http.console.latest import SAMPLED, LatestOutcomes, Record, chosen
from pushgate.inputs.http.console.point import drawn, rates
from pushgate.inputs.http.console.totals import Point, Totals, point, totals
from pushgate.inputs.http.console.viewer import Viewer
from pushgate.inputs.http.console.visitor import Visitor
from pushgate.inputs.http.event_stream import EventStream
from pushgate.inputs.http.request import HTTPRequest
from pushgate.model.errors import Overloaded
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway, IOutcomeSampler

INTERVAL: Final = 1.0
"""Seconds between two summaries."""
KEPT: Final = 300
"""Summaries that are sent to a page when it opens: five minutes of them."""
LINGER: Final = 60
"""Summaries that are made after the last page was closed, so that a reload keeps its charts."""
MOST: Final = 50
"""Open pages at a time."""
MOST_EACH: Final = 20
"""Open pages of one principal, so that it cannot use up `MOST`."""
TIMEOUT: Final = 30.0
"""Seconds within which a page must read something."""

Apps = dict[str, dict[str, Any]]
"""The state of each app."""


class LiveFeed:
    """Makes summaries while pages are open, and sends each page those of the apps that it may read.

    The cost does not depend on the number of outcomes: counters are compared with those of a second ago, and
    the outcomes themselves are sampled.
    """

    log = Logger()

    def __init__(self, gateway: IGateway, context: Context) -> None:
        self._gateway, self._metrics = gateway, context.metrics
        self._clock, self._wall = context.reactor, context.wall
        self._viewers: list[Viewer] = []
        self._sampler: IOutcomeSampler | None = None
        self._points: deque[Point] = deque(maxlen=KEPT)
        self._latest = LatestOutcomes()
        self._before: Totals | None = None
        self._apps: Apps = {}
        self._alone = 0
        self._loop = LoopingCall(self._tick)
        self._loop.clock = self._clock

    def watch(self, request: HTTPRequest, visitor: Visitor, app: str | None) -> None:
        """Answer with a stream of events.

        :param app: the app whose points are sent; None: all apps together.
        :raises Overloaded: too many pages are open, of all principals or of this one.
        """
        self._check_room(visitor.name)
        stream = EventStream(request, TIMEOUT, lambda: None, self._clock)
        viewer = Viewer(stream, visitor, app)
        self._viewers.append(viewer)

        def over() -> None:
            self._viewers.remove(viewer)
            stream.lost()

        request.on_end = over
        stream.begin()
        if not self._loop.running:
            self._begin()
        self._greet(viewer)

    def close(self) -> None:
        """End all streams, and stop making summaries."""
        for viewer in list(self._viewers):
            viewer.stream.close()
        self._end()

    def _check_room(self, name: str) -> None:
        own = sum(viewer.principal == name for viewer in self._viewers)
        for what, count, most in (
            ("open pages of the console", len(self._viewers), MOST),
            ("open pages of this principal", own, MOST_EACH),
        ):
            if count >= most:
                raise Overloaded(what, count, most)

    def _begin(self) -> None:
        self._sampler = self._gateway.sampler(SAMPLED)
        self._look()
        self._loop.start(INTERVAL, now=False).addErrback(self._failed)

    def _end(self) -> None:
        if self._loop.running:
            self._loop.stop()
        if self._sampler is not None:
            self._sampler.close()
        self._sampler, self._before = None, None
        self._points.clear()
        self._latest.clear()

    def _tick(self) -> None:
        self._alone = 0 if self._viewers else self._alone + 1
        if self._alone > LINGER:
            self._end()
            return
        before = self._apps
        self._look()
        assert self._sampler is not None  # while the loop runs
        records = self._latest.add(self._sampler.take())
        for viewer in list(self._viewers):
            self._inform(viewer, before, records)

    def _look(self) -> None:
        """Record the current counts, and a point with the changes since the last call."""
        stats = self._gateway.stats()
        now, wall = totals(stats, self._metrics, self._clock.seconds()), self._wall()
        if self._before is not None:
            self._points.append(point(self._before, now, stats, wall))
        self._before = now
        self._apps = {app: app_state(each, wall) for app, each in stats["apps"].items()}

    def _inform(self, viewer: Viewer, before: Apps, records: list[Record]) -> None:
        if not viewer.visitor.lasts(self._clock.seconds()):
            viewer.send("ended", dict)
            viewer.stream.close()
        elif viewer.behind:
            self._greet(viewer)
        else:
            viewer.send("tick", lambda: self._news(viewer, before, records))

    def _greet(self, viewer: Viewer) -> None:
        viewer.send("hello", lambda: self._everything(viewer))

    def _everything(self, viewer: Viewer) -> dict[str, Any]:
        sees = viewer.visitor.session.sees
        return {
            "points": [drawn(each, viewer.wanted, viewer.sees_sinks) for each in self._points],
            "apps": _of(self._apps, sees),
            "latest": self._latest.last(sees),
        }

    def _news(self, viewer: Viewer, before: Apps, records: list[Record]) -> dict[str, Any]:
        sees, last = viewer.visitor.session.sees, self._points[-1]
        changed = {app: each for app, each in self._apps.items() if before.get(app) != each}
        return {
            "point": drawn(last, viewer.wanted, viewer.sees_sinks),
            "rates": rates(last, sees),
            "apps": _of(changed, sees),
            "gone": [app for app in before if app not in self._apps and sees(app)],
            "latest": chosen(records, sees),
        }

    def _failed(self, failure: Failure) -> None:
        self.log.failure("the console's summary cannot be made", failure)
        self.close()


def _of(apps: Mapping[str, dict[str, Any]], sees: Callable[[str], bool]) -> Apps:
    return {app: each for app, each in apps.items() if sees(app)}
