"""The content of the files that a configuration names, as far as it matters whether it has changed."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pushgate.plugin.config_errors import dotted
from pushgate.plugin.settings import Table
from pushgate.service.config.reader import Config

Digests = dict[str, bytes | None]
"""SHA-256 of the files of one table, by key; None while one cannot be read."""
Place = tuple[str, str]
"""The section and the name of a table: ``("apps", "news")``."""


def all_digests(config: Config) -> dict[Place, Digests]:
    """Return the digests of the files of every table."""
    chosen: dict[str, Mapping[str, tuple[Any, Table]]]
    chosen = {"apps": config.apps, "inputs": config.inputs, "sinks": config.sinks}
    tables: dict[Place, Table] = {
        (section, name): table for section, parts in chosen.items() for name, (_, table) in parts.items()
    }
    tables.update({("principals", name): table for name, table in config.principals.items()})
    tables.update({("hubs", name): table for name, table in config.hubs.items()})
    return {place: digests(table) for place, table in tables.items()}


def digests(table: Table) -> Digests:
    """Return the digests of the files of one table."""
    return {key: _digest(path) for key, path in table.files().items()}


def differences(old: Digests, new: Digests) -> list[str]:
    """Return the keys that both have, and whose files have changed."""
    return [key for key in new if key in old and old[key] != new[key]]


def renewed_files(old: Mapping[Place, Digests], new: Mapping[Place, Digests]) -> dict[Place, list[str]]:
    """Return the tables of both with files that have changed, and the keys of these."""
    changed = {place: differences(old[place], each) for place, each in new.items() if place in old}
    return {place: keys for place, keys in changed.items() if keys}


def renewed_line(place: Place, key: str) -> str:
    """Return what a reload says of a file that has changed."""
    return f"{dotted((*place, key))}: the file was renewed"


def _digest(path: Path) -> bytes | None:
    """The digest of a file; of a directory that of its files, with their names."""
    try:
        if path.is_dir():
            each = {file.name: _digest(file) for file in path.iterdir() if file.is_file()}
            return hashlib.sha256(repr(sorted(each.items())).encode()).digest()
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return None
