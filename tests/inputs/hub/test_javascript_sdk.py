"""npm's @azure/notification-hubs, unmodified, over TLS: registrations, installations and lists."""

import json
import time
from pathlib import Path
from typing import Any

import trustme
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from pushgate.inputs.hub.settings import HubInputTable
from pushgate.plugins.builtin import hub as factory
from pushgate.testing import FakeHub, RecordingGateway, context
from tests.hub_clients import connection_string, javascript

POINT = "BMBlr6YznhYMX3NgcWIDRxZXs0sh7tCv7_YCsWcww0ZCv9WGg-tRCXfMEHTiBPCksSqeve1twlbmVAZFv7GSuj0"
SUBSCRIPTION = {
    "endpoint": "https://push.example.com/send/a%20b?c=1",
    "p256dh": POINT,
    "auth": "A" * 21 + "Q",
}
TOKEN = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0"
TEMPLATE = {"bodyTemplate": '{"aps":{"alert":"$(message) <]]>"}}', "templateName": "greeting"}
KINDS: list[dict[str, Any]] = [
    {"kind": "Apple", "deviceToken": TOKEN.upper()},
    {"kind": "FcmV1", "fcmV1RegistrationId": "fcm:1-a_b"},
    {"kind": "Gcm", "gcmRegistrationId": "gcm:1-a_b"},
    {"kind": "Windows", "channelUri": "https://db3.notify.windows.com/?token=a%2bb&c=d"},
    {"kind": "Mpns", "channelUri": "http://s.notify.live.net/u/1/H/a"},
    {"kind": "Adm", "admRegistrationId": "amzn1.adm-registration.v3.Y29"},
    {"kind": "Baidu", "baiduUserId": "123", "baiduChannelId": "456"},
    {"kind": "Browser", **SUBSCRIPTION},
    {"kind": "Xiaomi", "xiaomiRegistrationId": "d//igw"},
]
HEADERS = {
    "Apple": {"apnsHeaders": {"apns-priority": "10", "apns-collapse-id": "a"}},
    "Windows": {"wnsHeaders": {"X-WNS-Type": "wns/toast"}},
    "Mpns": {"mpnsHeaders": {"X-WindowsPhone-Target": "toast", "X-NotificationClass": "2"}},
}


class SDKTests(TestCase):
    """Each call gives what its types promise."""

    timeout = 80

    async def start(self) -> None:
        """An input over TLS with one hub."""
        directory = Path(self.mktemp()).absolute()
        directory.mkdir()
        authority = trustme.CA()
        self.ca = directory / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca))
        certificate = authority.issue_cert("localhost").private_key_and_cert_chain_pem
        certificate.write_to_path(str(directory / "server.pem"))
        self.hub = FakeHub()
        table = HubInputTable(
            type="hub",
            listen="tcp:0:interface=127.0.0.1",
            certificate=directory / "server.pem",
            hubs=["main"],
        )
        surroundings = context(reactor, now=reactor_epoch(), hubs={"main": self.hub})
        self.input = factory.input("hub", table, RecordingGateway(), surroundings)
        await self.input.start()
        self.addCleanup(self.input.stop)
        self.port = int(self.input.addresses()[0].rpartition(":")[2])

    async def call(self, *calls: list[Any]) -> list[Any]:
        """What each call gave; none may fail."""
        results = await self.try_calls(*calls)
        self.assertEqual([each for each in results if "value" not in each], [])
        return [each["value"] for each in results]

    async def try_calls(self, *calls: list[Any]) -> list[Any]:
        """What each call gave, or its error."""
        connection = connection_string(self.port, "Full", "full-key")
        return await javascript(connection, "main", list(calls), self.ca)

    async def test_registrations_of_every_kind(self) -> None:
        """Native and template registrations come back as they were given."""
        await self.start()
        given = [{**kind, "tags": ["a", "b"]} for kind in KINDS]
        for kind in KINDS:
            template = {
                **kind,
                **TEMPLATE,
                **HEADERS.get(kind["kind"], {}),
                "kind": kind["kind"] + "Template",
            }
            given.append({**template, "tags": ["c"]})
        kept = await self.call(*(["createRegistration", each] for each in given))
        for before, after in zip(given, kept, strict=True):
            self.assertEqual({key: after.get(key) for key in before}, before)
            self.assertTrue(after["registrationId"] and after["etag"])
            self.assertTrue(after["expirationTime"].startswith("9999-12-31"))

    async def test_the_life_of_a_registration(self) -> None:
        """Its id is given out, it is put, read, updated by its ETag, and deleted."""
        await self.start()
        apple = KINDS[0]
        number = {"$of": [0]}
        created, put, got, updated, conflict, deleted, gone, unknown = await self.try_calls(
            ["createRegistrationId"],
            ["createOrUpdateRegistration", {**apple, "registrationId": number, "tags": ["a"]}],
            ["getRegistration", number],
            [
                "updateRegistration",
                {**apple, "registrationId": number, "etag": {"$of": [1, "etag"]}, "tags": ["b"]},
            ],
            ["updateRegistration", {**apple, "registrationId": number, "etag": "0"}],
            ["deleteRegistration", number],
            ["getRegistration", number],
            ["createOrUpdateRegistration", {**apple, "registrationId": "1-2-3"}],
        )
        self.assertEqual(put["value"]["registrationId"], created["value"])
        self.assertEqual(got["value"]["tags"], ["a"])
        self.assertEqual(updated["value"]["tags"], ["b"])
        self.assertEqual((conflict["status"], gone["status"], unknown["status"]), (412, 404, 410))
        self.assertIn("If-Match: not the current ETag", conflict["error"])
        self.assertTrue(deleted["value"]["trackingId"] and deleted["value"]["correlationId"])

    async def test_lists_come_in_pages(self) -> None:
        """All, by tag and by handle; a page leads to the next."""
        await self.start()
        made = [["createRegistration", {**KINDS[0], "tags": ["a b/c"]}]] * 5
        made += [["createRegistration", kind] for kind in KINDS[1:]]
        channels = [
            {**kind, "kind": kind["kind"].lower()} for kind in KINDS if kind["kind"] not in {"Mpns", "Xiaomi"}
        ]
        results = await self.call(
            *made,
            ["listRegistrations", {"top": 4}],
            ["listRegistrationsByTag", "a b/c", {"top": 2}],
            ["listRegistrationsByTag", "none"],
            *(["listRegistrationsByChannel", channel] for channel in channels),
        )
        everything, tagged, none, *by_channel = results[len(made) :]
        self.assertEqual([len(page) for page in everything], [4, 4, 4, 1])
        self.assertEqual([len(page) for page in tagged], [2, 2, 1])
        self.assertEqual(none, [[]])
        self.assertEqual([len(pages[0]) for pages in by_channel], [5, 1, 1, 1, 1, 1, 1])

    async def test_installations(self) -> None:
        """Put, read, patched and deleted; a browser's channel is an object."""
        await self.start()
        templates = {
            "t": {"body": '{"aps":{"alert":"$(m)"}}', "headers": {"apns-priority": "5"}, "tags": ["x"]}
        }
        phone = {
            "installationId": "phone-1",
            "platform": "apns",
            "pushChannel": TOKEN,
            "userId": "u1",
            "tags": ["a", "b"],
            "templates": templates,
        }
        browser = {"installationId": "browser-1", "platform": "browser", "pushChannel": SUBSCRIPTION}
        patches = [
            {"op": "add", "path": "/tags", "value": "c"},
            {"op": "remove", "path": "/tags/a"},
            {"op": "replace", "path": "/userId", "value": "u2"},
            {"op": "add", "path": "/templates/second", "value": json.dumps({"body": "{}"})},
            {"op": "replace", "path": "/templates/t/body", "value": '{"m":"$(m)"}'},
        ]
        results = await self.try_calls(
            ["createOrUpdateInstallation", phone],
            ["createOrUpdateInstallation", browser],
            ["getInstallation", "phone-1"],
            ["updateInstallation", "phone-1", patches],
            ["getInstallation", "phone-1"],
            ["getInstallation", "browser-1"],
            ["deleteInstallation", "phone-1"],
            ["getInstallation", "phone-1"],
        )
        read, patched, shown = (results[at]["value"] for at in (2, 4, 5))
        self.assertEqual({key: read[key] for key in phone}, phone)
        self.assertEqual((patched["tags"], patched["userId"]), (["b", "c"], "u2"))
        self.assertEqual(patched["templates"]["second"], {"body": "{}"})
        self.assertEqual(patched["templates"]["t"], {**templates["t"], "body": '{"m":"$(m)"}'})
        self.assertEqual(shown["pushChannel"], SUBSCRIPTION)
        self.assertEqual([results[at].get("status") for at in (6, 7)], [None, 404])

    async def test_refusals_say_why(self) -> None:
        """The text of an error is its detail; a wrong key is answered late."""
        await self.start()
        [refused] = await self.try_calls(["createRegistration", {"kind": "Apple", "deviceToken": "nohex"}])
        self.assertEqual(refused["status"], 400)
        self.assertIn("DeviceToken: text of 5 characters; an even number of hex digits", refused["error"])
        forged = connection_string(self.port, "Full", "another-key")
        [refused] = await javascript(forged, "main", [["createRegistrationId"]], self.ca)
        self.assertEqual(refused["status"], 401)
        self.assertIn("sig: not made by a key of this rule", refused["error"])


def reactor_epoch() -> float:
    """What a context's wall clock has to begin with, so that it shows the time that the SDK knows."""
    return time.time() - reactor.seconds()
