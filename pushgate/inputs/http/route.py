"""One method of one path of the HTTP input."""

from collections.abc import Callable
from functools import partial

import msgspec

from pushgate.inputs.http.openapi import Described
from pushgate.inputs.http.request import HTTPRequest
from pushgate.model.principals import Operation
from pushgate.net.http.body_readers import Handler, NoBody
from pushgate.net.http.interfaces import BodyReader


class Route(msgspec.Struct, frozen=True):
    """One method of one path.

    :param reader: makes the reader of the body, which answers.
    :param operation: what the caller must be allowed, unless its path is open to all.
    :param described: method, path, and everything else that callers see.
    """

    reader: Callable[[HTTPRequest], BodyReader]
    operation: Operation
    described: Described


def asks(handle: Handler) -> Callable[[HTTPRequest], BodyReader]:
    """The reader of a request without a body."""
    return partial(NoBody, handle=handle)
