"""What a provider has shown of itself on one connection, and what it may push with it."""

from typing import Final

from pushgate.protocols.apns_http2.certificate_grants import CertificateGrants
from pushgate.protocols.apns_http2.push_request import PushRequest, refusal
from pushgate.protocols.apns_http2.token_check import TokenCheck
from pushgate.protocols.apns_push_types import TYPES, of_topic

UPDATE_INTERVAL: Final = 1200.0
"""Seconds between two renewals of the provider token on one connection at least."""
_REMEMBERED: Final = 8
"""Tokens of a connection that are taken again without counting as renewals."""


class ProviderCredential:
    """One connection's.

    :param certificate: of the client, when it has shown one: provider tokens are then ignored.
    :param environment: ``production`` or ``sandbox``.
    :param topics: bundle ids that there are; none: any.
    :param update_interval: seconds.
    :ivar proven: a request came whose credential was good.
    """

    def __init__(
        self,
        certificate: CertificateGrants | None,
        tokens: TokenCheck,
        environment: str,
        topics: frozenset[str] = frozenset(),
        update_interval: float = UPDATE_INTERVAL,
    ) -> None:
        self.certificate, self._tokens, self._environment = certificate, tokens, environment
        self._topics, self._interval = topics, update_interval
        self._team: str | None = None
        self._seen: dict[bytes, None] = {}
        self._updated: float | None = None
        self.proven = False

    def check(self, authorization: bytes | None, now: float) -> None:
        """Check who sends a request.

        :param now: Unix seconds.
        :raises Refused: 403 or 429.
        """
        if self.certificate is not None:
            environments = self.certificate.environments
            if environments and self._environment not in environments:
                raise refusal(403, "BadCertificateEnvironment")
        else:
            self._check_token(authorization, now)
        self.proven = True

    def check_topic(self, request: PushRequest) -> str:
        """The topic of a push: as it says, or the only one of the certificate.

        A push type that does not go with the topic has been refused with InvalidPushType since Apple has
        push types for every topic, September 2019.

        :raises Refused: the credential cannot push to it.
        """
        topic = request.topic or self._default_topic()
        if not topic:
            return topic
        rule = TYPES[request.push_type or of_topic(topic) or "alert"]
        if request.push_type is not None and of_topic(topic) not in {None, request.push_type}:
            raise refusal(400, "InvalidPushType")
        if not topic.endswith(rule.suffix):
            raise refusal(400, "InvalidPushType")
        self.check_bundle(topic.removesuffix(rule.suffix))
        if self.certificate is not None:
            listed = self.certificate.topics
            if rule.needs_token or (listed and topic not in listed):
                raise refusal(400, "TopicDisallowed")
        return topic

    def check_bundle(self, bundle: str) -> None:
        """Raise `Refused` when there is no such app."""
        if self._topics and bundle not in self._topics:
            raise refusal(400, "TopicDisallowed")

    def _default_topic(self) -> str:
        """The only topic of the certificate; "" when it names none, as throw-away ones may."""
        if self.certificate is None or len(self.certificate.topics) > 1:
            raise refusal(400, "MissingTopic")
        return "".join(self.certificate.topics)

    def _check_token(self, authorization: bytes | None, now: float) -> None:
        token = self._tokens.check(authorization, now)
        if self._team is None:
            self._team = token.team
        elif token.team != self._team:
            raise refusal(403, "Forbidden")
        if token.text in self._seen:
            return
        if self._seen:
            if self._updated is not None and now - self._updated < self._interval:
                raise refusal(429, "TooManyProviderTokenUpdates")
            self._updated = now
        if len(self._seen) >= _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        self._seen[token.text] = None
