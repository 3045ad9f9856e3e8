"""One connection of the HTTP input."""

from pushgate.inputs.common.session_connection import SessionConnection
from pushgate.inputs.http.request import HTTPRequest


class InputConnection(SessionConnection):
    """See `SessionConnection`."""

    request_class = HTTPRequest
