"""A hub input without a network, with a fake hub behind it."""

from typing import ClassVar

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from pushgate.inputs.hub.server import HubServer
from pushgate.inputs.hub.settings import HubInputTable
from pushgate.model.hub.access import AccessRule, Right
from pushgate.protocols.notification_hubs.sas import sign
from pushgate.testing import FakeHub, RecordingGateway, context
from tests.http_rig import responses
from tests.input_rig import Transport

RULES = {
    "Full": AccessRule(frozenset({Right.MANAGE}), (b"full-1", b"full-2")),
    "Listen": AccessRule(frozenset({Right.LISTEN}), (b"listen-key",)),
    "Send": AccessRule(frozenset({Right.SEND}), (b"send-key",)),
}
KEYS = {"Full": b"full-1", "Listen": b"listen-key", "Send": b"send-key"}


class HubInputTestCase(SynchronousTestCase):
    """An input that offers one hub, ``main``.

    :cvar options: keys of its table.
    """

    options: ClassVar[dict[str, object]] = {}

    def setUp(self):
        self.clock, self.hub = Clock(), FakeHub(rules=RULES)
        self.context = context(self.clock, hubs={"main": self.hub})
        table = HubInputTable(type="hub", hubs=["main"], **self.options)
        self.server = HubServer("hub", table, RecordingGateway(), self.context, local=True)
        self.server.start()
        self.addCleanup(self.server._sweeper.stop)
        self.addCleanup(self.server.access.stop)
        self.connection = self.connect()

    def connect(self):
        """A new connection."""
        connection = self.server.buildProtocol(None)
        transport = Transport()
        transport.peerAddr = IPv4Address("TCP", "192.0.2.1", 1)
        connection.makeConnection(transport)
        return connection

    def signature(self, rule="Full", key=None, address="https://localhost/", life=3600):
        """An ``Authorization`` header that is good for so many seconds from now."""
        return sign(
            address, KEYS.get(rule, b"") if key is None else key, int(self.context.wall()) + life, rule
        )

    def write(self, method, path, body=b"", **headers):
        """Write a request; signed, unless there is an ``authorization``, which may be None."""
        headers = {
            "host": "localhost",
            "authorization": self.signature(),
            "content_length": len(body),
            **headers,
        }
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items() if value is not None]
        head = "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""])
        self.connection.dataReceived(head.encode() + body)

    def answers(self):
        """The whole answers that came since the last look."""
        found, rest = responses(self.connection.transport.value())
        self.assertEqual(rest, b"")
        self.connection.transport.clear()
        return found

    def ask(self, method, path, body=b"", **headers):
        """The one answer to a request."""
        self.write(method, path, body, **headers)
        [answer] = self.answers()
        return answer

    def refusal(self, answer, status):
        """The detail of an error; it must have this status."""
        self.assertEqual(answer.status, status, answer.body)
        start, end = f"<Error><Code>{status}</Code><Detail>".encode(), b"</Detail></Error>"
        self.assertTrue(answer.body.startswith(start) and answer.body.endswith(end), answer.body)
        self.assertTrue(answer.headers["content-type"].startswith("application/xml"))
        return answer.body.removeprefix(start).removesuffix(end).decode()
