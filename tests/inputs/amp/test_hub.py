"""Hubs over AMP."""

import json
from typing import ClassVar

from msgspec.structs import replace

from pushgate.model.hub.feedback import PnsFeedback
from pushgate.model.hub.job import JobRequest, JobType
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration, Template
from pushgate.model.hub.send import DeviceResult, SendTestOutcome
from pushgate.model.principals import Grant, Operation
from pushgate.model.store_down import StoreDown
from pushgate.testing import FakeHub
from tests.amp_rig import AmpTestCase, command

DEVICE = {"platform": "apns", "handle": "aa01"}
ENTRY = (
    '<entry xmlns="http://www.w3.org/2005/Atom"><content type="application/xml"><AppleRegistrationDescription'
    ' xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/connect"><RegistrationId>7-8-9'
    "</RegistrationId><Tags>a,b</Tags><DeviceToken>CC01</DeviceToken></AppleRegistrationDescription></content></entry>"
)
HELLO = b'{"aps":{"alert":"Hi"}}'


class HubTestCase(AmpTestCase):
    """An input with a hub `main`, whose notifications for Apple's devices go through the app `news`."""

    def opened(self):
        self.hub = FakeHub()
        self.hub.all_apps = {Platform.APNS: "news", Platform.FCMV1: "mail"}
        self.server.hubs["main"] = self.hub
        self.addCleanup(self.server.hubs.clear)

    def ask(self, name, **arguments):
        """The answer to a command."""
        [answer] = self.send(command(name, **{"hub": b"main", **arguments}))
        self.assertIn(b"_answer", answer, answer)
        return answer

    def query(self, what, argument=None):
        """What the hub knows."""
        arguments = {} if argument is None else {"argument": argument}
        return json.loads(self.ask("HubQuery", what=what, **arguments)[b"answer"])

    def refused(self, name, **arguments):
        """The code and the text of a refusal."""
        return self.refusal(command(name, **{"hub": b"main", **arguments}))


class SendTests(HubTestCase):
    def test_to_tags(self):
        """What is sent to which devices reaches the hub; its id and its state come back."""
        answer = self.ask(
            "SendToTags", format=b"apple", expression=b"a && b", payload=HELLO,
            headers=b'{"apns-priority": "5"}',
        )  # fmt: skip
        [request] = self.hub.requests
        self.assertEqual((request.platform, request.expression), (Platform.APNS, "a && b"))
        self.assertEqual((request.body, request.headers), (HELLO, {"apns-priority": "5"}))
        self.assertEqual((answer[b"id"].decode(), answer[b"state"]), (*self.hub.sent, b"Enqueued"))
        details = self.query(b"details", answer[b"id"])
        self.assertEqual((details["state"], details["format"]), ("Enqueued", "apple"))

    def test_later(self):
        """A scheduled send is listed, and can be cancelled, once."""
        answer = self.ask("SendToTags", format=b"template", payload=b"{}", schedule=b"1900000000")
        self.assertEqual(answer[b"state"], b"Scheduled")
        [listed] = self.query(b"sends", b"scheduled")["sends"]
        self.assertEqual((listed["scheduled_for"], listed["format"]), (1.9e9, "template"))
        self.assertEqual(self.query(b"sends"), {"sends": []})
        for done in (b"True", b"False"):
            self.assertEqual(self.ask("CancelSend", id=answer[b"id"])[b"cancelled"], done)

    def test_a_test(self):
        """A test send answers with what became of each notification."""
        result = DeviceResult(
            platform=Platform.APNS, handle="AA", registration_id="1", outcome="Success", succeeded=True
        )
        plain = self.hub.test_send
        self.hub.test_send = lambda request: plain(request).addCallback(
            lambda tested: SendTestOutcome(id=tested.id, results=(result,))
        )
        answer = self.ask("SendToTags", format=b"apple", payload=HELLO, test=b"True")
        [said] = json.loads(answer[b"results"])
        self.assertEqual((said["platform"], said["registration"], said["succeeded"]), ("apns", "1", True))

    def test_refusals(self):
        """Each names what is wrong, and nothing was sent."""
        good = {"format": b"apple", "payload": HELLO}
        for wrong, code, word in (
            ({"hub": b"other"}, "NOT_FOUND", "hub"),
            ({"format": b"pager"}, "INVALID", "format"),
            ({"headers": b"[]"}, "INVALID", "headers"),
            ({"headers": b'{"accept": "x"}'}, "INVALID", "headers"),
            ({"schedule": b"soon"}, "INVALID", "schedule"),
            ({"test": b"yes"}, "INVALID", "test"),
            ({"test": b"True", "schedule": b"1900000000"}, "INVALID", "schedule"),
        ):
            said = self.refused("SendToTags", **{**good, **wrong})
            self.assertEqual(said[0], code)
            self.assertTrue(said[1].startswith(f"{word}: "), said)
        self.hub.fault = StoreDown()
        self.assertEqual(self.refused("SendToTags", **good)[0], "SERVICE_FAILED")
        self.assertEqual(self.hub.requests, [])


class RegistrationTests(HubTestCase):
    def put(self, **fields):
        """The id of a registration that is kept."""
        document = {"platform": "apns", "handle": "aa01", **fields}
        return self.ask("PutRegistration", registration=json.dumps(document).encode())[b"id"]

    def test_a_life(self):
        """Made, counted, changed under its id, deleted, gone."""
        number = self.put(tags=["a", "b"], template={"body": '{"aps":{"alert":"$(x)"}}', "name": "t"})
        kept = self.hub.kept[number.decode()]
        self.assertEqual((kept.platform, kept.handle, kept.tags), (Platform.APNS, b"\xaa\x01", ("a", "b")))
        self.assertEqual(kept.template, Template(body='{"aps":{"alert":"$(x)"}}', name="t"))
        self.assertEqual(self.query(b"count", b"a"), {"apns": 1})
        self.assertEqual(self.query(b"tags"), {"tags": [["a", 1], ["b", 1]], "more": False})
        self.assertEqual(self.query(b"tags", b"a"), {"tags": [["b", 1]], "more": False})
        said = self.query(b"registration", number)
        self.assertEqual((said["handle"], said["tags"]), ("AA01", ["a", "b"]))
        self.put(**{**said, "tags": ["c"]})
        self.assertEqual(self.hub.kept[number.decode()].tags, ("c",))
        self.assertEqual(self.ask("DeleteRegistration", id=number)[b"deleted"], b"True")
        self.assertEqual(self.refused("HubQuery", what=b"registration", argument=number)[0], "NOT_FOUND")

    def test_pages(self):
        """However long they are, registrations come in answers that fit, and one alone that does not is said."""
        long = Registration(
            platform=Platform.FCMV1, handle=b"x" * 100, template=Template(body="{}" + " " * 3000)
        )
        self.hub.kept = {str(n): replace(long, id=str(n)) for n in range(150)}
        found, after, pages = [], b"", 0
        while pages == 0 or after:
            page = self.query(b"registrations", after)
            found += [each["id"] for each in page["registrations"]]
            after, pages = page["next"].encode(), pages + 1
        self.assertEqual(found, list(self.hub.kept))
        self.assertGreater(pages, 150 // 25)
        huge = replace(long, template=Template(body=" " * 70_000))
        self.hub.kept = {"1": huge}
        self.assertEqual(self.refused("HubQuery", what=b"registrations")[0], "TOO_LARGE")
        self.assertEqual(self.refused("HubQuery", what=b"registration", argument=b"1")[0], "TOO_LARGE")

    def test_refusals(self):
        """Each names what is wrong."""
        for name, arguments, code, word in (
            ("HubQuery", {"what": b"weather"}, "INVALID", "what"),
            ("HubQuery", {"what": b"details"}, "INVALID", "argument"),
            ("HubQuery", {"what": b"sends", "argument": b"x"}, "INVALID", "argument"),
            ("HubQuery", {"what": b"details", "argument": b"9"}, "NOT_FOUND", "notification"),
            ("PutRegistration", {"registration": b"{}"}, "INVALID", "registration"),
            ("DeleteRegistration", {"id": b"9"}, "NOT_FOUND", "registration"),
        ):
            said = self.refused(name, **arguments)
            self.assertEqual(said[0], code, said)
            self.assertTrue(said[1].startswith(f"{word}: "), said)


class ImportTests(HubTestCase):
    def imported(self, *entries):
        """What an import answers."""
        answer = self.ask("ImportRegistrations", entries=json.dumps(entries).encode())
        return int(answer[b"imported"]), json.loads(answer[b"refused"])

    def test_all_kinds(self):
        """Registrations, installations and Azure's lines in one go, the bad ones by their index; twice is once."""
        phone = {"installationId": "phone-1", "platform": "apns", "pushChannel": "bb01", "tags": ["a"]}
        for _ in range(2):
            done, refused = self.imported(
                DEVICE | {"id": "one"}, phone, ENTRY, {"platform": "apns"}, "<x", DEVICE | {"id": "a b"},
                phone | {"pushChannel": "x"}, 5,
            )  # fmt: skip
            self.assertEqual(done, 3)
            self.assertEqual([index for index, _, _ in refused], [3, 4, 5, 6, 7])
            self.assertEqual({code for _, code, _ in refused}, {"INVALID"})
            self.assertIn("id: text of 3 characters; 1 to 200 of ", refused[2][2])
        self.assertEqual(set(self.hub.kept), {"one", "7-8-9"})
        self.assertEqual(set(self.hub.installations), {"phone-1"})
        self.assertEqual(self.query(b"installation", b"phone-1")["tags"], ["a"])

    def test_one_under_an_id(self):
        """A registration is kept under the id that its caller chose, in the place of the one before."""
        for tags in (["a"], ["b"]):
            put = self.ask(
                "PutRegistration", registration=json.dumps(DEVICE | {"id": "one", "tags": tags}).encode()
            )
            self.assertEqual(put[b"id"], b"one")
        self.assertEqual(self.query(b"registration", b"one")["tags"], ["b"])
        put = self.refused("PutRegistration", registration=json.dumps(DEVICE | {"id": "a/b"}).encode())
        self.assertEqual(put[0], "INVALID")

    def test_more_than_fits(self):
        """Too many are refused as a whole; the reasons are left out of an answer that would be too long."""
        self.assertEqual(
            self.refused("ImportRegistrations", entries=b"[" + b"5," * 1000 + b"5]")[0], "TOO_LARGE"
        )
        self.assertEqual(self.refused("ImportRegistrations", entries=b"{")[0], "INVALID")
        done, refused = self.imported(*[{"platform": "x"}] * 1000)
        self.assertEqual((done, len(refused), refused[0]), (0, 1000, [0, "INVALID", ""]))

    def test_a_database_that_is_away_fails_the_whole_import(self):
        """So that it is repeated, rather than reported as bad entries."""
        put = self.hub.put_installation

        def failing(installation):
            self.hub.fault = StoreDown()
            return put(installation)

        self.hub.put_installation = failing
        phone = {"installationId": "phone-1", "platform": "apns", "pushChannel": "bb01"}
        said = self.refused("ImportRegistrations", entries=json.dumps([phone]).encode())
        self.assertEqual(said[0], "SERVICE_FAILED")

    def test_errors_and_jobs(self):
        """What push services said of a send, and the jobs of SDKs."""
        self.hub.entries = [
            PnsFeedback(
                position=1, at=5.0, platform=Platform.APNS, handle=b"\xaa", name="BadChannel", send_id="9"
            )
        ]
        [error] = self.query(b"errors", b"9")["errors"]
        self.assertEqual((error["handle"], error["outcome"]), ("AA", "BadChannel"))
        self.assertEqual(self.query(b"errors", b"8"), {"errors": []})
        self.hub.submit_job(JobRequest(type=JobType.EXPORT, output="x"))
        [job] = self.query(b"jobs")["jobs"]
        self.assertEqual((job["type"], job["status"]), ("ExportRegistrations", "Started"))


class PermissionTests(HubTestCase):
    grants: ClassVar = {
        "anonymous": Grant(operations=frozenset({Operation.READ, Operation.PUSH}), apps=frozenset({"news"}))
    }

    def test_operations(self):
        """A hub is for who may use all of its apps; registrations are for administrators."""
        send = {"format": b"apple", "payload": HELLO}
        for name, arguments in (("SendToTags", send), ("HubQuery", {"what": b"tags"})):
            self.assertEqual(self.refused(name, **arguments)[0], "FORBIDDEN")
        self.hub.all_apps = {}
        self.assertEqual(self.refused("SendToTags", **send)[0], "FORBIDDEN")
        self.hub.all_apps = {Platform.APNS: "news"}
        self.ask("SendToTags", **send)
        self.query(b"tags")
        for name, arguments in (
            ("HubQuery", {"what": b"registrations"}),
            ("PutRegistration", {"registration": b'{"platform": "apns", "handle": "aa"}'}),
            ("DeleteRegistration", {"id": b"1"}),
            ("ImportRegistrations", {"entries": b"[]"}),
            ("HubQuery", {"what": b"jobs"}),
        ):
            self.assertEqual(self.refused(name, **arguments)[0], "FORBIDDEN")
