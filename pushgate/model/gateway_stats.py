"""What `Stats` answers, as values: for programs that show or judge how a gateway is doing.

A gateway of another version may leave out fields or have others, and a caller that is limited to some apps
gets these only: what is missing has its default.
"""

from typing import Any

import msgspec


class CircuitStats(msgspec.Struct, frozen=True):
    """The circuit of an app or of one of its routes.

    :param open: the push service is of no use now.
    :param cause: of the last failure since it was last of use; "" without one.
    """

    open: bool = False
    cause: str = ""


class Counts(msgspec.Struct, frozen=True):
    """How many notifications of an app.

    :param rejected_as_dead: the push service refused their token as dead.
    """

    submitted: int = 0
    refused: int = 0
    resent: int = 0
    late_errors: int = 0
    rejected_as_dead: int = 0


class Recent(Counts, frozen=True):
    """The same within the last `seconds`, and the outcomes by state."""

    seconds: float = 0.0
    outcomes: dict[str, int] = {}


class AppStats(msgspec.Struct, frozen=True):
    """How one app is doing; times are in seconds, `certificate_expires` in Unix seconds."""

    upstream: str = ""
    queue: int = 0
    queue_age: float = 0.0
    queue_limit: int | None = None
    pressed: bool = False
    paced: int = 0
    rate: float = 0.0
    window: int = 0
    delayed: int = 0
    connections: dict[str, int] = {}
    circuit: CircuitStats = CircuitStats()
    routes: dict[str, CircuitStats] = {}
    certificate_expires: float | None = None
    response_timeout: float | None = None
    dead_tokens: int = 0
    counts: Counts = Counts()
    recent: Recent = Recent()


class SinkStats(msgspec.Struct, frozen=True):
    """How one sink is doing.

    :param lag: notifications reported and not taken yet.
    :param reports: the ranges of them that wait, of which there is room for `buffer`.
    :param age: seconds since the first of them had its outcome.
    :param failing: what it was given last was not taken, and is given again.
    :param dropped: notifications that it will not get, because its buffer was full.
    :param errors: calls of it that failed.
    :param watches: it is a program that watches through an input, not a sink of the configuration.
    """

    lag: int = 0
    reports: int = 0
    buffer: int | None = None
    age: float = 0.0
    failing: bool = False
    dropped: int = 0
    errors: int = 0
    watches: bool = False


class HubStats(msgspec.Struct, frozen=True):
    """How one hub is doing: sends worked on now, and counts since the start."""

    sends_active: int = 0
    sends: dict[str, int] = {}
    outcomes: dict[str, int] = {}


class Disk(msgspec.Struct, frozen=True):
    """The file system of the state directory, in bytes."""

    free: int
    total: int


class Files(msgspec.Struct, frozen=True):
    """The files that the process has open, and may have; None: not known, or no limit."""

    open: int | None = None
    limit: int | None = None


class GatewayStats(msgspec.Struct, frozen=True):
    """How a gateway is doing.

    :param at: Unix seconds by its clock; None when it does not say.
    :param uptime: seconds; None when it does not say.
    """

    at: float | None = None
    uptime: float | None = None
    accepting: bool = True
    unsettled: int | None = None
    apps: dict[str, AppStats] = {}
    sinks: dict[str, SinkStats] = {}
    outcomes: dict[str, dict[str, int]] = {}
    hubs: dict[str, HubStats] = {}
    versions: dict[str, str] = {}
    disk: Disk | None = None
    files: Files = Files()


def gateway_stats(answer: dict[str, Any]) -> GatewayStats:
    """Read an answer to `Stats`; raise `msgspec.ValidationError` for what is none."""
    return msgspec.convert(answer, GatewayStats)
