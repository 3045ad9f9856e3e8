"""What the listener accepts, what it answers, and how it ends: frame by frame."""

from struct import pack
from typing import ClassVar

from hypothesis import given
from hypothesis import strategies as st

from pushgate.inputs.apns_binary.graceful_close import BRIEF_LINGER, GRACE, LINGER
from pushgate.inputs.apns_binary.push_connection import RETRY
from pushgate.model.errors import Forbidden, Overloaded, ShuttingDown, UnknownApp
from pushgate.model.notification import Priority
from pushgate.model.principals import ANONYMOUS, Grant, Operation, Principals
from pushgate.net.parted_call import PARTS
from tests.apns_provider import enhanced, framed, simple
from tests.apns_rig import ListenerTestCase
from tests.samples import PAYLOAD, at_every_byte, token


def error(status, identifier):
    """An error response."""
    return pack(">BBI", 8, status, identifier)


def run(start, stop, payload=PAYLOAD):
    """Frames with the identifiers and tokens of these numbers."""
    return b"".join(framed(number, token(number), payload) for number in range(start, stop))


class FrameTests(ListenerTestCase):
    def test_all_three_commands(self):
        """Each becomes a notification of the app; nothing is said, because nothing is wrong."""
        said = self.send(
            simple(token(1), PAYLOAD),
            enhanced(2, token(2), PAYLOAD, 1_700_000_000),
            framed(3, token(3), PAYLOAD, 0, 5),
            framed(None, token(4), PAYLOAD),
        )
        self.assertEqual(said, b"")
        self.assertEqual(self.accepted(), [token(number) for number in (1, 2, 3, 4)])
        terms = [(each.terms.expiration, each.terms.priority) for each in self.gateway.submissions]
        self.assertEqual(
            set(terms), {(None, Priority.URGENT), (1_700_000_000, Priority.URGENT), (0, Priority.BULK)}
        )
        self.assertEqual(set(self.gateway.inputs), {"apns"})
        self.assertEqual({each.app for each in self.gateway.submissions}, {"news"})

    def test_half_a_frame_has_its_time(self):
        """A byte a second is no way to send it; silence between frames is free, and nothing before it is lost."""
        self.clock.advance(10_000)
        whole = run(1, 3)
        for at in range(len(whole) // 2 - 10, len(whole) // 2 + 49):
            self.send(whole[:at] if at == len(whole) // 2 - 10 else whole[at - 1 : at])
            self.clock.advance(1)
        self.assertFalse(self.connection.transport.half_closed)
        self.assertEqual(self.accepted(), [token(1)])
        self.clock.advance(12)
        self.assertTrue(self.connection.transport.half_closed)
        counts = self.context.metrics.counts["pushgate_connections_closed_total"]
        self.assertEqual(dict(counts), {("apns", "slow"): 1})

    def test_the_time_in_which_it_is_not_read_does_not_count(self):
        """Half a frame waits with those before it."""
        self.gateway.holding = True
        self.send(run(1, 2) + run(2, 3)[:20])
        self.clock.advance(300)
        self.gateway.release()
        self.clock.advance(59)
        self.assertEqual(self.send(run(2, 3)[20:]), b"")
        self.gateway.release()
        self.assertEqual(self.accepted(), [token(1), token(2)])

    def test_what_comes_at_once_is_one_batch(self):
        """As long as the terms are the same; the same payload is kept once."""
        self.send(run(0, 100))
        [submission] = self.gateway.submissions
        self.assertEqual(len(submission.tokens), 100)
        self.assertEqual(submission.payload, PAYLOAD)
        self.send(b"".join(framed(n, token(n), b'{"n":%d}' % n) for n in range(3)))
        self.assertEqual(list(self.gateway.submissions[-1].payload), [b'{"n":0}', b'{"n":1}', b'{"n":2}'])

    def test_single_frames_of_several_clients_are_one_batch(self):
        """Those of one turn are gathered."""
        others = [self.connect() for _ in range(3)]
        for number, connection in enumerate([self.connection, *others]):
            connection.dataReceived(framed(1, token(number), PAYLOAD))
        self.clock.pump([0])
        [submission] = self.gateway.submissions
        self.assertEqual(len(submission.tokens), 4)

    def test_changing_terms_keep_their_order(self):
        """A batch ends where the terms change."""
        self.send(
            b"".join(framed(n, token(n), PAYLOAD, None, 5 if n in (3, 4, 8, 9) else 10) for n in range(12))
        )
        self.assertEqual(self.accepted(), [token(n) for n in range(12)])
        self.assertEqual(len(self.gateway.submissions), 5)

    def test_however_it_is_cut(self):
        """Frames straddle reads; half a frame at the end is none."""
        data = (
            simple(token(1), PAYLOAD)
            + enhanced(2, token(2), PAYLOAD)
            + framed(3, token(3), PAYLOAD)
            + b"\2\0"
        )
        for pieces in at_every_byte(data):
            del self.gateway.submissions[:]
            self.assertEqual(self.send(*pieces, connection=self.connect()), b"")
            self.assertEqual(self.accepted(), [token(1), token(2), token(3)])

    def test_another_priority_is_urgent(self):
        """Only 5 means that it may wait; old programs sent what they liked."""
        self.send(framed(1, token(1), PAYLOAD, None, 0))
        self.assertEqual(self.gateway.submissions[0].terms.priority, Priority.URGENT)


FAULTS = (
    (framed(7, b"", PAYLOAD), 2),
    (framed(7, token(7), b""), 4),
    (framed(7, token(7), b"{}" + b" " * 2047), 7),
    (framed(7, token(7), b"no JSON"), 4),
    (framed(7, token(7), b"[]"), 4),
    (framed(7, token(7), b'{"a":"\xff"}'), 4),
    (enhanced(7, b"", PAYLOAD), 2),
    (enhanced(7, b"x" * 101, PAYLOAD), 5),
    (framed(7, b"x" * 101, PAYLOAD), 5),
    (framed(7, b"x" * 1000, PAYLOAD), 5),
    (enhanced(7, token(7), b'{"a":"%b"}' % (b"x" * 50_000)), 7),
    (framed(7, token(7), b'{"a":"%b"}' % (b"x" * 60_000)), 7),
)


class FaultTests(ListenerTestCase):
    def test_a_fault_is_answered_with_its_identifier(self):
        """What is before it is accepted, what is after it is not."""
        for frame, status in FAULTS:
            connection = self.connect()
            del self.gateway.submissions[:]
            said = self.send(run(0, 5) + frame + run(8, 12), run(12, 14), connection=connection)
            self.assertEqual(said, error(status, 7))
            self.assertEqual(self.accepted(), [token(number) for number in range(5)])
            self.assertTrue(connection.transport.half_closed)

    def test_a_fault_at_the_very_first(self):
        """Nothing is before it."""
        self.assertEqual(self.send(FAULTS[0][0] + run(1, 3)), error(2, 7))
        self.assertEqual(self.accepted(), [])

    def test_a_simple_fault_has_no_answer(self):
        """The connection is closed, and soon: that is all the client will see."""
        self.assertEqual(
            self.send(simple(token(1), PAYLOAD) + simple(b"", PAYLOAD) + simple(token(2), PAYLOAD)), b""
        )
        self.assertEqual(self.accepted(), [token(1)])
        self.assertTrue(self.connection.transport.half_closed)
        self.clock.pump([BRIEF_LINGER / PARTS] * PARTS)
        self.assertTrue(self.connection.transport.aborted)

    def test_garbage(self):
        """A byte that is no command closes the connection without an answer; a frame that makes no sense has one."""
        self.assertEqual(self.send(b"GET / HTTP/1.1\r\n\r\n"), b"")
        self.assertTrue(self.connection.transport.half_closed)
        self.assertEqual(self.send(b"\2\xff\xff\xff\xff", connection=self.connect()), error(128, 0))
        self.assertEqual(self.send(b"\2\0\0\0\4\1\0\xff\0", connection=self.connect()), error(128, 0))

    def test_the_answer_waits_until_all_before_it_are_safe(self):
        """An error says that what is before it was accepted, so that must be true."""
        self.gateway.holding = True
        self.assertEqual(self.send(run(0, 5) + FAULTS[0][0]), b"")
        self.gateway.release()
        self.assertEqual(self.said(), error(2, 7))

    def test_faults_are_counted(self):
        """As refusals of that app."""
        self.send(FAULTS[0][0])
        self.send(FAULTS[2][0], connection=self.connect())
        counts = self.context.metrics.counts["pushgate_refused_total"]
        self.assertEqual(counts, {("news", "apns", "INVALID"): 1, ("news", "apns", "TOO_LARGE"): 1})

    def test_an_app_that_is_gone(self):
        """Its certificate stands for no topic any more: before the frames are looked at, or when they are submitted."""
        self.gateway.apps = ()
        self.assertEqual(self.send(run(7, 9)), error(3, 7))
        self.gateway.apps = ("news",)
        for refusal in (UnknownApp("news"), Forbidden("no")):
            self.gateway.error = refusal
            self.assertEqual(self.send(run(7, 9), connection=self.connect()), error(3, 7))

    def test_a_bug_is_a_processing_error(self):
        """It is logged once; the client may try again."""
        self.gateway.error = ZeroDivisionError("x")
        self.assertEqual(self.send(run(7, 9)), error(1, 7))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_a_bug_of_the_input_ends_the_connection(self):
        """And nothing else."""
        self.gateway.max_payload = None
        self.send(run(7, 9))
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)
        self.assertTrue(self.connection.transport.half_closed)


class ClosingTests(ListenerTestCase):
    def test_the_client_has_time_to_take_the_last_word(self):
        """Then the connection is dropped."""
        self.send(FAULTS[0][0])
        self.clock.pump([LINGER / PARTS] * (PARTS - 1) + [LINGER / PARTS - 0.1])
        self.assertFalse(self.connection.transport.aborted)
        self.clock.advance(0.1)
        self.assertTrue(self.connection.transport.aborted)

    def test_a_process_that_stood_still(self):
        """What has arrived meanwhile is no client that writes on and on, and its time to take the word is not over."""
        self.send(FAULTS[0][0])
        self.clock.advance(10 * LINGER)
        self.send(run(8, 10))
        self.assertFalse(self.connection.transport.aborted)
        self.clock.pump([LINGER / PARTS] * PARTS)
        self.assertTrue(self.connection.transport.aborted)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_one_who_writes_on_and_on_is_dropped_sooner(self):
        """It reads only when a write fails, and keeps only so much to send again."""
        self.send(FAULTS[0][0], run(8, 10))
        self.clock.pump([GRACE / PARTS] * (PARTS - 1))
        self.send(run(10, 12))
        self.assertFalse(self.connection.transport.aborted)
        self.clock.advance(GRACE / PARTS)
        self.send(run(12, 14))
        self.assertTrue(self.connection.transport.aborted)
        self.lose(self.connection)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_frames_count_though_their_client_has_gone(self):
        """Many send and close at once; what was received is accepted, and the connection counts until it is."""
        self.gateway.holding = True
        self.connection.dataReceived(run(0, 3))
        self.connection.dataReceived(run(3, 5))
        self.lose(self.connection)
        self.assertEqual(len(self.server.connections), 1)
        self.gateway.holding = False
        self.gateway.release()
        self.clock.pump([0])
        self.assertEqual(self.accepted(), [token(number) for number in range(5)])
        self.assertEqual(self.server.connections, set())
        self.assertEqual(self.clock.getDelayedCalls(), [])


class PressureTests(ListenerTestCase):
    options: ClassVar = {"app": "news", "buffer": 4096}

    def test_a_client_is_not_read_while_it_is_far_ahead(self):
        """Of what is not accepted yet, only so much is taken in."""
        self.gateway.holding = True
        transport = self.connection.transport
        self.send(run(0, 1))
        self.assertEqual(transport.producerState, "producing")
        self.send(run(1, 60))
        self.assertEqual(transport.producerState, "paused")
        self.gateway.holding = False
        self.gateway.release()
        self.clock.pump([0])
        self.assertEqual(transport.producerState, "producing")
        self.assertEqual(self.accepted(), [token(number) for number in range(60)])

    def test_a_nearly_full_queue_pauses_the_client(self):
        """Before anything is refused; reading goes on when there is room, or the client has gone."""
        transport = self.connection.transport
        self.gateway.full = {"news"}
        self.send(run(0, 5))
        self.assertEqual(len(self.accepted()), 5)
        self.assertEqual(transport.producerState, "paused")
        self.gateway.relieve("news")
        self.clock.advance(0)
        self.assertEqual(transport.producerState, "producing")
        self.gateway.full = {"news"}
        self.send(run(5, 6))
        self.lose(self.connection)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_full_queue_slows_the_client_down(self):
        """Nothing is refused; what there is no room for is submitted again until there is."""
        self.gateway.error = Overloaded("queue of news", 1, 1)
        self.assertEqual(self.send(run(0, 50)), b"")
        self.send(run(50, 110))
        self.assertEqual(self.connection.transport.producerState, "paused")
        self.clock.advance(RETRY)
        self.assertEqual(self.accepted(), [])
        self.gateway.error = None
        self.clock.pump([RETRY, 0, 0])
        self.assertEqual(self.accepted(), [token(number) for number in range(110)])
        self.assertEqual(self.connection.transport.producerState, "producing")

    def test_only_what_found_no_room_is_submitted_again(self):
        """The runs before it are accepted once."""
        submit, calls = self.gateway.submit, []

        def full_at_the_second(submission, name):
            calls.append(submission)
            self.gateway.error = Overloaded("queue of news", 1, 1) if len(calls) == 2 else None
            return submit(submission, name)

        self.gateway.submit = full_at_the_second
        self.send(b"".join(framed(n, token(n), PAYLOAD, n // 2) for n in range(6)))
        self.assertEqual(self.accepted(), [token(number) for number in (0, 1, 4, 5)])
        self.clock.pump([RETRY, 0])
        self.assertEqual(self.accepted(), [token(number) for number in (0, 1, 4, 5, 2, 3)])


class DrainTests(ListenerTestCase):
    def test_a_shutdown_names_the_last_one_accepted(self):
        """The client sends again what is after it, elsewhere; and no other client is accepted."""
        self.send(run(1, 5))
        self.gateway.error = ShuttingDown()
        self.assertEqual(self.send(run(5, 8)), error(10, 4))
        self.assertEqual(self.left, 1)
        self.assertIsNone(self.server.buildProtocol(None))

    def test_one_who_comes_during_a_stop(self):
        """Gets the shutdown response at once, and no client is accepted after it."""
        self.gateway.error = ShuttingDown()
        late = self.connect()
        self.assertEqual(self.said(late), error(10, 0))
        self.assertEqual(self.left, 1)

    def test_everybody_is_told_as_soon_as_one_finds_out(self):
        """Each how far it came; 0 means that nothing was accepted."""
        others = [self.connect() for _ in range(2)]
        self.send(run(5, 8), connection=others[0])
        self.gateway.error = ShuttingDown()
        self.assertEqual(self.send(run(1, 2)), error(10, 0))
        self.assertEqual([self.said(other) for other in others], [error(10, 7), error(10, 0)])
        self.assertEqual(self.left, 1)

    def test_what_is_under_way_is_awaited(self):
        """Whether it is accepted decides what is said."""
        self.gateway.holding = True
        self.send(run(1, 5))
        self.connection.close("stop")
        self.assertEqual(self.said(), b"")
        self.gateway.release()
        self.assertEqual(self.said(), error(10, 4))

    def test_a_shutdown_behind_runs_that_were_accepted(self):
        """Only what is accepted without a gap counts."""
        submit, calls = self.gateway.submit, []

        def stops_at_the_second(submission, name):
            calls.append(submission)
            self.gateway.error = ShuttingDown() if len(calls) > 1 else None
            return submit(submission, name)

        self.gateway.submit = stops_at_the_second
        said = self.send(b"".join(framed(n, token(n), PAYLOAD, n // 2) for n in range(2, 8)))
        self.assertEqual(said, error(10, 3))

    def test_a_stop_while_there_is_no_room(self):
        """Waiting for room ends; the client hears how far it came."""
        self.send(run(1, 3))
        self.gateway.error = Overloaded("queue of news", 1, 1)
        self.send(run(3, 5))
        self.connection.close("stop")
        self.clock.advance(RETRY)
        self.assertEqual(self.said(), error(10, 2))

    def test_a_simple_client_is_just_closed(self):
        """Its notifications have no identifiers to name."""
        self.send(simple(token(1), PAYLOAD))
        self.connection.close("stop")
        self.assertEqual(self.said(), b"")
        self.assertTrue(self.connection.transport.half_closed)

    def test_one_that_is_closing_is_let_be(self):
        """It has had its final response."""
        self.assertEqual(self.send(FAULTS[0][0]), error(2, 7))
        self.connection.close("stop")
        self.assertEqual(self.said(), b"")

    def test_frames_of_a_client_that_has_gone_are_told_to_the_log(self):
        """The log alone has it that they were not accepted."""
        self.gateway.error = Overloaded("queue of news", 1, 1)
        self.send(run(0, 5))
        self.lose(self.connection)
        self.gateway.error = ShuttingDown()
        self.clock.advance(RETRY)
        self.assertTrue(any("5 of its frames" in line for line in self.logged()))
        self.assertEqual(self.server.connections, set())


class QuotaTests(ListenerTestCase):
    def setUp(self):
        self.grants = {ANONYMOUS: Grant(operations=frozenset({Operation.PUSH}), rate=10, max_batch=1)}
        self.principals = Principals(self.grants)
        super().setUp()

    def test_a_quota_slows_the_client_down(self):
        """Each frame is a submission of its own; none is refused."""
        self.assertEqual(self.send(run(0, 25)), b"")
        self.assertEqual(self.accepted(), [])
        self.clock.pump([RETRY, RETRY, RETRY, 0])
        self.assertEqual(len(self.accepted()), 25)

    def test_a_right_that_is_taken_away(self):
        """Ends the connection at its next frames."""
        self.send(run(0, 5))
        self.principals.replace({ANONYMOUS: Grant(operations=frozenset({Operation.READ}))})
        self.assertEqual(self.send(run(7, 9)), error(3, 7))

    def test_who_may_not_push_is_not_let_in(self):
        """The log says why; the client sees a close."""
        self.principals.replace({"somebody": Grant()})
        connection = self.connect()
        self.assertTrue(connection.transport.half_closed)
        self.assertEqual(self.send(run(0, 5), connection=connection), b"")
        self.assertEqual(self.accepted(), [])
        self.assertTrue(any("is not let in" in line for line in self.logged()))


class FuzzTests(ListenerTestCase):
    FRAMES = st.sampled_from(
        [run(1, 2), simple(token(1), PAYLOAD), enhanced(1, token(2), PAYLOAD), *(f for f, _ in FAULTS)]
    )

    @given(st.lists(FRAMES | st.binary(max_size=100), max_size=8), st.integers(1, 50))
    def test_anything(self, pieces, cut):
        """Nothing is raised; at most one error response is said, and only good frames before it are accepted."""
        connection, data = self.connect(), b"".join(pieces)
        for at in range(0, len(data), cut):
            connection.dataReceived(data[at : at + cut])
        self.clock.pump([0, 0])
        self.assertIn(len(self.said(connection)), (0, 6))
        self.assertEqual(self.flushLoggedErrors(), [])
        self.lose(connection)
