"""Findings about a gateway, derived from its state.

`pushgate doctor` shows all findings, `status` and `top` only failures and warnings.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from pushgate.model.disk_room import room
from pushgate.model.finding import Finding, Level, failure, ok, warning
from pushgate.model.gateway_stats import AppStats, GatewayStats, SinkStats
from pushgate.model.health.causes import words
from pushgate.model.health.words import age, days_left, number, share, size

GATEWAY: Final = "the running gateway"
"""The part of findings that are not about an app or a sink."""
LATE: Final = 60.0
"""Seconds that a notification or report may wait before there is a warning."""
TOO_LATE: Final = 600.0
"""The same for a failure."""
FEW: Final = 20
"""Written notifications below which a share of them is not judged."""
DEAD: Final = 0.2
"""The share of written notifications refused for their token at which there is a warning."""
DAYS: Final = 14
"""Days left of a certificate below which it should be renewed."""
SKEW: Final = 30.0
"""Seconds by which two clocks may differ."""
DELAYED: Final = 20_000
"""Notifications waiting for a requested retry at which an app takes no new ones."""
_WRITTEN: Final = ("accepted", "replaced", "presumed", "rejected")


class Judged(NamedTuple):
    """A finding, and its subject, such as ``"apps.news"``."""

    part: str
    finding: Finding


def judge(stats: GatewayStats, versions: Mapping[str, str], now: float) -> Iterator[Judged]:
    """Return all findings about a gateway.

    :param versions: the versions of this program, in the form of `Stats`.
    :param now: the time of this machine in Unix seconds.
    """
    for finding in _process(stats, versions, now):
        yield Judged(GATEWAY, finding)
    at = now if stats.at is None else stats.at
    for name, app in stats.apps.items():
        for finding in _app(app, stats.outcomes.get(name, {}), at):
            yield Judged(f"apps.{name}", finding)
    for name, sink in stats.sinks.items():
        if not sink.watches:
            part = name if name.startswith("hubs.") else f"sinks.{name}"
            yield Judged(part, _sink(sink))


def troubles(stats: GatewayStats, versions: Mapping[str, str], now: float) -> list[Judged]:
    """Return failures and warnings, failures first."""
    found = [each for each in judge(stats, versions, now) if each.finding.level is not Level.OK]
    return sorted(found, key=lambda each: each.finding.level is not Level.FAILURE)


def _process(stats: GatewayStats, versions: Mapping[str, str], now: float) -> Iterator[Finding]:
    theirs, ours = stats.versions.get("pushgate", ""), versions.get("pushgate", "")
    if theirs and theirs != ours:
        yield warning(
            "gateway-version", f"it runs pushgate {theirs}, this command is {ours}",
            "their features may differ", "restart the gateway after an upgrade, or use its command",
        )  # fmt: skip
    elif theirs:
        lines = [f"{name} {version}" for name, version in sorted(stats.versions.items())]
        yield ok("gateway-version", f"pushgate {theirs}, up {age(stats.uptime)}", *lines)
    if not stats.accepting:
        yield warning(
            "accepting", "it is stopping, and accepts no submissions", "callers get SHUTTING_DOWN", ""
        )
    if stats.at is not None and abs(stats.at - now) > SKEW:
        yield warning(
            "clock", f"its clock and this machine's differ by {age(abs(stats.at - now))}",
            "expirations, certificates and provider tokens are judged by its clock", "have both set by NTP",
        )  # fmt: skip
    if stats.disk is not None:
        yield _disk(stats.disk.free, stats.disk.total)
    if stats.files.open is not None and stats.files.limit is not None:
        yield _files(stats.files.open, stats.files.limit)


def _disk(free: int, total: int) -> Finding:
    what = f"{size(free)} of {size(total)} are free on the disk of the state directory"
    meaning = "without room submissions are refused as OVERLOADED, and outcomes are kept in memory"
    advice = "make room, or move state_dir"
    level = room(free, total)
    if level is Level.OK:
        return ok("disk", what)
    return (failure if level is Level.FAILURE else warning)("disk", what, meaning, advice)


def _files(used: int, limit: int) -> Finding:
    what = f"{number(used)} of {number(limit)} files are open"
    meaning = "when only the reserve is left, inputs close further connections at once"
    advice = "raise LimitNOFILE (ulimit -n), or lower max_connections of inputs"
    if used >= 0.8 * limit:
        level = failure if used >= 0.95 * limit else warning
        return level("open-files", what, meaning, advice)
    return ok("open-files", what)


def _app(app: AppStats, outcomes: Mapping[str, int], at: float) -> Iterator[Finding]:
    yield _circuit(app)
    if troubled := [origin for origin, route in app.routes.items() if route.open]:
        shown = [f"{origin}: {app.routes[origin].cause}" for origin in troubled]
        yield warning(
            "routes", f"{len(troubled)} of the service's hosts cannot be used",
            "notifications for them wait, and may expire", "is each of them a host of the service?", *shown,
        )  # fmt: skip
    yield _queue(app)
    yield _queue_age(app)
    if app.delayed >= DELAYED:
        yield warning(
            "delayed", f"{number(app.delayed)} wait for a retry that the push service asked for",
            "no new ones are sent until some of them are due",
            "pushgate trace of one has the reason; send slower",
        )  # fmt: skip
    yield _dead_tokens(app, outcomes)
    yield from _late_errors(app)
    yield from _certificate(app, at)


def _circuit(app: AppStats) -> Finding:
    cause = app.circuit.cause
    if app.circuit.open:
        meaning, advice = words(cause)
        return failure("circuit", f"open: {cause}", f"{meaning}; nothing is sent", advice)
    if cause:
        meaning, advice = words(cause)
        return warning("circuit", f"closed, but the last attempt failed: {cause}", meaning, advice)
    if app.queue > app.paced and not sum(app.connections.values()):
        return warning(
            "circuit", "closed, but there is no connection while notifications wait",
            "they wait for a connection, or for the app's rate", "the gateway's log has every attempt",
        )  # fmt: skip
    states = ", ".join(f"{count} {state}" for state, count in app.connections.items() if count)
    return ok("circuit", f"closed; connections: {states or 'none'}")


def _queue(app: AppStats) -> Finding:
    limit = app.queue_limit
    what = f"{number(app.queue)} notifications wait" + (f", of {number(limit)} at most" if limit else "")
    meaning = "from nine tenths on callers are paused; when it is full they are refused as OVERLOADED"
    advice = "check circuit, connections and rate; queue_limit is the bound"
    if app.pressed or (limit and app.queue >= 0.9 * limit):
        return failure("queue", what, meaning, advice)
    if limit and app.queue >= 0.5 * limit:
        return warning("queue", what, meaning, advice)
    return ok("queue", what)


def _queue_age(app: AppStats) -> Finding:
    if app.queue_age < LATE:
        return ok(
            "queue-age", f"the oldest waits for {age(app.queue_age)}" if app.queue_age else "none waits"
        )
    what = f"the oldest has waited for {age(app.queue_age)}"
    if app.rate:
        return warning(
            "queue-age", what, f"notifications are delayed; the app's rate is {app.rate:g} a second",
            "pushgate pace changes it",
        )  # fmt: skip
    level = failure if app.queue_age >= TOO_LATE else warning
    return level("queue-age", what, "notifications are delayed", "check the circuit and the connections")


def _dead_tokens(app: AppStats, outcomes: Mapping[str, int]) -> Finding:
    recent = app.recent.rejected_as_dead, _written(app.recent.outcomes)
    dead, written, when = app.counts.rejected_as_dead, _written(outcomes), "since the start"
    if recent[1] >= FEW and recent[0] * written > dead * recent[1]:
        dead, written, when = *recent, "recently"
    what = f"{share(dead, written)} of the notifications written {when} were refused for their token"
    if dead and written >= FEW and dead / written >= DEAD:
        return warning(
            "dead-tokens", what,
            "a large share usually means a wrong environment, topic or app",
            "compare environment, host, topic and certificate with where the tokens are from;"
            " pushgate tokens forget takes back what was entered wrongly",
        )  # fmt: skip
    return ok("dead-tokens", f"{what}; {number(app.dead_tokens)} are known to be dead")


def _written(outcomes: Mapping[str, int]) -> int:
    return sum(outcomes.get(state, 0) for state in _WRITTEN)


def _late_errors(app: AppStats) -> Iterator[Finding]:
    if app.response_timeout is None:
        return
    if not (late := app.counts.late_errors):
        yield ok("late-errors", f"no error came later than response_timeout, {app.response_timeout:g} s")
        return
    yield warning(
        "late-errors",
        f"{number(late)} outcomes were corrected: errors came later than response_timeout",
        f"they were presumed accepted too early; until a restart it is {app.response_timeout:g} s now",
        f'set response_timeout = "{app.response_timeout:g}s" for the app',
    )


def _certificate(app: AppStats, at: float) -> Iterator[Finding]:
    days = days_left(app.certificate_expires, at)
    if days is None:
        return
    advice = "renew it; the new file is used without a reload"
    if days < 0:
        yield failure("certificate-days", "its certificate has expired", "no connection is tried", advice)
    elif days < DAYS:
        yield warning(
            "certificate-days",
            f"its certificate expires in {days} days",
            "after that no connection can be made",
            advice,
        )
    else:
        yield ok("certificate-days", f"its certificate is valid for {days} more days")


def _sink(sink: SinkStats) -> Finding:
    behind = f"{number(sink.lag)} notifications behind" + (f", for {age(sink.age)}" if sink.age else "")
    if sink.dropped:
        return failure(
            "sink", f"{number(sink.dropped)} notifications were not reported to it; {behind}",
            "its buffer was full: it will never get them", "the gateway's log has the cause; raise buffer",
        )  # fmt: skip
    if sink.failing:
        return warning(
            "sink", f"its last call failed; {behind}",
            "a sink that is down gets it again, while its buffer has room; after other errors it is lost",
            "the gateway's log has its error",
        )  # fmt: skip
    full = sink.buffer is not None and sink.reports >= 0.8 * sink.buffer
    if full or sink.age >= LATE:
        return warning(
            "sink", behind, "outcomes arrive faster than it takes them; beyond its buffer they are dropped",
            "check its receiver, disk or database; raise buffer",
        )  # fmt: skip
    return ok("sink", behind if sink.lag else "it is up to date")
