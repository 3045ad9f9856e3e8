"""The last look at a span before it is written."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.gateway.dead_tokens.index import DeadTokenIndex
from pushgate.gateway.queue.send_filter import SendFilter, expired, suppress, unreachable
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.model.outcome import State
from tests.samples import CHANNEL, broadcast, span, token


@pytest.mark.parametrize(
    ("expiration", "wall", "past"),
    [
        (None, 4e9, False),
        (0, 4e9, False),
        (1000, 999.999, False),
        (1000, 1000.0, True),
        (1000, 2000.0, True),
    ],
)
def test_expiration_is_a_moment(expiration, wall, past):
    """From its expiration on a notification is worthless; 0 means one try, and none given means no end."""
    assert SendFilter(1800.0, DeadTokenIndex()).has_expired(span(expiration=expiration), wall) is past


@pytest.mark.parametrize(
    ("waiting_since", "down_since", "now", "waited"),
    [
        (0.0, None, 9999.0, False),
        (0.0, 100.0, 1899.9, False),
        (0.0, 100.0, 1900.0, True),
        (500.0, 100.0, 1900.0, False),
        (500.0, 100.0, 2300.0, True),
    ],
)
def test_only_the_wait_for_an_unreachable_service_counts(waiting_since, down_since, now, waited):
    """Half an hour counts from when both it waited and the service was down; a long queue expires nothing."""
    sieve = SendFilter(1800.0, DeadTokenIndex())
    sieve.down_since = down_since
    assert sieve.has_waited(span(waiting_since=waiting_since), now) is waited


def test_the_two_ways_to_expire_are_told_apart():
    """Both end as expired; the reason says whether the caller or the gateway set the time."""
    one = span(3)
    assert (expired(one).state, expired(one).reason) == (State.EXPIRED, "ExpirationPassed")
    assert (unreachable(one).state, unreachable(one).reason) == (State.EXPIRED, "PushServiceUnreachable")
    assert expired(one).span is unreachable(one).span is one


def dead_tokens(numbers, since=1000):
    """A register with these tokens."""
    dead = DeadTokenIndex()
    for number in numbers:
        dead.add(DeadTokenEntry(token(number), since, DeadReason.FEEDBACK))
    return dead


def test_a_clean_span_goes_as_it_is():
    """Nobody in it is dead: it stays whole, and is not even copied."""
    one = span(5)
    assert suppress(one, dead_tokens([])) == ([one], [])
    assert suppress(one, dead_tokens([7]))[0][0] is one


@pytest.mark.parametrize(
    ("numbers", "runs"),
    [
        ([0], [(1, 5)]),
        ([4], [(0, 4)]),
        ([2], [(0, 2), (3, 5)]),
        ([1, 2], [(0, 1), (3, 5)]),
        ([0, 1, 2, 3, 4], []),
    ],
)
def test_the_living_go_in_runs(numbers, runs):
    """What is left around the dead, at either end or between them, goes on in as few runs as there can be."""
    live, verdicts = suppress(span(5), dead_tokens(numbers))
    assert [(each.start, each.stop) for each in live] == runs
    assert [verdict.span.start for verdict in verdicts] == numbers


@given(st.integers(1, 20), st.sets(st.integers(0, 25)), st.data())
def test_exactly_the_dead_are_left_out(count, numbers, data):
    """Runs and verdicts together are the span, in order; the verdicts are those of the dead tokens."""
    start = data.draw(st.integers(0, count - 1))
    one = span(count).part(start, data.draw(st.integers(start + 1, count)))
    live, verdicts = suppress(one, dead_tokens(numbers))
    suppressed = [verdict.span for verdict in verdicts]
    assert [each.start for each in suppressed] == [i for i in range(one.start, one.stop) if i in numbers]
    assert {(each.state, each.reason) for each in verdicts} <= {(State.SUPPRESSED, "DeadToken")}
    pieces = sorted([*live, *suppressed], key=lambda each: each.start)
    assert [index for each in pieces for index in range(each.start, each.stop)] == list(
        range(one.start, one.stop)
    )
    assert all(before.stop < after.start for before, after in pairwise(live))


def test_who_registered_since_is_sent_to():
    """The caller knows of a registration after the death, for the whole batch."""
    registered = span(3, registered_at=1000)
    assert suppress(registered, dead_tokens([1], since=1000)) == ([registered], [])
    live, verdicts = suppress(span(3, registered_at=999), dead_tokens([1], since=1000))
    assert (len(live), len(verdicts)) == (2, 1)


def test_a_broadcast_has_no_token_that_could_be_dead():
    """Even if a token of the same bytes is; and it is given up where the app's upstream has no channels any more."""
    dead = DeadTokenIndex()
    dead.add(DeadTokenEntry(CHANNEL.encode(), 1000, DeadReason.FEEDBACK))
    sent = broadcast(2)
    assert SendFilter(1800.0, dead, channels=True).screen(sent, 0.0, 0.0) == ([sent], [])
    live, [verdict] = SendFilter(1800.0, dead).screen(sent, 0.0, 0.0)
    assert (live, verdict.span, verdict.state) == ([], sent, State.FAILED)
    assert verdict.reason == "ChannelsNotSupported"
