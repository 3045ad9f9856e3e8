"""The APNs binary stream and its feedback service, on Twisted."""

from pushgate.interfaces import Context, IWork
from pushgate.plugin import UpstreamFactory
from pushgate.upstreams.apns_stream.credentials import load
from pushgate.upstreams.apns_stream.pool import Pool
from pushgate.upstreams.apns_stream.table import ApnsStreamTable


def _pool(app: str, config: ApnsStreamTable, work: IWork, context: Context) -> Pool:
    return Pool(app, config, load(app, config), work, context)


factory = UpstreamFactory(
    "apns-stream",
    "Apple's binary provider protocol (port 2195) with its feedback service (2196)",
    ApnsStreamTable,
    _pool,
)
