"""A web page cannot give commands: what begins as HTTP is hung up on before any line is obeyed."""

from hypothesis import given
from hypothesis import strategies as st

from pushgate.inputs.line.http_start import MAX_START, METHODS, HTTPStart
from tests.amp_rig import AmpTestCase
from tests.line_rig import LineTestCase, push, push_json

BODY = push() + push_json() * 2 + b"STATS\n"
HEAD = b"Host: localhost:7218\r\nOrigin: https://evil.example\r\nContent-Type: text/plain\r\n\r\n"
STARTS = [
    *(method + b" / HTTP/1.1\r\n" for method in sorted(METHODS)),
    b"get /x\r\n",
    b"\r\n\r\nPOST / HTTP/1.1\r\n",
    b"POST http://localhost:7218/ HTTP/1.0\n",
    b"PUSH news HTTP/1.1\r\n",
    b"M-SEARCH * http/1.1\r\n",
    b"POST /" + b"x" * (1 << 18) + b" HTTP/1.1\r\n",
]


class HTTPTests(LineTestCase):
    def refused(self, pieces):
        """Send pieces on a new connection; it must end without anything done."""
        connection = self.connect()
        answers = self.send(*pieces, connection=connection)
        self.assertTrue(connection.transport.disconnecting)
        self.assertEqual(answers, ["ERR INVALID line: an HTTP request; this is the line input"])
        self.assertEqual(self.gateway.submissions, [])
        self.lose(connection)

    def test_requests(self):
        """Whatever the method, however long the address, whatever stands before it: no line of it is obeyed."""
        for start in STARTS:
            with self.subTest(start[:20]):
                self.refused([start + HEAD + BODY])

    def test_in_pieces(self):
        """Wherever the bytes are cut."""
        for start in STARTS[:-1]:
            data = start + HEAD + BODY
            for size in (1, 3, 7, len(start)):
                self.refused([data[at : at + size] for at in range(0, len(data), size)])

    def test_it_is_counted(self):
        """And the log says that the peer speaks HTTP."""
        self.refused([STARTS[0] + HEAD])
        self.assertEqual(self.counted("pushgate_connections_closed_total"), {("line", "malformed"): 1})
        self.assertIn("it speaks HTTP", self.logged()[-1])

    def test_only_the_first_line(self):
        """Later a mistake is answered like any other, and the connection goes on."""
        self.send(b"HELP\n")
        self.assertEqual(self.refusal(b"GET / HTTP/1.1\n")[0], "INVALID")
        self.assertEqual(self.refusal(b"PUSH news abcd x HTTP/1.1\n")[0], "INVALID")

    def test_what_only_looks_alike(self):
        """Our own commands, JSON and mistakes are lines, also when they are long."""
        for line in (b"GETTING x\n", b"POST\n", b"x\n", b" " * MAX_START + b"HELP\n", push_json()):
            connection = self.connect()
            [answer] = self.send(line, connection=connection)
            self.assertNotIn("HTTP", answer)
            self.assert_alive(connection)
            self.lose(connection)

    @given(st.lists(st.binary(max_size=40) | st.sampled_from([b"GET ", b" HTTP/1.1", b"\r\n"]), max_size=8))
    def test_cuts_make_no_difference(self, pieces):
        """The same bytes are HTTP, or not, however they come."""
        whole, cut = HTTPStart(), HTTPStart()
        self.assertEqual(whole.feed(b"".join(pieces)), any(map(cut.feed, pieces)))


class AmpTests(AmpTestCase):
    def test_requests(self):
        """At the AMP input no method can be the start of a box: the connection ends at its first bytes."""
        for start in STARTS:
            if start[:1] > b" ":
                connection = self.connect()
                self.assertEqual(self.send(start + HEAD, connection=connection), [])
                self.assertTrue(connection.transport.disconnecting)
                self.lose(connection)
