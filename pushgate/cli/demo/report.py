"""What ``pushgate demo`` says in the end."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from pushgate.cli.demo.run import RESPONSE_TIMEOUT
from pushgate.cli.demo.services import BINARY, DemoService
from pushgate.cli.output import print_table
from pushgate.model.outcome import State

if TYPE_CHECKING:
    from pushgate.cli.demo.audit import Audit
    from pushgate.cli.demo.directory import DemoDirectory
    from pushgate.cli.demo.run import DemoResult

_REPORTED, _SAW = "gateway reported", "push service saw"
_TWICE = (
    "what was in flight when the push service closed a connection without a word;\n"
    "at-least-once, the default, sends it again."
)
_NOT_TWICE = "nothing was in flight when the push service closed a connection without a word."


def figures(result: "DemoResult", files: "DemoDirectory") -> dict[str, Any]:
    """All of it, ready for JSON."""
    return {
        **result.audit.summary(),
        "pushed_in": round(result.pushing, 3),
        "settled_in": round(result.settling, 3),
        "connections": result.connections,
        "outcome_file": str(files.outcomes),
        "logs": [str(files.gateway_log), str(files.simulator_log)],
    }


def report(result: "DemoResult", files: "DemoDirectory", service: DemoService = BINARY) -> None:
    """The table, what it means, how long it took, and where to look further."""
    audit, settling = result.audit, result.settling
    total = sum(count for *_, count in audit.counts)
    print_table(("", _REPORTED, _SAW, "check"), _rows(audit, service), numbers=(_REPORTED, _SAW))
    click.echo(_meaning(audit, service))
    click.echo(
        f"{total:,} notifications: taken on by the gateway in {result.pushing:.1f} s, settled in "
        f"{settling:.1f} s ({total / settling:,.0f} a second), over {result.connections} connections: "
        f"{service.after}."
    )
    click.echo(f"outcomes, one a line: {files.outcomes}")
    click.echo(f"logs: {files.gateway_log}, {files.simulator_log}")


def _rows(audit: "Audit", service: DemoService) -> Iterator[tuple[str, str, str, str]]:
    proof = (State.ACCEPTED, State.PRESUMED)
    yield from ((each, f"{audit.count(each):,}", "", "") for each in proof)
    for state, status, reason, count in audit.counts:
        if state not in proof and (state, status) != (State.REJECTED, service.dead_status):
            yield " ".join(map(str, filter(None, (state, status, reason)))), f"{count:,}", "", ""
    good = audit.count(State.ACCEPTED, State.PRESUMED)
    rejected = audit.count(State.REJECTED)
    yield _row("to live devices", f"{good:,}", audit.received, good == audit.received)
    what = f"rejected {service.dead_status} {service.dead_reason}"
    yield _row(what, f"{rejected:,}", audit.rejected, rejected == audit.rejected)
    yield _row("lost", "", audit.lost, not audit.lost)
    yield "received twice", "", f"{audit.twice:,}", ""


def _row(what: str, reported: str, saw: int, ok: bool) -> tuple[str, str, str, str]:
    return what, reported, f"{saw:,}", "ok" if ok else "WRONG"


def _meaning(audit: "Audit", service: DemoService) -> str:
    meaning = service.meaning.format(response_timeout=f"{RESPONSE_TIMEOUT:g} s")
    return f"{meaning}\nreceived twice: {_TWICE if audit.twice else _NOT_TWICE}"
