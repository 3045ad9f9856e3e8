"""What `Stats` answers, as values: for programs that show or judge how a gateway is doing.

A gateway of another version may leave out fields or have others, and a caller that is limited to some apps
gets these only: what is missing has its default.
"""

from typing import Annotated, Any, Final

import msgspec

LARGEST: Final = 10**18
"""The largest figure, positive or negative, that is read: those of a gateway are far below."""
Count = Annotated[int, msgspec.Meta(ge=-LARGEST, le=LARGEST)]
Figure = Annotated[float, msgspec.Meta(ge=-float(LARGEST), le=float(LARGEST))]


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

    submitted: Count = 0
    refused: Count = 0
    resent: Count = 0
    late_errors: Count = 0
    rejected_as_dead: Count = 0


class Recent(Counts, frozen=True):
    """The same within the last `seconds`, and the outcomes by state."""

    seconds: Figure = 0.0
    outcomes: dict[str, Count] = {}


class AppStats(msgspec.Struct, frozen=True):
    """How one app is doing; times are in seconds, `certificate_expires` in Unix seconds."""

    upstream: str = ""
    queue: Count = 0
    queue_age: Figure = 0.0
    queue_limit: Count | None = None
    pressed: bool = False
    paced: Count = 0
    rate: Figure = 0.0
    window: Count = 0
    delayed: Count = 0
    connections: dict[str, Count] = {}
    circuit: CircuitStats = CircuitStats()
    routes: dict[str, CircuitStats] = {}
    certificate_expires: Figure | None = None
    response_timeout: Figure | None = None
    dead_tokens: Count = 0
    counts: Counts = Counts()
    recent: Recent = Recent()


class SinkStats(msgspec.Struct, frozen=True):
    """How one sink is doing.

    :param lag: notifications reported and not taken yet.
    :param reports: the ranges of them that wait, of which there is room for `buffer`.
    :param age: seconds since the first of them had its outcome.
    :param failing: its last call failed: what it was given is given again if it was down, and missing there
        otherwise.
    :param dropped: notifications that it will not get, because its buffer was full.
    :param errors: calls of it that failed.
    :param watches: it is a program that watches through an input, not a sink of the configuration.
    """

    lag: Count = 0
    reports: Count = 0
    buffer: Count | None = None
    age: Figure = 0.0
    failing: bool = False
    dropped: Count = 0
    errors: Count = 0
    watches: bool = False


class HubStats(msgspec.Struct, frozen=True):
    """How one hub is doing: sends worked on now, and counts since the start."""

    sends_active: Count = 0
    sends: dict[str, Count] = {}
    outcomes: dict[str, Count] = {}


class Disk(msgspec.Struct, frozen=True):
    """The file system of the state directory, in bytes."""

    free: Count
    total: Count


class Files(msgspec.Struct, frozen=True):
    """The files that the process has open, and may have; None: not known, or no limit."""

    open: Count | None = None
    limit: Count | None = None


class GatewayStats(msgspec.Struct, frozen=True):
    """How a gateway is doing.

    :param at: Unix seconds by its clock; None when it does not say.
    :param uptime: seconds; None when it does not say.
    """

    at: Figure | None = None
    uptime: Figure | None = None
    accepting: bool = True
    unsettled: Count | None = None
    apps: dict[str, AppStats] = {}
    sinks: dict[str, SinkStats] = {}
    outcomes: dict[str, dict[str, Count]] = {}
    hubs: dict[str, HubStats] = {}
    versions: dict[str, str] = {}
    disk: Disk | None = None
    files: Files = Files()


def gateway_stats(answer: dict[str, Any]) -> GatewayStats:
    """Read an answer to `Stats`; raise `msgspec.ValidationError` for what is none."""
    return msgspec.convert(answer, GatewayStats)
