"""The difference between two configurations, and which part of it a running gateway can take up."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from pydantic import BaseModel

from pushgate.plugin.config_errors import dotted
from pushgate.service.config.reader import Config

LIVE: Final = frozenset({"rate", "delivery", "max_payload"})
"""Keys of an app that its upstream does not read."""
FIXED: Final = frozenset({"state_dir", "plugins"})
"""Keys of the gateway that only a restart changes."""
HUB_FIXED: Final = frozenset({"store", "password_file", "connections"})
"""The same of a hub."""
_RESTART: Final = "cannot be changed while it runs; needs a restart"
_RENAME: Final = f"{_RESTART}, or a new name for the table, which closes this one and opens another"


class Section(msgspec.Struct, frozen=True):
    """Tables of one kind, compared by name.

    :param changed: the keys that differ.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: dict[str, tuple[str, ...]]

    def lines(self, key: str) -> list[str]:
        """The differences, one line each."""
        return [
            *(f"{dotted((key, name))}: added" for name in self.added),
            *(f"{dotted((key, name))}: removed" for name in self.removed),
            *(f"{path}: changed" for path in self.paths(key)),
        ]

    def paths(self, key: str) -> list[str]:
        """The key paths that differ."""
        return [dotted((key, name, each)) for name, keys in self.changed.items() for each in keys]


class Changes(msgspec.Struct, frozen=True):
    """The differences between two configurations.

    :param gateway: keys that differ.
    """

    gateway: tuple[str, ...]
    apps: Section
    inputs: Section
    sinks: Section
    principals: Section
    hubs: Section

    @property
    def replaced(self) -> list[str]:
        """The apps that need another upstream."""
        return [app for app, keys in self.apps.changed.items() if not LIVE.issuperset(keys)]

    @property
    def adjusted(self) -> list[str]:
        """The apps that keep their upstream."""
        return [app for app, keys in self.apps.changed.items() if LIVE.issuperset(keys)]

    def lines(self) -> list[str]:
        """The differences, one line each; never a value."""
        return [
            *(f"{dotted(('gateway', key))}: changed" for key in self.gateway),
            *self.apps.lines("apps"),
            *self.inputs.lines("inputs"),
            *self.sinks.lines("sinks"),
            *self.principals.lines("principals"),
            *self.hubs.lines("hubs"),
        ]

    def faults(self) -> list[str]:
        """The changes that a running gateway cannot take up, one line each."""
        return [
            *(f"{dotted(('gateway', key))}: {_RESTART}" for key in self.gateway if key in FIXED),
            *(f"{path}: {_RENAME}" for path in self.inputs.paths("inputs")),
            *(f"{path}: {_RENAME}" for path in self.sinks.paths("sinks")),
            *(f"{dotted(('hubs', name))}: {_RESTART}" for name in self.hubs.added + self.hubs.removed),
            *(
                f"{dotted(('hubs', name, key))}: {_RESTART}"
                for name, keys in self.hubs.changed.items()
                for key in keys
                if key in HUB_FIXED
            ),
        ]


def compare(old: Config, new: Config) -> Changes:
    """Compare two configurations."""
    return Changes(
        gateway=_keys(old.gateway, new.gateway),
        apps=_section(old.apps, new.apps),
        inputs=_section(old.inputs, new.inputs),
        sinks=_section(old.sinks, new.sinks),
        principals=_section(_plain(old.principals), _plain(new.principals)),
        hubs=_section(_plain(old.hubs), _plain(new.hubs)),
    )


def _plain(tables: Mapping[str, BaseModel]) -> dict[str, tuple[str, BaseModel]]:
    """Tables that choose no plug-in, as those that do."""
    return {name: (name, table) for name, table in tables.items()}


def _section(old: Mapping[str, tuple[Any, Any]], new: Mapping[str, tuple[Any, Any]]) -> Section:
    both = {name: _keys(old[name][1], new[name][1]) for name in new if name in old}
    return Section(
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        changed={name: keys for name, keys in both.items() if keys},
    )


def _keys(old: BaseModel, new: BaseModel) -> tuple[str, ...]:
    """The keys of two tables, perhaps of different plug-ins, whose values differ or that only one has."""
    before, after = dict(old), dict(new)
    keys = [*after, *(key for key in before if key not in after)]
    return tuple(k for k in keys if k not in before or k not in after or before[k] != after[k])
