"""FCM as the simulator speaks it, in memory: tokens, messages, topics, errors in Google's form."""

from typing import Any

import msgspec
import pytest

from tests.simulator.service_calls import NOW, URL, Caller, Said, assertion

SEND = "/v1/projects/pushgate-simulator/messages:send"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
MESSAGE = {"token": "a-device", "data": {"a": "1"}, "notification": {"title": "Hello"}}
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"


@pytest.fixture
def caller() -> Caller:
    return Caller(dead_handles=["dead*"])


def asked_for_token(caller: Caller, grant: str = JWT_BEARER, **claims: Any) -> Said:
    signed = assertion(caller.services.account.file, **claims)
    return caller.form("/token", {"grant_type": grant, "assertion": signed})


def authorization(caller: Caller) -> str:
    return f"Bearer {asked_for_token(caller).json['access_token']}"


def sent(caller: Caller, message: Any = MESSAGE, **more: Any) -> Said:
    """The answer to a message."""
    return caller.json(SEND, {"message": message, **more}, authorization=authorization(caller))


def code_of(said: Said) -> tuple[int, str, str | None]:
    """Status, Google's status, FCM's code."""
    error = said.json["error"]
    assert error["code"] == said.status
    codes = [each["errorCode"] for each in error.get("details", ()) if each["@type"] == FCM_ERROR]
    return said.status, error["status"], codes[0] if codes else None


def violations(said: Said) -> list[str]:
    """The fields that an error names."""
    details = said.json["error"]["details"]
    return [v["field"] for each in details if each["@type"] == BAD_REQUEST for v in each["fieldViolations"]]


def test_a_token(caller: Caller) -> None:
    """An assertion of the service account is changed for an access token of an hour."""
    said = asked_for_token(caller)
    assert said.status == 200
    assert (said.json["token_type"], said.json["expires_in"]) == ("Bearer", 3600)
    assert asked_for_token(caller, aud=f"{URL}/token").status == 200
    assert asked_for_token(caller, scope="https://www.googleapis.com/auth/cloud-platform x").status == 200


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"iss": "somebody"}, "invalid_grant"),
        ({"aud": "https://example.com"}, "invalid_grant"),
        ({"exp": NOW + 3700}, "invalid_grant"),
        ({"iat": NOW - 4000, "exp": NOW - 400}, "invalid_grant"),
        ({"iat": NOW + 1000, "exp": NOW + 1100}, "invalid_grant"),
        ({"exp": None}, "invalid_grant"),
        ({"scope": "email"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
    ],
)
def test_a_bad_assertion(caller: Caller, claims: dict[str, Any], error: str) -> None:
    """Each claim is checked; the answer is OAuth's."""
    said = asked_for_token(caller, **claims)
    assert (said.status, said.json["error"]) == (400, error)
    assert said.json["error_description"]


def test_what_is_no_assertion(caller: Caller) -> None:
    """Another grant, another key, garbage."""
    assert asked_for_token(caller, grant="password").json["error"] == "unsupported_grant_type"
    foreign = assertion(Caller().services.account.file)
    for text in (foreign, "garbage"):
        said = caller.form("/token", {"grant_type": JWT_BEARER, "assertion": text})
        assert (said.status, said.json["error_description"]) == (400, "Invalid JWT Signature.")


def test_a_message(caller: Caller) -> None:
    """It is given a name, and recorded with its target and the rest of it."""
    said = sent(caller)
    assert said.status == 200
    assert said.json["name"].startswith("projects/pushgate-simulator/messages/0:1700000000000000%")
    [record] = caller.received
    assert (record.service, record.handle, record.id) == ("fcm", "a-device", said.json["name"])
    assert record.headers == {"target": "token"}
    assert msgspec.json.decode(record.payload) == {"data": {"a": "1"}, "notification": {"title": "Hello"}}


@pytest.mark.parametrize("target", [{"fid": "x"}, {"topic": "news"}, {"condition": "'a' in topics"}])
def test_other_targets(caller: Caller, target: dict[str, str]) -> None:
    """A message goes to an installation, a topic or a condition as well."""
    assert sent(caller, target).status == 200
    assert caller.received[0].headers == {"target": next(iter(target))}


def test_validate_only(caller: Caller) -> None:
    """A message may only be checked."""
    assert sent(caller, validate_only=True).json["name"].endswith("/fake_message_id")
    assert (caller.received, caller.summary["frames"]) == ([], 0)


BIG = {"token": "x", "data": {"k": "v" * 4095}}


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (None, "message"),
        ({}, "message"),
        ({"token": "a", "topic": "b"}, "message"),
        ({"token": 1}, "message.token"),
        ({"token": " "}, "message.token"),
        ({"topic": "a b"}, "message.topic"),
        ({"token": "a", "other": 1}, "message"),
        ({"token": "a", "data": []}, "message.data"),
        ({"token": "a", "data": {"k": 1}}, "message.data[0].value"),
        ({"token": "a", "data": {"from": "1"}}, "message.data"),
        ({"token": "a", "data": {"google.x": "1"}}, "message.data"),
        ({"token": "a", "data": {"gcm": "1"}}, "message.data"),
        ({"token": "a", "android": {"data": {"message_type": "1"}}}, "message.android.data"),
        ({"token": "a", "android": []}, "message.android"),
        ({"token": "a", "notification": {"title": 1}}, "message.notification[0].value"),
        ({"token": "a", "apns": {"headers": {"apns-priority": 5}}}, "message.apns.headers[0].value"),
        ({"token": "a", "android": {"ttl": "5"}}, "message.android.ttl"),
        ({"token": "a", "android": {"ttl": 5}}, "message.android.ttl"),
        ({"token": "a", "android": {"ttl": "2419201s"}}, "message.android.ttl"),
        ({"token": "a", "android": {"priority": "low"}}, "message.android.priority"),
        (BIG | {"data": {"k": "v" * 4096}}, "message"),
        ({"topic": "x", "data": {"k": "v" * 2048}}, "message"),
    ],
)
def test_a_bad_message(caller: Caller, message: Any, field: str) -> None:
    """What is wrong is INVALID_ARGUMENT, and the field is named."""
    said = sent(caller, message)
    assert code_of(said) == (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT")
    assert violations(said) == [field]
    assert caller.summary["services"]["fcm"]["rejected"] == {"400": 1}


@pytest.mark.parametrize(
    "message",
    [
        BIG,
        {"topic": "/topics/x", "data": {"k": "v" * 2047}},
        {"token": "a", "android": {"ttl": "3.5s", "priority": "high"}},
        {"token": "a", "android": {"ttl": "2419200s", "priority": "NORMAL"}, "apns": {"headers": {"a": "b"}}},
    ],
)
def test_bounds(caller: Caller, message: Any) -> None:
    """What is just within the limits is taken."""
    assert sent(caller, message).status == 200


def test_no_json(caller: Caller) -> None:
    """A body that is no JSON, and unknown names beside the message."""
    said = caller("POST", SEND, b"{", authorization=authorization(caller))
    assert code_of(said) == (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT")
    assert code_of(sent(caller, other=1))[0] == 400
    assert violations(sent(caller, validate_only="yes")) == ["validate_only"]


def test_credentials(caller: Caller) -> None:
    """Without a good access token the answer is UNAUTHENTICATED, and says why."""
    reasons = []
    expired = authorization(caller)
    caller.now += 3600
    for header in (None, "Bearer x", "Basic eA==", expired):
        said = caller.json(SEND, {"message": MESSAGE}, authorization=header)
        assert code_of(said) == (401, "UNAUTHENTICATED", None)
        assert said.headers["www-authenticate"].startswith("Bearer ")
        reasons.append(said.json["error"]["details"][0]["reason"])
    unknown = "ACCESS_TOKEN_TYPE_UNSUPPORTED"
    assert reasons == ["CREDENTIALS_MISSING", unknown, unknown, "ACCESS_TOKEN_EXPIRED"]


def test_tokens_that_expire_early() -> None:
    """A token may die before its time: by the configuration, or all at once."""
    caller = Caller(access_token_good_for="10s")
    said = asked_for_token(caller)
    assert said.json["expires_in"] == 3600
    header = f"Bearer {said.json['access_token']}"
    assert caller.json(SEND, {"message": MESSAGE}, authorization=header).status == 200
    caller.now += 10
    assert caller.json(SEND, {"message": MESSAGE}, authorization=header).status == 401
    header = authorization(caller)
    caller.services.expire_tokens()
    assert caller.json(SEND, {"message": MESSAGE}, authorization=header).status == 401


def test_another_project(caller: Caller) -> None:
    """The project of the path has to be the account's."""
    said = caller.json(
        "/v1/projects/other/messages:send", {"message": MESSAGE}, authorization=authorization(caller)
    )
    assert code_of(said) == (403, "PERMISSION_DENIED", None)


def test_a_dead_handle(caller: Caller) -> None:
    """It is UNREGISTERED, unless a rule exempts it."""
    assert code_of(sent(caller, {"token": "dead-1"})) == (404, "NOT_FOUND", "UNREGISTERED")
    assert caller.summary["reasons"] == {"UNREGISTERED": 1}
    caller.follow({"act": "pass", "service": "fcm", "handle": "dead-[0-9]"})
    assert sent(caller, {"token": "dead-1"}).status == 200
    assert sent(caller, {"token": "dead-x"}).status == 404


def test_methods_and_paths(caller: Caller) -> None:
    """A known path has its methods; unknown ones are no service's, and Google's hosts have Google's only."""
    said = caller("GET", SEND)
    assert (said.status, said.headers["allow"]) == (405, "POST")
    assert caller("GET", "/").status == 404
    assert caller.form("/token", {}, host="api.amazon.com").status == 400
    assert caller.summary["frames"] == 1


SUBSCRIPTIONS = "/v1/projects/pushgate-simulator/registrations/a-device/topicSubscriptions"


def test_topics(caller: Caller) -> None:
    """A handle is subscribed to a topic and unsubscribed; a second time only where that is allowed."""
    header = authorization(caller)
    said = caller("POST", f"{SUBSCRIPTIONS}?topic_name=news", b"{}", authorization=header)
    assert (said.status, caller.desk._services[0].topics) == (200, {"news": {"a-device"}})
    assert caller("DELETE", f"{SUBSCRIPTIONS}/news", authorization=header).status == 200
    assert code_of(caller("DELETE", f"{SUBSCRIPTIONS}/news", authorization=header))[0] == 404
    assert caller("DELETE", f"{SUBSCRIPTIONS}/news?allow_missing=true", authorization=header).status == 200
    assert caller("POST", f"{SUBSCRIPTIONS}?topic_name=a%20b", authorization=header).status == 400
    assert caller("POST", f"{SUBSCRIPTIONS}?topic_name=a").status == 401
    dead = SUBSCRIPTIONS.replace("a-device", "dead")
    assert caller("POST", f"{dead}?topic_name=news", authorization=header).status == 404
    assert caller.summary["services"]["fcm"]["calls"]["topic 200"] == 3


@pytest.mark.parametrize(
    ("rule", "status", "google", "code"),
    [
        ({"reason": "UNREGISTERED"}, 404, "NOT_FOUND", "UNREGISTERED"),
        ({"reason": "QUOTA_EXCEEDED"}, 429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"),
        ({"reason": "SENDER_ID_MISMATCH"}, 403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"),
        ({"reason": "THIRD_PARTY_AUTH_ERROR"}, 401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"),
        ({"status": 503}, 503, "UNAVAILABLE", "UNAVAILABLE"),
        ({"status": 500}, 500, "INTERNAL", "INTERNAL"),
        ({"status": 401}, 401, "UNAUTHENTICATED", None),
        ({"reason": "PERMISSION_DENIED"}, 403, "PERMISSION_DENIED", None),
        ({"status": 418, "reason": "UNSPECIFIED_ERROR"}, 418, "UNKNOWN", "UNSPECIFIED_ERROR"),
    ],
)
def test_scripted(caller: Caller, rule: dict[str, Any], status: int, google: str, code: str | None) -> None:
    """A rule has every error, in Google's form, and it is counted."""
    caller.follow({"act": "answer", "service": "fcm", **rule})
    said = sent(caller)
    assert code_of(said) == (status, google, code)
    assert caller.summary["services"]["fcm"]["rejected"] == {str(status): 1}
    assert caller.received == []


def test_two_forms_of_a_bad_token(caller: Caller) -> None:
    """Today's answer names the registration token in its text only; the older one has the field as well."""
    caller.follow({"act": "answer", "service": "fcm", "reason": "INVALID_ARGUMENT", "times": 1},
                  {"act": "answer", "service": "fcm", "status": 400, "field": "message.token"})  # fmt: skip
    today, older = sent(caller), sent(caller)
    for said in (today, older):
        assert said.json["error"]["message"] == "The registration token is not a valid FCM registration token"
    assert (violations(today), violations(older)) == ([], ["message.token"])


def test_retry_after(caller: Caller) -> None:
    """A rule adds headers: in seconds, or as a date."""
    caller.follow({"act": "answer", "service": "fcm", "status": 503, "retry_after": "30s", "times": 1},
                  {"act": "answer", "service": "services", "status": 503, "retry_after": "30s",
                   "retry_date": True, "headers": {"X-Other": "1"}})  # fmt: skip
    assert sent(caller).headers["retry-after"] == "30"
    headers = sent(caller).headers
    assert (headers["retry-after"], headers["x-other"]) == ("Tue, 14 Nov 2023 22:13:50 GMT", "1")


def test_a_token_service_that_refuses(caller: Caller) -> None:
    """Rules are about pushes unless they name the token endpoint."""
    caller.follow({"act": "answer", "service": "fcm", "call": "token", "reason": "invalid_grant", "times": 1})
    said = asked_for_token(caller)
    assert (said.status, said.json["error"]) == (400, "invalid_grant")
    assert sent(caller).status == 200


def test_conditions(caller: Caller) -> None:
    """Rules match each nth push of the service, the nth, and by patterns of handles."""
    caller.follow({"act": "answer", "service": "fcm", "status": 503, "every": 3},
                  {"act": "answer", "service": "fcm", "status": 500, "request": 2},
                  {"act": "answer", "service": "webpush", "status": 500},
                  {"act": "answer", "service": "fcm", "status": 404, "handle": "*x"})  # fmt: skip
    tokens = ["a", "b", "c", "dx", "e", "f"]
    assert [sent(caller, {"token": each}).status for each in tokens] == [200, 500, 503, 404, 200, 503]
