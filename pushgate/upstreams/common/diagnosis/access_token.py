"""Obtaining an access token, as an upstream does."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as TimedOut

from pushgate.model.finding import Finding, failure, ok, warning
from pushgate.model.printable import printable
from pushgate.net.diagnosis.handshake import Greeting
from pushgate.plugin.examination import Examination
from pushgate.protocols.http_push.service import Header
from pushgate.upstreams.common.circuit_breaker import Cause
from pushgate.upstreams.common.diagnosis.reach import Place, Reach
from pushgate.upstreams.common.diagnosis.request import SLOW
from pushgate.upstreams.common.http_push.authorization import Authorization, Unauthorized


def token_place(url: str, like: Place) -> Place:
    """The token service of a URL, as an app reaches it.

    :param like: the push service, by the same trust and proxy.
    """
    parts = urlsplit(url)
    return replace(like, host=str(parts.hostname), port=parts.port or 443, prefix="token-")


async def obtain(
    authorization: Authorization, place: Place | None, examination: Examination, obtained: list[Header]
) -> AsyncIterator[Finding]:
    """Obtain what authenticates requests; the findings on the way.

    :param place: the token service; None: none is needed.
    :param obtained: is given the headers.
    """
    if place is not None:
        greeting = Greeting()
        reach = Reach(place, greeting, examination)
        try:
            async for each in reach.findings():
                yield each
        finally:
            greeting.abort()
        if not reach.is_open:
            return
    headers, found = await TokenWait(authorization, examination).headers()
    obtained.extend(headers or ())
    for each in found:
        yield each


class TokenWait:
    """An upstream that only waits for its access token. See `AuthorizedUpstream`."""

    def __init__(self, authorization: Authorization, examination: Examination) -> None:
        self._authorization, self._examination = authorization, examination
        self._came: Deferred[Unauthorized | None] = Deferred()

    def wake(self) -> None:
        """There is a token."""
        if not self._came.called:
            self._came.callback(None)

    def unauthorized(self, refusal: Unauthorized) -> None:
        """There is none."""
        if not self._came.called:
            self._came.callback(refusal)

    async def headers(self) -> tuple[tuple[Header, ...] | None, list[Finding]]:
        """The headers that authenticate, None when there are none, and what was found."""
        authorization, given = self._authorization, self._examination
        found = authorization.headers(given.wall())
        if found is not None:
            return found[0], []
        authorization.attach(self)
        asked_at = given.reactor.seconds()
        try:
            refusal = await self._came.addTimeout(given.timeout, given.reactor)
        except TimedOut:
            refusal = Unauthorized(Cause.TIMED_OUT, f"there was no answer within {given.timeout:g} s")
        finally:
            authorization.detach(self)
        found = authorization.headers(given.wall()) if refusal is None else None
        if found is None:
            return None, [_refused(refusal or Unauthorized(Cause.TOKEN_SERVICE, "it is of no use"))]
        return found[0], [_obtained(given.reactor.seconds() - asked_at, given.timeout)]


def _obtained(took: float, timeout: float) -> Finding:
    if took > SLOW * timeout:
        return warning(
            "token-slow", f"it took {took:.1f} s to obtain an access token", "a start waits for it",
            "if it is so again, look for what is slow between",
        )  # fmt: skip
    return ok("token", "an access token was obtained; it is not shown")


def _refused(refusal: Unauthorized) -> Finding:
    words = printable(refusal.text)
    if refusal.cause is Cause.CREDENTIAL_REJECTED:
        return failure(
            "token-refused", f"no access token: {words}", "the token service does not know this credential",
            "compare id and secret with the console of the service; make a new secret if it was withdrawn",
        )  # fmt: skip
    if refusal.cause is Cause.TIMED_OUT:
        return failure(
            "token-missing", f"no access token: {words}", "the token service is overloaded, or stuck",
            "try again in a while",
        )  # fmt: skip
    if not refusal.answered:
        return failure(
            "token-lost", f"no access token: {words}", "the token service ends connections without an answer",
            "try again in a while; with a proxy, ask who runs it",
        )  # fmt: skip
    return failure(
        "token-trouble",
        f"no access token: {words}",
        "the token service is in trouble",
        "try again in a while",
    )
