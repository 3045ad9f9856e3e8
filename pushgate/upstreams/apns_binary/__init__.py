"""The APNs binary stream and its feedback service, on Twisted."""

from pushgate.plugin.interfaces import Context, IWork
from pushgate.upstreams.apns_binary.pool import Pool
from pushgate.upstreams.apns_binary.settings import ApnsStreamTable
from pushgate.upstreams.common.client_certificate import load


def _pool(app: str, config: ApnsStreamTable, work: IWork, context: Context) -> Pool:
    return Pool(app, config, load(app, config), work, context)


plug_in = ApnsStreamTable, _pool
