"""Whether an address can be listened at."""

import errno
import socket

from pushgate.net.endpoint_reach import ListenPlace


def bind_error(place: ListenPlace) -> OSError | None:
    """Return why a TCP address cannot be had; it is bound for a moment, and nothing listens."""
    family = socket.AF_INET6 if ":" in place.address else socket.AF_INET
    try:
        with socket.socket(family) as bound:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((place.address, place.port))
    except OSError as error:
        return error
    return None


def is_taken(place: ListenPlace) -> bool:
    """Return whether another process listens at a TCP address."""
    if place.kind == "unix" or not place.port:
        return False
    error = bind_error(place)
    return error is not None and error.errno == errno.EADDRINUSE
