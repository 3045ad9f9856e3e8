"""The address of a peer, for people."""

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

from pushgate.net.peer import peer_text


def test_no_repr():
    """Host and port; a Unix socket has neither."""
    assert peer_text(IPv4Address("TCP", "127.0.0.1", 4711)) == "127.0.0.1:4711"
    assert peer_text(IPv6Address("TCP", "::1", 4711)) == "[::1]:4711"
    assert peer_text(UNIXAddress(None)) == "this machine"
    assert peer_text("memory") == "memory"
