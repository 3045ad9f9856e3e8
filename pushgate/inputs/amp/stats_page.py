"""The gateway's state in pieces that fit an AMP value, for gateways with very many apps."""

from typing import Any, Final

import msgspec

ROOM: Final = 60_000
"""Bytes of apps and their outcomes in one answer at most, as JSON; what stands beside them takes the rest."""


def page(stats: dict[str, Any], after: str) -> tuple[dict[str, Any], bool]:
    """The part of the stats with the apps whose names follow `after`, and whether another page follows.

    The first page, `after` "", has what is not about one app too, programs that watch left out.
    """
    names = sorted(name for name in stats["apps"] if name > after)
    room, count = ROOM, 0
    head = {} if after else _without_apps(stats)
    room -= len(msgspec.json.encode(head))
    parts = {part: stats[part] for part in ("apps", "outcomes") if part in stats}
    for name in names:
        room -= len(msgspec.json.encode([name, *(each.get(name) for each in parts.values())]))
        if room < 0 and count:
            break
        count += 1
    shown = names[:count]
    return {**head, **{part: _of(each, shown) for part, each in parts.items()}}, count < len(names)


def _of(states: dict[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: states[name] for name in names if name in states}


def _without_apps(stats: dict[str, Any]) -> dict[str, Any]:
    head = {part: value for part, value in stats.items() if part not in {"apps", "outcomes"}}
    if "sinks" in head:
        head["sinks"] = {name: each for name, each in head["sinks"].items() if not each.get("watches")}
    return head
