"""Messages, queues and moments that could stop the RabbitMQ input, or make it loop."""

import struct
from typing import Any

from pika import BasicProperties
from twisted.logger import capturedLogs

from pushgate.inputs.amqp import dead_letters as returns_module
from pushgate.inputs.amqp import message_decoder
from pushgate.inputs.amqp import pipeline as intake_module
from pushgate.model.errors import Internal, Overloaded
from pushgate.model.outcome import State
from pushgate.testing import outcome
from tests.amqp_rig import AmqpTestCase, one, stop_now
from tests.broker_rig import eventually, put

MILLISECONDS = b"\x04when" + b"T" + struct.pack(">Q", 1_700_000_000_000)
"""A header with milliseconds in place of AMQP's seconds: the year 55840."""


class PoisonTests(AmqpTestCase):
    async def goes_on(self) -> None:
        """The input takes, sends and acknowledges as before."""
        before, acknowledged = len(self.gateway.submissions), self.counted("acknowledged")
        self.publish(one(99))
        await self.submitted(before + 1)
        self.gateway.settle(outcome(State.ACCEPTED, order=before + 1))
        self.assertEqual(self.counted("acknowledged"), acknowledged + 1)

    async def reasons(self, number: int = 1) -> list[str]:
        """Why messages are among the dead letters."""
        await self.until_counted("dead-lettered", number)
        return [p.headers["x-pushgate-reason"] for _, p, _ in self.taken(self.dead)]

    async def test_bodies(self) -> None:
        """Nothing at all, no UTF-8, and more than a frame holds are dead letters with a reason."""
        await self.start_input(max_message=200_000)
        huge = b"x" * 300_000
        self.publish(b"", b"\xff\xfe{", huge)
        await self.until_counted("dead-lettered", 3)
        dead = self.taken(self.dead)
        self.assertEqual([body for _, _, body in dead], [b"", b"\xff\xfe{", huge])
        self.assertEqual(
            [p.headers["x-pushgate-code"] for _, p, _ in dead], ["INVALID", "INVALID", "TOO_LARGE"]
        )
        await self.goes_on()

    async def test_properties_that_are_no_text(self) -> None:
        """Bytes where text should be are a publisher's fault, not the input's."""
        await self.start_input()
        self.publish(one(), content_type=b"\xff/json", message_id=b"\xff")
        [reason] = await self.reasons()
        self.assertIn("content_type", reason)
        self.publish(one(1), message_id=b"\xff")
        await self.submitted()
        self.gateway.settle(outcome(State.ACCEPTED))
        self.publish(one(1), message_id=b"\xff")
        await self.until_counted("repeated")
        await self.goes_on()

    async def test_headers_of_odd_types(self) -> None:
        """Headers mean nothing to the input but `app`, which must be text; they come back as they were."""
        await self.start_input(app="news")
        odd = {"app": 7, "list": [1, None, {"a": True}], "bytes": b"\xff", "big": 1 << 40}
        self.publish(b'{"token": "0a", "payload": {}}', b"{", headers=odd)
        await self.submitted()
        self.assertEqual(self.gateway.submissions[0].app, "news")
        [(_, properties, _)] = await self.dead_letters()
        self.assertEqual({name: properties.headers[name] for name in odd}, odd)

    async def test_headers_that_cannot_be_read(self) -> None:
        """They would end the connection, on this gateway and then on every other: a dead letter instead."""
        await self.start_input()
        self.publish(one(1))
        await self.submitted()
        self.publish_raw(one(), MILLISECONDS)
        [reason] = await self.reasons()
        self.assertIn("headers", reason)
        self.assertEqual(self.losses(), 0)
        await self.goes_on()

    async def test_headers_that_fill_a_frame(self) -> None:
        """Ours go instead of them: both would be more than the broker takes."""
        await self.start_input()
        self.publish(b"{", headers={"mine": "x" * 130_700})
        [(_, properties, body)] = await self.dead_letters()
        self.assertEqual((body, properties.headers["x-pushgate-code"]), (b"{", "INVALID"))
        self.assertNotIn("mine", properties.headers)
        self.assertEqual(self.losses(), 0)

    async def test_copies(self) -> None:
        """A message that was for other queues too does not go there again as a dead letter, nor come back."""
        await self.start_input()
        self.publish(b"{", headers={"CC": [self.queue]})
        await self.until_counted("dead-lettered")
        await self.goes_on()
        self.assertEqual(self.counted("dead-lettered"), 1)

    async def test_an_error_here(self) -> None:
        """A message on which the input itself fails is a dead letter: it would fail again everywhere."""
        await self.start_input()

        def fail(*_: Any) -> None:
            raise ZeroDivisionError("nobody foresaw this")

        self.patch(message_decoder, "read", fail)
        self.publish(one())
        await self.until_counted("dead-lettered")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        [(_, properties, _)] = self.taken(self.dead)
        self.assertEqual(properties.headers["x-pushgate-code"], "INTERNAL")

    async def test_a_gateway_that_fails(self) -> None:
        """What it failed at goes back after a while, longer each time, and in the end to the dead letters."""
        self.patch(intake_module, "FIRST_PAUSE", 0.01)
        self.patch(intake_module, "LONGEST_PAUSE", 0.01)
        await self.start_input()
        self.gateway.error = Internal()
        self.publish(one())
        await eventually(lambda: self.ready(self.dead) == 1, "the dead letter")
        self.assertEqual(self.counted("requeued"), 21)
        self.assertEqual(len(self.flushLoggedErrors(Internal)), 21)
        [(_, properties, _)] = self.taken(self.dead)
        [death] = properties.headers["x-death"]
        self.assertEqual(death["reason"], "delivery_limit")

    async def test_a_failure_is_not_repeated_at_once(self) -> None:
        """Else a gateway that fails would do nothing else."""
        queue_input = await self.start_input()
        self.gateway.error = Internal()
        self.publish(one())
        await eventually(lambda: queue_input._pipeline._held, "it is held")
        self.assertEqual(self.counted("requeued"), 0)
        self.flushLoggedErrors(Internal)

    async def test_dead_letters_that_are_deleted(self) -> None:
        """Their queue is made again when it is needed, and nothing is lost."""
        self.patch(returns_module, "FIRST_PAUSE", 0.02)
        await self.start_input()
        with self.broker.channel() as channel:
            channel.queue_delete(self.dead)
        self.publish(b"{")
        await self.until_counted("dead-lettered")
        self.assertEqual(self.ready(self.dead), 1)

    async def test_a_broker_without_memory(self) -> None:
        """It reads nothing from publishers: dead letters wait, acknowledgements go by another connection."""
        queue_input = await self.start_input()
        await queue_input.stop()
        self.publish(b"{", one(), message_id="a")
        self.broker.control("set_vm_memory_high_watermark", "absolute", "1")
        self.addCleanup(self.broker.control, "set_vm_memory_high_watermark", "0.4")
        queue_input = await self.start_input()
        await self.submitted()
        self.gateway.settle(outcome(State.ACCEPTED))
        await stop_now(queue_input)
        await eventually(lambda: self.ready(self.queue) == 1, "the message, back in its queue")
        self.assertEqual(self.counted("dead-lettered"), 0)
        await self.start_input()
        self.broker.control("set_vm_memory_high_watermark", "0.4")
        await self.until_counted("dead-lettered")

    async def test_an_outcome_while_the_connection_goes(self) -> None:
        """It cannot be acknowledged any more; the message comes again and is recognised."""
        queue_input = await self.start_input()
        self.publish(one(), message_id="a")
        await self.submitted()
        queue_input._pipeline.consumer._broker.renew("the test")
        self.gateway.settle(outcome(State.ACCEPTED))
        await self.until_counted("repeated")
        self.assertEqual(self.flushLoggedErrors(), [])
        await queue_input.stop()
        self.assertEqual(self.taken(self.queue), [])

    async def test_stopped_at_once(self) -> None:
        """What is held for want of room is left to the broker; nothing goes on afterwards."""
        queue_input = await self.start_input()
        self.gateway.error = Overloaded("queue of news", 10, 10)
        self.publish(one())
        await eventually(lambda: queue_input._pipeline._held, "it is held")
        await stop_now(queue_input)
        await eventually(lambda: self.ready(self.queue) == 1, "the message, back in its queue")

    async def test_stopped_without_a_broker(self) -> None:
        """Dead letters that could not be published stay where they came from; nothing more is tried."""
        queue_input = await self.start_input()
        await queue_input._dead_letters._publisher.stop()  # for good: one that comes back would publish it
        with capturedLogs() as events:
            self.publish(b"{")
            await eventually(
                lambda: any("dead-lettered or returned" in each["log_format"] for each in events), "a try"
            )
        await stop_now(queue_input)
        await eventually(lambda: self.ready(self.queue) == 1, "the message, back in its queue")
        self.assertEqual(self.ready(self.dead), 0)

    def losses(self) -> int:
        """How often a connection was lost."""
        return sum(self.context.metrics.counts["pushgate_broker_losses_total"].values())

    def publish_raw(self, body: bytes, table: bytes) -> None:
        """Put a message into the queue whose headers are these bytes."""

        class Raw(BasicProperties):
            def encode(self) -> list[bytes]:
                return [struct.pack(">HI", BasicProperties.FLAG_HEADERS, len(table)), table]

        with self.broker.channel() as channel:
            put(channel, self.queue, body, Raw())
