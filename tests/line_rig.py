"""A line door without a network: what the tests of its parts stand on."""

import time
from typing import ClassVar

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import EventLoggingObserver, StringTransport
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from pushgate.inputs.line.server import LineServer, LineTable
from pushgate.inputs.visitor import Porter
from pushgate.interfaces import Context
from pushgate.principals import Principals
from pushgate.tally import Tally
from pushgate.testing import RecordingGateway
from tests.samples import PAYLOAD, TOKEN

HEX = TOKEN.hex().encode()


def context(clock, principals=None):
    """What the door may use."""
    return Context(
        reactor=clock,
        wall=time.time,
        jitter=lambda: 0.0,
        tally=Tally(),
        principals=principals or Principals(),
    )


def push(token=HEX, payload=PAYLOAD, app=b"news", options=b""):
    """A line of text that pushes."""
    return b"PUSH %b %b %b%b\n" % (app, token, options and options + b" ", payload)


def push_json(token=HEX, payload=PAYLOAD, app=b"news", fields=b""):
    """A line of JSON that does."""
    return b'{"app":"%b","token":"%b","payload":%b%b}\n' % (app, token, payload, fields)


class Transport(StringTransport):
    """A connection on which aborting and closing end it when the test says so."""

    aborted = False

    def __init__(self):
        # As real ones are: resuming a connection that is being closed does nothing.
        super().__init__(lenient=True)

    def abortConnection(self):
        self.aborted = True
        super().abortConnection()


class LineTestCase(SynchronousTestCase):
    """A door without a network, with a fake gateway behind it."""

    options: ClassVar[dict[str, object]] = {}
    principals: ClassVar[Principals | None] = None

    def setUp(self):
        self.clock, self.gateway = Clock(), RecordingGateway("news", "mail")
        self.context = context(self.clock, self.principals)
        porter = Porter("line", True, self.gateway, self.context)
        table = LineTable(type="line", **self.options)
        self.server = LineServer("line", table, self.gateway, self.context, porter)
        self.connection = self.connect()
        self.log = EventLoggingObserver()
        globalLogPublisher.addObserver(self.log)
        self.addCleanup(globalLogPublisher.removeObserver, self.log)

    def connect(self):
        """A new connection."""
        connection = self.server.buildProtocol(None)
        connection.makeConnection(Transport())
        return connection

    def lose(self, connection):
        """The transport reports that the connection is gone."""
        connection.connectionLost(Failure(ConnectionDone()))

    def send(self, *data, connection=None):
        """Send `data`, let the turn end, and return the lines that came back."""
        connection = connection or self.connection
        for each in data:
            connection.dataReceived(each)
        self.clock.advance(0)
        return self.received(connection)

    def received(self, connection=None):
        """The lines that came since the last look."""
        transport = (connection or self.connection).transport
        value = transport.value()
        transport.clear()
        assert value.endswith(b"\n") or not value
        return value.decode().splitlines()

    def refusal(self, *data, connection=None):
        """Code and text of the one error that answers `data`; the connection must live on."""
        [line] = self.send(*data, connection=connection)
        word, code, text = line.split(" ", 2)
        self.assertEqual(word, "ERR")
        self.assert_alive(connection)
        return code, text

    def assert_alive(self, connection=None):
        """The connection is open and answers."""
        connection = connection or self.connection
        self.assertFalse(connection.transport.disconnecting)
        self.assertTrue(self.send(b"HELP\n", connection=connection)[-1].startswith("OK PUSH"))

    def logged(self):
        """The messages of the log at info or above."""
        return [
            event["log_format"].format(**event) for event in self.log if event["log_level"].name != "debug"
        ]
