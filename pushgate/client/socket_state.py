"""What the kernel knows of a connection."""

import selectors


def has_news(number: int) -> bool:
    """Return True if there is something to read on the socket with this file number, its end included."""
    with selectors.DefaultSelector() as selector:
        selector.register(number, selectors.EVENT_READ)
        return bool(selector.select(0))
