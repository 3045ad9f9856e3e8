"""One app on Web Push: a route for each push service, which is an origin that a subscription names."""

from functools import partial
from os import urandom
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from pushgate.model.notification import Delivery
from pushgate.net.client_tls import tls_endpoint
from pushgate.net.guarded_endpoint import GuardedEndpoint
from pushgate.net.table_files import TableFiles
from pushgate.plugin.context import Context
from pushgate.plugin.upstream_interface import IWork
from pushgate.protocols.http_push.origin import Origin
from pushgate.protocols.webpush.service import WebPushService
from pushgate.protocols.webpush.subscription import origin_of
from pushgate.protocols.webpush.vapid import VapidClock, parse_key
from pushgate.upstreams.common.connect import TIMEOUT, endpoint
from pushgate.upstreams.common.credentials import Credentials
from pushgate.upstreams.common.http_push.authorization import SignedTokens
from pushgate.upstreams.common.http_push.routed_upstream import RoutedUpstream
from pushgate.upstreams.common.http_push.server import BOTH, Server
from pushgate.upstreams.common.http_push.upstream import HTTPPushUpstream
from pushgate.upstreams.webpush.settings import WebPushTable

_CURVE: Final = SECP256R1()
_new_key: Final = partial(generate_private_key, _CURVE)
_salt: Final = partial(urandom, 16)


class WebPushUpstream(RoutedUpstream):
    """Callers choose the endpoints, so what is connected to is looked at first.

    Only public addresses, but those of `allow_hosts`. A name is resolved for each connection, and what was
    looked at is what is connected to. Through a proxy it is the proxy that resolves.
    """

    def __init__(self, app: str, table: WebPushTable, work: IWork, context: Context) -> None:
        files = TableFiles(f"apps.{app}")
        self._tls = Credentials(files.trust(table.trust), protocols=BOTH)
        key = files.parsed("vapid_key_file", table.vapid_key_file, parse_key)
        files.check()
        assert key is not None
        self._app, self._table, self._context, self._key = app, table, context, key
        careful = table.delivery is Delivery.AT_MOST_ONCE
        super().__init__(origin_of, self._route, work, context, careful)

    def _route(self, origin: Origin, work: IWork) -> HTTPPushUpstream:
        table, context = self._table, self._context
        clock = VapidClock(self._key, table.subject, origin)
        service = WebPushService(origin, _new_key, _salt, int(table.ttl), table.urgency, table.message_ids)
        server = Server(
            where=origin.authority,
            endpoint=self._endpoint(origin),
            tls=self._tls,
            service=service,
            authorization=SignedTokens(clock),
            key=f"apps.{self._app}.vapid_key_file",
        )
        return HTTPPushUpstream(self._app, table, server, work, context)

    def _endpoint(self, origin: Origin) -> Any:
        """Connects to an origin, or in its place to the host of the configuration."""
        table, reactor = self._table, self._context.reactor
        if table.host or table.proxy is not None:
            host, port = (table.host, table.port) if table.host else (origin.host, origin.port)
            return endpoint(host, port, self._tls, reactor, table.proxy)
        is_private_allowed = origin.host in table.allow_hosts
        way = GuardedEndpoint(reactor, origin.host, origin.port, is_private_allowed, True, TIMEOUT)
        return tls_endpoint(way, self._tls.tls(origin.host))
