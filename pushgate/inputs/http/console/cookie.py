"""The cookie that holds the id of a login."""

from typing import Final

from pushgate.inputs.http.request import HTTPRequest
from pushgate.net.http.codec import Header

NAME: Final = "pushgate_console"
"""Its name; over TLS with a prefix by which browsers take it from this host only, and never without TLS."""
_HOST: Final = "__Host-"


def read(request: HTTPRequest) -> str | None:
    """The id in a request's cookies; None when there is none.

    A cookie is read by itself, because other servers at the same host, on whatever port, may have set others.
    `http.cookies` gives up at the first one that is not as it should be.
    """
    name = _name(request)
    for line in request.headers(b"cookie"):
        for pair in line.split(";"):
            key, _, value = pair.strip().partition("=")
            if key == name and value.isascii():
                return value
    return None


def given(request: HTTPRequest, number: str) -> Header:
    """The header that gives a browser an id."""
    return _header(request, f"{_name(request)}={number}")


def taken_away(request: HTTPRequest) -> Header:
    """The header that has a browser forget it."""
    return _header(request, f"{_name(request)}=; Max-Age=0")


def _header(request: HTTPRequest, pair: str) -> Header:
    secure = "; Secure" if request.secure else ""
    return b"Set-Cookie", f"{pair}; Path=/; HttpOnly; SameSite=Strict{secure}".encode()


def _name(request: HTTPRequest) -> str:
    return f"{_HOST}{NAME}" if request.secure else NAME
