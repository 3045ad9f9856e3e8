"""The SASL mechanisms: PLAIN (RFC 4616), and LOGIN, which has no RFC."""

from base64 import b64decode
from binascii import Error as NotBase64
from typing import Final, NamedTuple


class Login(NamedTuple):
    """A name and a secret."""

    name: str
    secret: bytes


class PlainExchange:
    """PLAIN: one response has name and secret."""

    def challenge(self) -> bytes:
        """Return the next challenge."""
        return b""

    def respond(self, response: bytes) -> Login | None:
        """Process a response; return the complete login or None; raise ValueError if it is invalid."""
        other, name, secret = response.split(b"\0")
        if other not in (b"", name):
            raise ValueError("an authorization identity other than the name")
        return Login(name.decode(), secret)


class LoginExchange:
    """LOGIN: the first response has the name, the second one the secret."""

    def __init__(self) -> None:
        self._name: str | None = None

    def challenge(self) -> bytes:
        """Return the next challenge."""
        return b"Username:" if self._name is None else b"Password:"

    def respond(self, response: bytes) -> Login | None:
        """Process a response; return the complete login or None; raise ValueError if it is invalid."""
        if self._name is None:
            self._name = response.decode()
            return None
        return Login(self._name, response)


Exchange = PlainExchange | LoginExchange
EXCHANGES: Final[dict[bytes, type[PlainExchange] | type[LoginExchange]]] = {
    b"PLAIN": PlainExchange,
    b"LOGIN": LoginExchange,
}
"""The mechanisms by name, the preferred one first."""


def decoded_response(response: bytes) -> bytes:
    """Decode a response from Base64; raise ValueError."""
    try:
        return b"" if response == b"=" else b64decode(response, validate=True)
    except NotBase64 as error:
        raise ValueError("not Base64") from error
