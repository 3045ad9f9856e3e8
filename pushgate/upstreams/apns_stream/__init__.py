"""The APNs binary stream and its feedback service, on Twisted."""

from typing import Final

from zope.interface import implementer

from pushgate.interfaces import Context, IUpstream, IUpstreamFactory, IWork
from pushgate.settings import AppTable
from pushgate.upstreams.apns_stream.credentials import load
from pushgate.upstreams.apns_stream.pool import Pool
from pushgate.upstreams.apns_stream.table import ApnsStreamTable


@implementer(IUpstreamFactory)
class ApnsStreamFactory:
    """Makes the upstream `apns-stream`."""

    name: Final = "apns-stream"
    description: Final = "Apple's binary provider protocol (port 2195) with its feedback service (2196)"
    config: Final = ApnsStreamTable

    def upstream(self, app: str, config: AppTable, work: IWork, context: Context) -> IUpstream:
        assert isinstance(config, ApnsStreamTable)
        return Pool(app, config, load(app, config), work, context)


factory = ApnsStreamFactory()
