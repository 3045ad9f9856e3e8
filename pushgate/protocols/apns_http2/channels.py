"""Requests that manage broadcast channels, and what their answers say.

From Apple's "Sending channel management requests to APNs".
"""

import re
from collections.abc import Iterable
from typing import Final, TypeVar

import msgspec

from pushgate.model.channel import Channel, StoragePolicy
from pushgate.model.errors import Invalid, NotFound, Overloaded, Refusal, ServiceFailed, TooLarge
from pushgate.model.printable import printable
from pushgate.protocols.http_push.answers import LONGEST_REASON
from pushgate.protocols.http_push.service import Header

MOST_CHANNELS: Final = 10_000
"""Channels of an app in one environment at most."""
LONGEST_ID: Final = 255
"""Characters of a channel's id that are taken: more than Apple gives one."""
_ID: Final = b"apns-channel-id"
_is_id: Final = re.compile(r"[A-Za-z0-9+/]+={0,2}").fullmatch
_T = TypeVar("_T")


class ManagementRequest(msgspec.Struct, frozen=True):
    """A request.

    :param changes: it makes or deletes a channel, so that it matters whether it was acted on.
    """

    method: bytes
    path: bytes
    fields: tuple[Header, ...] = ()
    body: bytes = b""
    changes: bool = False


class _Created(msgspec.Struct, rename="kebab"):
    message_storage_policy: int
    push_type: str = "LiveActivity"


class _Listed(msgspec.Struct):
    channels: list[str]


class _Described(msgspec.Struct, rename="kebab"):
    message_storage_policy: int | None = None
    push_type: str = ""


_encode: Final = msgspec.json.Encoder().encode


def creating(bundle: str, policy: StoragePolicy) -> ManagementRequest:
    """The request for a new channel of the app with this bundle id."""
    body = _encode(_Created(int(policy)))
    return ManagementRequest(
        b"POST", _path(bundle, b"channels"), ((b"content-type", b"application/json"),), body, changes=True
    )


def listing(bundle: str) -> ManagementRequest:
    """The request for the ids of all channels."""
    return ManagementRequest(b"GET", _path(bundle, b"all-channels"))


def reading(bundle: str, channel: str) -> ManagementRequest:
    """The request for one channel; raise `Invalid` for what is no channel id."""
    return ManagementRequest(b"GET", _path(bundle, b"channels"), ((_ID, _checked(channel)),))


def deleting(bundle: str, channel: str) -> ManagementRequest:
    """The request that a channel be deleted; raise `Invalid` for what is no channel id."""
    fields = ((_ID, _checked(channel)),)
    return ManagementRequest(b"DELETE", _path(bundle, b"channels"), fields, changes=True)


def created(headers: Iterable[Header]) -> str:
    """The id of the channel that was made; raise `ServiceFailed` when the answer has none."""
    found = next((value.decode("latin-1") for name, value in headers if name == _ID), "")
    if not is_channel_id(found):
        raise ServiceFailed("channels: a channel was made, but the answer does not say which; list them")
    return found


def listed(body: bytes) -> list[str]:
    """The ids of all channels, sorted; raise `ServiceFailed` when the answer is no list."""
    return sorted(filter(is_channel_id, _decoded(body, _Listed).channels))


def described(channel: str, body: bytes) -> Channel:
    """A channel; raise `ServiceFailed` when the answer does not describe one."""
    found = _decoded(body, _Described)
    return Channel(channel, found.message_storage_policy, printable(found.push_type, LONGEST_REASON))


def refusal(status: int, reason: str) -> Refusal:
    """What an answer other than a success means to a caller, with Apple's reason.

    :param reason: printable, "" when there was none.
    """
    said = reason or f"HTTP{status}"
    if reason == "ChannelNotRegistered" or (status == 404 and reason != "BadPath"):
        return NotFound.from_text(f"channel: {said}; there is no such channel")
    if reason == "CannotCreateChannelConfig":
        return TooLarge.from_text(f"channels: {said}; an app has {MOST_CHANNELS} at most, delete some")
    if status == 429:
        return Overloaded.from_text(f"channels: {said}; try again later")
    if reason == "FeatureNotEnabled":
        return Invalid("channel", said, "broadcasts are to be enabled for the app at Apple's developer site")
    if status == 400:
        return Invalid("channel", said, "what the push service takes")
    return ServiceFailed(f"channels: the push service answered {status} {said}")


def is_channel_id(text: str) -> bool:
    """Whether a text can be the id of a channel: base64."""
    return len(text) <= LONGEST_ID and _is_id(text) is not None


def _checked(channel: str) -> bytes:
    if not is_channel_id(channel):
        raise Invalid("channel", "not base64", "a channel's id, as Apple gave it")
    return channel.encode()


def _path(bundle: str, what: bytes) -> bytes:
    return b"/1/apps/%b/%b" % (bundle.encode(), what)


def _decoded(body: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ServiceFailed("channels: the push service's answer cannot be understood") from None
