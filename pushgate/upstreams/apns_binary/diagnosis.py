"""What may be wrong with an app on the APNs binary stream. See `IDiagnosable`."""

from collections.abc import AsyncIterator
from typing import Final

from msgspec.structs import replace
from twisted.internet.defer import TimeoutError as TimedOut
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from pushgate.model.finding import Finding, failure, ok, warning
from pushgate.net.diagnosis.files import FileChecks
from pushgate.net.diagnosis.handshake import OURS, THE_SYSTEMS, Greeting
from pushgate.net.diagnosis.identity import check_identity
from pushgate.net.diagnosis.tls_trouble import alert_finding
from pushgate.net.table_files import TableFiles
from pushgate.net.tls_reasons import tls_reasons
from pushgate.plugin.checks import guarded
from pushgate.plugin.examination import Examination
from pushgate.protocols.apns_binary.error_response import ErrorResponse, ReplyDecoder
from pushgate.protocols.apns_binary.status import ErrorStatus, reason
from pushgate.upstreams.apns_binary.settings import ApnsStreamTable
from pushgate.upstreams.common.client_certificate import load
from pushgate.upstreams.common.credentials import Credentials
from pushgate.upstreams.common.diagnosis.apple_certificate import check_apple_certificate
from pushgate.upstreams.common.diagnosis.http_service import way_only
from pushgate.upstreams.common.diagnosis.reach import Place, Reach

LISTEN: Final = 0.1
"""The share of the time of a step for which a connection is watched that nothing is written to."""

_NOT_SHOWN: Final = (
    "It was not shown the certificate: it would have handed out its list of dead tokens, which it does once, "
    "and the gateway would miss them"
)


async def diagnose(app: str, config: ApnsStreamTable, examination: Examination) -> AsyncIterator[Finding]:
    """The findings. Nothing is written: the service answers only to what is bad."""
    checks = FileChecks(examination.wall())
    identity = check_identity(checks, config.certificate, config.private_key, config.password_file)
    if identity is not None:
        topics = {config.topic} if config.topic else set[str]()
        check_apple_certificate(checks, identity.leaf, config.environment, topics)
    checks.trust(config.trust)
    for each in checks.findings:
        yield each
    if examination.offline:
        return
    place = _place(config, Credentials(TableFiles("").trust(None)))
    steps = [way_only(place, examination)]
    if checks.are_good:
        tls = load(app, config)
        steps = [_gateway(_place(config, tls), examination)]
        if config.feedback:
            steps.append(_feedback(config, tls, examination))
    for step in steps:
        async for each in guarded(step, examination):
            yield each


def _place(config: ApnsStreamTable, tls: Credentials) -> Place:
    trusted = THE_SYSTEMS if config.trust is None else OURS
    return Place(host=config.host, port=config.port, tls=tls, proxy=config.proxy, trusted=trusted)


async def _gateway(place: Place, examination: Examination) -> AsyncIterator[Finding]:
    greeting = Greeting()
    reach = Reach(place, greeting, examination)
    try:
        async for each in reach.findings():
            yield each
        if reach.is_open:
            yield await _watch(greeting, place.where, examination)
    finally:
        greeting.abort()


async def _watch(greeting: Greeting, where: str, examination: Examination) -> Finding:
    """Whether a connection stays open: a certificate that is refused shows only now."""
    try:
        lost = await greeting.ended.addTimeout(LISTEN * examination.timeout, examination.reactor)
    except TimedOut:
        if greeting.heard:
            return _heard(greeting.heard, where)
        return ok("connection", f"{where} accepts the certificate, and keeps the connection")
    refused = alert_finding(lost.reason, where)
    if refused is not None:
        return refused
    return _heard(greeting.heard, where) if greeting.heard else _closed(lost.reason, where)


def _heard(data: bytes, where: str) -> Finding:
    """What the service said, though nothing was written to it."""
    reply = ReplyDecoder().feed(data)
    if not isinstance(reply, ErrorResponse):
        return failure(
            "reply-unknown", f"{where} says something that is no error response",
            "it is not Apple's binary service", "check host and port",
        )  # fmt: skip
    if reply.status == ErrorStatus.SHUTDOWN:
        return warning(
            "service-going", f"{where} says that it shuts down (status 10)",
            "another server takes its place", "nothing, unless it is so again and again",
        )  # fmt: skip
    said = f"status {reply.status} ({reason(reply.status)})"
    return failure(
        "reply-unasked", f"{where} sends {said} before anything was written",
        "the service has something against the certificate, or a defect",
        "take the certificate of this app and environment",
    )  # fmt: skip


def _closed(ended: Failure, where: str) -> Finding:
    if ended.check(ConnectionDone):
        return failure(
            "closed-at-once", f"{where} closes the connection at once, without a word",
            "Apple does so with a certificate of the other environment or one that was revoked, and when an "
            "address connects too often",
            "compare environment with the certificate; then wait for an hour without any connection",
        )  # fmt: skip
    return failure(
        "reset-at-once", f"{where} resets the connection at once",
        "a firewall or proxy that looks into connections does so, or a service that is overloaded",
        "ask who runs the firewall; see whether it is so from another network",
    )  # fmt: skip


async def _feedback(
    config: ApnsStreamTable, tls: Credentials, examination: Examination
) -> AsyncIterator[Finding]:
    """As far as TLS, without the certificate: the service empties an app's list once it knows the app."""
    nobody = replace(tls, certificate=None, chain=())
    place = replace(
        _place(config, nobody), host=config.feedback_host, port=config.feedback_port, prefix="feedback-"
    )
    greeting = Greeting()
    reach = Reach(place, greeting, examination)
    try:
        async for each in reach.findings():
            if not _wants_certificate(reach.failed):
                yield each
        if reach.is_open or _wants_certificate(reach.failed):
            yield ok("feedback", f"{place.where} speaks TLS and is trusted. {_NOT_SHOWN}")
    finally:
        greeting.abort()


def _wants_certificate(failed: Failure | None) -> bool:
    """Whether a handshake failed only because no certificate was shown, after the service's was verified."""
    said = " ".join(tls_reasons(failed)) if failed is not None else ""
    return any(words in said for words in ("certificate required", "handshake failure"))
