"""No peer of the AMP input can make it grow, stop it, or disturb another."""

from typing import ClassVar

from hypothesis import given
from hypothesis import strategies as st
from twisted.protocols import amp

from pushgate.inputs.common.conversation import LINGER
from pushgate.net.parted_call import PARTS
from pushgate.protocols.amp.boxes import box_bytes
from tests.amp_rig import AmpTestCase, command, push, push_batch
from tests.samples import TOKEN


class BoundsTests(AmpTestCase):
    options: ClassVar = {"unanswered": 10, "max_connections": 2}

    def test_reading_stops_while_too_many_commands_are_under_way(self):
        """What was read already waits; reading goes on when a fifth of the room is free again."""
        self.gateway.holding = True
        self.send(b"".join(push_batch(ask=b"%d" % number) for number in range(15)))
        self.assertEqual(self.connection.under_way, 10)
        self.assertEqual(self.connection.transport.producerState, "paused")
        self.gateway.holding = False
        self.gateway.release()
        self.assertEqual(self.connection.transport.producerState, "producing")
        self.assertEqual({int(box[b"_answer"]) for box in self.received()}, set(range(15)))

    def test_half_a_command_has_its_time(self):
        """A byte a second is no way to say it; what is complete is answered, silence between commands is free."""
        whole = push()
        self.assertEqual(len(self.send(whole)), 1)
        self.clock.advance(10_000)
        for at in range(59):
            self.send(whole[at : at + 1])
            self.clock.advance(1)
        self.assertFalse(self.connection.transport.disconnecting)
        self.send(whole[59:] + whole[:10])  # the next one has its own time
        self.clock.advance(59)
        self.assertFalse(self.connection.transport.disconnecting)
        self.clock.advance(1)
        self.assertTrue(self.connection.transport.disconnecting)
        counts = self.context.metrics.counts["pushgate_connections_closed_total"]
        self.assertEqual(dict(counts), {("amp", "slow"): 1})
        self.lose(self.connection)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_time_in_which_it_is_not_read_does_not_count(self):
        """Because the peer could not have sent the rest."""
        self.send(push()[:10])
        self.clock.advance(30)
        self.connection.transport.producer.pauseProducing()
        self.clock.advance(300)
        self.connection.transport.producer.resumeProducing()
        self.clock.advance(59)
        self.assertFalse(self.connection.transport.disconnecting)
        self.assertEqual(len(self.send(push()[10:])), 1)

    def test_it_resumes_at_four_fifths(self):
        """Not at every answer, so that a busy connection is not paused and resumed for each command."""
        self.gateway.holding = True
        self.send(*[push_batch(ask=b"%d" % number) for number in range(10)])
        held, self.gateway._held = self.gateway._held, []
        held[0][0].callback(held[0][1])
        self.assertEqual(self.connection.transport.producerState, "paused")
        held[1][0].callback(held[1][1])
        self.assertEqual(self.connection.transport.producerState, "producing")

    def test_a_peer_that_does_not_read_is_not_read(self):
        """When answers pile up, no more commands are taken until they are gone."""
        transport = self.connection.transport
        self.assertTrue(transport.streaming)
        transport.producer.pauseProducing()
        self.assertEqual(transport.producerState, "paused")
        self.assertEqual(self.send(push()), [])
        transport.producer.resumeProducing()
        self.clock.advance(0)
        self.assertEqual(transport.producerState, "producing")
        self.assertEqual(len(self.received()), 1)

    def test_there_are_so_many_connections_and_no_more(self):
        """The next is turned away until one of them is gone; the log says so once."""
        other = self.connect()
        self.assertIsNone(self.server.buildProtocol(None))
        self.assertIsNone(self.server.buildProtocol(None))
        self.assertEqual(len([line for line in self.logged() if "max_connections" in line]), 1)
        self.lose(other)
        self.assertIsNotNone(self.server.buildProtocol(None))

    def test_malformed_input_closes_only_its_connection(self):
        """What came before it is answered, what comes after it is not looked at, and the log says why."""
        other = self.connect()
        answers = self.send(push(), b"GET / HTTP/1.1\r\n\r\n", push(ask=b"2"))
        self.assertEqual([box[b"_answer"] for box in answers], [b"1"])
        self.assertTrue(self.connection.transport.disconnecting)
        self.assert_alive(other)
        self.assertTrue(any("not AMP" in line for line in self.logged()))

    def test_boxes_that_make_no_sense_close_the_connection(self):
        """An empty box, one that is neither question nor answer, an answer to no question."""
        for data in (
            b"\0\0",
            box_bytes({b"app": b"news"}),
            box_bytes({b"_answer": b"1"}),
            box_bytes({b"_error": b"1"}),
        ):
            connection = self.connect()
            self.assertEqual(self.send(data, connection=connection), [])
            self.assertTrue(connection.transport.disconnecting)
            self.lose(connection)

    def test_a_closing_connection_is_aborted_in_the_end(self):
        """A peer that neither reads nor closes keeps nothing open."""
        self.send(b"\xff\xff")
        self.clock.pump([LINGER / PARTS] * PARTS)
        self.assertTrue(self.connection.transport.aborted)

    def test_a_lost_connection_leaves_nothing_behind(self):
        """No timer, no producer, no sink; what was under way is done and its answer dropped."""
        self.gateway.holding = True
        self.send(push_batch(), command("Watch", ask=b"2"))
        self.lose(self.connection)
        self.gateway.release()
        self.assertEqual(self.gateway.sinks, {})
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(len(self.gateway.submissions), 1)


class FuzzTests(AmpTestCase):
    """Whatever arrives, nothing is raised and no other connection is affected."""

    NAMES = st.sampled_from(
        ["Push", "PushBatch", "Status", "Cancel", "Watch", "Stats", "Reload", "Outcomes", "StartTLS"]
    )
    KEYS = st.sampled_from(
        b"_ask _answer _error _error_code app token tokens payload payloads id key priority delivery odd".split()
    )
    VALUES = st.one_of(
        st.binary(max_size=80),
        st.sampled_from([b"news", b"1", b"{}", b"5", TOKEN.hex().encode(), b"\x01a\x01b", b"\0\2{}\0\2{}"]),
    )

    def survives(self, *data):
        """Send `data` on a new connection; another one works as before."""
        connection = self.connect()
        for each in data:
            connection.dataReceived(each)
        self.clock.advance(0)
        amp.parseString(connection.transport.value())
        self.assert_alive()
        self.assertEqual(self.flushLoggedErrors(), [])
        self.lose(connection)
        return connection

    @given(st.lists(st.binary(max_size=200), max_size=5))
    def test_random_bytes(self, data):
        """They are boxes by chance, or close their connection."""
        self.survives(*data)

    @given(st.lists(st.tuples(NAMES, st.dictionaries(KEYS, VALUES)), max_size=4))
    def test_random_boxes(self, commands):
        """Well-formed boxes with arbitrary arguments are answered, each with its tag."""
        boxes = [{**box, b"_command": name.encode()} for name, box in commands]
        self.survives(b"".join(box_bytes(box) for box in boxes))
