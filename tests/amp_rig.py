"""An AMP door without a network: what the tests of its parts stand on."""

import time
from typing import ClassVar

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import EventLoggingObserver, StringTransport
from twisted.logger import globalLogPublisher
from twisted.protocols import amp
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from pushgate.inputs.amp.boxes import box_bytes
from pushgate.inputs.amp.server import AmpServer, AmpTable
from pushgate.inputs.visitor import Porter
from pushgate.interfaces import Context
from pushgate.packed import Packed
from pushgate.principals import Grant, Principals
from pushgate.tally import Tally
from pushgate.testing import RecordingGateway
from tests.samples import PAYLOAD, TOKEN, token


def context(clock, grants=None):
    """What the door may use."""
    return Context(
        reactor=clock, wall=time.time, jitter=lambda: 0.0, tally=Tally(), principals=Principals(grants)
    )


def command(name, /, *, ask=b"1", **arguments):
    """A command as it goes on the wire."""
    box = {b"_command": name.encode(), **{key.encode(): value for key, value in arguments.items()}}
    return box_bytes(box if ask is None else {b"_ask": ask, **box})


def push(ask=b"1", **arguments):
    """A `Push`, good unless `arguments` make it bad; None leaves one out."""
    good = {"app": b"news", "token": TOKEN.hex().encode(), "payload": PAYLOAD} | arguments
    return command("Push", ask=ask, **{key: value for key, value in good.items() if value is not None})


def push_batch(count=2, ask=b"1", **arguments):
    """A `PushBatch` with one payload for all, unless `arguments` say otherwise."""
    tokens = Packed.of([token(number) for number in range(count)], 1).blob
    good = {"app": b"news", "tokens": tokens, "payload": PAYLOAD} | arguments
    return command("PushBatch", ask=ask, **{key: value for key, value in good.items() if value is not None})


class Transport(StringTransport):
    """A connection on which aborting and closing end it when the test says so."""

    aborted = False

    def abortConnection(self):
        self.aborted = True
        super().abortConnection()


class DoorTestCase(SynchronousTestCase):
    """A door without a network, with a fake gateway behind it."""

    options: ClassVar[dict[str, object]] = {}
    grants: ClassVar[dict[str, Grant]] = {}
    trusting = True

    def setUp(self):
        self.clock, self.gateway = Clock(), RecordingGateway("news", "mail")
        self.context = context(self.clock, self.grants)
        porter = Porter("amp", self.trusting, self.gateway, self.context)
        table = AmpTable(type="amp", **self.options)
        self.server = AmpServer("amp", table, self.gateway, self.context, porter)
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
        """Send `data`, let the turn end, and return the boxes that came back."""
        connection = connection or self.connection
        for each in data:
            connection.dataReceived(each)
        self.clock.advance(0)
        return self.received(connection)

    def received(self, connection=None):
        """The boxes that came since the last look."""
        transport = (connection or self.connection).transport
        boxes = amp.parseString(transport.value())
        transport.clear()
        return [dict(box) for box in boxes]

    def refusal(self, *data):
        """The code and the text of the error that answers `data`; the connection must live on."""
        [box] = self.send(*data)
        self.assertEqual(box[b"_error"], b"1")
        self.assert_alive()
        return box[b"_error_code"].decode(), box[b"_error_description"].decode()

    def assert_alive(self, connection=None):
        """The connection is open and answers."""
        connection = connection or self.connection
        self.assertFalse(connection.transport.disconnecting)
        [answer] = self.send(command("Stats", ask=b"alive?"), connection=connection)
        self.assertEqual(answer[b"_answer"], b"alive?")

    def logged(self):
        """The messages of the log at info or above."""
        return [
            event["log_format"].format(**event) for event in self.log if event["log_level"].name != "debug"
        ]
