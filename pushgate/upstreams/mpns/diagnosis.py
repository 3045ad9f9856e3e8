"""What may be wrong with an app on MPNS. See `IDiagnosable`."""

from collections.abc import AsyncIterator

from pushgate.model.finding import Finding, ok
from pushgate.net.diagnosis.files import FileChecks
from pushgate.net.diagnosis.identity import check_dates, check_identity
from pushgate.plugin.examination import Examination
from pushgate.upstreams.common.diagnosis.routed import reach_hosts
from pushgate.upstreams.mpns.settings import MpnsTable
from pushgate.upstreams.mpns.upstream import credentials


async def diagnose(app: str, config: MpnsTable, examination: Examination) -> AsyncIterator[Finding]:
    """The findings. Nothing is sent: only a device's channel says where."""
    checks = FileChecks(examination.wall())
    if config.certificate is None:
        yield ok("certificate", "none: the service bounds how much a device gets a day")
    else:
        identity = check_identity(checks, config.certificate, config.private_key, config.password_file)
        if identity is not None:
            check_dates(checks, identity.leaf, "ask its authority for another one; a reload takes it up")
    checks.trust(config.trust)
    for each in checks.findings:
        yield each
    if not examination.offline and checks.are_good:
        async for each in reach_hosts(config, credentials(app, config), (), examination):
            yield each
