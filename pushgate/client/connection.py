"""A connection to a gateway that comes back when it is lost."""

from collections.abc import Callable
from typing import Any, Final

from twisted.application.internet import ClientService
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
    ITCPTransport,
)
from twisted.internet.protocol import Factory, connectionDone
from twisted.protocols.amp import AMP, Command
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.client.handshake import connect
from pushgate.client.reasons import is_untrusted
from pushgate.client.reasons import reason as why
from pushgate.model.backoff import Jitter, delay
from pushgate.model.errors import Internal, PushgateError, Refusal, Unreachable
from pushgate.protocols.amp.commands import Login, Outcomes

FIRST_DELAY: Final = 0.5
"""Seconds to the first attempt to connect again."""
MAX_DELAY: Final = 30.0
"""Seconds between two attempts at most."""
LINGER: Final = 5.0
"""Seconds a connection has to close."""
SILENCE: Final = 2.0
"""Seconds that something waits for a connection before a line says so."""
LOGIN_TIMEOUT: Final = 60.0
"""Seconds for the answer to a login, which is late when it is refused."""


class Cut(Exception):
    """The connection was lost before the answer came."""


class Wire(AMP):
    """One connection.

    :param link: is called when it is made and lost.
    :param take_outcomes: takes the records of one call of `Outcomes`; fires when there is room for more.
    :ivar heard_at: when something last came from the gateway, by the link's clock.
    """

    def __init__(
        self, link: "ClientConnection", take_outcomes: Callable[[bytes], Deferred[None]] | None
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # AMP has no types
        self._link, self._take_outcomes = link, take_outcomes
        self.heard_at = link.clock.seconds()

    def connectionMade(self) -> None:
        super().connectionMade()  # type: ignore[no-untyped-call] # AMP has no types
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
        self._link.connected(self)

    def dataReceived(self, data: bytes) -> None:
        self.heard_at = self._link.clock.seconds()
        super().dataReceived(data)  # type: ignore[no-untyped-call] # AMP has no types

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._link.disconnected(self, reason)
        super().connectionLost(reason)  # type: ignore[no-untyped-call] # AMP has no types

    def stopReceivingBoxes(self, reason: Failure) -> None:
        """Fail what waits for an answer: whatever ended the connection, what it means is the same."""
        cut = Failure(Cut(why(reason)))
        super().stopReceivingBoxes(cut)  # type: ignore[no-untyped-call] # AMP has no types

    def ask(self, command: type[Command], arguments: dict[str, Any]) -> Deferred[dict[str, Any]]:
        """Call a command; fires with its answer, fails with its errors or with `Cut`.

        :raises TooLong: an argument fits into no value.
        """
        asked: Deferred[dict[str, Any]]
        asked = self.callRemote(command, **arguments)  # type: ignore[no-untyped-call] # AMP has no types
        return asked

    def abort(self) -> None:
        """Close at once; harmless when closed."""
        self._link.forget(self)
        if self.transport is not None:
            self.transport.abortConnection()  # type: ignore[attr-defined] # TCP, TLS and UNIX transports have it

    @Outcomes.responder
    def outcomes(self, outcomes: bytes) -> Deferred[dict[str, bool]]:
        """Take records, and say so when there is room for more."""
        taken = succeed(None) if self._take_outcomes is None else self._take_outcomes(outcomes)
        return taken.addCallback(lambda _: {"ok": True})


@implementer(IStreamClientEndpoint)
class _Observed:
    """An endpoint that reports its failures, of handshakes too; `ClientService` keeps them to itself."""

    def __init__(
        self, endpoint: IStreamClientEndpoint, clock: IReactorTime, failed: Callable[[Failure], Failure]
    ) -> None:
        self._endpoint, self._clock, self._failed = endpoint, clock, failed

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:  # noqa: N803 - Twisted's name
        connecting = Deferred.fromCoroutine(connect(self._endpoint, protocolFactory, self._clock))
        return connecting.addErrback(self._failed)


class _WireFactory(Factory):
    noisy = False

    def __init__(self, build: Callable[[], Wire]) -> None:
        self._build = build

    def buildProtocol(self, addr: IAddress | None) -> Wire:
        return self._build()


class ClientConnection:
    """Keeps one connection.

    The waits between attempts grow until a gateway has answered something: a connection that is only
    accepted proves nothing.

    :param clock: IReactorTime.
    :param login: name and secret with which each new connection logs in before it is used.
    :param made: called with each new connection, before anybody else gets it.
    :param refused: called when a login was refused; who waits for the connection hears of it anyway.
    :param lost: called when an attempt failed or a connection was lost, with the reason, and whether a
        further attempt will fail too.
    :param report: is given a line when something has waited for a connection for `SILENCE` seconds; once
        until there is one.
    :param take_outcomes: see `Wire`.
    """

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        clock: IReactorTime,
        jitter: Jitter,
        *,
        login: tuple[str, bytes] | None = None,
        made: Callable[[Wire], None] | None = None,
        refused: Callable[[PushgateError], None] | None = None,
        lost: Callable[[str, bool], None] | None = None,
        report: Callable[[str], None] | None = None,
        take_outcomes: Callable[[bytes], Deferred[None]] | None = None,
    ) -> None:
        self.clock = clock
        self._jitter, self._login, self._made, self._refused = jitter, login, made, refused
        self._wire: Wire | None = None
        self._open: Wire | None = None
        self._waiting: list[Deferred[Wire]] = []
        self._failures = 0
        self._why = "it has not answered"
        self._closed = self._untrusted = self._reported = False
        self._lost, self._report = lost, report
        self._silence: IDelayedCall | None = None
        factory = _WireFactory(lambda: Wire(self, take_outcomes))
        self._service = ClientService(_Observed(endpoint, clock, self._failed), factory, self._delay, clock)

    def start(self) -> None:
        """Begin to connect; harmless when that was begun."""
        if not self._service.running and not self._closed:
            self._await()
            self._service.startService()

    def stop(self) -> Deferred[None]:
        """Close; fires when closed. What waits for a connection fails."""
        self._closed, self._why = True, "the client was closed"
        self._stop_silence()
        if not self._service.running:
            return succeed(None)
        stopped: Deferred[Any] = self._service.stopService()
        abort: IDelayedCall | None = None
        if self._open is not None:
            abort = self.clock.callLater(LINGER, self._open.abort)
        for waiting in self._take_waiting():
            waiting.errback(self.unreachable())

        def done(_: object) -> None:
            if abort is not None and abort.active():
                abort.cancel()

        return stopped.addCallback(done)

    def wire(self) -> Deferred[Wire]:
        """The connection, when there is one; fails with `Unreachable` when the link is closed."""
        waiting: Deferred[Wire] = Deferred(self._waiting_no_more)
        if self._closed or self._untrusted:
            waiting.errback(self.unreachable())
        elif self._wire is not None:
            waiting.callback(self._wire)
        else:
            self._waiting.append(waiting)
            self._await()
        return waiting

    def useful(self) -> None:
        """Note that the gateway answered."""
        self._failures = 0

    def unreachable(self) -> Unreachable:
        """Why there is no connection."""
        return Unreachable(f"no connection to the gateway: {self._why}; nothing was sent")

    # called by the wire

    def connected(self, wire: Wire) -> None:
        """A connection was made."""
        self._open = wire
        if self._login is None:
            self._use(wire)
            return
        name, secret = self._login
        asked = wire.ask(Login, {"name": name, "secret": secret}).addTimeout(LOGIN_TIMEOUT, self.clock)
        asked.addCallbacks(lambda _: self._use(wire), self._not_logged_in, errbackArgs=(wire,))

    def disconnected(self, wire: Wire, reason: Failure) -> None:
        """A connection was lost."""
        self.forget(wire)
        self._open = None
        self._failed(reason)

    def forget(self, wire: Wire) -> None:
        """Use this connection no more."""
        if self._wire is wire:
            self._wire = None

    def _use(self, wire: Wire) -> None:
        if self._closed:
            return
        self._wire = wire
        self._untrusted = self._reported = False
        self._stop_silence()
        if self._made is not None:
            self._made(wire)
        for waiting in self._take_waiting():
            waiting.callback(wire)

    def _not_logged_in(self, failure: Failure, wire: Wire) -> None:
        """Tell all who wait why; the next connection tries again, the gateway may have learnt meanwhile."""
        if failure.check(Cut):
            return
        error: PushgateError = Internal(f"the gateway failed at Login: {failure.getErrorMessage()}")
        if isinstance(failure.value, Refusal):
            error = failure.value
        self._why = str(error)
        wire.abort()
        for waiting in self._take_waiting():
            waiting.errback(error)
        if self._refused is not None:
            self._refused(error)

    def _failed(self, failure: Failure) -> Failure:
        if self._closed:
            return failure
        self._why, self._untrusted = why(failure), is_untrusted(failure)
        if self._untrusted:
            for waiting in self._take_waiting():
                waiting.errback(self.unreachable())
        if self._lost is not None:
            self._lost(self._why, self._untrusted)
        return failure

    def _await(self) -> None:
        """Have it reported if there is no connection for long."""
        if self._silence is None and not self._reported and self._report is not None:
            self._silence = self.clock.callLater(SILENCE, self._break_silence, self._report)

    def _break_silence(self, report: Callable[[str], None]) -> None:
        self._silence, self._reported = None, True
        report(f"no connection to the gateway for {SILENCE:g} s: {self._why}; trying again")

    def _stop_silence(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None

    def _delay(self, _: float) -> float:
        self._failures += 1
        return delay(self._failures, first=FIRST_DELAY, cap=MAX_DELAY, jitter=self._jitter)

    def _take_waiting(self) -> list[Deferred[Wire]]:
        waiting, self._waiting = self._waiting, []
        return waiting

    def _waiting_no_more(self, waiting: Deferred[Wire]) -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)
