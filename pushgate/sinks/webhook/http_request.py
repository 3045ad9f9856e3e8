"""One POST request, and what came back of it."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import msgspec
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from pushgate.model.authority import authority, bracketed
from pushgate.model.errors import PushgateError, SinkDown
from pushgate.model.printable import printable
from pushgate.net.guarded_endpoint import GuardedEndpoints
from pushgate.net.http.client import HTTPClient
from pushgate.protocols.http_push.retry_after import retry_after

LONGEST_WAIT: Final = 3600.0
"""Seconds that an answer can make us wait at most."""
_PORTS: Final = {"http": 80, "https": 443}


class WebhookAnswer(msgspec.Struct, frozen=True):
    """What the other side said.

    :param retry_after: seconds it wants us to wait, 0 when it does not say.
    """

    status: int
    retry_after: float = 0.0


class Poster:
    """Sends requests to one URL, over one connection that is kept.

    :param timeout: seconds for a connection, the request and the status of the answer together.
    :param wall: Unix seconds.
    """

    def __init__(
        self,
        url: str,
        endpoints: GuardedEndpoints,
        timeout: float,
        reactor: Any,
        wall: Callable[[], float],
    ) -> None:
        self._timeout, self._reactor, self._wall = timeout, reactor, wall
        parts = urlsplit(url)
        self._target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        port = parts.port or _PORTS[parts.scheme]
        endpoint = endpoints.endpoint(str(parts.hostname), port, secure=parts.scheme == "https")
        self._client = HTTPClient(endpoint, _host(parts), reactor)

    async def post(self, body: bytes, headers: Mapping[str, str]) -> WebhookAnswer:
        """Send a request; raise `SinkDown` when there is no answer."""
        asked = Deferred.fromCoroutine(self._client.request("POST", self._target, headers.items(), body))
        asked.addTimeout(self._timeout, self._reactor, self._late)
        try:
            answer = await asked
        except (CancelledError, SinkDown):
            raise
        except Exception as error:  # each layer below has errors of its own
            raise SinkDown(_why(error)) from error
        wait = retry_after(answer.headers.get("retry-after"), self._wall()) or 0.0
        return WebhookAnswer(answer.status, min(LONGEST_WAIT, wait))

    def close(self) -> Deferred[None]:
        """Close the connection that is kept."""
        return self._client.close()

    def _late(self, result: object, timeout: float) -> object:
        if isinstance(result, Failure):
            return Failure(SinkDown(f"no answer within {timeout:g} s"))
        return result  # its body alone is late


def _host(parts: SplitResult) -> str:
    """The value of the header of this name: with the port unless that is the scheme's."""
    host, port = parts.hostname or "", parts.port
    return bracketed(host) if port in {None, _PORTS[parts.scheme]} else authority(host, port)


def _why(error: Exception) -> str:
    if isinstance(error, PushgateError) or not str(error):
        return printable(error) or type(error).__name__
    return printable(f"{type(error).__name__}: {error}".rstrip("."))
