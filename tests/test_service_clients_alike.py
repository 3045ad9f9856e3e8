"""What official clients of push services send, unmodified, and what our upstreams send: field by field.

Each client sends the same to one simulator. Whatever differs after that stands in a table here with its reason.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from pushgate.model.notification import Priority
from pushgate.plugins import builtin
from pushgate.protocols.http_push.ttl import FOUR_WEEKS
from pushgate.simulator.services.subscriptions import SubscriptionRequest, unpadded
from tests.client_programs import node, python, said_by
from tests.request_tap import RequestTap, SeenRequest
from tests.service_rig import ServiceCase, ServiceRig

NOW: Final = int(time.time())
"""The clock of our gateways stands still; that of the clients cannot."""
WHY: Final = {
    "accept": "libraries for HTTP say that they take anything, which is so without it; of a token service we ask for JSON",
    "accept-encoding": "answers are a line of JSON, or nothing: we do not have them compressed",
    "access_token_auth": "of the service for topics that there was before; sends need none of it",
    "connection": "of HTTP/1.1, where it is the default; HTTP/2 has none",
    "content-length": "HTTP/2 says where a body ends; services that want it get it, see WNS",
    "content-type": "RFC 8030 asks for none, and what is encrypted has no type that anybody could see",
    "ttl": "pywebpush keeps a message for nobody who is away; web-push and we do for four weeks",
    "urgency": "we say so when it is normal, as web-push does; pywebpush leaves the service its default, normal",
    "user-agent": "names a library",
    "x-firebase-client": "counts the users of an SDK",
    "x-goog-api-client": "counts the users of an SDK",
    "x-goog-api-format-version": "the form of errors; the API that is for JSON has that one only",
}
"""Headers that one of two has, or that say something else, and why that means nothing to the service."""
_LIBRARY: Final = {"accept", "accept-encoding", "user-agent"}
_HTTP1: Final = {"connection", "content-length"}
_OF_PYPI: Final = {*_LIBRARY, "x-firebase-client", "x-goog-api-client", "x-goog-api-format-version"}
DIFFERENT: Final = {
    "firebase-admin of PyPI": _OF_PYPI | _HTTP1,
    "firebase-admin of PyPI, HTTP/2": {*_OF_PYPI, "content-length"},
    "firebase-admin of npm": {*_HTTP1, "access_token_auth", "x-firebase-client", "x-goog-api-client"},
    "google-auth": {*_LIBRARY, *_HTTP1, "x-goog-api-client"},
    "google-auth-library": {*_HTTP1, "accept-encoding", "user-agent", "x-goog-api-client"},
    "web-push": _HTTP1,
    "pywebpush": {*_LIBRARY, *_HTTP1, "content-type"},
    "pywebpush, nothing": _LIBRARY | _HTTP1,
    "pywebpush, defaults": {*_LIBRARY, *_HTTP1, "content-type", "ttl", "urgency"},
}
"""Those that differ, by the client, and behind a comma by the message where it has others."""


def headers(request: SeenRequest) -> dict[str, str]:
    """Headers with one spelling for what has several, without the host, which is where each was told to go.

    A media type may have a charset behind it, which JSON and forms do not know; what authenticates is
    compared by itself.
    """
    found = {name: value for name, value in request.headers.items() if name != "host"}
    shown = {"content-type": request.media_type, "authorization": request.scheme}
    return found | {name: value for name, value in shown.items() if name in found}


def differing(ours: SeenRequest, theirs: SeenRequest) -> set[str]:
    """Names of headers that only one has, or of which the values differ."""
    return {name for name, _ in headers(ours).items() ^ headers(theirs).items()}


def decoded(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header and the claims of a JWT."""
    return jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})


class Message(NamedTuple):
    """One message, as each asks for it.

    :param official: arguments of firebase-admin of PyPI. That of npm has its own spelling, see `in_camel`.
    :param target: for us.
    :param payload: for us: Google's JSON.
    :param terms: for us.
    """

    official: dict[str, Any]
    target: str
    payload: dict[str, Any]
    terms: Mapping[str, Any] = MappingProxyType({})


WEB = {"headers": {"TTL": "60", "Urgency": "high"}, "notification": {"title": "In a browser"}}
APS = {"headers": {"apns-priority": "5", "apns-topic": "com.example.news"}, "payload": {"aps": {"badge": 3}}}
SHOWN = {"title": "Grüße, 世界 🎉", "body": 'a "quoted" \\ text\n', "image": "https://example.org/a.png"}
DATA = {"id": "17", "empty": "", "tricky": '{"a":"</script>"}'}

MESSAGES: Final = {
    "everything": Message(
        {
            "token": "cXyz:APA91b-everything_1",
            "notification": SHOWN,
            "data": DATA,
            "android": {
                "ttl": 3600, "priority": "high", "collapse_key": "score", "data": {"only": "Android"},
                "restricted_package_name": "com.example.news", "notification": {"channel_id": "goals", "icon": "ball"},
            },
            "webpush": WEB,
            "apns": {**APS, "payload": {"aps": {"badge": 3, "alert": {"title": "Apple", "loc_key": "GOAL"}}}},
            "fcm_options": {"analytics_label": "goals"},
        },
        "cXyz:APA91b-everything_1",
        {
            "notification": SHOWN,
            "data": DATA,
            "android": {
                "ttl": "3600s", "priority": "HIGH", "collapseKey": "score", "data": {"only": "Android"},
                "restrictedPackageName": "com.example.news", "notification": {"channelId": "goals", "icon": "ball"},
            },
            "webpush": WEB,
            "apns": {**APS, "payload": {"aps": {"badge": 3, "alert": {"title": "Apple", "loc-key": "GOAL"}}}},
            "fcmOptions": {"analyticsLabel": "goals"},
        },
    ),
    "topic": Message({"topic": "news", "data": DATA}, "topic:news", {"data": DATA}),
    "topic with a prefix": Message({"topic": "/topics/more", "data": DATA}, "/topics/more", {"data": DATA}),
    "condition": Message(
        {"condition": "'a' in topics && ('b-1' in topics || 'c' in topics)", "notification": SHOWN},
        "condition:'a' in topics && ('b-1' in topics || 'c' in topics)",
        {"notification": SHOWN},
    ),
    "installation id": Message({"fid": "fid-of-an-app_1234567", "data": DATA}, "fid:fid-of-an-app_1234567", {"data": DATA}),
    "a whole body": Message({"token": "whole", "data": DATA}, "whole", {"message": {"data": DATA}}),
    "a part of a second": Message(
        {"token": "half", "android": {"ttl": 3.5}}, "half", {"android": {"ttl": "3.500000000s"}}
    ),
    "expiration": Message(
        {
            "token": "expires",
            "data": DATA,
            "android": {"ttl": 60},
            "apns": {"headers": {"apns-expiration": str(NOW + 60)}},
            "webpush": {"headers": {"TTL": "60"}},
        },
        "expires",
        {"data": DATA},
        {"expiration": NOW + 60},
    ),
    "at once or never": Message(
        {
            "token": "now",
            "android": {"ttl": 0},
            "apns": {"headers": {"apns-expiration": "0"}},
            "webpush": {"headers": {"TTL": "0"}},
        },
        "now",
        {},
        {"expiration": 0},
    ),
    "urgent": Message({"token": "urgent", "android": {"priority": "high"}}, "urgent", {}, {"priority": Priority.URGENT}),
    "bulk": Message({"token": "bulk", "android": {"priority": "normal"}}, "bulk", {}, {"priority": Priority.BULK}),
    "collapse id": Message(
        {
            "token": "collapse",
            "android": {"collapse_key": "score"},
            "apns": {"headers": {"apns-collapse-id": "score"}},
        },
        "collapse",
        {},
        {"collapse_id": "score"},
    ),
}  # fmt: skip
OFFICIAL: Final = [each.official for each in MESSAGES.values()]
OPAQUE: Final = {"data", "headers", "payload", "webpush.notification"}
"""Parts whose names are the sender's own, and are compared as they are."""


def normal(value: Any, place: str = "") -> Any:
    """A body with one spelling for what Google's JSON of protocol buffers reads in several ways.

    The names of fields may be in camel case or have underscores; a value of an enumeration is a name in any
    case; a duration has any number of decimal places; the order of fields means nothing.
    """
    name = place.rpartition(".")[2]
    if place == "message.android.priority":
        return value.upper()
    if place == "message.android.ttl":
        return float(value.removesuffix("s"))
    if not isinstance(value, dict) or name in OPAQUE or place.removeprefix("message.") in OPAQUE:
        return value
    found = {spelt(key): each for key, each in value.items()}
    return {key: normal(each, f"{place}.{key}" if place else key) for key, each in found.items()}


def spelt(name: str) -> str:
    """The name of a field with underscores."""
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name)


def in_camel(message: dict[str, Any]) -> dict[str, Any]:
    """The same message for firebase-admin of npm: names in camel case, milliseconds, an image's URL."""

    def camel(name: str) -> str:
        first, *rest = name.split("_")
        return "imageUrl" if name == "image" else first + "".join(each.title() for each in rest)

    def converted(value: Any, place: str) -> Any:
        if place == "ttl":
            return value * 1000
        if place in {"data", "headers"} or not isinstance(value, dict):
            return value
        return {camel(key): converted(each, key) for key, each in value.items()}

    return {camel(key): converted(each, key) for key, each in message.items()}


IN_CAMEL: Final = [in_camel(each) for each in OFFICIAL]


def target_of(request: SeenRequest) -> tuple[str, str]:
    """The kind of target of a message, and the target."""
    message = json.loads(request.body)["message"]
    [kind] = message.keys() & {"token", "fid", "topic", "condition"}
    return kind, message[kind]


class FcmTests(ServiceCase):
    """firebase-admin, and our upstream `fcm`."""

    timeout = 60

    async def both(
        self, command: list[str], messages: list[Any], validate_only: bool = False, **task: Any
    ) -> list[list[SeenRequest]]:
        """What we send, and what a client sends; first the request for a token."""
        rig = self.made(wall=lambda: float(NOW))
        tap = RequestTap(rig.simulator)
        table = {"host": "localhost", "validate_only": validate_only}
        account = rig.simulator.services.account.file
        await rig.begin(builtin.fcm, lambda _: {**table, "service_account_file": account})
        for each in MESSAGES.values():
            await rig.send([each.target], json.dumps(each.payload).encode(), **each.terms)
        await rig.settled()
        ours = tap.taken()
        where = {"url": rig.simulator.services_url, "account": str(account)}
        said = await said_by(
            rig.simulator, command, {**where, **task, "messages": messages, "dry_run": validate_only}
        )
        self.assertEqual({each.rpartition("/")[0] for each in said}, {"projects/pushgate-simulator/messages"})
        return [ours, tap.taken()]

    async def compare(self, name: str, command: list[str], messages: list[Any], **task: Any) -> None:
        """Compare everything but the tokens; the name is the client's in `DIFFERENT`."""
        [_, *ours], [_, *theirs] = await self.both(command, messages, **task)
        self.assertEqual([len(ours), len(theirs)], [len(MESSAGES)] * 2)
        by_target = {target_of(each): each for each in theirs}
        for message, mine in zip(MESSAGES, ours, strict=True):
            other = by_target[target_of(mine)]
            self.assertEqual(normal(json.loads(mine.body)), normal(json.loads(other.body)), message)
            self.assertEqual((mine.method, mine.path), (other.method, other.path))
            self.assertEqual(differing(mine, other), DIFFERENT[name])
        self.assertEqual({each.scheme for each in ours}, {"bearer"})

    async def test_pypi(self) -> None:
        """`send` of firebase-admin from PyPI, over HTTP/1.1."""
        await self.compare("firebase-admin of PyPI", python("firebase_messages"), OFFICIAL)

    async def test_pypi_over_http2(self) -> None:
        """Its `send_each_async`."""
        command = python("firebase_messages")
        await self.compare("firebase-admin of PyPI, HTTP/2", command, OFFICIAL, http2=True)

    async def test_npm(self) -> None:
        """`send` of firebase-admin from npm, over HTTP/1.1."""
        await self.compare("firebase-admin of npm", node("firebase_messages.js"), IN_CAMEL)

    async def test_checked_only(self) -> None:
        """Their dry run is our `validate_only`."""
        command = python("firebase_messages")
        await self.compare("firebase-admin of PyPI", command, OFFICIAL, validate_only=True)

    async def test_checked_only_of_npm(self) -> None:
        """So is that of npm."""
        command = node("firebase_messages.js")
        await self.compare("firebase-admin of npm", command, IN_CAMEL, validate_only=True)

    async def compare_tokens(
        self, name: str, command: list[str], messages: list[Any], ours_only: tuple[str, ...] = ()
    ) -> None:
        """Compare requests for access tokens.

        :param ours_only: what only the header of our assertion has.
        """
        [ours, *_], [theirs, *_] = await self.both(command, messages[:1])
        self.assertEqual((ours.method, ours.path), (theirs.method, theirs.path))
        self.assertEqual(differing(ours, theirs), DIFFERENT[name])
        mine, other = (dict(parse_qsl(each.body.decode(), strict_parsing=True)) for each in (ours, theirs))
        (head, claims), (other_head, others) = decoded(mine.pop("assertion")), decoded(other.pop("assertion"))
        self.assertEqual(mine, other)
        self.assertEqual({key: value for key, value in head.items() if key not in ours_only}, other_head)
        self.assertEqual([each.pop("exp") - each["iat"] for each in (claims, others)], [3600, 3600])
        self.assertEqual(claims.pop("iat"), NOW)
        self.assertLess(abs(others.pop("iat") - time.time()), 60)
        # Theirs is for all of Firebase; ours is for nothing but to send.
        self.assertEqual(claims.pop("scope"), "https://www.googleapis.com/auth/firebase.messaging")
        self.assertIn("https://www.googleapis.com/auth/cloud-platform", others.pop("scope").split())
        self.assertEqual(claims, others)
        self.assertEqual(claims.keys(), {"iss", "aud"})

    async def test_google_auth(self) -> None:
        """What firebase-admin from PyPI has its access tokens from."""
        await self.compare_tokens("google-auth", python("firebase_messages"), OFFICIAL)

    async def test_google_auth_library(self) -> None:
        """That from npm: its assertion does not say that it is a JWT, nor which key of the account signed it."""
        command = node("firebase_messages.js")
        await self.compare_tokens("google-auth-library", command, IN_CAMEL, ours_only=("kid", "typ"))


class Push(NamedTuple):
    """One message to a browser.

    :param npm: options of web-push.
    :param pypi: of pywebpush.
    :param terms: for us.
    """

    data: str | None
    npm: dict[str, Any]
    pypi: dict[str, Any]
    terms: dict[str, Any]


PUSHES: Final = {
    "everything": Push(
        "Hello, café 🎉",
        {"TTL": 60, "urgency": "high", "topic": "score"},
        {"ttl": 60, "headers": {"Urgency": "high", "Topic": "score"}},
        {"expiration": NOW + 60, "priority": Priority.URGENT, "collapse_id": "score"},
    ),
    "at once or never": Push(
        "now",
        {"TTL": 0, "urgency": "low"},
        {"ttl": 0, "headers": {"Urgency": "low"}},
        {"expiration": 0, "priority": Priority.LOW},
    ),
    "the longest": Push(
        "x" * 3993,
        {"TTL": FOUR_WEEKS, "urgency": "normal", "topic": "t" * 32},
        {"ttl": FOUR_WEEKS, "headers": {"Urgency": "normal", "Topic": "t" * 32}},
        {"expiration": NOW + FOUR_WEEKS, "priority": Priority.BULK, "collapse_id": "t" * 32},
    ),
    "nothing": Push(
        None, {"TTL": 60}, {"ttl": 60, "headers": {"Urgency": "normal"}}, {"expiration": NOW + 60}
    ),
    "defaults": Push("defaults", {}, {}, {}),
}
KEY: Final = generate_private_key(SECP256R1())
PUBLIC: Final = unpadded(KEY.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
SUBJECT: Final = "mailto:someone@example.com"


def vapid(request: SeenRequest) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The key that authenticates, and header and claims of its token. A blank may follow the comma."""
    scheme, _, rest = request.headers["authorization"].partition(" ")
    fields = dict(each.strip().split("=", 1) for each in rest.split(","))
    assert (scheme, fields.keys()) == ("vapid", {"t", "k"})
    return (fields["k"], *decoded(fields["t"]))


def coding(body: bytes) -> tuple[int, int, int]:
    """Of an encrypted body: the size of records, the length of the sender's key, and that of the rest.

    What it begins with, the salt, is random, and so are the key and the rest.
    """
    size, length = int.from_bytes(body[16:20], "big"), body[20]
    return size, length, len(body) - 21 - length


class WebPushTests(ServiceCase):
    """web-push and pywebpush, and our upstream `webpush`."""

    timeout = 60

    async def begun(self) -> tuple[ServiceRig, RequestTap]:
        """A gateway that has the key of the clients."""
        rig = self.made(wall=lambda: float(NOW))
        file = Path(self.mktemp())
        file.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        table = {"vapid_key_file": file, "subject": SUBJECT, "allow_hosts": ["localhost"]}
        await rig.begin(builtin.webpush, lambda _: table)
        return rig, RequestTap(rig.simulator)

    async def compare(self, client: str, command: list[str], which: str) -> None:
        """Compare everything.

        :param client: its name in `DIFFERENT`.
        :param which: the field of `Push` with its options.
        """
        rig, tap = await self.begun()
        url = rig.simulator.services_url
        [to] = rig.simulator.services.webpush.subscriptions.make(SubscriptionRequest(count=1), url)
        key = {"key": unpadded(KEY.private_numbers().private_value.to_bytes(32, "big")), "public_key": PUBLIC}
        for name, push in PUSHES.items():
            await rig.send([json.dumps(to)], (push.data or "").encode(), **push.terms)
            await rig.settled()
            options = getattr(push, which)
            task = {"subscriptions": [to], "data": push.data, "options": options, **key}
            [[status, _]] = await said_by(rig.simulator, command, task)
            ours, theirs = tap.taken()
            self.assertEqual(status, 201, name)
            self.assertEqual((ours.method, ours.path), (theirs.method, theirs.path))
            self.assertEqual(
                differing(ours, theirs), DIFFERENT.get(f"{client}, {name}", DIFFERENT[client]), name
            )
            self.check_vapid(ours, theirs, url)
            self.check_bodies(ours, theirs, push.data)
        received = [each.payload for each in rig.simulator.received.entries()]
        self.assertEqual(received[::2], received[1::2])
        self.assertEqual(received[::2], [(each.data or "").encode() for each in PUSHES.values()])

    def check_vapid(self, ours: SeenRequest, theirs: SeenRequest, origin: str) -> None:
        (key, head, claims), (other_key, other_head, others) = vapid(ours), vapid(theirs)
        self.assertEqual((key, other_key), (PUBLIC, PUBLIC))
        self.assertEqual(head, other_head)
        self.assertEqual(claims.pop("exp"), NOW + 12 * 3600)
        self.assertLess(abs(others.pop("exp") - time.time() - 12 * 3600), 60)
        self.assertEqual(claims, others)
        self.assertEqual(claims, {"aud": origin, "sub": SUBJECT})

    def check_bodies(self, ours: SeenRequest, theirs: SeenRequest, data: str | None) -> None:
        if data is None:
            self.assertEqual((ours.body, theirs.body), (b"", b""))
            return
        # One byte is the delimiter, 16 authenticate; nobody pads.
        expected = 4096, 65, len(data.encode()) + 1 + 16
        self.assertEqual((coding(ours.body), coding(theirs.body)), (expected, expected))
        self.assertNotEqual(ours.body[:16], theirs.body[:16])

    async def test_npm(self) -> None:
        """web-push of npm."""
        await self.compare("web-push", node("web_push.js"), "npm")

    async def test_pypi(self) -> None:
        """pywebpush."""
        await self.compare("pywebpush", python("webpush"), "pypi")


def test_reasons() -> None:
    """Each difference has its reason, and each reason a difference."""
    assert set().union(*DIFFERENT.values()) == WHY.keys()
