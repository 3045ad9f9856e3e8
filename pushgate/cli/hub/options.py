"""Options that several commands about hubs share."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import click

from pushgate.model.hub.platform import Platform

PLATFORMS: Final = tuple(each.value for each in Platform)
"""The platforms of registrations."""
FORMATS: Final = (
    "apple", "fcmv1", "gcm", "windows", "windowsphone", "adm", "baidu", "browser", "xiaomi", "template",
)  # fmt: skip
"""The formats of sends."""
hub: Callable[[Any], Any] = click.option(
    "--hub", required=True, help="The hub, as the gateway's configuration names it."
)


class Time(click.ParamType):  # type: ignore[type-arg]  # older versions of click take none
    """Unix seconds, a date and time, of this machine's zone if it names none, or a duration from now."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See click."""
        if isinstance(value, int):
            return value
        from pushgate.plugin.settings import parse_duration

        try:
            if value.startswith("+"):
                return int(time.time() + parse_duration(value[1:]))
            if value.isascii() and value.isdigit():
                return int(value)
            return int(datetime.fromisoformat(value).timestamp())
        except (ValueError, OverflowError):
            self.fail("must be Unix seconds, 2026-11-29T18:30:00Z, or +30m from now", param, ctx)


def pair(text: str, option: str, separator: str = "=") -> tuple[str, str]:
    """The name and the value of ``NAME=VALUE``.

    :raises UsageError: it is none.
    """
    name, found, value = text.partition(separator)
    if not found or not name.strip():
        raise click.UsageError(f"{option} must be NAME{separator}VALUE")
    return name.strip(), value
