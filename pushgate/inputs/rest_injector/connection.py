"""One connection of the REST injector."""

from pushgate.inputs.common.session_connection import SessionConnection
from pushgate.inputs.rest_injector.request import InjectorRequest


class InjectorConnection(SessionConnection):
    """See `SessionConnection`."""

    request_class = InjectorRequest
