"""Where a push service of Web Push is: each browser's maker has its own."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from pushgate.protocols.http_push.origin import Origin

_split: Final = re.compile(r"(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9_.-]{1,253}))(?::([0-9]{1,5}))?").fullmatch
_is_label: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)").fullmatch


def parse_origin(authority: str) -> Origin | None:
    """The origin of what an address has between ``https://`` and its path; None when there is none.

    A user or a password makes it none.
    """
    match = _split(authority.lower())
    if match is None:
        return None
    six, name, port = match.groups()
    host = _name(name) if six is None else _address(six)
    number = 443 if port is None else int(port)
    return Origin(host, number) if host is not None and 1 <= number <= 65535 else None


def _name(text: str) -> str | None:
    """A host name, or an IPv4 address in its usual form: others are read in several ways."""
    labels = text.removesuffix(".").split(".")
    if not all(map(_is_label, labels)):
        return None
    if not labels[-1].isdecimal():
        return text
    try:
        return str(IPv4Address(text))
    except AddressValueError:
        return None


def _address(text: str) -> str | None:
    try:
        return str(IPv6Address(text))
    except AddressValueError:
        return None
