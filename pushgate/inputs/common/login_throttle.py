"""Logins at one input: those that fail are answered late, counted and logged."""

from ipaddress import ip_address, ip_network
from typing import Any, Final

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from pushgate.inputs.common.login_failures import INTERVAL, FailureCounts, FailureLog
from pushgate.model.errors import NotLoggedIn
from pushgate.model.principals import Principal
from pushgate.model.printable import printable
from pushgate.plugin.context import Context

FIRST_DELAY: Final = 0.5
"""Seconds after which the first failure of an address is answered; the next ones take twice as long each."""
MAX_DELAY: Final = 30.0
"""Seconds for the answer to a failure at most."""
MAX_WAITING: Final = 1000
"""Failures that wait for their answer, of all addresses; further ones end their connections, because
waiting costs memory."""
LIMIT: Final = 100
"""Failures of one address, unless the configuration says otherwise, after which the next one ends its
connection."""


class LoginThrottle:
    """Answers logins. A good one is answered at once, whatever failed before at the same address.

    A bad one delays nothing but its own connection. Secrets are too long to be guessed; the delay slows down
    who tries, and the limit keeps an address from holding connections while its failures wait. Answers and
    delays do not show whether a name is known.

    :param name: the input's name.
    :param limit: failures of an address, without a pause of `MEMORY` seconds between two, beyond which the
        next ones fail at once, with `closes`; 0: no limit.
    """

    log = Logger()

    def __init__(self, name: str, context: Context, limit: int = LIMIT) -> None:
        self._name, self._principals, self._metrics = name, context.principals, context.metrics
        self._clock: IReactorTime = context.reactor
        self._limit = limit
        self._failures, self._unlogged = FailureCounts(), FailureLog()
        self._interval: IDelayedCall | None = None
        self._waiting: dict[Deferred[Principal], tuple[IDelayedCall, NotLoggedIn]] = {}
        self._stopped = False

    def login(self, name: str, secret: bytes, peer: Any) -> "Principal | Deferred[Principal]":
        """The principal of this name and secret; or a Deferred that fails with `NotLoggedIn`, later.

        It fails at once, with `closes`, when the connection is to be closed with the answer.
        Cancelling it gives up the answer.

        :param peer: the peer's address, as transports give it.
        """
        try:
            return self._principals.login(name, secret)
        except NotLoggedIn as error:
            known = (
                name if name in self._principals else "an unknown name"
            )  # which may be a secret, misplaced
            return self._failed(error, known, peer)

    def bearer(self, secret: bytes, peer: Any) -> "Principal | Deferred[Principal]":
        """The principal with this secret; as `login`."""
        try:
            return self._principals.bearer(secret)
        except NotLoggedIn as error:
            return self._failed(error, "a bearer", peer)

    def rejected(self, claim: str, peer: Any) -> Deferred[Principal]:
        """Count a failure of another kind, such as a signed token that cannot be verified.

        Fails as `login` does for a failed login.

        :param claim: what it was, for the log.
        """
        return self._failed(NotLoggedIn(f"login: {claim} that cannot be verified"), claim, peer)

    def certified(self, subject: str, peer: Any) -> Principal | None:
        """The principal with this certificate; None when there is none, which counts as a failure."""
        try:
            return self._principals.certified(subject)
        except NotLoggedIn:
            self._note(f"the certificate of {printable(subject)}", peer)
            return None

    def stop(self) -> None:
        """Answer at once, both what waits and what comes from now on."""
        self._stopped = True
        while self._waiting:
            waiting, (call, error) = self._waiting.popitem()
            call.cancel()
            waiting.errback(error)
        if self._interval is not None:
            self._interval.cancel()
            self._sum_up()

    def _failed(self, error: NotLoggedIn, claim: str, peer: Any) -> Deferred[Principal]:
        times = self._note(claim, peer)
        answer: Deferred[Principal] = Deferred(self._forget)
        if self._stopped:
            answer.errback(error)
        elif len(self._waiting) >= MAX_WAITING or 0 < self._limit < times:
            answer.errback(NotLoggedIn(f"{error}; too many from here failed, the connection closes", True))
        else:
            delay = min(MAX_DELAY, FIRST_DELAY * 2.0 ** min(times - 1, 20))
            self._waiting[answer] = (self._clock.callLater(delay, self._answer, answer), error)
        return answer

    def _answer(self, waiting: Deferred[Principal]) -> None:
        _, error = self._waiting.pop(waiting)
        waiting.errback(error)

    def _forget(self, waiting: Deferred[Principal]) -> None:
        call, _ = self._waiting.pop(waiting)
        call.cancel()

    def _note(self, claim: str, peer: Any) -> int:
        """Count and log a failure; return how many the address had in a row."""
        address = _network(peer)
        times = self._failures.note(address, self._clock.seconds())
        self._metrics.count("pushgate_logins_failed_total", self._name)
        if self._interval is None and not self._stopped:
            self._interval = self._clock.callLater(INTERVAL, self._sum_up)
        if self._unlogged.has_line(address):
            self.log.warn(
                "input {name}: failed login as {who} from {address}, {times} in a row",
                name=self._name,
                who=claim,
                address=address,
                times=times,
            )
        return times

    def _sum_up(self) -> None:
        """Log the failures since the last sum that had no line."""
        self._interval = None
        others = self._unlogged.take()
        if others is not None:
            self.log.warn(
                "input {name}: {failures} more failed logins within {interval:g} s,"
                " from {addresses} addresses; {share} from {most}",
                name=self._name,
                interval=INTERVAL,
                **others._asdict(),
            )


def _network(peer: Any) -> str:
    """What counts as one address: of IPv6 the /64 that a provider gives one customer."""
    if isinstance(peer, IPv4Address):
        return str(peer.host)
    if isinstance(peer, IPv6Address):
        host = peer.host.partition("%")[0]
        mapped = getattr(ip_address(host), "ipv4_mapped", None)
        return str(mapped or ip_network(f"{host}/64", strict=False))
    return "this machine"
