"""The metrics sink: what happens as numbers, for Prometheus to fetch from a port of its own."""

from collections.abc import Sequence

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort, IReactorCore, IStreamServerEndpoint
from twisted.logger import Logger
from twisted.protocols.policies import WrappingFactory
from twisted.python.failure import Failure
from twisted.web.http import Request as HTTPRequest
from twisted.web.resource import Resource
from twisted.web.server import Request, Site
from zope.interface import implementer

from pushgate.errors import CannotStart
from pushgate.exposition import Exposition
from pushgate.interfaces import Context, IAddressed, IGateway, IOutcomeSink
from pushgate.outcome import Report
from pushgate.plugin import SinkFactory
from pushgate.settings import ServerEndpoint, SinkTable


class MetricsTable(SinkTable):
    """The metrics sink's configuration.

    :param listen: a Twisted server endpoint.
    """

    listen: ServerEndpoint = "tcp:7217:interface=127.0.0.1"


class MetricsResource(Resource):
    """Answers a scrape."""

    def __init__(self, exposition: Exposition) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped in Twisted
        self._exposition = exposition

    def render_GET(self, request: Request) -> bytes:
        """All metrics, as text."""
        body, content_type = self._exposition.answer(request.getHeader("accept") or "")
        request.setHeader("content-type", content_type)
        return body


class QuietSite(Site):
    """A site without an access log: scrapes are regular and of no interest."""

    noisy = False

    def log(self, request: HTTPRequest) -> None:
        """Log nothing."""


@implementer(IOutcomeSink, IAddressed)
class MetricsSink:
    """Serves ``/metrics``. The gateway itself counts the outcomes, so reports are of no use here."""

    log = Logger()

    def __init__(
        self,
        name: str,
        listen: str,
        endpoint: IStreamServerEndpoint,
        exposition: Exposition,
        reactor: IReactorCore,
    ) -> None:
        self._name, self._listen, self._endpoint = name, listen, endpoint
        root = Resource()
        root.putChild(b"metrics", MetricsResource(exposition))
        site = QuietSite(root, reactor=reactor, parsePOSTFormSubmission=False)  # type: ignore[no-untyped-call]  # untyped in Twisted
        self._connections = WrappingFactory(site)
        self._connections.noisy = False
        self._port: IListeningPort | None = None

    def start(self) -> None:
        """Listen; raise `CannotStart` when the address cannot be had."""
        listening = self._endpoint.listen(self._connections).addCallback(self._listening)
        # Endpoints for sockets answer at once; one that does not is too late to stop the start.
        failure = getattr(listening, "result", None)
        if isinstance(failure, Failure):
            listening.addErrback(lambda _: None)
            raise CannotStart([self._fault(failure)]) from failure.value
        listening.addErrback(lambda late: self.log.error("{fault}", fault=self._fault(late)))

    def emit(self, reports: Sequence[Report]) -> None:
        """Nothing to do: the tally has counted them."""

    def reopen(self) -> None:
        """Nothing to open."""

    def stop(self) -> Deferred[None] | None:
        """Close the port, and the connections that a scraper keeps."""
        if self._port is None:
            return None
        for connection in list(self._connections.protocols):
            connection.loseConnection()
        return self._port.stopListening()

    def address(self) -> object:
        """Where it listens: an `IAddress`; None while it does not."""
        return self._port and self._port.getHost()

    def addresses(self) -> list[str]:
        host = self.address()
        if isinstance(host, IPv4Address | IPv6Address):
            return [f"http://{host.host}:{host.port}/metrics"]
        return [] if host is None else [self._listen]

    def _listening(self, port: IListeningPort) -> None:
        self._port = port

    def _fault(self, failure: Failure) -> str:
        error = getattr(failure.value, "socketError", failure.value)
        return f"sinks.{self._name}.listen: {self._listen}: {getattr(error, 'strerror', None) or error}"


def _sink(name: str, config: MetricsTable, gateway: IGateway, context: Context) -> MetricsSink:
    """Raise `CannotStart` when `listen` is no endpoint."""
    try:
        endpoint = serverFromString(context.reactor, config.listen)
    except Exception as error:  # each kind of endpoint has its own parser, with errors of its own
        raise CannotStart(
            [f"sinks.{name}.listen: {config.listen}: {error}; a Twisted server endpoint"]
        ) from error
    exposition = Exposition(context.tally, gateway.stats)
    return MetricsSink(name, config.listen, endpoint, exposition, context.reactor)


factory = SinkFactory(
    "metrics",
    "counts and states for Prometheus, on a port of its own",
    MetricsTable,
    _sink,
)
