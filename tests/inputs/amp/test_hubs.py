"""Hubs over AMP: sends to tags, and what else can be asked of a hub."""

import json
from typing import ClassVar

from pushgate.model.errors import Invalid, TooFast
from pushgate.model.hub.errors import StoreDown
from pushgate.model.hub.feedback import PnsFeedback
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.send import DeviceResult, SendTestOutcome
from pushgate.model.principals import Grant, Operation
from pushgate.protocols.amp.commands import MAX_VALUE
from tests.amp_rig import AmpTestCase, command
from tests.samples import TOKEN

BODY = b'{"aps":{"alert":"Hi"}}'
DEVICE = {"platform": "apns", "handle": TOKEN.hex(), "tags": ["a", "b"]}
WHOLE = DEVICE | {
    "id": "one",
    "template": {"body": '{"aps":{"alert":"$(text)"}}', "name": "t", "headers": {"apns-topic": "x"}},
    "push_variables": {"name": "Ann"},
    "expires_at": 2_000_000_000,
}
INSTALLATION = {"installationId": "phone-1", "platform": "apns", "pushChannel": TOKEN.hex(), "tags": ["a"]}
ENTRY = (
    '<entry xmlns="http://www.w3.org/2005/Atom"><content type="application/xml"><AppleRegistrationDescription'
    ' xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/connect"><RegistrationId>7-8-9'
    f"</RegistrationId><Tags>a,b</Tags><DeviceToken>{TOKEN.hex()}</DeviceToken></AppleRegistrationDescription>"
    "</content></entry>"
)


class HubTestCase(AmpTestCase):
    def to_tags(self, **arguments):
        """`SendToTags`, good unless `arguments` make it bad."""
        good = {"hub": b"main", "format": b"apple", "payload": BODY} | arguments
        return command("SendToTags", **good)

    def call(self, method, hub=b"main", **arguments):
        """`CallHub` on the wire."""
        return command("CallHub", hub=hub, method=method.encode(), arguments=json.dumps(arguments).encode())

    def answer(self, method, **arguments):
        """What it comes to."""
        [box] = self.send(self.call(method, **arguments))
        self.assertIn(b"answer", box, box)
        return json.loads(box[b"answer"])


class SendTests(HubTestCase):
    def test_a_send_to_tags(self):
        """The hub has the payload, the expression, the headers; its id and state are the answer."""
        [answer] = self.send(
            self.to_tags(
                expression=b"a && !b", headers=b'{"Apns-Collapse-Id": "news"}', schedule=b"1900000000"
            )
        )
        [request] = self.hub.requests
        self.assertEqual((request.body, request.platform), (BODY, Platform.APNS))
        self.assertEqual((request.expression, request.scheduled_for), ("a && !b", 1_900_000_000.0))
        self.assertEqual(request.headers, {"apns-collapse-id": "news"})
        self.assertEqual(answer[b"state"], b"Scheduled")
        self.assertIn(answer[b"id"].decode(), self.hub.sent)
        self.assertNotIn(b"results", answer)

    def test_to_all_and_by_templates(self):
        """No expression means every device; the format template means every platform."""
        [answer] = self.send(self.to_tags(format=b"Template", payload=b'{"text": "Hi"}', expression=b""))
        self.assertEqual(answer[b"state"], b"Enqueued")
        self.assertEqual((self.hub.requests[0].platform, self.hub.requests[0].expression), (None, None))

    def test_a_test_send(self):
        """What became of each device is in the answer."""
        made = self.hub.test_send

        def tested(request):
            return made(request).addCallback(
                lambda outcome: SendTestOutcome(
                    id=outcome.id,
                    results=(
                        DeviceResult(
                            platform=Platform.APNS,
                            handle="0a",
                            registration_id="r",
                            outcome="ok",
                            succeeded=True,
                        ),
                    ),
                )
            )

        self.hub.test_send = tested
        [answer] = self.send(self.to_tags(test=b"True"))
        self.assertEqual(
            json.loads(answer[b"results"]),
            [
                {
                    "platform": "apns",
                    "handle": "0a",
                    "registration_id": "r",
                    "outcome": "ok",
                    "succeeded": True,
                }
            ],
        )

    def test_refusals(self):
        """Each names what is wrong, and nothing is sent."""
        for arguments, code, text in (
            ({"hub": b"other"}, "NOT_FOUND", "hub: not known"),
            ({"format": b"semaphore"}, "INVALID", "format: text of 9 characters; one of apple, "),
            ({"headers": b'{"x-other": "1"}'}, "INVALID", "headers: one that goes to no push service"),
            ({"headers": b'{"apns-topic": 1}'}, "INVALID", "[...]: of type int; must be of type str"),
            ({"headers": b"x"}, "INVALID", "headers: not JSON"),
            ({"schedule": b"soon"}, "INVALID", "schedule: 4 bytes; a whole number"),
            ({"test": b"yes"}, "INVALID", "test: 3 bytes; True or False"),
            ({"test": b"True", "schedule": b"1"}, "INVALID", "schedule: given for a test send"),
        ):
            found = self.refusal(self.to_tags(**arguments))
            self.assertEqual(found[0], code)
            self.assertIn(text, found[1])
        self.assertEqual(self.hub.requests, [])
        for fault, code in (
            (Invalid("expression", "a", "b"), "INVALID"),
            (TooFast(1, 2), "OVERLOADED"),
            (StoreDown(), "SERVICE_FAILED"),
        ):
            self.hub.fault = fault
            self.assertEqual(self.refusal(self.to_tags())[0], code)
        self.hub.fault = None
        self.server.stopping = True
        self.assertEqual(self.refusal(self.to_tags())[0], "SHUTTING_DOWN")


class RegistrationTests(HubTestCase):
    def test_a_life(self):
        """Kept under an id of the hub, listed, read, replaced under its ETag, deleted."""
        made = self.answer("put_registration", registration=DEVICE)
        self.assertEqual({name: made[name] for name in DEVICE}, DEVICE)
        self.assertEqual(self.answer("registration", id=made["id"]), made)
        self.assertEqual(self.answer("registrations"), {"registrations": [made], "next": ""})
        changed = self.answer("put_registration", registration={**made, "tags": []}, if_match=made["etag"])
        self.assertEqual(changed["tags"], [])
        code, _ = self.refusal(self.call("delete_registration", id=made["id"], if_match=made["etag"]))
        self.assertEqual(code, "CONFLICT")
        self.assertEqual(self.answer("delete_registration", id=made["id"]), {"deleted": True})
        self.assertEqual(self.refusal(self.call("registration", id=made["id"]))[0], "NOT_FOUND")

    def test_under_an_id_of_the_callers(self):
        """Twice the same is once; all that a registration may have comes back."""
        for _ in range(2):
            made = self.answer("put_registration", registration=WHOLE)
        self.assertEqual({name: made[name] for name in WHOLE}, WHOLE)
        self.assertEqual(list(self.hub.kept), ["one"])

    def test_those_that_are_asked_for(self):
        """By tag, by platform, by handle; a page at a time."""
        for number in range(5):
            self.answer(
                "put_registration", registration=DEVICE | {"id": f"r{number}", "tags": [f"t{number}"]}
            )
        tagged = self.answer("registrations", tag="T3")["registrations"]
        self.assertEqual([each["id"] for each in tagged], ["r3"])
        found = self.answer("registrations", platform="APNS", handle=TOKEN.hex().upper(), limit=2)
        self.assertEqual([each["id"] for each in found["registrations"]], ["r0", "r1"])
        found = self.answer("registrations", after=found["next"], limit=3)
        self.assertEqual([each["id"] for each in found["registrations"]], ["r2", "r3", "r4"])
        self.assertEqual(self.answer("registrations", platform="wns")["registrations"], [])

    def test_long_ones_come_in_shorter_pages(self):
        """An answer fits into one value, however long the templates are."""
        for number in range(9):
            template = {"body": json.dumps({"text": "x" * 12_000})}
            self.answer("put_registration", registration=DEVICE | {"id": f"r{number}", "template": template})
        found, after = [], ""
        while True:
            page = self.answer("registrations", after=after)
            found += [each["id"] for each in page["registrations"]]
            after = page["next"]
            if not after:
                break
        self.assertEqual(found, [f"r{number}" for number in range(9)])
        self.hub.kept["r0"] = self.hub.kept["r0"].__class__(
            platform=Platform.APNS, handle=TOKEN, id="r0", tags=("x" * MAX_VALUE,)
        )
        self.assertEqual(self.refusal(self.call("registrations"))[0], "TOO_LARGE")

    def test_an_import(self):
        """Registrations, installations and Azure's lines, in one go; the bad ones by their index."""
        answer = self.answer(
            "import", entries=[WHOLE, INSTALLATION, ENTRY, {"platform": "apns"}, "<x", DEVICE | {"id": "a b"}]
        )
        self.assertEqual(answer["imported"], 3)
        self.assertEqual(
            [(index, code) for index, code, _ in answer["refused"]],
            [(3, "INVALID"), (4, "INVALID"), (5, "INVALID")],
        )
        self.assertIn("handle: missing", answer["refused"][0][2])
        self.assertEqual(set(self.hub.kept), {"one", "7-8-9"})
        self.assertEqual(set(self.hub.installations), {"phone-1"})
        self.assertEqual(self.refusal(self.call("import", entries=[{}] * 1001))[0], "TOO_LARGE")

    def test_a_database_that_is_away_fails_the_whole_import(self):
        """So that it is tried again, rather than reported as bad rows."""
        put = self.hub.put_installation

        def failing(installation):
            self.hub.fault = StoreDown()
            return put(installation)

        self.hub.put_installation = failing
        self.assertEqual(self.refusal(self.call("import", entries=[INSTALLATION]))[0], "SERVICE_FAILED")

    def test_an_installation(self):
        """As Azure has it in JSON."""
        self.answer("put_installation", id="phone-1", installation=INSTALLATION)
        found = self.answer("installation", id="phone-1")
        self.assertEqual({name: found[name] for name in INSTALLATION}, INSTALLATION)
        self.assertEqual(self.answer("delete_installation", id="phone-1"), {"deleted": True})
        self.assertEqual(self.refusal(self.call("installation", id="phone-1"))[0], "NOT_FOUND")

    def test_bad_registrations(self):
        """The field, the shape of its value and the rule."""
        for changes, text in (
            ({"platform": "pager"}, "platform: text of 5 characters; one of apns, "),
            ({"handle": "xyz"}, "handle: text of 3 characters; an even number of hex digits"),
            ({"handle": 5}, "handle: of type int; must be of type str"),
            ({"id": "a/b"}, "id: text of 3 characters; 1 to 200 of "),
            ({"colour": "red"}, "colour: no field of this request; the optional ones are id, tags, "),
            ({"template": {"name": "n"}}, "template.body: missing"),
        ):
            code, found = self.refusal(self.call("put_registration", registration=DEVICE | changes))
            self.assertEqual(code, "INVALID")
            self.assertTrue(found.startswith(text), found)
        for method, arguments, text in (
            ("dance", {}, "method: text of 5 characters; one of registrations, "),
            ("count", {"x": 1}, "x: no field of this request"),
            ("details", {}, "id: missing"),
            ("registrations", {"handle": "0a"}, "handle: without a platform"),
            ("registrations", {"limit": 0}, "limit: a number; 1 to 1000"),
            ("submit_job", {"type": "x", "output": "y"}, "type: text of 1 characters; one of Export"),
        ):
            code, found = self.refusal(self.call(method, **arguments))
            self.assertEqual(code, "INVALID")
            self.assertTrue(found.startswith(text), found)


class QueryTests(HubTestCase):
    def test_counts_and_tags(self):
        """By platform, and by tag in order."""
        for number in range(3):
            self.answer(
                "put_registration", registration=DEVICE | {"id": f"r{number}", "tags": ["a", f"b{number}"]}
            )
        self.assertEqual(self.answer("count", expression="a"), {"platforms": {"apns": 3}, "total": 3})
        page = self.answer("tags", limit=2)
        self.assertEqual(page, {"tags": [["a", 3], ["b0", 1]], "next": "b0"})
        self.assertEqual(self.answer("tags", after="b0")["tags"], [["b1", 1], ["b2", 1]])

    def test_what_became_of_a_send(self):
        """Its state and outcomes; not its payload, which may be about a person."""
        [sent] = self.send(self.to_tags(expression=b"a"))
        number = sent[b"id"].decode()
        self.hub.outcomes = {Platform.APNS: {"Success": 2}}
        self.hub.entries = [
            PnsFeedback(
                position=1, at=5.0, platform=Platform.APNS, handle=TOKEN, name="BadChannel", send_id=number
            )
        ]
        found = self.answer("details", id=number)
        self.assertEqual((found["format"], found["expression"], found["state"]), ("apple", "a", "Enqueued"))
        self.assertEqual((found["outcomes"], found["has_errors"]), ({"apns": {"Success": 2}}, True))
        self.assertNotIn("Hi", json.dumps(found))
        [entry] = self.answer("feedback", id=number)["entries"]
        self.assertEqual((entry["handle"], entry["name"]), (TOKEN.hex(), "BadChannel"))
        self.assertEqual([each["id"] for each in self.answer("sends")["sends"]], [number])

    def test_a_schedule_is_cancelled(self):
        """Once; afterwards it is not scheduled any more."""
        [sent] = self.send(self.to_tags(schedule=b"1900000000"))
        number = sent[b"id"].decode()
        self.assertEqual(self.answer("sends", scheduled=True)["sends"][0]["schedule"], 1_900_000_000.0)
        self.assertEqual(self.answer("cancel", id=number), {"cancelled": True})
        self.assertEqual(self.answer("cancel", id=number), {"cancelled": False})

    def test_jobs(self):
        """Submitted, read, listed."""
        job = self.answer("submit_job", type="ExportRegistrations", output="https://x/")
        self.assertEqual((job["type"], job["status"]), ("ExportRegistrations", "Started"))
        self.assertEqual(self.answer("job", id=job["id"]), job)
        self.assertEqual(self.answer("jobs"), {"jobs": [job]})


class PermissionTests(HubTestCase):
    grants: ClassVar = {"anonymous": Grant(operations=frozenset({Operation.READ}))}

    def test_operations(self):
        """Who may read counts, and neither sends, nor sees handles."""
        self.assertEqual(self.answer("count"), {"platforms": {}, "total": 0})
        for data in (
            self.to_tags(), self.to_tags(hub=b"other"), self.call("cancel", id="x"), self.call("registrations"),
            self.call("jobs"),
        ):  # fmt: skip
            self.assertEqual(self.refusal(data)[0], "FORBIDDEN")


class LimitedTests(HubTestCase):
    grants: ClassVar = {"anonymous": Grant(apps=frozenset({"news"}), max_batch=1)}

    def test_a_hub_is_as_many_apps_as_it_has(self):
        """A caller for some apps uses a hub only when all of its apps are among them."""
        [answer] = self.send(self.to_tags())
        self.assertEqual(answer[b"state"], b"Enqueued")
        self.hub.all_apps = {Platform.APNS: "news", Platform.WNS: "mail"}
        self.assertEqual(
            self.refusal(self.to_tags()), ("FORBIDDEN", "app: not one that may be used without a login")
        )
        self.assertEqual(self.refusal(self.call("count"))[0], "FORBIDDEN")


class NobodyTests(HubTestCase):
    grants: ClassVar = {"shop": Grant()}

    def test_who_has_not_logged_in(self):
        """May do nothing with hubs."""
        for data in (self.to_tags(), self.call("count")):
            code, text = self.refusal_of(data)
            self.assertEqual(code, "FORBIDDEN")
            self.assertIn("log in", text)

    def refusal_of(self, data):
        [box] = self.send(data)
        return box[b"_error_code"].decode(), box[b"_error_description"].decode()
