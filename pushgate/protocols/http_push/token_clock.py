"""When a token that is signed here is made anew: before it is too old, or when the service says so."""

from collections.abc import Callable

import msgspec


class TokenAges(msgspec.Struct, frozen=True, kw_only=True):
    """How old tokens may be, in seconds.

    :param renew_after: after which a token is made anew.
    :param shortest: one that is younger is new: when the service calls it too old, another is made only once.
    :param longest: that a token is kept at most.
    """

    renew_after: float
    shortest: float
    longest: float


class TokenClock:
    """The token of a credential, which all its connections share.

    :param sign: makes a token that is issued at a time, Unix seconds.
    :param scheme: of the header, as the service spells it.
    :ivar serial: counts the tokens.
    :ivar _renewed_early: a token was, and none was accepted since.
    :ivar _early: the serial of the last such token.
    """

    def __init__(self, sign: Callable[[int], str], ages: TokenAges, scheme: str = "bearer") -> None:
        self._sign, self._ages, self._scheme = sign, ages, scheme
        self._issued_at = float("-inf")
        self._renewed_early = False
        self._early = 0
        self._keep_until = float("-inf")
        self._header = b""
        self.serial = 0

    def authorization(self, wall: float) -> bytes:
        """The value of the header at `wall`, Unix seconds; made anew when it is time."""
        age = wall - self._issued_at
        ages = self._ages
        is_due = age >= (ages.renew_after if wall >= self._keep_until else ages.longest)
        if is_due or age < -ages.shortest:  # the clock was set back
            self._renew(wall)
        return self._header

    def expired(self, serial: int, wall: float) -> bool:
        """The service calls the token of this serial too old.

        Make another, once, however young it is. Returns False when the service said so of that one, too, even
        if another server took it: then a clock is wrong, ours or the service's.
        """
        if serial != self.serial:
            return True
        if wall - self._issued_at < self._ages.shortest:
            if self._renewed_early or serial == self._early:
                return False
            self._renewed_early, self._early = True, serial + 1
        self._renew(wall)
        return True

    def accepted(self) -> None:
        """A request with the token was answered as valid."""
        self._renewed_early = False

    def renewed_too_often(self, wall: float) -> None:
        """The service has seen too many tokens: keep this one for a while, as long as it is good."""
        self._keep_until = wall + self._ages.shortest

    def _renew(self, wall: float) -> None:
        self._issued_at = wall
        self._header = f"{self._scheme} {self._sign(int(wall))}".encode()
        self.serial += 1
