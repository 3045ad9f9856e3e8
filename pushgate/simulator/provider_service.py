"""The push service over HTTP/2, Apple's provider API: what becomes of a request, what connections share."""

from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec

from pushgate.model.errors import Invalid
from pushgate.model.notification_rules import check_json_object
from pushgate.net.http.codec import CodecLimits, RequestHead
from pushgate.protocols.apns_http2.certificate_grants import CertificateGrants
from pushgate.protocols.apns_http2.push_request import Refused, check_payload, parse, refusal
from pushgate.protocols.apns_http2.token_check import TokenCheck
from pushgate.protocols.apns_push_types import LARGEST_PAYLOAD
from pushgate.simulator.accepted import Push
from pushgate.simulator.channels import Channels
from pushgate.simulator.fault_script import FaultScript, ScriptedDeadTokens
from pushgate.simulator.provider_answer import ProviderAnswer, new_id
from pushgate.simulator.provider_credential import ProviderCredential
from pushgate.simulator.provider_request import ProviderRequest
from pushgate.simulator.received_log import ReceivedLog
from pushgate.simulator.request_rules import Answer

MAX_BODY: Final = LARGEST_PAYLOAD + 1
"""Bytes of a body that are kept: what is longer is too large, however large it is."""
_HEAD: Final = 8192
_DEVICE: Final = b"/3/device/"


class ProviderTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says of the provider API; see `SimulatorTable`."""

    environment: str
    topics: frozenset[str]
    streams: int
    update_interval: float


class ProviderService:
    """State that all connections share.

    :param wall: Unix seconds.
    :ivar script: may be replaced at any time; the next request is judged by the new one.
    """

    def __init__(
        self,
        script: FaultScript,
        dead: ScriptedDeadTokens,
        received: ReceivedLog,
        tokens: TokenCheck,
        terms: ProviderTerms,
        wall: Callable[[], float],
    ) -> None:
        self.script, self.received, self.wall = script, received, wall
        self._dead, self._tokens, self._terms = dead, tokens, terms
        self.channels = Channels()

    def credential(self, certificate: CertificateGrants | None) -> ProviderCredential:
        """What a connection has shown, at its beginning.

        :param certificate: of the client, if it has one.
        """
        terms = self._terms
        return ProviderCredential(
            certificate, self._tokens, terms.environment, terms.topics, terms.update_interval
        )

    def limits(self, credential: ProviderCredential) -> CodecLimits:
        """What a new connection may do: one request at a time before its first good provider token."""
        return CodecLimits(head=_HEAD, streams=1 if credential.certificate is None else self._terms.streams)

    @property
    def streams(self) -> int:
        """Concurrent ones of a connection whose credential is good."""
        return self._terms.streams

    @property
    def shows_unique_id(self) -> bool:
        """Whether an answer has ``apns-unique-id``: in Apple's development environment."""
        return self._terms.environment == "sandbox"

    def request(
        self, number: int, head: RequestHead, body: bytes, credential: ProviderCredential, undying: bool
    ) -> ProviderRequest:
        """A complete request of the nth connection; see `ProviderRequest`."""
        return ProviderRequest(head, body, credential, self.wall(), partial(self._record, number), undying)

    def judge(self, request: ProviderRequest) -> ProviderAnswer:
        """What the service answers by itself. It is accepted only by `ProviderAnswer.accept`."""
        try:
            return self.channels.answer(request) or self._push(request)
        except Refused as refused:
            row = refused.answer
            return ProviderAnswer(
                status=row.status,
                reason=row.reason,
                timestamp=int(request.now * 1000) if row.status == 410 else None,
                counts=not request.head.target.startswith(b"/1/"),
            )

    def scripted(self, rule: Answer, answer: ProviderAnswer) -> ProviderAnswer:
        """The answer that a rule wants."""
        timestamp = rule.timestamp
        if timestamp is None and rule.status == 410:
            timestamp = int(self.wall() * 1000)
        headers = (answer.headers if rule.status < 300 else ()) + rule.further_headers(self.wall())
        return ProviderAnswer(
            status=rule.status, reason=rule.words, timestamp=timestamp, headers=headers, counts=answer.counts
        )

    def enter(self, answer: ProviderAnswer) -> None:
        """Enter in the record what an answer accepts or refuses."""
        if answer.accept is not None:
            answer.accept()
        else:
            self.enter_refused(answer)

    def enter_refused(self, answer: ProviderAnswer) -> None:
        """Enter what an answer refuses."""
        if answer.counts:
            self.received.rejected[answer.status] += 1
            self.received.reasons[answer.reason] += 1

    def enter_unanswered(self, answer: ProviderAnswer, accepted: bool) -> None:
        """Enter what does not get this answer.

        :param accepted: it is accepted nevertheless, if the answer would accept it.
        """
        if accepted and answer.accept is not None:
            answer.accept()
        elif answer.counts:
            self.received.discarded += 1

    def _push(self, request: ProviderRequest) -> ProviderAnswer:
        """The answer to a push to a device; raise `Refused`."""
        head = request.head
        found = parse(
            head.method, head.target, head.headers, lambda value: request.credential.check(value, request.now)
        )
        topic = request.credential.check_topic(found)
        check_payload(found, request.body)
        _check_json(request.body)
        if found.token in self._dead and not request.undying:
            raise refusal(410, "Unregistered")
        apns_id = found.apns_id or new_id().decode()
        push = Push(
            token=found.token,
            payload=request.body,
            apns_id=apns_id,
            topic=topic,
            push_type=found.push_type,
            priority=found.priority,
            expiration=found.expiration,
            collapse_id=found.collapse_id,
        )
        ids = ((b"apns-id", apns_id.encode()),)
        return ProviderAnswer(status=200, headers=ids, accept=partial(request.record, push))

    def _record(self, number: int, push: Push) -> None:
        self.received.record_push(number, push, self.wall())


def _check_json(payload: bytes) -> None:
    """Raise `Refused` for a payload that is no JSON object, for which Apple has no reason of its own."""
    try:
        check_json_object(payload)
    except Invalid:
        raise refusal(400, "PayloadEmpty") from None


def token_of(target: bytes) -> bytes:
    """The device token that a path names, for the rules; empty when there is none that can be read."""
    if not target.startswith(_DEVICE):
        return b""
    try:
        return bytes.fromhex(target[len(_DEVICE) :].decode("ascii"))
    except ValueError:
        return b""
