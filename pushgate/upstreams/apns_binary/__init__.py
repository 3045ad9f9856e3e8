"""The APNs binary stream and its feedback service, on Twisted."""

from pushgate.plugin.factories import UpstreamFactory
from pushgate.plugin.interfaces import Context, IWork
from pushgate.protocols.apns_rules import APNS_RULES
from pushgate.upstreams.apns_binary.pool import Pool
from pushgate.upstreams.apns_binary.settings import ApnsStreamTable
from pushgate.upstreams.common.client_certificate import load


def _pool(app: str, config: ApnsStreamTable, work: IWork, context: Context) -> Pool:
    return Pool(app, config, load(app, config), work, context)


factory = UpstreamFactory(
    "apns-stream",
    "Apple's binary provider protocol (port 2195) with its feedback service (2196)",
    ApnsStreamTable,
    _pool,
    APNS_RULES,
)
