"""Figures as people read them: short enough for a column."""

from collections.abc import Sequence
from typing import Final

NONE: Final = "-"
"""Stands for a figure that there is not."""
BARS: Final = "▁▂▃▄▅▆▇█"
"""The heights of a sparkline, the lowest first."""
_DAY: Final = 86400
_SIZES: Final = ("B", "kB", "MB", "GB", "TB", "PB")


def age(seconds: float | None) -> str:
    """How long, in at most six characters: ``0.2s``, ``59s``, ``3m12s``, ``4h05m``, ``12d``."""
    if seconds is None or seconds < 0.05:
        return NONE
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < _DAY:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // _DAY}d"


def number(value: int) -> str:
    """A count in at most nine characters: digits in groups up to a million, then ``12.3M``."""
    if value < 1_000_000:
        return f"{value:,}"
    return f"{value / 1e6:.1f}M" if value < 1_000_000_000 else f"{value / 1e9:,.1f}G"


def rate(per_second: float) -> str:
    """A rate in at most seven characters; 0 is none."""
    if not per_second:
        return NONE
    return f"{per_second:.1f}" if per_second < 99.95 else number(round(per_second))


def size(count: int) -> str:
    """Bytes: ``83.8 GB``."""
    value, unit = float(count), 0
    while value >= 999.95 and unit < len(_SIZES) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {_SIZES[unit]}" if unit else f"{count} B"


def days_left(expires: float | None, now: float) -> int | None:
    """Whole days until `expires`, negative when that is past; both are Unix seconds."""
    return None if expires is None else int((expires - now) // _DAY)


def share(part: float, whole: float) -> str:
    """A percentage: ``0.4 %``, ``31 %``."""
    percent = 100 * part / whole if whole else 0.0
    return f"{percent:.1f} %" if percent < 9.95 else f"{percent:.0f} %"


def sparkline(values: Sequence[float], width: int) -> str:
    """The last `width` values as bars, the highest of them at full height; what is 0 is the lowest bar."""
    shown = values[-width:]
    highest = max(shown, default=0.0)
    steps = len(BARS) - 1
    # Whatever is not 0 is seen to be not.
    heights = [0 if not highest or value <= 0 else max(1, round(value / highest * steps)) for value in shown]
    return "".join(BARS[height] for height in heights)
