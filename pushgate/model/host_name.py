"""What is a host's name."""

import re
from ipaddress import ip_address
from typing import Final

_LABEL: Final = re.compile(r"(?!-)[\w-]{1,63}(?<!-)")
_LONGEST: Final = 253


def is_host_name(text: str) -> bool:
    """Return True for an IP address, and for a name; with underscores too, as containers have them."""
    try:
        ip_address(text)
    except ValueError:
        labels = text.removesuffix(".").split(".")
        named = all(_LABEL.fullmatch(label) for label in labels) and len(text) <= _LONGEST
        return named and not labels[-1].isdecimal()  # 10.0.0.256 is no name
    return True
