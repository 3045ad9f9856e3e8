"""The access rules of a hub, with the keys in their files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pushgate.hub.settings import HubTable, RuleTable
from pushgate.model.errors import CannotStart
from pushgate.model.hub.access import AccessRule

MAX_KEYS: Final = 2
"""Keys of a file at most: the one in use, and the one that takes its place."""
SHORTEST: Final = 16
LONGEST: Final = 256
"""Bytes of a key, at least and at most."""
_RULE: Final = f"one key a line, at most {MAX_KEYS}, each of {SHORTEST} to {LONGEST} characters of ASCII"


def read_rules(hub: str, table: HubTable) -> Mapping[str, AccessRule]:
    """The rules of a hub, by name.

    :raises CannotStart: a line for each file of which the keys cannot be read.
    """
    faults: list[str] = []
    found: dict[str, AccessRule] = {}
    for name, rule in table.rules.items():
        try:
            found[name] = _rule(rule)
        except OSError as error:
            why = f"{error.strerror}; must be a file that can be read: {_RULE}"
            faults.append(f"{_place(hub, name)}: {rule.key_file}: {why}")
        except ValueError as error:
            faults.append(f"{_place(hub, name)}: {rule.key_file}: {error}; must have {_RULE}")
    if faults:
        raise CannotStart(faults)
    return found


def read_password(hub: str, file: Path | None) -> str:
    """The password of the database; "" without a file.

    :raises CannotStart: it cannot be read.
    """
    if file is None:
        return ""
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise CannotStart(
            [f"hubs.{hub}.password_file: {file}: {why}; must be a file with the password"]
        ) from None


def _place(hub: str, rule: str) -> str:
    return f"hubs.{hub}.rules.{rule}.key_file"


def _rule(table: RuleTable) -> AccessRule:
    """Raises ValueError, saying what the file has."""
    lines = [line.strip() for line in table.key_file.read_bytes().splitlines()]
    keys = tuple(line for line in lines if line)
    if not 1 <= len(keys) <= MAX_KEYS:
        raise ValueError(f"{len(keys)} keys")
    for key in keys:
        if not (key.isascii() and SHORTEST <= len(key) <= LONGEST):
            raise ValueError(f"a key of {len(key)} bytes" + ("" if key.isascii() else ", not all of ASCII"))
    return AccessRule(frozenset(table.rights), keys)
