"""What a browser was made to send is refused; what programs send is not."""

import pytest

from pushgate.net.http.browser_guard import BrowserGuard
from pushgate.net.http.codec import RequestHead
from pushgate.net.http.responses import HTTPFault


class Asked:
    """A request with these headers."""

    def __init__(self, **headers):
        fields = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items())
        self.head = RequestHead(1, b"GET", b"/", fields, 0)

    def headers(self, name):
        return [value.decode() for each, value in self.head.headers if each == name]


def status(guard, **headers):
    """The status that a request is refused with; 0 when it is not."""
    try:
        guard.check(Asked(**headers))
    except HTTPFault as fault:
        return fault.status
    return 0


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:7216",
        "LOCALHOST.",
        "127.0.0.1:7216",
        "127.9.9.9",
        "[::1]:7216",
        "a.localhost",
        "gate",
    ],
)
def test_names_of_this_machine(host):
    """Loopback addresses, localhost, and what the configuration names."""
    assert status(BrowserGuard(True, ["Gate"]), host=host) == 0


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "", "[::2]", "a:b:c"],
)
def test_other_names(host):
    """A name that leads here all the same (DNS rebinding) is refused where only this machine can connect."""
    assert status(BrowserGuard(True), host=host) == 421
    assert status(BrowserGuard(False), host=host) == 0


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:3000", "http://localhost"]
)
def test_other_origins(origin):
    """Another port is another origin; a page of no origin is one, too."""
    assert status(BrowserGuard(True), host="localhost:7216", origin=origin) == 403
    assert status(BrowserGuard(False), host="gate.example", origin=origin) == 403


def test_its_own_origin():
    """A page that came from here may ask."""
    assert status(BrowserGuard(True), host="localhost:7216", origin="http://localhost:7216") == 0


@pytest.mark.parametrize(
    ("site", "expected"),
    [("cross-site", 403), ("same-site", 403), ("same-origin", 0), ("none", 0), ("new", 403)],
)
def test_what_browsers_say_of_the_site(site, expected):
    """A request from another site needs no Origin to be known."""
    assert status(BrowserGuard(False), host="localhost", sec_fetch_site=site) == expected
