"""The metrics sink: what happens as numbers, for Prometheus to fetch from a port of its own."""

from collections.abc import Sequence

from pydantic import Field
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort, IReactorTime, IStreamServerEndpoint
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.model.errors import CannotStart
from pushgate.model.outcome import Report
from pushgate.net.endpoint_reach import ListenAddress, listen_address
from pushgate.net.http.browser_guard import BrowserGuard
from pushgate.net.http.request import ServerRequest
from pushgate.net.http.responses import HTTPFault, HTTPResponse
from pushgate.net.http.site import HTTPSite
from pushgate.net.prometheus import Exposition
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway
from pushgate.plugin.optional_interfaces import IAddressed
from pushgate.plugin.settings import ServerEndpoint, SinkTable
from pushgate.plugin.sink_interface import IOutcomeSink


class MetricsTable(SinkTable):
    """The metrics sink's configuration.

    :param listen: a Twisted server endpoint.
    :param max_connections: more than so many at a time are closed at once.
    :param host_names: names that `Host` may have where only this machine can connect: a proxy's in front.
    :param insecure: listen where other machines can come, too: there is no login here.
    """

    listen: ServerEndpoint = "tcp:7217:interface=127.0.0.1"
    max_connections: int = Field(default=100, ge=1)
    host_names: list[str] = Field(default_factory=list)
    insecure: bool = False

    def endpoints(self) -> dict[str, str]:
        return {"listen": self.listen}


@implementer(IOutcomeSink, IAddressed)
class MetricsSink:
    """Serves ``/metrics``. The gateway itself counts the outcomes, so reports are of no use here."""

    log = Logger()

    def __init__(
        self,
        name: str,
        config: MetricsTable,
        endpoint: IStreamServerEndpoint,
        exposition: Exposition,
        reactor: IReactorTime,
        local: bool,
    ) -> None:
        self._name, self._listen, self._endpoint = name, config.listen, endpoint
        self._exposition = exposition
        guard = BrowserGuard(local, config.host_names)
        self._site = HTTPSite(self._scrape, reactor, max_connections=config.max_connections, guard=guard)
        self._port: IListeningPort | None = None

    def start(self) -> None:
        """Listen; raise `CannotStart` when the address cannot be had."""
        listening = self._endpoint.listen(self._site).addCallback(self._listening)
        # Endpoints for sockets answer at once; one that does not is too late to stop the start.
        failure = getattr(listening, "result", None)
        if isinstance(failure, Failure):
            listening.addErrback(lambda _: None)
            raise CannotStart([self._fault(failure)]) from failure.value
        listening.addErrback(lambda late: self.log.error("{fault}", fault=self._fault(late)))

    def emit(self, reports: Sequence[Report]) -> None:
        """Nothing to do: the metrics has counted them."""

    def reopen(self) -> None:
        """Nothing to open."""

    def stop(self) -> Deferred[None] | None:
        """Close the port, and the connections that a scraper keeps."""
        if self._port is None:
            return None
        self._site.close()
        return self._port.stopListening()

    def address(self) -> object:
        """Where it listens: an `IAddress`; None while it does not."""
        return self._port and self._port.getHost()

    def addresses(self) -> list[str]:
        host = self.address()
        if isinstance(host, IPv4Address | IPv6Address):
            return [f"http://{host.host}:{host.port}/metrics"]
        return [] if host is None else [self._listen]

    def _scrape(self, request: ServerRequest, _: bytes) -> HTTPResponse:
        if request.head.target.partition(b"?")[0] != b"/metrics":
            raise HTTPFault(404, "path: there is /metrics only")
        if request.head.method not in {b"GET", b"HEAD"}:
            raise HTTPFault(405, "method: not one of GET, HEAD", (b"allow", b"GET, HEAD"))
        body, content_type = self._exposition.answer(", ".join(request.headers(b"accept")))
        return HTTPResponse(200, body, content_type.encode())

    def _listening(self, port: IListeningPort) -> None:
        self._port = port

    def _fault(self, failure: Failure) -> str:
        error = getattr(failure.value, "socketError", failure.value)
        return f"sinks.{self._name}.listen: {self._listen}: {getattr(error, 'strerror', None) or error}"


def _sink(name: str, config: MetricsTable, gateway: IGateway, context: Context) -> MetricsSink:
    """Raise `CannotStart` when `listen` is no endpoint, or one that others can reach."""
    where = f"sinks.{name}"
    try:
        found = listen_address(context.reactor, config.listen)
    except Exception as error:  # each kind of endpoint has its own parser, with errors of its own
        raise CannotStart([f"{where}.listen: {config.listen}: {error}; a Twisted server endpoint"]) from error
    _check_reach(where, config, found)
    exposition = Exposition(context.metrics, gateway.stats)
    return MetricsSink(name, config, found.endpoint, exposition, context.reactor, found.local)


def _check_reach(where: str, config: MetricsTable, found: ListenAddress) -> None:
    if found.tls is not None:
        raise CannotStart([f"{where}.listen: {config.listen}: no TLS here; an input of type http has it"])
    if found.local:
        return
    reason = f"other machines can reach {config.listen!r}, and there is no login here"
    if not config.insecure:
        raise CannotStart(
            [f"{where}.listen: {reason}; an input of type http has one, or {where}.insecure = true"]
        )
    MetricsSink.log.warn("{where}.insecure: {reason}; it is open all the same", where=where, reason=reason)


plug_in = MetricsTable, _sink
