"""The server of one REST injector, which builds its connections and routes requests."""

from typing import Any, Final

from pushgate.inputs.common.batching import Batcher
from pushgate.inputs.common.http_authentication import authenticate
from pushgate.inputs.common.http_connections import HTTPConnections
from pushgate.inputs.common.momentum import Recipients
from pushgate.inputs.common.session import Authenticator
from pushgate.inputs.rest_injector.connection import InjectorConnection
from pushgate.inputs.rest_injector.injection import inject
from pushgate.inputs.rest_injector.request import InjectorRequest
from pushgate.inputs.rest_injector.settings import RestInjectorTable
from pushgate.model.principals import Operation
from pushgate.net.http.body_readers import NoBody, WholeBody
from pushgate.net.http.browser_guard import BrowserGuard
from pushgate.net.http.interfaces import BodyReader
from pushgate.net.http.responses import HTTPFault, HTTPResponse
from pushgate.net.listener import Listener
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway

PATHS: Final = frozenset({b"/v1.0/inject/", b"/v1.0/inject"})
_ALIVE: Final = HTTPResponse(200, b"", b"text/plain")


class RestInjectorServer(HTTPConnections):
    """Builds the connections of one input.

    :param local: only this machine can connect, over TCP, and so can its browsers.
    :ivar recipients: finds the apps of recipients.
    """

    def __init__(
        self,
        name: str,
        config: RestInjectorTable,
        gateway: IGateway,
        context: Context,
        authenticator: Authenticator,
        local: bool = False,
    ) -> None:
        super().__init__(name, config, gateway, context)
        self.config, self.authenticator = config, authenticator
        self.recipients = Recipients(config, context.wall)
        self.batcher = Batcher(lambda submission: gateway.submit(submission, name), self.clock)
        self._guard = BrowserGuard(local, config.host_names)

    def connect(self) -> InjectorConnection:
        return InjectorConnection(self)

    # called by connections and requests

    def find_reader(self, request: Any) -> BodyReader:
        """Check the head of a request; return the reader of its body.

        Any ``Content-Type`` is accepted, because callers of Momentum's injector send any or none. Requests of
        web pages have an ``Origin`` and are refused by it.

        :raises HTTPFault: there is no such path, it has no such method, or a page of another origin sent it.
        :raises Forbidden: the caller may not do this.
        """
        self._guard.check(request)
        if request.head.target.partition(b"?")[0] not in PATHS:
            raise HTTPFault(404, "path: not /v1.0/inject/")
        if request.head.method in {b"GET", b"HEAD"}:
            return NoBody(request, lambda _: _ALIVE)
        if request.head.method != b"POST":
            raise HTTPFault(405, "method: not one of GET, HEAD, POST", (b"allow", b"GET, HEAD, POST"))
        return authenticate(request) or self._body(request)

    def _body(self, request: InjectorRequest) -> BodyReader:
        request.session.permit(Operation.PUSH)
        if request.header(b"content-encoding") not in (None, "identity"):
            raise HTTPFault(415, "content-encoding: only identity")
        return WholeBody(request, inject, self.config.max_body, self.reserve)

    # called by the input

    async def stop(self, *listeners: Listener) -> None:
        self.authenticator.stop()
        await super().stop(*listeners)
