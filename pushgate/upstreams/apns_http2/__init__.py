"""Apple's HTTP/2 provider API, on Twisted."""

from pushgate.plugin.context import Context
from pushgate.plugin.upstream_interface import IWork
from pushgate.upstreams.apns_http2.credential import load
from pushgate.upstreams.apns_http2.diagnosis import diagnose
from pushgate.upstreams.apns_http2.settings import ApnsHTTP2Table
from pushgate.upstreams.apns_http2.upstream import ApnsHTTP2Upstream


def _upstream(app: str, config: ApnsHTTP2Table, work: IWork, context: Context) -> ApnsHTTP2Upstream:
    return ApnsHTTP2Upstream(app, config, load(app, config), work, context)


plug_in = ApnsHTTP2Table, _upstream, diagnose
