"""Who is logged in at the console: sessions, each under a random id that only its browser has."""

from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest
from secrets import token_urlsafe
from typing import Final

from pushgate.model.principals import Principal

IDLE: Final = 30 * 60.0
"""Seconds without a request after which a login ends."""
ABSOLUTE: Final = 12 * 3600.0
"""Seconds after which it ends however much it is used."""
MOST: Final = 10
"""Logins of one principal at a time; one more ends the one that was used least recently."""


def new_secret() -> str:
    """256 random bits, as cookies and headers can have them."""
    return token_urlsafe(32)


class Login:
    """One login.

    :ivar principal: who logged in; what it may do is asked at each request.
    :ivar csrf: what each change has to be accompanied by: a page of another site cannot know it.
    """

    __slots__ = ("_ended", "_seen", "_started", "csrf", "principal")

    def __init__(self, principal: Principal, csrf: str, now: float) -> None:
        self.principal, self.csrf = principal, csrf
        self._started = self._seen = now
        self._ended = False

    def lasts(self, now: float) -> bool:
        """Return False once it has ended.

        :param now: monotonic seconds.
        """
        return not self._ended and now - self._seen < IDLE and now - self._started < ABSOLUTE

    def touch(self, now: float) -> None:
        """Note that it was used."""
        self._seen = now

    def end(self) -> None:
        """End it, for what still holds it as well."""
        self._ended = True

    def vouches(self, token: str | None) -> bool:
        """Return True if this is the token that changes have to be accompanied by."""
        return token is not None and compare_digest(token.encode(), self.csrf.encode())

    @property
    def seen(self) -> float:
        """Monotonic seconds of its last use."""
        return self._seen


class Logins:
    """Every login at one input, kept by the hash of its id.

    Their number is bounded by that of the principals.

    :param new_secret: returns what nobody can guess, another at each call.
    """

    def __init__(self, new_secret: Callable[[], str] = new_secret) -> None:
        self._new_secret = new_secret
        self._logins: dict[bytes, Login] = {}

    def __len__(self) -> int:
        return len(self._logins)

    def begin(self, principal: Principal, now: float) -> tuple[str, Login]:
        """Begin a login; returns its id, which is nowhere else, and the login.

        :param now: monotonic seconds.
        """
        self._sweep(principal.name, now)
        number, login = self._new_secret(), Login(principal, self._new_secret(), now)
        self._logins[_key(number)] = login
        return number, login

    def find(self, number: str, now: float) -> Login | None:
        """The login with this id, which counts as used now; None when there is none, or it has ended."""
        login = self._logins.get(_key(number))
        if login is None or not login.lasts(now):
            return None
        login.touch(now)
        return login

    def end(self, number: str) -> None:
        """End the login with this id, if there is one."""
        login = self._logins.pop(_key(number), None)
        if login is not None:
            login.end()

    def _sweep(self, name: str, now: float) -> None:
        """Forget what has ended, and make room for one more login of this principal."""
        self._logins = {key: each for key, each in self._logins.items() if each.lasts(now)}
        own = [(each.seen, key) for key, each in self._logins.items() if each.principal.name == name]
        for _, key in sorted(own)[: max(0, len(own) - MOST + 1)]:
            self._logins.pop(key).end()


def _key(number: str) -> bytes:
    return sha256(number.encode()).digest()
