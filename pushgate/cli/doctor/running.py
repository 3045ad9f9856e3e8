"""What the running gateway says of itself, if there is one."""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final

from pushgate.cli.gateway_address import GatewayAddress, NotReached, reach
from pushgate.cli.status.asking import asked
from pushgate.model.authority import authority
from pushgate.model.errors import PushgateError, Refusal
from pushgate.model.finding import Finding, failure, ok, warning
from pushgate.model.gateway_stats import GatewayStats
from pushgate.model.health.judgement import GATEWAY, judge
from pushgate.model.printable import printable
from pushgate.net.diagnosis.listening import is_taken
from pushgate.net.endpoint_reach import listen_place
from pushgate.plugin.config_errors import dotted
from pushgate.plugin.examination import Examination
from pushgate.plugin.settings import ListeningTable
from pushgate.service.process_facts import versions

CHECK: Final = "running"
"""The check of whether a gateway answers."""
_UNSEEN: Final = "circuits, queues and the lag of sinks are known to a running gateway only"
_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what stands for all addresses


def amp_input(tables: Iterable[tuple[Any, Any]]) -> str | None:
    """What ``--to`` says to reach the first AMP input of a configuration.

    None where there is none, or nothing can be known of how to reach it: it has TLS, so a name of its
    certificate and an authority are needed, or its port is the system's choice.

    :param tables: of all inputs, each with its factory.
    """
    for factory, table in tables:
        if factory.name == "amp" and isinstance(table, ListeningTable):
            place = listen_place(table.listen)
            if place is None or table.certificate is not None or place.kind == "ssl":
                continue
            if place.kind == "unix":
                return f"unix:{place.address}"
            if place.port:
                host = _ANY.get(place.address, place.address)
                return authority(host, place.port)
    return None


async def check_running(
    to: GatewayAddress | None,
    examination: Examination,
    app: str | None,
    inputs: Mapping[str, tuple[Any, Any]],
) -> AsyncIterator[Finding]:
    """Whether a gateway answers, and what its state says.

    :param to: None when it is not known where one would be.
    :param app: say only what is about this one, and about the gateway itself.
    :param inputs: those at whose addresses nothing else may listen: by name, each with its factory.
    """
    if examination.offline:
        yield ok(CHECK, "not looked at, without the network")
    elif to is None:
        yield warning(
            CHECK, "not looked at: how to reach an AMP input does not follow from the configuration",
            _UNSEEN, "--to says where it is, for one with TLS as tls:HOST:PORT:trustRoots=FILE",
        )  # fmt: skip
    else:
        try:
            found, stats = await _ask(to, examination)
        except NotReached as error:
            why = printable(str(error).partition("\n")[0])
            yield warning(CHECK, why, _UNSEEN, "start it; or say where its AMP input is, with --to")
            for finding in _taken(inputs):
                yield finding
            return
        yield found
        for finding in () if stats is None else _judged(stats, examination, app):
            yield finding


async def _ask(to: GatewayAddress, examination: Examination) -> tuple[Finding, GatewayStats | None]:
    try:
        async with reach(examination.reactor, to, examination.timeout, say=lambda _: None) as gateway:
            _, stats = await asked(gateway)
    except NotReached:
        raise
    except Refusal as refusal:
        who = "log in with --login NAME --secret-file FILE, as a principal that may read"
        return warning(CHECK, f"a gateway answers at {to}, and refuses: {refusal}", _UNSEEN, who), None
    except PushgateError as error:
        return failure(CHECK, f"at {to}: {printable(error)}", _UNSEEN, "is it a gateway?"), None
    return ok(CHECK, f"a gateway answers at {to}"), stats


def _taken(inputs: Mapping[str, tuple[Any, Any]]) -> Iterable[Finding]:
    """The addresses at which another program listens, when no gateway answers."""
    for name, (_, table) in inputs.items():
        if not isinstance(table, ListeningTable):
            continue
        for key, description in table.endpoints().items():
            place = listen_place(description)
            if place is not None and is_taken(place):
                where = f"{dotted(('inputs', name, key))}: {authority(place.address, place.port)}"
                yield warning(
                    "address-taken", f"{where} is in use, and no gateway answers",
                    "unless a gateway runs that cannot be asked, another program keeps it from starting",
                    f"see which: ss -ltnp 'sport = :{place.port}'",
                )  # fmt: skip


def _judged(stats: GatewayStats, examination: Examination, app: str | None) -> Iterable[Finding]:
    for part, finding in judge(stats, versions(), examination.context.wall()):
        if part == GATEWAY:
            yield _clean(finding, "")
        elif app is None or part == f"apps.{app}":
            yield _clean(finding, f"{part}: ")


def _clean(finding: Finding, lead: str) -> Finding:
    """The finding with what it is about in its words, which are a gateway's and shown by a terminal."""
    return Finding(
        check=finding.check,
        level=finding.level,
        what=printable(lead + finding.what, 400),
        meaning=printable(finding.meaning, 400),
        advice=printable(finding.advice, 400),
        details=tuple(printable(line) for line in finding.details),
    )
