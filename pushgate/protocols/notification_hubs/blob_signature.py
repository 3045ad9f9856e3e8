"""Signed addresses of containers and of files in them: each permits what it says, until it expires.

The parameters have the names of Azure's shared access signatures: ``sr`` is ``c`` for a container and ``b``
for a single file, ``sp`` the permissions, ``se`` the time at which it expires. What is signed is our own.
"""

import hmac
import re
from collections.abc import Callable
from hashlib import sha256
from typing import Final
from urllib.parse import quote, unquote, urlsplit

import msgspec

from pushgate.model.errors import Invalid
from pushgate.model.hub.errors import UnknownResource
from pushgate.protocols.notification_hubs.times import parse, written

READ: Final = "r"
WRITE: Final = "w"
LIST: Final = "l"
ALL: Final = "rwl"
_CONTAINER: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII).fullmatch
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_$@=+~-][A-Za-z0-9_$@=+~. -]{0,127}", re.ASCII).fullmatch
MAX_SEGMENTS: Final = 8
_RULE: Final = "the signed address of a container of this hub"
_NAME_RULE: Final = f"1 to {MAX_SEGMENTS} parts between slashes, of ASCII letters, digits and _$@=+~-. only"


class Place(msgspec.Struct, frozen=True):
    """A container of a hub, or a file in one.

    :param name: of the file; "" for the container.
    """

    hub: str
    container: str
    name: str = ""


class Grant(msgspec.Struct, frozen=True):
    """What an address permits.

    :param permissions: letters: `READ`, `WRITE`, `LIST`.
    :param expires_at: Unix seconds.
    :param single: only the one file, not the container.
    """

    permissions: str
    expires_at: float
    single: bool = False


def check_container(name: str) -> str:
    """A name of a container, which is one for a directory too; raise `UnknownResource` for any other."""
    if not _CONTAINER(name):
        raise UnknownResource("container")
    return name


def check_name(name: str) -> str:
    """A name of a file, whose parts are names for directories too; raise `Invalid` for any other."""
    segments = name.split("/")
    if len(segments) > MAX_SEGMENTS or not all(_SEGMENT(each) for each in segments):
        raise Invalid("file", f"a name of {len(name)} characters", _NAME_RULE)
    return name


def query(place: Place, grant: Grant, key: bytes) -> str:
    """The query of a signed address.

    :param key: the hub's for this purpose.
    """
    resource = "b" if grant.single else "c"
    expiry = written(grant.expires_at)
    signature = _sign(place, resource, grant.permissions, expiry, key)
    return f"sr={resource}&sp={grant.permissions}&se={quote(expiry, safe='')}&sig={signature}"


def permits(
    place: Place, parameter: Callable[[str], str | None], permission: str, now: float, key: bytes
) -> bool:
    """Whether the parameters of a request permit it.

    :param parameter: gives one by its name; None when it is missing.
    :param now: Unix seconds.
    """
    resource, granted, expiry, given = (parameter(name) or "" for name in ("sr", "sp", "se", "sig"))
    expected = _sign(place, resource, granted, expiry, key)
    if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        return False
    return permission in granted and now < parse("se", expiry)  # well formed, as it was signed here


def split(address: str) -> tuple[Place, dict[str, str]]:
    """The place of an address and its parameters.

    :raises Invalid: it is none of a container of a hub.
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        raise Invalid("address", f"text of {len(address)} characters", _RULE) from None
    hub, blobs, container, *name = parts.path.strip("/").split("/") + [""] * 3
    segments = [unquote(segment) for segment in name if segment]
    if blobs.lower() != "blobs" or not _CONTAINER(container):
        raise Invalid("address", f"text of {len(address)} characters", _RULE)
    if segments:
        check_name("/".join(segments))
    return Place(hub, container, "/".join(segments)), _parameters(parts.query)


def _parameters(text: str) -> dict[str, str]:
    pairs = (each.partition("=") for each in text.split("&", 16)[:16])
    return {name.lower(): value.replace("%3A", ":").replace("%3a", ":") for name, _, value in pairs}


def _sign(place: Place, resource: str, permissions: str, expiry: str, key: bytes) -> str:
    """The signature, in hex, so that no client encodes it in another way."""
    name = place.name if resource == "b" else ""
    signed = "\n".join((resource, place.hub.lower(), place.container, name, permissions, expiry))
    return hmac.new(key, signed.encode("utf-8", "replace"), sha256).hexdigest()
