"""Points in time, as hubs write them and as SDKs send them: UTC where nothing else is said."""

import re
from functools import lru_cache
from typing import Final

from pushgate.model.errors import Invalid

NEVER: Final = "9999-12-31T23:59:59.999Z"
"""What stands for no end."""
RULE: Final = "a date and time such as 2026-11-29T18:30:00Z"
_LAST: Final = 253_402_214_400.0
"""The last day of the year 9999, in Unix seconds."""
_DAYS: Final = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_ZONE: Final = r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?"
_CLOCK: Final = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?P<part>\.[0-9]{1,9})?)?"
_ISO: Final = (
    rf"(?P<year>[0-9]{{4}})-(?P<month>[0-9]{{2}})-(?P<day>[0-9]{{2}})(?:(?:'?T'?|\s+){_CLOCK}\s*{_ZONE})?"
)
_AMERICAN: Final = (
    r"(?P<month>[0-9]{1,2})/(?P<day>[0-9]{1,2})/(?P<year>[0-9]{4})"
    rf"(?:\s+{_CLOCK}\s*(?P<half>AM|PM)?)?"
)
_FORMS: Final = tuple(re.compile(form, re.ASCII | re.IGNORECASE).fullmatch for form in (_ISO, _AMERICAN))


def written(seconds: float) -> str:
    """Unix seconds as ISO 8601, UTC, with milliseconds."""
    days, milliseconds = divmod(int(seconds * 1000), 86_400_000)
    year, month, day = _date(days)
    rest, milliseconds = divmod(milliseconds, 1000)
    minutes, second = divmod(rest, 60)
    hour, minute = divmod(minutes, 60)
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z"


def parse(field: str, text: str) -> float:
    """Unix seconds from any of the forms that SDKs write.

    ISO 8601 with or without a zone, with blanks or quotes about the T, and ``MM/dd/yyyy HH:mm:ss``.

    :param field: its name, for the error.
    :raises Invalid: it is none of them, or there is no such day.
    """
    text = text.strip()
    for form in _FORMS:
        if match := form(text):
            found = _seconds(match.groupdict())
            if found is not None:
                return found
    raise Invalid(field, f"text of {len(text)} characters", RULE)


def parse_end(field: str, text: str) -> float | None:
    """As `parse`; None for what stands for no end."""
    found = parse(field, text)
    return None if found >= _LAST else found


def _seconds(parts: dict[str, str | None]) -> float | None:
    year, month, day = (int(parts[name] or 0) for name in ("year", "month", "day"))
    hour, minute, second = (int(parts[name] or 0) for name in ("hour", "minute", "second"))
    half = (parts.get("half") or "").upper()
    if half:
        hour = hour % 12 + (12 if half == "PM" else 0)
    if not (1 <= month <= 12 and 1 <= day <= _DAYS[month] and hour < 24 and minute < 60 and second < 61):
        return None
    days = _day_number(year, month, day)
    if _date(days) != (year, month, day):
        return None
    return days * 86400 + hour * 3600 + minute * 60 + second + float(parts["part"] or 0) - _offset(parts)


def _offset(parts: dict[str, str | None]) -> int:
    """Seconds that the zone is ahead of UTC."""
    zone = parts.get("zone") or "Z"
    if zone in "Zz":
        return 0
    digits = zone[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if zone[0] == "-" else seconds


def _day_number(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01; years begin in March here, so that the leap day is the last one."""
    year -= month < 3
    era, in_era = divmod(year, 400)
    in_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + in_era * 365 + in_era // 4 - in_era // 100 + in_year - 719_468


@lru_cache(maxsize=64)  # most of what is written is of today
def _date(days: int) -> tuple[int, int, int]:
    """Year, month and day from days since 1970-01-01."""
    era, day = divmod(days + 719_468, 146_097)
    in_era = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    in_year = day - (365 * in_era + in_era // 4 - in_era // 100)
    shifted = (5 * in_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return era * 400 + in_era + (month < 3), month, in_year - (153 * shifted + 2) // 5 + 1
