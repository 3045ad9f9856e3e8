"""One app on Apple's HTTP/2 provider API: what every upstream over HTTP does, and channels for broadcasts."""

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from zope.interface import implementer

from pushgate.net.http.client_codec import ClientLimits
from pushgate.net.http.http2 import http2_client
from pushgate.plugin.context import Context
from pushgate.plugin.mdm_interface import IWakesDevices
from pushgate.plugin.upstream_interface import IDeclaresRules, IHasChannels, IWork
from pushgate.protocols.apns_http2.requests import RequestRules
from pushgate.protocols.apns_http2.service import AppleService
from pushgate.protocols.apns_rules import APNS_RULES
from pushgate.upstreams.apns_http2.channel_management import ChannelManagement
from pushgate.upstreams.apns_http2.combination import Combination
from pushgate.upstreams.apns_http2.credential import AppleCredential, authorization
from pushgate.upstreams.apns_http2.settings import ApnsHTTP2Table
from pushgate.upstreams.common.connect import endpoint
from pushgate.upstreams.common.http_push.server import Server
from pushgate.upstreams.common.http_push.upstream import HTTPPushUpstream
from pushgate.upstreams.common.mdm import managed_topic


@implementer(IDeclaresRules, IHasChannels, IWakesDevices)
class ApnsHTTP2Upstream(HTTPPushUpstream):
    """Sends to devices and channels.

    :ivar rules: what may be submitted for this app.
    :ivar channels: its channels for broadcasts.
    :ivar mdm_topic: of its MDM push certificate, when it is for MDM.
    """

    def __init__(
        self, app: str, table: ApnsHTTP2Table, credential: AppleCredential, work: IWork, context: Context
    ) -> None:
        self.mdm_topic = managed_topic(app, table, credential.topics, context)
        super().__init__(app, table, apple_server(app, table, credential, context), work, context)
        check = Combination(_request_rules(table), credential.topics, credential.tokens is not None)
        self.rules = replace(APNS_RULES, channels=True, check_combination=check)
        self.channels = ChannelManagement(table, credential, context)

    def stop(self) -> Deferred[None]:
        self.channels.stop()
        return super().stop()

    def abort(self) -> None:
        super().abort()
        self.channels.abort()


def apple_server(app: str, table: ApnsHTTP2Table, credential: AppleCredential, context: Context) -> Server:
    """Apple's service, as one app reaches it."""
    return Server(
        where=f"{table.host}:{table.port}",
        endpoint=endpoint(table.host, table.port, credential.tls, context.reactor, table.proxy),
        tls=credential.tls,
        service=AppleService(_request_rules(table)),
        authorization=authorization(credential),
        key=f"apps.{app}.{'certificate' if credential.tokens is None else 'key_file'}",
        codec=lambda _: http2_client(ClientLimits()),  # Apple speaks it whatever ALPN agreed on
    )


def _request_rules(table: ApnsHTTP2Table) -> RequestRules:
    authority = table.host if table.port == 443 else f"{table.host}:{table.port}"
    return RequestRules(authority, table.topic or "", table.default_ttl, tuple(table.push_types))
