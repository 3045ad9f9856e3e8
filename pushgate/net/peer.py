"""The address of a peer, for people."""

from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress


def peer_text(peer: Any) -> str:
    """``127.0.0.1:4711``, ``[::1]:4711``, or what another kind of address calls itself."""
    if isinstance(peer, IPv4Address):
        return f"{peer.host}:{peer.port}"
    if isinstance(peer, IPv6Address):
        return f"[{peer.host}]:{peer.port}"
    return "this machine" if isinstance(peer, UNIXAddress) else str(peer)
