"""The state of a gateway as rows of text."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from pushgate.model.gateway_stats import AppStats, GatewayStats, HubStats, SinkStats
from pushgate.model.health.words import NONE, age, days_left, number, rate, share, size
from pushgate.model.printable import printable

APP_COLUMNS = ("app", "circuit", "queue", "oldest", "window", "conns", "in/s", "out/s", "cert")
"""The columns of `app_row`."""
SINK_COLUMNS = ("sink", "behind", "oldest", "dropped", "errors", "now")
"""The columns of `sink_row`."""
HUB_COLUMNS = ("hub", "sending", "sends", "outcomes")
"""The columns of `hub_row`."""
NAME = 60
"""Characters of a name that are shown at most."""
SHORTEST: Final = 0.001
"""Seconds: the shortest interval for which a rate is shown."""


def heading(stats: GatewayStats, where: str) -> list[str]:
    """Return the lines about the gateway as a whole."""
    version = stats.versions.get("pushgate")
    first = [f"pushgate {printable(version)} at {where}" if version else f"the gateway at {where}"]
    if stats.uptime is not None:
        first.append(f"up {age(stats.uptime)}")
    if not stats.accepting:
        first.append("stopping")
    facts = []
    if stats.unsettled is not None:
        facts.append(f"{number(stats.unsettled)} without an outcome")
    if stats.files.open is not None:
        of = f" of {number(stats.files.limit)}" if stats.files.limit else ""
        facts.append(f"{number(stats.files.open)}{of} files")
    if stats.disk is not None:
        facts.append(f"disk {size(stats.disk.free)} free ({share(stats.disk.free, stats.disk.total)})")
    return [", ".join(first), *([", ".join(facts)] if facts else []), _last_minute(stats.apps.values())]


def _last_minute(apps: Iterable[AppStats]) -> str:
    """Return a line on the recent outcomes of all apps, by state."""
    submitted, outcomes, seconds = 0, Counter[str](), 0.0
    for app in apps:
        submitted += app.recent.submitted
        outcomes.update(app.recent.outcomes)
        seconds = max(seconds, app.recent.seconds)
    states = ", ".join(f"{number(count)} {printable(state)}" for state, count in outcomes.most_common())
    return f"last {seconds:.0f} s: {number(submitted)} submitted; outcomes: {states or 'none'}"


def app_row(name: str, app: AppStats, at: float) -> tuple[str, ...]:
    """Return a row of the table of apps.

    :param at: the current time in Unix seconds.
    """
    seconds = app.recent.seconds if app.recent.seconds > SHORTEST else 1.0
    days = days_left(app.certificate_expires, at)
    return (
        shown(name),
        circuit(app),
        number(app.queue),
        age(app.queue_age),
        number(app.window),
        connections(app),
        rate(app.recent.submitted / seconds),
        rate(sum(app.recent.outcomes.values()) / seconds),
        NONE if days is None else f"{days}d",
    )


def circuit(app: AppStats) -> str:
    """Return the state of an app's circuit in a word; "failing" means failures that did not open it yet."""
    if app.circuit.open:
        return "open"
    return "failing" if app.circuit.cause else "closed"


def connections(app: AppStats) -> str:
    """Return the number of ready connections, and of spare ones after a plus sign."""
    ready, spare = app.connections.get("ready", 0), app.connections.get("spare", 0)
    return f"{ready}+{spare}" if spare else str(ready)


def sink_row(name: str, sink: SinkStats) -> tuple[str, ...]:
    """Return a row of the table of sinks."""
    now = "failing" if sink.failing else "ok"
    return shown(name), number(sink.lag), age(sink.age), number(sink.dropped), number(sink.errors), now


def hub_row(name: str, hub: HubStats) -> tuple[str, ...]:
    """Return a row of the table of hubs."""
    counts = hub.sends_active, sum(hub.sends.values()), sum(hub.outcomes.values())
    return (shown(name), *map(number, counts))


def watchers(stats: GatewayStats) -> str:
    """Return a line on the programs that watch outcomes, or ""."""
    watching = [sink for sink in stats.sinks.values() if sink.watches]
    if not watching:
        return ""
    behind = max(sink.lag for sink in watching)
    programs = "1 program watches" if len(watching) == 1 else f"{len(watching)} programs watch"
    return f"{programs} outcomes, at most {number(behind)} behind"


def shown(name: str) -> str:
    """Escape and shorten a name for a terminal."""
    return printable(name, NAME)
