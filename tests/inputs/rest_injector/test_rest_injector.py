"""The REST injector without a network: requests as Momentum's callers send them."""

import json
from base64 import b64encode
from typing import ClassVar

from pushgate.inputs.rest_injector import merging
from pushgate.inputs.rest_injector.server import RestInjectorServer
from pushgate.inputs.rest_injector.settings import RestInjectorTable
from pushgate.model.errors import Overloaded
from pushgate.model.notification import parse_id
from pushgate.model.principals import Grant, Operation
from pushgate.model.secret_hash import SecretHash
from tests.http_rig import HTTPTestCase, request
from tests.input_rig import InputTestCase
from tests.mcmt_samples import HEX, mcmt

PATH = "/v1.0/inject/"
TO = {"to": "user1@apn_example.com", "from": "news@example.com"}
TEMPLATE = mcmt("<%=:token%>", '{"aps":{"alert":"[%= :Greeting %]"}}')
SECRET = "secret-of-the-shop"


def recipient(number=1, **fields):
    """A recipient of `TEMPLATE`."""
    return {**TO, "keys": {"Token": f"{number:064x}", "greeting": f"Hi {number}"}, **fields}


class RestInjectorTestCase(HTTPTestCase):
    """A REST injector for one domain."""

    kind, table, factory = "rest-injector", RestInjectorTable, RestInjectorServer
    options: ClassVar = {"domains": {"APN_example.com": "news", "mail.example.com": "mail"}, "expiry": "1h"}

    def inject(self, *recipients, template=TEMPLATE, **headers):
        """The one response to an injection."""
        return self.ask("POST", PATH, {"template": template, "recipients": recipients}, **headers)

    def refused(self, *recipients, status=400, code="INVALID", **more):
        """The text of the error that answers an injection; nothing was submitted."""
        response = self.inject(*recipients, **more)
        self.assertEqual(response.json["status"], "failure")
        self.assertEqual(self.gateway.submissions, [])
        return self.refusal(response, status, code)


class RestInjectorTests(RestInjectorTestCase):
    def test_alive(self):
        """GET gets an empty answer; other methods and paths are refused."""
        for path in (PATH, PATH.rstrip("/"), f"{PATH}?x"):
            response = self.ask("GET", path)
            self.assertEqual((response.status, response.body), (200, b""))
        self.refusal(self.ask("GET", "/"), 404, "NOT_FOUND")
        self.refusal(self.ask("PUT", PATH, b""), 405, "INVALID")

    def test_recipients(self):
        """The recipients are one batch, with a result for each."""
        response = self.inject(*map(recipient, range(1, 4)))
        [submission] = self.gateway.submissions
        self.assertEqual(submission.app, "news")
        self.assertEqual([each.hex() for each in submission.tokens], [f"{n:064x}" for n in range(1, 4)])
        alerts = [json.loads(each)["aps"]["alert"] for each in submission.payload]
        self.assertEqual(alerts, ["Hi 1", "Hi 2", "Hi 3"])
        results = response.json.pop("results")
        self.assertEqual((response.status, response.json["status"]), (200, "success"))
        ids = [parse_id(each["mid"]) for each in results]
        self.assertEqual(ids, list(range(ids[0], ids[0] + 3)))
        self.assertEqual({each["status"] for each in results}, {"success"})
        self.assertEqual([each["reason"] for each in results], [f"250 {each['mid']}" for each in results])

    def test_expiry(self):
        """The expiration is the time of arrival and `expiry`."""
        self.inject(recipient())
        [submission] = self.gateway.submissions
        self.assertTrue(0 <= self.context.wall() + 3600 - submission.terms.expiration < 60)

    def test_address_and_sender_are_keys(self):
        """`to` and `from` are keys of the template."""
        template = mcmt(HEX, '{"aps":{"alert":"<%=:to%> <%= :from %>"}}')
        self.inject(TO, template=template)
        [submission] = self.gateway.submissions
        self.assertEqual(
            json.loads(next(iter(submission.payload))),
            {"aps": {"alert": "user1@apn_example.com news@example.com"}},
        )

    def test_the_token_as_a_context_variable(self):
        """DLV_Dest_ID replaces the header; other variables are ignored."""
        variables = {"DLV_Dest_ID": HEX, "mo_campaign_id": 7}
        self.inject({**TO, "vctx": variables}, template=mcmt(None))
        [submission] = self.gateway.submissions
        self.assertEqual([each.hex() for each in submission.tokens], [HEX])

    def test_any_content_type(self):
        """Any media type is accepted: `curl -d` sends that of forms."""
        for kind in ("application/x-www-form-urlencoded", "text/plain"):
            self.assertEqual(self.inject(recipient(), content_type=kind).status, 200)

    def test_browsers_are_refused(self):
        """Requests of web pages are refused by their Origin."""
        self.refusal(self.inject(recipient(), origin="http://evil.example"), 403, "INVALID")
        self.assertEqual(self.gateway.submissions, [])

    def test_all_or_none(self):
        """The error names the invalid recipient, and no recipient is accepted."""
        good = recipient()
        for bad, text in (
            ({"to": "no-one"}, "recipients[1].to: text of 6 characters"),
            ({"to": "a@elsewhere.example"}, "recipients[1].to: an address of another domain"),
            ({"to": "a@mail.example.com"}, "recipients[1].to: for another app than the first"),
            ({**good, "keys": {}}, "recipients[1].keys: without token"),
            (
                {**good, "keys": {**good["keys"], "token": "zz"}},
                "recipients[1].X-Device-Token: text of 2 char",
            ),
            ({**good, "keys": {**good["keys"], "greeting": '"'}}, "recipients[1].payload"),
            ({**good, "vctx": {"DLV_Dest_ID": "0"}}, "recipients[1].X-Device-Token"),
        ):
            self.assertIn(text, self.refused(good, bad))
        self.assertIn("recipients[0].to", self.refused({"to": ""}, good))
        counts = self.counted("pushgate_refused_total")
        self.assertEqual(
            counts, {("news", "rest-injector", "INVALID"): 7, ("", "rest-injector", "INVALID"): 1}
        )

    def test_too_large(self):
        """Payloads beyond the limits of the app and of batches are refused."""
        for size in (5000, 70_000):
            long = recipient(keys={"token": HEX, "greeting": "x" * size})
            text = self.refused(recipient(), long, status=413, code="TOO_LARGE")
            self.assertIn("recipients[1].payload:", text)

    def test_memory_of_payloads(self):
        """A small request cannot allocate much memory: it is refused at the first payload that is too long."""
        template = mcmt("<%=:token%>", json.dumps({"aps": {"alert": "x" * 30_000}}))
        body = {"template": template, "recipients": [recipient(number) for number in range(2000)]}
        self.connection.dataReceived(request("POST", PATH, body))
        self.clock.advance(0)
        text = self.refusal(self.received()[0], 413, "TOO_LARGE")
        self.assertIn("recipients[0].payload: 30", text)

    def test_size_of_all_messages(self):
        """The messages of one request have a common limit, because parsing them takes time."""
        self.patch(merging, "MAX_MERGED", 3000)
        recipients = [recipient(number) for number in range(10)]
        text = self.refused(*recipients, status=413, code="TOO_LARGE")
        self.assertRegex(text, r"recipients\[\d\].messages up to this recipient: 3\d+ bytes; at most 3000")

    def test_bodies(self):
        """The error names the invalid field."""
        for body, text in (
            (b"{", "body: not JSON"),
            ({"recipients": []}, "template: missing"),
            ({"template": "", "recipients": []}, "recipients: none"),
            ({"template": "", "recipients": [{}]}, "recipients[0].to: missing"),
            ({"template": "", "recipients": [{**TO, "x": 1}]}, "recipients[0].x: no field"),
            ({"template": "", "recipients": [TO]}, "recipients[0].Content-Type"),
            ({"template": "\ud800", "recipients": [TO]}, "Unicode"),
        ):
            self.assertIn(text, self.refusal(self.ask("POST", PATH, body), 400, "INVALID"))
        self.assertEqual(self.gateway.submissions, [])

    def test_the_gateway_refuses(self):
        """A full queue is answered 429."""
        self.gateway.error = Overloaded("queue", 10, 10)
        response = self.inject(recipient())
        self.refusal(response, 429, "OVERLOADED")
        self.assertIn("retry-after", response.headers)

    def test_compressed(self):
        """Compressed bodies are refused."""
        self.refusal(self.inject(recipient(), content_encoding="gzip"), 415, "INVALID")

    def test_long_requests_have_turns(self):
        """Many recipients are processed over several turns of the reactor."""
        many = [recipient(number) for number in range(500)]
        body = {"template": TEMPLATE, "recipients": many}
        self.connection.dataReceived(request("POST", PATH, body))
        self.assertEqual(self.gateway.submissions, [])
        self.clock.advance(0)
        [response] = self.received()
        self.assertEqual(len(response.json["results"]), 500)

    def test_a_peer_that_disconnects(self):
        """If the peer disconnects early, nothing is submitted."""
        many = [recipient(number) for number in range(500)]
        self.connection.dataReceived(request("POST", PATH, {"template": TEMPLATE, "recipients": many}))
        self.lose()
        self.clock.advance(0)
        self.assertEqual(self.gateway.submissions, [])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_stopping(self):
        """While stopping, requests are refused."""
        self.server.stopping = True
        self.refusal(self.inject(recipient()), 503, "SHUTTING_DOWN")


class BoundsTests(RestInjectorTestCase):
    options: ClassVar = {"app": "news", "max_recipients": 2, "max_message": 1024}

    def test_any_domain(self):
        """With `app` recipients of any domain are accepted."""
        self.assertEqual(self.inject({**recipient(), "to": "a@any.example"}).status, 200)

    def test_recipients(self):
        """Too many recipients are refused before any is parsed."""
        text = self.refused(*[recipient()] * 3, status=413, code="TOO_LARGE")
        self.assertEqual(text, "recipients: 3 of them; at most 2")

    def test_messages(self):
        """A message that is too long in characters or bytes is refused."""
        for greeting in ("x" * 2000, "ü" * 400):
            long = recipient(keys={"token": HEX, "greeting": greeting})
            self.assertIn("recipients[0].message", self.refused(long, status=413, code="TOO_LARGE"))


class LoginTests(RestInjectorTestCase):
    trusting = False
    grants: ClassVar = {
        "shop": Grant(
            operations=frozenset({Operation.PUSH}),
            apps=frozenset({"news"}),
            secrets=(SecretHash.of(SECRET.encode(), bytes(16)),),
            max_batch=2,
        )
    }

    def test_basic(self):
        """HTTP Basic is a login, with the apps and the batch size of the principal."""
        right = {"authorization": f"Basic {b64encode(f'shop:{SECRET}'.encode()).decode()}"}
        self.assertEqual(self.inject(recipient(), **right).status, 200)
        self.refusal(self.inject({**recipient(), "to": "a@mail.example.com"}, **right), 403, "FORBIDDEN")
        self.refusal(self.inject(*[recipient()] * 3, **right), 413, "TOO_LARGE")
        self.assertEqual(len(self.gateway.submissions), 1)

    def test_without(self):
        """Injecting needs a login, GET does not."""
        response = self.inject(recipient())
        self.refusal(response, 401, "FORBIDDEN")
        self.assertEqual(response.headers["www-authenticate"], 'Basic realm="pushgate"')
        self.assertEqual(self.ask("GET", PATH).status, 200)


class TableTests(InputTestCase):
    kind, table, factory = "rest-injector", RestInjectorTable, RestInjectorServer
    options: ClassVar = {"app": "news"}

    def test_somewhere(self):
        """One of app and domains is required."""
        with self.assertRaisesRegex(ValueError, "one of app and domains is required"):
            RestInjectorTable(type="rest-injector")
