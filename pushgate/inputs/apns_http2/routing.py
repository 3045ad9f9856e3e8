"""The app of a request, and the terms of its notification."""

from typing import Final

import msgspec

from pushgate.inputs.apns_http2.settings import ApnsHTTP2InputTable
from pushgate.model.notification import MAX_EXPIRATION, Priority, Terms
from pushgate.protocols.apns_http2.push_request import PushRequest, refusal
from pushgate.protocols.apns_push_types import TYPES, of_topic

_MOST: Final = 1000
"""Different terms that are remembered: a client sends much on the same."""


class Routing:
    """Finds apps by the input's configuration."""

    def __init__(self, config: ApnsHTTP2InputTable) -> None:
        self._app, self._topics = config.app, config.topics
        self._terms: dict[tuple[object, ...], tuple[Terms, bytes]] = {}

    def app(self, topic: str | None) -> str:
        """The app of a topic, which may have the suffix of a push type.

        :raises Refused: MissingTopic or TopicDisallowed.
        """
        found = self._app
        if topic is not None and self._topics:
            found = self._topics.get(topic) or self._without_suffix(topic) or found
        if found is None:
            raise refusal(400, "MissingTopic" if topic is None else "TopicDisallowed")
        return found

    def terms(self, request: PushRequest) -> tuple[Terms, bytes]:
        """The terms of a request, and the same as JSON."""
        key = request.expiration, request.priority, request.collapse_id, request.push_type, request.topic
        found = self._terms.get(key)
        if found is None:
            if len(self._terms) >= _MOST:
                self._terms.clear()
            found = self._terms[key] = _terms(request), msgspec.json.encode(key)
        return found

    def _without_suffix(self, topic: str) -> str | None:
        push_type = of_topic(topic)
        return push_type and self._topics.get(topic.removesuffix(TYPES[push_type].suffix))


def _terms(request: PushRequest) -> Terms:
    expiration, priority = request.expiration, request.priority
    return Terms(
        expiration=None if expiration is None else min(expiration, MAX_EXPIRATION),
        priority=None if priority is None else Priority(priority),
        collapse_id=request.collapse_id,
        push_type=request.push_type,
        topic=request.topic,
    )
