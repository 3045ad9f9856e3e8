"""An AMP input without a network: the base of the tests of its parts."""

from twisted.protocols import amp

from pushgate.inputs.amp.server import AmpServer, AmpTable
from pushgate.model.packed import Packed
from pushgate.protocols.amp.boxes import box_bytes
from tests import input_rig
from tests.samples import PAYLOAD, TOKEN, token


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


class AmpTestCase(input_rig.InputTestCase):
    """An AMP input."""

    kind, table, factory = "amp", AmpTable, AmpServer

    def received(self, connection=None):
        """The boxes that came since the last look."""
        return [dict(box) for box in amp.parseString(self.taken(connection))]

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
