"""The state of an app as the console shows it."""

from collections.abc import Mapping
from typing import Any, Final

SHOWN: Final = (
    "upstream", "queue", "queue_age", "pressed", "paced", "rate", "window", "delayed", "connections",
    "circuit", "routes", "dead_tokens",
)  # fmt: skip
"""The fields of an app's `Stats` that are shown unchanged."""
DAY: Final = 86400.0
"""Seconds."""


def app_state(stats: Mapping[str, Any], wall: float) -> dict[str, Any]:
    """Return the fields of an app's `Stats` that are shown, and the days until its certificate expires.

    :param wall: Unix seconds.
    """
    expires = stats.get("certificate_expires")
    days = None if expires is None else int((expires - wall) // DAY)
    return {name: stats[name] for name in SHOWN if name in stats} | {"certificate_days": days}
