"""The commands of a gateway as methods."""

import random
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, Unpack
from uuid import uuid4
from weakref import WeakSet

import msgspec
from twisted.internet import defer
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.logger import Logger

from pushgate.client.asking import Asking
from pushgate.client.batch_push import BatchPush
from pushgate.client.channel_commands import ChannelCommands
from pushgate.client.chunks import Chunk, Payload, Token, chunks_of
from pushgate.client.connection import ClientConnection
from pushgate.client.dead_token_commands import DeadTokenCommands
from pushgate.client.enrolment_commands import EnrolmentCommands
from pushgate.client.hub import HubClient
from pushgate.client.operations import Operations
from pushgate.client.receipt import PushReceipt, ReceiptPart
from pushgate.client.record import Record
from pushgate.client.retries import Caller
from pushgate.client.subscription import Subscription
from pushgate.client.terms import BatchArguments
from pushgate.model.backoff import Jitter
from pushgate.model.dead_token import DeadTokenEntry
from pushgate.model.errors import CannotStart
from pushgate.net.endpoint_string import endpoint_from_string
from pushgate.protocols.amp.commands import Pace, Reload

P = ParamSpec("P")
T = TypeVar("T")


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


def _fired(
    operation: Callable[Concatenate[Operations, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate["Client", P], Deferred[T]]:
    """A method of the client that is one of the operations of a gateway; fires with what that returns."""

    @wraps(operation)
    def method(self: "Client", /, *arguments: P.args, **options: P.kwargs) -> Deferred[T]:
        return Deferred.fromCoroutine(operation(self._operations, *arguments, **options))

    return method


class Client(ChannelCommands, DeadTokenCommands, EnrolmentCommands):
    """A connection to a gateway that comes back when it is lost. Also an asynchronous context manager.

    Commands wait for the connection. One that a lost connection cuts off is repeated when that is harmless:
    a push with an idempotency key is accepted once however often it is sent. Without a key it fails with
    `FateUnknown`.

    Each method returns a Deferred, which fires with what `Operations` says that it returns, or fails with
    what is said to be raised.

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
        self._asking = Asking(Caller(self._link, clock, jitter, timeout, retry_for), in_flight)
        self._operations = Operations(self._asking)
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

    push = _fired(Operations.push)
    test_send = _fired(Operations.test_send)
    status = _fired(Operations.status)
    trace = _fired(Operations.trace)
    cancel = _fired(Operations.cancel)
    flush = _fired(Operations.flush)
    stats = _fired(Operations.stats)
    enrol = _fired(Operations.enrol)
    check_in = _fired(Operations.check_in)
    check_out = _fired(Operations.check_out)

    def dead_tokens(self, app: str) -> AsyncIterator[DeadTokenEntry]:
        """Every token of an app that the gateway takes for dead, in the order of the tokens."""
        return self._operations.dead_tokens(app)

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
            own = None if key is None else f"{key}/{chunk.number}"
            call = self._asking.calls.push_chunk(app, chunk, own, pace, terms)
            return Deferred.fromCoroutine(self._asking.ask_at_once(call))

        return Deferred.fromCoroutine(BatchPush(send, self._asking.slots).run(pieces))

    def pace(self, rate: float, *, app: str | None = None, id: str | None = None) -> Deferred[bool]:  # noqa: A002 - the contract's word
        """Change a rate, in notifications per second, 0 for no limit, until the gateway restarts.

        :param app: the app whose rate it is.
        :param id: or a notification of the batch whose rate it is; fires with False when all of it is done.
        """
        asked = self._asking.command(Pace, True, rate=float(rate), app=app, id=id)
        return asked.addCallback(lambda answer: bool(answer["paced"]))

    def hub(self, name: str) -> HubClient:
        """A hub of the gateway, as its configuration names it."""
        return HubClient(name, self._asking.command)

    def reload(self) -> Deferred[list[str]]:
        """Have the gateway read its configuration again; fires with a line for each change.

        Fails with `CannotStart`, one line for each fault: then nothing has changed.
        """
        return self._asking.command(Reload, True).addCallback(_changes)

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


def _changes(answer: dict[str, Any]) -> list[str]:
    lines = msgspec.json.decode(answer["lines"], type=list[str])
    if not answer["ok"]:
        raise CannotStart(lines)
    return lines
