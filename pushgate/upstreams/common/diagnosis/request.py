"""A request that can reach no device, by which a service shows whether it accepts the credential."""

from collections.abc import AsyncIterator, Callable
from email.utils import parsedate_to_datetime
from typing import Any, Final

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as TimedOut

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.finding import Finding, failure, ok, warning
from pushgate.model.notification import Batch, Delivery, Terms
from pushgate.model.packed import Packed
from pushgate.model.printable import printable
from pushgate.net.diagnosis.http_probe import HTTPProbe, Lost, Request
from pushgate.net.diagnosis.tls_trouble import alert_finding
from pushgate.net.http.client_codec import Abandoned, Answered, Broken, RequestForm
from pushgate.plugin.examination import Examination
from pushgate.protocols.http_push.answers import Answer, Follows
from pushgate.protocols.http_push.plain_service import value_of
from pushgate.protocols.http_push.service import Header
from pushgate.upstreams.common.http_push.server import Server

SLOW: Final = 0.25
"""An answer that takes more than this share of its time is slow."""
SKEW, WRONG = 60.0, 300.0
"""Seconds that clocks may differ before there is a warning, and a failure."""


class Impossible(msgspec.Struct, frozen=True):
    """A notification that no device can get: neither its target nor its message can be one.

    :param refused_as: the reasons for which a service refuses it that accepts the credential.
    """

    target: bytes
    payload: bytes
    refused_as: frozenset[str]

    def span(self, app: str, wall: float) -> BatchSlice:
        """The notification, as upstreams have it."""
        batch = Batch(
            id=0, order=0, app=app, tokens=Packed.of([self.target], 2), payload=self.payload,
            terms=Terms(expiration=0), delivery=Delivery.AT_MOST_ONCE, accepted_at=wall, waiting_since=0.0,
        )  # fmt: skip
        return BatchSlice(batch, 0, 1)


class ServiceRequest:
    """Makes the request on a connection that is secured, and says what came of it.

    :param authorization: the headers that authenticate.
    :param needs_http2: the service speaks nothing else.
    """

    def __init__(
        self,
        app: str,
        server: Server,
        impossible: Impossible,
        authorization: tuple[Header, ...],
        examination: Examination,
        needs_http2: bool = False,
    ) -> None:
        self._server, self._impossible, self._needs_http2 = server, impossible, needs_http2
        self._reactor, self._wall, self._timeout = examination.reactor, examination.wall, examination.timeout
        self._span = impossible.span(app, self._wall())
        self._authorization = authorization

    async def findings(self, probe: HTTPProbe) -> AsyncIterator[Finding]:
        """The findings, up to the first that fails."""
        if self._needs_http2 and probe.agreed != b"h2":
            yield warning(
                "alpn", "HTTP/2 was not agreed on with ALPN",
                "the service agrees on h2: something between takes TLS apart, or it is not the service",
                "have the proxy leave this host alone; check host",
            )  # fmt: skip
        asked_at = self._reactor.seconds()
        probe.ask(self._request())
        result = await self._within(probe.result)
        if probe.settings.called:
            yield ok("http2", f"HTTP/2: SETTINGS came, {await probe.settings} requests at a time")
        if not isinstance(result, Answered):
            yield await self._no_answer(result, probe)
            return
        took = self._reactor.seconds() - asked_at
        if took > SLOW * self._timeout:
            yield warning(
                "answer-slow", f"the answer took {took:.1f} s", "each connection sends so much less",
                "if it is so again, raise connections, and look for what is slow between",
            )  # fmt: skip
        for each in self._read(result):
            yield each
        for each in await self._afterwards(probe):
            yield each

    def _request(self) -> Request:
        service = self._server.service
        [member] = service.members(self._span)
        fields = (*self._authorization, *service.fields(self._span, member.kind))
        return Request(RequestForm(service.pseudo, fields), member.path, member.unlike, member.body)

    async def _within(self, result: Deferred[Any]) -> Any:
        """What a Deferred fires with; None when it does not in time."""
        try:
            return await result.addTimeout(self._timeout, self._reactor)
        except TimedOut:
            return None

    async def _no_answer(self, result: Any, probe: HTTPProbe) -> Finding:
        where = self._server.where
        if isinstance(result, Lost):
            return alert_finding(result.reason, where) or _lost(where, probe)
        if isinstance(result, Broken):
            return _broken(where, result.text, probe.settings.called)
        if isinstance(result, Abandoned):
            return _reset(where, result.code, probe, self._server.service.read_goaway)
        return await self._silent(where, probe)

    async def _silent(self, where: str, probe: HTTPProbe) -> Finding:
        """Say why there is no answer: a PING shows whether the service reads at all."""
        if probe.ping() and not await self._within(probe.pinged):
            return _unread(where)
        return failure(
            "answer-missing", f"{where} does not answer a request within {self._timeout:g} s",
            "the service is overloaded, or something between holds answers back", "try again in a while",
        )  # fmt: skip

    async def _afterwards(self, probe: HTTPProbe) -> list[Finding]:
        """What becomes of the connection behind the answer; a PING brings it to light."""
        where = self._server.where
        is_there = await self._within(probe.pinged) if probe.ping() else True
        if probe.going_away is not None:
            return [_going_away(where, probe.going_away.debug)]
        if probe.fault is not None:
            return [_broken(where, probe.fault.text, True)]
        if is_there is None:
            return [_unread(where)]
        return [] if is_there else [_closed(where)]

    def _read(self, answered: Answered) -> list[Finding]:
        wall = self._wall()
        sent = self._span, 0, 0.0, 0
        reply = self._server.service.read(sent, answered.status, answered.headers, answered.body, wall)
        found = [_of_answer(reply.row, self._impossible.refused_as, self._server.where)]
        return [*found, *_clock(value_of(answered.headers, b"date"), wall)]


def _unread(where: str) -> Finding:
    return failure(
        "answer-unread", f"{where} has stopped reading: it does not answer a PING",
        "the service is stuck, or something between has lost the connection", "try again in a while",
    )  # fmt: skip


def _closed(where: str) -> Finding:
    return warning(
        "closed-after-answer", f"{where} closes the connection behind an answer, without GOAWAY",
        "each notification would need a connection of its own, which looks like an attack to a service",
        "look for a proxy between that does not keep connections",
    )  # fmt: skip


def _lost(where: str, probe: HTTPProbe) -> Finding:
    if probe.going_away is not None:
        return _going_away(where, probe.going_away.debug)
    return failure(
        "answer-lost", f"{where} ends the connection in place of an answer",
        "the service does not want this request, or something between ends connections",
        "try again in a while; with a proxy, ask who runs it",
    )  # fmt: skip


def _broken(where: str, text: str, is_http: bool) -> Finding:
    if is_http:
        return failure(
            "http-broken", f"{where} breaks a rule of HTTP: {printable(text)}",
            "something between changes what is said, or the service has a defect", "look for a proxy between",
        )  # fmt: skip
    return failure(
        "http-not-spoken", f"{where} speaks TLS, but not the HTTP that was agreed on: {printable(text)}",
        "something else listens there, or a proxy answers in place of the service", "check host and port",
    )  # fmt: skip


def _reset(where: str, code: int, probe: HTTPProbe, read_goaway: Callable[[bytes], Answer]) -> Finding:
    if probe.going_away is not None:
        row = read_goaway(probe.going_away.debug)
        if row.follows is Follows.HELD:
            return _of_answer(row, frozenset(), where)
        return _going_away(where, probe.going_away.debug)
    return failure(
        "answer-reset", f"{where} resets the request, with code {code} of HTTP/2",
        "the service does not want to answer it", "try again in a while",
    )  # fmt: skip


def _going_away(where: str, debug: bytes) -> Finding:
    said = f", saying {printable(debug)}" if debug else ""
    return warning(
        "service-going", f"{where} sends GOAWAY{said}", "this server shuts down; another takes its place",
        "nothing, unless it is so again and again",
    )  # fmt: skip


def _of_answer(row: Answer, expected: frozenset[str], where: str) -> Finding:
    """What the answer to a notification that cannot be one says of the credential."""
    said = f"{row.status} {row.reason}".rstrip() + (f": {row.words}" if row.words else "")
    reason = row.reason.partition(":")[0]
    if row.follows in {Follows.REJECTED, Follows.DEAD} and reason in expected:
        return ok("credential", f"{where} accepts it, and refuses a notification that cannot be one ({said})")
    if row.follows in {Follows.HELD, Follows.RENEW_TOKEN}:
        return _held(row, where, said)
    if row.follows in {Follows.LATER, Follows.NEW_CONNECTION} and row.status != 429:
        return failure(
            "service-trouble", f"{where} is in trouble: {said}", "notifications wait until it is over",
            "look at the service's status page, and try again in a while",
        )  # fmt: skip
    if row.follows in {Follows.LATER, Follows.DEVICE_LATER, Follows.KEEP_TOKEN}:
        return warning(
            "service-throttles", f"{where} has had too much: {said}", "it takes less for a while",
            "lower rate, or see who else uses this credential",
        )  # fmt: skip
    check, what = "answer-odd", f"{where} answers a notification that cannot be one with {said}"
    if row.follows is Follows.ACCEPTED:
        check, what = "answer-accepted", f"{where} accepts a notification that cannot be one"
    return warning(
        check, what, "this says nothing of the credential: it may not be the service that answers",
        "check host and port, and the app's other keys",
    )  # fmt: skip


_HELD: Final = {
    "wrong-topic": ("credential-topic", "the credential is not for this app's topic",
                    "set topic to the bundle id that the certificate or key is for"),
    "wrong-environment": ("credential-environment", "the credential is for the other environment",
                          "set environment to the one that the certificate or key is for"),
    "clock-wrong": ("credential-clock", "what is signed now counts as too old: the clock is wrong",
                    "set the clock, and keep it right with NTP: timedatectl"),
    "new-token": ("credential-token", "an access token that was obtained or signed just now is not accepted",
                  "the token may be of another project or app: compare the app's id with the console"),
    "certificate-rejected": ("client-certificate-refused", "the service does not accept the certificate",
                             "take a certificate that the service itself issued, for this purpose"),
    "service-error": ("service-quota", "the app has sent as much as it may for now",
                      "wait, or have the quota raised"),
}  # fmt: skip
"""What refuses a credential, by the cause that the circuit has then."""
_CLOCK: Final = (
    "tokens that are signed here count as too old or too new; expirations are off by as much",
    "set the clock, and keep it right with NTP: timedatectl",
)
_REFUSED: Final = (
    "credential", "the service does not accept the credential: nothing goes out",
    "compare id, key and secret with what the service's console shows; make a new one if it was withdrawn",
)  # fmt: skip


def _held(row: Answer, where: str, said: str) -> Finding:
    cause = "new-token" if row.follows is Follows.RENEW_TOKEN and row.cause != "clock-wrong" else row.cause
    check, meaning, advice = _HELD.get(cause, _REFUSED)
    return failure(check, f"{where} refuses: {said}", meaning, advice)


def _clock(date: bytes, wall: float) -> list[Finding]:
    """How far the clocks of the service and of this machine are apart."""
    try:
        skew = wall - parsedate_to_datetime(date.decode("latin-1")).timestamp()
    except (ValueError, TypeError):
        return []
    if abs(skew) < SKEW:
        return [ok("clock", f"this machine's clock is within {SKEW:g} s of the service's")]
    word, side = failure if abs(skew) >= WRONG else warning, "ahead of" if skew > 0 else "behind"
    return [word("clock", f"this machine's clock is {abs(skew):.0f} s {side} the service's", *_CLOCK)]
