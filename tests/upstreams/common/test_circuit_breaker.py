"""The circuit of one app."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.upstreams.common.circuit_breaker import (
    BLOCK_AFTER,
    CAP,
    HOLD,
    HOLD_JITTER,
    LONG_CAP,
    OURS,
    TOLERATED,
    Cause,
    Circuit,
)

THEIRS = sorted(set(Cause) - OURS)
QUICK = [Cause.CLOSED_AT_ONCE, Cause.HANDSHAKE_FAILED]
HARMFUL = sorted({*OURS, Cause.SHUTDOWN})
HARMLESS = sorted(set(Cause) - {*HARMFUL, *QUICK, Cause.SUSPECTED_BLOCK})


def circuit(chance=1.0):
    """A circuit whose delays have all the chance there is, by default."""
    return Circuit(lambda: chance)


def test_all_is_well_at_first():
    """Nothing failed yet: closed, no cause, and an attempt may be made at once."""
    fresh = circuit()
    assert (fresh.is_open, fresh.cause, fresh.failures) == (False, None, 0)
    assert fresh.wait(0.0) == 0.0


@pytest.mark.parametrize("cause", sorted(OURS))
def test_our_own_faults_open_it_at_once(cause):
    """Trying again does not mend a certificate, so the first failure is reported to operators."""
    one = circuit()
    one.failed(cause, 100.0)
    assert one.is_open
    assert one.cause is cause


@pytest.mark.parametrize("cause", THEIRS)
def test_other_faults_are_tolerated_for_a_while(cause):
    """A connection may fail now and then; only the third failure in a row opens the circuit."""
    one = circuit()
    for _ in range(TOLERATED):
        one.failed(cause, 100.0)
        assert not one.is_open
    one.failed(cause, 100.0)
    assert one.is_open


@given(st.lists(st.sampled_from(Cause), min_size=1, max_size=8))
def test_only_proof_closes_it(causes):
    """Once open, it stays open whatever fails next; a proof of use closes it and forgets everything."""
    one = circuit()
    was_open = False
    for now, cause in enumerate(causes):
        one.failed(cause, float(now))
        assert one.is_open or not was_open
        was_open = one.is_open
        assert one.failures == now + 1
        assert one.cause in {cause, Cause.SUSPECTED_BLOCK}
    one.proven()
    assert (one.is_open, one.cause, one.failures, one.wait(0.0)) == (False, None, 0, 0.0)
    assert one.failed(Cause.NETWORK, 50.0) == 1.0


def test_delays_double_from_one_second():
    """Each failure in a row doubles the wait before the next attempt."""
    one, now, waits = circuit(), 0.0, []
    for _ in range(5):
        wait = one.failed(Cause.REFUSED, now)
        waits.append(wait)
        assert one.wait(now) == wait
        now += wait
        assert one.wait(now) == 0.0
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0]


@pytest.mark.parametrize(("causes", "cap"), [(HARMLESS, CAP), (HARMFUL, LONG_CAP)])
def test_the_cap_depends_on_the_cause(causes, cap):
    """An outage of the network is probed every minute; attempts that do harm become ever rarer."""
    for cause in causes:
        one, now = circuit(), 0.0
        for _ in range(40):
            now += one.failed(cause, now)
        assert one.failed(cause, now) == cap


@pytest.mark.parametrize("cause", QUICK)
@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_a_block_is_suspected(cause, chance):
    """Turned away five times, each after the wait: silence for an hour, chance only adds; and again after each attempt."""
    one, now = circuit(chance), 0.0
    for _ in range(BLOCK_AFTER - 1):
        now += one.failed(cause, now)
        assert one.cause is cause
    for _ in range(3):
        wait = one.failed(cause, now)
        assert one.cause is Cause.SUSPECTED_BLOCK
        assert wait == HOLD + chance * HOLD_JITTER
        assert one.wait(now + HOLD - 1) > 0
        now += wait
    one.proven()
    one.failed(cause, now)
    assert one.cause is cause


def test_connections_turned_away_together_count_once():
    """Four connections tried at the same moment are one attempt: no reason for an hour's silence."""
    one = circuit()
    for _ in range(4 * BLOCK_AFTER):
        one.failed(Cause.CLOSED_AT_ONCE, 0.0)
    assert one.cause is Cause.CLOSED_AT_ONCE


def test_another_failure_in_between_is_no_block():
    """A blocked provider is turned away each time; what fails in other ways has other reasons."""
    one, now = circuit(), 0.0
    for _ in range(3):
        for cause in [Cause.CLOSED_AT_ONCE] * (BLOCK_AFTER - 1) + [Cause.TIMED_OUT]:
            now += one.failed(cause, now)
            assert one.cause is cause


@pytest.mark.parametrize("cause", HARMFUL)
def test_harmful_attempts_end_in_an_hour_of_silence(cause):
    """A block is lifted after about an hour without an attempt, so even the unluckiest delay grows to one."""
    one, now = circuit(chance=0.0), 0.0
    for _ in range(40):
        now += one.failed(cause, now)
    assert one.failed(cause, now) >= 3600


@given(
    st.lists(st.tuples(st.sampled_from(Cause), st.floats(0, 10), st.floats(0, 1)), min_size=1, max_size=20)
)
def test_a_failure_never_brings_the_next_attempt_forward(failures):
    """Several connections may fail at about the same time: the longest wait among them holds."""
    chances = iter([chance for _, _, chance in failures])
    one, now = Circuit(lambda: next(chances)), 0.0
    for cause, later, _ in failures:
        now += later
        before = one.wait(now)
        assert one.failed(cause, now) == one.wait(now) >= before


def test_the_words_for_causes_are_fixed():
    """Operators search for them, and alerts are written with them: more may come, none may change."""
    assert {str(cause) for cause in Cause} >= {
        "certificate-expired", "certificate-not-yet-valid", "certificate-rejected", "wrong-environment",
        "wrong-topic", "server-not-trusted", "name-not-resolved", "refused", "timed-out", "handshake-failed",
        "closed-at-once", "suspected-block", "shutdown", "service-error", "network",
    }  # fmt: skip
