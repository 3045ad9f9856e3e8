"""An app's broadcast channels at Apple: they are managed at a host of its own, now and then."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from twisted.internet.defer import Deferred
from zope.interface import implementer

from pushgate.model.channel import Channel, StoragePolicy
from pushgate.model.errors import Invalid, Overloaded, ServiceFailed
from pushgate.net.http.client_codec import Answered, ClientLimits, RequestForm
from pushgate.net.http.http2 import http2_client
from pushgate.plugin.context import Context
from pushgate.plugin.upstream_interface import IChannels
from pushgate.protocols.apns_http2.answer_body import read
from pushgate.protocols.apns_http2.channels import (
    ManagementRequest,
    created,
    creating,
    deleting,
    described,
    listed,
    listing,
    reading,
    refusal,
)
from pushgate.protocols.http_push.service import Header
from pushgate.upstreams.apns_http2.credential import AppleCredential
from pushgate.upstreams.apns_http2.settings import ApnsHTTP2Table
from pushgate.upstreams.common.connect import connect, endpoint
from pushgate.upstreams.common.http_push.request_connection import RequestConnection, RequestFailed

MOST: Final = 100
"""Requests that may wait for their answers."""
LIMITS: Final = ClientLimits(body=1 << 20)
"""An answer may list 10,000 channels."""
_T = TypeVar("_T")


@implementer(IChannels)
class ChannelManagement:
    """Makes each request on a connection that is opened when there is none, and closed soon after.

    Its failures say nothing of the service that takes notifications: the circuit stays as it is.
    """

    def __init__(self, table: ApnsHTTP2Table, credential: AppleCredential, context: Context) -> None:
        self._table, self._credential = table, credential
        self._reactor, self._wall = context.reactor, context.wall
        host, port = table.manage_host, table.manage_port
        self._where = f"{host}:{port}"
        self._endpoint = endpoint(host, port, credential.tls, context.reactor, table.proxy)
        self._authority = (host if port == 443 else self._where).encode()
        self._connection: RequestConnection | None = None

    # IChannels

    def create_channel(self, policy: StoragePolicy) -> Deferred[str]:
        return self._answer(lambda bundle: creating(bundle, policy), lambda answer: created(answer.headers))

    def list_channels(self) -> Deferred[list[str]]:
        return self._answer(listing, lambda answer: listed(answer.body))

    def read_channel(self, channel: str) -> Deferred[Channel]:
        return self._answer(
            lambda bundle: reading(bundle, channel), lambda answer: described(channel, answer.body)
        )

    def delete_channel(self, channel: str) -> Deferred[None]:
        return self._answer(lambda bundle: deleting(bundle, channel), lambda _: None)

    # the side of the upstream

    def stop(self) -> None:
        """Close the connection when what was asked is answered."""
        if self._connection is not None:
            self._connection.leave()

    def abort(self) -> None:
        """Close it at once."""
        if self._connection is not None:
            self._connection.abort()

    # within

    def _answer(
        self, request: Callable[[str], ManagementRequest], read_answer: Callable[[Answered], _T]
    ) -> Deferred[_T]:
        return Deferred.fromCoroutine(self._answered(request, read_answer))

    async def _answered(
        self, request: Callable[[str], ManagementRequest], read_answer: Callable[[Answered], _T]
    ) -> _T:
        tokens = self._credential.tokens
        if tokens is None:
            raise Invalid("channel", "with a certificate", "broadcasts need a provider key (key_file)")
        asked = request(self._table.topic or "")
        while True:
            authorization = tokens.authorization(self._wall())
            serial = tokens.serial
            answer = await self._sent(asked, (b"authorization", authorization))
            if 200 <= answer.status < 300:
                tokens.accepted()
                return read_answer(answer)
            reason = read(answer.body).reason
            if reason == "ExpiredProviderToken" and tokens.expired(serial, self._wall()):
                continue
            if reason == "TooManyProviderTokenUpdates":
                tokens.renewed_too_often(self._wall())
            raise refusal(answer.status, reason)

    async def _sent(
        self, request: ManagementRequest, authorization: Header, is_last: bool = False
    ) -> Answered:
        """Make a request; once more on another connection when the service has not looked at it."""
        pseudo = (b":method", request.method), (b":scheme", b"https"), (b":authority", self._authority)
        form = RequestForm(pseudo, (authorization,))
        asked = self._usable().ask(form, request.path, request.fields, request.body)
        try:
            return await asked.addTimeout(self._table.request_timeout, self._reactor)
        except RequestFailed as failed:
            if failed.again and not is_last:
                return await self._sent(request, authorization, is_last=True)
            unknown = failed.acted and request.changes
            rest = "; whether it was done is not known, list the channels" if unknown else ""
            raise ServiceFailed(f"channels: {self._where}: {failed}{rest}") from None

    def _usable(self) -> RequestConnection:
        connection = self._connection
        if connection is not None and connection.usable:
            if connection.unanswered >= MOST:
                raise Overloaded("requests about channels", connection.unanswered, MOST)
            return connection
        made = self._connection = RequestConnection(self._reactor, lambda _: http2_client(LIMITS))
        connecting: Deferred[Any] = connect(made, self._endpoint, self._reactor)
        connecting.addErrback(made.failed)
        return made
