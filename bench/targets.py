"""What pushgate is to reach: a row for each kind of work, with the program that measures it."""

from typing import NamedTuple

EACH = ("--payloads", "each")
SINKS = ("--spool", "durable", "--sinks")


class Target(NamedTuple):
    """One figure of one row.

    :ivar row: its number; the figures of a row belong together.
    :ivar program: of `bench`, with its arguments; the same program is run once for all its figures.
    :ivar figure: as the program names it.
    :ivar least: what is wanted at least, or at most where `falls`.
    :ivar aim: what would be good.
    :ivar falls: less is better.
    :ivar is_cpu: it is CPU time, which another program beside it changes little.
    """

    row: int
    work: str
    program: tuple[str, ...]
    figure: str
    least: float
    aim: float
    falls: bool = False
    is_cpu: bool = False


TARGETS = (
    Target(
        1, "1 % dead, 8 connections: rate / rate with none dead",
        ("dead_tokens",), "rate / with none dead", 0.065, 0.15,
    ),
    Target(
        # In the half second that 100,000 take, the first and the last dead token weigh as much as all others.
        2, "0.1 % dead: the same",
        ("dead_tokens", "--dead", "0.001", "--count", "400000"), "rate / with none dead", 0.4, 0.6,
    ),
    Target(
        3, "1 % dead, one connection: rate / a sender that waits for each error",
        ("dead_tokens", "--connections", "1", "--blind", "--count", "30000"), "rate / blind sender", 3, 10,
    ),
    Target(
        4, "gateway CPU for a dead token, ms",
        ("dead_tokens",), "CPU of the gateway for a dead token", 5, 3, True, True,
    ),
    Target(
        5, "batches of 500, one payload: CPU each, us",
        ("throughput", *SINKS), "gateway CPU (durable)", 4, 3, True, True,
    ),
    Target(5, "the same: rate / plain writer", ("throughput", *SINKS), "ratio (durable)", 0.13, 0.25),
    Target(
        6, "batches of 500, a payload each: CPU each, us",
        ("throughput", *SINKS, *EACH), "gateway CPU (durable)", 6.5, 5, True, True,
    ),
    Target(
        6, "the same: rate / plain writer", ("throughput", *SINKS, *EACH), "ratio (durable)", 0.09, 0.13
    ),
    Target(7, "durable / memory spool", ("throughput", "--spool", "both"), "durable / memory", 0.7, 0.85),
    Target(8, "single Push: CPU each, us", ("single_push",), "CPU of the gateway", 45, 20, True, True),
    Target(8, "1,000 a second: p50, ms", ("single_push",), "answer, 50 %", 5, 3, True),
    Target(8, "1,000 a second: p99, ms", ("single_push",), "answer, 99 %", 25, 10, True),
    Target(
        9, "bytes held by each of 1 million queued",
        ("memory", "--count", "1000000"), "held by each", 160, 100, True,
    ),
    Target(
        9, "5 million queued, durable: MB of the gateway",
        ("memory", "--count", "5000000", "--spool", "durable", "--rounds", "1"),
        "resident memory of the gateway", 300, 150, True,
    ),
    Target(
        10, "CPU after 10 million / after 100 thousand",
        ("long_run",), "late / fresh", 1.2, 1.05, True, True,
    ),
    Target(
        11, "ten apps, one unreachable, one with 1 % dead: the others / without those",
        ("neighbours", "--count", "50000"), "two in trouble / eight", 0.9, 0.98,
    ),
    Target(12, "HTTP bulk of 500 / single", ("http_bulk",), "bulk / single", 80, 120),
    Target(12, "line / bare split", ("line",), "json: input / bare, lines a second", 0.25, 0.35),
    Target(12, "single POST: CPU, us", ("http_post",), "CPU for a POST", 250, 150, True, True),
)  # fmt: skip
"""In the order of the table."""
