"""Hubs over HTTP."""

from typing import ClassVar
from urllib.parse import quote

from pushgate.model.hub.platform import Platform
from pushgate.model.principals import Grant, Operation
from pushgate.model.secret_hash import SecretHash
from pushgate.model.store_down import StoreDown
from tests.http_rig import HTTPTestCase
from tests.samples import TOKEN

HUB = "/v1/hubs/main"
SENDS = f"{HUB}/notifications"
REGISTRATIONS = f"{HUB}/registrations"
INSTALLATION = f"{HUB}/installations/phone-1"
SEND = {"format": "apple", "payload": {"aps": {"alert": "Hi"}}}
DEVICE = {"platform": "apns", "handle": TOKEN.hex(), "tags": ["a", "b"]}
JSON = "application/json"
SECRET = "s3cr3t-of-the-shop"
PUSHER = Grant(
    secrets=(SecretHash.of(SECRET.encode(), bytes(16)),),
    operations=frozenset({Operation.PUSH, Operation.READ}),
    apps=frozenset({"news"}),
)


class HubTestCase(HTTPTestCase):
    def put(self, path, body, **headers):
        """The answer to a PUT of JSON."""
        return self.ask("PUT", path, body, content_type=JSON, **headers)


class SendTests(HubTestCase):
    def test_a_send_to_tags(self):
        """The hub has all of it; what became of it can be read, and a schedule cancelled."""
        more = {"expression": "a && !b", "headers": {"apns-collapse-id": "news"}, "schedule": 1_900_000_000}
        made = self.ask("POST", SENDS, SEND | more)
        self.assertEqual((made.status, made.json["state"]), (202, "Scheduled"))
        [request] = self.hub.requests
        self.assertEqual((request.body, request.expression), (b'{"aps": {"alert": "Hi"}}', "a && !b"))
        self.assertEqual((request.headers, request.scheduled_for), ({"apns-collapse-id": "news"}, 1.9e9))
        path = f"{SENDS}/{made.json['id']}"
        self.hub.outcomes = {Platform.APNS: {"Success": 2}}
        found = self.ask("GET", path).json
        self.assertEqual((found["state"], found["outcomes"]), ("Scheduled", {"apns": {"Success": 2}}))
        self.assertEqual(len(self.ask("GET", f"{SENDS}?scheduled=true&limit=5").json["sends"]), 1)
        self.assertEqual(self.ask("DELETE", path).json, {"cancelled": True})
        self.assertEqual(self.ask("DELETE", path).json, {"cancelled": False})
        self.assertEqual(self.ask("GET", path).json["state"], "Canceled")
        self.refusal(self.ask("GET", f"{SENDS}/x"), 404, "NOT_FOUND")

    def test_payloads(self):
        """An object goes on as it stands; a text is what it says, as for XML; a test is answered with 200."""
        text = {"format": "windows", "payload": "<toast/>", "test": True}
        made = self.ask("POST", SENDS, text)
        self.assertEqual((made.status, made.json["results"]), (200, []))
        self.ask("POST", SENDS, {"format": "template", "payload": {"text": "Hi"}})
        self.assertEqual([each.body for each in self.hub.requests], [b"<toast/>", b'{"text": "Hi"}'])

    def test_bad_sends(self):
        """Each names the field, and nothing is sent."""
        for body, text in (
            ({"format": "apple"}, "payload: missing"),
            (SEND | {"payload": 5}, "payload: neither an object nor a text"),
            (
                SEND | {"colour": "red"},
                "colour: no field of this request; the optional ones are expression, ",
            ),
            (
                SEND | {"headers": {"host": "x"}},
                "headers: a name of 4 characters; names that begin with apns-",
            ),
            (SEND | {"schedule": "soon"}, "schedule: of type str"),
            (SEND | {"test": True, "schedule": 5}, "schedule: with test"),
            (b"{", "body: not JSON"),
        ):
            detail = self.refusal(self.ask("POST", SENDS, body), 400, "INVALID")
            self.assertTrue(detail.startswith(text), detail)
        self.refusal(self.ask("POST", SENDS, b"{}", content_type="text/plain"), 415, "INVALID")
        self.refusal(self.ask("POST", "/v1/hubs/other/notifications", SEND), 404, "NOT_FOUND")
        self.refusal(self.ask("GET", f"{SENDS}?scheduled=maybe"), 400, "INVALID")
        self.assertEqual(self.hub.requests, [])
        self.refusal(self.ask("POST", SENDS, content_length=300 << 10), 413, "TOO_LARGE")
        self.connection = self.connect()
        self.hub.fault = StoreDown()
        self.refusal(self.ask("POST", SENDS, SEND), 502, "SERVICE_FAILED")
        self.server.stopping = True
        self.refusal(self.ask("POST", SENDS, SEND), 503, "SHUTTING_DOWN")


class RegistrationTests(HubTestCase):
    def test_a_life(self):
        """Made under an id of the hub, read, replaced under its ETag only, deleted."""
        made = self.ask("POST", REGISTRATIONS, DEVICE)
        self.assertEqual(made.status, 201)
        path = f"{REGISTRATIONS}/{made.json['id']}"
        self.assertEqual(self.ask("GET", path).json, made.json)
        etag = f'"{made.json["etag"]}"'
        changed = self.put(path, made.json | {"tags": ["c"]}, if_match=etag)
        self.assertEqual((changed.status, changed.json["tags"]), (200, ["c"]))
        self.refusal(self.put(path, DEVICE, if_match=etag), 409, "CONFLICT")
        self.refusal(self.ask("DELETE", path, if_match=etag), 409, "CONFLICT")
        self.assertEqual(self.ask("DELETE", path, if_match="*").json, {"deleted": True})
        self.refusal(self.ask("GET", path), 404, "NOT_FOUND")

    def test_under_an_id_of_the_callers(self):
        """Twice the same is once."""
        for _ in range(2):
            self.assertEqual(self.put(f"{REGISTRATIONS}/one", DEVICE).json["id"], "one")
        self.assertEqual(list(self.hub.kept), ["one"])
        self.refusal(self.put(f"{REGISTRATIONS}/{quote('a/b', safe='')}", DEVICE), 400, "INVALID")

    def test_lists(self):
        """By tag and by handle; a page at a time."""
        for number in range(5):
            self.put(f"{REGISTRATIONS}/r{number}", DEVICE | {"tags": ["a", f"t{number}"]})
        page = self.ask("GET", f"{REGISTRATIONS}?limit=2").json
        self.assertEqual([each["id"] for each in page["registrations"]], ["r0", "r1"])
        page = self.ask("GET", f"{REGISTRATIONS}?limit=9&after={page['next']}").json
        self.assertEqual((len(page["registrations"]), page["next"]), (3, ""))
        found = self.ask("GET", f"{REGISTRATIONS}?platform=apns&handle={TOKEN.hex()}&tag=T3").json
        self.assertEqual([each["id"] for each in found["registrations"]], ["r3"])
        self.assertEqual(
            self.ask("GET", f"{HUB}/tags?limit=2").json, {"tags": [["a", 5], ["t0", 1]], "next": "t0"}
        )
        self.assertEqual(self.ask("GET", f"{HUB}/tags?after=t3").json, {"tags": [["t4", 1]], "next": ""})
        self.assertEqual(
            self.ask("GET", f"{HUB}/count?expression={quote('a || b')}").json,
            {"platforms": {"apns": 5}, "total": 5},
        )
        for path in (
            "registrations?limit=0",
            "registrations?limit=x",
            "tags?limit=1001",
            "registrations?handle=aa",
        ):
            self.refusal(self.ask("GET", f"{HUB}/{path}"), 400, "INVALID")

    def test_an_installation(self):
        """As Azure has it; its id is that of the path."""
        phone = {"platform": "apns", "pushChannel": TOKEN.hex(), "tags": ["a"]}
        self.assertEqual(self.put(INSTALLATION, phone).json, {"id": "phone-1"})
        found = self.ask("GET", INSTALLATION).json
        self.assertEqual((found["installationId"], found["tags"]), ("phone-1", ["a"]))
        self.refusal(self.put(INSTALLATION, phone | {"installationId": "other"}), 400, "INVALID")
        self.assertEqual(self.ask("DELETE", INSTALLATION).json, {"deleted": True})
        self.refusal(self.ask("GET", INSTALLATION), 404, "NOT_FOUND")


class PermissionTests(HubTestCase):
    grants: ClassVar = {"shop": PUSHER}

    def test_operations(self):
        """Who may push sends and reads counts, and sees no handles; and needs all apps of the hub."""
        bearer = {"authorization": f"Bearer {SECRET}"}
        self.assertEqual(self.ask("POST", SENDS, SEND, **bearer).status, 202)
        self.assertEqual(self.ask("GET", f"{HUB}/count", **bearer).status, 200)
        self.refusal(self.ask("GET", REGISTRATIONS, **bearer), 403, "FORBIDDEN")
        self.refusal(self.put(INSTALLATION, {}, **bearer), 403, "FORBIDDEN")
        self.refusal(self.ask("POST", SENDS, SEND), 401, "FORBIDDEN")
        for apps in ({Platform.APNS: "news", Platform.WNS: "mail"}, {}):
            self.hub.all_apps = apps
            self.refusal(self.ask("POST", SENDS, SEND, **bearer), 403, "FORBIDDEN")
            self.refusal(self.ask("GET", f"{HUB}/count", **bearer), 403, "FORBIDDEN")
