"""Logins at the console, each with a random id that is stored only in its browser."""

from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest
from secrets import token_urlsafe
from typing import Final

from pushgate.model.principals import Principal

IDLE: Final = 30 * 60.0
"""Seconds without a request after which a login ends."""
ABSOLUTE: Final = 12 * 3600.0
"""Seconds after which a login ends even if it is in use."""
MOST: Final = 10
"""Logins of one principal at a time; another one ends the least recently used."""


def new_secret() -> str:
    """Return 256 random bits in characters that cookies and headers may have."""
    return token_urlsafe(32)


class Login:
    """One login.

    :ivar principal: the principal that logged in; its permissions are checked at each request.
    :ivar csrf: the token that each change needs; pages of other sites cannot read it.
    """

    __slots__ = ("_ended", "_seen", "_started", "csrf", "principal")

    def __init__(self, principal: Principal, csrf: str, now: float) -> None:
        self.principal, self.csrf = principal, csrf
        self._started = self._seen = now
        self._ended = False

    def lasts(self, now: float) -> bool:
        """Return False if the login has ended or expired.

        :param now: monotonic seconds.
        """
        return not self._ended and now - self._seen < IDLE and now - self._started < ABSOLUTE

    def touch(self, now: float) -> None:
        """Record a use."""
        self._seen = now

    def end(self) -> None:
        """End the login, also for streams that hold it."""
        self._ended = True

    def vouches(self, token: str | None) -> bool:
        """Return True if this is the login's CSRF token."""
        return token is not None and compare_digest(token.encode(), self.csrf.encode())

    @property
    def seen(self) -> float:
        """The time of the last use, in monotonic seconds."""
        return self._seen


class Logins:
    """All logins at one input, by the hash of their ids.

    There are `MOST` for each principal at most.

    :param new_secret: returns a new unguessable text at each call.
    """

    def __init__(self, new_secret: Callable[[], str] = new_secret) -> None:
        self._new_secret = new_secret
        self._logins: dict[bytes, Login] = {}

    def __len__(self) -> int:
        return len(self._logins)

    def begin(self, principal: Principal, now: float) -> tuple[str, Login]:
        """Begin a login; return its id, of which only a hash is kept, and the login.

        :param now: monotonic seconds.
        """
        self._sweep(principal.name, now)
        number, login = self._new_secret(), Login(principal, self._new_secret(), now)
        self._logins[_key(number)] = login
        return number, login

    def find(self, number: str, now: float) -> Login | None:
        """Return the login with this id and record a use; None if there is none or it has ended."""
        login = self._logins.get(_key(number))
        if login is None or not login.lasts(now):
            return None
        login.touch(now)
        return login

    def end(self, number: str) -> None:
        """End the login with this id, if any."""
        login = self._logins.pop(_key(number), None)
        if login is not None:
            login.end()

    def _sweep(self, name: str, now: float) -> None:
        """Drop ended logins, and make room for another one of this principal."""
        self._logins = {key: each for key, each in self._logins.items() if each.lasts(now)}
        own = [(each.seen, key) for key, each in self._logins.items() if each.principal.name == name]
        for _, key in sorted(own)[: max(0, len(own) - MOST + 1)]:
            self._logins.pop(key).end()


def _key(number: str) -> bytes:
    return sha256(number.encode()).digest()
