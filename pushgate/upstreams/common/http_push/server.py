"""A push service over HTTP, as an upstream reaches it."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import msgspec

from pushgate.net.http.alpn import HTTP1, HTTP2, http_client
from pushgate.net.http.client_codec import ClientCodec, ClientLimits
from pushgate.plugin.context import Context
from pushgate.protocols.http_push.origin import Origin
from pushgate.protocols.http_push.service import PushService
from pushgate.upstreams.common.connect import endpoint
from pushgate.upstreams.common.credentials import Credentials
from pushgate.upstreams.common.http_push.authorization import Authorization
from pushgate.upstreams.common.http_push.settings import HTTPPushTable

BOTH: Final = (HTTP2, HTTP1)
"""To offer by ALPN where a service speaks HTTP/2 or may do so."""
OLD: Final = (HTTP1,)
"""To offer where it does not."""
_any_http: Final = partial(http_client, ClientLimits())


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """One of them.

    :param where: host and port, for messages.
    :param endpoint: connects to it.
    :param tls: what is shown to it.
    :param service: what is said to it.
    :param authorization: of its requests.
    :param key: of the credential in the configuration, for messages.
    :param codec: makes a connection's codec for what ALPN agreed on, None when it agreed on nothing.
    """

    where: str
    endpoint: Any
    tls: Credentials
    service: PushService
    authorization: Authorization
    key: str
    codec: Callable[[bytes | None], ClientCodec] = _any_http


def server_at(
    table: HTTPPushTable,
    trust: Any,
    service: Callable[[str], PushService],
    authorization: Authorization,
    key: str,
    context: Context,
) -> Server:
    """The one server of a push service, at the host and port of its table.

    :param trust: who may vouch for it: a trust root.
    :param service: makes what is said to it, for its authority.
    """
    tls = Credentials(trust, protocols=BOTH)
    return Server(
        where=f"{table.host}:{table.port}",
        endpoint=endpoint(table.host, table.port, tls, context.reactor, table.proxy),
        tls=tls,
        service=service(Origin(table.host, table.port).authority),
        authorization=authorization,
        key=key,
    )
