"""Huawei's Push Kit (HMS), on Twisted."""

from zope.interface import implementer

from pushgate.plugin.context import Context
from pushgate.plugin.upstream_interface import IDeclaresRules, IWork
from pushgate.upstreams.common.http_push.upstream import HTTPPushUpstream
from pushgate.upstreams.hms.diagnosis import diagnose
from pushgate.upstreams.hms.server import hms_server
from pushgate.upstreams.hms.settings import HmsTable


@implementer(IDeclaresRules)
class HmsUpstream(HTTPPushUpstream):
    """One app, in the version that its credential is for.

    :ivar rules: what may be submitted for it.
    """

    def __init__(self, app: str, config: HmsTable, work: IWork, context: Context) -> None:
        super().__init__(app, config, hms_server(app, config, context), work, context)
        self.rules = config.notification_rules()


plug_in = HmsTable, HmsUpstream, diagnose
