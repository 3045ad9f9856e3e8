from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.error import ConnectError
from twisted.internet.protocol import Protocol
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from pushgate.model.errors import CannotStart
from pushgate.model.metrics import Metrics
from pushgate.plugin.context import Context
from pushgate.plugin.factory_interfaces import IOutcomeSinkFactory
from pushgate.plugin.sink_interface import IOutcomeSink
from pushgate.plugins.builtin import metrics as factory
from pushgate.sinks.metrics import MetricsSink, MetricsTable
from pushgate.testing import RecordingGateway, outcome


class QueuingGateway(RecordingGateway):
    """A gateway with notifications waiting."""

    def stats(self) -> dict[str, Any]:
        news = {
            "queue": 7,
            "queue_age": 2.5,
            "window": 0,
            "delayed": 0,
            "connections": {},
            "circuit": {"open": False, "cause": ""},
            "routes": {},
            "certificate_expires": None,
        }
        return {"apps": {"news": news}, "sinks": {}}


class Scraper(Protocol):
    """Keeps what it receives."""

    def __init__(self) -> None:
        self.received = b""
        self.answered: Deferred[None] = Deferred()
        self.closed: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        if b"pushgate_sink_lag gauge" in self.received and not self.answered.called:
            self.answered.callback(None)

    def connectionLost(self, reason: Failure) -> None:
        self.closed.callback(None)


class MetricsSinkTests(TestCase):
    def setUp(self) -> None:
        self.metrics = Metrics()

    def sink(self, listen: str = "tcp:0:interface=127.0.0.1", **options: Any) -> MetricsSink:
        config = MetricsTable.model_validate({"type": "metrics", "listen": listen, **options})
        context = Context(reactor=reactor, wall=lambda: 0.0, jitter=lambda: 0.0, metrics=self.metrics)
        sink = factory.sink("numbers", config, QueuingGateway(), context)
        assert isinstance(sink, MetricsSink)
        return sink

    def started(self) -> MetricsSink:
        sink = self.sink()
        sink.start()
        self.addCleanup(sink.stop)
        return sink

    async def connected(self, sink: MetricsSink) -> Scraper:
        address = sink.address()
        return await connectProtocol(TCP4ClientEndpoint(reactor, address.host, address.port), Scraper())

    async def get(self, sink: MetricsSink, path: str, method: str = "GET") -> tuple[int, bytes, bytes]:
        """Status, headers in lower case, and body of the answer to one request."""
        scraper = await self.connected(sink)
        scraper.transport.write(f"{method} {path} HTTP/1.0\r\n\r\n".encode())
        await scraper.closed
        head, _, body = scraper.received.partition(b"\r\n\r\n")
        return int(head.split()[1]), head.lower(), body

    async def test_interfaces(self) -> None:
        """Factory and sink provide what the registry and the gateway call."""
        self.assertTrue(verifyObject(IOutcomeSinkFactory, factory))
        self.assertTrue(verifyObject(IOutcomeSink, self.sink()))

    async def test_scrape(self) -> None:
        """/metrics has the counts of the metrics and the state of the gateway, as Prometheus text."""
        self.metrics.count("pushgate_submitted_total", "news", "amp", times=500)
        code, headers, body = await self.get(self.started(), "/metrics")
        self.assertEqual(code, 200)
        self.assertIn(b"\r\ncontent-type: text/plain", headers)
        self.assertIn(b'pushgate_submitted_total{app="news",input="amp"} 500.0\n', body)
        self.assertIn(b'pushgate_queue_notifications{app="news"} 7.0\n', body)

    async def test_head(self) -> None:
        """A HEAD request works as well."""
        code, _, body = await self.get(self.started(), "/metrics", "HEAD")
        self.assertEqual((code, body), (200, b""))

    async def test_only_metrics(self) -> None:
        """There is nothing else on this port."""
        sink = self.started()
        codes = [(await self.get(sink, path))[0] for path in ("/", "/stats", "/metrics/x", "/metrics.txt")]
        self.assertEqual(codes, [404, 404, 404, 404])
        self.assertEqual((await self.get(sink, "/metrics", "POST"))[0], 405)
        self.flushWarnings()  # twisted.web's own, from making its error pages

    async def test_scrapes_are_not_logged(self) -> None:
        """No access log."""
        sink = self.started()
        with capturedLogs() as events:
            await self.get(sink, "/metrics")
        self.assertEqual([event for event in events if "GET" in repr(event)], [])

    async def test_reports_are_of_no_use(self) -> None:
        """The gateway counts outcomes itself; the sink does not count them a second time."""
        sink = self.started()
        self.assertIsNone(sink.emit([outcome()]))
        sink.reopen()
        self.assertNotIn(b'state="accepted"', (await self.get(sink, "/metrics"))[2])

    async def test_port_in_use(self) -> None:
        """An address that is taken is one line at start: which sink, which address, why."""
        port = self.started().address().port
        second = self.sink(f"tcp:{port}:interface=127.0.0.1")
        (fault,) = self.assertRaises(CannotStart, second.start).faults
        self.assertEqual(
            fault, f"sinks.numbers.listen: tcp:{port}:interface=127.0.0.1: Address already in use"
        )
        self.assertIsNone(second.stop())

    async def test_no_endpoint(self) -> None:
        """What is no endpoint is refused before anything is opened."""
        for listen in ("unix:/x:mode=z", "systemd:index=0", "ssl:1:privateKey=/nonexistent/key.pem"):
            (fault,) = self.assertRaises(CannotStart, self.sink, listen).faults
            self.assertIn(f"sinks.numbers.listen: {listen}", fault)

    async def test_stop_closes_port_and_connections(self) -> None:
        """After the stop nobody can connect, and a connection that a scraper kept is closed."""
        sink = self.started()
        scraper = await self.connected(sink)
        scraper.transport.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await scraper.answered
        self.assertFalse(scraper.closed.called)
        address = sink.address()
        await sink.stop()
        await scraper.closed
        endpoint = TCP4ClientEndpoint(reactor, address.host, address.port)
        await self.assertFailure(connectProtocol(endpoint, Scraper()), ConnectError)

    async def test_who_else_could_come(self) -> None:
        """It has neither login nor TLS: where others can reach it, it is not opened, unless it is insisted."""
        (fault,) = self.assertRaises(CannotStart, self.sink, "tcp:7217").faults
        self.assertEqual(
            fault,
            "sinks.numbers.listen: other machines can reach 'tcp:7217', and there is no login here; "
            "an input of type http has one, or sinks.numbers.insecure = true",
        )
        with capturedLogs() as events:
            self.sink("tcp:7217", insecure=True)
        self.assertIn("it is open all the same", events[0]["log_format"])

    async def test_a_crowd(self) -> None:
        """Beyond `max_connections` connections are closed; one that is there is answered."""
        sink = self.sink(max_connections=1)
        sink.start()
        self.addCleanup(sink.stop)
        first = await self.connected(sink)
        first.transport.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await first.answered
        await (await self.connected(sink)).closed
        first.answered, first.received = Deferred(), b""
        first.transport.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await first.answered
