"""What an examination of a configuration, a file or a push service finds."""

from enum import StrEnum

import msgspec


class Level(StrEnum):
    """How bad it is, the best first."""

    OK = "ok"
    """As it should be."""
    WARNING = "warning"
    """Nothing is lost now; it may become a failure, or it may be meant so."""
    FAILURE = "failure"
    """Notifications do not go out, or are lost, until it is mended."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One finding of one check. It holds no secret, token or key; what a peer said in it is escaped.

    :param check: what was looked at: a stable identifier for programs, ``"certificate-dates"``.
    :param what: what was found, in one sentence.
    :param meaning: what follows from it; "" where that is plain.
    :param advice: what to do; "" when there is nothing to do.
    :param details: lines to show as they are, such as the content of a certificate.
    """

    check: str
    level: Level
    what: str
    meaning: str = ""
    advice: str = ""
    details: tuple[str, ...] = ()


def ok(check: str, what: str, *details: str) -> Finding:
    """All is as it should be."""
    return Finding(check=check, level=Level.OK, what=what, details=details)


def warning(check: str, what: str, meaning: str, advice: str, *details: str) -> Finding:
    """Something that may become a failure."""
    return _trouble(Level.WARNING, check, what, meaning, advice, details)


def failure(check: str, what: str, meaning: str, advice: str, *details: str) -> Finding:
    """Something to mend."""
    return _trouble(Level.FAILURE, check, what, meaning, advice, details)


def worst(levels: "list[Level]") -> Level:
    """The worst of these levels; OK of none."""
    return max(levels, key=list(Level).index, default=Level.OK)


def _trouble(
    level: Level, check: str, what: str, meaning: str, advice: str, details: tuple[str, ...]
) -> Finding:
    return Finding(check=check, level=level, what=what, meaning=meaning, advice=advice, details=details)
