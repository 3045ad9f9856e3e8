"""One app on WNS: a route for each host of its channels."""

from zope.interface import implementer

from pushgate.model.notification import Delivery
from pushgate.net.http.client_codec import ClientLimits
from pushgate.net.http.http1_client import HTTP1Client
from pushgate.net.table_files import TableFiles
from pushgate.plugin.interfaces import Context, IDeclaresRules, IWork
from pushgate.protocols.http_push.origin import Origin
from pushgate.protocols.wns.channel import channel_rules
from pushgate.protocols.wns.rules import wns_rules
from pushgate.protocols.wns.service import WnsService
from pushgate.upstreams.common.connect import endpoint
from pushgate.upstreams.common.credentials import Credentials
from pushgate.upstreams.common.http_push.client_credentials import access_token, read_secret
from pushgate.upstreams.common.http_push.routed_upstream import RoutedUpstream
from pushgate.upstreams.common.http_push.server import OLD, Server
from pushgate.upstreams.common.http_push.upstream import HTTPPushUpstream
from pushgate.upstreams.wns.settings import WnsTable


@implementer(IDeclaresRules)
class WnsUpstream(RoutedUpstream):
    """All routes share one access token.

    :ivar rules: what may be submitted for this app.
    """

    def __init__(self, app: str, table: WnsTable, work: IWork, context: Context) -> None:
        files = TableFiles(f"apps.{app}")
        trust = files.trust(table.trust)
        secret = read_secret(files, "client_secret_file", table.client_secret_file)
        files.check()
        assert secret is not None
        self._app, self._table, self._context = app, table, context
        self._tls = Credentials(trust, protocols=OLD)
        hosts = tuple(table.allow_hosts)
        self._channels, self.rules = channel_rules(hosts), wns_rules(hosts)
        self._tokens = access_token(
            app, table.tokens_from, (table.client_id, secret), table.scope, trust, context, table.proxy
        )
        careful = table.delivery is Delivery.AT_MOST_ONCE
        super().__init__(self._origin_of_channel, self._route, work, context, careful)

    def start(self) -> None:
        super().start()
        self._tokens.headers(self._context.wall())  # so that a credential that is refused shows at once

    def _origin_of_channel(self, target: bytes) -> Origin:
        channel = self._channels.parse(target)
        if self._table.host:
            return Origin(self._table.host, self._table.port)
        return Origin(channel.host, channel.port)

    def _route(self, origin: Origin, work: IWork) -> HTTPPushUpstream:
        table, context = self._table, self._context
        server = Server(
            where=origin.authority,
            endpoint=endpoint(origin.host, origin.port, self._tls, context.reactor, table.proxy),
            tls=self._tls,
            service=WnsService(origin.authority, table.cache_policy, self._channels),
            authorization=self._tokens,
            key=f"apps.{self._app}.client_secret_file",
            codec=lambda _: HTTP1Client(ClientLimits()),
        )
        return HTTPPushUpstream(self._app, table, server, work, context)
