"""Channels over HTTP: made, listed, read and deleted."""

from typing import Final

import msgspec

from pushgate.inputs.common.json_terms import decoded
from pushgate.inputs.http.request import HTTPRequest
from pushgate.model.channel import StoragePolicy, parse_storage_policy
from pushgate.net.http.body_readers import WholeBody
from pushgate.net.http.interfaces import BodyReader
from pushgate.net.http.responses import HTTPFault, HTTPResponse, json_answer
from pushgate.plugin.upstream_interface import IChannels

MAX_BODY: Final = 1024
"""Bytes of the body of a request for a channel at most."""


class _New(msgspec.Struct, forbid_unknown_fields=True):
    message_storage_policy: int


_decode: Final = msgspec.json.Decoder(_New).decode


def read_new(request: HTTPRequest) -> BodyReader:
    """The reader of a request for a channel."""
    kind = (request.header(b"content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPFault(415, "content-type: application/json")
    return WholeBody(request, _create, MAX_BODY, request.server.reserve)


def _create(request: HTTPRequest, data: bytes) -> None:
    new: _New = decoded(_decode, data, "body", ())
    policy = parse_storage_policy(new.message_storage_policy)
    request.run(_created(request, policy))


async def _created(request: HTTPRequest, policy: StoragePolicy) -> HTTPResponse:
    return json_answer(201, {"channel": await _channels(request).create_channel(policy)})


async def list_all(request: HTTPRequest) -> HTTPResponse:
    """The ids of an app's channels."""
    return json_answer(200, {"channels": await _channels(request).list_channels()})


async def read(request: HTTPRequest) -> HTTPResponse:
    """One channel."""
    return json_answer(200, await _channels(request).read_channel(_id(request)))


async def delete(request: HTTPRequest) -> HTTPResponse:
    """Delete a channel."""
    await _channels(request).delete_channel(_id(request))
    return json_answer(200, {"deleted": True})


def _channels(request: HTTPRequest) -> IChannels:
    channels: IChannels = request.server.gateway.channels(request.parameters["app"])
    return channels


def _id(request: HTTPRequest) -> str:
    """The id in the path, which may have base64's other alphabet: its own has a slash."""
    return request.parameters["channel"].replace("-", "+").replace("_", "/")
