"""Broadcast channels: managed, and published to.

From "Sending channel management requests to APNs" and "Sending broadcast push notification requests to APNs".
Apple has hosts and ports of their own for management; here it is the same port.
"""

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import partial
from typing import Final
from uuid import uuid4

import msgspec

from pushgate.protocols.apns_http2.push_request import DEVICE_PATH, parse, refusal
from pushgate.protocols.apns_push_types import LARGEST_PAYLOAD
from pushgate.simulator.accepted import Push
from pushgate.simulator.provider_answer import JSON, ProviderAnswer, new_id
from pushgate.simulator.provider_request import ProviderRequest

MOST_CHANNELS: Final = 10_000
"""Channels of an app at most."""
_PATH: Final = re.compile(
    rb"/(1/apps/(?P<managed>[A-Za-z0-9._-]{1,255})/(?P<what>channels|all-channels)"
    rb"|4/broadcasts/apps/(?P<published>[A-Za-z0-9._-]{1,255}))"
).fullmatch
_PUSH_TYPE: Final = "liveactivity"
_LONGEST_ID: Final = 64
_CHECKED: Final = {
    b"apns-expiration": b"apns-expiration",
    b"apns-priority": b"apns-priority",
    b"apns-request-id": b"apns-id",
}
"""Headers of a broadcast, and the headers of a push that they are checked like."""


class _Channel(msgspec.Struct, rename="kebab"):
    """A channel as it is asked for; what is missing has a reason of its own."""

    message_storage_policy: int | None = None
    push_type: str | None = None


_CHANNEL = msgspec.json.Decoder(_Channel)


class Channels:
    """The channels of every app: bundle id, channel id in base64, storage policy."""

    def __init__(self) -> None:
        self._of: dict[str, dict[str, int]] = {}

    def answer(self, request: ProviderRequest) -> ProviderAnswer | None:
        """The answer to a request; None when it is about no channel.

        :raises Refused: the reason.
        """
        found = _PATH(request.head.target)
        if found is None:
            return None
        ways: dict[bytes, _Way] = {b"POST": self._publish}
        if found["what"] == b"channels":
            ways = {b"POST": self._create, b"GET": self._read, b"DELETE": self._delete}
        elif found["what"] == b"all-channels":
            ways = {b"GET": self._list}
        if request.head.method not in ways:
            raise refusal(405, "MethodNotAllowed")
        bundle = (found["managed"] or found["published"]).decode()
        request.check_credential()
        request.credential.check_bundle(bundle)
        return ways[request.head.method](request, bundle)

    def _create(self, request: ProviderRequest, bundle: str) -> ProviderAnswer:
        try:
            wanted = _CHANNEL.decode(request.body)
        except (msgspec.DecodeError, RecursionError):
            raise refusal(400, "PayloadEmpty") from None
        if not wanted.push_type:
            raise refusal(400, "MissingPushType")
        if wanted.push_type.lower() != _PUSH_TYPE:
            raise refusal(400, "InvalidPushType")
        channels = self._of.setdefault(bundle, {})
        if len(channels) >= MOST_CHANNELS:
            raise refusal(400, "CannotCreateChannelConfig")
        name = b64encode(uuid4().bytes).decode()
        policy = 1 if wanted.message_storage_policy else 0
        return ProviderAnswer(
            status=201,
            headers=((b"apns-channel-id", name.encode()),),
            counts=False,
            accept=partial(channels.__setitem__, name, policy),
        )

    def _read(self, request: ProviderRequest, bundle: str) -> ProviderAnswer:
        name = self._existing(request, bundle)
        shown = {"message-storage-policy": self._of[bundle][name], "push-type": "LiveActivity"}
        return ProviderAnswer(status=200, headers=(JSON,), body=msgspec.json.encode(shown), counts=False)

    def _delete(self, request: ProviderRequest, bundle: str) -> ProviderAnswer:
        name = self._existing(request, bundle)
        return ProviderAnswer(status=204, counts=False, accept=partial(self._of[bundle].pop, name, None))

    def _list(self, request: ProviderRequest, bundle: str) -> ProviderAnswer:
        body = msgspec.json.encode({"channels": list(self._of.get(bundle, {}))})
        return ProviderAnswer(status=200, headers=(JSON,), body=body, counts=False)

    def _existing(self, request: ProviderRequest, bundle: str) -> str:
        """The channel that the headers name.

        :raises Refused: there is none.
        """
        name = _channel_id(request)
        if name not in self._of.get(bundle, {}):
            raise refusal(400, "ChannelNotRegistered")
        return name

    def _publish(self, request: ProviderRequest, bundle: str) -> ProviderAnswer:
        channel = _channel_id(request)
        push_type = request.header(b"apns-push-type")
        if push_type is None:
            raise refusal(400, "MissingPushType")
        if push_type.lower() != _PUSH_TYPE.encode():
            raise refusal(400, "InvalidPushType")
        push = _broadcast(request, bundle, channel)
        self._existing(request, bundle)
        if not request.body:
            raise refusal(400, "PayloadEmpty")
        if len(request.body) > LARGEST_PAYLOAD:
            raise refusal(413, "PayloadTooLarge")
        return ProviderAnswer(
            status=200,
            headers=((b"apns-request-id", push.apns_id.encode()),),
            accept=partial(request.record, push),
        )


_Way = Callable[[ProviderRequest, str], ProviderAnswer]


def _broadcast(request: ProviderRequest, bundle: str, channel: str) -> Push:
    """What is recorded of a broadcast, its headers checked; raise `Refused`.

    An expiration and a priority are required.
    """
    if request.header(b"apns-expiration") is None:
        raise refusal(400, "BadExpirationDate")
    if request.header(b"apns-priority") is None:
        raise refusal(400, "BadPriority")
    checked = [(_CHECKED[name], value) for name, value in request.head.headers if name in _CHECKED]
    terms = parse(b"POST", DEVICE_PATH + b"/00", checked)
    return Push(
        token=b"",
        payload=request.body,
        apns_id=terms.apns_id or new_id().decode(),
        topic=bundle,
        push_type=_PUSH_TYPE,
        priority=terms.priority,
        expiration=terms.expiration,
        channel=channel,
    )


def _channel_id(request: ProviderRequest) -> str:
    """The channel id of a request; raise `Refused` when it cannot be one."""
    value = request.header(b"apns-channel-id")
    if value is None:
        raise refusal(400, "MissingChannelId")
    try:
        if len(value) > _LONGEST_ID:
            raise refusal(400, "BadChannelId")
        b64decode(value, validate=True)
    except binascii.Error:
        raise refusal(400, "BadChannelId") from None
    return value.decode("ascii")
