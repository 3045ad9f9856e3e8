"""Outcomes in the names of a hub's telemetry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.dead_token import DeadReason
from pushgate.model.outcome import State
from pushgate.protocols.apns_binary.status import ErrorStatus, reason
from pushgate.protocols.apns_http2.reasons import ANSWERS
from pushgate.protocols.telemetry_names import OutcomeName, outcome_name

KINDS = [
    "apns-stream", "simulator", "apns-http2", "fcm", "webpush", "wns", "adm", "hms", "baidu", "mpns", "xiaomi",
    "a plug-in",
]  # fmt: skip
PENDING = {State.QUEUED, State.WRITTEN}


def refused(upstream, status, why=""):
    """The name of a refusal."""
    return outcome_name(upstream, State.REJECTED, status, why)


@pytest.mark.parametrize("upstream", KINDS)
@pytest.mark.parametrize(
    ("state", "name"),
    [
        (State.ACCEPTED, "Success"),
        (State.REPLACED, "Success"),
        (State.PRESUMED, "Success"),
        (State.SUPPRESSED, "ExpiredChannel"),
        (State.DEAD_TOKEN, "ExpiredChannel"),
        (State.EXPIRED, "AbandonedNotificationMessages"),
        (State.CANCELLED, "AbandonedNotificationMessages"),
        (State.UNKNOWN, "UnknownError"),
    ],
)
def test_states_that_say_all(upstream, state, name):
    """Whatever the push service: it has it, it was not sent to, or it was given up."""
    assert outcome_name(upstream, state, None, "") == outcome_name(upstream, state, 200, "whatever") == name


@pytest.mark.parametrize("state", sorted(PENDING))
def test_what_is_on_its_way(state):
    """It has no outcome, so none is counted."""
    with pytest.raises(ValueError, match="is no outcome"):
        outcome_name("fcm", state, None, "")


@pytest.mark.parametrize(
    ("upstream", "status", "why", "name"),
    [
        ("apns-http2", 400, "BadDeviceToken", "BadChannel"),
        ("apns-http2", 400, "DeviceTokenNotForTopic", "WrongToken"),
        ("apns-http2", 400, "TopicDisallowed", "InvalidCredentials"),
        ("apns-http2", 400, "BadPriority", "InvalidNotificationFormat"),
        ("apns-http2", 403, "Forbidden", "InvalidCredentials"),
        ("apns-http2", 404, "BadPath", "PnsInterfaceError"),
        ("apns-http2", 410, "Unregistered", "ExpiredChannel"),
        ("apns-http2", 413, "PayloadTooLarge", "InvalidNotificationSize"),
        ("apns-http2", 429, "TooManyRequests", "Throttled"),
        ("apns-http2", 500, "InternalServerError", "PnsServerError"),
        ("apns-http2", 503, "Shutdown", "PnsUnavailable"),
        ("fcm", 404, "UNREGISTERED", "ExpiredChannel"),
        ("fcm", 404, "NotFound", "ExpiredChannel"),
        ("fcm", 400, "InvalidArgument", "BadChannel"),
        ("fcm", 400, "INVALID_ARGUMENT", "InvalidNotificationFormat"),
        ("fcm", 403, "SENDER_ID_MISMATCH", "WrongToken"),
        ("fcm", 403, "SenderIdMismatch", "WrongToken"),
        ("fcm", 403, "PERMISSION_DENIED", "InvalidCredentials"),
        ("fcm", 401, "THIRD_PARTY_AUTH_ERROR", "InvalidCredentials"),
        ("fcm", 429, "QUOTA_EXCEEDED", "Throttled"),
        ("fcm", 503, "UNAVAILABLE", "PnsUnavailable"),
        ("webpush", 404, "NotFound", "ExpiredChannel"),
        ("webpush", 410, "Gone", "ExpiredChannel"),
        ("webpush", 403, "", "WrongChannel"),
        ("webpush", 401, "", "InvalidCredentials"),
        ("webpush", 413, "", "InvalidNotificationSize"),
        ("webpush", 502, "", "PnsServerError"),
        ("wns", 404, "NotFound", "BadChannel"),
        ("wns", 410, "Gone", "ExpiredChannel"),
        ("wns", 403, "WrongChannel", "WrongChannel"),
        ("wns", 406, "", "Throttled"),
        ("wns", 200, "dropped", "Dropped"),
        ("wns", 200, "channelthrottled", "ChannelThrottled"),
        ("wns", 200, "TempDisconnected", "ChannelDisconnected"),
        ("adm", 400, "InvalidRegistrationId", "BadChannel"),
        ("adm", 400, "Unregistered", "ExpiredChannel"),
        ("adm", 400, "InvalidChecksum", "InvalidNotificationFormat"),
        ("adm", 413, "MessageTooLarge", "InvalidNotificationSize"),
        ("adm", 429, "MaxRateExceeded", "Throttled"),
        ("adm", 400, "invalid_scope", "InvalidCredentials"),
        ("hms", 200, "80300007", "BadChannel"),
        ("hms", 80300008, "", "InvalidNotificationSize"),
        ("baidu", 400, "30608", "BadChannel"),
        ("baidu", 30699, "", "Throttled"),
        ("mpns", 404, "", "ExpiredChannel"),
        ("mpns", 200, "QueueFull", "ChannelThrottled"),
        ("mpns", 412, "", "ChannelDisconnected"),
        ("xiaomi", 20301, "", "BadChannel"),
        ("xiaomi", 200, "21301", "InvalidCredentials"),
    ],
)
def test_answers(upstream, status, why, name):
    """Each service in its own numbers and words; given up after it, the name is the same."""
    assert refused(upstream, status, why) == name
    assert outcome_name(upstream, State.FAILED, status, why) == name


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (0, "UnknownError"), (1, "PnsServerError"), (2, "InvalidNotificationFormat"), (3, "InvalidCredentials"),
        (4, "InvalidNotificationFormat"), (5, "BadChannel"), (6, "InvalidCredentials"),
        (7, "InvalidNotificationSize"), (8, "BadChannel"), (10, "PnsUnavailable"),
        (128, "InvalidNotificationFormat"), (255, "PnsServerError"), (77, "UnknownError"),
    ],
)  # fmt: skip
def test_the_binary_stream(status, name):
    """Each of its statuses, of the simulator too."""
    assert [refused(kind, status, reason(status)) for kind in ("apns-stream", "simulator")] == [name, name]


def test_every_documented_answer_of_apples_has_a_name():
    """None of them is an unknown error."""
    names = {refused("apns-http2", each.status, each.reason) for each in ANSWERS if each.reason}
    binary = {refused("apns-stream", int(each), reason(each)) for each in ErrorStatus if each}
    assert OutcomeName.UNKNOWN_ERROR not in names | binary


@pytest.mark.parametrize("upstream", KINDS)
@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "InvalidNotificationFormat"), (418, "InvalidNotificationFormat"), (401, "InvalidCredentials"),
        (410, "ExpiredChannel"), (413, "InvalidNotificationSize"), (429, "Throttled"), (307, "PnsInterfaceError"),
        (500, "PnsServerError"), (599, "PnsServerError"), (503, "PnsUnavailable"), (200, "UnknownError"),
        (None, "UnknownError"),
    ],
)  # fmt: skip
def test_an_answer_that_is_not_known(upstream, status, name):
    """It goes by the status of HTTP, or by its class."""
    assert refused(upstream, status, "NeverHeardOf") == name


@pytest.mark.parametrize("upstream", KINDS)
def test_what_closes_connections(upstream):
    """The push service cannot be spoken to about it."""
    assert outcome_name(upstream, State.FAILED, None, "ClosesConnection") == "PnsInterfaceError"


NEW = list(DeadReason)[list(DeadReason).index(DeadReason.NOT_FOUND) :]


@pytest.mark.parametrize("why", NEW)
def test_a_plug_ins_dead_tokens(why):
    """The words for dead tokens have their names at any push service."""
    names = {"BadChannel", "ExpiredChannel", "WrongChannel", "WrongToken"}
    assert refused("a plug-in", None, str(why)) in names


@given(
    st.sampled_from(KINDS),
    st.sampled_from(sorted(set(State) - PENDING)),
    st.none() | st.integers(0, 10**9),
    st.text(),
)
def test_any_outcome_has_a_name(upstream, state, status, why):
    """Whatever a plug-in says, it is one of the names."""
    assert outcome_name(upstream, state, status, why) in set(OutcomeName)
