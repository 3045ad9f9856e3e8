"""The Windows Push Notification Services, on Twisted."""

from pushgate.plugin.interfaces import Context, IWork
from pushgate.upstreams.wns.settings import WnsTable
from pushgate.upstreams.wns.upstream import WnsUpstream


def _upstream(app: str, config: WnsTable, work: IWork, context: Context) -> WnsUpstream:
    return WnsUpstream(app, config, work, context)


plug_in = WnsTable, _upstream
