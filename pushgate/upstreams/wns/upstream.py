"""One app on WNS: a route for each host of its channels, one access token for all."""

from pushgate.net.http.client_codec import ClientLimits
from pushgate.net.http.http1_client import HTTP1Client
from pushgate.plugin.context import Context
from pushgate.plugin.upstream_interface import IWork
from pushgate.protocols.http_push.origin import Origin
from pushgate.protocols.wns.channel import channel_rules
from pushgate.protocols.wns.rules import wns_rules
from pushgate.protocols.wns.service import WnsService
from pushgate.upstreams.common.connect import endpoint
from pushgate.upstreams.common.credentials import Credentials
from pushgate.upstreams.common.http_push.channel_upstream import ChannelUpstream
from pushgate.upstreams.common.http_push.client_credentials import access_token, read_secret
from pushgate.upstreams.common.http_push.server import OLD, Server
from pushgate.upstreams.wns.settings import WnsTable


class WnsUpstream(ChannelUpstream):
    """Its requests are HTTP/1.1 always: the service speaks nothing else."""

    def __init__(self, app: str, table: WnsTable, work: IWork, context: Context) -> None:
        trust, secret = read_secret(app, table, "client_secret_file")
        tls, hosts = Credentials(trust, protocols=OLD), tuple(table.allow_hosts)
        channels, credential = channel_rules(hosts), (table.client_id, secret)
        self._context = context
        self._tokens = access_token(
            app, table.tokens_from, credential, table.scope, trust, context, table.proxy
        )

        def server(origin: Origin) -> Server:
            return Server(
                where=origin.authority,
                endpoint=endpoint(origin.host, origin.port, tls, context.reactor, table.proxy),
                tls=tls,
                service=WnsService(origin.authority, table.cache_policy, channels),
                authorization=self._tokens,
                key=f"apps.{app}.client_secret_file",
                codec=lambda _: HTTP1Client(ClientLimits()),
            )

        super().__init__(app, table, channels, wns_rules(hosts), server, work, context)

    def start(self) -> None:
        super().start()
        self._tokens.headers(self._context.wall())  # so that a credential that is refused shows at once
