"""The headers of sends, as every SDK writes them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.errors import Invalid, TooLarge
from pushgate.model.hub.platform import Platform
from pushgate.protocols.notification_hubs.platform_names import FORMATS
from pushgate.protocols.notification_hubs.send_headers import (
    MAX_HEADER,
    MAX_HEADERS,
    parse_direct,
    parse_send,
    passed_on,
    schedule_time,
)

FORMAT = "servicebusnotification-format"
TAGS = "servicebusnotification-tags"
HANDLE = "servicebusnotification-devicehandle"
TIME = "servicebusnotification-scheduletime"
POINT = "BMBlr6YznhYMX3NgcWIDRxZXs0sh7tCv7_YCsWcww0ZCv9WGg-tRCXfMEHTiBPCksSqeve1twlbmVAZFv7GSuj0"
AUTH = "A" * 21 + "Q"


@given(st.sampled_from(sorted(FORMATS)), st.data())
def test_formats_in_any_case(name, data):
    """`fcmv1`, `fcmV1` and `FcmV1` are one; so are `windowsphone` and `windows phone`."""
    spelled = "".join(data.draw(st.sampled_from([each.upper(), each])) for each in name)
    assert parse_send({FORMAT: f" {spelled} "}, b"{}").platform == FORMATS[name]
    assert parse_send({FORMAT: "windows phone"}, b"{}").platform is Platform.MPNS


@pytest.mark.parametrize("given", ["", "nokiax", "apple,gcm"])
def test_formats_that_are_none(given):
    """An unknown format, or none at all, names the header and not what was in it."""
    with pytest.raises(Invalid, match="ServiceBusNotification-Format") as refused:
        parse_send({FORMAT: given}, b"{}")
    assert not given or given not in str(refused.value)


def test_tags_or_none():
    """An absent or empty expression means all devices."""
    assert parse_send({FORMAT: "apple", TAGS: " a && b "}, b"{}").expression == "a && b"
    assert parse_send({FORMAT: "apple", TAGS: " "}, b"{}").expression is None
    assert parse_send({FORMAT: "apple"}, b"{}").expression is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-27T23:16:09.000Z",
        "2026-11-27T23:16:09",
        "2026-11-27'T'23:16:09",
        "2026-11-28T00:16:09+01:00",
    ],
)
def test_schedule_times(text):
    """JavaScript's, .NET's and Python's way to write one time."""
    assert schedule_time({TIME: text}) == 1795821369.0


def test_a_schedule_needs_a_time():
    """Without one it is refused; it is never sent at once instead."""
    with pytest.raises(Invalid, match="ServiceBusNotification-ScheduleTime"):
        schedule_time({FORMAT: "apple"})


def test_headers_that_go_on():
    """What the push services know goes on; what the hub or HTTP knows does not."""
    headers = {
        "apns-topic": "com.example",
        "x-apns-priority": "5",
        "x-wns-type": "wns/toast",
        "x-windowsphone-target": "toast",
        "x-notificationclass": "2",
        "x-baidu-message-type": "1",
        "content-type": "application/json",
        "authorization": "secret",
        FORMAT: "apple",
    }
    assert passed_on(headers) == {
        "apns-topic": "com.example",
        "apns-priority": "5",
        "x-wns-type": "wns/toast",
        "x-windowsphone-target": "toast",
        "x-notificationclass": "2",
        "x-baidu-message-type": "1",
    }
    assert passed_on({"apns-priority": "10", "x-apns-priority": "5"}) == {"apns-priority": "10"}


@pytest.mark.parametrize("name", ["servicebusnotification-apns-expiry", "servicebusnotification-apnsexpiry"])
@pytest.mark.parametrize("text", ["2026-11-27T23:16:09Z", "11/27/2026 23:16:09"])
def test_the_expiry_of_apns(name, text):
    """The hub's header for it, in W3C's form and .NET's, becomes Apple's; Apple's own wins."""
    assert passed_on({name: text}) == {"apns-expiration": "1795821369"}
    assert passed_on({name: text, "apns-expiration": "0"}) == {"apns-expiration": "0"}
    assert passed_on({name: ""}) == {}


def test_headers_that_are_refused():
    """Too many, too long, or with what HTTP has no letters for."""
    with pytest.raises(TooLarge):
        passed_on({"apns-x": "a" * (MAX_HEADER + 1)})
    with pytest.raises(Invalid, match="apns-x: text of 1 characters; printable ASCII"):
        passed_on({"apns-x": "é"})
    with pytest.raises(Invalid, match="33 that are passed on"):
        passed_on({f"apns-{number}": "a" for number in range(MAX_HEADERS + 1)})


def test_direct_sends():
    """One handle; a browser's is put together of three headers, or comes as JSON."""
    direct = parse_direct({FORMAT: "apple", HANDLE: "aabb", "apns-topic": "a"}, b"{}")
    assert (direct.platform, direct.handles, direct.headers) == (
        Platform.APNS,
        ("aabb",),
        {"apns-topic": "a"},
    )
    headers = {FORMAT: "browser", HANDLE: "https://push.example.com/a", "p256dh": POINT, "auth": AUTH}
    [handle] = parse_direct(headers, b"{}").handles
    assert json.loads(handle) == {
        "endpoint": "https://push.example.com/a",
        "keys": {"p256dh": POINT, "auth": AUTH},
    }
    assert parse_direct({FORMAT: "browser", HANDLE: handle}, b"{}").handles == (handle,)


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ({FORMAT: "template", HANDLE: "aabb"}, "ServiceBusNotification-Format: template"),
        ({FORMAT: "apple"}, "ServiceBusNotification-DeviceHandle"),
        ({FORMAT: "browser", HANDLE: "https://push.example.com/a"}, "P256DH"),
        ({FORMAT: "browser", HANDLE: "https://push.example.com/a", "p256dh": POINT}, "Auth"),
        (
            {FORMAT: "browser", HANDLE: "https://push.example.com/a", "p256dh": "AA", "auth": "AA"},
            "ServiceBusNotification-DeviceHandle: p256dh",
        ),
    ],
)
def test_direct_sends_that_are_refused(headers, field):
    """What is missing is named."""
    with pytest.raises(Invalid, match=field):
        parse_direct(headers, b"{}")
