"""Firebase Cloud Messaging's HTTP v1 API, on Twisted."""

from pushgate.plugin.context import Context
from pushgate.plugin.upstream_interface import IWork
from pushgate.upstreams.common.http_push.upstream import HTTPPushUpstream
from pushgate.upstreams.fcm.diagnosis import diagnose
from pushgate.upstreams.fcm.server import fcm_server
from pushgate.upstreams.fcm.settings import FcmTable


def _upstream(app: str, config: FcmTable, work: IWork, context: Context) -> HTTPPushUpstream:
    return HTTPPushUpstream(app, config, fcm_server(app, config, context), work, context)


plug_in = FcmTable, _upstream, diagnose
