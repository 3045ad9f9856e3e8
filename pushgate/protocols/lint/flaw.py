"""One thing that is wrong with a payload, and where."""

from enum import StrEnum

import msgspec


class Grade(StrEnum):
    """How grave a flaw is."""

    ERROR = "error"
    """The gateway, the push service or the device refuses it, or it does not do what it says."""
    WARNING = "warning"
    """It is taken, and hardly meant."""


class Flaw(msgspec.Struct, frozen=True):
    """One thing that is wrong.

    :param path: of the JSON value it is about, as ``aps.alert``; the name of an option for what is not in the
        payload; "" for the payload as a whole.
    :param line: where that begins, from 1; 0: of no single place.
    :param column: in characters from 1; 0: of no single place.
    :param what: what is there, and why that is wrong.
    :param advice: what to change.
    """

    grade: Grade
    path: str
    line: int
    column: int
    what: str
    advice: str
