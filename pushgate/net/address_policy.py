"""Which addresses are public: a name that others give may resolve to whatever its owner likes."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

_NAT64: Final = ip_network("64:ff9b::/96")
_KINDS: Final = (
    ("is_unspecified", "an unspecified"),
    ("is_loopback", "a loopback"),
    ("is_link_local", "a link-local"),
    ("is_multicast", "a multicast"),
    ("is_private", "a private"),
    ("is_site_local", "a private"),
    ("is_reserved", "a reserved"),
)


def kind_of_private(text: str) -> str:
    """What makes an address one of this machine or its networks: ``"a loopback"``; "" for a public one.

    An IPv6 address that stands for an IPv4 one is judged by that.
    """
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and (inner := _inner(address)) is not None:
        address = inner
    kind = next((words for property_, words in _KINDS if getattr(address, property_, False)), "")
    return kind or ("" if address.is_global else "a private")


def _inner(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
