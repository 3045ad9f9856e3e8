"""How long a service wants to be left alone: the header ``Retry-After``, RFC 9110 10.2.3."""

import calendar
import re
from email.utils import parsedate_tz
from typing import Final

LONGEST: Final = 4 * 3600.0
"""Seconds that are waited at most, whatever the service says: no header stops an app for a day."""
_are_seconds: Final = re.compile(r"[0-9]+(\.[0-9]+)?").fullmatch
_LONGEST_VALUE: Final = 64
"""Characters that are read at most: the longest form of a date has fewer than 40."""


def retry_after(value: bytes | str | None, wall: float) -> float | None:
    """The seconds to wait that a value of the header stands for, 0 to `LONGEST`.

    Both forms are read: a number of seconds, and a date in any of the three notations of HTTP.

    :param wall: Unix seconds, which a date is counted from.
    :returns: None when there is no header, or it makes no sense.
    """
    if value is None:
        return None
    text = (value.decode("latin-1") if isinstance(value, bytes) else value).strip()
    if len(text) > _LONGEST_VALUE:
        return None
    seconds = float(text) if _are_seconds(text) else _until(text, wall)
    return None if seconds is None else min(LONGEST, max(0.0, seconds))


def _until(text: str, wall: float) -> float | None:
    """Seconds from `wall` to a date; a date without a zone is read as GMT, which HTTP's always are."""
    try:
        date = parsedate_tz(text)
        return None if date is None else calendar.timegm(date[:6]) - (date[9] or 0) - wall
    except (ValueError, OverflowError, IndexError, TypeError):  # a month or a year that there is not
        return None
