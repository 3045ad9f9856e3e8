"""POST with `?test`: a test send over HTTP."""

from pushgate.model.errors import TooOften
from pushgate.model.outcome import State
from pushgate.testing import outcome
from tests.http_rig import request
from tests.inputs.http.test_http import FIRST, ONE, PUSH, HTTPTestCase
from tests.samples import CHANNEL, WITH_CHANNELS

TEST = f"{PUSH}?test"


class SendTestTests(HTTPTestCase):
    def test_what_became_of_each(self):
        """When each has its outcome the answer is 200: a receipt, and a record of each with words and time."""
        self.gateway.records[FIRST] = outcome(State.REJECTED, status=8, reason="InvalidToken")
        self.gateway.records[FIRST + 1] = outcome(State.ACCEPTED)
        response = self.push({"tokens": ["0a", "x", "0b"], "payload": {}}, TEST)
        self.assertEqual((response.status, response.json["count"], response.json["settled"]), (202, 3, False))
        self.gateway.records[FIRST + (1 << 16)] = self.gateway.records[FIRST]
        response = self.push(path=f"{TEST}=true")
        [device] = response.json["devices"]
        self.assertEqual((response.status, device["state"], device["seconds"]), (200, "rejected", 0.25))
        self.assertIn("of the other environment", device["meaning"])
        self.assertTrue(device["advice"])

    def test_what_has_no_outcome(self):
        """Then it is 202, and where each is is there; `wait` says for how long it may take."""
        self.gateway.records[FIRST] = outcome(State.QUEUED)
        response = self.push(path=f"{TEST}&wait=5s")
        self.assertEqual((response.status, self.gateway.patience), (202, 5.0))
        [device] = response.json["devices"]
        self.assertEqual((device["state"], device["seconds"]), ("queued", None))
        self.push(path=TEST)
        self.assertEqual(self.gateway.patience, 30.0)

    def test_a_bad_token(self):
        """It is refused by its index, with its own reason."""
        response = self.push({"tokens": ["x", "0b"], "payload": {}}, TEST)
        [[index, code, text]] = response.json["refused"]
        self.assertEqual((index, code), (0, "INVALID"))
        self.assertIn("text of 1 characters", text)
        self.assertEqual([each["index"] for each in response.json["devices"]], [1])

    def test_every_kind_of_body(self):
        """A channel, notifications with payloads of their own, and a key."""
        self.gateway._rules = WITH_CHANNELS
        self.assertEqual(self.push({"channel": CHANNEL, "payload": {}}, TEST).json["count"], 1)
        several = {"notifications": [{"token": "0a", "payload": {"n": number}} for number in range(2)]}
        self.assertEqual(len(self.push(several, TEST).json["devices"]), 2)
        self.assertNotIn("repeated", self.push(path=TEST, idempotency_key="k").json)
        self.assertTrue(self.push(path=TEST, idempotency_key="k").json["repeated"])

    def test_refusals(self):
        """What cannot be a test send is refused, and nothing is sent."""
        many = {"tokens": ["0a"] * 11, "payload": {}}
        differ = {
            "notifications": [{"token": "0a", "payload": {}, "priority": 5}, {"token": "0b", "payload": {}}]
        }
        self.refusal(self.push(many, TEST), 413, "TOO_LARGE")
        self.refusal(self.push(differ, TEST), 400, "INVALID")
        self.refusal(self.push(path=f"{TEST}=no"), 400, "INVALID")
        lines = self.send(request("POST", TEST, b"{}\n", content_type="application/x-ndjson"))
        self.refusal(lines[0], 400, "INVALID")
        self.gateway.error = TooOften("test sends of news", 10, 12.3)
        response = self.push(path=TEST)
        self.refusal(response, 429, "OVERLOADED")
        self.assertEqual(response.headers["retry-after"], "13")
        self.assertEqual(self.gateway.submissions, [])

    def test_a_caller_that_goes_away(self):
        """Nothing waits for it."""
        self.gateway.holding = True
        [] = self.send(request("POST", TEST, ONE))
        self.lose()
        self.assertEqual(len(self.gateway.submissions), 1)
