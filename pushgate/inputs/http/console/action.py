"""A request that the console's pages make: its path, its permissions and its handler."""

from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from pushgate.inputs.http.console.visit import Visit
from pushgate.model.principals import Operation
from pushgate.net.http.responses import HTTPResponse

Handle = Callable[[Visit], HTTPResponse | Coroutine[Any, Any, HTTPResponse] | None]
"""Returns the answer or a coroutine that returns it; or None, and then answers the request itself."""


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path.

    :param path: names in braces are parameters.
    :param query: the names of the query parameters that are allowed.
    :param operation: the operation that the visitor needs, on the app of the path if it has one; None: any
        visitor may make the request.
    :param changes: the request needs the login's CSRF token, and `admin` unless `operation` is None.
    """

    method: str
    path: str
    handle: Handle
    query: tuple[str, ...] = ()
    operation: Operation | None = Operation.READ
    changes: bool = False
