"""One request that the console's pages make."""

from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from pushgate.inputs.http.console.visit import Visit
from pushgate.model.principals import Operation
from pushgate.net.http.responses import HTTPResponse

Handle = Callable[[Visit], HTTPResponse | Coroutine[Any, Any, HTTPResponse] | None]
"""Returns the answer, or a coroutine that does, or None when it answers by itself."""


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path.

    :param path: names in braces are parameters.
    :param query: the parameters that it may have in the query.
    :param operation: what the visitor must be allowed, on the app of the path where it has one; None: nothing
        but to be here.
    :param changes: it needs the login's token, and `admin` besides unless `operation` is None.
    """

    method: str
    path: str
    handle: Handle
    query: tuple[str, ...] = ()
    operation: Operation | None = Operation.READ
    changes: bool = False
