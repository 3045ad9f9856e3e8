"""Who may do what: principals, what proves them, and their quotas."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

import msgspec

from pushgate.model.errors import Forbidden, NotLoggedIn, TooFast, TooLarge
from pushgate.model.secret_hash import SecretHash
from pushgate.model.token_bucket import TokenBucket

ANONYMOUS: Final = "anonymous"
"""The principal of callers that have not logged in."""
BURST: Final = 1.0
"""Seconds' worth of its rate that an idle principal may save up."""


class Operation(StrEnum):
    """What can be allowed: to submit and withdraw, to see what became of it, to run the gateway."""

    PUSH = "push"
    READ = "read"
    ADMIN = "admin"


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What one principal is allowed, and what proves it.

    :param apps: None: all.
    :param rate: notifications a second; 0 sets no limit.
    :param max_batch: notifications of one submission; 0 sets no limit.
    :param secrets: any of them proves it.
    :param certificate: so does a verified client certificate with this subject, as RFC 4514 writes it.
    """

    operations: frozenset[Operation] = frozenset(Operation)
    apps: frozenset[str] | None = None
    rate: float = 0
    max_batch: int = 0
    secrets: tuple[SecretHash, ...] = ()
    certificate: str | None = None


class _Account:
    """What all who are the same principal share.

    :ivar grant: None while there is no such principal.
    """

    __slots__ = ("_bucket", "grant", "name")

    def __init__(self, name: str, grant: Grant) -> None:
        self.name = name
        self.grant: Grant | None = grant
        self._bucket: TokenBucket | None = None

    def spend(self, grant: Grant, count: int, now: float) -> None:
        """Take `count` from what was saved up; raise `TooFast` when it is too little."""
        if self._bucket is None:
            self._bucket = TokenBucket(grant.rate, now, BURST)
        elif self._bucket.rate != grant.rate:
            self._bucket.change(grant.rate, now)
        if wait := self._bucket.wait_for(count, now):
            raise TooFast(grant.rate, wait)
        self._bucket.spend(count)


class Principal:
    """A caller that has proven to be a certain principal, or the anonymous one.

    What it may do is asked anew each time: a reload may take it away, or the secret that proved it.

    :ivar name: as in the configuration.
    """

    __slots__ = ("_account", "_proof", "name")

    def __init__(self, account: _Account, proof: "SecretHash | str | None") -> None:
        self.name, self._account, self._proof = account.name, account, proof

    def permit(self, operation: Operation, app: str | None, count: int, now: float) -> None:
        """Allow an operation and take it from the quota, or raise: `check`, then `charge`.

        :param now: monotonic seconds.
        """
        self.check(operation, app)
        if count:
            self.charge(count, now)

    def check(self, operation: Operation, app: str | None) -> None:
        """Raise `Forbidden` unless this is allowed, `NotLoggedIn` when a reload took the login away.

        :param app: None when the operation is about no app in particular: a principal that may see some
            apps only is then shown what `sees` says.
        """
        grant = self._grant()
        if operation not in grant.operations:
            who = "without a login" if self.name == ANONYMOUS else f"to {self.name}"
            raise Forbidden(f"{operation}: not allowed {who}")
        if app is not None and grant.apps is not None and app not in grant.apps:
            who = "may be used without a login" if self.name == ANONYMOUS else f"{self.name} may use"
            raise Forbidden(f"app: not one that {who}")

    def charge(self, count: int, now: float) -> None:
        """Take the notifications of one submission from the quota.

        :param now: monotonic seconds.
        :raises TooLarge: they are more than one submission may have.
        :raises TooFast: they are more than the rate allows now; it says when they are not.
        """
        grant = self._grant()
        if grant.max_batch and count > grant.max_batch:
            raise TooLarge("batch", count, grant.max_batch, "notifications")
        if grant.rate:
            self._account.spend(grant, count, now)

    def sees(self, app: str) -> bool:
        """Whether it may read of this app."""
        grant = self._account.grant
        if grant is None or not _proves(grant, self._proof):
            return False
        return Operation.READ in grant.operations and (grant.apps is None or app in grant.apps)

    @property
    def limited(self) -> bool:
        """Whether there may be apps that it may not use."""
        grant = self._account.grant
        return grant is None or grant.apps is not None

    def _grant(self) -> Grant:
        grant = self._account.grant
        if grant is None or not _proves(grant, self._proof):
            raise NotLoggedIn("login: what proved it is no longer accepted; log in again")
        return grant


class Principals:
    """All principals of the configuration.

    Without any, everybody may do everything.

    :param grants: by name. The one called `ANONYMOUS` is for who has not logged in; without it, such a one
        may do nothing.
    """

    def __init__(self, grants: Mapping[str, Grant] | None = None) -> None:
        self._accounts: dict[str, _Account] = {}
        self._grants: Mapping[str, Grant] = {}
        self._secrets: list[tuple[SecretHash, _Account]] = []
        self._subjects: dict[str, _Account] = {}
        self.replace(grants or {})

    def __contains__(self, name: object) -> bool:
        """Whether there is a principal of this name."""
        return name in self._grants

    @property
    def open(self) -> bool:
        """Whether there are none."""
        return not self._grants

    @property
    def anonymous(self) -> Principal | None:
        """The principal of callers without a login; None when they may do nothing."""
        return self._anonymous

    def replace(self, grants: Mapping[str, Grant]) -> Callable[[], None]:
        """Let these be all there are. It holds at once, also for connections that have logged in.

        Returns what undoes it: then everything is as before, logins and quotas included.
        """
        before, self._grants = self._grants, grants
        wanted = grants or {ANONYMOUS: Grant()}
        for account in self._accounts.values():
            account.grant = None
        for name, grant in wanted.items():
            self._accounts.setdefault(name, _Account(name, grant)).grant = grant
        accounts = [(self._accounts[name], grant) for name, grant in wanted.items()]
        self._anonymous = Principal(self._accounts[ANONYMOUS], None) if ANONYMOUS in wanted else None
        self._secrets = [(secret, account) for account, grant in accounts for secret in grant.secrets]
        self._subjects = {
            grant.certificate: account for account, grant in accounts if grant.certificate is not None
        }

        def undo() -> None:
            self.replace(before)

        return undo

    def login(self, name: str, secret: bytes) -> Principal:
        """Who proves by a secret to be the principal of this name.

        :raises NotLoggedIn: after the same time, whichever of the two is wrong.
        """
        return self._proven(secret, name)

    def bearer(self, secret: bytes) -> Principal:
        """Who a secret belongs to, where there is no name beside it; raise `NotLoggedIn`, as `login` does."""
        return self._proven(secret, None)

    def certified(self, subject: str) -> Principal:
        """Who has a verified certificate with this subject, as RFC 4514 writes it; raise `NotLoggedIn`."""
        account = self._subjects.get(subject)
        if account is None:
            raise NotLoggedIn("login: the certificate's subject is not that of a principal")
        return Principal(account, subject)

    def vouched(self, name: str) -> Principal | None:
        """The principal of this name, where another program has verified it: a broker.

        None when there is none of this name.
        """
        return Principal(self._accounts[name], None) if name in self else None

    def _proven(self, secret: bytes, name: str | None) -> Principal:
        # Every secret is tried, whatever was found: the time says nothing about the name.
        found = [(hashed, account) for hashed, account in self._secrets if hashed.fits(secret)]
        for hashed, account in found:
            if name in (None, account.name):
                return Principal(account, hashed)
        raise NotLoggedIn("login: no principal of this name has this secret")


def _proves(grant: Grant, proof: SecretHash | str | None) -> bool:
    return proof is None or proof == grant.certificate or proof in grant.secrets
