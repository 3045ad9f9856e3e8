"""One app on MPNS: a route for each host of its channels."""

from zope.interface import implementer

from pushgate.model.notification import Delivery
from pushgate.net.table_files import TableFiles
from pushgate.plugin.interfaces import Context, IDeclaresRules, IWork
from pushgate.protocols.http_push.origin import Origin
from pushgate.protocols.mpns.channel import channel_rules
from pushgate.protocols.mpns.rules import mpns_rules
from pushgate.protocols.mpns.service import MpnsService
from pushgate.upstreams.common.connect import endpoint
from pushgate.upstreams.common.credentials import Credentials, of_identity
from pushgate.upstreams.common.http_push.authorization import NoToken
from pushgate.upstreams.common.http_push.routed_upstream import RoutedUpstream
from pushgate.upstreams.common.http_push.server import OLD, Server
from pushgate.upstreams.common.http_push.upstream import HTTPPushUpstream
from pushgate.upstreams.mpns.settings import MpnsTable


@implementer(IDeclaresRules)
class MpnsUpstream(RoutedUpstream):
    """All requests go over TLS, also where a channel URI says ``http``: its host answers there, too.

    :ivar rules: what may be submitted for this app.
    """

    def __init__(self, app: str, table: MpnsTable, work: IWork, context: Context) -> None:
        self._app, self._table, self._context = app, table, context
        self._tls = _credentials(app, table)
        hosts = tuple(table.allow_hosts)
        self._channels, self.rules = channel_rules(hosts), mpns_rules(hosts)
        careful = table.delivery is Delivery.AT_MOST_ONCE
        super().__init__(self._origin_of_channel, self._route, work, context, careful)

    def _origin_of_channel(self, target: bytes) -> Origin:
        channel = self._channels.parse(target)
        if self._table.host:
            return Origin(self._table.host, self._table.port)
        return Origin(channel.host, channel.port if channel.scheme == "https" else 443)

    def _route(self, origin: Origin, work: IWork) -> HTTPPushUpstream:
        table, context = self._table, self._context
        server = Server(
            where=origin.authority,
            endpoint=endpoint(origin.host, origin.port, self._tls, context.reactor, table.proxy),
            tls=self._tls,
            service=MpnsService(origin.authority, "https", self._channels),
            authorization=NoToken(),
            key=f"apps.{self._app}.certificate",
        )
        return HTTPPushUpstream(self._app, table, server, work, context)


def _credentials(app: str, table: MpnsTable) -> Credentials:
    """What is shown to the service; raises `CannotStart`."""
    files = TableFiles(f"apps.{app}")
    trust, identity = files.trust(table.trust), None
    if table.certificate is not None:
        identity = files.identity(table.certificate, table.private_key, table.password_file)
    files.check()
    return Credentials(trust, protocols=OLD) if identity is None else of_identity(identity, trust, OLD)
