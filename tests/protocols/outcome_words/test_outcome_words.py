"""Outcomes in words."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pushgate
from pushgate.model.outcome import State
from pushgate.protocols.apns_binary.status import ErrorStatus
from pushgate.protocols.apns_binary.status import reason as binary_reason
from pushgate.protocols.http_push.answers import Follows
from pushgate.protocols.outcome_words.answers import _ROWS, explain_answer
from pushgate.protocols.outcome_words.causes import CAUSES
from pushgate.protocols.outcome_words.explain import explain
from pushgate.protocols.outcome_words.states import REASONS, STATES
from pushgate.upstreams.common.circuit_breaker import Cause

OF_NOTIFICATIONS = set(State) - {State.DEAD_TOKEN}
FINAL = {Follows.REJECTED, Follows.DEAD}


def test_every_state_and_every_cause_has_words():
    """None is left to guessing, and none is there that does not exist."""
    assert set(STATES) == OF_NOTIFICATIONS
    assert set(CAUSES) == set(Cause)


def test_every_reason_of_the_gateways_own_has_words():
    """What the code gives as `reason` is in the table."""
    folder = Path(pushgate.__file__).parent
    code = "".join(
        path.read_text()
        for part in ("gateway", "upstreams", "protocols")
        for path in (folder / part).rglob("*.py")
    )
    given = set(re.findall(r"State\.[A-Z]+, (?:status, |reason=)\"([A-Z]\w+)\"", code))
    assert len(given) >= 8
    assert given - set(REASONS) == set()


@pytest.mark.parametrize("upstream", sorted(_ROWS))
def test_every_refusal_of_a_push_service_has_words(upstream):
    """Each documented refusal is said in the words of its table, with something to do."""
    for row in _ROWS[upstream]:
        if row.follows in FINAL and row.words:
            found = explain(upstream, State.REJECTED, row.status, row.reason or f"HTTP{row.status}")
            assert found.meaning == row.words
            assert found.advice


@pytest.mark.parametrize("upstream", ["apns-stream", "simulator"])
def test_every_status_of_the_binary_service_has_words(upstream):
    """They are those of Apple's provider API for the same."""
    for status in set(ErrorStatus) - {ErrorStatus.NO_ERROR}:
        assert explain_answer(upstream, status, binary_reason(status)).advice


@pytest.mark.parametrize(
    ("outcome", "meaning", "advice"),
    [
        (("apns-http2", State.ACCEPTED), "the push service has it", "notification settings"),
        (("apns-http2", State.REJECTED, 400, "BadDeviceToken"), "of the other environment", "sandbox tokens"),
        (("apns-stream", State.REJECTED, 8, "InvalidToken"), "of the other environment", "sandbox tokens"),
        (("apns-http2", State.REJECTED, 410, "Unregistered"), "the device has the app no more", "send nothing more"),
        (("apns-http2", State.REJECTED, 400, "NeverHeardOf"), "the push service refused it", "the same again is refused"),
        (("apns-http2", State.FAILED, 503, "ServiceUnavailable"), "the service is unavailable", "try again later"),
        (("apns-http2", State.FAILED, None, "ClosesConnection"), "closes the connection", "pushgate lint"),
        (("fcm", State.REJECTED, 400, "INVALID_ARGUMENT: message.android.ttl"), "a field that FCM does not take", "lint --service fcm"),
        (("fcm", State.REJECTED, 400, "INVALID_ARGUMENT: message.token"), "the token cannot be one", "send nothing more"),
        (("fcm", State.REJECTED, 401, "THIRD_PARTY_AUTH_ERROR: InvalidProviderToken"), "the key for Apple", "Firebase console"),
        (("webpush", State.REJECTED, 410, "HTTP410"), "the subscription has ended", "send nothing more"),
        (("pigeon", State.REJECTED, 1, "Hawk"), "the push service refused it", "what the reason names"),
        (("apns-http2", State.SUPPRESSED, None, "DeadToken"), "said earlier that the token is dead", "tokens forget"),
        (("apns-http2", State.EXPIRED, None, "ExpirationPassed"), "its expiration passed", "no milliseconds"),
        (("apns-http2", State.CANCELLED, None, "AppRemoved"), "it was withdrawn", ""),
        (("apns-http2", State.QUEUED), "it waits in the gateway", "pushgate trace"),
        (("apns-http2", State.QUEUED, None, "", "wrong-environment"), "waits in the gateway; certificate or tokens", "sandbox or production"),
        (("apns-http2", State.WRITTEN, None, "", "of-tomorrow"), "has not answered yet", "pushgate trace"),
        (("apns-http2", State.ACCEPTED, None, "", "refused"), "the push service has it", "notification settings"),
    ],
)  # fmt: skip
def test_words(outcome, meaning, advice):
    """The meaning is that of the reason where the state does not say why; a circuit's cause explains what waits."""
    found = explain(*outcome)
    assert meaning in found.meaning
    assert advice in found.advice


@given(
    st.sampled_from([*_ROWS, "simulator", "x"]), st.sampled_from(sorted(OF_NOTIFICATIONS)), st.none() | st.integers(0, 600),
    st.text(max_size=20), st.text(max_size=5),
)  # fmt: skip
def test_there_are_always_words(upstream, state, status, reason, cause):
    """Whatever a push service answers."""
    assert explain(upstream, State(state), status, reason, cause).meaning
