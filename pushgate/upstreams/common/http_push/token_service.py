"""Asking a token service for an access token: one POST, on a connection of its own."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from twisted.internet.defer import Deferred

from pushgate.net.http.alpn import HTTP1, HTTP2, http_client
from pushgate.net.http.client_codec import Answered, ClientLimits, RequestForm
from pushgate.plugin.context import Context
from pushgate.protocols.http_push.origin import Origin
from pushgate.protocols.http_push.retry_after import retry_after
from pushgate.protocols.oauth import CONTENT_TYPE, TokenGrant, TokenRefused, read_grant
from pushgate.upstreams.common.circuit_breaker import Cause
from pushgate.upstreams.common.connect import connect, endpoint
from pushgate.upstreams.common.credentials import Credentials
from pushgate.upstreams.common.http_push.access_token import NoAccessToken
from pushgate.upstreams.common.http_push.authorization import Unauthorized
from pushgate.upstreams.common.http_push.request_connection import RequestConnection, RequestFailed

TIMEOUT: Final = 30.0
"""Seconds for the connection and the answer."""
_LIMITS: Final = ClientLimits(body=64 << 10)
_FORM: Final = (b"content-type", CONTENT_TYPE.encode())


class TokenService:
    """One token service, as one credential uses it.

    :param url: of its token endpoint, https.
    :param trust: who may vouch for it: a trust root.
    :param body: makes the form that is sent, at a time in Unix seconds.
    :param proxy: as of `endpoint`.
    """

    def __init__(
        self,
        url: str,
        trust: Any,
        body: Callable[[float], bytes],
        context: Context,
        proxy: str | None = None,
    ) -> None:
        parts = urlsplit(url)
        origin = Origin(str(parts.hostname), parts.port or 443)
        self.where = origin.authority
        self._path = (parts.path or "/").encode() + (b"?" + parts.query.encode() if parts.query else b"")
        self._body, self._reactor, self._wall = body, context.reactor, context.wall
        tls = Credentials(trust, protocols=(HTTP2, HTTP1))
        self._endpoint = endpoint(origin.host, origin.port, tls, context.reactor, proxy)
        pseudo = (b":method", b"POST"), (b":scheme", b"https"), (b":authority", self.where.encode())
        self._form = RequestForm(pseudo, (_FORM, (b"accept", b"application/json")))

    def fetch(self) -> "Deferred[TokenGrant]":
        """Ask for a token; fails with `NoAccessToken`."""
        return Deferred.fromCoroutine(self._fetch())

    async def _fetch(self) -> TokenGrant:
        try:
            answer = await self._ask()
            headers = dict(reversed(answer.headers))
            wait = retry_after(headers.get(b"retry-after"), self._wall())
            return read_grant(answer.status, answer.body, wait)
        except RequestFailed as failed:
            why = Unauthorized(Cause.TOKEN_SERVICE, f"{self.where}: {failed}", answered=False)
            raise NoAccessToken(why) from None
        except TokenRefused as refused:
            cause = Cause.CREDENTIAL_REJECTED if refused.is_final else Cause.TOKEN_SERVICE
            raise NoAccessToken(
                Unauthorized(cause, f"{self.where}: {refused}", refused.retry_after or 0.0)
            ) from None

    async def _ask(self) -> Answered:
        connection = RequestConnection(self._reactor, lambda protocol: http_client(_LIMITS, protocol))
        connecting: Deferred[Any] = connect(connection, self._endpoint, self._reactor)
        connecting.addErrback(connection.failed)
        asked = connection.ask(self._form, self._path, (), self._body(self._wall()))
        try:
            return await asked.addTimeout(TIMEOUT, self._reactor)
        finally:
            connecting.cancel()
            connection.leave()
