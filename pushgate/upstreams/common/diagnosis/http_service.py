"""The checks of an app whose push service speaks HTTP, from its files to an answer of the service."""

from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from pushgate.model.errors import CannotStart
from pushgate.model.finding import Finding, Level, failure
from pushgate.net.diagnosis.files import FileChecks
from pushgate.net.diagnosis.handshake import OURS, THE_SYSTEMS
from pushgate.net.diagnosis.http_probe import HTTPProbe
from pushgate.net.table_files import TableFiles
from pushgate.plugin.checks import guarded
from pushgate.plugin.examination import Examination
from pushgate.protocols.http_push.service import Header
from pushgate.upstreams.common.credentials import Credentials
from pushgate.upstreams.common.diagnosis.access_token import obtain, token_place
from pushgate.upstreams.common.diagnosis.reach import Place, Reach
from pushgate.upstreams.common.diagnosis.request import Impossible, ServiceRequest
from pushgate.upstreams.common.http_push.server import Server
from pushgate.upstreams.common.http_push.settings import HTTPPushTable

_ANY: Final = "…"


class FilesFound(msgspec.Struct, frozen=True, kw_only=True):
    """What came of looking at the files of a table.

    :param secrets: in them, which are not shown even if a service repeats them.
    :param token_url: of the token service, "" when there is none.
    """

    secrets: tuple[str, ...] = ()
    token_url: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How an app of one kind is examined.

    :param files: looks at the files of its table, but for `trust`.
    :param server: makes its push service, once the files can be used.
    :param impossible: what is sent to it.
    :param needs_http2: see `ServiceRequest`.
    """

    files: Callable[[FileChecks], FilesFound]
    server: Callable[[], Server]
    impossible: Impossible
    needs_http2: bool = False


def secret_plan(
    table: HTTPPushTable, key: str, server: Callable[[], Server], impossible: Impossible, token_url: str = ""
) -> Plan:
    """The plan of an app whose credential is a secret in a file.

    :param key: of that file.
    """

    def files(checks: FileChecks) -> FilesFound:
        secret = checks.secret(key, getattr(table, key))
        return FilesFound(secrets=(secret or "",), token_url=token_url)

    return Plan(files=files, server=server, impossible=impossible)


async def diagnose_service(
    app: str, table: HTTPPushTable, examination: Examination, plan: Plan
) -> AsyncIterator[Finding]:
    """The findings about one app."""
    checks = FileChecks(examination.wall())
    files = plan.files(checks)
    checks.trust(table.trust)
    for each in checks.findings:
        yield each
    if examination.offline:
        return
    if checks.are_good:
        online = _online(app, table, examination, plan, files.token_url)
    else:
        online = way_only(place_of(table, Credentials(TableFiles("").trust(None))), examination)
    async for each in guarded(online, examination):
        yield without_secrets(each, files.secrets)


def without_secrets(finding: Finding, secrets: tuple[str, ...]) -> Finding:
    """The finding without a secret that a service may have repeated in its words."""
    what = finding.what
    for each in secrets:
        what = what.replace(each, _ANY) if each else what
    return finding if what == finding.what else replace(finding, what=what)


def place_of(table: HTTPPushTable, tls: Credentials) -> Place:
    """The push service of a table."""
    trusted = THE_SYSTEMS if table.trust is None else OURS
    return Place(host=table.host, port=table.port, tls=tls, proxy=table.proxy, trusted=trusted)


async def way_only(place: Place, examination: Examination) -> AsyncIterator[Finding]:
    """As far as one comes without a credential: name and TCP."""
    async for each in Reach(place, HTTPProbe(_no_codec), examination).findings(is_tls_tried=False):
        yield each


async def _online(
    app: str, table: HTTPPushTable, examination: Examination, plan: Plan, token_url: str
) -> AsyncIterator[Finding]:
    try:
        server = plan.server()
    except CannotStart as error:  # what the checks of the files did not see
        yield failure("files", "; ".join(error.faults), "a gateway does not start with it", "mend the file")
        return
    place = place_of(table, server.tls)
    token, headers = token_place(token_url, place) if token_url else None, list[Header]()
    obtaining = obtain(server.authorization, token, examination, headers)
    is_authorized = True
    async for each in guarded(obtaining, examination):
        is_authorized = is_authorized and each.level is not Level.FAILURE
        yield each
    asking = ServiceRequest(app, server, plan.impossible, tuple(headers), examination, plan.needs_http2)
    async for each in _asked(asking if is_authorized else None, place, server, examination):
        yield each


async def _asked(
    asking: ServiceRequest | None, place: Place, server: Server, examination: Examination
) -> AsyncIterator[Finding]:
    """Reach the service, and make a request if there is one to make."""
    probe = HTTPProbe(server.codec)
    reach = Reach(place, probe, examination)
    try:
        async for each in reach.findings():
            yield each
        if reach.is_open and asking is not None:
            async for each in asking.findings(probe):
                yield each
    finally:
        probe.abort()


def _no_codec(_: Any) -> Any:
    raise AssertionError("nothing is said over this connection")
