"""Outcomes as server-sent events (WHATWG HTML, section 9.2): the streams of one input."""

from collections.abc import Callable

from twisted.logger import Logger

from pushgate.inputs.http.event_id import EventId
from pushgate.inputs.http.event_stream import CONTENT_TYPE, EventStream
from pushgate.inputs.http.live_events import LiveEvents
from pushgate.inputs.http.replayed_events import ReplayedEvents
from pushgate.inputs.http.request import HTTPRequest
from pushgate.inputs.http.settings import HTTPTable
from pushgate.model.errors import ShuttingDown, UnknownApp
from pushgate.net.http.responses import HTTPResponse
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway

_Source = tuple[LiveEvents | ReplayedEvents, Callable[[], None]]


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
        """Answer with the outcomes from now on, or from the event with the `Last-Event-ID` on.

        Of one app, or of all that the caller may read.

        :raises UnknownApp: there is no such app.
        :raises Invalid: the `Last-Event-ID` is none.
        """
        app = request.parameters.get("app")
        if request.server.stopping:
            raise ShuttingDown
        if app is not None and not self._gateway.has_app(app):
            raise UnknownApp(app)
        last = request.header(b"last-event-id")
        resume = None if last is None else EventId.parse(last)
        if request.head.method == b"HEAD":
            request.answer(HTTPResponse(200, b"", CONTENT_TYPE))
        else:
            self._stream(request, app, resume)

    def close(self) -> None:
        """End every stream."""
        for stream in list(self._streams.values()):
            stream.close()

    def _stream(self, request: HTTPRequest, app: str | None, resume: EventId | None) -> None:
        # The lowest free number: a sink's name is a label of metrics, of which there must not be ever more.
        number = next(n for n in range(1, len(self._streams) + 2) if n not in self._streams)
        sees = request.session.sees

        def wanted(one: str) -> bool:
            return app in (None, one) and sees(one)

        stream = EventStream(request, self._config.watch_timeout, self._dropped, self._clock)
        events, end = self._events(number, stream, wanted)
        self._streams[number] = stream

        def over() -> None:
            del self._streams[number]
            stream.lost()
            end()

        request.on_end = over
        events.begin(resume)

    def _events(self, number: int, stream: EventStream, wanted: Callable[[str], bool]) -> _Source:
        """What writes to a stream, and what ends that."""
        source = self._gateway.replays()
        if source is not None:
            replayed = ReplayedEvents(source, stream, wanted)
            return replayed, replayed.stop
        live = LiveEvents(stream, wanted)
        return live, self._gateway.attach(f"{self._name}.watch-{number}", live, self._config.watch_buffer)

    def _dropped(self) -> None:
        self._metrics.count("pushgate_watchers_dropped_total", self._name, "unread")
        timeout = self._config.watch_timeout
        self.log.info(
            "input {name}: a watcher read nothing for {timeout:g} s", name=self._name, timeout=timeout
        )
