"""A push as it comes in, and the reasons to refuse it."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.protocols.apns_http2.push_request import (
    PushRequest,
    Refused,
    check_payload,
    echoed_id,
    largest_payload,
    parse,
    refusal,
)
from pushgate.protocols.apns_push_types import TYPES

TOKEN = bytes(range(32))
TARGET = b"/3/device/" + TOKEN.hex().encode()
UUID = b"EABEAE54-14A8-11e5-b60b-1697f925ec7b"
BARE = PushRequest(TOKEN, None, None, None, None, None, None, None)


def refused(*args, **named):
    """Status and reason of what is refused."""
    with pytest.raises(Refused) as caught:
        parse(*args, **named)
    return caught.value.answer.status, caught.value.answer.reason


def refused_header(name, value):
    """The reason for one header."""
    status, reason = refused(b"POST", TARGET, [(name, value)])
    assert status == 400
    return reason


def test_a_bare_push():
    """A path is enough: no header is needed for a request to be one."""
    assert parse(b"POST", TARGET, []) == BARE


def test_every_header():
    """Each header of Apple's is read; others are ignored, even twice."""
    headers = [
        (b"host", b"localhost"),
        (b"authorization", b"bearer a.b.c"),
        (b"apns-id", UUID),
        (b"apns-topic", b"com.example.news"),
        (b"apns-push-type", b"alert"),
        (b"apns-priority", b"10"),
        (b"apns-expiration", b"1700000000"),
        (b"apns-collapse-id", "größer".encode()),
        (b"content-type", b"application/json"),
        (b"via", b"1"),
        (b"via", b"2"),
    ]
    assert parse(b"POST", TARGET, headers) == PushRequest(
        TOKEN, "com.example.news", "alert", 10, 1700000000, "größer", UUID.decode(), b"bearer a.b.c"
    )


def test_empty_headers_are_absent():
    """A header without a value says as much as none."""
    names = [
        b"authorization",
        *(
            b"apns-" + each
            for each in (b"id", b"topic", b"push-type", b"priority", b"expiration", b"collapse-id")
        ),
    ]
    assert parse(b"POST", TARGET, [(name, b"") for name in names]) == BARE


@pytest.mark.parametrize("method", [b"GET", b"PUT", b"post"])
def test_methods(method):
    """Only POST will do, whatever the path."""
    assert refused(method, TARGET, []) == (405, "MethodNotAllowed")
    assert refused(method, b"/", []) == (405, "MethodNotAllowed")


@pytest.mark.parametrize("target", [b"/", b"/3/devices/00", b"/4/device/00", b"*", b"/3"])
def test_paths(target):
    """Anything but a device's path is no path."""
    assert refused(b"POST", target, []) == (404, "BadPath")


@pytest.mark.parametrize("target", [b"/3/device", b"/3/device/"])
def test_missing_tokens(target):
    """A path may end where the token belongs."""
    assert refused(b"POST", target, []) == (400, "MissingDeviceToken")


@pytest.mark.parametrize("token", [b"0", b"0g", b"00?a=b", b"00/", b"%30", b"00" * 101, b"0x00"])
def test_bad_tokens(token):
    """A token is whole bytes in hexadecimal, at most a hundred."""
    assert refused(b"POST", b"/3/device/" + token, []) == (400, "BadDeviceToken")


def test_tokens_of_any_length_and_case():
    """The length of a token is not fixed, and capital letters are understood."""
    assert parse(b"POST", b"/3/device/AB", []).token == b"\xab"
    assert parse(b"POST", b"/3/device/" + b"ab" * 100, []).token == b"\xab" * 100


@pytest.mark.parametrize(
    "name", [b"authorization", b"apns-id", b"apns-topic", b"apns-priority", b"apns-unheard-of"]
)
def test_duplicate_headers(name):
    """What the service reads may be there once, before its value is looked at."""
    assert refused(b"POST", TARGET, [(name, b"?"), (b"x", b""), (name, b"?")]) == (400, "DuplicateHeaders")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        (b"apns-id", b"1", "BadMessageId"),
        (b"apns-id", UUID.replace(b"-", b""), "BadMessageId"),
        (b"apns-id", b"{" + UUID + b"}", "BadMessageId"),
        (b"apns-id", UUID + b"\n", "BadMessageId"),
        (b"apns-expiration", b"-1", "BadExpirationDate"),
        (b"apns-expiration", b"1.5", "BadExpirationDate"),
        (b"apns-expiration", b"9" * 19, "BadExpirationDate"),
        (b"apns-expiration", "٣".encode(), "BadExpirationDate"),
        (b"apns-priority", b"2", "BadPriority"),
        (b"apns-priority", b"05", "BadPriority"),
        (b"apns-push-type", b"Alert", "InvalidPushType"),
        (b"apns-push-type", b"\xff", "InvalidPushType"),
        (b"apns-collapse-id", b"x" * 65, "BadCollapseId"),
        (b"apns-collapse-id", "ä".encode() * 33, "BadCollapseId"),
        (b"apns-collapse-id", b"\xff", "BadCollapseId"),
        (b"apns-topic", b"com example", "BadTopic"),
        (b"apns-topic", b"x" * 256, "BadTopic"),
        (b"apns-topic", "größe".encode(), "BadTopic"),
    ],
)
def test_values_that_cannot_be(name, value, reason):
    """Each header has its own reason."""
    assert refused_header(name, value) == reason


@pytest.mark.parametrize("priority", [b"10", b"1"])
def test_background_is_not_urgent(priority):
    """A priority that the push type does not have is an error; none at all is left to the receiver."""
    background = (b"apns-push-type", b"background")
    assert refused(b"POST", TARGET, [background, (b"apns-priority", priority)]) == (400, "BadPriority")
    assert parse(b"POST", TARGET, [background]).priority is None
    assert parse(b"POST", TARGET, [background, (b"apns-priority", b"5")]).priority == 5


def test_the_order_of_reasons():
    """Of several faults the first in the documented order is the one that is given."""
    wrong = [
        (b"apns-topic", b" "), (b"apns-collapse-id", b"x" * 65), (b"apns-push-type", b"?"),
        (b"apns-priority", b"?"), (b"apns-expiration", b"?"), (b"apns-id", b"?"),
    ]  # fmt: skip
    reasons = [refused(b"POST", TARGET, wrong[:count])[1] for count in range(1, len(wrong) + 1)]
    assert reasons == [
        "BadTopic", "BadCollapseId", "InvalidPushType", "BadPriority", "BadExpirationDate", "BadMessageId",
    ]  # fmt: skip
    assert refused(b"POST", b"/3/device/?", wrong) == (400, "BadDeviceToken")


def test_the_credential_is_checked_before_the_details():
    """A wrong credential is not told whether the token is good; a wrong path needs no credential."""
    seen = []

    def no_good(authorization):
        seen.append(authorization)
        raise refusal(403, "InvalidProviderToken")

    headers = [(b"authorization", b"bearer x"), (b"apns-priority", b"?")]
    assert refused(b"POST", b"/3/device/?", headers, no_good) == (403, "InvalidProviderToken")
    assert refused(b"POST", TARGET, [], no_good) == (403, "InvalidProviderToken")
    assert seen == [b"bearer x", None]
    assert refused(b"POST", b"/", headers, no_good) == (404, "BadPath")
    assert refused(b"POST", TARGET, headers * 2, no_good) == (400, "DuplicateHeaders")
    assert parse(b"POST", TARGET, [], seen.append) == BARE


def test_the_echoed_id():
    """Every answer repeats the id as it came, good or not."""
    assert echoed_id([(b"x", b"y"), (b"apns-id", b"No UUID"), (b"apns-id", UUID)]) == b"No UUID"
    assert echoed_id([(b"x", b"y")]) is None


def payload_refused(*args):
    """Status and reason of a payload that is refused."""
    with pytest.raises(Refused) as caught:
        check_payload(*args)
    return caught.value.answer.status, caught.value.answer.reason


@pytest.mark.parametrize("push_type", TYPES)
def test_payload_sizes(push_type):
    """A payload has the limit of its push type, or the one that is given."""
    request = parse(b"POST", TARGET, [(b"apns-push-type", push_type.encode())])
    limit = 5120 if push_type == "voip" else 4096
    check_payload(request, b"x" * limit)
    assert payload_refused(request, b"x" * (limit + 1)) == (413, "PayloadTooLarge")
    assert payload_refused(request, b"") == (400, "PayloadEmpty")
    assert payload_refused(request, b"xx", 1) == (413, "PayloadTooLarge")


def test_payload_size_by_topic():
    """Where the push type is not said, the topic's suffix says it."""
    assert largest_payload(parse(b"POST", TARGET, [(b"apns-topic", b"com.example.news.voip")])) == 5120
    assert largest_payload(parse(b"POST", TARGET, [(b"apns-topic", b"com.example.news")])) == 4096


@given(
    st.sampled_from([b"POST", b"GET"]),
    st.binary() | st.binary().map(lambda token: b"/3/device/" + token) | st.just(TARGET),
    st.lists(st.tuples(st.sampled_from([b"apns-id", b"apns-topic", b"apns-priority", b"apns-push-type",
                                        b"apns-expiration", b"apns-collapse-id", b"x"]), st.binary())),
)  # fmt: skip
def test_nothing_else_is_raised(method, target, headers):
    """Whatever comes is a push or is refused for a reason of Apple's."""
    with suppress(Refused):
        assert parse(method, target, headers).token
