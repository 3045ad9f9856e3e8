"""How much room a disk has to have, for whatever keeps something on it."""

from typing import Final

from pushgate.model.finding import Level

LOW: Final = 0.05, 5e9
"""A disk is nearly full when less than this share of it is free, and less than so many bytes."""
OUT: Final = 0.01, 200e6
"""The same of one that is full."""


def room(free: int, total: int) -> Level:
    """How bad it is that so many bytes of a file system are free."""
    for level, (share, count) in ((Level.FAILURE, OUT), (Level.WARNING, LOW)):
        if free < min(share * total, count):
            return level
    return Level.OK
