"""Web Push as the simulator speaks it, in memory: VAPID, headers, decryption, errors in autopush's form."""

import os
from base64 import urlsafe_b64decode
from typing import Any

import http_ece
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pushgate.model.errors import Invalid
from pushgate.simulator.services.aes128gcm import Undecipherable, decrypt
from pushgate.simulator.services.subscriptions import SubscriptionRequest, unpadded
from tests.simulator.service_calls import NOW, URL, Caller, Said

KEY = generate_private_key(SECP256R1())
OTHER = generate_private_key(SECP256R1())
CLAIMS = {"aud": URL, "exp": NOW + 3600, "sub": "mailto:someone@example.com"}


def public(key: EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def vapid(
    key: EllipticCurvePrivateKey = KEY, named: EllipticCurvePrivateKey | None = None, **claims: Any
) -> str:
    """A header; None leaves a claim out."""
    chosen = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    token = jwt.encode(chosen, key, "ES256")
    return f"vapid t={token}, k={unpadded(public(named or key))}"


def encrypted(subscription: dict[str, Any], text: bytes, size: int = 4096) -> bytes:
    """A message as another implementation encrypts it."""
    keys = {name: urlsafe_b64decode(value + "==") for name, value in subscription["keys"].items()}
    return http_ece.encrypt(
        text,
        private_key=generate_private_key(SECP256R1()),
        dh=keys["p256dh"],
        auth_secret=keys["auth"],
        rs=size,
        version="aes128gcm",
    )


class Browser:
    """A caller, with one subscription."""

    def __init__(self, **wanted: Any) -> None:
        self.caller = Caller(dead_handles=["dead*"])
        subscriptions = self.caller.services.webpush.subscriptions
        [self.subscription] = subscriptions.make(SubscriptionRequest(**wanted), URL)

    def push(self, text: bytes = b"hello", **headers: str | None) -> Said:
        given = {"ttl": "60", "authorization": vapid(), "content_encoding": "aes128gcm", **headers}
        body = encrypted(self.subscription, text) if text else b""
        return self.raw(body, **given)

    def raw(self, body: bytes, **headers: str | None) -> Said:
        return self.caller("POST", self.subscription["endpoint"].removeprefix(URL), body, **headers)


@pytest.fixture
def browser() -> Browser:
    return Browser()


def test_a_push(browser: Browser) -> None:
    """It is 201 with the URL of the message, and recorded as it was before it was encrypted."""
    said = browser.push(topic="score", urgency="high")
    assert (said.status, said.headers["ttl"], said.body) == (201, "60", b"")
    [record] = browser.caller.received
    assert said.headers["location"] == f"{URL}/m/{record.id}"
    assert f"{URL}/wpush/{record.handle}" == browser.subscription["endpoint"]
    assert (record.service, record.payload) == ("webpush", b"hello")
    assert record.headers == {"ttl": "60", "topic": "score", "urgency": "high"}


def test_nothing_to_say(browser: Browser) -> None:
    """A push may have no body; the time to live is cut to 30 days."""
    said = browser.push(b"", content_encoding=None, ttl="9999999")
    assert (said.status, said.headers["ttl"]) == (201, "2592000")
    assert browser.caller.received[0].payload == b""


@pytest.mark.parametrize(
    ("headers", "status", "errno"),
    [
        ({"ttl": None}, 400, 111),
        ({"ttl": "-1"}, 400, 112),
        ({"ttl": "soon"}, 400, 112),
        ({"topic": "a b"}, 400, 113),
        ({"topic": "a" * 33}, 400, 113),
        ({"urgency": "urgent"}, 400, 111),
        ({"content_encoding": "aesgcm"}, 400, 101),
        ({"content_encoding": None}, 400, 101),
        ({"authorization": None}, 401, 109),
        ({"authorization": "WebPush abc"}, 401, 109),
        ({"authorization": "vapid t=abc"}, 401, 109),
        ({"authorization": "vapid t=abc, k=abc"}, 401, 109),
        ({"authorization": vapid(OTHER, named=KEY)}, 401, 109),
        ({"authorization": vapid(aud="https://example.com")}, 401, 109),
        ({"authorization": vapid(exp=NOW)}, 401, 109),
        ({"authorization": vapid(exp=None)}, 401, 109),
        ({"authorization": vapid(exp=NOW + 86_401)}, 401, 109),
        ({"authorization": vapid(sub=None)}, 401, 109),
        ({"authorization": vapid(sub="someone")}, 401, 109),
    ],
)
def test_bad_headers(browser: Browser, headers: dict[str, str | None], status: int, errno: int) -> None:
    """Each is refused with its number."""
    said = browser.push(**headers)
    assert (said.status, said.json["code"], said.json["errno"]) == (status, status, errno)
    assert said.json["error"]
    assert said.json["message"]
    assert browser.caller.summary["services"]["webpush"]["rejected"] == {str(status): 1}


def test_good_vapid(browser: Browser) -> None:
    """A whole day ahead, an https: subject, and quotes are good."""
    header = vapid(exp=NOW + 86_400, sub="https://example.com").replace("t=", 't="').replace(",", '",')
    assert browser.push(authorization=header).status == 201


def test_another_key(browser: Browser) -> None:
    """The first key that pushes is the only one; 403 for others, and for none but the one it was made for."""
    assert browser.push(authorization=vapid()).status == 201
    said = browser.push(authorization=vapid(OTHER))
    assert (said.status, said.json["errno"]) == (403, 109)
    bound = Browser(key=unpadded(public(OTHER)))
    assert bound.push(authorization=vapid()).status == 403
    assert bound.push(authorization=vapid(OTHER)).status == 201


def test_endpoints(browser: Browser) -> None:
    """An unknown endpoint is 404, a dead one 410, another method 405."""
    said = browser.caller("POST", "/wpush/unknown", ttl="0")
    assert (said.status, said.json["errno"]) == (404, 102)
    said = Browser(prefix="dead-").push()
    assert (said.status, said.json["errno"]) == (410, 106)
    assert browser.caller("GET", "/wpush/unknown").status == 405


def test_sizes(browser: Browser) -> None:
    """A body may have 4096 bytes: 3993 of plaintext."""
    assert browser.push(b"x" * 3993).status == 201
    said = browser.push(b"x" * 3994)
    assert (said.status, said.json["errno"]) == (413, 104)


def test_what_cannot_be_decrypted(browser: Browser) -> None:
    """A body for another browser, or garbage, is refused, where the real service could not know."""
    body = encrypted(Browser().subscription, b"hello")
    given = {"ttl": "0", "authorization": vapid(), "content_encoding": "aes128gcm"}
    for each in (body, b"garbage"):
        said = browser.raw(each, **given)
        assert (said.status, said.json["errno"]) == (400, 110)


@pytest.mark.parametrize("reason", ["101", "103", "105", "106", "201", "202", "902", "999"])
def test_scripted(browser: Browser, reason: str) -> None:
    """A rule names autopush's number."""
    browser.caller.follow({"act": "answer", "service": "webpush", "reason": reason})
    assert browser.push().json["errno"] == int(reason)


def test_too_many(browser: Browser) -> None:
    """429 by status alone, with the time to wait."""
    browser.caller.follow({"act": "answer", "service": "webpush", "status": 429, "retry_after": "5m"})
    said = browser.push()
    assert (said.status, said.headers["retry-after"], said.json["error"]) == (429, "300", "Too Many Requests")


def test_bad_subscriptions() -> None:
    """A number, a prefix or a key that cannot be is told."""
    subscriptions = Caller().services.webpush.subscriptions
    for wanted in ({"count": 0}, {"prefix": "a/b"}, {"key": "abc"}, {"key": "é"}):
        with pytest.raises(Invalid):
            subscriptions.make(SubscriptionRequest(**wanted), URL)


# the decryption by itself


def text(value: str) -> bytes:
    return urlsafe_b64decode(value + "==")


def test_the_example_of_the_rfc() -> None:
    """RFC 8291 5."""
    number = int.from_bytes(text("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), "big")
    from cryptography.hazmat.primitives.asymmetric.ec import derive_private_key

    body = text(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6"
        "PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    plain = decrypt(body, derive_private_key(number, SECP256R1()), text("BTBZMqHH6r4Tts7J_aSIgg"))
    assert plain == b"When I grow up, I want to be a watermelon"


def test_several_records() -> None:
    """RFC 8188 has records; a message may come in more than one, and cannot be cut or rearranged."""
    private, auth = generate_private_key(SECP256R1()), os.urandom(16)
    keys = {"p256dh": unpadded(public(private)), "auth": unpadded(auth)}
    body = encrypted({"keys": keys}, b"0123456789" * 10, size=40)
    assert decrypt(body, private, auth) == b"0123456789" * 10
    for bad in (
        body[:-1],
        body[:126],
        body[:86] + body[126:],
        body[:86],
        body[:40],
        body[:18] + b"\0\1" + body[20:],
    ):
        with pytest.raises(Undecipherable):
            decrypt(bad, private, auth)


def test_a_sender_that_is_no_point() -> None:
    """A key that is not on the curve is refused."""
    private = generate_private_key(SECP256R1())
    body = bytes(16) + (4096).to_bytes(4, "big") + b"\x41" + b"\4" + bytes(64) + bytes(20)
    with pytest.raises(Undecipherable):
        decrypt(body, private, bytes(16))
