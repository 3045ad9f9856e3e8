"""A connection to a real broker that is kept up: login, TLS, loss, and what is wrong."""

from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import LogLevel, capturedLogs, formatEvent

from bench.parts import free_port
from pushgate.model.errors import CannotStart
from pushgate.net.amqp import channel as link_module
from pushgate.net.amqp.channel import AmqpChannel
from pushgate.net.amqp.connect import Dialer
from pushgate.net.amqp.settings import BrokerTable
from pushgate.net.amqp.shield import shielded
from tests.broker_rig import BrokerTestCase, broker_context, coroutine, eventually


class LinkTests(BrokerTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.opened: list[Any] = []
        self.losses = 0
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()

    def link(self, **table: Any) -> AmqpChannel:
        """A link that is started, and stopped at the end."""
        self.context = broker_context()
        table = {"url": self.broker.url, **table}
        link = AmqpChannel("inputs.queue", BrokerTable(**table), self.context, self.open, self.lost)
        link.start()
        self.addCleanup(coroutine(link.stop))
        return link

    async def open(self, channel: Any) -> None:
        self.opened.append(channel)
        await self.prepare(channel)

    async def prepare(self, channel: Any) -> None:
        """What a test does with each new channel."""

    def lost(self) -> None:
        self.losses += 1

    def quick(self) -> None:
        """Let attempts follow each other at once: the pauses are not what is tested."""
        self.patch(link_module, "FIRST_PAUSE", 0.01)

    def file(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.write_text(text)
        return path

    async def failed(self, times: int = 1) -> None:
        losses = self.context.metrics.counts["pushgate_broker_losses_total"]
        await eventually(lambda: losses.get(("inputs.queue",), 0) >= times, "a failure")

    async def test_password(self) -> None:
        """The password comes from a file; a wrong one is tried again, for the file may change, ever more
        seldom, with a line each time that says why and not the password."""
        self.quick()
        file = self.file("password", "wrong\n")
        with capturedLogs() as events:
            self.link(password_file=file)
            await self.failed(3)
        warnings = [each for each in events if each["log_level"] is LogLevel.warn]
        self.assertEqual([each["pause"] for each in warnings], [0.005, 0.01, 0.02])
        for each in warnings:
            line = formatEvent(each)
            self.assertIn("ACCESS_REFUSED", line)
            self.assertNotIn("\n", line)
        self.assertFalse(any("wrong" in str(each) for each in events))
        file.write_text("guest\nanother line\n")
        await eventually(lambda: self.opened, "the login")

    async def test_a_virtual_host_that_is_missing(self) -> None:
        """The log names it; it is waited for."""
        with capturedLogs() as events:
            self.link(url=f"amqp://127.0.0.1:{self.broker.port}/nowhere")
            await self.failed()
        self.assertIn("nowhere", self.reason(events))

    async def test_given_up(self) -> None:
        """A connection that its user gives up is made again; the log has the user's reason, once."""
        with capturedLogs() as events:
            link = self.link()
            await eventually(lambda: self.opened, "the login")
            link.renew("it is of no use")
            await eventually(lambda: len(self.opened) == 2, "the login")
        self.assertEqual(self.reason(events), "it is of no use")
        self.assertEqual(self.losses, 1)

    async def test_a_channel_that_the_broker_closes(self) -> None:
        """It is opened again; the log has what the broker found wrong."""
        with capturedLogs() as events:
            self.link()
            await eventually(lambda: self.opened, "the login")
            self.opened[0].basic_ack(4711)
            await eventually(lambda: len(self.opened) == 2, "the login")
        self.assertIn("unknown delivery tag 4711", self.reason(events))

    async def test_not_prepared(self) -> None:
        """When preparing a channel fails, `lost` is called: the channel may be stored somewhere already."""

        async def fail(channel: Any) -> None:
            await shielded(channel.queue_declare("never declared", passive=True))

        self.prepare = fail  # type: ignore[method-assign]  # what this test does with each new channel
        with capturedLogs() as events:
            self.link()
            await self.failed()
        self.assertIn("NOT_FOUND", self.reason(events))
        self.assertEqual(self.losses, len(self.opened))

    def reason(self, events: list[Any]) -> str:
        """Why the one connection was lost, as the log has it."""
        [why] = [each["why"] for each in events if each["log_level"] is LogLevel.warn]
        return str(why)

    async def test_tls(self) -> None:
        """Over TLS the broker's certificate is verified."""
        url = f"amqps://localhost:{self.broker.tls_port}/"
        self.link(url=url, trust=self.broker.certificates.ca)
        await eventually(lambda: self.opened, "the login")

    async def test_tls_client_certificate(self) -> None:
        """A client certificate may be shown."""
        certificates = self.broker.certificates
        self.link(
            url=f"amqps://localhost:{self.broker.tls_port}/",
            trust=certificates.ca,
            certificate=certificates.client,
        )
        await eventually(lambda: self.opened, "the login")

    async def test_tls_that_is_not_trusted(self) -> None:
        """A certificate of an authority that is not trusted is no broker."""
        with capturedLogs() as events:
            self.link(url=f"amqps://localhost:{self.broker.tls_port}/")
            await self.failed()
        self.assertTrue(any("certificate" in str(each.get("why")) for each in events), events)
        self.assertEqual(self.opened, [])

    async def test_the_next_node(self) -> None:
        """A node that is away is passed over."""
        self.link(url=f"amqp://127.0.0.1:{free_port()},127.0.0.1:{self.broker.port}/")
        await eventually(lambda: self.opened, "the login")

    async def test_connected_again(self) -> None:
        """A connection that the broker closes is made again."""
        self.link()
        await eventually(lambda: self.opened, "the login")
        self.break_connections()
        await eventually(lambda: len(self.opened) == 2, "the login")
        self.assertEqual(self.losses, 1)

    async def test_a_peer_that_says_nothing(self) -> None:
        """Stopping does not wait for one that takes the connection and is silent."""
        silent = Factory.forProtocol(Protocol)
        port = reactor.listenTCP(0, silent, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        link = self.link(url=f"amqp://127.0.0.1:{port.getHost().port}/")
        await eventually(lambda: link._connection is not None and link._connection.transport, "a connection")
        await Deferred.fromCoroutine(link.stop())
        self.assertTrue(link._connection.gone.called)

    async def test_a_stop_that_is_cancelled(self) -> None:
        """Ends the connection at once, and leaves no timer behind."""
        silent = Factory.forProtocol(Protocol)
        port = reactor.listenTCP(0, silent, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        link = self.link(url=f"amqp://127.0.0.1:{port.getHost().port}/")
        connection = await eventually(
            lambda: link._connection and link._connection.transport and link._connection, "a connection"
        )
        stopping = Deferred.fromCoroutine(link.stop())
        stopping.cancel()
        await self.assertFailure(stopping, CancelledError)
        self.assertIsNone(connection._timer)
        await eventually(lambda: connection._lost, "its end")

    async def test_a_stop_in_the_middle_of_a_failure(self) -> None:
        """Whatever error an attempt that is cancelled ends with, there is no other."""
        for error in (ConnectingCancelledError(None), OSError("gone"), CancelledError()):
            link = self.link(url="amqp://127.0.0.1:1/")
            await Deferred.fromCoroutine(link.stop())
            opening: Deferred[None] = Deferred(lambda it, error=error: it.errback(error))
            self.patch(link._dialer, "open", lambda _, opening=opening: opening)
            link.start()
            await Deferred.fromCoroutine(link.stop())
            self.assertTrue(link._keeping.called)

    def test_files(self) -> None:
        """Files that cannot be used are faults that name the key and the file."""
        bad = self.file("bad.pem", "no certificate")
        missing = self.directory / "missing"
        for table in (
            {"password_file": missing},
            {"url": "amqps://localhost/", "trust": missing},
            {"url": "amqps://localhost/", "trust": bad},
            {"url": "amqps://localhost/", "certificate": bad},
        ):
            fault = self.assertRaises(CannotStart, Dialer, "inputs.queue", BrokerTable(**table), reactor)
            key = list(table)[-1]
            self.assertIn(f"inputs.queue.{key}: {table[key]}: ", str(fault))
