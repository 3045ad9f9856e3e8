"""The checks of an app whose targets name the hosts of its push service."""

from collections.abc import AsyncIterator

from msgspec.structs import replace

from pushgate.model.finding import Finding, Level, ok
from pushgate.net.diagnosis.http_probe import HTTPProbe
from pushgate.net.http.alpn import http_client
from pushgate.net.http.client_codec import ClientLimits
from pushgate.plugin.checks import guarded
from pushgate.plugin.examination import Examination
from pushgate.upstreams.common.credentials import Credentials
from pushgate.upstreams.common.diagnosis.http_service import place_of
from pushgate.upstreams.common.diagnosis.reach import Place, Reach
from pushgate.upstreams.common.http_push.settings import RoutedTable

NOT_KNOWN = "each target names its host; the gateway connects to it when there is something to send"


async def reach_hosts(
    table: RoutedTable, tls: Credentials, known: tuple[str, ...], examination: Examination
) -> AsyncIterator[Finding]:
    """Whether the table's host can be reached, or those that targets may name.

    :param known: hosts that targets are likely to have: one that cannot be reached is a warning.
    """
    place = place_of(table, tls)
    if table.host:
        async for each in _reach(place, examination):
            yield each
        return
    yield ok("hosts", NOT_KNOWN)
    for host in known:
        findings = _reach(replace(place, host=host, port=443), examination)
        async for each in guarded(findings, examination):
            yield replace(each, level=Level.WARNING) if each.level is Level.FAILURE else each


async def _reach(place: Place, examination: Examination) -> AsyncIterator[Finding]:
    probe = HTTPProbe(lambda agreed: http_client(ClientLimits(), agreed))
    try:
        async for each in Reach(place, probe, examination).findings():
            yield each
    finally:
        probe.abort()
