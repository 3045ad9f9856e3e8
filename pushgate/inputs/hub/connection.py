"""One connection of the hub input."""

from pushgate.inputs.hub.request import HubRequest
from pushgate.net.http.connection import HTTPConnection


class HubConnection(HTTPConnection):
    """See `HTTPConnection`."""

    request_class = HubRequest
