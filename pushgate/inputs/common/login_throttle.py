"""Logins at one input: those that fail are answered late, counted and logged."""

from ipaddress import ip_address, ip_network
from typing import Any, Final

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from pushgate.model.errors import NotLoggedIn
from pushgate.model.principals import Principal
from pushgate.model.printable import printable
from pushgate.plugin.interfaces import Context

FIRST_DELAY: Final = 0.5
"""Seconds after which the first failure of an address is answered; the next ones take twice as long each."""
MAX_DELAY: Final = 30.0
"""Seconds for the answer to a failure at most."""
MEMORY: Final = 900.0
"""Seconds without a failure after which an address starts anew."""
MAX_ADDRESSES: Final = 10_000
"""Addresses whose failures are remembered."""
MAX_WAITING: Final = 1000
"""Failures that wait for their answer; beyond it the answer comes at once, because waiting costs memory."""


class LoginThrottle:
    """Answers logins. A good one is answered at once, whatever failed before at the same address.

    A bad one delays nothing but its own answer. Secrets are too long to be guessed; the delay spares the log
    and slows the guessing down. Answers and delays do not show whether a name is known.

    :param name: the input's name.
    """

    log = Logger()

    def __init__(self, name: str, context: Context) -> None:
        self._name, self._principals, self._metrics = name, context.principals, context.metrics
        self._clock: IReactorTime = context.reactor
        self._failures: dict[str, tuple[int, float]] = {}
        self._waiting: dict[Deferred[Principal], tuple[IDelayedCall, NotLoggedIn]] = {}
        self._stopped = False

    def login(self, name: str, secret: bytes, peer: Any) -> "Principal | Deferred[Principal]":
        """The principal of this name and secret; or a Deferred that fails with `NotLoggedIn`, later.

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

    def _failed(self, error: NotLoggedIn, claim: str, peer: Any) -> Deferred[Principal]:
        delay = self._note(claim, peer)
        answer: Deferred[Principal] = Deferred(self._forget)
        if self._stopped or len(self._waiting) >= MAX_WAITING:
            answer.errback(error)
        else:
            self._waiting[answer] = (self._clock.callLater(delay, self._answer, answer), error)
        return answer

    def _answer(self, waiting: Deferred[Principal]) -> None:
        _, error = self._waiting.pop(waiting)
        waiting.errback(error)

    def _forget(self, waiting: Deferred[Principal]) -> None:
        call, _ = self._waiting.pop(waiting)
        call.cancel()

    def _note(self, claim: str, peer: Any) -> float:
        """Count and log a failure; return the delay of its answer in seconds."""
        now, address = self._clock.seconds(), _network(peer)
        times, last = self._failures.pop(address, (0, now))
        times = 1 if now - last > MEMORY else times + 1
        if len(self._failures) >= MAX_ADDRESSES:
            del self._failures[next(iter(self._failures))]  # the one that failed longest ago
        self._failures[address] = (times, now)
        self._metrics.count("pushgate_logins_failed_total", self._name)
        self.log.warn(
            "input {name}: failed login as {who} from {address}, {times} in a row",
            name=self._name,
            who=claim,
            address=address,
            times=times,
        )
        return min(MAX_DELAY, FIRST_DELAY * 2.0 ** min(times - 1, 20))


def _network(peer: Any) -> str:
    """What counts as one address: of IPv6 the /64 that a provider gives one customer."""
    if isinstance(peer, IPv4Address):
        return str(peer.host)
    if isinstance(peer, IPv6Address):
        host = peer.host.partition("%")[0]
        mapped = getattr(ip_address(host), "ipv4_mapped", None)
        return str(mapped or ip_network(f"{host}/64", strict=False))
    return "this machine"
