"""The RabbitMQ input against a real broker."""

import json
from itertools import count
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from pika.exceptions import AMQPError
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.logger import LogLevel, capturedLogs
from zope.interface.verify import verifyObject

from pushgate.gateway.gateway import Gateway, Limits
from pushgate.gateway.spool.memory import MemorySpool
from pushgate.inputs.amqp import pipeline
from pushgate.inputs.amqp.settings import AmqpTable
from pushgate.inputs.common import turns
from pushgate.model.errors import CannotStart, Overloaded, ShuttingDown
from pushgate.model.notification import Delivery
from pushgate.model.outcome import State
from pushgate.model.principals import Grant, Principals
from pushgate.plugin.input_interface import IInput
from pushgate.plugin.settings import AppTable
from pushgate.plugins.builtin import amqp as factory
from pushgate.testing import RecordingGateway, RecordingUpstreams, outcome
from tests.amqp_rig import PAYLOAD, AmqpTestCase, one, stop_now
from tests.broker_rig import broker_context, eventually, put
from tests.samples import OF_TEXT, XML, token


class InputTests(AmqpTestCase):
    async def test_acknowledged_after_the_outcome(self) -> None:
        """A message stays the broker's until its notification has an outcome."""
        queue_input = await self.start_input()
        verifyObject(IInput, queue_input)
        self.publish(one())
        await self.submitted()
        [submission] = self.gateway.submissions
        self.assertEqual((submission.app, list(submission.tokens)), ("news", [token(0)]))
        self.assertEqual(self.counted("acknowledged"), 0)
        self.gateway.settle(outcome(State.ACCEPTED))
        self.assertEqual(self.counted("acknowledged"), 1)
        await queue_input.stop()
        self.assertEqual(self.taken(self.queue), [])

    async def test_payloads_that_are_text(self) -> None:
        """Where the push service takes text, a JSON text stands for what it says; half a character does not."""
        self.gateway = RecordingGateway("news", rules=OF_TEXT)
        await self.start_input()
        self.publish(one(payload="cut \ud83d"), one(payload=XML))
        await self.submitted()
        self.assertEqual([each.payload for each in self.gateway.submissions], [XML.encode()])
        [(_, properties, _)] = await self.dead_letters()
        self.assertTrue(properties.headers["x-pushgate-reason"].startswith("payload: "))

    async def test_acknowledged_when_the_sinks_know(self) -> None:
        """Until they do the message is all that there is of the outcome: killed now, it must come again."""
        queue_input = await self.start_input()
        self.publish(one())
        await self.submitted()
        self.gateway.lagging = caught_up = Deferred()
        self.gateway.settle(outcome(State.ACCEPTED))
        self.assertEqual(self.counted("acknowledged"), 0)
        caught_up.callback(None)
        self.assertEqual(self.counted("acknowledged"), 1)
        await queue_input.stop()
        self.assertEqual(self.taken(self.queue), [])

    async def test_sinks_that_take_too_long(self) -> None:
        """They are not waited for: the queue would be stuck behind them."""
        self.patch(pipeline, "REPORT_TIMEOUT", 0.01)
        await self.start_input()
        self.publish(one())
        await self.submitted()
        self.gateway.lagging = Deferred()
        self.gateway.settle(outcome(State.ACCEPTED))
        await self.until_counted("acknowledged")

    async def test_formats(self) -> None:
        """A message is what a POST over HTTP takes: one notification, one for many tokens, or many."""
        await self.start_input(app="chat")
        self.publish(one(priority=5))
        await self.submitted()
        tokens = [token(1).hex(), token(2).hex()]
        self.publish(json.dumps({"app": "news", "tokens": tokens, "payload": PAYLOAD}).encode())
        await self.submitted(2)
        many = [{"token": each, "payload": PAYLOAD} for each in tokens]
        self.publish(json.dumps({"notifications": many}).encode(), headers={"app": "news"})
        await self.submitted(3)
        lines = "\n".join(json.dumps(each) for each in many).encode()
        self.publish(lines, content_type="application/x-ndjson")
        await self.submitted(4)
        self.assertEqual(
            [(each.app, each.terms.priority, len(each.tokens)) for each in self.gateway.submissions],
            [("news", 5, 1), ("news", None, 2), ("news", None, 2), ("chat", None, 2)],
        )

    async def test_the_app_is_the_routing_key(self) -> None:
        """Where neither message nor table name an app, the routing key does."""
        self.gateway.apps = (self.queue,)
        await self.start_input()
        self.publish(json.dumps({"token": "0a", "payload": {}}).encode())
        await self.submitted()
        self.assertEqual(self.gateway.submissions[0].app, self.queue)

    async def test_singles_go_together(self) -> None:
        """Messages that come together make one batch, and each is acknowledged for itself."""
        queue_input = await self.start_input()
        await queue_input.stop()
        self.publish(*map(one, range(50)))
        await self.start_input()
        await eventually(lambda: sum(len(s.tokens) for s in self.gateway.submissions) == 50, "all")
        self.assertLess(len(self.gateway.submissions), 50)
        first = len(self.gateway.submissions[0].tokens)
        settled = outcome(State.ACCEPTED, tokens=self.gateway.submissions[0].tokens.slice(0, first))
        self.gateway.settle(settled)
        self.assertEqual(self.counted("acknowledged"), first)

    async def test_dead_letters(self) -> None:
        """What cannot be sent goes to the dead letters as it is, with the reason, and is acknowledged."""
        queue_input = await self.start_input(max_message=1000)
        bad = {
            "INVALID": [b"no JSON", one(token="xyz"), b"[]", one(surprise=1)],
            "UNKNOWN_APP": [one(app="nobody")],
            "TOO_LARGE": [one(filler="x" * 1000), one(payload={"x": "y" * 500}, app="chat")],
        }
        self.gateway._max_payload = 400
        for number, body in enumerate(each for bodies in bad.values() for each in bodies):
            self.publish(body, message_id=str(number), expiration="600000", headers={"mine": "kept"})
        await self.until_counted("dead-lettered", 7)
        dead = sorted(self.taken(self.dead), key=lambda each: int(each[1].message_id))
        self.assertEqual([body for _, _, body in dead], [each for bodies in bad.values() for each in bodies])
        headers = [properties.headers for _, properties, _ in dead]
        codes = [code for code, bodies in bad.items() for _ in bodies]
        self.assertEqual([each["x-pushgate-code"] for each in headers], codes)
        self.assertEqual({each["mine"] for each in headers}, {"kept"})
        self.assertIn("token", headers[1]["x-pushgate-reason"])
        self.assertEqual({(p.delivery_mode, p.expiration) for _, p, _ in dead}, {(2, None)})
        await queue_input.stop()
        self.assertEqual(self.taken(self.queue), [])

    async def test_a_batch_with_bad_members(self) -> None:
        """The good ones are sent; then the message goes to the dead letters, which list the bad ones."""
        await self.start_input()
        body = json.dumps({"app": "news", "tokens": ["0a", "xyz", "0c"], "payload": PAYLOAD}).encode()
        self.publish(body)
        await self.submitted()
        self.assertEqual(self.counted("dead-lettered"), 0)
        [done] = [outcome(State.ACCEPTED, tokens=[b"\n", b"", b"\f"])]
        self.gateway.settle(*parts(done, (0, 1), (2, 3)))
        [(_, properties, kept)] = await self.dead_letters()
        self.assertEqual(kept, body)
        [[index, code, _]] = json.loads(properties.headers["x-pushgate-refused"])
        self.assertEqual((index, code), (1, "INVALID"))

    async def test_very_many_terms(self) -> None:
        """Its batches are submitted in turns; a stop meanwhile submits the rest: a message is sent as a whole."""
        self.patch(turns, "AT_ONCE", 2)
        self.patch(turns, "UNDER_WAY", 2)
        queue_input = await self.start_input()
        self.gateway.holding = True
        many = [{"token": "0a", "payload": PAYLOAD, "expiration": number} for number in range(30)]
        self.publish(json.dumps({"notifications": many}).encode(), headers={"app": "news"})
        await self.submitted(4)
        await deferLater(reactor, 0.05)
        self.assertEqual(len(self.gateway.submissions), 4)
        stopping = queue_input.stop()
        await self.submitted(30)
        stopping.addErrback(lambda failure: failure.trap(CancelledError))
        stopping.cancel()
        self.assertEqual([each.terms.expiration for each in self.gateway.submissions], list(range(30)))

    async def test_half_a_surrogate_pair(self) -> None:
        """Of a list, and of lines, it refuses its own member, in the payload and in any other text."""
        await self.start_input()
        good = {"token": "0a", "payload": PAYLOAD}
        many = [good, good | {"payload": {"alert": "cut \ud83d"}}, good | {"collapse_id": "\ud83d"}]
        bodies = [json.dumps({"notifications": many}).encode(), "\n".join(map(json.dumps, many)).encode()]
        for order, (body, kind) in enumerate(
            zip(bodies, ["application/json", "application/x-ndjson"], strict=True), 1
        ):
            self.publish(body, content_type=kind, headers={"app": "news"})
            await self.submitted(order)
            [done] = [outcome(State.ACCEPTED, tokens=[b"\n"] * 3, order=order)]
            self.gateway.settle(*parts(done, (0, 1)))
            await self.until_counted("dead-lettered", order)
            [(_, properties, kept)] = self.taken(self.dead)
            self.assertEqual(kept, body)
            listed = json.loads(properties.headers["x-pushgate-refused"])
            self.assertEqual([entry[:2] for entry in listed], [[1, "INVALID"], [2, "INVALID"]])

    async def test_no_room(self) -> None:
        """What the gateway has no room for is held a while, then given back as new, and comes again."""
        await self.start_input()
        self.gateway.error = Overloaded("queue of news", 10, 10)
        self.publish(one(), message_id="1")
        await self.until_counted("returned")
        self.gateway.error = None
        await self.submitted()
        self.assertFalse(self.gateway.submissions[0].doubtful)
        self.gateway.settle(outcome(State.ACCEPTED))
        self.assertEqual(self.counted("acknowledged"), 1)

    async def test_a_principal(self) -> None:
        """The messages of a queue may be those of one principal: its apps, and its quota, beyond which they wait."""
        grant = Grant(apps=frozenset({"news"}), rate=0.2)
        context = replace(self.context, principals=Principals({"shop": grant}))
        await self.start_input(context=context, principal="shop")
        self.publish(one(app="chat"), one(1), one(2))
        [(_, properties, _)] = await self.dead_letters()
        self.assertEqual(properties.headers["x-pushgate-code"], "FORBIDDEN")
        await self.submitted()
        await self.until_counted("returned")
        await self.submitted(2)
        with self.assertRaises(CannotStart):
            await self.start_input(context=context, principal="nobody")

    async def test_shutting_down(self) -> None:
        """A gateway that stops takes nothing more; what comes meanwhile is given back as new."""
        queue_input = await self.start_input()
        self.gateway.error = ShuttingDown()
        self.publish(one(), message_id="1", user_id="guest")
        await eventually(lambda: self.ready(self.queue) == 0, "it is taken")
        await self.until_counted("returned")
        self.publish(one())
        await queue_input.stop()
        self.assertEqual([each[0].redelivered for each in self.taken(self.queue)], [False, False])

    async def test_a_gateway_that_dies(self) -> None:
        """What it had comes to another one, in doubt."""
        await self.start_input()
        self.publish(one())
        await self.submitted()
        other, context = RecordingGateway("news"), broker_context()
        await self.start_input(other, context)
        self.break_connections()
        await eventually(lambda: other.submissions or len(self.gateway.submissions) > 1, "it comes again")
        [again] = other.submissions or self.gateway.submissions[1:]
        self.assertTrue(again.doubtful)

    async def test_a_connection_that_is_lost(self) -> None:
        """A message with an id that comes again while it is under way, or after, is not sent again."""
        await self.start_input()
        self.publish(one(), message_id="a")
        self.publish(one(), message_id="b")
        await eventually(lambda: sum(len(s.tokens) for s in self.gateway.submissions) == 2, "both")
        self.break_connections()
        await self.until_counted("repeated", 2)
        for order, submission in enumerate(list(self.gateway.submissions), 1):
            tokens = submission.tokens.slice(0, len(submission.tokens))
            self.gateway.settle(outcome(State.ACCEPTED, tokens=tokens, order=order))
        self.assertEqual(self.counted("acknowledged"), 2)
        self.publish(one(), message_id="a")
        await self.until_counted("repeated", 3)
        self.publish(one(7), message_id="a")
        await eventually(lambda: sum(len(s.tokens) for s in self.gateway.submissions) == 3, "another one")

    async def test_a_queue_that_is_deleted(self) -> None:
        """The input declares it again and goes on."""
        await self.start_input()
        with self.broker.channel() as channel:
            channel.queue_delete(self.queue)
        # A busy broker may still refuse a message for a queue that it has just deleted and made again.
        await eventually(self.published, "a broker that takes the message")
        await self.submitted()

    def published(self) -> bool:
        """Publish a message; return True if the broker took it."""
        try:
            self.publish(one())
        except AMQPError:
            return False
        return True

    async def test_passive(self) -> None:
        """Configured not to make queues it uses those that are there, of whatever kind, and waits for them."""
        with self.broker.channel() as channel:
            channel.queue_declare(self.dead)
        config = {"declare": False}
        queue_input: Any = factory.input(
            "queue",
            AmqpTable(type="amqp", url=self.broker.url, queue=self.queue, dead_letters=self.dead, **config),
            self.gateway,
            self.context,
        )
        await queue_input.start()
        self.addCleanup(stop_now, queue_input)
        losses = self.context.metrics.counts["pushgate_broker_losses_total"]
        await eventually(lambda: losses, "that it finds no queue")
        with self.broker.channel() as channel:
            channel.queue_declare(self.queue)
        self.publish(one())
        await self.submitted()


def parts(whole: Any, *runs: tuple[int, int]) -> list[Any]:
    """An outcome as several on some of its members."""
    return [replace(whole, span=whole.span.part(*run)) for run in runs]


class StopTests(AmqpTestCase):
    """With a real gateway, whose upstream does as the test says."""

    def setUp(self) -> None:
        super().setUp()
        self.upstreams = RecordingUpstreams()
        self.real = Gateway(self.context, MemorySpool(reactor), Limits(), count(1).__next__)
        self.real.add_app("news", AppTable(upstream="recording"), self.upstreams)
        self.successResultOf(self.real.start())
        self.addCleanup(lambda: Deferred.fromCoroutine(self.real.close()))

    @property
    def upstream(self) -> Any:
        return self.upstreams.made["news"]

    async def test_what_was_not_written(self) -> None:
        """It goes back to the queue as new; of a batch only what was not written does."""
        queue_input = await self.start_input(self.real)
        tokens = [token(number).hex() for number in range(3)]
        self.publish(
            json.dumps({"app": "news", "tokens": tokens, "payload": PAYLOAD}).encode(), message_id="m"
        )
        await eventually(lambda: self.upstream.work.depth() == 3, "the batch")
        self.publish(one(9, delivery="at-most-once"), message_id="s")
        await eventually(lambda: self.upstream.work.depth() == 4, "the other one")
        self.upstream.take(1)
        self.upstream.settle(State.ACCEPTED)
        await queue_input.stop()
        left = sorted(self.taken(self.queue), key=lambda each: len(each[2]))
        self.assertEqual([each[0].redelivered for each in left], [False, False])
        single, rest = [json.loads(body) for _, _, body in left]
        self.assertEqual(left[0][1].message_id, "s")
        self.assertEqual(single["token"], token(9).hex())
        self.assertEqual(rest, {"app": "news", "tokens": tokens[1:], "payload": PAYLOAD})
        self.assertEqual(left[1][1].headers["x-pushgate-message-id"], "m")

    async def test_what_was_not_written_of_text(self) -> None:
        """What goes back says the same as the message did: targets and payload as texts."""
        self.real._apps.configured("news").configure(AppTable(upstream="recording"), OF_TEXT)
        queue_input = await self.start_input(self.real)
        self.publish(json.dumps({"app": "news", "tokens": ["a", "b", "c"], "payload": XML}).encode())
        await eventually(lambda: self.upstream.work.depth() == 3, "the batch")
        self.upstream.take(1)
        self.upstream.settle(State.ACCEPTED)
        await queue_input.stop()
        [(_, _, body)] = self.taken(self.queue)
        self.assertEqual(json.loads(body), {"app": "news", "tokens": ["b", "c"], "payload": XML})

    async def test_what_is_on_its_way(self) -> None:
        """Messages that still come while it stops go back as new too: none is lost or in doubt."""
        queue_input = await self.start_input(self.real)
        self.publish(*map(one, range(300)))
        with self.broker.channel() as channel:
            for number in range(300, 600):
                put(channel, self.queue, one(number))
        await eventually(lambda: self.upstream.work.depth(), "the first")
        await queue_input.stop()
        left = self.taken(self.queue)
        self.assertEqual({method.redelivered for method, _, _ in left}, {False})
        tokens = sorted(json.loads(body)["token"] for _, _, body in left)
        self.assertEqual(tokens, [token(number).hex() for number in range(600)])

    async def test_a_durable_spool(self) -> None:
        """What a durable spool has is done for the broker when the input stops."""
        context = replace(self.context, state_dir=Path("state"))
        with capturedLogs() as events:
            queue_input = await self.start_input(context=context)
        self.assertTrue(
            any(each["log_level"] is LogLevel.warn and "memory" in each["log_format"] for each in events)
        )
        self.publish(one())
        await self.submitted()
        self.gateway.holding = True
        self.publish(one(1))
        await self.submitted(2)
        stopping = queue_input.stop()
        await self.until_counted("acknowledged")
        stopping.addErrback(lambda failure: failure.trap(CancelledError)).cancel()
        await eventually(lambda: self.ready(self.queue), "the one that it does not have")
        [(_, _, body)] = self.taken(self.queue)
        self.assertEqual(json.loads(body)["token"], token(1).hex())
        self.gateway.release()
        await stopping

    async def test_a_broker_that_restarts(self) -> None:
        """The input comes back to it, and what it had is not sent again nor lost."""
        await self.start_input(self.real)
        self.publish(one(), message_id="m")
        await eventually(lambda: self.upstream.work.depth() == 1, "the message")
        await deferToThread(self.broker.control, "stop_app")
        self.upstream.take()
        self.upstream.settle(State.ACCEPTED)
        await deferToThread(self.broker.control, "start_app")
        await self.until_counted("repeated")
        self.publish(one(1), message_id="n")
        await eventually(lambda: self.upstream.work.depth() == 1, "the next message")
        self.upstream.take()
        self.upstream.settle(State.ACCEPTED)
        await eventually(lambda: self.ready(self.queue) == 0, "the end")

    async def test_what_was_written(self) -> None:
        """Its outcome is waited for."""
        queue_input = await self.start_input(self.real)
        self.publish(one())
        await eventually(lambda: self.upstream.work.depth() == 1, "the message")
        self.upstream.take()
        stopping = queue_input.stop()
        self.assertNoResult(stopping)
        self.upstream.settle(State.ACCEPTED)
        await stopping
        self.assertEqual(self.taken(self.queue), [])

    async def test_in_doubt(self) -> None:
        """What another gateway may have sent is not sent under at-most-once: its fate is unknown."""
        context = broker_context()
        other = await self.start_input(RecordingGateway("news"), context)
        self.publish(one(delivery=Delivery.AT_MOST_ONCE))
        await eventually(lambda: other._pipeline._under_way, "it is taken")
        other._pipeline._under_way.clear()  # as if killed: it gives nothing back
        await other.stop()
        await self.start_input(self.real)
        await self.until_counted("acknowledged")
        counts = self.context.metrics.counts["pushgate_outcomes_total"]
        self.assertEqual(counts, {("news", State.UNKNOWN, "Redelivered"): 1})
