"""Requests about channels, and what Apple's answers to them mean."""

import json

import pytest

from pushgate.model.channel import Channel, StoragePolicy, parse_storage_policy
from pushgate.model.errors import Invalid, ServiceFailed
from pushgate.protocols.apns_http2.channels import (
    created,
    creating,
    deleting,
    described,
    is_channel_id,
    listed,
    listing,
    reading,
    refusal,
)
from tests.samples import CHANNEL

BUNDLE = "com.example.news"
PATH = b"/1/apps/com.example.news/channels"


@pytest.mark.parametrize("policy", list(StoragePolicy))
def test_a_request_for_a_channel(policy):
    """POST, with the storage policy and Apple's only push type in the body."""
    request = creating(BUNDLE, policy)
    assert (request.method, request.path, request.changes) == (b"POST", PATH, True)
    assert json.loads(request.body) == {"message-storage-policy": int(policy), "push-type": "LiveActivity"}


def test_requests_about_channels():
    """All are at a path of their own; one is named by a header."""
    assert (listing(BUNDLE).method, listing(BUNDLE).path) == (
        b"GET",
        b"/1/apps/com.example.news/all-channels",
    )
    for request, method in ((reading, b"GET"), (deleting, b"DELETE")):
        made = request(BUNDLE, CHANNEL)
        assert (made.method, made.path, made.body) == (method, PATH, b"")
        assert made.fields == ((b"apns-channel-id", CHANNEL.encode()),)
        assert made.changes == (method == b"DELETE")
        with pytest.raises(Invalid, match=r"^channel: not base64"):
            request(BUNDLE, "a\r\nb")


@pytest.mark.parametrize(
    ("text", "good"), [(CHANNEL, True), ("", False), ("a=b", False), ("A" * 255, True), ("A" * 256, False)]
)
def test_ids(text, good):
    """Base64, of a length that a channel's id may have."""
    assert is_channel_id(text) is good


def test_policies():
    """There are two."""
    assert [parse_storage_policy(number) for number in (0, 1)] == list(StoragePolicy)
    with pytest.raises(Invalid, match=r"^message_storage_policy: "):
        parse_storage_policy(2)


def test_answers():
    """What they say."""
    assert created([(b"date", b"x"), (b"apns-channel-id", CHANNEL.encode())]) == CHANNEL
    assert listed(json.dumps({"channels": ["b===", "Yg==", "YQ=="]}).encode()) == ["YQ==", "Yg=="]
    body = b'{"message-storage-policy":1,"push-type":"LiveActivity"}'
    assert described(CHANNEL, body) == Channel(CHANNEL, 1, "LiveActivity")
    assert described(CHANNEL, b"{}") == Channel(CHANNEL)


def test_answers_that_say_nothing():
    """A success that cannot be understood is the service's failure, and says what is to be done."""
    for headers in ([], [(b"apns-channel-id", b"\xff\n")]):
        with pytest.raises(ServiceFailed, match="list them"):
            created(headers)
    for body in (b"", b"[]", b"\xff", b"{" * 10_000, b'{"channels":[1]}'):
        with pytest.raises(ServiceFailed, match="cannot be understood"):
            listed(body)


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        (400, "ChannelNotRegistered", "NOT_FOUND"),
        (404, "", "NOT_FOUND"),
        (404, "BadPath", "SERVICE_FAILED"),
        (400, "BadChannelId", "INVALID"),
        (400, "FeatureNotEnabled", "INVALID"),
        (400, "CannotCreateChannelConfig", "TOO_LARGE"),
        (429, "TooManyRequests", "OVERLOADED"),
        (403, "InvalidProviderToken", "SERVICE_FAILED"),
        (500, "InternalServerError", "SERVICE_FAILED"),
        (503, "", "SERVICE_FAILED"),
    ],
)
def test_refusals(status, reason, code):
    """Each has the code of what the caller can do about it, and Apple's own word."""
    found = refusal(status, reason)
    assert found.code == code
    assert (reason or f"HTTP{status}") in str(found)
