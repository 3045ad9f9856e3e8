"""One provider's connection over HTTP/2: requests to the service, and answers with Apple's headers."""

from twisted.internet.interfaces import IReactorTime

from pushgate.net.http.codec import Header, HTTP2ServerCodec, RequestHead
from pushgate.net.http.http2 import http2_codec
from pushgate.protocols.apns_http2.certificate_grants import grants
from pushgate.simulator.connection_gate import ConnectionGate
from pushgate.simulator.provider_answer import JSON, ProviderAnswer, new_id
from pushgate.simulator.provider_service import MAX_BODY, ProviderService, token_of
from pushgate.simulator.request_connection import RequestConnection
from pushgate.simulator.request_rules import Pass, RequestRule


class ProviderConnection(RequestConnection[ProviderAnswer]):
    """See the module."""

    max_body = MAX_BODY

    def __init__(
        self, service: ProviderService, clock: IReactorTime, gate: ConnectionGate, number: int
    ) -> None:
        super().__init__(service, clock, gate, number)
        self._service = service
        self._raised = False

    def make_codec(self) -> HTTP2ServerCodec:
        peer = self.transport.getPeerCertificate()
        certificate = None if peer is None else grants(peer.to_cryptography())
        self._credential = self._service.credential(certificate)
        self._raised = certificate is not None
        return http2_codec(self._service.limits(self._credential))

    def first_rule(self) -> RequestRule | None:
        return self._service.script.for_request(self.number, 0, b"")

    def decide(self, head: RequestHead, body: bytes) -> tuple[RequestRule | None, ProviderAnswer]:
        script = self._service.script
        rule = None
        if script.about_requests:
            rule = script.for_request(self.number, self._place, token_of(head.target))
        asked = self._service.request(self.number, head, body, self._credential, isinstance(rule, Pass))
        answer = self._service.judge(asked)
        if answer.counts:
            self._service.received.frames += 1
        return rule, answer

    def content(
        self, head: RequestHead, answer: ProviderAnswer, body: bytes | None
    ) -> tuple[int, tuple[Header, ...], bytes]:
        headers = self._ids(head, answer)
        if answer.reason:
            headers += (JSON,)
        return answer.status, headers + answer.headers, answer.content() if body is None else body

    def answered(self, answer: ProviderAnswer) -> None:
        """All streams are there once a provider token has proved good."""
        if self._credential.proven and not self._raised and answer.status != 403:
            self.limit_streams(self._service.streams)

    def limit_streams(self, streams: int) -> None:
        """Announce another number of concurrent streams. It is then not raised by itself."""
        self._raised = True
        super().limit_streams(streams)

    def _ids(self, head: RequestHead, answer: ProviderAnswer) -> tuple[Header, ...]:
        """The headers that say which request is answered, unless the answer has them."""
        name = b"apns-request-id" if head.target.startswith((b"/1/", b"/4/")) else b"apns-id"
        found = next((value for each, value in head.headers if each == name), None)
        ids: tuple[Header, ...] = ()
        if not any(each[0] == name for each in answer.headers):
            ids = ((name, found or new_id()),)
        if self._service.shows_unique_id and answer.status == 200 and name == b"apns-id":
            ids += ((b"apns-unique-id", new_id().lower()),)
        return ids
