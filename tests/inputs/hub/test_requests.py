"""The hub input's paths, queries and answers."""

import json
from typing import ClassVar

from twisted.internet.defer import Deferred

from pushgate.inputs.hub.query import Query
from pushgate.inputs.hub.settings import HubInputTable
from pushgate.model.errors import CannotStart, Invalid, Overloaded, ShuttingDown, TooLarge
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration
from pushgate.model.store_down import StoreDown
from pushgate.plugin.config_errors import validated
from pushgate.protocols.notification_hubs.registration_xml import entry, read_entry
from pushgate.testing import FakeHub
from tests.hub_input_rig import RULES, HubInputTestCase

APPLE = Registration(platform=Platform.APNS, handle=b"\xaa\xbb", tags=("a", "b"))
ENTRY = entry(APPLE, "", 0.0)
PHONE = {"installationId": "i", "platform": "apns", "pushChannel": "aabb"}


class RegistrationTests(HubInputTestCase):
    """Registrations."""

    def create(self):
        """A new one, as the hub keeps it."""
        return read_entry(self.ask("POST", "/main/registrations", ENTRY).body)

    def test_create(self):
        """201, with the entry, its address and its ETag."""
        answer = self.ask("POST", "/main/registrations/?api-version=2015-01", ENTRY)
        made = read_entry(answer.body)
        self.assertEqual(answer.status, 201)
        self.assertEqual((made.handle, made.tags, bool(made.id)), (APPLE.handle, APPLE.tags, True))
        self.assertEqual(answer.headers["etag"], f'"{made.etag}"')
        self.assertEqual(
            answer.headers["location"], f"https://localhost/main/registrations/{made.id}?api-version=2015-01"
        )
        self.assertEqual(answer.headers["content-type"], "application/atom+xml;type=entry;charset=utf-8")

    def test_the_id_in_a_body_is_not_used(self):
        """A new registration has an id of the hub."""
        given = entry(Registration(platform=Platform.APNS, handle=b"\xaa", id="mine", etag="7"), "", 0.0)
        made = read_entry(self.ask("POST", "/main/registrations", given).body)
        self.assertNotEqual(made.id, "mine")

    def test_ids(self):
        """One is given out, is the last segment of Location, and can be put then."""
        answer = self.ask("POST", "/main/registrationIDs/?api-version=2020-06")
        address = answer.headers["location"].partition("?")[0]
        number = address.rpartition("/")[2]
        self.assertEqual(address, f"https://localhost/main/registrationids/{number}")
        put = self.ask("PUT", f"/main/registrations/{number}", ENTRY)
        self.assertEqual((put.status, read_entry(put.body).id), (200, number))

    def test_an_id_that_was_not_given_out(self):
        """410: the device has to ask for a new one."""
        self.refusal(self.ask("PUT", "/main/registrations/1-2-3", ENTRY), 410)

    def test_etags(self):
        """Quoted or not, weak or not, or any."""
        made = self.create()
        path = f"/main/registrations/{made.id}"
        for form in ('"{}"', 'W/"{}"', "{}"):
            etag = read_entry(self.ask("GET", path).body).etag
            self.assertEqual(self.ask("PUT", path, ENTRY, if_match=form.format(etag)).status, 200)
        self.assertEqual(self.ask("PUT", path, ENTRY, if_match="*").status, 200)
        self.refusal(self.ask("PUT", path, ENTRY, if_match='"old"'), 412)
        self.refusal(self.ask("DELETE", path, if_match='W/"old"'), 412)
        self.refusal(self.ask("DELETE", path, if_match='""'), 400)
        self.assertEqual(self.ask("DELETE", path, if_match="*").status, 200)
        self.refusal(self.ask("GET", path), 404)
        self.refusal(self.ask("DELETE", path), 404)

    def test_lists(self):
        """At most $top a page, each with the token of the next but the last."""
        for _ in range(3):
            self.create()
        first = self.ask("GET", "/main/registrations?%24top=2")
        token = first.headers["x-ms-continuationtoken"]
        last = self.ask("GET", f"/main/Registrations/?$top=2&ContinuationToken={token}")
        self.assertEqual((first.body.count(b"<entry>"), last.body.count(b"<entry>")), (2, 1))
        self.assertNotIn("x-ms-continuationtoken", last.headers)
        self.assertEqual(first.headers["content-type"], "application/atom+xml;type=feed;charset=utf-8")

    def test_tags_have_slashes(self):
        """A tag is what stands between /tags/ and /registrations."""
        self.create()
        tagged = Registration(platform=Platform.APNS, handle=b"\xcc", tags=("x y/registrations",))
        self.ask("POST", "/main/registrations", entry(tagged, "", 0.0))
        for path, count in [("x%20y/registrations", 1), ("A", 1), ("none", 0)]:
            answer = self.ask("GET", f"/main/Tags/{path}/Registrations?api-version=2020-06")
            self.assertEqual(answer.body.count(b"<entry>"), count, path)

    def test_filters(self):
        """By handle; what names none is refused."""
        self.create()
        for text, count in [("DeviceToken+eq+%27AABB%27", 1), ("DeviceToken%20eq%20'CC'", 0)]:
            self.assertEqual(
                self.ask("GET", f"/main/registrations?%24filter={text}").body.count(b"<entry>"), count
            )
        self.assertIn("$filter: ", self.refusal(self.ask("GET", "/main/registrations?$filter=x"), 400))

    def test_bad_entries(self):
        """400 with field and rule."""
        answer = self.ask("POST", "/main/registrations", b'<!DOCTYPE a [<!ENTITY x "y">]><a/>')
        self.assertIn("body: XML with a document type", self.refusal(answer, 400))


class InstallationTests(HubInputTestCase):
    """Installations."""

    def test_life(self):
        """PUT 200, GET 200, PATCH 200, DELETE 204 also of what is not there."""
        path = "/main/installations/i?api-version=2015-01"
        self.assertEqual(self.ask("PUT", path, json.dumps(PHONE).encode()).status, 200)
        patch = [{"op": "add", "path": "/tags", "value": "t"}]
        self.assertEqual(self.ask("PATCH", path, json.dumps(patch).encode()).status, 200)
        answer = self.ask("GET", path)
        self.assertEqual(
            (answer.status, answer.json["tags"], answer.json["lastUpdate"]),
            (200, ["t"], "2023-11-14T22:13:20.000Z"),
        )
        for _ in range(2):
            self.write("DELETE", path)
            self.assertIn(b"HTTP/1.1 204 ", self.connection.transport.value())
            self.connection.transport.clear()
        self.refusal(self.ask("GET", path), 404)
        self.refusal(self.ask("PATCH", path, json.dumps(patch).encode()), 404)

    def test_encoded_ids(self):
        """An id is decoded, and encoded in the answer's address."""
        answer = self.ask(
            "PUT", "/main/installations/a%20b", json.dumps({**PHONE, "installationId": "a b"}).encode()
        )
        self.assertEqual(
            answer.headers["content-location"],
            "https://localhost/main/installations/a%20b?api-version=2020-06",
        )
        self.assertIn("a b", self.hub.installations)


class AnswerTests(HubInputTestCase):
    """Errors and everything that all answers have."""

    options: ClassVar[dict[str, object]] = {"max_body": 100_000, "max_bodies": 150_000}

    def test_statuses(self):
        """Each refusal of a hub has that of notification hubs, and says when to come back."""
        cases = [
            (Invalid("tags", "61 tags", "at most 60"), 400, None),
            (TooLarge("body", 70_000, 65_536), 413, None),
            (Overloaded("writes", 9, 8), 429, "1"),
            (StoreDown(), 503, "5"),
            (ShuttingDown(), 503, "5"),
        ]
        for fault, status, retry in cases:
            self.hub.fault = fault
            answer = self.ask("POST", "/main/registrationids")
            self.assertIn(str(fault), self.refusal(answer, status))
            self.assertEqual(answer.headers.get("retry-after"), retry)

    def test_a_bug(self):
        """500, with nothing of it but in the log."""
        self.hub.fault = ZeroDivisionError("secret")
        self.assertNotIn("secret", self.refusal(self.ask("POST", "/main/registrationids"), 500))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_tracking(self):
        """Each answer has an id, and an error ends with it."""
        good, bad = self.ask("POST", "/main/registrationids"), self.ask("GET", "/main/registrations/x")
        self.assertTrue(good.headers["trackingid"])
        self.assertEqual(good.headers["trackingid"], good.headers["x-ms-correlation-request-id"])
        self.assertNotEqual(good.headers["trackingid"], bad.headers["trackingid"])
        self.assertTrue(self.refusal(bad, 404).endswith(f"TrackingId:{bad.headers['trackingid']}"))

    def test_unknown_paths_and_hubs(self):
        """404; a method that a path has not 405, with those that it has."""
        for path in (
            "/",
            "/main",
            "/main/",
            "/main/pigeons",
            "/main/registrations/a/b",
            "/other/registrations",
            "/main//registrations",
        ):
            self.refusal(self.ask("GET", path), 404)
        answer = self.ask("DELETE", "/main/registrations")
        self.assertIn("method: not one of POST, GET", self.refusal(answer, 405))
        self.assertEqual(answer.headers["allow"], "POST, GET")

    def test_hub_names_are_without_case(self):
        """Answers spell them as the request does."""
        answer = self.ask("POST", "/Main/RegistrationIds")
        self.assertTrue(answer.headers["location"].startswith("https://localhost/Main/registrationids/"))

    def test_a_hub_that_is_replaced(self):
        """A reload may make it anew, or end it: requests are for the one that there is."""
        self.hub.fault = StoreDown()
        self.context.hubs["main"] = FakeHub(rules=RULES)
        self.assertEqual(self.ask("POST", "/main/registrationids").status, 201)
        del self.context.hubs["main"]
        self.assertIn("hub: not known", self.refusal(self.ask("POST", "/main/registrationids"), 404))

    def test_bodies(self):
        """One that is too long, or where there should be none, is refused by its head."""
        self.refusal(self.ask("POST", "/main/registrations", b"x" * 100_001), 413)
        self.connection = self.connect()
        self.refusal(self.ask("GET", "/main/registrations", b"x"), 413)

    def test_bodies_of_all_connections(self):
        """They have room together; what a peer that leaves had is free again."""
        first = self.connect()
        self.connection = first
        self.write("POST", "/main/registrations", b"x" * 90_000, content_length=100_000)
        self.connection = self.connect()
        self.refusal(self.ask("POST", "/main/registrations", b"x" * 90_000), 429)
        first.connectionLost()
        self.connection = self.connect()
        self.refusal(self.ask("POST", "/main/registrations", b"x" * 90_000), 400)

    def test_browsers(self):
        """A page of another origin is refused, and a host that is not this machine."""
        self.refusal(self.ask("POST", "/main/registrationids", origin="https://evil.example"), 403)
        self.refusal(self.ask("POST", "/main/registrationids", host="evil.example"), 421)

    def test_slow_stores(self):
        """An answer waits for its hub; a peer that leaves meanwhile wants none."""
        waiting = Deferred()
        self.hub.create_registration_id = lambda: waiting
        self.write("POST", "/main/registrationids")
        self.assertEqual(self.answers(), [])
        waiting.callback("1")
        self.assertEqual([each.status for each in self.answers()], [201])

    def test_too_many_connections(self):
        """They are closed at once."""
        self.server._limit = 1
        self.assertIsNone(self.server.buildProtocol(None))


class QueryTests(HubInputTestCase):
    """Queries."""

    def test_versions(self):
        """Known ones, older ones of devices, later ones, and none at all."""
        for version in (
            "",
            "?api-version=2013-04",
            "?API-Version=2020-06",
            "?api-version=2031-01-15-preview",
            "?test&api-version=2016-07",
        ):
            self.assertEqual(self.ask("POST", f"/main/registrationids{version}").status, 201)
        for version in ("2012-12", "latest", "", "2020-06%0d%0aX:y"):
            self.assertIn(
                "api-version: ",
                self.refusal(self.ask("POST", f"/main/registrationids?api-version={version}"), 400),
            )

    def test_flags(self):
        """Bare, with a value, or off."""
        for text, value in [
            ("test", True),
            ("test=true", True),
            ("Test=", True),
            ("$test=1", True),
            ("test=false", False),
            ("x", False),
            ("", False),
        ]:
            self.assertIs(Query.parse(text).flag("test"), value, text)

    def test_numbers(self):
        """From 1; more than the most means the most."""
        self.assertEqual(
            [Query.parse(text).number("top", 100, 50) for text in ("", "$top=7", "top=999")], [100, 7, 50]
        )
        for text in ("0", "-1", "x", "", "9" * 19, "%D9%A3"):
            self.refusal(self.ask("GET", f"/main/registrations?$top={text}"), 400)

    def test_too_many_parameters(self):
        """A bound of work."""
        self.refusal(self.ask("GET", "/main/registrations?" + "a&" * 40), 400)


class SettingsTests(HubInputTestCase):
    """The table."""

    def test_public_urls(self):
        """An address without a path; in lower case."""
        table = HubInputTable(type="hub", hubs=["main"], public_url="https://Push.example.com:7221/")
        self.assertEqual(table.public_url, "https://push.example.com:7221")
        for url in (
            "http://h",
            "https://",
            "https://h/path",
            "https://u@h",
            "https://h:x",
            "https://h?q",
            "h",
        ):
            with self.assertRaisesRegex(Exception, "must be https://HOST"):
                HubInputTable(type="hub", hubs=["main"], public_url=url)

    def test_hubs_are_those_of_the_configuration(self):
        """A name without a table is refused, and so is none at all."""
        for hubs in ([], ["other"]):
            with self.assertRaises(CannotStart):
                validated(HubInputTable, {"type": "hub", "hubs": hubs}, "test", (), {"hubs": ["main"]})
