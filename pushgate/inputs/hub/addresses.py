"""Signed addresses of containers and files, as answers have them."""

from typing import Final

from pushgate.inputs.hub.request import HubRequest
from pushgate.protocols.notification_hubs.blob_signature import ALL, LIST, READ, Grant, Place, query

FEEDBACK: Final = "feedback"
"""The container with the feedback of push services, a file a day."""
ERRORS: Final = "errors"
"""The container with the error details of sends, a file each."""
LIFE: Final = 5 * 86400.0
"""Seconds that an address is good for."""


def signed_container(request: HubRequest, container: str, permissions: str = ALL) -> str:
    """The address of a container, good for all that is in it."""
    return _signed(request, Place(request.hub.name, container), permissions, single=False)


def signed_feedback(request: HubRequest) -> str:
    """The address of the container with feedback."""
    return signed_container(request, FEEDBACK, READ + LIST)


def signed_file(request: HubRequest, name: str) -> str:
    """The address of the error details of a send."""
    return _signed(request, Place(request.hub.name, ERRORS, name), READ, single=True)


def _signed(request: HubRequest, place: Place, permissions: str, *, single: bool) -> str:
    grant = Grant(permissions, request.server.wall() + LIFE, single)
    path = (place.container, place.name) if place.name else (place.container,)
    return f"{request.address('blobs', *path)}?{query(place, grant, request.hub.containers.key())}"
