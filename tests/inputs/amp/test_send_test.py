"""`TestSend`: a test send over AMP, answered with what became of each device."""

import json

from msgspec.structs import replace

from pushgate.model.errors import ShuttingDown, TooOften
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.outcome import State
from pushgate.model.packed import Packed
from pushgate.model.target import TargetForm
from pushgate.testing import outcome
from tests.amp_rig import AmpTestCase, command
from tests.samples import CHANNEL, PAYLOAD, TOKEN, WITH_CHANNELS, token

FIRST = 0x018F_0000_0000_7000_8000_0000_0001_0000
"""The id of what the recording gateway is given first."""


def tries(**values):
    """The bytes of a command, by default to two devices; None leaves an argument out."""
    tokens = json.dumps([token(0).hex(), token(1).hex()]).encode()
    good = {"app": b"news", "tokens": tokens, "payload": PAYLOAD} | values
    return command("TestSend", **{name: value for name, value in good.items() if value is not None})


class SendTestTests(AmpTestCase):
    def result(self, **values):
        """What a test send is answered with."""
        [answer] = self.send(tries(**values))
        return json.loads(answer[b"result"])

    def test_what_became_of_each(self):
        """Each device has its record, with meaning, advice, and the time it took."""
        self.gateway.records[FIRST] = outcome(State.REJECTED, status=8, reason="InvalidToken")
        self.gateway.records[FIRST + 1] = outcome(State.QUEUED)
        self.gateway.stats = lambda: {
            "apps": {"news": {"circuit": {"open": True, "cause": "wrong-environment"}}}
        }
        result = self.result(wait=b"5.0", priority=b"5")
        rejected, queued = result["devices"]
        self.assertEqual((rejected["state"], rejected["status"], rejected["seconds"]), ("rejected", 8, 0.25))
        self.assertIn("malformed, or of the other environment", rejected["meaning"])
        self.assertIn("certificate or tokens are of the other environment", queued["meaning"])
        self.assertIn("sandbox or production", queued["advice"])
        self.assertEqual((result["count"], result["refused"], result["settled"]), (2, [], False))
        self.assertEqual(self.gateway.patience, 5.0)
        self.assertEqual(self.gateway.submissions[0].terms.priority, 5)

    def test_what_is_not_known(self):
        """A device of which nothing is known says so; without a wait it is the longest there is."""
        result = self.result()
        self.assertEqual([each["state"] for each in result["devices"]], [None, None])
        self.assertEqual((result["settled"], self.gateway.patience), (False, 30.0))

    def test_the_same_again(self):
        """A repetition says that nothing was sent again."""
        self.assertNotIn("repeated", self.result(key=b"once"))
        self.assertTrue(self.result(key=b"once")["repeated"])

    def test_a_bad_token(self):
        """It is refused by its index, with its own reason, and the other is sent."""
        result = self.result(tokens=b'["xyz", "0a"]')
        self.assertEqual([(index, code) for index, code, _ in result["refused"]], [(0, "INVALID")])
        self.assertIn("text of 3 characters", result["refused"][0][2])
        self.assertEqual([each["index"] for each in result["devices"]], [1])

    def test_a_channel_and_a_push_magic(self):
        """They take the places of tokens and payload, as with `Push`."""
        self.gateway._rules = WITH_CHANNELS
        self.assertEqual(len(self.result(tokens=None, channel=CHANNEL.encode())["devices"]), 1)
        self.result(payload=None, push_magic=b"x")
        self.assertEqual(self.gateway.submissions[1].payload, b'{"mdm":"x"}')
        self.assertEqual(self.gateway.submissions[1].terms.push_type, "mdm")

    def test_long_targets(self):
        """Where they would not fit into the answer they are left out of it."""
        self.gateway._rules = NotificationRules()
        text = '"' * 4000
        for index in range(8):
            span = outcome(State.ACCEPTED).span
            long = replace(span.batch, tokens=Packed.of([text.encode()], 2), form=TargetForm.TEXT)
            self.gateway.records[FIRST + index] = replace(outcome(), span=replace(span, batch=long))
        targets = json.dumps([text] * 8).encode()
        self.assertEqual(len(targets) > 60_000, True)
        result = self.result(tokens=targets)
        self.assertEqual({each["token"] for each in result["devices"]}, {None})
        self.assertEqual(len(result["devices"]), 8)

    def test_refusals(self):
        """What cannot be a test send is refused, and nothing is sent."""
        many = json.dumps([TOKEN.hex()] * 11).encode()
        for values, code, word in (
            ({"tokens": many}, "TOO_LARGE", "at most 10"),
            ({"tokens": b"[]"}, "INVALID", "1 to 10"),
            ({"tokens": None}, "INVALID", "1 to 10"),
            ({"tokens": b"{"}, "INVALID", "a JSON list of texts"),
            ({"tokens": b"[5]"}, "INVALID", "a JSON list of texts"),
            ({"wait": b"-1.0"}, "INVALID", "wait"),
            ({"wait": b"nan"}, "INVALID", "wait"),
            ({"payload": None}, "INVALID", "payload"),
            ({"app": b"nope"}, "UNKNOWN_APP", "nope"),
            ({"channel": CHANNEL.encode()}, "INVALID", "channel"),
        ):
            with self.subTest(values):
                refused = self.refusal(tries(**values))
                self.assertEqual(refused[0], code)
                self.assertIn(word, refused[1])
        self.gateway.error = TooOften("test sends of news", 10, 12.3)
        self.assertEqual(
            self.refusal(tries()), ("OVERLOADED", "test sends of news: at most 10 a minute; again in 13 s")
        )
        self.gateway.error = ShuttingDown()
        self.assertEqual(self.refusal(tries())[0], "SHUTTING_DOWN")
        self.assertEqual(self.gateway.submissions, [])

    def test_a_stop(self):
        """While the input stops it takes nothing new."""
        self.server.stopping = True
        self.assertEqual(self.refusal(tries())[0], "SHUTTING_DOWN")
