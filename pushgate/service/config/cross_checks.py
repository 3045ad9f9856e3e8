"""What is wrong between the tables of a configuration, as far as it shows without opening anything."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, Final, NamedTuple

from pushgate.hub.settings import SQLITE, HubTable
from pushgate.net.endpoint_reach import ListenPlace, listen_place, unguarded
from pushgate.plugin.config_errors import dotted
from pushgate.plugin.settings import AppTable, InputTable, ListeningTable, SinkTable

LONGEST_NAME: Final = 54
"""Characters of the name of a hub in PostgreSQL: its schema is ``pushgate_NAME``, cut off behind 63."""


class Listening(NamedTuple):
    """An address that a table listens on.

    :param where: the key path of the table.
    :param key: the key path of the address.
    """

    where: str
    key: str
    endpoint: str
    place: ListenPlace
    table: InputTable | SinkTable


def faults(
    inputs: Mapping[str, tuple[Any, InputTable]],
    sinks: Mapping[str, tuple[Any, SinkTable]],
    open_to_all: bool,
) -> Iterator[str]:
    """The faults, one line each.

    :param open_to_all: there are no principals.
    """
    listening = [*_listening("inputs", inputs), *_listening("sinks", sinks)]
    for each in listening:
        yield from _unguarded(each, open_to_all)
    for first, second in combinations(listening, 2):
        if first.place.clashes(second.place):
            yield f"{second.key}: the address of {first.key}; must be one of its own"


def hub_faults(
    hubs: Mapping[str, HubTable], apps: Mapping[str, tuple[Any, AppTable]], lasting: bool
) -> Iterator[str]:
    """The faults of hubs, one line each.

    :param lasting: there is a directory for the state.
    """
    for name, table in hubs.items():
        where = ("hubs", name)
        if table.store != SQLITE and len(name) > LONGEST_NAME:
            wrong, rule = (
                f"a name of length {len(name)}",
                f"at most {LONGEST_NAME} with a store in PostgreSQL",
            )
            yield f"{dotted(where)}: {wrong}; {rule}, whose schema has this name"
        if table.store == SQLITE and not lasting:
            yield f'{dotted((*where, "store"))}: sqlite is kept in gateway.state_dir, which is "memory"'
        for platform, app in table.apps().items():
            form = apps[app][1].RULES.form if app in apps else platform.form
            if form is not platform.form:
                yield (
                    f"{dotted((*where, str(platform)))}: the targets of app {app} are written as {form}, "
                    f"those of this platform as {platform.form}; must be an app for {platform}"
                )


def warnings(inputs: Mapping[str, Any]) -> list[str]:
    """What a configuration may be, but is hardly meant to be, one line each."""
    return [] if inputs else ["inputs: none; no program can submit a notification"]


def _listening(section: str, tables: Mapping[str, tuple[Any, InputTable | SinkTable]]) -> Iterator[Listening]:
    for name, (_, table) in tables.items():
        endpoints = table.endpoints() if isinstance(table, ListeningTable | SinkTable) else {}
        for key, endpoint in endpoints.items():
            place = listen_place(endpoint)
            if place is not None:
                yield Listening(dotted((section, name)), dotted((section, name, key)), endpoint, place, table)


def _unguarded(each: Listening, open_to_all: bool) -> Iterator[str]:
    if each.place.local or getattr(each.table, "insecure", False):
        return
    rest = f", or {each.where}.insecure = true"
    if isinstance(each.table, ListeningTable):
        own_tls = each.place.kind == "ssl"
        for line in unguarded(each.where, each.key, each.endpoint, each.table, own_tls, open_to_all):
            yield line + rest
    else:
        yield f"{each.key}: other machines can reach {each.endpoint!r}, and there is no login here{rest}"
