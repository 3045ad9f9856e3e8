"""The checks of a webhook sink: up to the handshake with its receiver, who is asked nothing."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from pushgate.model.finding import Finding, failure
from pushgate.model.printable import printable
from pushgate.net.address_policy import kind_of_private
from pushgate.net.diagnosis.files import FileChecks
from pushgate.net.diagnosis.handshake import OURS, THE_SYSTEMS, Server, check_handshake
from pushgate.net.diagnosis.names import Address, look_up
from pushgate.net.diagnosis.tcp import touch
from pushgate.net.host_endpoint import host_endpoint
from pushgate.net.table_files import TableFiles
from pushgate.plugin.examination import Examination
from pushgate.sinks.webhook.secrets import secrets_in
from pushgate.sinks.webhook.settings import WebhookTable


async def diagnose(name: str, config: WebhookTable, examination: Examination) -> AsyncIterator[Finding]:
    """Whether the receiver can be reached by who it says it is.

    No request is made: a receiver may take whatever comes for records, HEAD and OPTIONS included.
    """
    checks = FileChecks(examination.context.wall())
    _check_secrets(checks, config)
    checks.trust(config.trust)
    for each in checks.findings:
        yield each
    if examination.offline:
        return
    async for each in _network(name, config, examination, checks.are_good):
        yield each


async def _network(
    name: str, config: WebhookTable, examination: Examination, has_files: bool
) -> AsyncIterator[Finding]:
    """The way to the receiver, as far as it leads."""
    parts = urlsplit(config.url)
    secure, host = parts.scheme == "https", parts.hostname or ""
    found, addresses = await look_up(host, parts.port or (443 if secure else 80), examination)
    for each in found:
        yield each
    allowed = [each for each in addresses if config.allow_private or not kind_of_private(each.host)]
    if not secure:
        allowed = [each for each in allowed if kind_of_private(each.host)]
    if addresses and not allowed:
        yield _not_allowed(host, addresses[0], secure)
    if not allowed:
        return
    found, is_there = await touch(host, allowed, examination)
    if is_there and secure and has_files:
        trust = TableFiles(f"sinks.{name}").trust(config.trust)
        trusted = THE_SYSTEMS if config.trust is None else OURS
        way = host_endpoint(examination.reactor, host, allowed[0].port, examination.timeout)
        server = Server(host=host, port=allowed[0].port, way=way, trust=trust, trusted=trusted)
        found += await check_handshake(server, examination)
    for each in found:
        yield each


def _check_secrets(checks: FileChecks, config: WebhookTable) -> None:
    data = checks.read("secret_file", config.secret_file, is_secret=True)
    if data is None:
        return
    try:
        count = len(secrets_in(data))
    except ValueError as error:
        checks.fail(
            "secret-form", f"secret_file: {printable(config.secret_file)}: {error}",
            "a gateway does not start with it, and a reload changes nothing",
            "write one secret a line, of 16 bytes at least: openssl rand -base64 32",
        )  # fmt: skip
        return
    words = "one secret" if count == 1 else "two secrets, while the receiver changes over"
    checks.well("secret", f"secret_file: {printable(config.secret_file)}: {words}")


def _not_allowed(host: str, address: Address, secure: bool) -> Finding:
    kind = kind_of_private(address.host) or "a public"
    if secure:
        return failure(
            "address-not-allowed", f"{host} is at {address.host}: {kind} address",
            "nothing is sent there: who names a receiver could have records sent into your network",
            "if it is yours, set allow_private = true",
        )  # fmt: skip
    return failure(
        "address-not-allowed", f"{host} is at {address.host}: {kind} address, and url is http://",
        "nothing is sent there: the records could be read on the way", "use https://",
    )  # fmt: skip
