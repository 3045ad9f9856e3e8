"""Live outcomes as server-sent events."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer
from twisted.logger import Logger
from zope.interface import implementer

from pushgate.inputs.http.request import HTTPRequest
from pushgate.inputs.http.settings import HTTPTable
from pushgate.model.errors import ShuttingDown, UnknownApp
from pushgate.model.outcome import DeadToken, Report
from pushgate.model.outcome_record import lines
from pushgate.net.http.responses import HTTPResponse
from pushgate.plugin.interfaces import Context, IGateway, IOutcomeSink

STREAM: Final = b"text/event-stream"
HEARTBEAT: Final = 15.0
"""Seconds between two comments, which show both ends that the other is alive, and keep proxies waiting."""
PIECE: Final = 256
"""Records written at a time: a report may cover a whole batch."""


@implementer(IOutcomeSink, IPushProducer)
class EventStream:
    """Writes outcome records as events to one request, as fast as they are read.

    :param wanted: returns True for an app whose outcomes are to be written.
    :param timeout: seconds within which the peer must read something.
    :param dropped: called when it has not.
    """

    def __init__(
        self,
        request: HTTPRequest,
        wanted: Callable[[str], bool],
        timeout: float,
        dropped: Callable[[], None],
        clock: Any,
    ) -> None:
        self._request, self._wanted, self._timeout, self._dropped = request, wanted, timeout, dropped
        self._clock = clock
        self._events: Iterator[bytes] = iter(())
        self._taken: Deferred[None] | None = None
        self._paused = self._closed = False
        self._timer: IDelayedCall | None = None

    def begin(self) -> None:
        """Begin the answer."""
        request = self._request
        request.begin(200, STREAM, (b"X-Accel-Buffering", b"no"))
        request.stream_from(self)
        request.send(b": outcomes from now on\n\n")
        self._restart_heartbeat()

    def close(self) -> None:
        """End the answer; harmless when it is ended."""
        if self._closed:
            return
        self.lost()
        if not self._request.gone:
            self._request.end()

    def lost(self) -> None:
        """Stop: the peer is gone."""
        self._closed = True
        self._stop_waiting()
        self._finish()

    # IOutcomeSink

    def start(self) -> None:
        """Open nothing."""

    def emit(self, reports: Sequence[Report]) -> Deferred[None] | None:
        """Write the records; fires when the peer has read enough for more to be given."""
        if self._closed:
            return None
        self._events = self._pieces(reports)
        self._fill()
        if not self._paused:
            return None
        self._taken = Deferred()
        return self._taken

    def reopen(self) -> None:
        """Reopen nothing."""

    def stop(self) -> None:
        """End the answer: the gateway reports nothing more."""
        self.close()

    # IPushProducer, called by the request

    def pauseProducing(self) -> None:
        """Called by the request: the peer reads too slowly."""
        self._paused = True
        self._stop_waiting()
        self._timer = self._clock.callLater(self._timeout, self._give_up)

    def resumeProducing(self) -> None:
        """Called by the request: it has read."""
        if self._closed:
            return
        self._paused = False
        self._restart_heartbeat()
        self._fill()
        if not self._paused:
            self._finish()

    def stopProducing(self) -> None:
        """Called when the transport is lost; `ServerSentEvents` does the work."""

    def _fill(self) -> None:
        while not self._paused and (piece := next(self._events, None)) is not None:
            self._request.send(piece)

    def _pieces(self, reports: Sequence[Report]) -> Iterator[bytes]:
        for report in reports:
            app = report.app if isinstance(report, DeadToken) else report.span.batch.app
            if self._wanted(app):
                for part in _parts(report):
                    yield b"".join([b"data: %b\n\n" % line.encode() for line in lines(part)])

    def _finish(self) -> None:
        taken, self._taken = self._taken, None
        if taken is not None:
            taken.callback(None)

    def _restart_heartbeat(self) -> None:
        """Restart the timer of the next comment."""
        self._stop_waiting()
        self._timer = self._clock.callLater(HEARTBEAT, self._beat)

    def _beat(self) -> None:
        self._timer = None
        self._restart_heartbeat()
        self._request.send(b":\n\n")

    def _give_up(self) -> None:
        self._timer = None
        self._dropped()
        self._request.abort()

    def _stop_waiting(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()


class ServerSentEvents:
    """The streams of one input.

    :param name: the input's name.
    """

    log = Logger()

    def __init__(self, name: str, config: HTTPTable, gateway: IGateway, context: Context) -> None:
        self._name, self._config, self._gateway = name, config, gateway
        self._clock, self._metrics = context.reactor, context.metrics
        self._streams: dict[int, EventStream] = {}

    def watch(self, request: HTTPRequest) -> None:
        """Answer with the outcomes from now on, of one app or of all that the caller may read.

        :raises UnknownApp: there is no such app.
        """
        app = request.parameters.get("app")
        if request.server.stopping:
            raise ShuttingDown
        if app is not None and not self._gateway.has_app(app):
            raise UnknownApp(app)
        if request.head.method == b"HEAD":
            request.answer(HTTPResponse(200, b"", STREAM))
        else:
            self._stream(request, app)

    def close(self) -> None:
        """End every stream."""
        for stream in list(self._streams.values()):
            stream.close()

    def _stream(self, request: HTTPRequest, app: str | None) -> None:
        # The lowest free number: a sink's name is a label of metrics, of which there must not be ever more.
        number = next(n for n in range(1, len(self._streams) + 2) if n not in self._streams)
        sees = request.session.sees

        def wanted(one: str) -> bool:
            return app in (None, one) and sees(one)

        def dropped() -> None:
            self._metrics.count("pushgate_watchers_dropped_total", self._name, "unread")
            timeout = self._config.watch_timeout
            self.log.info(
                "input {name}: a watcher read nothing for {timeout:g} s", name=self._name, timeout=timeout
            )

        stream = EventStream(request, wanted, self._config.watch_timeout, dropped, self._clock)
        detach = self._gateway.attach(f"{self._name}.watch-{number}", stream, self._config.watch_buffer)
        self._streams[number] = stream

        def over() -> None:
            del self._streams[number]
            stream.lost()
            detach()

        request.on_end = over
        stream.begin()


def _parts(report: Report) -> Iterator[Report]:
    """The report in parts of at most `PIECE` notifications."""
    if isinstance(report, DeadToken):
        yield report
        return
    span = report.span
    for start in range(span.start, span.stop, PIECE):
        yield replace(report, span=span.part(start, min(start + PIECE, span.stop)))
