"""From a message to its acknowledgement."""

from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final

from twisted.internet import defer
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.inputs.amqp.consumer import Consumer
from pushgate.inputs.amqp.dead_letters import DeadLetters
from pushgate.inputs.amqp.message import Known, Message
from pushgate.inputs.amqp.message_body import Asked, MessagePart, Single
from pushgate.inputs.amqp.message_decoder import read_message
from pushgate.inputs.amqp.settings import AmqpTable
from pushgate.inputs.amqp.submission import LATER, MessageSubmission
from pushgate.inputs.common.batching import MAX_PAYLOAD
from pushgate.inputs.common.rules import rules_of
from pushgate.inputs.common.turns import Turns
from pushgate.model.backoff import delay
from pushgate.model.errors import CannotStart, Internal, Refusal, ShuttingDown, TooLarge
from pushgate.model.notification import MAX_BATCH, Terms
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.packed import Packed
from pushgate.model.principals import Operation, Principal
from pushgate.net.amqp.shield import shielded
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway

FIRST_PAUSE: Final = 1.0
"""Seconds that a message without room in the gateway is held before it is returned; doubled in a row."""
LONGEST_PAUSE: Final = 30.0
"""Seconds it is held at most."""
STOP_TIMEOUT: Final = 10.0
"""Seconds that written notifications have to get their outcomes when the input stops."""
REPORT_TIMEOUT: Final = 10.0
"""Seconds that the sinks have to take an outcome before the message is acknowledged anyway."""
_Group = list[tuple[Message, Single]]
_WHOLE: Final = (MessagePart(Packed(b"", 1), b"", Terms(), {}, NotificationRules()), [0])
"""The returned part of a message that was not decoded: all of it."""


class Pipeline:
    """Leads each message through: read, submitted along with others, settled, acknowledged.

    A message of which something cannot be sent is acknowledged once that is safe elsewhere: in the queue of
    dead letters or, if the gateway only has no room or time for it, at the end of its own queue.

    :param name: the input's name.
    """

    log = Logger()

    def __init__(
        self, name: str, table: AmqpTable, gateway: IGateway, context: Context, dead_letters: DeadLetters
    ) -> None:
        self._name, self._table, self._gateway = name, table, gateway
        self._clock, self._jitter, self._metrics = context.reactor, context.jitter, context.metrics
        self._durable = context.state_dir is not None
        self._principal = _principal(name, table, context)
        self._dead_letters = dead_letters
        self.consumer: Consumer
        self._known = Known(table.remember)
        self._under_way: set[Message] = set()
        self._submissions: set[MessageSubmission] = set()
        self._groups: dict[tuple[str, Terms, bool], _Group] = {}
        self._turn: IDelayedCall | None = None
        self._turns = Turns(self._clock)
        self._parts: dict[Message, Iterator[MessagePart]] = {}  # those that wait for their turn
        self._held: list[Message] = []
        self._timer: IDelayedCall | None = None
        self._pauses = 0
        self._closing = False
        self._empty: Deferred[None] | None = None

    def take(self, received: Any, channel: int) -> None:
        """Take a message."""
        message = Message(received, channel)
        identity = message.identity
        if identity is not None and self._is_known(message):
            return
        self._under_way.add(message)
        if identity is not None:
            self._known.begin(identity, message)
        message.app = self._default_app(message)
        if self._closing:
            self._give_back(message)
            return
        try:
            asked = read_message(
                message, self._table.max_message, lambda app: rules_of(self._gateway, app or message.app)
            )
            self._ask(message, asked)
        except (Refusal, Internal) as error:
            self._not_asked(message, error)

    async def stop(self) -> None:
        """Return what is not sent, wait for the outcomes of what is, log what has none in time."""
        self._closing = True
        self._flush()
        self._submit_the_rest()
        self._give_back_held()
        if self._durable:
            self._leave_to_the_spool()
        else:
            self._withdraw()
        if self._under_way:
            self._empty = Deferred()
            try:
                await self._empty.addTimeout(STOP_TIMEOUT, self._clock)
            except defer.TimeoutError:
                self.log.warn(
                    "input {name}: {count} messages have no outcome yet; the broker will deliver them again",
                    name=self._name,
                    count=len(self._under_way),
                )

    def close(self) -> None:
        """Drop what is left: the broker has it."""
        self._closing = True
        for call in (self._turn, self._timer):
            if call is not None and call.active():
                call.cancel()
        self._turn = self._timer = None
        self._held.clear()
        self._groups.clear()
        for parts in self._parts.values():
            deque(parts, maxlen=0)

    # the way in

    def _is_known(self, message: Message) -> bool:
        """Return True if this very message is under way already, or was done."""
        identity = message.identity
        assert identity is not None
        before = self._known.under_way(identity)
        if before is not None:
            before.places += message.places
        elif self._known.done(identity):
            self.consumer.acknowledge(message.places)
        else:
            return False
        self._count("repeated")
        return True

    def _default_app(self, message: Message) -> str:
        named = (message.properties.headers or {}).get("app")
        return named if isinstance(named, str) else self._table.app or message.routing_key

    def _not_asked(self, message: Message, error: Refusal | Internal) -> None:
        self._count_refusal(message, error)
        if isinstance(error, LATER):
            message.returned.append(_WHOLE)
        else:
            message.refuse(error)
        self._finished(message)

    def _ask(self, message: Message, asked: Asked) -> None:
        message.app = message.app if asked.app is None else asked.app
        if isinstance(asked.what, Single):
            if len(asked.what.payload) > MAX_PAYLOAD:
                raise TooLarge("payload", len(asked.what.payload), MAX_PAYLOAD)
            self._permit(message.app, 1)
            self._collect(message, asked.what)
            return
        self._permit(message.app, asked.what.count)
        message.total = message.left = asked.what.count
        self._parts[message] = asked.what.parts
        submitted = self._turns.each(asked.what.parts, partial(self._submit_part, message), lambda *_: None)
        Deferred.fromCoroutine(submitted).addErrback(
            lambda failure: self.log.failure("submitting the parts of a message", failure)
        ).addCallback(lambda _: self._parts.pop(message, None))

    def _submit_part(self, message: Message, part: MessagePart) -> "Deferred[None]":
        submission = MessageSubmission(part, [message], self._finished)
        return self._submit(message.app, submission, message.redelivered)

    def _submit_the_rest(self) -> None:
        """Submit at once what waits for its turn: a message is known as a whole, or not at all."""
        for message, parts in list(self._parts.items()):
            for part in parts:
                self._submit_part(message, part)

    def _permit(self, app: str, count: int) -> None:
        if self._principal is not None:
            self._principal.permit(Operation.PUSH, app, count, self._clock.seconds())

    def _collect(self, message: Message, single: Single) -> None:
        key = message.app, single.terms, message.redelivered
        group = self._groups.setdefault(key, [])
        group.append((message, single))
        if len(group) == MAX_BATCH:
            self._send(key, self._groups.pop(key))
        elif self._turn is None:
            self._turn = self._clock.callLater(0, self._flush)

    def _flush(self) -> None:
        if self._turn is not None and self._turn.active():
            self._turn.cancel()
        self._turn = None
        groups, self._groups = self._groups, {}
        for key, group in groups.items():
            self._send(key, group)

    def _send(self, key: tuple[str, Terms, bool], group: _Group) -> None:
        app, terms, doubtful = key
        part = MessagePart(
            Packed.of([single.token for _, single in group], 2),
            Packed.of([single.payload for _, single in group], 2) if len(group) > 1 else group[0][1].payload,
            terms,
            {},
            rules_of(self._gateway, app),
        )
        self._submit(
            app, MessageSubmission(part, [message for message, _ in group], self._finished), doubtful
        )

    def _submit(self, app: str, submission: MessageSubmission, doubtful: bool) -> "Deferred[None]":
        self._submissions.add(submission)
        submitted = maybeDeferred(self._try, app, submission, doubtful)
        submitted.addCallbacks(submission.accepted, partial(self._refused, submission))
        submitted.addErrback(lambda failure: self.log.failure("noting a receipt", failure))
        return submitted.addCallback(lambda _: self._follow_up(submission))

    def _try(self, app: str, submission: MessageSubmission, doubtful: bool) -> Any:
        asked = submission.part.submission(app, doubtful)
        return self._gateway.submit(asked, self._name, partial(self._settled, submission))

    def _refused(self, submission: MessageSubmission, failure: Failure) -> None:
        error = failure.value
        if not isinstance(error, Refusal):
            self.log.failure("the gateway failed at messages", failure)
            error = Internal()
        if isinstance(error, ShuttingDown):
            Deferred.fromCoroutine(self.consumer.cancel())
        submission.refused(error)

    def _settled(self, submission: MessageSubmission, outcomes: Sequence[Any]) -> None:
        self._pauses = 0
        settle = partial(self._safe, submission, outcomes, submission.withdrawing)
        # What a durable spool has reaches the sinks in any case; else the message is the only copy.
        reported: Deferred[None] = succeed(None) if self._durable else self._gateway.caught_up()
        if not reported.called:
            reported = shielded(reported).addTimeout(REPORT_TIMEOUT, self._clock)
        reported.addBoth(settle).addErrback(lambda failure: self.log.failure("noting outcomes", failure))

    def _safe(
        self, submission: MessageSubmission, outcomes: Sequence[Any], withdrawn: bool, _: object
    ) -> None:
        """Settle members whose outcomes are safe."""
        submission.settled(outcomes, withdrawn)
        self._follow_up(submission)

    def _follow_up(self, submission: MessageSubmission) -> None:
        if not submission.left:
            self._submissions.discard(submission)

    # the way out

    def _finished(self, message: Message) -> None:
        """Handle a message all of whose members have a result."""
        if message.failed or message.returned:
            (self._give_back if self._closing else self._hold)(message)
        elif message.code:
            self._dead_letters.send(message, partial(self._end, message, "dead-lettered"))
        else:
            self._end(message, "acknowledged")

    def _end(self, message: Message, disposition: str, remember: bool = True) -> None:
        if disposition == "requeued":
            self.consumer.requeue(message.places)
        else:
            self.consumer.acknowledge(message.places)
        self._known.end(message, remember)
        self._count(disposition)
        self._under_way.discard(message)
        if not self._under_way and self._empty is not None:
            empty, self._empty = self._empty, None
            empty.callback(None)

    def _hold(self, message: Message) -> None:
        """Keep a message that found no room, or at which the gateway failed: so the broker sends less."""
        self._held.append(message)
        if self._timer is None:
            self._pauses += 1
            pause = delay(self._pauses, first=FIRST_PAUSE, cap=LONGEST_PAUSE, jitter=self._jitter)
            self._timer = self._clock.callLater(pause, self._give_back_held)

    def _give_back_held(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        held, self._held = self._held, []
        for message in held:
            self._give_back(message)

    def _give_back(self, message: Message) -> None:
        """Put what of a message was not sent at the end of the queue, as new, not as doubtful.

        One at which the gateway failed goes back as one that may have been sent, and counts as delivered.
        """
        if message.failed:
            self._end(message, "requeued", remember=False)
            return
        if not message.returned:
            message.returned.append(_WHOLE)
        self._known.end(message, remember=False)  # at once: it may be back before its copy is confirmed
        self._dead_letters.send(message, partial(self._end, message, "returned", remember=False))

    def _withdraw(self) -> None:
        for submission in self._submissions:
            submission.withdrawing = True
        self._gateway.withdraw([each.number for each in self._submissions if each.number is not None])

    def _leave_to_the_spool(self) -> None:
        """Acknowledge the messages that a durable spool has: it sends them after the next start."""
        open_still = {
            message for each in self._submissions if each.number is None for message in each.messages
        }
        kept = {message for each in self._submissions for message in each.messages} - open_still
        for message in kept & self._under_way:
            self._end(message, "acknowledged")

    def _count(self, disposition: str) -> None:
        self._metrics.count("pushgate_messages_total", self._name, disposition)

    def _count_refusal(self, message: Message, error: Refusal | Internal) -> None:
        app = message.app if self._gateway.has_app(message.app) else ""
        self._metrics.count("pushgate_refused_total", app, self._name, error.code)


def _principal(name: str, table: AmqpTable, context: Context) -> Principal | None:
    """The principal of an input's messages; None when everything is allowed."""
    if table.principal is None:
        return None
    principal = context.principals.vouched(table.principal)
    if principal is None:
        raise CannotStart([f"inputs.{name}.principal: {table.principal!r} is not one of [principals]"])
    return principal
