"""How an app is doing, as the console shows it."""

from collections.abc import Mapping
from typing import Any, Final

SHOWN: Final = (
    "upstream", "queue", "queue_age", "pressed", "paced", "rate", "window", "delayed", "connections",
    "circuit", "routes", "dead_tokens",
)  # fmt: skip
"""The fields of `Stats` that are shown as they are."""
DAY: Final = 86400.0
"""Seconds."""


def app_state(stats: Mapping[str, Any], wall: float) -> dict[str, Any]:
    """What of an app's `Stats` is shown, and the days that its certificate is still good.

    :param wall: Unix seconds.
    """
    expires = stats.get("certificate_expires")
    days = None if expires is None else int((expires - wall) // DAY)
    return {name: stats[name] for name in SHOWN if name in stats} | {"certificate_days": days}
