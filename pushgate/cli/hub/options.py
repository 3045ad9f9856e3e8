"""Options that several commands about hubs share."""

from collections.abc import Callable
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


def pair(text: str, option: str, separator: str = "=") -> tuple[str, str]:
    """The name and the value of ``NAME=VALUE``.

    :raises UsageError: it is none.
    """
    name, found, value = text.partition(separator)
    if not found or not name.strip():
        raise click.UsageError(f"{option} must be NAME{separator}VALUE")
    return name.strip(), value
