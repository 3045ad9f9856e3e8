"""No peer of the line input can make it grow, stop it, or disturb another."""

from typing import ClassVar

from hypothesis import given
from hypothesis import strategies as st

from pushgate.inputs.common.conversation import LINGER
from pushgate.inputs.common.login_throttle import MAX_DELAY
from pushgate.inputs.line.line_reader import MAX_LINE, LineReader
from pushgate.net.parted_call import PARTS
from tests.line_rig import LineTestCase, push, push_json


class BoundsTests(LineTestCase):
    options: ClassVar = {"unanswered": 10, "max_connections": 2}

    def test_reading_stops_while_too_many_lines_are_unanswered(self):
        """What was read already waits; reading goes on when a fifth of the room is free again."""
        self.gateway.holding = True
        self.send(push() * 6, push() * 6, push() * 6)
        self.assertEqual(self.connection.under_way, 12)
        self.assertEqual(self.connection.transport.producerState, "paused")
        self.gateway.holding = False
        self.gateway.release()
        self.clock.pump([0] * 3)
        self.assertEqual(self.connection.transport.producerState, "producing")
        self.assertEqual(len(self.received()), 18)

    def test_a_peer_that_does_not_read_is_not_read(self):
        """When answers pile up, no more lines are taken until they are gone."""
        transport = self.connection.transport
        transport.producer.pauseProducing()
        self.assertEqual(transport.producerState, "paused")
        self.assertEqual(self.send(b"HELP\n"), [])
        transport.producer.resumeProducing()
        self.assertEqual(transport.producerState, "producing")
        self.assertEqual(len(self.received()), 1)

    def test_a_peer_that_feeds_a_full_queue_is_not_read(self):
        """One line or many; its answers come all the same, and reading goes on when there is room."""
        transport = self.connection.transport
        for lines in (push(), push_json() * 3, push(options=b"key=k")):
            self.gateway.full = {"news"}
            self.assertEqual(len(self.send(lines)), lines.count(b"\n"))
            self.assertEqual(transport.producerState, "paused")
            self.gateway.relieve("news")
            self.clock.advance(0)
            self.assertEqual(transport.producerState, "producing")

    def test_a_goodbye_is_heard_though_reading_is_held(self):
        """What came before it is answered first."""
        transport = self.connection.transport
        transport.producer.pauseProducing()
        self.send(b"HELP\n", b"STATS")
        self.connection.readConnectionLost()
        self.assertEqual(self.received(), [])
        transport.producer.resumeProducing()
        self.assertEqual(len(self.received()), 2)
        self.assertTrue(transport.disconnecting)

    def test_half_a_line_has_its_time(self):
        """However much comes of it; what was said before is answered, silence between lines is free."""
        self.send(b"HELP\n")
        self.clock.advance(10_000)
        self.gateway.holding = True
        self.send(push())
        for _ in range(59):
            self.send(b"x" * 1000)
            self.clock.advance(1)
        self.clock.advance(1)
        self.assertFalse(self.connection.transport.disconnecting)
        self.gateway.release()
        self.clock.advance(0)
        self.assertTrue(self.connection.transport.disconnecting)
        self.assertEqual([answer.split()[0] for answer in self.received()], ["OK"])
        counts = self.context.metrics.counts["pushgate_connections_closed_total"]
        self.assertEqual(dict(counts), {("line", "slow"): 1})

    def test_a_line_without_an_end_has_its_time_too(self):
        """Nothing of it is kept once it is too long; from the refusal on, its end has its time."""
        answers = []
        for _ in range(60):
            answers += self.send(b"x" * (1 << 17))
            self.clock.advance(1)
            self.assertLessEqual(len(self.connection._reader._tail), 1 << 17)
        self.clock.advance(2)
        self.assertTrue(self.connection.transport.disconnecting)
        [answer] = answers
        self.assertTrue(answer.startswith("ERR TOO_LARGE"))

    def test_half_a_line_and_nothing_before_it(self):
        """The same; but the time in which the input does not read does not count."""
        self.send(b"HEL")
        self.connection.transport.producer.pauseProducing()
        self.clock.advance(300)
        self.connection.transport.producer.resumeProducing()
        self.clock.advance(59)
        self.assertFalse(self.connection.transport.disconnecting)
        self.clock.advance(1)
        self.assertTrue(self.connection.transport.disconnecting)

    def test_there_are_so_many_connections_and_no_more(self):
        """The next is turned away until one of them is gone; the log says so once."""
        other = self.connect()
        self.assertIsNone(self.server.buildProtocol(None))
        self.assertIsNone(self.server.buildProtocol(None))
        self.assertEqual(len([line for line in self.logged() if "max_connections" in line]), 1)
        counts = self.context.metrics.counts["pushgate_connections_closed_total"]
        self.assertEqual(dict(counts), {("line", "crowded"): 2})
        self.lose(other)
        self.assertIsNotNone(self.server.buildProtocol(None))

    def test_a_closing_connection_is_aborted_in_the_end(self):
        """A peer that neither reads nor closes keeps nothing open."""
        self.send(b"QUIT\n")
        self.clock.pump([LINGER / PARTS] * PARTS)
        self.assertTrue(self.connection.transport.aborted)

    def test_a_process_that_stood_still(self):
        """A peer that stood still with it still has time to take its last answers."""
        self.send(b"QUIT\n")
        self.clock.advance(10 * LINGER)
        self.assertFalse(self.connection.transport.aborted)
        self.clock.pump([LINGER / PARTS] * (PARTS - 1))
        self.assertTrue(self.connection.transport.aborted)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_one_who_takes_no_answers_is_closed(self):
        """Half a connection on which nothing can be said is none."""
        self.connection.writeConnectionLost()
        self.assertTrue(self.connection.transport.disconnecting)

    def test_a_lost_connection_leaves_nothing_behind(self):
        """No timer, no producer; what was under way is done and its answer dropped."""
        self.gateway.holding = True
        self.send(push() * 2, b"QUIT\n")
        self.lose(self.connection)
        self.gateway.release()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(len(self.gateway.submissions), 1)
        self.assertEqual(self.server.connections, set())


class ReaderTests(LineTestCase):
    def test_a_line_that_never_ends_is_not_kept(self):
        """However long it goes on."""
        reader = LineReader()
        for _ in range(100):
            reader.feed(b"x" * (1 << 16))
            self.assertLessEqual(len(reader._tail), MAX_LINE)

    @given(st.lists(st.binary(max_size=50) | st.sampled_from([b"\n", b"a\r\n", b"x\ny\n"]), max_size=20))
    def test_lines_are_those_of_the_whole(self, pieces):
        """Cutting the stream in other places gives the same lines."""
        reader = LineReader()
        blocks = [block for piece in pieces for block in reader.feed(piece)] + reader.end()
        self.assertEqual(b"\n".join(blocks), b"".join(pieces).removesuffix(b"\n"))


class FuzzTests(LineTestCase):
    """Whatever arrives, nothing is raised and no other connection is affected."""

    WORDS = st.sampled_from(
        b"PUSH STATUS STATS HELP LOGIN QUIT news abcd key=k priority=5 expiration=1 {} { } \xff \0 \r".split(
            b" "
        )
    )
    LINES = st.one_of(
        st.binary(max_size=80),
        st.lists(WORDS, max_size=8).map(b" ".join),
        st.sampled_from(
            [
                push().strip(),
                push_json().strip(),
                b'{"app":"news"',
                b'{"app":"mail","token":"ab","payload":{}}',
            ]
        ),
    )

    @given(st.lists(LINES, max_size=8), st.sampled_from([b"\n", b"\r\n", b"\n\n"]), st.integers(1, 100))
    def test_anything(self, lines, end, cut):
        """Every line that is not blank gets one answer, unless the peer has left before."""
        connection = self.connect()
        data = end.join([*lines, b""])
        for at in range(0, len(data), cut):
            connection.dataReceived(data[at : at + cut])
        asked = [line for line in data.split(b"\n") if line.strip()]
        for _ in range(len(asked) + 1):  # one login after the other
            self.clock.advance(MAX_DELAY)
        answers = self.received(connection)
        if not connection.transport.disconnecting:
            self.assertEqual(len(answers), len(asked))
        self.assertTrue(all(answer.startswith(("OK ", "ERR ")) for answer in answers))
        self.assertEqual(self.flushLoggedErrors(), [])
        self.lose(connection)
        self.assert_alive()
