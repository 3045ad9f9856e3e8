"""The APNs binary stream and its feedback service, on Twisted."""

from pushgate.plugin.context import Context
from pushgate.plugin.upstream_interface import IWork
from pushgate.upstreams.apns_binary.diagnosis import diagnose
from pushgate.upstreams.apns_binary.settings import ApnsStreamTable
from pushgate.upstreams.apns_binary.upstream import ApnsBinaryUpstream
from pushgate.upstreams.common.client_certificate import load


def _upstream(app: str, config: ApnsStreamTable, work: IWork, context: Context) -> ApnsBinaryUpstream:
    return ApnsBinaryUpstream(app, config, load(app, config), work, context)


plug_in = ApnsStreamTable, _upstream, diagnose
