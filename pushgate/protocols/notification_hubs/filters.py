"""The ``$filter`` of a list of registrations: those of one handle."""

import re
from typing import Final
from urllib.parse import unquote

from pushgate.model.errors import Invalid
from pushgate.model.hub.platform import Platform
from pushgate.protocols.notification_hubs.handles import read_fields, read_handle
from pushgate.protocols.notification_hubs.platforms import KINDS

RULE: Final = "the handle of one device: DeviceToken eq '…', ChannelUri eq '…' and the like"
_and: Final = re.compile(" and ", re.IGNORECASE).split
_condition: Final = re.compile(r"(\w{1,64}) eq (\S{1,8192})", re.IGNORECASE | re.ASCII).fullmatch
_is_token: Final = re.compile("(?:[0-9a-fA-F]{2})+").fullmatch
_URI: Final = "channeluri"
_PLATFORMS: Final = {
    kind.handle[-1].lower(): platform for platform, kind in KINDS.items() if kind.handle[-1].lower() != _URI
}
"""The platform of each element that makes a handle; all but those that several platforms have."""
_NAMES: Final = {name.lower(): name for kind in KINDS.values() for name in kind.handle}


def parse(text: str) -> tuple[Platform | None, bytes]:
    """The platform and the handle that a filter names; the platform is None when any may have it.

    Quotes may be missing, as one SDK leaves one out, and addresses may be percent-encoded once more.

    :raises Invalid: it names no handle.
    """
    fields: dict[str, str] = {}
    for part in _and(" ".join(text.split())):  # at once: a pattern that looks for runs of blanks takes long
        condition = _condition(part)
        if condition is None or condition[1].lower() not in _NAMES:
            raise Invalid("$filter", f"text of {len(text)} characters", RULE)
        fields[_NAMES[condition[1].lower()]] = _text(condition[2])
    if "ChannelUri" in fields:
        return _of_any(fields["ChannelUri"])
    platform = next((_PLATFORMS[name.lower()] for name in fields if name.lower() in _PLATFORMS), None)
    if platform is None:
        raise Invalid("$filter", f"text of {len(text)} characters", RULE)
    return platform, read_fields(platform, fields)


def _of_any(text: str) -> tuple[Platform | None, bytes]:
    """A handle in the element that older SDKs use for every platform."""
    if _is_token(text):
        return Platform.APNS, read_handle(Platform.APNS, text.strip(), "ChannelUri")
    return None, read_handle(Platform.WNS, text.strip(), "ChannelUri")


def _text(literal: str) -> str:
    text = literal.removeprefix("'").removesuffix("'").replace("''", "'")
    return unquote(text) if "://" not in text and "%3a%2f%2f" in text.lower() else text
