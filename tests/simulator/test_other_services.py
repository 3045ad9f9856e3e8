"""ADM, HMS, Baidu and Xiaomi as the simulator speaks them, in memory."""

from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from pushgate.simulator.services.adm import checksum
from pushgate.simulator.services.baidu import sign
from pushgate.simulator.services.directory import APPS
from tests.simulator.service_calls import NOW, Caller, Said


@pytest.fixture
def caller() -> Caller:
    return Caller(dead_handles=["dead*"])


def credentials(service: str, **more: str) -> dict[str, str]:
    app = APPS[service]
    return {
        "grant_type": "client_credentials",
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        **more,
    }


# ADM

ADM = {
    "x_amzn_type_version": "com.amazon.device.messaging.ADMMessage@1.0",
    "x_amzn_accept_type": "com.amazon.device.messaging.ADMSendResult@1.0",
    "content_type": "application/json",
}


def to_adm(caller: Caller, message: Any = None, handle: str = "reg", **headers: str | None) -> Said:
    token = caller.form("/auth/O2/token", credentials("adm", scope="messaging:push")).json["access_token"]
    given = {**ADM, "authorization": f"Bearer {token}", **headers}
    chosen = {"data": {"a": "1"}} if message is None else message
    return caller.json(f"/messaging/registrations/{handle}/messages", chosen, **given)


def test_tokens_of_adm(caller: Caller) -> None:
    """Amazon's scope is needed; a wrong secret is 401."""
    assert caller.form("/auth/O2/token", credentials("adm")).json["error"] == "invalid_scope"
    said = caller.form("/auth/O2/token", {**credentials("adm", scope="messaging:push"), "client_secret": "x"})
    assert (said.status, said.json["error"]) == (401, "invalid_client")
    caller.follow({"act": "answer", "service": "adm", "call": "token", "reason": "invalid_scope"})
    said = caller.form("/auth/O2/token", credentials("adm", scope="messaging:push"))
    assert (said.status, said.json["error"]) == (400, "invalid_scope")


def test_a_message_to_adm(caller: Caller) -> None:
    """The answer names the registration id, or the one that has taken its place."""
    message = {"data": {"b": "2", "a": "1"}, "consolidationKey": "k", "expiresAfter": 60}
    said = to_adm(caller, {**message, "md5": checksum(message["data"])})
    assert (said.status, said.json) == (200, {"registrationID": "reg"})
    caller.services.adm.replaced["reg"] = "other"
    assert to_adm(caller).json == {"registrationID": "other"}
    record = caller.received[0]
    assert (record.handle, msgspec.json.decode(record.payload)) == ("reg", {"b": "2", "a": "1"})
    assert (record.headers["consolidationKey"], record.headers["expiresAfter"]) == ("k", "60")


def test_the_checksum() -> None:
    """Keys are sorted, pairs joined with commas; the MD5 is in base64."""
    assert checksum({"b": "2", "a": "1"}) == checksum({"a": "1", "b": "2"}) == "Xvb142mSeo7pSjdDDASyeA=="


@pytest.mark.parametrize(
    ("message", "status", "reason"),
    [
        ([], 400, "InvalidData"),
        ({}, 400, "InvalidData"),
        ({"data": {"a": 1}}, 400, "InvalidData"),
        ({"data": {"a": "x" * 6144}}, 413, "MessageTooLarge"),
        ({"data": {}, "consolidationKey": "x" * 65}, 400, "InvalidConsolidationKey"),
        ({"data": {}, "consolidationKey": 1}, 400, "InvalidConsolidationKey"),
        ({"data": {}, "expiresAfter": 59}, 400, "InvalidExpiration"),
        ({"data": {}, "expiresAfter": 2_678_401}, 400, "InvalidExpiration"),
        ({"data": {}, "expiresAfter": "60"}, 400, "InvalidExpiration"),
        ({"data": {"a": "1"}, "md5": "x"}, 400, "InvalidChecksum"),
    ],
)
def test_a_bad_message_to_adm(caller: Caller, message: Any, status: int, reason: str) -> None:
    """What is wrong has Amazon's word."""
    said = to_adm(caller, message)
    assert (said.status, said.json) == (status, {"reason": reason})
    assert caller.summary["services"]["adm"]["reasons"] == {reason: 1}


def test_headers_of_adm(caller: Caller) -> None:
    """Token, versions and content type."""
    assert to_adm(caller, authorization="Bearer x").json == {"reason": "AccessTokenExpired"}
    assert to_adm(caller, x_amzn_type_version=None).json == {"reason": "InvalidType"}
    assert to_adm(caller, x_amzn_accept_type="x").json == {"reason": "InvalidType"}
    assert to_adm(caller, content_type="text/plain").json == {"reason": "InvalidData"}
    assert to_adm(caller, handle="dead").json == {"reason": "Unregistered"}


@pytest.mark.parametrize(
    ("rule", "status", "reason"),
    [
        ({"reason": "InvalidRegistrationId"}, 400, "InvalidRegistrationId"),
        ({"status": 429, "retry_after": "10s"}, 429, "MaxRateExceeded"),
        ({"status": 500}, 500, "InternalServerError"),
        ({"status": 503}, 503, "ServiceUnavailable"),
    ],
)
def test_scripted_adm(caller: Caller, rule: dict[str, Any], status: int, reason: str) -> None:
    """A rule has each answer."""
    caller.follow({"act": "answer", "service": "adm", **rule})
    said = to_adm(caller)
    assert (said.status, said.json["reason"]) == (status, reason)


# HMS

HMS = f"/v1/{APPS['hms'].client_id}/messages:send"


def hms_token(caller: Caller) -> str:
    return f"Bearer {caller.form('/oauth2/v3/token', credentials('hms')).json['access_token']}"


def to_hms(caller: Caller, *tokens: Any, authorization: str | None = None, **message: Any) -> Said:
    body = {"message": {"data": "{}", "token": list(tokens), **message}}
    return caller.json(HMS, body, authorization=authorization or hms_token(caller))


def test_a_message_to_hms(caller: Caller) -> None:
    """Each token is a notification."""
    said = to_hms(caller, "a", "b")
    assert (said.status, said.json["code"], said.json["msg"]) == (200, "80000000", "Success")
    assert said.json["requestId"]
    assert [(each.handle, each.payload) for each in caller.received] == [
        ("a", b'{"data":"{}"}'),
        ("b", b'{"data":"{}"}'),
    ]
    body = {"validate_only": True, "message": {"data": "{}", "token": ["a"]}}
    assert caller.json(HMS, body, authorization=hms_token(caller)).json["code"] == "80000000"
    assert caller.summary["frames"] == 2


def test_some_tokens_of_hms(caller: Caller) -> None:
    """What is refused of several is named; when all are, the code says so."""
    said = to_hms(caller, "a", "dead1", "b")
    assert (said.status, said.json["code"]) == (200, "80100000")
    told = msgspec.json.decode(said.json["msg"])
    assert told == {"success": 2, "failure": 1, "illegal_tokens": ["dead1"]}
    assert to_hms(caller, "dead1", "dead2").json["code"] == "80300007"
    summary = caller.summary
    assert (summary["frames"], summary["accepted"], summary["rejected"]) == (5, 2, {"200": 3})
    assert summary["reasons"] == {"80100000": 1, "80300007": 2}


def test_what_hms_refuses(caller: Caller) -> None:
    """The status is 200, the code says why."""
    assert to_hms(caller).json["code"] == "80100001"
    assert to_hms(caller, 1).json["code"] == "80100001"
    assert to_hms(caller, *["x"] * 1001).json["code"] == "80300010"
    assert to_hms(caller, "x", data={}).json["code"] == "80100003"
    assert to_hms(caller, "x", data="x" * 4096).json["code"] == "80300008"
    assert to_hms(caller, "x", authorization="Bearer x").json["code"] == "80200001"
    assert caller("POST", HMS, b"[]", authorization=hms_token(caller)).json["code"] == "80100003"
    header = hms_token(caller)
    assert caller.json("/v1/other/messages:send", {}, authorization=header).json["code"] == "80300002"
    caller.now += 3600
    assert to_hms(caller, "x", authorization=header).json["code"] == "80200003"
    assert caller.form("/oauth2/v3/token", {**credentials("hms"), "client_secret": "x"}).status == 400


def test_scripted_hms(caller: Caller) -> None:
    """A rule has a code, or a status of HTTP's."""
    caller.follow({"act": "answer", "service": "hms", "reason": "80100016", "times": 1},
                  {"act": "answer", "service": "hms", "status": 503, "times": 1},
                  {"act": "answer", "service": "hms", "status": 502, "times": 1},
                  {"act": "answer", "service": "hms", "call": "token", "status": 401})  # fmt: skip
    assert (to_hms_with(caller).status, caller.summary["reasons"]) == (200, {"80100016": 1})
    assert (to_hms_with(caller).status, to_hms_with(caller).status) == (503, 502)
    assert caller.form("/oauth2/v3/token", credentials("hms")).json["error"] == "invalid_client"


def to_hms_with(caller: Caller) -> Said:
    return to_hms(caller, "a", authorization="Bearer x")


# HMS, version 3

ALERT = {"notification": {"category": "IM", "title": "Hi", "body": "there"}}


def harmony_token(caller: Caller, key: Any = None, kid: str | None = None, **changes: Any) -> str:
    """A token of the account, by its own key or another, with other claims; None leaves one out."""
    account = msgspec.json.decode(caller.services.harmony.file.read_bytes())
    usual = {"iss": account["sub_account"], "aud": account["token_uri"], "iat": NOW, "exp": NOW + 3600}
    claims = {name: value for name, value in {**usual, **changes}.items() if value is not None}
    header = {"kid": account["key_id"] if kid is None else kid}
    return f"Bearer {jwt.encode(claims, key or account['private_key'], 'PS256', header)}"


def to_harmony(
    caller: Caller, *tokens: Any, authorization: str | None = None, push_type: str | None = "0", **body: Any
) -> Said:
    path = f"/v3/{caller.services.harmony.project}/messages:send"
    given = {"payload": ALERT, "target": {"token": list(tokens)}, **body}
    return caller.json(path, given, authorization=authorization or harmony_token(caller), push_type=push_type)


def test_a_message_to_harmony(caller: Caller) -> None:
    """Each token is a notification; the push type is on record."""
    said = to_harmony(caller, "a", "b", pushOptions={"ttl": 60})
    assert (said.status, said.json["code"], said.json["msg"]) == (200, "80000000", "Success")
    found = [(each.handle, msgspec.json.decode(each.payload), each.headers) for each in caller.received]
    body = {"payload": ALERT, "pushOptions": {"ttl": 60}}
    assert found == [(each, body, {"push-type": "0"}) for each in ("a", "b")]
    assert to_harmony(caller, "a", push_type="6", payload={"extraData": "x"}).json["code"] == "80000000"


def test_some_tokens_of_harmony(caller: Caller) -> None:
    """Refused ones are named by reason, one level deeper than in version 1."""
    said = to_harmony(caller, "a", "dead1", "b")
    assert (said.status, said.json["code"]) == (200, "80100000")
    told = msgspec.json.decode(said.json["msg"])
    assert told == {"success": 2, "failure": 1, "illegalTokens": {"tokenFormatError": ["dead1"]}}
    said = to_harmony(caller, "dead1", "dead2")
    assert said.json["code"] == "80300007"
    told = msgspec.json.decode(said.json["msg"])["illegalTokens"]
    assert told == {"tokenFormatError": ["dead1", "dead2"]}
    assert caller.summary["reasons"] == {"80100000": 1, "80300007": 2}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kid": "another"}, "80200001"),
        ({"iss": "1"}, "80200001"),
        ({"aud": "https://oauth2.googleapis.com/token"}, "80200001"),
        ({"aud": None}, "80200001"),
        ({"exp": None}, "80200001"),
        ({"iat": NOW - 7200, "exp": NOW - 3600}, "80200005"),
        ({"iat": NOW + 3600, "exp": NOW + 7200}, "80200005"),
        ({"exp": NOW + 86401}, "80300036"),
        ({"key": generate_private_key(65537, 2048)}, "80200001"),
    ],
)
def test_tokens_of_harmony(caller: Caller, change: dict[str, Any], code: str) -> None:
    """Key, key id, sub-account, audience and times of a token are looked at."""
    said = to_harmony(caller, "a", authorization=harmony_token(caller, **change))
    assert (said.status, said.json["code"]) == (200, code)
    assert caller.received == []


def test_what_harmony_refuses(caller: Caller) -> None:
    """The status is 200, the code says why."""

    def code(*tokens: Any, **more: Any) -> str:
        found: str = to_harmony(caller, *tokens, **more).json["code"]
        return found

    assert code("a", authorization=hms_token(caller)) == "80200001"
    assert {code("a", push_type=each) for each in (None, "", "alert", "3")} == {"80100001"}
    assert {code("a", payload=each) for each in ([], {}, {"notification": 1}, None)} == {"80100003"}
    assert (code(), code(1), code("a", target=[])) == ("80100001",) * 3
    assert {code("a", pushOptions=each) for each in ([], {"ttl": "1"}, {"ttl": 0}, {"ttl": 1296001})} == {
        "80100001"
    }
    assert code(*["x"] * 1001) == "80300010"
    assert code("a", payload={**ALERT, "more": "x" * 4096}) == "80300008"
    header = harmony_token(caller)
    assert caller.json("/v3/other/messages:send", {}, authorization=header).json["code"] == "80300002"
    path = f"/v3/{caller.services.harmony.project}/messages:send"
    assert caller("POST", path, b"[]", authorization=header, push_type="0").json["code"] == "80100003"


def test_scripted_harmony(caller: Caller) -> None:
    """The rules about the service hold for both versions."""
    caller.follow({"act": "answer", "service": "hms", "handle": "a*", "reason": "80300036", "times": 1},
                  {"act": "answer", "service": "hms", "status": 503, "times": 1})  # fmt: skip
    assert to_harmony(caller, "b").status == 503
    assert to_harmony(caller, "a1").json["code"] == "80300036"
    assert to_harmony(caller, "a1").json["code"] == "80000000"


# Baidu

BAIDU = "/rest/3.0/push/single_device"


def to_baidu(caller: Caller, secret: str = "", scheme: str = "https", **changes: Any) -> Said:
    given: dict[str, Any] = {
        "apikey": APPS["baidu"].client_id, "timestamp": str(NOW), "channel_id": "42", "msg_type": "1",
        "msg": '{"title": "~ a&b*"}', "device_type": "3", **changes,
    }  # fmt: skip
    fields = {name: value for name, value in given.items() if value is not None}
    secret = secret or APPS["baidu"].client_secret
    signed = sign("POST", f"{scheme}://localhost:2198{BAIDU}", fields, secret)
    return caller.form(BAIDU, {"sign": signed, **fields})


def test_the_signature() -> None:
    """The base string of the vendor's example."""
    fields = {"apikey": "Ljc710pzAa99GULCo8y48NvB", "expires": "1313293565", "timestamp": "1427180905"}
    url, secret = "http://api.tuisong.baidu.com/rest/3.0/test/echo", "87772555E1C16715EBA5C85341684C58"
    assert sign("POST", url, fields, secret) == "7d14113142e2a1583b4e9dad3fba73d0"


def test_a_message_to_baidu(caller: Caller) -> None:
    """It is given an id; either scheme may have been signed."""
    said = to_baidu(caller)
    assert said.status == 200
    assert said.json["response_params"]["msg_id"] == caller.received[0].id
    record = caller.received[0]
    assert (record.handle, record.payload) == ("42", b'{"title": "~ a&b*"}')
    assert record.headers == {"msg_type": "1", "device_type": "3"}
    assert to_baidu(caller, scheme="http", msg_type="0", msg="text").status == 200


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"secret": "x"}, 403, 30603),
        ({"apikey": "x"}, 403, 30603),
        ({"timestamp": str(NOW - 601)}, 408, 30606),
        ({"expires": str(NOW - 1)}, 408, 30606),
        ({"timestamp": None}, 400, 30602),
        ({"channel_id": None}, 400, 30602),
        ({"msg": None}, 400, 30602),
        ({"msg": "x" * 4097}, 400, 30602),
        ({"msg": "x"}, 400, 30602),
        ({"msg": "[]"}, 400, 30602),
        ({"msg_type": "2"}, 400, 30602),
        ({"device_type": "5"}, 400, 30602),
        ({"msg_expires": "604801"}, 400, 30602),
        ({"channel_id": "dead"}, 404, 30608),
    ],
)
def test_what_baidu_refuses(caller: Caller, changes: dict[str, Any], status: int, code: int) -> None:
    """Each with its code."""
    said = to_baidu(caller, **changes)
    assert (said.status, said.json["error_code"]) == (status, code)
    assert said.json["error_msg"]


def test_scripted_baidu(caller: Caller) -> None:
    """A rule has each code; a body that is no form is refused."""
    caller.follow({"act": "answer", "service": "baidu", "reason": "30699"})
    assert to_baidu(caller).json["error_code"] == 30699
    caller.follow()
    assert caller.json(BAIDU, {}).json["error_code"] == 30602


# Xiaomi

XIAOMI = {
    "restricted_package_name": "com.example.demo",
    "title": "Hello",
    "description": "You",
    "notify_type": "-1",
}


def to_xiaomi(caller: Caller, handles: str = "a", **changes: Any) -> Said:
    key = changes.pop("key", APPS["xiaomi"].client_secret)
    fields = {"registration_id": handles, "payload": "x%3Dy", **XIAOMI, **changes}
    given = {name: value for name, value in fields.items() if value is not None}
    return caller.form("/v3/message/regid", given, authorization=f"key={key}")


def test_a_message_to_xiaomi(caller: Caller) -> None:
    """Each registration id is a notification; what is dead among several is named."""
    said = to_xiaomi(caller)
    assert (said.status, said.json["result"], said.json["code"]) == (200, "ok", 0)
    assert said.json["trace_id"]
    record = caller.received[0]
    assert (record.handle, record.payload, record.id) == ("a", b"x=y", said.json["data"]["id"])
    assert record.headers == XIAOMI
    assert to_xiaomi(caller, "a,dead,b").json["data"]["bad_regids"] == "dead"
    summary = caller.summary
    assert (summary["frames"], summary["accepted"], summary["rejected"]) == (4, 3, {"200": 1})
    assert to_xiaomi(caller, title=None, description=None, pass_through="1").json["code"] == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"key": "x"}, 21301),
        ({"handles": ""}, 10016),
        ({"title": None}, 10016),
        ({"restricted_package_name": None}, 10016),
        ({"pass_through": "1", "payload": None}, 10016),
        ({"pass_through": "2"}, 10017),
        ({"title": "x" * 51}, 10017),
        ({"description": "x" * 129}, 10017),
        ({"time_to_live": "x"}, 10017),
        ({"notify_type": "x"}, 10017),
        ({"payload": "x" * 4097}, 66108),
        ({"handles": "dead1,dead2"}, 20301),
    ],
)
def test_what_xiaomi_refuses(caller: Caller, changes: dict[str, Any], code: int) -> None:
    """The status is 200, the code says why."""
    said = to_xiaomi(caller, **changes)
    assert (said.status, said.json["result"], said.json["code"]) == (200, "error", code)
    assert {"reason", "description", "info", "trace_id"} <= said.json.keys()


def test_scripted_xiaomi(caller: Caller) -> None:
    """A rule has a code, or a status of HTTP's."""
    caller.follow({"act": "answer", "service": "xiaomi", "reason": "200001", "times": 1},
                  {"act": "answer", "service": "xiaomi", "status": 503})  # fmt: skip
    assert to_xiaomi(caller).json["code"] == 200001
    said = to_xiaomi(caller)
    assert (said.status, said.json["code"]) == (503, 10002)
