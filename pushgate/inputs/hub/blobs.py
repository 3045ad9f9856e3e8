"""Containers over REST, as far as clients of Azure's blob storage need them: files are listed, put and got.

Two containers are not on disk: `FEEDBACK` and `ERRORS` are made of the hub's entries as they are read.
"""

from contextlib import suppress
from typing import Final

from twisted.internet.defer import Deferred

from pushgate.inputs.hub import blob_files, feedback_files
from pushgate.inputs.hub.addresses import ERRORS, FEEDBACK
from pushgate.inputs.hub.blob_upload import BlobUpload
from pushgate.inputs.hub.errors import XML
from pushgate.inputs.hub.request import HubRequest
from pushgate.inputs.hub.route import Route, no_body
from pushgate.net.http.body_readers import NoBody
from pushgate.net.http.interfaces import BodyReader
from pushgate.net.http.responses import HTTPFault, HTTPResponse
from pushgate.plugin.hub_interface import IContainers
from pushgate.protocols.notification_hubs.blob_signature import (
    LIST,
    READ,
    WRITE,
    Place,
    check_container,
    check_name,
    permits,
)
from pushgate.protocols.notification_hubs.container_xml import Blob, listing

PAGE: Final = 5000
"""Files of a list at a time, at most."""
_DENIED: Final = "sig: this address does not permit it, or has expired; get another one"
_VIRTUAL: Final = frozenset({FEEDBACK, ERRORS})


async def list_files(request: HubRequest) -> HTTPResponse:
    """The files of a container."""
    place, query = _permitted(request, LIST), request.query
    prefix, after = query.text("prefix") or "", query.text("marker") or ""
    top = query.number("maxresults", PAGE, PAGE)
    if place.container == FEEDBACK:
        found = await feedback_files.list_days(request, prefix, after)
    else:
        found = await request.in_thread(
            _files, request.hub.containers, place.container, prefix, after, top + 1
        )
    more = found[top - 1].name if len(found) > top else ""
    address = request.address("blobs", place.container)
    return HTTPResponse(200, listing(address, found[:top], prefix, more), XML)


def _files(containers: IContainers, container: str, prefix: str, after: str, limit: int) -> list[Blob]:
    """Some files as the list has them, those left out that went while they were looked at."""
    found = []
    for name, path in containers.files(container, prefix, after, limit):
        with suppress(FileNotFoundError):
            found.append(blob_files.described(name, path))
    return found


def get_file(request: HubRequest) -> None:
    """A file, or a part of it; answered piece by piece."""
    place = _permitted(request, READ)
    Deferred.fromCoroutine(_get(request, place)).addErrback(request.fail)


async def _get(request: HubRequest, place: Place) -> None:
    if place.container in _VIRTUAL:
        await feedback_files.answer(request, place)
    else:
        await blob_files.answer(request, request.hub.containers.path(place.container, place.name))


def put_file(request: HubRequest) -> BodyReader:
    """The reader of a file that is put into a container."""
    place = _permitted(request, WRITE)
    if place.container in _VIRTUAL:
        raise HTTPFault(403, "container: this one is read only")
    if request.query.text("comp") is not None:
        raise HTTPFault(501, "comp: not supported; put the file in one piece")
    path = request.hub.containers.path(place.container, place.name)
    return BlobUpload(request, path, request.server.config.max_blob)


def _permitted(request: HubRequest, permission: str) -> Place:
    """The place that a request is about; raise `HTTPFault` when its address does not permit that."""
    container = check_container(request.parameters["container"])
    name = request.parameters.get("name", "").strip("/")
    if name:
        check_name(name)
    place = Place(request.hub.name, container, name)
    key = request.hub.containers.key()
    if not permits(place, request.query.text, permission, request.server.wall(), key):
        raise HTTPFault(403, _DENIED)
    return place


def _gets(request: HubRequest) -> BodyReader:
    return NoBody(request, get_file)


ROUTES: Final = (
    Route("GET", "blobs/{container}", None, no_body(list_files)),
    Route("GET", "blobs/{container}/{name*}", None, _gets),
    Route("HEAD", "blobs/{container}/{name*}", None, _gets),
    Route("PUT", "blobs/{container}/{name*}", None, put_file),
)
