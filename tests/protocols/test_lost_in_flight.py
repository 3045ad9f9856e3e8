"""What becomes of what was in flight when a connection ended without a word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pushgate.model.notification import Delivery
from pushgate.model.outcome import State, Verdict
from pushgate.protocols.lost_in_flight import TOLERATED_CLOSES, lost
from tests.samples import span


def at_most_once(count=1):
    """A span that may be sent once only."""
    one = span(count)
    return replace(one, batch=replace(one.batch, delivery=Delivery.AT_MOST_ONCE))


@pytest.mark.parametrize("vanished", [False, True])
@pytest.mark.parametrize("status", [None, 8])
def test_at_most_once_is_unknown(status, vanished):
    """It may have arrived: it is not sent again, whatever the end was."""
    one = at_most_once(3)
    assert lost(one, 10, "ConnectionLost", status, vanished) == Verdict(
        one, State.UNKNOWN, status, "ConnectionLost"
    )


def test_at_least_once_is_sent_again():
    """A first silent close is counted, and suspects nothing."""
    assert lost(span(3), 10, "ConnectionLost") == replace(span(3), closes=1)


def test_a_peer_that_vanished_proves_nothing():
    """The notification had no part in it, even when it was alone."""
    cornered = replace(span(), closes=5, alone=1)
    assert lost(cornered, 1, "ConnectionLost", vanished=True) is cornered


def test_a_suspect_is_cornered():
    """After two silent closes it travels with half as many each time, and is given up when it closes one alone."""
    one, in_flight, halves = span(), 1000, []
    while not isinstance(fate := lost(one, in_flight, "ConnectionLost"), Verdict):
        one = fate
        in_flight = one.alone or in_flight
        halves.append(one.alone)
    assert halves == [0, 500, 250, 125, 62, 31, 15, 7, 3, 1]
    assert fate == Verdict(one, State.FAILED, None, "ClosesConnection")
    assert one.closes == len(halves) == TOLERATED_CLOSES + 8


def test_a_suspect_that_was_refused_has_the_service_s_reason():
    """An error response that named none of them says more than we could."""
    cornered = replace(span(), closes=3, alone=1)
    assert lost(cornered, 1, "Shutdown", 10) == Verdict(cornered, State.FAILED, 10, "Shutdown")


def test_a_suspect_beside_others_is_not_given_up():
    """Others in flight may have been the cause; nor is one that was alone by chance."""
    cornered = replace(span(), closes=3, alone=1)
    assert lost(cornered, 2, "ConnectionLost") == replace(cornered, closes=4, alone=1)
    assert lost(span(), 1, "ConnectionLost") == replace(span(), closes=1)


@given(st.integers(1, 5000), st.integers(0, 40), st.integers(0, 5000), st.booleans(), st.none() | st.just(10))
def test_it_ends(in_flight, closes, alone, vanished, status):
    """Whatever was before: a verdict, or the same members again, with fewer beside them than before."""
    one = replace(span(5), closes=closes, alone=alone)
    fate = lost(one, in_flight, "ConnectionLost", status, vanished)
    if isinstance(fate, Verdict):
        assert (fate.span, fate.state) == (one, State.FAILED)
        assert in_flight == 1
    else:
        assert replace(fate, closes=closes, alone=alone) == one
        assert vanished or fate.alone == 0 or fate.alone <= max(1, in_flight // 2)
