"""Readers of bodies that are kept until they are complete, and of requests without a body."""

from collections.abc import Callable, Coroutine
from typing import Any

from pushgate.model.errors import TooLarge
from pushgate.net.http.request import ServerRequest
from pushgate.net.http.responses import HTTPFault, HTTPResponse

Handler = Callable[[Any], HTTPResponse | Coroutine[Any, Any, HTTPResponse] | None]
"""Returns the answer to a `ServerRequest`, or a coroutine that does, or None when it answers by itself."""


class NoBody:
    """Refuses a body, and has `handle` answer."""

    def __init__(self, request: ServerRequest, handle: Handler) -> None:
        self._request, self._handle = request, handle
        if request.length:
            raise TooLarge("body", request.length, 0)

    def feed(self, data: bytes) -> None:
        raise HTTPFault(413, "body: this request takes none")

    def end(self) -> None:
        answer = self._handle(self._request)
        if isinstance(answer, HTTPResponse):
            self._request.answer(answer)
        elif answer is not None:
            self._request.run(answer)

    def close(self) -> None:
        """Free nothing."""


class IgnoredBody:
    """Reads a body that is not wanted: the request is answered by other means, such as a failed login."""

    def feed(self, data: bytes) -> None:
        """Drop the bytes."""

    def end(self) -> None:
        """Answer nothing."""

    def close(self) -> None:
        """Free nothing."""


class WholeBody:
    """Keeps a body within its limit, and passes it to `handle` when it is complete.

    :param limit: bytes.
    :param reserve: takes room for so many bytes, or gives it back when the number is below zero.
    :raises TooLarge: at once, when the head says that the body is too long.
    """

    def __init__(
        self,
        request: Any,
        handle: Callable[[Any, bytes], None],
        limit: int,
        reserve: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._request, self._handle, self._limit, self._reserve = request, handle, limit, reserve
        self._chunks: list[bytes] = []
        self._size = 0
        self._check(request.length or 0)

    def feed(self, data: bytes) -> None:
        self._check(self._size + len(data))
        self._reserve(len(data))
        self._size += len(data)
        self._chunks.append(data)

    def end(self) -> None:
        self._handle(self._request, b"".join(self._chunks))

    def close(self) -> None:
        self._reserve(-self._size)
        self._size = 0
        self._chunks.clear()

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise TooLarge("body", size, self._limit)
