"""Requests over HTTP and their answers."""

import json
from typing import ClassVar
from uuid import UUID

from msgspec.structs import replace

from pushgate.inputs.common.json_terms import TERM_FIELDS
from pushgate.inputs.http.routes import ROUTES
from pushgate.inputs.http.schemas import SCHEMAS, TERMS
from pushgate.model.errors import REFUSALS, Overloaded, ShuttingDown
from pushgate.model.notification import MAX_BATCH, Delivery, Priority, Terms
from pushgate.model.outcome import State
from pushgate.model.outcome_record import id_text
from pushgate.model.packed import Packed
from pushgate.model.trace import NotificationTrace
from pushgate.net.http.responses import STATUSES
from pushgate.net.prometheus import Exposition
from pushgate.plugins.builtin import http as factory
from pushgate.testing import outcome
from tests.http_rig import ONE, PUSH, HTTPTestCase, request
from tests.samples import CHANNEL, OF_TEXT, TOKEN, WITH_CHANNELS, XML, token

FIRST = outcome().span.batch.id
"""The id of the first notification that the fake gateway takes."""


class PushTests(HTTPTestCase):
    def test_one(self):
        """A notification is submitted as it was given, and answered with its id."""
        payload = b'{"aps": {"alert":  "\\u00e9\xc3\xa9"}}'
        response = self.push(b'{"token": "%b", "payload": %b}' % (TOKEN.hex().encode(), payload))
        self.assertEqual((response.status, response.headers["content-type"]), (202, "application/json"))
        self.assertEqual((response.json["count"], response.json["refused"]), (1, []))
        UUID(response.json["id"])
        [submission] = self.gateway.submissions
        self.assertEqual((submission.app, list(submission.tokens)), ("news", [TOKEN]))
        self.assertEqual(submission.payload, payload)
        self.assertEqual(self.gateway.inputs, ["http"])

    def test_terms(self):
        """Everything that may be said of a notification is passed on."""
        said = {
            "expiration": 1_700_000_000,
            "priority": 5,
            "collapse_id": "c",
            "push_type": "alert",
            "topic": "t",
            "registered_at": 3,
            "delivery": "at-most-once",
        }
        self.assertEqual({*said, "channel", "push_magic"}, set(TERM_FIELDS))
        self.assertEqual(self.push(ONE | said).status, 202)
        [submission] = self.gateway.submissions
        said |= {"priority": Priority.BULK, "delivery": Delivery.AT_MOST_ONCE}
        self.assertEqual(submission.terms, Terms(**said))

    def test_a_push_magic(self):
        """It takes the place of a payload, of one notification and of members, which each have their own."""
        one, other = '{"mdm":"a\\"b"}', '{"mdm":"2"}'
        self.push({"token": TOKEN.hex(), "push_magic": 'a"b'})
        members = [{"token": TOKEN.hex(), "push_magic": "2"}, {"token": TOKEN.hex()}]
        response = self.push({"notifications": members})
        self.assertEqual(response.json["refused"][0][:2], [1, "INVALID"])
        self.assertIn("payload: missing", response.json["refused"][0][2])
        first, second = self.gateway.submissions[:2]
        self.assertEqual((first.payload, first.terms), (one.encode(), Terms(push_type="mdm")))
        self.assertEqual((second.payload[0], second.terms), (other.encode(), Terms(push_type="mdm")))
        for body, rule in (
            (ONE | {"push_magic": "x"}, "push_magic: with a payload"),
            ({"tokens": ["12"], "push_magic": "x"}, "push_magic: with tokens"),
            ({"token": "12", "push_magic": ""}, "push_magic: 0 bytes"),
            ({"token": "12", "push_magic": "x", "push_type": "alert"}, "push_type: another"),
            ({"notifications": [ONE], "push_magic": "x"}, "notifications: with fields"),
        ):
            self.assertIn(rule, self.refusal(self.push(body), 400, "INVALID"))

    def test_a_rate(self):
        """Is the batch's; several batches of one request share it, under their key or a name of their own."""
        tokens = [token(1).hex(), token(2).hex()]
        self.push({"tokens": tokens, "payload": {}, "rate": 2.5, "pace": "spring"})
        several = [
            {"token": each, "payload": {}, "priority": 5 * number} for number, each in enumerate(tokens, 1)
        ]
        self.push({"notifications": several[:1], "rate": 7})
        self.push({"notifications": several, "rate": 8}, idempotency_key="k")
        self.push({"notifications": several, "rate": 9})
        self.push({"notifications": several, "rate": 0})
        terms = [each.terms for each in self.gateway.submissions]
        self.assertEqual([each.rate for each in terms], [2.5, 7, 8, 8, 9, 9, 0, 0])
        self.assertEqual([each.pace for each in terms[:4]], ["spring", None, "k", "k"])
        self.assertEqual(terms[4].pace, terms[5].pace)
        self.assertIsNotNone(terms[4].pace)
        self.assertEqual([each.priority for each in terms[4:6]], [Priority.BULK, Priority.URGENT])

    def test_a_bad_rate(self):
        """Refuses the request: it is about all of it."""
        many = {"tokens": [TOKEN.hex()], "payload": {}}
        several = {"notifications": [ONE]}
        for body in (
            many | {"rate": -1},
            several | {"rate": 1e10},
            several | {"rate": "fast"},
            many | {"pace": "p"},
            several | {"pace": "p", "rate": 0},
            many | {"pace": "", "rate": 1},
            ONE | {"rate": 1},
            {"notifications": [ONE | {"rate": 1}]},
        ):
            self.assertRegex(self.refusal(self.push(body), 400, "INVALID"), "rate|pace")
        self.assertEqual(self.gateway.submissions, [])

    def test_one_to_many(self):
        """A list of tokens shares a payload; a bad token is refused by its index, the others go."""
        tokens = [token(1).hex(), "12 34", "xyz", f"<{token(2).hex()}>", ""]
        response = self.push({"tokens": tokens, "payload": {}})
        self.assertEqual((response.status, response.json["count"]), (202, 5))
        self.assertEqual([entry[:2] for entry in response.json["refused"]], [[2, "INVALID"], [4, "INVALID"]])
        self.assertIn("hex digits", response.json["refused"][0][2])
        [submission] = self.gateway.submissions
        self.assertEqual(list(submission.tokens), [token(1), b"\x124", b"", token(2), b""])
        self.assertEqual(submission.payload, b"{}")

    def test_a_batch_of_equal_tokens(self):
        """500 of them are one submission, whose tokens are those that were given."""
        tokens = [token(number) for number in range(500)]
        response = self.push({"tokens": [each.hex() for each in tokens], "payload": {}})
        self.assertEqual((response.json["count"], response.json["refused"]), (500, []))
        self.assertEqual(self.gateway.submissions[0].tokens, Packed.of(tokens, 2))

    def test_many(self):
        """Notifications with payloads of their own are one batch when they are on the same terms."""
        many = [{"token": token(number).hex(), "payload": {"n": number}} for number in range(3)]
        response = self.push({"notifications": many})
        self.assertEqual((response.status, response.json["count"], response.json["refused"]), (202, 3, []))
        self.assertNotIn("batches", response.json)
        [submission] = self.gateway.submissions
        self.assertEqual(list(submission.payload), [b'{"n": 0}', b'{"n": 1}', b'{"n": 2}'])

    def test_a_bad_one_of_many(self):
        """It is refused by its index with its own reason, and the others go."""
        bad = [
            ONE | {"token": "x"},
            ONE | {"payload": []},
            ONE | {"payload": {"x": "y" * 3000}},
            ONE | {"payload": {"x": "y" * 70_000}},
            ONE | {"priority": 7},
        ]
        response = self.push({"notifications": [ONE, *bad, ONE]})
        refused = {index: (code, text) for index, code, text in response.json["refused"]}
        self.assertEqual(list(refused), [1, 2, 3, 4, 5])
        self.assertEqual([refused[index][0] for index in (3, 4)], ["TOO_LARGE", "TOO_LARGE"])
        self.assertIn("1, 5 or 10", refused[5][1])
        self.assertEqual(len(self.gateway.submissions), 1)

    def test_half_a_surrogate_pair(self):
        """What cutting a JavaScript string leaves refuses its own member, wherever in it it stands."""
        bad = [
            ONE | {"payload": {"alert": "cut \ud83d"}},
            ONE | {"token": "\ud83d"},
            ONE | {"collapse_id": "\ud83d"},
            ONE | {"topic": "\ude00"},
        ]
        response = self.push({"notifications": [ONE, *bad, ONE | {"payload": {"alert": "\U0001f600"}}]})
        self.assertEqual((response.status, response.json["count"]), (202, 6))
        self.assertEqual(
            [entry[:2] for entry in response.json["refused"]], [[n, "INVALID"] for n in (1, 2, 3, 4)]
        )
        tokens = self.push({"tokens": [TOKEN.hex(), "\ud83d"], "payload": {}})
        self.assertEqual([entry[:2] for entry in tokens.json["refused"]], [[1, "INVALID"]])
        self.assertEqual(self.push(bad[0]).status, 400)

    def test_many_on_different_terms(self):
        """They make several batches; the answer says which of them begins where."""
        many = [ONE, ONE | {"priority": 5}, ONE | {"priority": 5, "token": "x"}, ONE]
        response = self.push({"notifications": many}, idempotency_key="k")
        batches = response.json["batches"]
        self.assertEqual([(each["first"], each["count"]) for each in batches], [(0, 1), (1, 2), (3, 1)])
        self.assertEqual(response.json["id"], batches[0]["id"])
        self.assertEqual([index for index, _, _ in response.json["refused"]], [2])
        self.assertEqual([each.key for each in self.gateway.submissions], ["k/0", "k/1", "k/2"])

    def test_very_many_on_different_terms(self):
        """Their batches are submitted in turns of the reactor, each at its place in the answer."""
        many = [ONE | {"expiration": number} for number in range(120)]
        many[77] |= {"token": "x"}
        response = self.push({"notifications": many}, idempotency_key="k")
        self.assertEqual([each["first"] for each in response.json["batches"]], list(range(120)))
        self.assertEqual([index for index, _, _ in response.json["refused"]], [77])
        self.assertEqual([each.key for each in self.gateway.submissions], [f"k/{n}" for n in range(120)])

    def test_a_key(self):
        """The same again with the same key is not submitted again; other content is a conflict."""
        first = self.push(idempotency_key="order 4711")
        again = self.push(idempotency_key="order 4711")
        self.assertEqual(again.json, first.json | {"repeated": True})
        self.assertEqual(len(self.gateway.submissions), 1)
        other = self.push({"tokens": [token(3).hex()], "payload": {}}, idempotency_key="order 4711")
        self.refusal(other, 409, "CONFLICT")

    def test_singles_of_one_turn_are_one_submission(self):
        """So that many connections with one notification each cost the spool one commit."""
        others = [self.connect() for _ in range(3)]
        for connection in others:
            connection.dataReceived(request("POST", PUSH, ONE))
        self.clock.advance(0)
        self.assertEqual([len(each.tokens) for each in self.gateway.submissions], [3])
        ids = [self.received(connection)[0].json["id"] for connection in others]
        self.assertEqual(len(set(ids)), 3)

    def test_a_partly_overloaded_request(self):
        """When one of several batches has no room, its members are refused, and the answer has the others' ids."""
        submit = self.gateway.submit

        def full(submission, name):
            self.gateway.error = Overloaded("queue of news", 1, 1) if self.gateway.submissions else None
            return submit(submission, name)

        self.gateway.submit = full
        response = self.push({"notifications": [ONE, ONE | {"priority": 5}]})
        self.assertEqual(response.status, 202)
        self.assertEqual([entry[:2] for entry in response.json["refused"]], [[1, "OVERLOADED"]])
        self.assertEqual(len(response.json["batches"]), 1)


class TextPayloadTests(HTTPTestCase):
    rules = OF_TEXT

    def test_a_text(self):
        """It is submitted as what it says, however it is submitted."""
        one = {"token": "uri", "payload": XML}
        for body in (one, {"tokens": ["uri"], "payload": XML}, {"notifications": [one]}):
            for headers in ({}, {"idempotency_key": "k" + str(len(self.gateway.submissions))}):
                self.assertEqual(self.push(body, **headers).json["refused"], [])
                payload = self.gateway.submissions[-1].payload
                self.assertEqual([payload] if isinstance(payload, bytes) else list(payload), [XML.encode()])

    def test_an_object(self):
        """And an array are JSON for the device: they go as they are written."""
        for payload in (b'{"a":  "\\u00e9"}', b'[1,  "x"]'):
            self.push(b'{"token": "uri", "payload": %b}' % payload)
            self.assertEqual(self.gateway.submissions[-1].payload, payload)

    def test_the_limit(self):
        """Counts the text: not its escapes, nor its quotes."""
        self.push({"token": "uri", "payload": "é" * 20})
        self.assertEqual(self.gateway.submissions[-1].payload, ("é" * 20).encode())
        response = self.push({"token": "uri", "payload": "é" * 20 + "x"})
        self.assertIn("41", self.refusal(response, 413, "TOO_LARGE"))

    def test_half_a_surrogate_pair(self):
        """It refuses the request, or its one notification; so do a number and null."""
        for bad in ("cut \ud83d", {"alert": "cut \ud83d"}, 7, None):
            one = {"token": "uri", "payload": bad}
            for body in (one, {"tokens": ["uri"], "payload": bad}):
                text = self.refusal(self.push(body), 400, "INVALID")
                self.assertTrue(text.startswith("payload: "), text)
            response = self.push({"notifications": [one, one | {"payload": XML}]})
            self.assertEqual([entry[:2] for entry in response.json["refused"]], [[0, "INVALID"]])
            self.assertEqual(self.gateway.submissions[-1].payload[1], XML.encode())


class RefusalTests(HTTPTestCase):
    def test_a_text_for_a_payload(self):
        """Is no JSON object: it is refused where the push service takes nothing else."""
        for text in ("{}", XML):
            response = self.push(ONE | {"payload": text})
            self.assertTrue(self.refusal(response, 400, "INVALID").startswith("payload: "))

    def test_every_refusal_has_a_status(self):
        """Each has a status in HTTP."""
        self.assertEqual(list(STATUSES), list(REFUSALS))

    def test_bad_bodies(self):
        """The field, what it is and the rule are named, the value never is; the connection lives on."""
        secret = "5ecre7"
        many = [ONE, {"token": 5, "payload": {}}]
        bad = [
            (b"", "body: not JSON"),
            (b'{"token": "' + secret.encode(), "body: not JSON"),
            (b"\xff\xfe", "body: not JSON"),
            ([secret], "body: of type array; must be of type object"),
            ({"token": 5, "payload": {}}, "token: of type int"),
            ({"token": secret + "x", "payload": {}}, "token: text of 7 characters"),
            ({"payload": {}}, "body: none of them; either token, or tokens, or notifications"),
            (ONE | {"tokens": ["12"]}, "body: token and tokens; either"),
            ({"payload": {}, "channel": "a", "tokens": ["12"]}, "body: tokens and channel; either"),
            (ONE | {"channel": "YQ=="}, "channel: with a token; either a token or a channel"),
            ({"payload": {}, "channel": "a", "rate": 5}, "rate: with token"),
            ({"token": TOKEN.hex()}, "payload: missing"),
            ({"tokens": ["12"]}, "payload: missing"),
            (ONE | {"payload": [secret]}, "payload: 10 bytes; a JSON object"),
            (ONE | {"colour": secret}, "colour: no field of this request"),
            (ONE | {"priority": "high"}, "priority: of type str"),
            (ONE | {"priority": 7}, "priority: the number 7; 1, 5 or 10"),
            (ONE | {"expiration": 2**70}, "expiration: a number of 71 bits"),
            (ONE | {"collapse_id": secret * 11}, "collapse_id: 66 bytes"),
            ({"tokens": [], "payload": {}}, "tokens: none"),
            ({"tokens": ["12", 3], "payload": {}}, "tokens[1]: of type int"),
            ({"notifications": []}, "notifications: none"),
            ({"notifications": many}, "notifications[1].token: of type int"),
            ({"notifications": [ONE], "payload": {}}, "notifications: with fields beside it"),
            (b"[" * 10_000, "body: of type array"),
            (b'{"token": "12", "payload": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "body: objects in"),
        ]
        for body, rule in bad:
            detail = self.refusal(self.push(body), 400, "INVALID")
            self.assertIn(rule, detail)
            self.assertNotIn(secret, detail)
        self.assertEqual(self.gateway.submissions, [])
        self.assertEqual(self.counted("pushgate_refused_total"), {("news", "http", "INVALID"): len(bad) - 1})
        self.assertEqual(self.push().status, 202)

    def test_too_large(self):
        """A payload beyond the app's limit, and a batch beyond what an id can count."""
        large = ONE | {"payload": {"x": "y" * 3000}}
        self.assertIn("at most 2048", self.refusal(self.push(large), 413, "TOO_LARGE"))
        many = {"tokens": ["12"] * (MAX_BATCH + 1), "payload": {}}
        self.assertIn("65536", self.refusal(self.push(many), 413, "TOO_LARGE"))

    def test_unknown_app(self):
        """It is named, as far as that is sensible."""
        response = self.push(path="/v1/apps/n%C3%A9ws/notifications")
        self.assertIn("n\u00e9ws", self.refusal(response, 404, "UNKNOWN_APP"))
        self.refusal(
            self.push({"tokens": ["12"], "payload": {}}, "/v1/apps/x%2Fy/notifications"), 404, "UNKNOWN_APP"
        )

    def test_later(self):
        """A refusal that may pass says when to try again."""
        for error, status in ((Overloaded("queue of news", 1, 1), 429), (ShuttingDown(), 503)):
            self.gateway.error = error
            response = self.push()
            self.refusal(response, status, error.code)
            self.assertGreaterEqual(int(response.headers["retry-after"]), 1)

    def test_a_bug(self):
        """It is answered as such, without details, and logged once."""
        for body in (ONE, {"tokens": ["12"], "payload": {}}):
            self.gateway.error = RuntimeError("5ecre7")
            response = self.push(body)
            self.assertNotIn("5ecre7", self.refusal(response, 500, "INTERNAL"))
            self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.gateway.error = None
        self.gateway.stats = lambda: 1 / 0
        self.refusal(self.ask("GET", "/v1/apps"), 500, "INTERNAL")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.push().status, 202)

    def test_paths_and_methods(self):
        """What is not there is 404; what is there and takes another method says which."""
        for path in ("/", "/v1", "/v1/apps/news/notifications/", "/v1/apps//notifications", "/../healthz"):
            self.refusal(self.ask("GET", path), 404, "NOT_FOUND")
        response = self.ask("PUT", PUSH)
        self.refusal(response, 405, "INVALID")
        self.assertEqual(response.headers["allow"], "POST")
        self.assertEqual(self.ask("POST", "/healthz", b"").headers["allow"], "GET, HEAD")

    def test_parameters(self):
        """One that is not known, or given twice, is refused: so that a typing error costs no wait."""
        for query in (
            "wiat=5s",
            "wait=1s&wait=2s",
            "wait=5",
            "wait=",
            "&".join(f"a{i}=1" for i in range(20)),
        ):
            self.refusal(self.push(path=f"{PUSH}?{query}"), 400, "INVALID")
        self.refusal(self.ask("GET", "/v1/apps?app=news"), 400, "INVALID")
        self.assertEqual(self.gateway.submissions, [])

    def test_headers(self):
        """Content that is no JSON, or compressed, or a key that is no text, is refused before it is read."""
        for headers, status in (
            ({"content_type": "application/x-www-form-urlencoded"}, 415),
            ({"content_type": "text/plain"}, 415),
            ({"content_type": ""}, 415),
            ({"origin": "https://evil.example"}, 403),
            ({"sec_fetch_site": "cross-site"}, 403),
            ({"content_encoding": "gzip"}, 415),
            ({"idempotency_key": "k\u00e9y"}, 400),
            ({"idempotency_key": "k" * 256}, 400),
            ({"idempotency_key": ""}, 400),
        ):
            self.refusal(self.push(**headers), status, "INVALID")
        self.assertEqual(self.push(content_type="Application/JSON; charset=utf-8").status, 202)


class WaitTests(HTTPTestCase):
    def report(self, *tokens):
        """Tell the outcome of the first submission, to sinks and books."""
        report = outcome(tokens=tokens)
        for index in range(len(tokens)):
            self.gateway.records[FIRST + index] = replace(report, span=report.span.part(index, index + 1))
        self.gateway.report(report)

    def test_a_bad_key_of_nothing_good(self):
        """A key that is none is refused, whatever the request is about."""
        for key in ("k" * 256, "a\tb"):
            response = self.push({"notifications": [{"token": "x", "payload": {}}]}, idempotency_key=key)
            self.refusal(response, 400, "INVALID")

    def test_all_outcomes(self):
        """When all are known the answer comes, with a record for each."""
        body = {"tokens": [token(1).hex(), "x", token(2).hex()], "payload": {}}
        [] = self.send(request("POST", f"{PUSH}?wait=5s", body))
        self.report(token(1), b"", token(2))
        [response] = self.received()
        self.assertEqual((response.status, response.json["count"]), (200, 3))
        self.assertEqual([each["index"] for each in response.json["outcomes"]], [0, 2])
        self.assertEqual({each["state"] for each in response.json["outcomes"]}, {"accepted"})

    def test_some_outcomes(self):
        """After the time the answer comes with those that are known; what is on its way says so."""
        [] = self.send(request("POST", f"{PUSH}?wait=3s", ONE))
        self.gateway.records[FIRST] = outcome(State.QUEUED)
        self.pass_time(2)
        self.assertEqual(self.received(), [])
        self.pass_time(1)
        [response] = self.received()
        self.assertEqual(response.status, 202)
        self.assertEqual([each["state"] for each in response.json["outcomes"]], ["queued"])

    def test_a_report_that_was_dropped(self):
        """At the end the gateway is asked: a watcher's buffer may have been full."""
        [] = self.send(request("POST", f"{PUSH}?wait=3s", ONE))
        sinks, self.gateway.sinks = self.gateway.sinks, {}
        self.report(TOKEN)
        self.gateway.sinks = sinks
        self.pass_time(3)
        self.assertEqual(self.received()[0].status, 200)

    def test_the_same_again(self):
        """With a key that was used, the outcomes of the first time come at once."""
        self.push(idempotency_key="k")
        self.report(TOKEN)
        response = self.push(path=f"{PUSH}?wait=1h", idempotency_key="k")
        self.assertEqual((response.status, len(response.json["outcomes"])), (200, 1))

    def test_bounds(self):
        """No request waits longer than the input allows, nor for thousands."""
        [] = self.send(request("POST", f"{PUSH}?wait=1d", ONE))
        self.pass_time(60)
        self.assertEqual(self.received()[0].status, 202)
        many = {"tokens": ["12"] * 1001, "payload": {}}
        self.refusal(self.push(many, f"{PUSH}?wait=1s"), 413, "TOO_LARGE")

    def test_a_caller_that_goes_away(self):
        """Leaves nothing behind that waits."""
        [] = self.send(request("POST", f"{PUSH}?wait=30s", ONE))
        self.lose()
        self.report(TOKEN)
        self.assertEqual([call for call in self.clock.getDelayedCalls() if call.getTime() > 25], [])


class QuestionTests(HTTPTestCase):
    def test_an_outcome(self):
        """The record of a notification, and 404 for an unknown one."""
        self.gateway.records[5] = outcome()
        response = self.ask("GET", f"/v1/notifications/{id_text(5)}")
        self.assertEqual(
            (response.status, response.json), (200, json.loads(NotificationTrace((outcome(),)).json()))
        )
        self.refusal(self.ask("GET", f"/v1/notifications/{id_text(6)}"), 404, "NOT_FOUND")
        self.refusal(self.ask("GET", "/v1/notifications/six"), 400, "INVALID")

    def test_cancelling(self):
        """Says whether it came in time."""
        self.gateway.waiting.add(5)
        self.gateway.records[6] = outcome()
        for number, done in ((5, True), (6, False)):
            response = self.ask("DELETE", f"/v1/notifications/{id_text(number)}")
            self.assertEqual((response.status, response.json), (200, {"cancelled": done}))
        self.refusal(self.ask("DELETE", f"/v1/notifications/{id_text(7)}"), 404, "NOT_FOUND")

    def test_apps(self):
        """Each app's state, with the days its certificate has left."""
        expires = self.context.wall() + 5.5 * 86400
        self.gateway.stats = lambda: {
            "apps": {"news": {"queue": 3, "certificate_expires": expires}, "mail": {}}
        }
        apps = self.ask("GET", "/v1/apps").json["apps"]
        self.assertEqual((apps["news"]["queue"], apps["news"]["certificate_days"]), (3, 5))
        self.assertIsNone(apps["mail"]["certificate_days"])

    def test_metrics(self):
        """As the metrics sink has them."""
        self.server.exposition = Exposition(self.context.metrics, lambda: {"apps": {}, "sinks": {}})
        response = self.ask("GET", "/metrics", accept="application/openmetrics-text")
        self.assertIn(b"pushgate_submitted", response.body)
        self.assertTrue(response.headers["content-type"].startswith("application/openmetrics-text"))

    def test_health(self):
        """Alive while the process answers; ready until it stops."""
        self.assertEqual([self.ask("GET", path).status for path in ("/healthz", "/readyz")], [200, 200])
        self.gateway.error = ShuttingDown()
        self.assertEqual(self.ask("GET", "/healthz").status, 200)
        self.assertIn("retry-after", self.ask("GET", "/readyz").headers)

    def test_head(self):
        """Is GET without the body."""
        response = self.ask("HEAD", "/healthz")
        self.assertEqual((response.status, response.body), (200, b""))
        self.assertEqual(self.ask("GET", "/healthz").headers, response.headers)

    def test_head_of_a_stream(self):
        """Ends at once: the next request is answered."""
        self.connection.dataReceived(request("HEAD", "/v1/outcomes"))
        self.assertTrue(self.taken().endswith(b"\r\n\r\n"))
        self.assertEqual(self.ask("GET", "/healthz").status, 200)

    def test_bodies_where_there_is_none(self):
        """A question with a body is not understood; the connection lives on."""
        self.refusal(self.ask("GET", "/healthz", b"x"), 413, "TOO_LARGE")
        self.assertEqual(self.ask("GET", "/healthz").status, 200)


class DescriptionTests(HTTPTestCase):
    options: ClassVar = {"open_paths": []}

    def test_it_describes_what_there_is(self):
        """Every route is in the document, with every reference in it leading somewhere."""
        document = self.ask("GET", "/openapi.json").json
        described = {
            (path, method.upper()) for path, methods in document["paths"].items() for method in methods
        }
        self.assertEqual(described, {(route.described.path, route.described.method) for route in ROUTES})
        text = json.dumps(document)
        for name in SCHEMAS:
            self.assertIn(f'"#/components/schemas/{name}"', text)

    def test_it_has_the_fields_there_are(self):
        """The optional fields are those that are read."""
        self.assertEqual((*TERMS, "push_magic"), TERM_FIELDS)
        self.assertIn("push_magic", SCHEMAS["Wake"]["properties"])

    def test_the_input_is_a_plug_in(self):
        """With a name of its own."""
        self.assertEqual(factory.name, "http")


class BroadcastTests(HTTPTestCase):
    rules = WITH_CHANNELS

    def test_one(self):
        """A channel takes the place of the token: with a key too, and with a wait."""
        for path, headers in ((PUSH, {}), (PUSH, {"Idempotency_Key": "k"})):
            response = self.push({"channel": CHANNEL, "payload": {}, "priority": 5}, path, **headers)
            self.assertEqual((response.status, response.json["count"]), (202, 1))
            submission = self.gateway.submissions[-1]
            self.assertEqual(list(submission.tokens), [CHANNEL.encode()])
            self.assertEqual(submission.terms, Terms(channel=CHANNEL, priority=Priority.BULK))

    def test_among_others(self):
        """Notifications to one channel make a batch; a bad one keeps its place and refuses no other."""
        to = {"channel": CHANNEL, "payload": {}}
        bad = [to | {"token": "0a"}, {"payload": {}}, to | {"channel": ""}, to | {"channel": "x" * 256}]
        response = self.push({"notifications": [ONE, to, to, *bad, ONE]})
        self.assertEqual((response.status, response.json["count"]), (202, 8))
        self.assertEqual([index for index, *_ in response.json["refused"]], [3, 4, 5, 6])
        accepted = [list(each.tokens) for each in self.gateway.submissions if each.terms.channel]
        self.assertEqual([each for each in accepted[0] if each], [CHANNEL.encode()] * 2)

    def test_lines(self):
        """The same as lines."""
        line = json.dumps({"channel": CHANNEL, "payload": {}}).encode()
        response = self.push(b"\n".join([line, line]), content_type="application/x-ndjson")
        self.assertEqual((response.json["count"], response.json["refused"]), (2, []))
        self.assertEqual(list(self.gateway.submissions[0].tokens), [CHANNEL.encode()] * 2)
