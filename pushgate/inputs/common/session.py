"""The principal at the other end of a connection, and what it may do."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred, succeed

from pushgate.inputs.common.login_throttle import LIMIT, LoginThrottle
from pushgate.model.errors import Forbidden, NotLoggedIn
from pushgate.model.outcome import Outcome
from pushgate.model.principals import Operation, Principal
from pushgate.model.printable import printable
from pushgate.model.trace import NotificationTrace
from pushgate.net.tls import peer_subject
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway

_Found = TypeVar("_Found", Outcome, NotificationTrace)


class Authenticator:
    """Makes the sessions of one input, and checks their logins.

    :param name: the input's name.
    :param trusting: see `Listener`.
    :param login_failures: see `LoginTable`.
    """

    def __init__(
        self,
        name: str,
        trusting: bool,
        gateway: IGateway,
        context: Context,
        login_failures: int = LIMIT,
    ) -> None:
        self.gateway, self.clock = gateway, context.reactor
        self.logins = LoginThrottle(name, context, login_failures)
        self._principals, self._trusting = context.principals, trusting

    def session(self, transport: Any) -> "Session":
        """A session for the peer of `transport`."""
        return Session(self, transport)

    def anonymous(self) -> Principal | None:
        """The principal of peers without a login; None when they may do nothing at this input."""
        return self._principals.anonymous if self._trusting else None

    def stop(self) -> None:
        """Answer the logins that wait for their answer."""
        self.logins.stop()


class Session:
    """One peer. Its principal is that of its certificate, if it has one, until it logs in.

    Must not be used before the first bytes came: a certificate is proven only then.
    """

    __slots__ = ("_authenticator", "_principal", "_proven", "_subject", "_transport")

    def __init__(self, authenticator: Authenticator, transport: Any) -> None:
        self._authenticator, self._transport = authenticator, transport
        self._principal: Principal | None = None
        self._subject: str | None = None
        self._proven = False

    @property
    def principal(self) -> Principal | None:
        """The peer's principal, None while it has none."""
        if self._principal is None and not self._proven:
            self._proven = True
            self._subject = subject = peer_subject(self._transport)
            if subject is not None:
                self._principal = self._authenticator.logins.certified(subject, self._transport.getPeer())
        return self._principal or self._authenticator.anonymous()

    def login(self, name: str, secret: bytes) -> Deferred[None]:
        """Become the principal of this name; fails with `NotLoggedIn`, late, and changes nothing.

        When the error says `closes`, the connection has to be closed after the answer. Cancel it when the
        connection is lost.
        """
        return self._become(self._authenticator.logins.login(name, secret, self._transport.getPeer()))

    def bearer(self, secret: bytes) -> Deferred[None]:
        """Become the principal with this secret; as `login`."""
        return self._become(self._authenticator.logins.bearer(secret, self._transport.getPeer()))

    def resume(self, principal: Principal) -> None:
        """Be a principal that proved itself in an earlier request, of which the caller is sure."""
        self._principal = principal

    def permit(self, operation: Operation, app: str | None = None, count: int = 0) -> Principal:
        """Allow an operation, or raise what refuses it; see `Principal.permit`.

        :param count: notifications that are submitted.
        """
        principal = self.principal
        if principal is None:
            raise NotLoggedIn(self._who())
        principal.permit(operation, app, count, self._authenticator.clock.seconds())
        return principal

    def permit_any(self, *operations: Operation) -> Principal:
        """Allow what needs one of some operations, or raise what refuses the last of them."""
        for operation in operations[:-1]:
            with suppress(Forbidden):
                return self.permit(operation)
        return self.permit(operations[-1])

    def permit_all(self, operation: Operation) -> None:
        """Allow an operation that is about every app there is or may be."""
        if self.permit(operation).limited:
            raise Forbidden(f"{operation}: allowed for some apps only; this is about all")

    def charge(self, count: int) -> None:
        """Take notifications from the quota of the principal that submits them; see `Principal.charge`."""
        principal = self.principal
        if principal is not None:
            principal.charge(count, self._authenticator.clock.seconds())

    def sees(self, app: str) -> bool:
        """Return True if the peer may read of this app now."""
        principal = self.principal
        return principal is not None and principal.sees(app)

    def status(self, number: int) -> Deferred[Outcome]:
        """Call `IGateway.status` for an app the peer may read; always a Deferred."""
        principal = self.permit(Operation.READ)
        asked = self._outcome(number)
        return asked.addCallback(_checked, principal, Operation.READ) if principal.limited else asked

    def trace(self, number: int) -> Deferred[NotificationTrace]:
        """Call `IGateway.trace` for an app the peer may read."""
        principal = self.permit(Operation.READ)
        asked = self._authenticator.gateway.trace(number)
        return asked.addCallback(_checked, principal, Operation.READ) if principal.limited else asked

    def cancel(self, number: int) -> Deferred[bool]:
        """Call `IGateway.cancel` for an app the peer may submit to; always a Deferred."""
        cancel: Callable[[int], Any] = self._authenticator.gateway.cancel
        return self.check(Operation.PUSH, number).addCallback(lambda _: cancel(number))

    def check(self, operation: Operation, number: int) -> Deferred[Any]:
        """Allow an operation on the notification with this id; fails with `Forbidden` or `NotFound`."""
        principal = self.permit(operation)
        if not principal.limited:
            return succeed(None)
        return self._outcome(number).addCallback(_checked, principal, operation)

    def stats(self) -> dict[str, Any]:
        """`IGateway.stats`, of the apps the peer may read."""
        principal = self.permit(Operation.READ)
        stats = self._authenticator.gateway.stats()
        if not principal.limited:
            return stats
        return {
            part: {app: each for app, each in stats[part].items() if principal.sees(app)}
            for part in ("apps", "outcomes")
            if part in stats
        }

    def _who(self) -> str:
        """What a caller without a principal is refused with."""
        if self._subject is None:
            return "login: the caller is not logged in; log in first"
        subject = printable(self._subject)
        return (
            f"login: not logged in; its certificate's subject, {subject}, is not that of a principal;"
            " name it in the configuration, or log in first"
        )

    def _outcome(self, number: int) -> Deferred[Outcome]:
        ask: Callable[[int], Any] = self._authenticator.gateway.status
        return maybeDeferred(ask, number)

    def _become(self, answer: Principal | Deferred[Principal]) -> Deferred[None]:
        if isinstance(answer, Deferred):
            return answer.addCallback(self._logged_in)
        self._logged_in(answer)
        return succeed(None)

    def _logged_in(self, principal: Principal) -> None:
        self._principal = principal


def _checked(found: _Found, principal: Principal, operation: Operation) -> _Found:
    """Return what was found if its app is one of this principal's; else raise `Forbidden`."""
    principal.check(operation, found.app)
    return found
