"""The commands of the AMP input, box by box."""

import json
from uuid import UUID

from pushgate.model.errors import (
    CannotStart,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Overloaded,
    ShuttingDown,
    TooLarge,
    UnknownApp,
)
from pushgate.model.notification import Delivery, Priority
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.outcome import State
from pushgate.model.outcome_record import record
from pushgate.model.packed import Packed
from pushgate.model.trace import NotificationTrace
from pushgate.testing import outcome
from tests.amp_rig import AmpTestCase, command, push, push_batch
from tests.samples import CHANNEL, PAYLOAD, TOKEN, WITH_CHANNELS, token


class PushTests(AmpTestCase):
    rules = WITH_CHANNELS

    def test_a_push_is_answered_with_its_id(self):
        """The id is the UUID under which outcomes are reported."""
        [answer] = self.send(push())
        self.assertEqual(answer[b"_answer"], b"1")
        self.assertEqual(UUID(answer[b"id"].decode()).version, 7)
        [submission] = self.gateway.submissions
        self.assertEqual((submission.app, list(submission.tokens)), ("news", [TOKEN]))
        self.assertEqual(submission.payload, PAYLOAD)
        self.assertEqual(self.gateway.inputs, ["amp"])

    def test_a_push_carries_its_terms(self):
        """Every optional argument arrives as the typed value it stands for."""
        self.send(
            push(
                expiration=b"1700000000",
                priority=b"5",
                collapse_id="schön".encode(),
                push_type=b"alert",
                topic=b"com.example.news",
                registered_at=b"1600000000",
                delivery=b"at-most-once",
            )
        )
        terms = self.gateway.submissions[0].terms
        self.assertEqual((terms.expiration, terms.priority), (1700000000, Priority.BULK))
        self.assertEqual((terms.collapse_id, terms.push_type), ("schön", "alert"))
        self.assertEqual((terms.topic, terms.registered_at), ("com.example.news", 1600000000))
        self.assertEqual(terms.delivery, Delivery.AT_MOST_ONCE)

    def test_a_push_magic(self):
        """It takes the place of the payload, with a key and without; not both, and not neither."""
        for key in (None, b"k"):
            self.send(push(payload=None, push_magic=b"47250C9C", key=key))
            submission = self.gateway.submissions[-1]
            self.assertEqual(submission.payload, b'{"mdm":"47250C9C"}')
            self.assertEqual(submission.terms.push_type, "mdm")
        for arguments, field in (
            ({"push_magic": b"x"}, "push_magic"),
            ({"payload": None}, "payload"),
            ({"payload": None, "push_magic": b""}, "push_magic"),
            ({"payload": None, "push_magic": b"x", "push_type": b"alert"}, "push_type"),
        ):
            code, text = self.refusal(push(**arguments))
            self.assertEqual((code, text.partition(":")[0]), ("INVALID", field))

    def test_a_broadcast(self):
        """A channel takes the place of the token, with a key and without; not both, and not neither."""
        for key in (None, b"k"):
            self.send(push(token=None, channel=CHANNEL.encode(), key=key))
            submission = self.gateway.submissions[-1]
            self.assertEqual(list(submission.tokens), [CHANNEL.encode()])
            self.assertEqual(submission.terms.channel, CHANNEL)
        for arguments, field in (({"channel": b"YQ=="}, "channel"), ({"token": None}, "token")):
            code, text = self.refusal(push(**arguments))
            self.assertEqual((code, text.partition(":")[0]), ("INVALID", field))

    def test_a_batch_of_broadcasts(self):
        """Each payload goes to the channel; there are no tokens beside it."""
        payloads = Packed.of([b"{}", b'{"a":1}'], 2).blob
        for bodies, count in (({}, 1), ({"payload": None, "payloads": payloads}, 2)):
            [answer] = self.send(push_batch(tokens=None, channel=CHANNEL.encode(), **bodies))
            self.assertEqual(answer[b"count"], b"%d" % count)
            submission = self.gateway.submissions[-1]
            self.assertEqual(list(submission.tokens), [CHANNEL.encode()] * count)
        self.assertEqual(self.refusal(push_batch(channel=CHANNEL.encode()))[1].partition(":")[0], "channel")

    def test_the_pushes_of_one_turn_are_one_batch(self):
        """Whichever connections they came on; each is answered with its own id."""
        other = self.connect()
        other.dataReceived(push(ask=b"7"))
        answers = self.send(push(ask=b"1"), push(ask=b"2"))
        [later] = self.received(other)
        self.assertEqual(len(self.gateway.submissions), 1)
        ids = [UUID(answer[b"id"].decode()).int for answer in (later, *answers)]
        self.assertEqual(ids, [ids[0], ids[0] + 1, ids[0] + 2])

    def test_one_bad_push_of_a_turn_is_refused_alone(self):
        """Its neighbours of the same turn get their ids."""
        answers = self.send(push(ask=b"1"), push(ask=b"2", payload=b"[]"), push(ask=b"3"))
        self.assertEqual([b"id" in answer for answer in answers], [True, False, True])
        self.assertEqual(answers[1][b"_error_code"], b"INVALID")

    def test_a_push_with_a_key_is_a_batch_of_its_own(self):
        """The key stands for this one notification: repeated, it brings the first id and sends nothing."""
        [first] = self.send(push(key=b"k"))
        [again] = self.send(push(key=b"k"))
        self.assertEqual(first[b"id"], again[b"id"])
        self.assertEqual(len(self.gateway.submissions), 1)
        self.assertEqual(self.refusal(push(key=b"k", payload=b"{}"))[0], "CONFLICT")

    def test_a_command_that_wants_no_answer_gets_none(self):
        """AMP lets a caller leave out the tag; the command is done all the same, or refused in silence."""
        self.assertEqual(self.send(push(ask=None), push(ask=None, app=b"nwes")), [])
        self.assertEqual(len(self.gateway.submissions), 1)


class PushBatchTests(AmpTestCase):
    def test_a_batch_is_answered_with_its_id_and_count(self):
        """Tokens and the shared payload arrive as they were sent."""
        [answer] = self.send(push_batch(count=3, key=b"k"))
        self.assertEqual((answer[b"count"], answer[b"refused"]), (b"3", b"[]"))
        [submission] = self.gateway.submissions
        self.assertEqual(list(submission.tokens), [token(number) for number in range(3)])
        self.assertEqual((submission.payload, submission.key), (PAYLOAD, "k"))

    def test_targets_of_any_length(self):
        """`targets` stand behind two bytes of length each, for services whose addresses are long."""
        self.gateway._rules = NotificationRules()
        targets = [b"https://push.example.com/" + b"x" * 1000, b"y"]
        [answer] = self.send(push_batch(tokens=None, targets=Packed.of(targets, 2).blob))
        self.assertEqual((answer[b"count"], answer[b"refused"]), (b"2", b"[]"))
        self.assertEqual(list(self.gateway.submissions[0].tokens), targets)

    def test_tokens_or_targets(self):
        """Exactly one of the two is given."""
        for arguments in ({"tokens": None}, {"targets": b"\0\1a"}):
            code, text = self.refusal(push_batch(**arguments))
            self.assertEqual(code, "INVALID")
            self.assertTrue(text.startswith("targets: "))

    def test_a_target_that_is_text(self):
        """A push to an app whose targets are text takes the text as it stands."""
        self.gateway._rules = NotificationRules()
        self.send(push(token=b"https://push.example.com/abc"))
        self.assertEqual(list(self.gateway.submissions[0].tokens), [b"https://push.example.com/abc"])

    def test_each_token_can_have_its_own_payload(self):
        """`payloads` has one for each token, behind two bytes of length."""
        payloads = [b'{"a":1}', b'{"a":22}']
        self.send(push_batch(payload=None, payloads=Packed.of(payloads, 2).blob))
        self.assertEqual(list(self.gateway.submissions[0].payload), payloads)

    def test_one_bad_member_is_refused_by_index(self):
        """The others go through, also when it is a text with half a surrogate pair that is bad."""
        for bad in (b"no JSON", rb'{"alert":"\ud83d"}', b'{"alert":"\xed\xa0\xbd"}'):
            payloads = Packed.of([b"{}", bad, b"{}"], 2).blob
            [answer] = self.send(push_batch(count=3, payload=None, payloads=payloads))
            [[index, code, reason]] = json.loads(answer[b"refused"])
            self.assertEqual((answer[b"count"], index, code), (b"3", 1, "INVALID"))
            self.assertIn("payload", reason)

    def test_the_list_of_the_refused_always_fits(self):
        """When all reasons together are too long for one value, every code is there without its reason."""
        count = 2500
        tokens = Packed.of([b""] * (count - 1) + [b"t"], 1).blob
        [answer] = self.send(push_batch(tokens=tokens))
        refused = json.loads(answer[b"refused"])
        self.assertEqual(refused, [[index, "INVALID", ""] for index in range(count - 1)])

    def test_bad_batches_are_refused_whole(self):
        """The error names the argument that does not go together with the others."""
        for arguments, code, field in (
            ({"tokens": b""}, "INVALID", "tokens"),
            ({"tokens": b"\x20short"}, "INVALID", "tokens"),
            ({"tokens": b"\x01a" * 2501}, "TOO_LARGE", "tokens"),
            ({"payload": None}, "INVALID", "payload"),
            ({"payloads": b"\0\2{}"}, "INVALID", "payload"),
            ({"payload": None, "payloads": b"\0\2{}"}, "INVALID", "payloads"),
            ({"payload": None, "payloads": b"\0\x09{}"}, "INVALID", "payloads"),
            ({"payload": b"{}" + b" " * 2048}, "TOO_LARGE", "payload"),
        ):
            with self.subTest(arguments=arguments):
                got, text = self.refusal(push_batch(**arguments))
                self.assertEqual((got, text.partition(":")[0]), (code, field))
        self.assertEqual(self.gateway.submissions, [])


class RateTests(AmpTestCase):
    def test_a_batch_with_a_rate(self):
        """It is submitted with it, and with what shares it."""
        self.send(push_batch(rate=b"0.5", pace=b"sale"), push_batch(rate=b"100"), push_batch(rate=b"0"))
        terms = [(each.terms.rate, each.terms.pace) for each in self.gateway.submissions]
        self.assertEqual(terms, [(0.5, "sale"), (100.0, None), (0.0, None)])

    def test_a_rate_that_is_none(self):
        """No number, a negative one, a name without a rate or too long; and a single push has no rate."""
        for data in (
            *(push_batch(rate=rate) for rate in (b"x", b"-1", b"nan", b"inf", b"1e10")),
            push_batch(pace=b"sale"),
            push_batch(rate=b"1", pace=b"n" * 256),
            push(rate=b"1"),
        ):
            self.assertEqual(self.refusal(data)[0], "INVALID")


class RefusalTests(AmpTestCase):
    """Every refusal is an answer, none costs the connection."""

    def test_a_bad_argument_is_named(self):
        """Also where AMP itself would fail: text that is no UTF-8, numbers that are none, what is missing."""
        for arguments, field in (
            ({"app": b"\xff"}, "app"),
            ({"app": None}, "app"),
            ({"token": b"zz"}, "token"),
            ({"token": b"\xc3\x28"}, "token"),
            ({"token": b""}, "token"),
            ({"token": b"ab" * 101}, "token"),
            ({"payload": None}, "payload"),
            ({"expiration": b"soon"}, "expiration"),
            ({"expiration": b"-1"}, "expiration"),
            ({"expiration": b"9" * 60000}, "expiration"),
            ({"priority": b"7"}, "priority"),
            ({"collapse_id": b"x" * 65}, "collapse_id"),
            ({"push_type": b"spam"}, "push_type"),
            ({"delivery": b"sometimes"}, "delivery"),
            ({"key": b""}, "key"),
            ({"expiratoin": b"1"}, "expiratoin"),
        ):
            with self.subTest(arguments=arguments):
                code, text = self.refusal(push(**arguments))
                self.assertEqual((code, text.partition(":")[0]), ("INVALID", field))
        self.assertEqual(self.gateway.submissions, [])

    def test_every_refusal_of_the_gateway_has_its_code(self):
        """Programs branch on the code, people read the text."""
        for error in (
            UnknownApp("news"),
            Invalid("token", "a", "b"),
            TooLarge("payload", 2, 1),
            Overloaded("queue", 1, 1),
            ShuttingDown(),
            Forbidden("no"),
            Conflict(),
            NotFound(),
        ):
            self.gateway.error = error
            self.assertEqual(self.refusal(push()), (error.code, str(error)))
            self.assertEqual(self.refusal(push_batch()), (error.code, str(error)))

    def test_a_refusal_does_not_repeat_what_is_secret(self):
        """Tokens and payloads stand in no error: errors are logged by callers."""
        _, text = self.refusal(push(token=b"secret-token"))
        self.assertNotIn("secret", text)
        _, text = self.refusal(push(payload=b"secret"))
        self.assertNotIn("secret", text)

    def test_an_unknown_command_is_unhandled(self):
        """As AMP has it, also for its own StartTLS, which would make keys for every peer that asks."""
        for name in ("Poke", "StartTLS", "x" * 5000):
            code, text = self.refusal(command(name))
            self.assertEqual(code, "UNHANDLED")
            self.assertLess(len(text), 200)

    def test_a_bug_is_logged_once_and_unknown_to_the_caller(self):
        """It closes no connection, least of all the one whose commands are under way."""
        self.gateway.error = ZeroDivisionError("secret")
        self.assertEqual(self.refusal(push()), ("UNKNOWN", "the gateway failed; its log says why"))
        self.gateway.stats = None
        [answer] = self.send(command("Stats"))
        self.assertEqual(answer[b"_error_code"], b"UNKNOWN")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)

    def test_what_the_input_refuses_is_counted(self):
        """By app, if it is configured: a caller's text never becomes a label."""
        self.refusal(push(token=b"zz"))
        self.refusal(push(token=b"", app=b"nwes"))
        self.refusal(command("Status", id=b"?"))
        counts = self.context.metrics.counts["pushgate_refused_total"]
        self.assertEqual(counts, {("news", "amp", "INVALID"): 1, ("", "amp", "INVALID"): 1})


class QuestionTests(AmpTestCase):
    NUMBER = 0x018F_0000_0000_7000_8000_0000_0000_0005
    ID = str(UUID(int=NUMBER)).encode()

    def test_pace(self):
        """An app gets another rate, or the batch of a notification does; the answer says whether that has an effect."""
        self.gateway.waiting.add(self.NUMBER)
        answers = self.send(
            command("Pace", app=b"news", rate=b"2.5"), command("Pace", id=self.ID, rate=b"0")
        )  # fmt: skip
        self.assertEqual([box[b"paced"] for box in answers], [b"True", b"True"])
        self.assertEqual(self.gateway.rates, {"news": 2.5, self.NUMBER: 0.0})
        self.gateway.waiting.clear()
        self.gateway.records[self.NUMBER] = outcome()
        self.assertEqual(self.send(command("Pace", id=self.ID, rate=b"1"))[0][b"paced"], b"False")

    def test_a_pace_that_makes_no_sense(self):
        """Neither app nor id, both, a rate that is none, an unknown app or notification."""
        for arguments, code in (
            ({"rate": b"1"}, "INVALID"),
            ({"app": b"news", "id": self.ID, "rate": b"1"}, "INVALID"),
            ({"app": b"news"}, "INVALID"),
            ({"app": b"news", "rate": b"fast"}, "INVALID"),
            ({"app": b"news", "rate": b"-1"}, "INVALID"),
            ({"app": b"news", "rate": b"nan"}, "INVALID"),
            ({"app": b"nobody", "rate": b"1"}, "UNKNOWN_APP"),
            ({"id": b"x", "rate": b"1"}, "INVALID"),
            ({"id": b"0" * 32, "rate": b"1"}, "NOT_FOUND"),
        ):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.refusal(command("Pace", **arguments))[0], code)

    def test_trace_is_the_story(self):
        """As the gateway reports it."""
        known = self.gateway.records[UUID(self.ID.decode()).int] = outcome()
        [answer] = self.send(command("Trace", id=self.ID))
        self.assertEqual(answer[b"trace"].decode(), NotificationTrace((known,)).json())

    def test_status_is_the_outcome_record(self):
        """As the gateway has it, in JSON."""
        pending = self.gateway.records[self.NUMBER] = outcome(State.QUEUED)
        [answer] = self.send(command("Status", id=self.ID))
        self.assertEqual(answer[b"outcome"].decode(), record(pending))

    def test_flush_says_how_many_were_proven(self):
        """The number of notifications that the gateway proved to be accepted."""
        self.gateway.provable[self.NUMBER] = 12
        [answer] = self.send(command("Flush", id=self.ID))
        self.assertEqual(answer[b"proven"], b"12")

    def test_cancel_says_whether_it_did(self):
        """True once; afterwards the notification is done."""
        self.gateway.waiting.add(self.NUMBER)
        self.gateway.records[self.NUMBER] = outcome()
        answers = self.send(command("Cancel", id=self.ID), command("Cancel", id=self.ID))
        self.assertEqual([answer[b"cancelled"] for answer in answers], [b"True", b"False"])

    def test_an_id_that_is_unknown_or_none(self):
        """NOT_FOUND for an unknown UUID, INVALID for what is no UUID."""
        for name in ("Status", "Trace", "Cancel", "Flush"):
            self.assertEqual(self.refusal(command(name, id=self.ID))[0], "NOT_FOUND")
            self.assertEqual(self.refusal(command(name, id=b"seven"))[0], "INVALID")

    def test_a_reload_answers_with_what_changed(self):
        """`Reload` answers with a line for each change, as JSON."""
        self.gateway.changes = ["apps.news: removed"]
        [answer] = self.send(command("Reload"))
        self.assertEqual((answer[b"ok"], json.loads(answer[b"lines"])), (b"True", ["apps.news: removed"]))

    def test_a_bad_configuration_is_no_error_of_the_command(self):
        """A reload that was refused answers with each fault; what does not fit into a value is in the log."""
        self.gateway.error = CannotStart(["f.toml: one", "f.toml: two"])
        [answer] = self.send(command("Reload"))
        self.assertEqual(
            (answer[b"ok"], json.loads(answer[b"lines"])), (b"False", ["f.toml: one", "f.toml: two"])
        )
        self.gateway.error = CannotStart([f"f.toml: {number}: unknown key" for number in range(5000)])
        [answer] = self.send(command("Reload"))
        lines = json.loads(answer[b"lines"])
        self.assertEqual((lines[0], lines[-1]), ("f.toml: 0: unknown key", "and more: see the log"))

    def test_a_reload_that_fails_otherwise(self):
        """A refusal is answered with its code; a bug is answered as one and logged."""
        self.gateway.error = ShuttingDown()
        self.assertEqual(self.refusal(command("Reload"))[0], "SHUTTING_DOWN")
        self.gateway.error = ZeroDivisionError()
        self.assertEqual(self.refusal(command("Reload"))[0], "UNKNOWN")
        self.flushLoggedErrors(ZeroDivisionError)

    def test_stats_are_json(self):
        """What the gateway counts, for people and dashboards."""
        [answer] = self.send(command("Stats"))
        self.assertEqual(json.loads(answer[b"stats"]), {"apps": {"news": {}, "mail": {}}})

    def test_stats_that_fit_into_no_value_are_refused(self):
        """Thousands of apps do not cost the connection."""
        self.gateway.stats = lambda: {"apps": "x" * 70000}
        [answer] = self.send(command("Stats"))
        self.assertEqual(answer[b"_error_code"], b"TOO_LARGE")
