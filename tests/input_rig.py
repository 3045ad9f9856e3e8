"""An input without a network: the base of the tests of every input's parts."""

import time
from typing import ClassVar

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import EventLoggingObserver, StringTransport
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from pushgate.inputs.common.session import Authenticator
from pushgate.model.metrics import Metrics
from pushgate.model.principals import Grant, Principals
from pushgate.plugin.context import Context
from pushgate.protocols.apns_rules import APNS_RULES
from pushgate.testing import FakeHub, RecordingGateway


def context(clock, grants=None, hubs=None):
    """What an input may use."""
    return Context(
        reactor=clock,
        wall=time.time,
        jitter=lambda: 0.0,
        metrics=Metrics(),
        principals=Principals(grants),
        hubs=hubs or {},
    )


class Transport(StringTransport):
    """A connection on which aborting and closing end it when the test says so."""

    aborted = False

    def __init__(self):
        # As real ones are: resuming a connection that is being closed does nothing.
        super().__init__(lenient=True)

    def abortConnection(self):
        self.aborted = True
        super().abortConnection()


class InputTestCase(SynchronousTestCase):
    """An input without a network, with a fake gateway behind it.

    :cvar kind: the input's name, and its type.
    :cvar table: its configuration's type.
    :cvar factory: makes what its connections share.
    :cvar rules: what the apps' upstream takes.
    """

    kind: ClassVar[str]
    table: ClassVar[type]
    factory: ClassVar[type]
    options: ClassVar[dict[str, object]] = {}
    grants: ClassVar[dict[str, Grant]] = {}
    trusting = True
    rules = APNS_RULES

    def setUp(self):
        self.clock, self.gateway = Clock(), RecordingGateway("news", "mail", rules=self.rules)
        self.hub = FakeHub()
        self.context = context(self.clock, self.grants, {"main": self.hub})
        authenticator = Authenticator(self.kind, self.trusting, self.gateway, self.context)
        table = self.table(type=self.kind, **self.options)
        self.server = self.factory(self.kind, table, self.gateway, self.context, authenticator)
        self.opened()
        self.connection = self.connect()
        self.log = EventLoggingObserver()
        globalLogPublisher.addObserver(self.log)
        self.addCleanup(globalLogPublisher.removeObserver, self.log)

    def opened(self):
        """The input has its server; called before the first connection comes."""

    def connect(self):
        """A new connection."""
        connection = self.server.buildProtocol(None)
        connection.makeConnection(Transport())
        return connection

    def lose(self, connection=None):
        """The transport reports that the connection is gone."""
        (connection or self.connection).connectionLost(Failure(ConnectionDone()))

    def send(self, *data, connection=None):
        """Send `data`, let the turn end, and return what came back."""
        connection = connection or self.connection
        for each in data:
            connection.dataReceived(each)
        self.clock.advance(0)
        return self.received(connection)

    def taken(self, connection=None):
        """The bytes that came since the last look."""
        transport = (connection or self.connection).transport
        value = transport.value()
        transport.clear()
        return value

    def counted(self, metric):
        """The counts of a metric, by labels."""
        return dict(self.context.metrics.counts[metric])

    def logged(self):
        """The messages of the log at info or above."""
        return [
            event["log_format"].format(**event)
            for event in self.log
            if event["log_level"].name != "debug" and event["log_format"]
        ]
