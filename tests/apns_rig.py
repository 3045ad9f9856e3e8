"""The APNs listener without a network: the base of the tests of its parts."""

from typing import ClassVar

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import EventLoggingObserver, StringTransport
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from pushgate.inputs.apns_binary.authentication import ProviderAuthentication
from pushgate.inputs.apns_binary.feedback_connection import FeedbackServer
from pushgate.inputs.apns_binary.push_connection import NotificationServer
from pushgate.inputs.apns_binary.settings import ApnsTable
from pushgate.model.metrics import Metrics
from pushgate.model.principals import Principals
from pushgate.plugin.context import Context
from pushgate.testing import RecordingGateway

NOW = 1_700_000_000


class Transport(StringTransport):
    """A connection that ends when the test says so.

    :ivar half_closed: nothing more will be written.
    """

    aborted = half_closed = False

    def __init__(self):
        super().__init__(lenient=True)

    def abortConnection(self):
        self.aborted = True
        super().abortConnection()

    def loseWriteConnection(self):
        self.half_closed = True


class ListenerTestCase(SynchronousTestCase):
    """A listener without a network, with a fake gateway behind it."""

    options: ClassVar[dict[str, object]] = {"app": "news"}
    principals: Principals | None = None
    state_dir = None

    def setUp(self):
        self.clock, self.gateway = Clock(), RecordingGateway("news", "mail")
        self.context = Context(
            reactor=self.clock,
            wall=lambda: NOW + self.clock.seconds(),
            jitter=lambda: 0.0,
            metrics=Metrics(),
            state_dir=self.state_dir,
            principals=self.principals or Principals(),
        )
        self.left = 0
        self.make()
        self.connection = self.connect()
        self.log = EventLoggingObserver()
        globalLogPublisher.addObserver(self.log)
        self.addCleanup(globalLogPublisher.removeObserver, self.log)

    def make(self):
        """The two servers, as after a restart."""
        table = ApnsTable(type="apns", **self.options)
        authentication = ProviderAuthentication(table, True, self.gateway, self.context)
        parts = ("apns", table, self.gateway, self.context, authentication)
        self.server = NotificationServer(*parts, self.leave)
        self.feedback = FeedbackServer(*parts)

    def leave(self):
        self.left += 1

    def connect(self, server=None):
        """A new connection."""
        connection = (server or self.server).buildProtocol(None)
        connection.makeConnection(Transport())
        return connection

    def lose(self, connection, how=ConnectionDone):
        """The transport reports that the connection is gone."""
        connection.connectionLost(Failure(how()))

    def send(self, *data, connection=None):
        """Send `data`, let the turn end, and return what came back."""
        connection = connection or self.connection
        for each in data:
            connection.dataReceived(each)
        self.clock.pump([0, 0])
        return self.said(connection)

    def said(self, connection=None):
        """What came since the last look."""
        transport = (connection or self.connection).transport
        value = transport.value()
        transport.clear()
        return value

    def accepted(self):
        """The tokens the gateway has taken, in order."""
        return [token for submission in self.gateway.submissions for token in submission.tokens]

    def logged(self):
        """The messages of the log at info or above."""
        return [
            event["log_format"].format(**event) for event in self.log if event["log_level"].name != "debug"
        ]
