"""The exchanges in which SMTP's peers log in: PLAIN (RFC 4616), and LOGIN, which is older and has no RFC."""

from base64 import b64decode
from binascii import Error as NotBase64
from typing import Final, NamedTuple


class Login(NamedTuple):
    """A name and its secret."""

    name: str
    secret: bytes


class PlainExchange:
    """One response has all."""

    def challenge(self) -> bytes:
        """What the peer is asked next."""
        return b""

    def respond(self, response: bytes) -> Login | None:
        """Take the answer; return the login when it is complete; raise ValueError when it can be none."""
        other, name, secret = response.split(b"\0")
        if other not in (b"", name):
            raise ValueError("nobody logs in for others here")
        return Login(name.decode(), secret)


class LoginExchange:
    """A response has the name, the next one the secret."""

    def __init__(self) -> None:
        self._name: str | None = None

    def challenge(self) -> bytes:
        """What the peer is asked next."""
        return b"Username:" if self._name is None else b"Password:"

    def respond(self, response: bytes) -> Login | None:
        """Take the answer; return the login when it is complete; raise ValueError when it can be none."""
        if self._name is None:
            self._name = response.decode()
            return None
        return Login(self._name, response)


Exchange = PlainExchange | LoginExchange
EXCHANGES: Final[dict[bytes, type[PlainExchange] | type[LoginExchange]]] = {
    b"PLAIN": PlainExchange,
    b"LOGIN": LoginExchange,
}
"""Each by its name, the one to prefer first."""


def decoded_response(response: bytes) -> bytes:
    """A response as it is meant; raise ValueError for what is no Base64."""
    try:
        return b"" if response == b"=" else b64decode(response, validate=True)
    except NotBase64 as error:
        raise ValueError("no Base64") from error
