"""Servers with a certificate of a trusted authority that is not for their host: no client of ours uses them."""

from collections.abc import Callable, Coroutine
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography.x509 import DNSName, IPAddress, RFC822Name
from twisted.internet import reactor
from twisted.internet.defer import succeed
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import TestCase

from pushgate.client import connect
from pushgate.model.errors import SinkDown
from pushgate.model.metrics import Metrics
from pushgate.net.amqp.channel import AmqpChannel
from pushgate.net.amqp.settings import BrokerTable
from pushgate.plugin.context import Context
from pushgate.plugins.builtin import webhook
from pushgate.protocols.apns_binary.feedback import FeedbackTuple, encode
from pushgate.simulator.certificates import Certificates
from pushgate.sinks.webhook.settings import WebhookTable
from pushgate.testing import RecordingGateway, outcome
from tests.impostor import Impostor, Names
from tests.rig import Rig, live

WALL = 1_700_000_001.0
Lines = Callable[[], list[str]]
"""What was logged about certificates until now."""

FORGED: dict[str, Names] = {
    "no names": None,
    "an empty list": [],
    "any host": [DNSName("*")],
    "another host, and any": [DNSName("other.example"), DNSName("*")],
    "an e-mail address": [RFC822Name("root@localhost")],
    "another host": [DNSName("other.example")],
    "an address": [IPAddress(ip_address("127.0.0.1"))],
}


class ImpostorTests(TestCase):
    """Each client against each kind of certificate: it writes nothing, and says why in one line."""

    timeout = 60

    def setUp(self) -> None:
        self.directory = self.mktemp()
        self.certificates = Certificates.in_directory(Path(self.directory))
        self.context = Context(
            reactor=reactor, wall=lambda: WALL, jitter=lambda: 0.0, metrics=Metrics(), state_dir=None
        )

    async def each(
        self, attempt: Callable[[Impostor, Lines], Coroutine[Any, Any, str | None]], greeting: bytes = b""
    ) -> None:
        """Attempt it with each kind of certificate.

        :param attempt: returns what the user saw, or None when the log says it.
        """
        for kind, names in FORGED.items():
            impostor = await Impostor(self.certificates, names, greeting).start()
            with capturedLogs() as events:

                def lines(events: list[Any] = events) -> list[str]:
                    return [str(formatEvent(each)) for each in events if "certificate is not" in str(each)]

                said = await attempt(impostor, lines) or lines()[0]
            await impostor.stop()
            self.assertEqual((kind, impostor.received), (kind, b""))
            self.assertGreater(impostor.connections, 0)
            self.assertIn("the certificate is not for localhost", said)
            self.assertTrue(said.isprintable(), said)
            self.assertNotIn("Error", said)
            bugs = [formatEvent(each) for each in events if "log_failure" in each]
            self.assertEqual(bugs, [], kind)

    async def until(self, condition: Callable[[], object]) -> None:
        while not condition():
            await deferLater(reactor, 0.005, lambda: None)  # type: ignore[arg-type]  # it is a reactor

    async def test_apns_stream(self) -> None:
        """The circuit names the cause, and the notification waits."""

        async def attempt(impostor: Impostor, lines: Lines) -> None:
            rig = await Rig(self.directory, port=impostor.port).start()
            await rig.push([live(1)])
            await self.until(lines)
            self.assertEqual((rig.circuit()[1], rig.gateway.left()), ("server-not-trusted", 1))
            await rig.stop()

        await self.each(attempt)

    async def test_feedback(self) -> None:
        """No token is dead because an impostor says so."""

        async def attempt(impostor: Impostor, lines: Lines) -> None:
            rig = await Rig(self.directory, feedback=True, feedback_port=impostor.port).start()
            await self.until(lines)
            self.assertEqual(rig.audience.dead, [])
            await rig.stop()

        await self.each(attempt, encode(FeedbackTuple(1_700_000_000, live(1))))

    async def test_webhook(self) -> None:
        """No record is sent."""
        secret = Path(self.mktemp())
        secret.write_bytes(b"x" * 32)

        async def attempt(impostor: Impostor, lines: Lines) -> str:
            table = {
                "type": "webhook", "url": f"https://localhost:{impostor.port}/", "allow_private": True,
                "secret_file": str(secret), "trust": str(self.certificates.ca),
            }  # fmt: skip
            config = WebhookTable.model_validate(table)
            sink: Any = webhook.sink("hook", config, RecordingGateway("news"), self.context)
            sink.start()
            error: SinkDown = await self.assertFailure(sink.emit([outcome()]), SinkDown)
            await sink.stop()
            return str(error)

        await self.each(attempt)

    async def test_amqps(self) -> None:
        """No password is sent."""

        async def attempt(impostor: Impostor, lines: Lines) -> None:
            table = BrokerTable(
                url=f"amqps://localhost:{impostor.port}/", trust=self.certificates.ca, certificate=None
            )
            channel = AmqpChannel("inputs.queue", table, self.context, lambda _: succeed(None), lambda: None)
            channel.start()
            await self.until(lines)
            await channel.stop()

        await self.each(attempt)

    async def test_the_python_client(self) -> None:
        """No secret is sent."""

        async def attempt(impostor: Impostor, lines: Lines) -> str:
            where = f"tls:localhost:{impostor.port}:trustRoots={self.certificates.ca}"
            client = connect(reactor, where, retry_for=0, timeout=20, login=("me", b"secret"))
            error = await self.assertFailure(client.stats(), Exception)
            await client.close()
            return str(error)

        await self.each(attempt)
