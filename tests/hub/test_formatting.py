"""What a native notification and one by a template are sent as."""

import msgspec
import pytest

from pushgate.hub.sending.formatting import gcm_message, native_payload, native_terms, template_terms
from pushgate.hub.templates.rendering import RenderedTemplate
from pushgate.model.errors import Invalid
from pushgate.model.hub.platform import Platform
from pushgate.model.notification import Priority, Terms

NOW = 1_700_000_000.5


@pytest.mark.parametrize(
    ("platform", "headers", "terms"),
    [
        (
            Platform.APNS,
            {
                "apns-push-type": "liveactivity", "apns-topic": "t", "apns-collapse-id": "c",
                "apns-priority": "5", "apns-expiration": "1700000100", "apns-id": "ignored",
            },
            Terms(push_type="liveactivity", topic="t", collapse_id="c", priority=Priority.BULK, expiration=1700000100),
        ),
        (Platform.APNS, {"apns-expiration": "0"}, Terms(expiration=0)),
        (Platform.APNS, {"apns-topic": "", "apns-priority": " "}, Terms()),
        (
            Platform.WNS,
            {"x-wns-type": "WNS/Toast", "x-wns-ttl": "60", "x-wns-tag": "a", "x-wns-cache-policy": "cache",
             "x-wns-group": "g", "x-wns-match": "", "x-wns-other": "ignored"},
            Terms(
                push_type="toast", expiration=1_700_000_060, collapse_id="a",
                headers=(("x-wns-cache-policy", "cache"), ("x-wns-group", "g")),
            ),
        ),
        (Platform.WNS, {}, Terms()),
        (
            Platform.MPNS,
            {"x-windowsphone-target": "token", "x-notificationclass": "11"},
            Terms(push_type="tile", priority=Priority.BULK),
        ),
        (Platform.MPNS, {"x-notificationclass": "2"}, Terms(priority=Priority.URGENT)),
        (Platform.MPNS, {"x-windowsphone-target": ""}, Terms(push_type="raw")),
        (Platform.BAIDU, {"x-baidu-message-type": "1"}, Terms(push_type="notification")),
        (Platform.BAIDU, {}, Terms()),
        (Platform.FCMV1, {"apns-topic": "t"}, Terms()),
    ],
)  # fmt: skip
def test_headers_become_terms(platform, headers, terms):
    """Each platform's own headers say what the push service is to do; others are ignored."""
    assert native_terms(platform, headers, NOW) == terms


@pytest.mark.parametrize(
    ("platform", "name", "value"),
    [
        (Platform.APNS, "apns-priority", "7"), (Platform.APNS, "apns-priority", "high"),
        (Platform.APNS, "apns-expiration", "-1"), (Platform.APNS, "apns-expiration", "1" * 11),
        (Platform.WNS, "x-wns-type", "wns/poster"), (Platform.WNS, "x-wns-ttl", "1h"),
        (Platform.WNS, "x-wns-group", "a\r\nb: c"),
        (Platform.MPNS, "x-windowsphone-target", "poster"), (Platform.MPNS, "x-notificationclass", "31"),
        (Platform.MPNS, "x-notificationclass", "14"), (Platform.BAIDU, "x-baidu-message-type", "2"),
    ],
)  # fmt: skip
def test_a_wrong_header_is_named(platform, name, value):
    """Its value is not in the error."""
    with pytest.raises(Invalid) as caught:
        native_terms(platform, {name: value}, NOW)
    assert caught.value.field.lower() == name
    assert f" {value}" not in str(caught.value).replace(caught.value.rule, "") or value == "7"


def test_a_template_says_headers_expiry_and_priority():
    """Its expiry counts where no header has one, as does its priority."""
    rendered = RenderedTemplate(b"{}", {"apns-collapse-id": "c"}, 1700000100, "5")
    assert template_terms(Platform.APNS, rendered, NOW) == Terms(
        collapse_id="c", expiration=1700000100, priority=Priority.BULK
    )
    rendered = RenderedTemplate(b"{}", {"apns-expiration": "7", "apns-priority": "10"}, 1700000100, "5")
    assert template_terms(Platform.APNS, rendered, NOW) == Terms(expiration=7, priority=Priority.URGENT)
    assert template_terms(Platform.FCMV1, RenderedTemplate(b"{}"), NOW) == Terms()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"data": {"a": "b", "n": 3}}, {"data": {"a": "b", "n": "3"}}),
        (
            {
                "notification": {"title": "t"}, "collapse_key": "c", "time_to_live": 60, "priority": "high",
                "to": "nobody", "dry_run": True,
            },
            {"notification": {"title": "t"}, "android": {"collapse_key": "c", "ttl": "60s", "priority": "HIGH"}},
        ),
        ({"priority": "normal"}, {"android": {"priority": "NORMAL"}}),
        ({"message": {"data": {}}}, {"message": {"data": {}}}),
        ({"data": "text"}, {"data": "text"}),
    ],
)  # fmt: skip
def test_a_notification_of_gcm_becomes_a_message_of_fcm(body, message):
    """What its successor calls otherwise gets the new name; a message of the successor stays as it is."""
    assert msgspec.json.decode(gcm_message(msgspec.json.encode(body))) == message


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"a": \xff}', b"[" * 100_000])
def test_what_is_no_json_object_is_no_notification_of_gcm(body):
    """It is refused."""
    with pytest.raises(Invalid):
        native_payload(Platform.GCM, body)


def test_a_native_body_is_sent_as_it_is():
    """Byte for byte, blanks included."""
    assert native_payload(Platform.APNS, b'{ "aps": {} }') == b'{ "aps": {} }'
