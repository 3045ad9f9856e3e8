"""The cookie with the id of a login."""

from typing import Final

from pushgate.inputs.http.request import HTTPRequest
from pushgate.net.http.codec import Header

NAME: Final = "pushgate_console"
"""The name of the cookie; over TLS it has a prefix that binds it to this host and to TLS."""
_HOST: Final = "__Host-"


def read(request: HTTPRequest) -> str | None:
    """Return the id in a request's cookies, or None.

    Cookies do not distinguish ports, so the header may have malformed cookies of other servers on this host.
    `http.cookies` stops at the first of those, hence the header is split here.
    """
    name = _name(request)
    for line in request.headers(b"cookie"):
        for pair in line.split(";"):
            key, _, value = pair.strip().partition("=")
            if key == name and value.isascii():
                return value
    return None


def given(request: HTTPRequest, number: str) -> Header:
    """Return the header that sets the cookie to an id."""
    return _header(request, f"{_name(request)}={number}")


def taken_away(request: HTTPRequest) -> Header:
    """Return the header that deletes the cookie."""
    return _header(request, f"{_name(request)}=; Max-Age=0")


def _header(request: HTTPRequest, pair: str) -> Header:
    secure = "; Secure" if request.secure else ""
    return b"Set-Cookie", f"{pair}; Path=/; HttpOnly; SameSite=Strict{secure}".encode()


def _name(request: HTTPRequest) -> str:
    return f"{_HOST}{NAME}" if request.secure else NAME
