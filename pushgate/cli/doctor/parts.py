"""The parts of an examination, in their order: what notifications need first comes first."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, NamedTuple

from msgspec.structs import replace

from pushgate.cli.doctor.configuration import check_configuration, check_surroundings
from pushgate.cli.doctor.examinee import Examinee
from pushgate.cli.doctor.running import amp_input, check_running
from pushgate.cli.gateway_address import GatewayAddress
from pushgate.hub.diagnosis import diagnose as diagnose_hub
from pushgate.model.finding import Finding
from pushgate.model.health.judgement import GATEWAY
from pushgate.plugin.checks import without_checks
from pushgate.plugin.config_errors import dotted
from pushgate.plugin.examination import Examination, IDiagnosable


class Part(NamedTuple):
    """One thing that is examined.

    :param name: as the configuration has it: ``"apps.news"``.
    :param kind: its plug-in, "" where it has none.
    """

    name: str
    kind: str
    findings: AsyncIterator[Finding]


def parts(examinee: Examinee, examination: Examination) -> Iterator[Part]:
    """All parts; those of a single app when only that is asked for. A part begins when it is iterated."""
    config = examinee.config
    given = replace(examination, context=replace(examination.context, state_dir=config.gateway.state_dir))
    yield Part("this process", "", check_surroundings())
    yield Part("the configuration", "", check_configuration(examinee))
    apps = {name: each for name, each in config.apps.items() if examinee.app in {None, name}}
    yield from _plug_ins("apps", apps, given)
    if examinee.app is None:
        yield from _plug_ins("sinks", config.sinks, given)
        yield from _plug_ins("inputs", config.inputs, given)
        for name, table in config.hubs.items():
            yield Part(dotted(("hubs", name)), "", diagnose_hub(name, table, given))
    # --to may be wrong, or lead to another gateway.
    inputs: Mapping[str, tuple[Any, Any]] = {} if examinee.to.where else config.inputs
    yield Part(GATEWAY, "", check_running(_where(examinee), given, examinee.app, inputs))


def _where(examinee: Examinee) -> GatewayAddress | None:
    """Where a gateway with this configuration is asked: where the caller says, or at its own AMP input."""
    where = examinee.to.where or amp_input(examinee.config.inputs.values())
    return GatewayAddress(where, examinee.to.login) if where else None


def _plug_ins(
    section: str, tables: Mapping[str, tuple[Any, Any]], examination: Examination
) -> Iterator[Part]:
    for name, (factory, table) in tables.items():
        yield Part(dotted((section, name)), factory.name, _diagnosed(name, factory, table, examination))


async def _diagnosed(name: str, factory: Any, table: Any, examination: Examination) -> AsyncIterator[Finding]:
    """The findings of a factory; what it raises before the first one is raised here."""
    if IDiagnosable.providedBy(factory):
        findings = factory.diagnose(name, table, examination)
    else:
        findings = without_checks(f'plug-in "{factory.name}"')
    async for each in findings:
        yield each
