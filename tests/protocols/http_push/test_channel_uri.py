"""Targets that are URIs."""

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pushgate.model.errors import Invalid
from pushgate.protocols.http_push.channel_uri import MAX_URI, Channel, ChannelRules
from pushgate.protocols.http_push.origin import Origin

RULES = ChannelRules(("notify.windows.com",))
ANY = ChannelRules((), ("127.0.0.1", "::1", "push.example"), ("https", "http"))


@pytest.mark.parametrize(
    ("target", "authority", "origin", "path"),
    [
        (b"https://notify.windows.com/w/?token=A%2b%3d", "notify.windows.com", ("notify.windows.com", 443), b"/w/?token=A%2b%3d"),
        (b"https://DB5.Notify.Windows.com:443", "db5.notify.windows.com", ("db5.notify.windows.com", 443), b"/"),
        (b"https://db5.notify.windows.com:8443/?a", "db5.notify.windows.com:8443", ("db5.notify.windows.com", 8443), b"/?a"),
    ],
)  # fmt: skip
def test_parts(target, authority, origin, path):
    """Host and port are connected to, the rest is the path as it stands."""
    channel = RULES.parse(target)
    assert (channel.origin, channel.origin.authority, channel.path) == (Origin(*origin), authority, path)
    assert RULES.path(target) == path


@pytest.mark.parametrize(
    "target",
    [
        b"", b"/w/?token=A", b"notify.windows.com", b"http://notify.windows.com/", b"ftp://notify.windows.com/",
        b"https://notify.windows.com.evil.example/", b"https://evilnotify.windows.com/", b"https://evil.example/notify.windows.com",
        b"https://user@notify.windows.com/", b"https://evil.example\\@notify.windows.com/", b"https://notify.windows.com#@evil.example/",
        b"https://evil.example/#.notify.windows.com", b"https://notify.windows.com\n/", b"https://notify.windows.com/ x",
        b"https://\xc3\xbc.notify.windows.com/", b"https://notify.windows.com:0/", b"https://notify.windows.com:99999/",
        b"https://notify.windows.com:x/", b"https://[::1/", b"https://[::1]/", b"https:///w", b"https://-.notify.windows.com/",
        b"https://notify.windows.com./", b"https://%2e.notify.windows.com/", b"https://notify.windows.com/" + b"x" * MAX_URI,
    ],
)  # fmt: skip
def test_what_is_no_channel(target):
    """Whatever leads elsewhere, or could be read in two ways, is refused; its path is one that no service has."""
    with pytest.raises(Invalid) as caught:
        RULES.check(target)
    assert caught.value.field == "token"
    assert RULES.path(target) == b"/"


def test_hosts_take_the_place_of_domains():
    """Where hosts are named there are no others, and plain HTTP only where it is allowed."""
    assert ANY.parse(b"https://[::1]:8443/x") == Channel(Origin("::1", 8443), b"/x")
    with pytest.raises(Invalid, match=r"127\.0\.0\.1, ::1, push\.example"):
        ANY.check(b"https://x.push.example/")
    assert RULES.check(b"https://notify.windows.com/") is None


@pytest.mark.parametrize("authority", ["127.0.0.1", "127.0.0.1:80", "127.0.0.1:443"])
def test_plain_http_becomes_tls(authority):
    """A host that says so answers over TLS on the usual port; another port is kept."""
    assert ANY.parse(b"http://%b/x" % authority.encode()) == Channel(Origin("127.0.0.1"), b"/x")
    assert ANY.parse(b"http://127.0.0.1:8080/x").origin == Origin("127.0.0.1", 8080)


_PARTS = st.sampled_from(
    [
        "https://",
        "notify.windows.com",
        "a.",
        "evil.example",
        "/",
        "@",
        ":",
        "443",
        "#",
        "?",
        "\\",
        "%2e",
        "x",
        " ",
    ]
)


@given(st.binary(max_size=80) | st.lists(_PARTS, max_size=8).map(lambda parts: "".join(parts).encode()))
@example(b"https://a.notify.windows.com/x")
def test_whatever_comes(target):
    """A target is a channel of the domain, or is refused."""
    with suppress(Invalid):
        host = RULES.parse(target).origin.host
        assert host == "notify.windows.com" or host.endswith(".notify.windows.com")
