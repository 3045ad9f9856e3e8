"""A line input without a network: the base of the tests of its parts."""

from pushgate.inputs.line.server import LineServer, LineTable
from tests.input_rig import InputTestCase
from tests.samples import PAYLOAD, TOKEN

HEX = TOKEN.hex().encode()


def push(token=HEX, payload=PAYLOAD, app=b"news", options=b""):
    """A line of text that pushes."""
    return b"PUSH %b %b %b%b\n" % (app, token, options and options + b" ", payload)


def push_json(token=HEX, payload=PAYLOAD, app=b"news", fields=b""):
    """A line of JSON that does."""
    return b'{"app":"%b","token":"%b","payload":%b%b}\n' % (app, token, payload, fields)


class LineTestCase(InputTestCase):
    """A line input."""

    kind, table, factory = "line", LineTable, LineServer

    def received(self, connection=None):
        """The lines that came since the last look."""
        value = self.taken(connection)
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
