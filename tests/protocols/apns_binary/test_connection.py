"""The settle rules of the binary stream. I1 to I11 and the numbered corner cases are those of docs/delivery.md."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.history import Event, Step
from pushgate.model.notification import Delivery
from pushgate.model.outcome import State, Verdict
from pushgate.protocols.apns_binary import outcome_rules
from pushgate.protocols.apns_binary.connection import BEAT, CALM, FIRST_RUN, RECALL, Stream
from pushgate.protocols.apns_binary.connection_end import End, Ending
from pushgate.protocols.apns_binary.error_response import ErrorResponse, encode
from pushgate.protocols.apns_binary.frames import Frame, FrameDecoder
from pushgate.protocols.apns_binary.window import IDENTIFIERS
from tests.samples import at_every_byte, span

G = 5.0
"""The response timeout of these tests, in seconds."""


def stream(capacity: int = 1000, first_place: int = 0) -> Stream:
    """A stream that has been ready for long, so that no beat is waited for."""
    return Stream(capacity, G, ready_at=-100.0, first_place=first_place)


def written(*spans: BatchSlice, now: float = 0.0, **arguments: int) -> Stream:
    """A stream on which spans were written."""
    made = stream(**arguments)
    made.write(spans, now)
    return made


def frames(data: list[bytes]) -> list[Frame]:
    """Frames as the service reads them."""
    decoded = FrameDecoder().feed(b"".join(data))
    assert all(isinstance(frame, Frame) for frame in decoded)
    return decoded  # type: ignore[return-value]  # just checked


def error(status: int, identifier: int) -> bytes:
    """An error response on the wire."""
    return encode(ErrorResponse(status, identifier))


def outcomes(verdicts: tuple[Verdict, ...] | list[Verdict]) -> dict[int, tuple[State, int | None]]:
    """State and status of each member that has a verdict."""
    return {
        index: (verdict.state, verdict.status)
        for verdict in verdicts
        for index in range(verdict.span.start, verdict.span.stop)
    }


def again(ending: Ending | None) -> list[int]:
    """The members to be sent again, in order."""
    assert ending is not None
    return [index for each in ending.requeue for index in range(each.start, each.stop)]


def states(ending: Ending | None) -> dict[int, State]:
    """The state of each member that the ending settles."""
    assert ending is not None
    return {index: state for index, (state, _) in outcomes(ending.verdicts).items()}


ACCEPTED, REJECTED, UNKNOWN = State.ACCEPTED, State.REJECTED, State.UNKNOWN


class TestWriting:
    """What goes on the wire."""

    def test_frames_carry_identifiers_in_order_from_one(self) -> None:
        """Write order is queue order is identifier order, from 1 (I5, I11)."""
        made = stream()
        data = made.write([span(3)], 0.0) + made.write([span(2, order=1)], 0.0)
        assert [frame.identifier for frame in frames(data)] == [1, 2, 3, 4, 5]

    def test_identifiers_wrap_without_zero(self) -> None:
        """At 2^32 the identifiers go on with 1, and errors still find their notification (corner 1)."""
        made = written(span(6), first_place=IDENTIFIERS - 3)
        ending = made.received(error(8, 2))
        assert again(ending) == [5]
        assert states(ending) == {0: ACCEPTED, 1: ACCEPTED, 2: ACCEPTED, 3: ACCEPTED, 4: REJECTED}

    def test_expiration_is_absolute(self) -> None:
        """A re-send carries the same expiration (I10)."""
        each = span(1, expiration=1_700_000_000)
        first = frames(written().write([each], 0.0))
        ending = written(each).received(error(1, 1))
        assert ending is not None
        second = frames(stream().write(ending.requeue, 9.0))
        assert [frame.expiration for frame in first + second] == [1_700_000_000] * 2

    def test_an_mdm_push_has_an_expiration(self) -> None:
        """Without one a device that sleeps may miss it; it is a week, and a re-send has the same."""
        each = span(1, push_type="mdm")
        first, again = (frames(stream().write([each], now)) for now in (0.0, 9.0))
        assert [frame.expiration for frame in first + again] == [int(each.batch.accepted_at) + 7 * 86400] * 2
        [given] = frames(stream().write([span(1, push_type="mdm", expiration=0)], 0.0))
        assert given.expiration == 0

    def test_room_shrinks_to_nothing_and_comes_back(self) -> None:
        """A full window pauses its feeder; it never evicts; room comes back when silence settles (corner 12, I6)."""
        made = written(span(10), capacity=10)
        assert made.room(0.0) == 0
        assert len(made.quiet(G)) == 1
        assert made.room(G) == 10

    def test_a_fresh_connection_writes_little_until_a_beat_has_passed(self) -> None:
        """A peer can destroy its own error by closing on unread data just after the handshake."""
        fresh = Stream(1000, G, ready_at=10.0)
        assert fresh.room(10.0) == FIRST_RUN
        fresh.write([span(FIRST_RUN - 4)], 10.0)
        assert fresh.room(10.0 + BEAT / 2) == 4
        assert fresh.room(10.0 + BEAT) == 1000 - FIRST_RUN + 4

    def test_counts_attempts(self) -> None:
        """Each time it is written counts as an attempt."""
        ending = written(span(2)).received(error(8, 1))
        assert ending is not None
        assert [each.attempts for each in ending.requeue] == [1]


class TestErrors:
    """An error response names a notification in flight."""

    @pytest.mark.parametrize("bad", [1, 4, 8])
    @pytest.mark.parametrize("status", [2, 4, 5, 7, 8, 128, 3, 6])
    def test_before_is_accepted_it_is_rejected_after_goes_again(self, status: int, bad: int) -> None:
        """Exactly the suffix is sent again, in order, once; first, middle or last (I1, I2, I3, I4)."""
        made = written(span(8))
        ending = made.received(error(status, bad))
        assert ending is not None
        assert (ending.end, ending.status) == (End.ANSWERED, status)
        expected = dict.fromkeys(range(bad - 1), (ACCEPTED, None))
        assert outcomes(ending.verdicts) == {**expected, bad - 1: (REJECTED, status)}
        assert again(ending) == list(range(bad, 8))
        assert ending.before == bad - 1

    def test_the_reason_is_named(self) -> None:
        """A rejection carries the status by name."""
        ending = written(span(1)).received(error(8, 1))
        assert ending is not None
        assert ending.verdicts[0].reason == "InvalidToken"

    @pytest.mark.parametrize("status", [0, 1, 255, 77])
    def test_temporary_ones_go_again_first_and_at_most_twice(self, status: int) -> None:
        """For 0, 1, 255 and undefined codes the named one is sent again, before its suffix, at most R times (I3)."""
        spans: tuple[BatchSlice, ...] = (span(3),)
        for _ in range(outcome_rules.RETRIES):
            ending = written(*spans).received(error(status, 1))
            assert again(ending) == [0, 1, 2]
            assert ending is not None
            assert ending.verdicts == ()
            spans = ending.requeue
        ending = written(*spans).received(error(status, 1))
        assert again(ending) == [1, 2]
        assert ending is not None
        assert outcomes(ending.verdicts) == {0: (State.FAILED, status)}

    def test_split_at_every_byte_with_noise_behind(self) -> None:
        """The six bytes may come in any pieces; what follows is ignored (corner 10)."""
        for pieces in at_every_byte(error(8, 2) + b"\x08noise"):
            made = written(span(3))
            endings = [ending for piece in pieces if (ending := made.received(piece))]
            assert [again(ending) for ending in endings] == [[2]]

    def test_one_end_only(self) -> None:
        """Of error and close only the first counts; a second error is ignored."""
        made = written(span(3))
        assert made.received(error(8, 2)) is not None
        assert made.received(error(8, 1)) is None
        assert made.lost() is None
        assert made.room(0.0) == 0

    def test_while_the_suffix_is_still_in_the_transport(self) -> None:
        """What the transport has not drained is part of the suffix (corners 8 and 9)."""
        made = written(span(3))
        made.write([span(4, order=1)], None)
        ending = made.received(error(8, 2))
        assert ending is not None
        assert [len(each) for each in ending.requeue] == [1, 4]

    def test_connections_are_independent(self) -> None:
        """Errors on two connections at once do not touch each other's windows (corner 7)."""
        one, two = written(span(3)), written(span(3, order=1))
        first, second = one.received(error(8, 1)), two.received(error(8, 3))
        assert again(first) == [1, 2]
        assert states(second) == {0: ACCEPTED, 1: ACCEPTED, 2: REJECTED}


class TestShutdown:
    """Status 10 names the last notification that was accepted."""

    @pytest.mark.parametrize("last", [1, 3, 5])
    def test_up_to_and_including_is_accepted(self, last: int) -> None:
        """The named one is accepted, nothing is rejected (corner 6, trap 2)."""
        ending = written(span(5)).received(error(10, last))
        assert ending is not None
        assert ending.end is End.SHUTDOWN
        assert states(ending) == dict.fromkeys(range(last), ACCEPTED)
        assert again(ending) == list(range(last, 5))

    def test_zero_means_nothing_was_accepted(self) -> None:
        """With identifiers from 1, status 10 for 0 accepts none."""
        ending = written(span(3)).received(error(10, 0))
        assert ending is not None
        assert (ending.end, ending.verdicts) == (End.SHUTDOWN, ())
        assert again(ending) == [0, 1, 2]

    def test_naming_one_not_in_the_window(self) -> None:
        """The outcome of all in flight is unknown then."""
        ending = written(span(3)).received(error(10, 99))
        assert ending is not None
        assert ending.end is End.UNTOLD
        assert again(ending) == [0, 1, 2]

    def test_naming_a_presumed_one_recalls_what_came_after(self) -> None:
        """What was presumed after the last accepted one was presumed wrongly."""
        made = written(span(4))
        made.quiet(G)
        made.write([span(2, order=1)], G)
        ending = made.received(error(10, 3))
        assert ending is not None
        assert (ending.end, ending.late, ending.verdicts) == (End.SHUTDOWN, 1, ())
        assert again(ending) == [3, 0, 1]
        assert [each.recalled for each in ending.requeue] == [True, False]


class TestLate:
    """An error comes after its notification was presumed."""

    def late(self, status: int = 8) -> Ending:
        made = written(span(5))
        made.quiet(G)
        made.write([span(2, order=1)], G)
        ending = made.received(error(status, 2))
        assert ending is not None
        return ending

    def test_corrects_it_and_recalls_what_was_presumed_after(self) -> None:
        """It is rejected after all, what was presumed after it and all in flight goes again (corners 2, 21)."""
        ending = self.late()
        assert outcomes(ending.verdicts) == {1: (REJECTED, 8)}
        assert ending.verdicts[0].span.recalled
        assert again(ending) == [2, 3, 4, 0, 1]
        assert [each.recalled for each in ending.requeue] == [True, False]
        assert (ending.late, ending.before) == (4, 1)

    def test_a_temporary_one_is_sent_again_first(self) -> None:
        """A late temporary refusal is retried like any other."""
        ending = self.late(status=1)
        assert ending.verdicts == ()
        assert again(ending) == [1, 2, 3, 4, 0, 1]
        assert [each.recalled for each in ending.requeue] == [True, True, False]

    def test_is_forgotten_after_a_minute(self) -> None:
        """After the recall time an error about it no longer says anything about what is in flight."""
        made = written(span(5))
        made.quiet(G)
        made.quiet(G + RECALL)
        made.write([span(1, order=1)], G + RECALL)
        ending = made.received(error(8, 2))
        assert ending is not None
        assert ending.end is End.UNTOLD

    def test_silence_presumes_each_once(self) -> None:
        """What was quiet for the response timeout is presumed, once (I8)."""
        made = written(span(2), now=1.0)
        assert made.quiet(G + 0.9) == []
        assert outcomes(made.quiet(G + 1.0)) == {0: (State.PRESUMED, None), 1: (State.PRESUMED, None)}
        assert made.quiet(G + 2.0) == []

    def test_silence_says_nothing_of_what_did_not_arrive(self) -> None:
        """Bytes that the service's TCP has not acknowledged are not "written": no timeout runs for them."""
        made = stream()
        size = sum(map(len, made.write([span(2)], None)))
        made.write([span(1, order=1)], None)
        assert made.quiet(1000.0) == []
        made.acknowledged(size - 1, 1000.0)
        assert made.quiet(1000.0 + G) == []
        made.acknowledged(size, 2000.0)
        assert made.quiet(2000.0 + G / 2) == []
        assert [len(each.span) for each in made.quiet(2000.0 + G)] == [2]
        assert not made.is_acknowledged
        made.acknowledged(made.size, 3000.0)
        assert [len(each.span) for each in made.quiet(3000.0 + G)] == [1]

    def test_a_probe_is_a_part_of_the_stream(self) -> None:
        """Its bytes count for what comes before them too."""
        made = stream()
        size = sum(map(len, made.write([span(2)], None)))
        size += len(made.probe())
        assert made.size == size

    def test_a_peer_that_vanished_is_no_fault_of_a_notification(self) -> None:
        """However often: at least once sends the same again, and suspects nothing; at most once does not know."""
        sent = span(2)
        for _ in range(5):
            made = stream()
            made.write([sent], None)
            ending = made.lost(vanished=True)
            assert ending is not None
            [sent] = ending.requeue
            assert (sent.closes, sent.alone, ending.cornered) == (0, 0, False)
        made, whole = stream(), span(2)
        made.write([replace(whole, batch=replace(whole.batch, delivery=Delivery.AT_MOST_ONCE))], None)
        ending = made.lost(vanished=True)
        assert ending is not None
        assert [each.state for each in ending.verdicts] == [State.UNKNOWN]


ENDS: dict[str, Callable[[Stream], Ending | None]] = {
    "no word": lambda made: made.lost(),
    "error naming nothing known": lambda made: made.received(error(8, 999)),
    "error naming 0": lambda made: made.received(error(128, 0)),
    "wrong command byte": lambda made: made.received(b"\x09"),
    "half an error, then the end": lambda made: made.received(b"\x08\x08\x00") or made.lost(),
}


class TestUntold:
    """The connection ends, and the outcome of what was in flight is not known."""

    @pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
    def test_at_least_once_sends_all_again(self, end: Callable[[Stream], Ending]) -> None:
        """All goes again in order (corners 3, 5, 9, 11, traps 1, 4)."""
        ending = end(written(span(3), span(2, order=1)))
        assert ending.end is End.UNTOLD
        assert ending.verdicts == ()
        assert again(ending) == [0, 1, 2, 0, 1]

    @pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
    def test_at_most_once_reports_unknown(self, end: Callable[[Stream], Ending]) -> None:
        """Nothing goes again, and unknown never becomes success (I9)."""
        whole = span(3)
        once = replace(whole, batch=replace(whole.batch, delivery=Delivery.AT_MOST_ONCE))
        ending = end(written(once))
        assert states(ending) == dict.fromkeys(range(3), UNKNOWN)
        assert again(ending) == []

    def test_each_batch_follows_its_own_policy(self) -> None:
        """Policies may differ within one window."""
        whole = span(2)
        once = replace(whole, batch=replace(whole.batch, delivery=Delivery.AT_MOST_ONCE))
        ending = written(once, span(1, order=1)).lost()
        assert states(ending) == {0: UNKNOWN, 1: UNKNOWN}
        assert again(ending) == [0]

    def test_an_idle_close_is_no_alarm(self) -> None:
        """With nothing in flight a close is normal (corner 4)."""
        made = written(span(1))
        made.quiet(G)
        assert made.lost() == Ending(End.IDLE)

    def test_a_rejected_handshake_means_nothing_was_read(self) -> None:
        """Frames written before the service's TLS alert came were never looked at: no duplicates, no unknown."""
        whole = span(3)
        once = replace(whole, batch=replace(whole.batch, delivery=Delivery.AT_MOST_ONCE))
        ending = written(once).lost(unheard=True)
        assert ending is not None
        assert ending.verdicts == ()
        assert ending.requeue[0].closes == 0
        assert again(ending) == [0, 1, 2]

    def test_no_bytes_no_end(self) -> None:
        """An empty read is nothing."""
        assert written(span(1)).received(b"") is None


class TestPoison:
    """A notification that the service cannot parse closes connections silently (corner 16)."""

    def test_is_cornered_by_halving_and_given_up_alone(self) -> None:
        """It fails; all its neighbours go through; the number of closes is logarithmic."""
        queue, settled, closes = [span(64)], {}, 0
        poison = 37
        while queue:
            first, *queue = queue
            room = first.alone or 1000
            now, later = first.part(first.start, min(first.stop, first.start + room)), []
            if now.stop < first.stop:
                later = [first.part(now.stop, first.stop)]
            made = written(now)
            if now.start <= poison < now.stop:
                closes += 1
                ending = made.lost()
                assert ending is not None
                settled.update(states(ending))
                queue = [*ending.requeue, *later, *queue]
            else:
                settled.update({index: s for index, (s, _) in outcomes(made.quiet(G)).items()})
                queue = [*later, *queue]
        assert settled.pop(poison) is State.FAILED
        assert settled == dict.fromkeys((i for i in range(64) if i != poison), State.PRESUMED)
        assert closes <= 2 + 7

    def test_suspects_travel_alone(self) -> None:
        """While suspects are in flight nothing else is written on their connection."""
        made = stream()
        made.write([replace(span(2), closes=2, alone=2)], 0.0)
        assert made.room(0.0) == 0
        made.quiet(G)
        assert made.room(G) > 0

    def test_two_closes_are_tolerated(self) -> None:
        """The first close casts no suspicion, the second does."""
        first = written(span(8)).lost()
        assert first is not None
        assert [each.alone for each in first.requeue] == [0]
        second = written(*first.requeue).lost()
        assert second is not None
        assert [each.alone for each in second.requeue] == [4]


class TestSuspects:
    """A suspect is judged fairly."""

    def test_the_connection_must_have_stood_for_a_while(self) -> None:
        """Only what closes a connection that stood idle is the suspect's doing."""
        made = Stream(10, G, ready_at=0.0)
        assert not made.is_calm(CALM - 0.01)
        assert made.is_calm(CALM)
        made.write([span(1)], CALM)
        assert not made.is_calm(CALM)

    def test_an_experiment_says_so(self) -> None:
        """An end with a suspect in flight can be distinguished from others."""
        for alone in (0, 1):
            ending = written(replace(span(1), alone=alone)).lost()
            assert ending is not None
            assert ending.cornered is bool(alone)


class TestSentinel:
    """A frame known to be bad proves all before it."""

    @pytest.mark.parametrize("answer", [(8, 4), (2, 4), (2, 0), (128, 0)])
    def test_its_error_proves_everything(self, answer: tuple[int, int]) -> None:
        """Its own identifier, or 0 with status 2 or 128: the service reports a zero-length token as 0."""
        made = written(span(3))
        (frame,) = frames([made.probe()])
        assert (frame.token, frame.payload, frame.identifier) == (b"", b"", 4)
        assert made.room(0.0) == 0
        ending = made.received(error(*answer))
        assert ending is not None
        assert (ending.end, ending.before) == (End.PROVEN, 3)
        assert states(ending) == dict.fromkeys(range(3), ACCEPTED)

    def test_it_proves_what_was_presumed(self) -> None:
        """What was reported as presumed, and is still remembered, gets a correction: it was accepted."""
        made = written(span(3))
        made.quiet(G)
        made.write([span(5).part(3, 5)], G)
        assert made.provable == 5
        made.probe()
        assert (made.probed, made.provable) == (True, 0)
        ending = made.received(error(2, 0))
        assert ending is not None
        assert [(v.span.start, v.span.stop, v.state, v.span.recalled) for v in ending.verdicts] == [
            (0, 3, ACCEPTED, True),
            (3, 5, ACCEPTED, False),
        ]
        assert made.provable == 0

    def test_another_error_is_a_genuine_one(self) -> None:
        """An error about a real notification is dealt with as always; the sentinel is not sent again."""
        made = written(span(3))
        made.probe()
        ending = made.received(error(8, 2))
        assert states(ending) == {0: ACCEPTED, 1: REJECTED}
        assert again(ending) == [2]

    def test_without_a_sentinel_zero_proves_nothing(self) -> None:
        """Status 2 for 0 is unknown when no sentinel is out."""
        ending = written(span(3)).received(error(2, 0))
        assert ending is not None
        assert ending.end is End.UNTOLD


def test_finding() -> None:
    """A look-up of a notification in flight returns the span that it was written in, with its past."""
    made = stream()
    step = Step(Event.WRITTEN, 1.0, 7)
    made.write([span(3, order=1), span(2, order=2)], 0.0, step)
    found = made.find(2, 1)
    assert found is not None
    assert (found.batch.order, found.past) == (2, (step,))
    assert made.find(2, 2) is None
    assert made.find(3, 0) is None
    made.quiet(G)
    assert made.find(2, 1) is None


def test_who_was_refused_for_now() -> None:
    """Reasons to requeue are distinguished: what was refused itself, and what was discarded after it."""
    made = written(span(5))
    ending = made.received(error(1, 3))
    assert ending is not None
    assert again(ending) == [2, 3, 4]
    assert ending.refused == 1
    assert (e := written(span(5)).received(error(8, 3))) is not None
    assert (again(e), e.refused) == ([3, 4], 0)
