"""The AMP client: what a program that uses it may rely on, with lost connections, refusals and slow gateways."""

import json
import time
from typing import ClassVar

from msgspec.structs import replace
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.protocols.amp import AMP
from twisted.trial.unittest import SynchronousTestCase, TestCase

from pushgate.client import Client, PartlySent, connect
from pushgate.client.chunks import MAX_CHUNK
from pushgate.client.connection import FIRST_DELAY, MAX_DELAY
from pushgate.client.retries import FIRST_RETRY
from pushgate.client.subscription import ROOM
from pushgate.inputs.amp import handlers, stats_page
from pushgate.inputs.amp.server import AmpTable
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.model.errors import (
    CannotStart,
    Conflict,
    FateUnknown,
    Forbidden,
    Internal,
    Invalid,
    NotFound,
    Overloaded,
    ShuttingDown,
    TooFast,
    TooLarge,
    TooOften,
    UnknownApp,
    Unreachable,
)
from pushgate.model.metrics import Metrics
from pushgate.model.notification import parse_id
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.outcome import State
from pushgate.model.outcome_record import id_text
from pushgate.model.principals import Grant
from pushgate.model.secret_hash import SecretHash
from pushgate.model.target import TargetForm
from pushgate.model.trace import NotificationTrace
from pushgate.plugin.context import Context
from pushgate.plugins.builtin import amp as amp_factory
from pushgate.protocols.amp.commands import Push, Stats
from pushgate.testing import RecordingGateway, outcome
from tests.client_rig import ClientTestCase, Wires
from tests.samples import CHANNEL, PAYLOAD, TOKEN, WITH_CHANNELS, token


class SendTestTests(ClientTestCase):
    def test_what_became_of_each(self):
        """A test send fires with what became of each device, in words too."""
        self.gateway.records[outcome().span.batch.id] = outcome(
            State.REJECTED, status=8, reason="InvalidToken"
        )
        sent = self.result(self.client.test_send("news", [TOKEN, "xyz"], {"aps": {}}, wait=5, priority=5))
        [device] = sent.devices
        self.assertEqual(
            (device.index, device.state, device.status, device.seconds), (0, "rejected", 8, 0.25)
        )
        self.assertIn("of the other environment", device.meaning)
        self.assertEqual([(index, code) for index, code, _ in sent.refused], [(1, "INVALID")])
        self.assertTrue(sent.settled)
        self.assertFalse(sent.repeated)
        self.assertEqual(self.gateway.patience, 5.0)

    def test_a_channel_and_a_push_magic(self):
        """They take the places of tokens and payload."""
        self.gateway._rules = WITH_CHANNELS
        sent = self.result(self.client.test_send("news", payload={"aps": {}}, channel=CHANNEL))
        self.assertEqual([each.state for each in sent.devices], [None])
        self.result(self.client.test_send("news", [TOKEN], push_magic="x"))
        self.assertEqual(self.gateway.submissions[1].terms.push_type, "mdm")

    def test_too_often(self):
        """It is not asked again: half a minute later it would still be too early."""
        self.gateway.error = TooOften("test sends of news", 10, 12.3)
        error = self.failure(self.client.test_send("news", [TOKEN], {"aps": {}}), Overloaded)
        self.assertEqual(error.retry_after, 13.0)


class PushTests(ClientTestCase):
    def test_a_push_fires_with_its_id(self):
        """Token and payload in whatever form the program has them."""
        for tok in (TOKEN, TOKEN.hex(), f"<{TOKEN.hex(' ', 4)}>"):
            for payload in ({"aps": {"alert": "Hi"}}, PAYLOAD, PAYLOAD.decode()):
                number = self.result(self.client.push("news", tok, payload))
                self.assertEqual(id_text(parse_id(number)), number)
                submission = self.gateway.submissions[-1]
                self.assertEqual((list(submission.tokens), submission.payload), ([TOKEN], PAYLOAD))

    def test_a_push_carries_its_terms(self):
        """By the names of the contract."""
        self.result(
            self.client.push(
                "news", TOKEN, PAYLOAD, key="k", expiration=5, priority=5, collapse_id="ü", topic="t"
            )
        )
        [submission] = self.gateway.submissions
        terms = submission.terms
        self.assertEqual((submission.key, terms.expiration, terms.priority), ("k", 5, 5))
        self.assertEqual((terms.collapse_id, terms.topic, terms.delivery), ("ü", "t", None))

    def test_a_broadcast(self):
        """There is a channel, and no token."""
        self.result(self.client.push("news", None, PAYLOAD, channel=CHANNEL))
        [submission] = self.gateway.submissions
        self.assertEqual((list(submission.tokens), submission.terms.channel), ([CHANNEL.encode()], CHANNEL))

    def test_a_coroutine_can_await_it(self):
        """Deferreds and coroutines are both natural."""

        async def program():
            return await self.client.push("news", TOKEN, PAYLOAD)

        running = Deferred.fromCoroutine(program())
        self.assertIsInstance(self.result(running), str)

    def test_a_refusal_is_the_gateways_own(self):
        """The same class with the same text, whatever it was made of."""
        for error in (
            UnknownApp("nwes"),
            Invalid("a", "b", "c"),
            TooLarge("a", 2, 1),
            Conflict(),
            NotFound(),
        ):
            self.gateway.error = error
            got = self.failure(self.client.push("news", TOKEN, PAYLOAD), type(error))
            self.assertEqual(str(got), str(error))

    def test_a_gateway_that_fails_is_no_refusal(self):
        """Nobody knows what became of the push, and the program can tell."""
        self.gateway.error = ZeroDivisionError()
        self.failure(self.client.push("news", TOKEN, PAYLOAD), Internal)
        self.flushLoggedErrors(ZeroDivisionError)

    def test_what_amp_cannot_carry_is_too_large(self):
        """The error names the argument."""
        error = self.failure(self.client.push("news", TOKEN, b"x" * 65536), TooLarge)
        self.assertEqual((error.field, error.size, error.limit), ("payload", 65536, 65535))
        self.failure(self.client.push("news" * 20000, TOKEN, PAYLOAD), TooLarge)

    def test_a_bad_token_is_refused_without_asking(self):
        """The error is the one the gateway would give."""
        self.failure(self.client.push("news", "xyz", PAYLOAD), Invalid)
        self.failure(self.client.push("news", b"", PAYLOAD), Invalid)

    def test_so_many_are_under_way_and_no_more(self):
        """The rest wait for their turn, in order."""
        self.gateway.holding = True
        pushes = [self.client.push("news", token(number), PAYLOAD) for number in range(40)]
        self.wires.flush()
        self.assertEqual(sum(len(each.tokens) for each in self.gateway.submissions), 32)
        self.gateway.holding = False
        self.gateway.release()
        self.wires.flush()
        for push in pushes:
            self.successResultOf(push)
        tokens = [each for submission in self.gateway.submissions for each in submission.tokens]
        self.assertEqual(tokens, [token(number) for number in range(40)])


class QuestionTests(ClientTestCase):
    NUMBER = 0x018F_0000_0000_7000_8000_0000_0000_0005

    def test_status_is_a_record(self):
        """Of the fields of the contract."""
        tokens = [token(number) for number in range(6)]
        rejected = outcome(State.REJECTED, tokens=tokens, status=8, reason="InvalidToken")
        self.gateway.records[self.NUMBER] = replace(rejected, span=rejected.span.part(5, 6))
        record = self.result(self.client.status(id_text(self.NUMBER)))
        self.assertEqual((record.state, record.status, record.index), (State.REJECTED, 8, 5))
        self.failure(self.client.status(id_text(1)), NotFound)
        self.failure(self.client.status("seven"), Invalid)

    def test_flush_says_how_many_were_proven(self):
        """The number that the gateway proved to be accepted; an unknown id fails as it said."""
        self.gateway.provable[self.NUMBER] = 12
        self.assertEqual(self.result(self.client.flush(id_text(self.NUMBER))), 12)
        self.failure(self.client.flush(id_text(1)), NotFound)

    def test_pace(self):
        """The rate of an app, or of the batch of a notification, whole numbers included."""
        self.gateway.records[self.NUMBER] = outcome()
        self.assertIs(self.result(self.client.pace(5, app="mail")), True)
        self.assertIs(self.result(self.client.pace(0.5, id=id_text(self.NUMBER))), False)
        self.assertEqual(self.gateway.rates, {"mail": 5.0, self.NUMBER: 0.5})
        self.failure(self.client.pace(5, app="nobody"), UnknownApp)

    def test_a_batch_with_a_rate(self):
        """All its commands share one rate, by a name that is its key's, or its own."""
        tokens = [token(number) for number in range(MAX_CHUNK + 1)]
        for key in ("k", None, None):
            self.result(self.client.push_batch("news", tokens, PAYLOAD, key=key, rate=50))
        terms = [each.terms for each in self.gateway.submissions]
        self.assertEqual({each.rate for each in terms}, {50.0})
        names = [each.pace for each in terms]
        self.assertEqual((names[::2], names[0], len(set(names))), (names[1::2], "k", 3))
        self.result(self.client.push_batch("news", [TOKEN], PAYLOAD, rate=0))
        self.assertIsNone(self.gateway.submissions[-1].terms.pace)

    def test_trace_is_a_story(self):
        """The record's fields with the events, as the contract has them."""
        self.gateway.records[self.NUMBER] = outcome()
        story = self.result(self.client.trace(id_text(self.NUMBER)))
        self.assertEqual(story, json.loads(NotificationTrace((outcome(),)).json()))
        self.failure(self.client.trace(id_text(1)), NotFound)

    def test_cancel_says_whether_it_did(self):
        """False when it was too late."""
        self.gateway.waiting.add(self.NUMBER)
        self.gateway.records[self.NUMBER] = outcome()
        answers = [self.result(self.client.cancel(id_text(self.NUMBER))) for _ in range(2)]
        self.assertEqual(answers, [True, False])

    def test_reload(self):
        """What changed, or as an error what is wrong with the configuration."""
        self.gateway.changes = ["apps.news: added"]
        self.assertEqual(self.result(self.client.reload()), ["apps.news: added"])
        self.gateway.error = CannotStart(["one", "two"])
        self.assertEqual(self.failure(self.client.reload(), CannotStart).faults, ["one", "two"])

    def test_stats(self):
        """As the gateway gives them."""
        self.assertEqual(self.result(self.client.stats()), {"apps": {"news": {}, "mail": {}}})

    def test_stats_of_very_many_apps(self):
        """What fits no value of AMP comes in pages; whoever asks without one is told that it does not fit."""
        apps = {f"app-{number:03}": {"cause": "x" * 900, "queue": number} for number in range(200)}
        sinks = {"log": {"lag": 1}, "watch-1": {"lag": 2, "watches": True}}
        outcomes = {app: {"accepted": number} for number, app in enumerate(apps)}
        stats = {"uptime": 2.5, "apps": apps, "sinks": sinks, "outcomes": outcomes}
        self.gateway.stats = lambda: stats
        merged = self.result(self.client.stats())
        self.assertEqual(merged, stats | {"sinks": {"log": {"lag": 1}}})
        self.failure(self.client._asking.command(Stats, True), TooLarge)

    def test_stats_of_a_gateway_that_lies(self):
        """One that promises further pages and has none is not asked for ever."""
        self.patch(stats_page, "page", lambda stats, after: ({"apps": {"news": {}}}, True))
        self.assertEqual(self.result(self.client.stats()), {"apps": {"news": {}}})


class BatchTests(ClientTestCase):
    def tokens_sent(self):
        """All tokens the gateway accepted, in order."""
        return [each for submission in self.gateway.submissions for each in submission.tokens]

    def test_a_batch_of_any_size(self):
        """It is cut into commands; each notification has the id that its place gives it."""
        count = 100_000
        receipt = self.result(self.client.push_batch("news", (token(n) for n in range(count)), PAYLOAD))
        self.assertEqual((len(receipt), receipt.accepted, receipt.refused), (count, count, ()))
        self.assertEqual(self.tokens_sent(), [token(n) for n in range(count)])
        self.assertEqual((len(receipt.ids), len(set(receipt.ids))), (count, count))
        first, second = receipt.ids[MAX_CHUNK - 1], receipt.ids[MAX_CHUNK]
        self.assertEqual(parse_id(first) & 0xFFFF, MAX_CHUNK - 1)
        self.assertEqual(parse_id(second) & 0xFFFF, 0)
        self.assertEqual(receipt.ids[-1], receipt.ids[count - 1])
        self.assertEqual(receipt.ids[999:1001], [first, second])
        with self.assertRaises(IndexError):
            receipt.ids[count]

    def test_each_can_have_its_own_payload(self):
        """Also when they fill AMP's values before the tokens do."""
        payloads = [{"n": number, "pad": "x" * 1000} for number in range(200)]
        receipt = self.result(self.client.push_batch("news", [TOKEN] * 200, payloads=payloads))
        self.assertEqual(repr(receipt), "<Receipt: 200 accepted, 0 refused>")
        sent = [json.loads(each) for submission in self.gateway.submissions for each in submission.payload]
        self.assertEqual(sent, payloads)
        self.assertGreater(len(self.gateway.submissions), 3)

    def test_bad_ones_are_refused_by_index(self):
        """Whether the client or the gateway finds out; the others keep their places and go through."""
        tokens = [token(number) for number in range(2500)]
        payloads = [PAYLOAD] * 2500
        tokens[3], tokens[1500], payloads[1001], payloads[7] = "no hex", b"x" * 101, b"no JSON", b"x" * 65535
        receipt = self.result(self.client.push_batch("news", tokens, payloads=payloads))
        self.assertEqual(
            [(refused.index, refused.code) for refused in receipt.refused],
            [(3, "INVALID"), (7, "TOO_LARGE"), (1001, "INVALID"), (1500, "INVALID")],
        )
        self.assertIn("hex digits", receipt.refused[0].reason)
        self.assertIsInstance(receipt.refused[1].error, TooLarge)
        self.assertEqual((len(receipt), receipt.accepted), (2500, 2496))
        self.assertIsNone(receipt.ids[1500])
        self.assertEqual(parse_id(receipt.ids[1501]) & 0xFFFF, 501)

    def test_half_a_surrogate_pair_refuses_its_own_member(self):
        """A payload that has no UTF-8, as a dict, as a text, or spelled in JSON, is refused by its index."""
        payloads = [PAYLOAD, {"alert": "\ud83d"}, '{"alert": "\ud83d"}', rb'{"alert": "\ud83d"}', PAYLOAD]
        receipt = self.result(self.client.push_batch("news", [TOKEN] * 5, payloads=payloads))
        self.assertEqual(
            [(refused.index, refused.code) for refused in receipt.refused],
            [(1, "INVALID"), (2, "INVALID"), (3, "INVALID")],
        )
        self.assertIn("surrogate", receipt.refused[0].reason)
        for payload in payloads[1:4]:
            self.failure(self.client.push("news", TOKEN, payload), Invalid)
            self.failure(self.client.push_batch("news", [TOKEN], payload), Invalid)

    def test_a_batch_of_which_nothing_is_accepted_fails(self):
        """With the reason, as a single push would."""
        self.failure(self.client.push_batch("nwes", [TOKEN] * 5000, PAYLOAD), UnknownApp)
        self.failure(self.client.push_batch("news", [TOKEN] * 5000, b"no JSON"), Invalid)
        self.failure(self.client.push_batch("news", [TOKEN], b"x" * 65536), TooLarge)
        self.assertEqual(self.gateway.submissions, [])

    def test_an_empty_batch_is_an_empty_receipt(self):
        """A program need not treat it specially."""
        receipt = self.result(self.client.push_batch("news", [], PAYLOAD))
        self.assertEqual((len(receipt), receipt.accepted, list(receipt.ids)), (0, 0, []))

    def test_tokens_and_payloads_must_go_together(self):
        """A call that makes no sense says which argument is wrong."""
        for arguments, field in (
            (([TOKEN],), "payload"),
            ((TOKEN.hex(), PAYLOAD), "tokens"),
            ((TOKEN, PAYLOAD), "tokens"),
        ):
            self.assertEqual(self.failure(self.client.push_batch("news", *arguments), Invalid).field, field)
        for payloads in ([PAYLOAD], [PAYLOAD] * 3):
            batch = self.client.push_batch("news", [TOKEN] * 2, payloads=payloads)
            self.assertEqual(self.failure(batch, Invalid).field, "payloads")
        self.failure(self.client.push_batch("news", [TOKEN], PAYLOAD, payloads=[PAYLOAD]), Invalid)

    def test_tokens_are_read_as_fast_as_they_are_taken(self):
        """A database cursor of a million rows never lies in memory."""
        read = 0

        def tokens():
            nonlocal read
            for number in range(200_000):
                read += 1
                yield token(number)

        self.gateway.holding = True
        batch = self.client.push_batch("news", tokens(), PAYLOAD)
        self.wires.flush()
        self.assertLessEqual(read, 33 * MAX_CHUNK)
        self.gateway.holding = False
        self.gateway.release()
        self.assertEqual(self.result(batch).accepted, 200_000)

    def test_a_batch_that_fails_on_the_way_tells_what_was_accepted(self):
        """The cause says why; what has an id in the receipt was accepted, and nothing more is sent."""
        self.gateway.holding = True
        batch = self.client.push_batch("news", [TOKEN] * 50_000, PAYLOAD)
        self.wires.flush()
        self.gateway.error, self.gateway.holding = Conflict(), False
        self.gateway.release()
        error = self.failure(batch, PartlySent)
        self.assertIsInstance(error.__cause__, Conflict)
        self.assertEqual(error.receipt.accepted, 32 * MAX_CHUNK)
        self.assertEqual(len(self.tokens_sent()), 32 * MAX_CHUNK)

    def test_a_broken_iterable_breaks_its_own_batch(self):
        """What the program's own code raises comes back to it, with what was accepted before."""

        def tokens():
            yield from [TOKEN] * MAX_CHUNK
            yield TOKEN
            raise KeyError("mine")

        error = self.failure(self.client.push_batch("news", tokens(), PAYLOAD), PartlySent)
        self.assertIsInstance(error.__cause__, KeyError)
        self.assertEqual(error.receipt.accepted, MAX_CHUNK)

    def test_a_key_makes_the_whole_repeatable(self):
        """Each command has a key of its own, so a repeated batch sends nothing twice."""
        for _ in range(2):
            self.result(self.client.push_batch("news", [TOKEN] * 2500, PAYLOAD, key="k"))
        self.assertEqual([each.key for each in self.gateway.submissions], ["k/0", "k/1", "k/2"])

    def test_a_batch_can_be_cancelled(self):
        """No further command is sent, and the slots are free for others."""
        self.gateway.holding = True
        batch = self.client.push_batch("news", [TOKEN] * 100_000, PAYLOAD)
        self.wires.flush()
        batch.cancel()
        self.failureResultOf(batch)
        self.gateway.holding = False
        self.gateway.release()
        self.result(self.client.push("news", TOKEN, PAYLOAD))
        self.assertEqual(len(self.gateway.submissions), 33)


class ReconnectionTests(ClientTestCase):
    def test_commands_wait_for_the_connection(self):
        """A program that starts before its gateway loses nothing."""
        self.wires.open = False
        self.wires.cut()
        push = self.client.push("news", TOKEN, PAYLOAD)
        self.clock.advance(FIRST_DELAY)
        self.assertNoResult(push)
        self.wires.open = True
        self.clock.advance(2 * FIRST_DELAY)
        self.result(push)

    def test_a_push_with_a_key_is_repeated(self):
        """It arrives once, though it was sent twice."""
        self.gateway.holding = True
        push = self.client.push("news", TOKEN, PAYLOAD, key="k")
        self.wires.flush()
        self.wires.cut()
        self.assertNoResult(push)
        self.gateway.holding = False
        self.clock.advance(FIRST_DELAY)
        self.assertIsInstance(self.result(push), str)
        self.assertEqual(len(self.gateway.submissions), 1)

    def test_a_batch_that_was_sent_before(self):
        """The receipt says that it was accepted before: nothing is sent again."""
        tokens = [token(n) for n in range(1500)]
        first, again = (
            self.result(self.client.push_batch("news", [*tokens, "zz"], PAYLOAD, key="k")) for _ in range(2)
        )
        self.assertEqual(
            (first.accepted, first.repeated, repr(first)), (1500, 0, "<Receipt: 1500 accepted, 1 refused>")
        )
        self.assertEqual((again.accepted, again.repeated), (1500, 1500))
        self.assertEqual(repr(again), "<Receipt: 1500 accepted, 1500 of them before, 1 refused>")
        self.assertEqual(list(again.ids), list(first.ids))

    def test_a_batch_with_a_key_is_repeated(self):
        """Only what was cut off is sent again, under the same keys."""
        self.gateway.holding = True
        batch = self.client.push_batch("news", [token(n) for n in range(5000)], PAYLOAD, key="k")
        self.wires.flush()
        self.wires.cut()
        self.gateway.holding = False
        self.clock.advance(FIRST_DELAY)
        self.assertEqual(self.result(batch).accepted, 5000)
        self.assertEqual(len(self.gateway.submissions), 5)

    def test_without_a_key_the_fate_is_not_known(self):
        """It may have been accepted: the program decides whether twice is better than never."""
        self.gateway.holding = True
        push, cancel = self.client.push("news", TOKEN, PAYLOAD), self.client.cancel(id_text(1))
        batch = self.client.push_batch("news", [TOKEN] * 10, PAYLOAD)
        self.wires.pumps[0].clientIO.getOutBuffer()
        self.wires.cut()
        for cut in (push, cancel, batch):
            self.failureResultOf(cut, FateUnknown)

    def test_questions_are_repeated(self):
        """Asking twice harms nobody."""
        stats = self.client.stats()
        self.wires.pumps[0].clientIO.getOutBuffer()
        self.wires.cut()
        self.clock.advance(FIRST_DELAY)
        self.result(stats)

    def test_the_waits_grow_until_the_gateway_answers(self):
        """A peer that accepts connections and closes them is not asked twice a second for ever."""
        for seconds in (0.5, 1, 2, 4):
            self.wires.cut()
            before = self.wires.attempts
            self.clock.advance(seconds - 0.01)
            self.assertEqual(self.wires.attempts, before)
            self.clock.advance(0.01)
            self.assertEqual(self.wires.attempts, before + 1)
        self.result(self.client.stats())
        self.wires.cut()
        self.clock.advance(FIRST_DELAY)
        self.result(self.client.stats())

    def test_a_gateway_that_cannot_be_reached(self):
        """After the timeout the error says why, and that nothing was sent."""
        self.wires.open = False
        self.wires.cut()
        push = self.client.push("news", TOKEN, PAYLOAD, key="k")
        self.clock.pump([1] * 60)
        error = self.failureResultOf(push, Unreachable).value
        self.assertIn("nobody there", str(error))
        self.assertEqual(self.gateway.submissions, [])

    def test_a_push_that_was_sent_once_is_not_called_unsent(self):
        """When the connection does not come back in time, even with a key its fate is not known."""
        push = self.client.push("news", TOKEN, PAYLOAD, key="k")
        self.wires.open = False
        self.wires.cut()
        self.clock.pump([1] * 60)
        self.failureResultOf(push, FateUnknown)

    def test_no_answer_in_time(self):
        """The fate is not known; a connection on which nothing at all came is given up for another."""
        self.gateway.holding = True
        push = self.client.push("news", TOKEN, PAYLOAD)
        self.wires.flush()
        self.clock.advance(60)
        self.failureResultOf(push, FateUnknown)
        self.gateway.holding = False
        self.gateway.release()
        again = self.client.push("news", TOKEN, PAYLOAD)
        self.wires.flush()
        self.clock.advance(FIRST_DELAY)
        self.result(again)
        self.assertEqual(self.wires.attempts, 2)

    def test_a_connection_that_lives_is_kept(self):
        """One slow command is no reason to cut off the others."""
        self.gateway.holding = True
        push = self.client.push("news", TOKEN, PAYLOAD)
        self.wires.flush()
        self.clock.advance(59)
        self.result(self.client.stats())
        self.clock.advance(1)
        self.failureResultOf(push, FateUnknown)
        self.result(self.client.stats())
        self.assertEqual(self.wires.attempts, 1)

    def test_closing(self):
        """Commands under way and those that come later fail; closing twice is harmless."""
        push = self.client.push("news", TOKEN, PAYLOAD)
        closed = self.client.close()
        self.wires.pumps[0].clientIO.getOutBuffer()
        self.wires.flush()
        self.successResultOf(closed)
        self.failureResultOf(push, FateUnknown)
        error = self.failure(self.client.push("news", TOKEN, PAYLOAD), Unreachable)
        self.assertIn("closed", str(error))
        self.successResultOf(self.client.close())

    def test_it_is_a_context_manager(self):
        """It connects when entered and is closed when left."""

        async def program():
            async with Client(self.wires, self.clock) as client:
                return await client.push("news", TOKEN, PAYLOAD)

        self.assertIsInstance(self.result(Deferred.fromCoroutine(program())), str)


class OverloadTests(ClientTestCase):
    def test_an_overloaded_gateway_is_asked_again(self):
        """At growing intervals, for as long as the program waits."""
        self.gateway.error = Overloaded("queue", 10, 10)
        push = self.client.push("news", TOKEN, PAYLOAD)
        self.wires.flush()
        for pause in (FIRST_RETRY, 2 * FIRST_RETRY):
            self.clock.advance(pause)
            self.wires.flush()
        self.assertNoResult(push)
        self.gateway.error = None
        self.clock.advance(4 * FIRST_RETRY)
        self.assertIsInstance(self.result(push), str)

    def test_a_wait_that_the_gateway_names(self):
        """It is kept to, and a program that catches the refusal can read it: AMP carries the text alone."""
        self.gateway.error = TooFast(10.0, 2.504)
        push = self.client.push("news", TOKEN, PAYLOAD)
        self.wires.flush()
        self.gateway.error = None
        self.clock.advance(2.5)
        self.wires.flush()
        self.assertNoResult(push)
        self.clock.advance(0.01)
        self.assertIsInstance(self.result(push), str)
        client = Client(self.wires, self.clock, retry_for=0)
        client.start()
        self.gateway.error = TooFast(10.0, 2.504)
        self.assertEqual(self.failure(client.push("news", TOKEN, PAYLOAD), Overloaded).retry_after, 2.51)
        client.close()

    def test_the_time_ends(self):
        """Then the refusal is the answer, for a gateway that restarts too."""
        for error in (Overloaded("queue", 10, 10), ShuttingDown()):
            self.gateway.error = error
            push = self.client.push("news", TOKEN, PAYLOAD)
            for _ in range(60):
                self.wires.flush()
                self.clock.advance(0.5)
            self.failureResultOf(push, type(error))

    def test_no_time(self):
        """With 0 the refusal comes at once."""
        client = Client(self.wires, self.clock, retry_for=0)
        client.start()
        self.gateway.error = Overloaded("queue", 10, 10)
        self.failure(client.push("news", TOKEN, PAYLOAD), Overloaded)
        client.close()


class WatchTests(ClientTestCase):
    def report(self, *reports):
        """Something happens to notifications."""
        self.gateway.report(*reports)
        self.wires.flush()

    def next(self, subscription):
        """The next record, as a Deferred."""
        return Deferred.fromCoroutine(subscription.__anext__())

    def test_outcomes_are_iterated(self):
        """As records, in order; an iteration waits for the next."""
        subscription = self.result(self.client.watch())
        coming = self.next(subscription)
        self.assertNoResult(coming)
        self.report(outcome(State.REJECTED, tokens=[token(1), token(2)], status=8, reason="InvalidToken"))
        records = [self.successResultOf(coming), self.successResultOf(self.next(subscription))]
        self.assertEqual([record.token for record in records], [token(1).hex(), token(2).hex()])
        self.assertEqual((records[0].state, records[0].status), (State.REJECTED, 8))

    def test_outcomes_go_to_a_callback(self):
        """One at a time; what it raises is logged and costs no later record."""
        heard, pause = [], Deferred()

        def callback(record):
            heard.append(record.index)
            if record.index == 0:
                raise ZeroDivisionError
            return pause if record.index == 1 else None

        self.result(self.client.watch(callback))
        self.report(outcome(tokens=[TOKEN] * 4))
        self.assertEqual(heard, [0, 1])
        pause.callback(None)
        self.assertEqual(heard, [0, 1, 2, 3])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_one_app_only(self):
        """The gateway sends no other; an unknown one is an error."""
        subscription = self.result(self.client.watch(app="mail"))
        self.report(outcome(app="news"), outcome(app="mail", order=2))
        self.assertEqual(self.successResultOf(self.next(subscription)).app, "mail")
        self.failure(self.client.watch(app="nwes"), UnknownApp)

    def test_it_subscribes_anew_after_a_lost_connection(self):
        """The program notices nothing."""
        subscription = self.result(self.client.watch(app="news"))
        self.wires.cut()
        self.assertEqual(self.gateway.sinks, {})
        self.clock.advance(FIRST_DELAY)
        self.wires.flush()
        self.report(outcome())
        self.assertEqual(self.successResultOf(self.next(subscription)).app, "news")

    def test_an_app_that_is_gone_ends_the_iteration(self):
        """A subscription that the gateway refuses later says so instead of waiting for ever."""
        subscription = self.result(self.client.watch(app="news"))
        coming = self.next(subscription)
        self.gateway.apps = ("mail",)
        self.wires.cut()
        self.clock.advance(FIRST_DELAY)
        self.wires.flush()
        self.failureResultOf(coming, UnknownApp)

    def test_a_slow_program_holds_the_gateway_back(self):
        """It acknowledges when it has room again; little waits here, the rest in the gateway."""
        subscription = self.result(self.client.watch())
        self.report(outcome(tokens=[TOKEN] * 20_000))
        waiting = len(subscription._records)
        self.assertTrue(ROOM < waiting < 3 * ROOM, waiting)
        indices = []
        for _ in range(20_000):
            indices.append(self.successResultOf(self.next(subscription)).index)
            if not subscription._records:
                self.wires.flush()
        self.assertEqual(indices, list(range(20_000)))

    def test_a_program_that_takes_nothing_stays_bounded(self):
        """It is disconnected and comes back, and subscribes only when it has room."""
        subscription = self.result(self.client.watch())
        self.report(outcome(tokens=[TOKEN] * 20_000))
        waiting = len(subscription._records)
        for _ in range(5):
            self.clock.advance(30)
            self.wires.flush()
            self.report(outcome(tokens=[TOKEN] * 20_000))
        self.assertEqual((len(subscription._records), self.gateway.sinks), (waiting, {}))
        for _ in range(waiting):
            self.successResultOf(self.next(subscription))
        self.wires.flush()
        self.assertEqual(len(self.gateway.sinks), 1)

    def test_closing_ends_the_iteration(self):
        """After the records that are here already."""
        subscription = self.result(self.client.watch())
        self.report(outcome())
        self.client.close()
        self.wires.flush()
        self.successResultOf(self.next(subscription))
        self.failureResultOf(self.next(subscription), StopAsyncIteration)

    def test_waiting_for_a_record_can_be_cancelled(self):
        """With a timeout of the program's own, for one; no record is lost by it."""
        subscription = self.result(self.client.watch())
        coming = self.next(subscription)
        coming.cancel()
        self.failureResultOf(coming)
        self.report(outcome())
        self.successResultOf(self.next(subscription))

    def test_a_subscription_can_be_ended(self):
        """One that waits for a record gets the error; the client's commands go on."""
        subscription = self.result(self.client.watch())
        coming = self.next(subscription)
        self.result(subscription.stop())
        self.failureResultOf(coming, StopAsyncIteration)
        self.assertEqual(self.gateway.sinks, {})
        self.result(self.client.push("news", TOKEN, PAYLOAD))

    def test_a_gateway_that_cannot_be_reached(self):
        """Watching fails after the timeout, and nothing goes on behind the program's back."""
        self.wires.open = False
        watching = self.client.watch()
        self.clock.pump([1] * 60)
        self.failureResultOf(watching, Unreachable)


class StrangerTests(SynchronousTestCase):
    """Peers that are no gateway of ours."""

    def test_a_peer_that_knows_no_commands(self):
        """Every command fails with a typed error that names it."""
        clock = Clock()

        class Peer:
            def buildProtocol(self, _):
                return AMP()

        wires = Wires(Peer(), clock)
        client = Client(wires, clock)
        client.start()
        for asked in (client.push("news", TOKEN, PAYLOAD), client.watch()):
            wires.flush()
            self.failureResultOf(asked, Internal)
        client.close()


class LoopbackTests(TestCase):
    """Over TCP, with the reactor of this process."""

    async def test_the_ten_lines_of_the_readme(self):
        """Connect, watch, push a batch, read the outcomes, close."""
        gateway = RecordingGateway()
        context = Context(reactor=reactor, wall=time.time, jitter=lambda: 0.0, metrics=Metrics())
        server = amp_factory.input(
            "amp", AmpTable(type="amp", listen="tcp:0:interface=127.0.0.1"), gateway, context
        )
        await server.start()
        self.addCleanup(server.stop)
        port = server.addresses()[0].rpartition(":")[2]
        async with connect(reactor, f"tcp:127.0.0.1:{port}") as client:
            outcomes = await client.watch(app="news")
            receipt = await client.push_batch(
                "news", [token(n) for n in range(3000)], {"aps": {}}, key="hello"
            )
            self.assertEqual((receipt.accepted, receipt.refused), (3000, ()))
            gateway.report(outcome(tokens=[token(n) for n in range(3000)]))
            seen = 0
            async for _ in outcomes:
                seen += 1
                if seen == 3000:
                    break


class LoginTests(ClientTestCase):
    grants: ClassVar[dict] = {"shop": Grant(secrets=(SecretHash.of(b"s3cr3t", bytes(16)),))}
    options: ClassVar[dict] = {"login": ("shop", b"s3cr3t")}

    def refuse(self):
        """From now on the gateway knows another secret; it has lost the connections."""
        self.principals.replace({"shop": Grant(secrets=(SecretHash.of(b"other", bytes(16)),))})
        self.wires.cut()
        self.clock.advance(MAX_DELAY)

    def test_it_logs_in(self):
        """Before anything else, on every connection: those of subscriptions, and those that come back."""
        self.result(self.client.push("news", TOKEN, PAYLOAD))
        subscription = self.result(self.client.watch())
        self.wires.cut()
        self.clock.advance(MAX_DELAY)
        self.result(self.client.push("news", TOKEN, PAYLOAD))
        self.gateway.report(outcome())
        reading = Deferred.fromCoroutine(subscription.__anext__())
        self.assertEqual(self.result(reading).state, State.ACCEPTED)

    def test_a_login_that_is_refused(self):
        """Every command fails with what the gateway says; a later connection may find it mended."""
        self.result(self.client.push("news", TOKEN, PAYLOAD))
        self.refuse()
        pushing = [self.client.push("news", TOKEN, PAYLOAD) for _ in range(2)]
        self.wires.flush()
        self.clock.advance(FIRST_DELAY)
        for each in pushing:
            error = self.failure(each, Forbidden)
            self.assertEqual(str(error), "login: no principal of this name has this secret")
        self.principals.replace(self.grants)
        self.clock.advance(MAX_DELAY)
        self.result(self.client.push("news", TOKEN, PAYLOAD))

    def test_a_subscription_that_is_refused(self):
        """The iteration ends with what the gateway says."""
        subscription = self.result(self.client.watch())
        reading = Deferred.fromCoroutine(subscription.__anext__())
        self.refuse()
        self.wires.flush()
        self.clock.advance(FIRST_DELAY * 4)
        self.failure(reading, Forbidden)

    def test_closing_while_it_logs_in(self):
        """Takes the usual time at most."""
        self.refuse()
        pushing = self.client.push("news", TOKEN, PAYLOAD)
        self.wires.flush()
        self.close()
        self.failure(pushing, Unreachable)

    def test_a_gateway_that_knows_no_logins(self):
        """Is named as what it is."""
        self.patch(handlers, "_RESPONDERS", {})
        self.wires.cut()
        self.clock.advance(MAX_DELAY)
        error = self.failure(self.client.push("news", TOKEN, PAYLOAD), Internal)
        self.assertIn("failed at Login", str(error))


class TargetTests(ClientTestCase):
    """An app whose push service has other targets than device tokens."""

    TEXTS: ClassVar[list[str]] = ["https://push.example.com/ü", '{"endpoint": "https://x y"}', "z" * 4096]

    def setUp(self):
        super().setUp()
        self.gateway._rules = NotificationRules()

    def test_a_push(self):
        """The target is passed on as the program writes it."""
        for text in self.TEXTS:
            self.result(self.client.push("news", text, PAYLOAD))
            self.assertEqual(list(self.gateway.submissions[-1].tokens), [text.encode()])

    def test_a_batch(self):
        """Text or bytes, however long, cut into as many commands as it takes; a bad one is refused by index."""
        targets = [*self.TEXTS * 20, b"\x00\xff", "", "y" * 4097, "\ud83d"]
        receipt = self.result(self.client.push_batch("news", targets=targets, payload=PAYLOAD))
        self.assertEqual((receipt.accepted, [each.index for each in receipt.refused]), (61, [61, 62, 63]))
        sent = [target for submission in self.gateway.submissions for target in submission.tokens]
        self.assertEqual(
            [target for target in sent if target], [text.encode() for text in self.TEXTS] * 20 + [b"\x00\xff"]
        )
        self.assertIn("1 to 4096 bytes", receipt.refused[1].reason)

    def test_tokens_or_targets(self):
        """One of the two."""
        for arguments in ({}, {"tokens": [], "targets": []}):
            self.failure(self.client.push_batch("news", payload=PAYLOAD, **arguments), Invalid)

    def test_dead_ones(self):
        """They are entered, listed and taken for living again as text or bytes."""
        entries = [DeadTokenEntry(text.encode(), 5, DeadReason.IMPORTED) for text in self.TEXTS]
        self.assertIs(self.result(self.client.target_form("news")), TargetForm.TEXT)
        self.assertEqual(self.result(self.client.bury("news", entries * 10)), 3)

        async def listed():
            return [entry async for entry in self.client.dead_tokens("news")]

        found = self.result(Deferred.fromCoroutine(listed()))
        self.assertEqual(found, sorted(entries, key=lambda entry: entry.token))
        wanted = [self.TEXTS[0], *(text.encode() for text in self.TEXTS[1:]), *self.TEXTS * 10]
        self.assertEqual(self.result(self.client.forget("news", wanted)), 3)


class PeerWordsTests(SynchronousTestCase):
    def test_a_refusal_cannot_move_a_cursor(self):
        """The text of a refusal is the other side's, and ends on a terminal: it has no control characters."""
        error = Push.reverseErrors[b"INVALID"]("token: \x1b[2J\rOK")
        self.assertIsInstance(error, Invalid)
        self.assertEqual(str(error), r"token: \x1b[2J\rOK")


class QuotaTests(ClientTestCase):
    grants: ClassVar[dict] = {"anonymous": Grant(rate=1.0)}
    options: ClassVar[dict] = {"retry_for": 30.0}

    def test_it_comes_back_when_told(self):
        """A quota that is used up is not asked for again before there is some left."""
        self.result(self.client.push("news", TOKEN, PAYLOAD))
        self.clock.advance(0.25)
        pushing = self.client.push("news", TOKEN, PAYLOAD)
        self.wires.flush()
        self.clock.advance(0.7)
        self.wires.flush()
        refused = self.metrics.counts["pushgate_refused_total"]
        self.assertEqual(refused, {("news", "amp", "OVERLOADED"): 1})
        self.clock.advance(0.05)
        self.result(pushing)
