"""The commands of a gateway as methods."""

import random
import warnings
from collections.abc import AsyncIterator, Callable, Iterable
from types import TracebackType
from typing import Any, Self, TypedDict, Unpack
from uuid import uuid4
from weakref import WeakSet

import msgspec
from twisted.internet import defer
from twisted.internet.defer import Deferred, DeferredList, DeferredSemaphore
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.logger import Logger

from pushgate.client.batch_push import BatchPush
from pushgate.client.chunks import (
    Chunk,
    Payload,
    Token,
    chunks_of,
    entry_chunks,
    part_of,
    payload_bytes,
    token_bytes,
    token_chunks,
)
from pushgate.client.connection import ClientConnection
from pushgate.client.hub import HubClient
from pushgate.client.receipt import PushReceipt, ReceiptPart
from pushgate.client.record import Record, decode_record
from pushgate.client.retries import Caller
from pushgate.client.send_test import SendTest, decode_send_test
from pushgate.client.subscription import Subscription
from pushgate.model.backoff import Jitter
from pushgate.model.channel import Channel
from pushgate.model.dead_token import DeadTokenEntry, parse
from pushgate.model.enrolment import Enrolled
from pushgate.model.errors import CannotStart
from pushgate.model.target import MAX_TARGET, TargetForm
from pushgate.net.endpoint_string import endpoint_from_string
from pushgate.protocols.amp import commands, mdm_commands
from pushgate.protocols.amp.commands import (
    Bury,
    Cancel,
    DeadTokens,
    Flush,
    Forget,
    Pace,
    Push,
    PushBatch,
    Reload,
    Stats,
    Status,
    Trace,
)


class TermArguments(TypedDict, total=False):
    """What a notification may have besides its token and payload; the gateway checks it.

    ``expiration`` and ``registered_at`` are Unix seconds, ``priority`` is 1, 5 or 10, ``delivery`` overrides
    the app's policy: ``"at-least-once"`` or ``"at-most-once"``.
    """

    expiration: int
    priority: int
    collapse_id: str
    push_type: str
    topic: str
    registered_at: int
    delivery: str


class PushArguments(TermArguments, total=False):
    """What a single notification may have.

    ``channel`` is one of the push service's, in place of a token; ``push_magic`` is a managed device's, in
    place of a payload.
    """

    channel: str
    push_magic: str


class BatchArguments(TermArguments, total=False):
    """What a batch may have besides: ``rate`` is notifications per second at most."""

    rate: float


def _warn(line: str) -> None:
    warnings.warn(line, RuntimeWarning, stacklevel=1)


def connect(reactor: Any, gateway: str = "tcp:127.0.0.1:7215", **options: Any) -> "Client":
    """A client of the gateway at `gateway`, a Twisted client endpoint string, that has begun to connect.

    :param options: those of `Client`.
    :raises ValueError: `gateway` is no endpoint.
    """
    client = Client(endpoint_from_string(reactor, gateway), reactor, **options)
    client.start()
    return client


class Client:
    """A connection to a gateway that comes back when it is lost. Also an asynchronous context manager.

    Commands wait for the connection. One that a lost connection cuts off is repeated when that is harmless:
    a push with an idempotency key is accepted once however often it is sent. Without a key it fails with
    `FateUnknown`.

    :param endpoint: where the gateway is.
    :param clock: the reactor.
    :param timeout: seconds until a command must have its answer.
    :param retry_for: seconds for which a gateway that is overloaded or restarts is asked again, at growing
        intervals; 0 fails with `Overloaded` or `ShuttingDown` at once.
    :param in_flight: commands under way at most; more wait for their turn.
    :param login: name and secret of the principal to be, where the gateway requires a login; the one that
        cannot log in has each of its commands refused as `Forbidden`.
    :param report: is given a line when there was no connection for two seconds; by default it is a warning of
        Python's, which is on standard error, or in the log of a program that has one.
    :param jitter: a number from 0 to 1, new at each call.
    """

    log = Logger()

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        clock: IReactorTime,
        *,
        timeout: float = 60.0,
        retry_for: float = 30.0,
        in_flight: int = 32,
        login: tuple[str, bytes] | None = None,
        report: Callable[[str], None] = _warn,
        jitter: Jitter = random.random,
    ) -> None:
        self._endpoint, self._clock, self._jitter, self._timeout = endpoint, clock, jitter, timeout
        self._login = login
        self._link = ClientConnection(endpoint, clock, jitter, login=login, report=report)
        self._caller = Caller(self._link, clock, jitter, timeout, retry_for)
        self._impatient = Caller(self._link, clock, jitter, timeout, retry_for=0.0)
        self._slots = DeferredSemaphore(in_flight)
        self._subscriptions: WeakSet[Subscription] = WeakSet()

    def start(self) -> None:
        """Begin to connect; harmless when that was begun."""
        self._link.start()

    def close(self) -> Deferred[None]:
        """Close the connections; fires when they are. Commands under way fail."""
        stopping = [self._link.stop(), *(each.stop() for each in self._subscriptions)]
        self._subscriptions.clear()
        return DeferredList(stopping).addCallback(lambda _: None)

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def push(
        self,
        app: str,
        token: Token | None,
        payload: Payload | None = None,
        *,
        key: str | None = None,
        **terms: Unpack[PushArguments],
    ) -> Deferred[str]:
        """Send one notification; fires with its id once the gateway keeps it safe.

        :param token: as the push service writes it: a device token in hex; or a device token's bytes. None
            for a broadcast, with ``channel`` in its place.
        :param payload: a JSON object: a dict, or encoded. None for an MDM push, with ``push_magic`` in its
            place.
        :param key: the idempotency key.
        :raises PushgateError: see the package.
        """
        return Deferred.fromCoroutine(self._push(app, token, payload, key, terms))

    def push_batch(
        self,
        app: str,
        tokens: Iterable[Token] | None = None,
        payload: Payload | None = None,
        *,
        targets: Iterable[Token] | None = None,
        payloads: Iterable[Payload] | None = None,
        key: str | None = None,
        **terms: Unpack[BatchArguments],
    ) -> Deferred[PushReceipt]:
        """Send a notification to each of `tokens`, of which there may be any number; fires with the receipt.

        Where the push service has no device tokens, `targets` takes their place: bytes or text, of up to
        4,096 bytes each.

        They are read as fast as the gateway takes them. One that is bad is refused by its index, in the
        receipt, and the others go through.

        :param payload: for all of them; or `payloads`, one for each.
        :param key: the idempotency key of the whole: repeated with the same tokens in the same order, nothing
            is sent twice.
        :raises PartlySent: it failed after some were accepted.
        :raises PushgateError: nothing was accepted; see the package.
        """
        pieces = chunks_of(tokens, targets, payload, payloads)
        # The commands that it takes share one rate. With a key they must be the same when they are repeated.
        pace = (key or uuid4().hex) if terms.get("rate") else None
        if "rate" in terms:
            terms["rate"] = float(terms["rate"])  # AMP takes no integer for it

        def send(chunk: Chunk) -> Deferred[ReceiptPart]:
            return Deferred.fromCoroutine(self._send(app, chunk, key, pace, terms))

        return Deferred.fromCoroutine(BatchPush(send, self._slots).run(pieces))

    def test_send(
        self,
        app: str,
        tokens: Iterable[Token] | None = None,
        payload: Payload | None = None,
        *,
        wait: float | None = None,
        key: str | None = None,
        **terms: Unpack[PushArguments],
    ) -> Deferred[SendTest]:
        """Send to ten devices at most; fires with what became of each, in words too.

        An app has ten test sends in a minute: one more fails with `Overloaded`, which is not asked again.

        :param tokens: as `push` takes one; None with ``channel``.
        :param payload: as for `push`.
        :param wait: seconds to wait, 30 by default and at most; what has no outcome by then says where it is.
        :raises PushgateError: see the package.
        """
        texts = None if tokens is None else [_text(token) for token in tokens]
        asked = self._ask_once(
            commands.TestSend,
            app=app,
            tokens=None if texts is None else msgspec.json.encode(texts),
            payload=None if payload is None else payload_bytes(payload),
            wait=None if wait is None else float(wait),
            key=key,
            **terms,
        )
        return asked.addCallback(lambda answer: decode_send_test(answer["result"]))

    def status(self, id: str) -> Deferred[Record]:  # noqa: A002 - the contract's word
        """What became of a notification; fails with `NotFound` when its outcome is no longer kept."""
        return self._ask(Status, True, id=id).addCallback(lambda answer: decode_record(answer["outcome"]))

    def trace(self, id: str) -> Deferred[dict[str, Any]]:  # noqa: A002 - the contract's word
        """The story of a notification: the fields of its record, and `events` step by step."""
        return self._ask(Trace, True, id=id).addCallback(
            lambda answer: msgspec.json.decode(answer["trace"], type=dict)
        )

    def cancel(self, id: str) -> Deferred[bool]:  # noqa: A002 - the contract's word
        """Withdraw a notification; fires with False when it was written already or is done."""
        return self._ask(Cancel, False, id=id).addCallback(lambda answer: bool(answer["cancelled"]))

    def flush(self, id: str) -> Deferred[int]:  # noqa: A002 - the contract's word
        """Have proven what the app of this notification or batch has written.

        Fires with how many notifications are now known to be accepted. The app's configuration must allow
        it, with ``confirm = "probe"``; and it is done once a minute at most, since it costs connections.
        """
        return self._ask(Flush, False, id=id).addCallback(lambda answer: int(answer["proven"]))

    def pace(self, rate: float, *, app: str | None = None, id: str | None = None) -> Deferred[bool]:  # noqa: A002 - the contract's word
        """Change a rate, in notifications per second, 0 for no limit, until the gateway restarts.

        :param app: the app whose rate it is.
        :param id: or a notification of the batch whose rate it is; fires with False when all of it is done.
        """
        return self._ask(Pace, True, rate=float(rate), app=app, id=id).addCallback(lambda a: bool(a["paced"]))

    def stats(self) -> Deferred[dict[str, Any]]:
        """Queues, windows, connections, circuits and counts of the gateway, however many apps it has."""
        return Deferred.fromCoroutine(self._stats())

    async def dead_tokens(self, app: str) -> AsyncIterator[DeadTokenEntry]:
        """Every token of an app that the gateway takes for dead, in the order of the tokens."""
        after, more = None, True
        while more:
            answer = await self._ask(DeadTokens, True, app=app, after=after)
            form = _form(answer)
            for line in answer["entries"].decode().split("\n")[:-1]:
                entry = parse(line, 0, form, MAX_TARGET)
                yield entry
                after = form.write(entry.token)
            more = answer["more"]

    def target_form(self, app: str) -> Deferred[TargetForm]:
        """How the tokens, or other targets, of an app are written as text."""
        return self._ask(DeadTokens, True, app=app, limit=1).addCallback(_form)

    def bury(self, app: str, entries: Iterable[DeadTokenEntry]) -> Deferred[int]:
        """Have the gateway take tokens for dead, of which there may be any number.

        Fires once all are safe, with how many it did not know. They are read as fast as it takes them.
        """

        async def buried() -> int:
            pieces = entry_chunks(entries, await self.target_form(app))
            return sum([(await self._ask(Bury, True, app=app, entries=piece))["buried"] for piece in pieces])

        return Deferred.fromCoroutine(buried())

    def forget(self, app: str, tokens: Iterable[Token]) -> Deferred[int]:
        """Have the gateway take tokens for living again; fires with how many it took for dead.

        :param tokens: as the push service writes them, or their bytes.
        """

        async def forgotten() -> int:
            form = await self.target_form(app)
            name = "tokens" if form is TargetForm.HEX else "targets"
            pieces = ({name: packed} for packed in token_chunks(tokens, form))
            return sum([(await self._ask(Forget, True, app=app, **piece))["forgotten"] for piece in pieces])

        return Deferred.fromCoroutine(forgotten())

    def create_channel(self, app: str, message_storage_policy: int) -> Deferred[str]:
        """Make a channel for broadcasts; fires with its id.

        :param message_storage_policy: 0: a broadcast reaches only devices that are there; 1: the push service
            keeps the last one for the others.
        """
        asked = self._ask(
            commands.CreateChannel, False, app=app, message_storage_policy=message_storage_policy
        )
        return asked.addCallback(lambda answer: str(answer["channel"]))

    def channels(self, app: str) -> Deferred[list[str]]:
        """The ids of all channels of an app, in their order as text."""

        async def listed() -> list[str]:
            found: list[str] = []
            more = True
            while more:
                after = found[-1] if found else None
                answer = await self._ask(commands.Channels, True, app=app, after=after)
                found += msgspec.json.decode(answer["channels"], type=list[str])
                more = answer["more"]
            return found

        return Deferred.fromCoroutine(listed())

    def channel(self, app: str, channel: str) -> Deferred[Channel]:
        """The channel with this id; fails with `NotFound` when there is none."""
        asked = self._ask(commands.Channel, True, app=app, channel=channel)
        return asked.addCallback(lambda answer: msgspec.json.decode(answer["channel"], type=Channel))

    def delete_channel(self, app: str, channel: str) -> Deferred[None]:
        """Delete a channel: nothing can be sent to it any more. Fails with `NotFound` when there is none."""
        asked = self._ask(commands.DeleteChannel, False, app=app, channel=channel)
        return asked.addCallback(lambda _: None)

    def enrol(
        self, app: str, token: Token, push_magic: str, *, keep_awake: bool = False, device: str | None = None
    ) -> Deferred[Enrolled]:
        """Report a managed device's ``TokenUpdate``; fires once it is kept. The device is pushed to until
        `check_in` or `check_out`.

        :param keep_awake: push to it every 26 h while it is silent.
        :param device: what the MDM server knows the device by: an earlier enrolment of it is superseded.
        """
        arguments = {"keep_awake": keep_awake, **({} if device is None else {"device": device})}
        asked = self._ask(
            mdm_commands.Enrol, True, app=app, token=_text(token), push_magic=push_magic, **arguments
        )
        return asked.addCallback(_enrolled)

    def check_in(self, app: str, token: Token) -> Deferred[bool]:
        """Report that a managed device called its MDM server; fires with False when it is not known."""
        asked = self._ask(mdm_commands.CheckIn, True, app=app, token=_text(token))
        return asked.addCallback(lambda answer: bool(answer["known"]))

    def check_out(self, app: str, token: Token) -> Deferred[bool]:
        """Report that a managed device left management; fires with False when it is not known. It is woken no
        more until it enrols anew.
        """
        asked = self._ask(mdm_commands.CheckOut, True, app=app, token=_text(token))
        return asked.addCallback(lambda answer: bool(answer["known"]))

    def find_enrolments(self, app: str, sha256: str) -> Deferred[list[dict[str, Any]]]:
        """The enrolments, 20 at most, of tokens whose SHA-256 begins with these hex digits."""
        asked = self._ask(mdm_commands.FindEnrolments, True, app=app, sha256=sha256)
        return asked.addCallback(lambda answer: msgspec.json.decode(answer["enrolments"], type=list))

    def diagnose(self, app: str, token: Token) -> Deferred[dict[str, Any]]:
        """What is known of a managed device, and why it may not have called."""
        asked = self._ask(mdm_commands.Diagnose, True, app=app, token=_text(token))
        return asked.addCallback(lambda answer: msgspec.json.decode(answer["diagnosis"], type=dict))

    def hub(self, name: str) -> HubClient:
        """A hub of the gateway, as its configuration names it."""
        return HubClient(name, self._ask)

    def reload(self) -> Deferred[list[str]]:
        """Have the gateway read its configuration again; fires with a line for each change.

        Fails with `CannotStart`, one line for each fault: then nothing has changed.
        """
        return self._ask(Reload, True).addCallback(_changes)

    def watch(
        self,
        callback: Callable[[Record], object] | None = None,
        *,
        app: str | None = None,
        connection: Callable[[str | None], object] | None = None,
    ) -> Deferred[Subscription]:
        """Hear of every outcome from now on; fires when the gateway has confirmed.

        Iterate over the subscription with ``async for``, or give a `callback`, which may return a Deferred or
        a coroutine: the next record comes when that is done.

        :param app: only of this app.
        :param connection: called with the reason when the connection is lost, and with None when it is there
            again. Outcomes in between are not repeated.
        """
        return Deferred.fromCoroutine(self._watch(callback, app, connection))

    async def _push(
        self, app: str, token: Token | None, payload: Payload | None, key: str | None, terms: PushArguments
    ) -> str:
        body = None if payload is None else payload_bytes(payload)
        text = None if token is None else _text(token)
        async with self._slots:
            answer = await self._caller.call(
                Push, key is not None, app=app, token=text, payload=body, key=key, **terms
            )
        number: str = answer["id"]
        return number

    async def _send(
        self, app: str, chunk: Chunk, key: str | None, pace: str | None, terms: BatchArguments
    ) -> ReceiptPart:
        own_key = None if key is None else f"{key}/{chunk.number}"
        answer = await self._caller.call(
            PushBatch,
            key is not None,
            app=app,
            tokens=chunk.tokens if chunk.width == 1 else None,
            targets=chunk.tokens if chunk.width == 2 else None,
            payload=chunk.payload,
            payloads=chunk.payloads,
            key=own_key,
            pace=pace,
            **terms,
        )
        return part_of(chunk, answer["id"], answer["refused"], bool(answer.get("repeated")))

    async def _watch(
        self,
        callback: Callable[[Record], object] | None,
        app: str | None,
        connection: Callable[[str | None], object] | None,
    ) -> Subscription:
        subscription = Subscription(self._endpoint, self._clock, self._jitter, app, self._login)
        subscription.connection = connection
        self._subscriptions.add(subscription)
        try:
            await subscription.start().addTimeout(self._timeout, self._clock)
        except defer.TimeoutError:
            error = subscription.unreachable()
            subscription.stop()
            raise error from None
        if callback is not None:
            Deferred.fromCoroutine(subscription.feed(callback)).addErrback(
                lambda failure: self.log.failure("a subscription ended", failure)
            )
        return subscription

    async def _stats(self) -> dict[str, Any]:
        stats: dict[str, Any] = {}
        after, more = "", True
        while more:
            answer = await self._ask(Stats, True, after=after)
            page = msgspec.json.decode(answer["stats"], type=dict)
            for part, value in page.items():
                stats[part] = stats.get(part, {}) | value if isinstance(value, dict) else value
            last = max(stats["apps"], default="")
            after, more = last, bool(answer.get("more")) and last > after
        return stats

    def _ask_once(self, command: Any, **arguments: Any) -> Deferred[dict[str, Any]]:
        async def asked() -> dict[str, Any]:
            async with self._slots:
                return await self._impatient.call(command, False, **arguments)

        return Deferred.fromCoroutine(asked())

    def _ask(self, command: Any, repeatable: bool, **arguments: Any) -> Deferred[dict[str, Any]]:
        async def asked() -> dict[str, Any]:
            async with self._slots:
                return await self._caller.call(command, repeatable, **arguments)

        return Deferred.fromCoroutine(asked())


def _text(token: Token) -> str:
    """A token as text: the bytes of one in hex."""
    return token if isinstance(token, str) else token_bytes(token).hex()


def _enrolled(answer: dict[str, Any]) -> Enrolled:
    return Enrolled(str(answer["sha256"]), tuple(msgspec.json.decode(answer["warnings"], type=list[str])))


def _form(answer: dict[str, Any]) -> TargetForm:
    return TargetForm(answer.get("form") or TargetForm.HEX)


def _changes(answer: dict[str, Any]) -> list[str]:
    lines = msgspec.json.decode(answer["lines"], type=list[str])
    if not answer["ok"]:
        raise CannotStart(lines)
    return lines
