"""A complete request to one of the services, with all that its answer depends on."""

import re
from collections.abc import Callable
from functools import cached_property
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl, unquote

import msgspec

from pushgate.net.http.codec import RequestHead
from pushgate.simulator.services.names import Call, ServiceName
from pushgate.simulator.services.service_answer import ServiceAnswer

MAX_BODY: Final = 1 << 20
"""Bytes of a body that are kept: no service takes as many."""


class ServiceRequest:
    """See the module.

    :param body: what was kept of it.
    :param now: Unix seconds.
    :param is_dead: whether a handle is dead.
    :ivar path: of the target, as it came.
    :ivar query: of the target.
    """

    def __init__(
        self, head: RequestHead, body: bytes, now: float, is_dead: Callable[[str], bool] = lambda _: False
    ) -> None:
        self.head, self.body, self.now, self.is_dead = head, body, now, is_dead
        self.path, _, self.query = head.target.decode("ascii").partition("?")
        self.method = head.method.decode("ascii")

    def header(self, name: str) -> str | None:
        """The first header of this name; None when it is not there."""
        wanted = name.encode()
        return next((value.decode("latin-1") for each, value in self.head.headers if each == wanted), None)

    def chosen(self, *names: str) -> dict[str, str]:
        """Those of these headers that are there, for the record."""
        found = ((name, self.header(name)) for name in names)
        return {name: value for name, value in found if value is not None}

    @property
    def host(self) -> str:
        """The host that was asked, with the port if there was one."""
        return self.header("host") or "localhost"

    @property
    def media_type(self) -> str:
        """Of the body, without parameters, in lower case."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    @cached_property
    def form(self) -> dict[str, str]:
        """The body as a form; empty when it is none."""
        try:
            return dict(parse_qsl(self.body.decode("ascii"), keep_blank_values=True, max_num_fields=1000))
        except ValueError:
            return {}

    @cached_property
    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, RecursionError):
            return None

    @property
    def bearer(self) -> str | None:
        """The access token of the request."""
        scheme, _, token = (self.header("authorization") or "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None


class Scripted(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal, as a rule wants it.

    :param message: in place of the service's usual words.
    :param field: what is at fault in the request (FCM).
    """

    status: int
    reason: str = ""
    message: str | None = None
    field: str | None = None


class Route(msgspec.Struct, frozen=True):
    """A path of a service.

    :param judge: the answer, given what the path has in it; it may raise `ServiceRefusal`.
    :param handles: the handles that a request is about, for the rules; it never raises.
    :param many: each of them is a notification of its own.
    """

    call: Call
    path: re.Pattern[str]
    judge: Callable[[ServiceRequest, dict[str, str]], ServiceAnswer]
    handles: Callable[[ServiceRequest, dict[str, str]], list[str]] = lambda _, __: []
    methods: tuple[str, ...] = ("POST",)
    many: bool = False


class Service(Protocol):
    """A push service.

    :ivar hosts: of the real one; a request to such a host is for this service only.
    """

    @property
    def name(self) -> ServiceName: ...
    @property
    def hosts(self) -> tuple[str, ...]: ...
    @property
    def routes(self) -> tuple[Route, ...]: ...
    def refusal(self, call: Call, scripted: Scripted) -> ServiceAnswer:
        """The answer that a rule wants, in the form of the service."""


def in_path(name: str = "handle") -> Callable[[ServiceRequest, dict[str, str]], list[str]]:
    """For routes whose path names the handle."""
    return lambda _, found: [unquote(found[name])]
