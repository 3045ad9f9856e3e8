"""Messages for Firebase Cloud Messaging."""

import pytest

from tests.protocols.lint.examined import examined, found, paths

SHOWN = {"notification": {"title": "Hello", "body": "there"}}


@pytest.mark.parametrize(
    "payload",
    [
        SHOWN,
        {"data": {"a": "1"}},
        {"message": SHOWN, "validate_only": True},
        {**SHOWN, "android": {"ttl": "3.5s", "priority": "HIGH", "collapseKey": "x", "notification": {"color": "#0a84ff"}}},
        {**SHOWN, "webpush": {"headers": {"TTL": "5"}, "notification": {"anything": 1}, "fcm_options": {"link": "x"}}},
        {"apns": {"headers": {"apns-priority": "5"}, "payload": {"aps": {"content-available": 1}}}},
        {"apns": {"headers": {"apns-push-type": "background"}, "payload": {"aps": {"content-available": 1}}}},
        {"apns": {"payload": {"aps": {"event": "update", "timestamp": 1, "content-state": {}}}}},
        {"apns": {"payload": {"aps": {"alert": "x"}}, "live_activity_token": "x"}},
        {"android": {"notification": {"vibrate_timings": ["0.5s"], "light_settings": {"color": {"red": 0.5}}}}},
    ],
)  # fmt: skip
def test_nothing_is_wrong(payload):
    """What Google documents passes, in either spelling."""
    assert found(payload, "fcm") == []


@pytest.mark.parametrize(
    ("payload", "path", "advice"),
    [
        ({"data": {"n": 1}}, "data.n", 'write "1", in quotes'),
        ({"data": {"n": {"a": "b"}}}, "data.n", "write a text"),
        ({"data": ["x"]}, "data", "write an object, each value a text"),
        ({**SHOWN, "android": {"ttl": "3600"}}, "android.ttl", 'write "3600s"'),
        ({**SHOWN, "android": {"ttl": 3600}}, "android.ttl", 'write "3600s", in quotes'),
        ({**SHOWN, "android": {"ttl": "2419201s"}}, "android.ttl", 'write a duration such as "3.5s", of four weeks at most ("2419200s")'),
        ({**SHOWN, "android": {"priority": "High"}}, "android.priority", 'write "high"'),
        ({**SHOWN, "android": {"colapse_key": "x"}}, "android.colapse_key", "write collapse_key"),
        ({**SHOWN, "android": {"notification": {"color": "red"}}}, "android.notification.color", 'write a colour such as "#0a84ff"'),
        ({**SHOWN, "android": {"notification": {"sticky": "true"}}}, "android.notification.sticky", "write true, without quotes"),
        ({**SHOWN, "android": {"notification": {"sticky": 1}}}, "android.notification.sticky", "write true"),
        ({**SHOWN, "android": {"notification": {"sticky": 0}}}, "android.notification.sticky", "write false"),
        ({**SHOWN, "android": {"notification": {"visibility": "public"}}}, "android.notification.visibility", 'write "PUBLIC"'),
        ({**SHOWN, "token": "x"}, "token", "take it away: to whom it goes is the token of the notification"),
        ({**SHOWN, "time_to_live": 5}, "time_to_live", 'android: {"ttl": "3600s"}, or expiration with the notification'),
        ({**SHOWN, "mine": 5}, "mine", "take it away, or put it where it is read"),
        ({"notification": {"title": "x", "badge": 1}}, "notification.badge", 'apns: {"payload": {"aps": {"badge": …}}}'),
        ({"message": SHOWN, "data": {}}, "data", 'message: {"data": …}'),
        ({"data": {"from": "x"}}, "data.from", "another name"),
        ({"data": {"google_id": "x"}}, "data.google_id?", "another name"),
        ({"apns": {"payload": {"aps": {"alert": "x", "Badge": 1}}}}, "apns.payload.aps.Badge", "write badge"),
        ({"apns": {"headers": {"APNS-Priority": "10"}, "payload": {"aps": {"content-available": 1}}}}, "apns.headers", '"apns-priority": "5"'),
        ({"apns": {"payload": {"mine": 1}}}, "apns.payload", 'aps beside the app\'s own keys: {"aps": {"alert": "…"}, "mine": 1}'),
        ({}, "?", 'a message without its target: {"notification": {"title": "…", "body": "…"}}'),
        (["x"], "", 'a message without its target: {"notification": {"title": "…", "body": "…"}}'),
    ],
)  # fmt: skip
def test_one_fault(payload, path, advice):
    """Each fault is one flaw, at its place, with what to write."""
    assert found(payload, "fcm") == [(path, advice)]


def test_sizes():
    """Of data the keys and values count, in each place that has some; of a message all of it."""
    assert paths({"data": {"a": "x" * 4095}}, "fcm") == []
    assert paths({"data": {"a": "x" * 4096}}, "fcm") == ["data"]
    assert paths({"android": {"data": {"a": "x" * 5000}}}, "fcm") == ["android.data"]
    assert (
        examined({**SHOWN, "webpush": {"notification": {"body": "x" * 17_000}}}, "fcm")
        .flaws[0]
        .what.startswith("17")
    )


def test_terms_that_fcm_has_not():
    """What only Apple has is refused by the gateway, and so here."""
    [flaw] = examined(SHOWN, "fcm", push_type="alert").flaws
    assert flaw.what.startswith("the gateway refuses it: push_type")
    assert paths("{", "fcm") == [""]
