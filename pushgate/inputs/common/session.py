"""Who is at the other end of a connection, and what it may do."""

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred, succeed

from pushgate.inputs.common.login_throttle import LoginThrottle
from pushgate.model.errors import Forbidden, NotLoggedIn
from pushgate.model.outcome import Outcome
from pushgate.model.principals import Operation, Principal
from pushgate.model.trace import Trace
from pushgate.net.tls import peer_subject
from pushgate.plugin.interfaces import Context, IGateway

_Found = TypeVar("_Found", Outcome, Trace)


class Authenticator:
    """What the connections of one door have in common.

    :param door: the input's name.
    :param trusting: see `Listener`.
    """

    def __init__(self, door: str, trusting: bool, gateway: IGateway, context: Context) -> None:
        self.gateway, self.clock = gateway, context.reactor
        self.logins = LoginThrottle(door, context)
        self._principals, self._trusting = context.principals, trusting

    def visitor(self, transport: Any) -> "Session":
        """Whoever is at the other end of `transport`."""
        return Session(self, transport)

    def anonymous(self) -> Principal | None:
        """Who has not said who it is; None when such a one may do nothing at this door."""
        return self._principals.anonymous if self._trusting else None

    def stop(self) -> None:
        """Let nobody wait any longer."""
        self.logins.stop()


class Session:
    """Somebody at the other end of a connection: first whom the certificate proves it to be, if there is one.

    Not to be asked anything before the first bytes came: a certificate is proven only then.
    """

    __slots__ = ("_porter", "_principal", "_proven", "_transport")

    def __init__(self, porter: Authenticator, transport: Any) -> None:
        self._porter, self._transport = porter, transport
        self._principal: Principal | None = None
        self._proven = False

    @property
    def principal(self) -> Principal | None:
        """Who it is, as far as is known."""
        if self._principal is None and not self._proven:
            self._proven = True
            subject = peer_subject(self._transport)
            if subject is not None:
                self._principal = self._porter.logins.certified(subject, self._transport.getPeer())
        return self._principal or self._porter.anonymous()

    def login(self, name: str, secret: bytes) -> Deferred[None]:
        """Be the principal of this name from now on; fails with `NotLoggedIn`, late, and changes nothing."""
        return self._tries(self._porter.logins.login(name, secret, self._transport.getPeer()))

    def bearer(self, secret: bytes) -> Deferred[None]:
        """Be whose secret this is from now on; as `login`."""
        return self._tries(self._porter.logins.bearer(secret, self._transport.getPeer()))

    def permit(self, operation: Operation, app: str | None = None, count: int = 0) -> Principal:
        """Allow an operation, or raise what refuses it; see `Principal.permit`.

        :param count: notifications that are submitted.
        """
        principal = self.principal
        if principal is None:
            raise NotLoggedIn("login: nobody is logged in; log in first")
        principal.permit(operation, app, count, self._porter.clock.seconds())
        return principal

    def permit_all(self, operation: Operation) -> None:
        """Allow an operation that is about every app there is or may be."""
        if self.permit(operation).limited:
            raise Forbidden(f"{operation}: allowed for some apps only; this is about all")

    def charge(self, count: int) -> None:
        """Take notifications from the quota of who was permitted to submit them; see `Principal.charge`."""
        principal = self.principal
        if principal is not None:
            principal.charge(count, self._porter.clock.seconds())

    def sees(self, app: str) -> bool:
        """Whether it may be told of this app now."""
        principal = self.principal
        return principal is not None and principal.sees(app)

    def status(self, number: int) -> Deferred[Outcome]:
        """`IGateway.status`, of what it may read; a Deferred in any case."""
        principal = self.permit(Operation.READ)
        asked = self._outcome(number)
        return asked.addCallback(_checked, principal, Operation.READ) if principal.limited else asked

    def trace(self, number: int) -> Deferred[Trace]:
        """`IGateway.trace`, of what it may read."""
        principal = self.permit(Operation.READ)
        asked = self._porter.gateway.trace(number)
        return asked.addCallback(_checked, principal, Operation.READ) if principal.limited else asked

    def cancel(self, number: int) -> Deferred[bool]:
        """`IGateway.cancel`, of what it may submit; a Deferred in any case."""
        cancel: Callable[[int], Any] = self._porter.gateway.cancel
        return self.check(Operation.PUSH, number).addCallback(lambda _: cancel(number))

    def check(self, operation: Operation, number: int) -> Deferred[Any]:
        """Allow an operation on the notification with this id; fails with `Forbidden` or `NotFound`."""
        principal = self.permit(operation)
        if not principal.limited:
            return succeed(None)
        return self._outcome(number).addCallback(_checked, principal, operation)

    def stats(self) -> dict[str, Any]:
        """`IGateway.stats`, of the apps it may read of."""
        principal = self.permit(Operation.READ)
        stats = self._porter.gateway.stats()
        if not principal.limited:
            return stats
        return {
            part: {app: each for app, each in stats[part].items() if principal.sees(app)}
            for part in ("apps", "outcomes")
            if part in stats
        }

    def _outcome(self, number: int) -> Deferred[Outcome]:
        ask: Callable[[int], Any] = self._porter.gateway.status
        return maybeDeferred(ask, number)

    def _tries(self, answer: Principal | Deferred[Principal]) -> Deferred[None]:
        if isinstance(answer, Deferred):
            return answer.addCallback(self._is)
        self._is(answer)
        return succeed(None)

    def _is(self, principal: Principal) -> None:
        self._principal = principal


def _checked(found: _Found, principal: Principal, operation: Operation) -> _Found:
    """Return what was found if its app is one of this principal's; else raise `Forbidden`."""
    principal.check(operation, found.app)
    return found
