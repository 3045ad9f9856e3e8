"""What may be wrong with an app on Apple's HTTP/2 API. See `IDiagnosable`."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from pushgate.model.finding import Finding, Level, warning
from pushgate.net.diagnosis.files import FileChecks
from pushgate.net.diagnosis.identity import check_identity
from pushgate.net.diagnosis.names import look_up
from pushgate.net.diagnosis.tcp import touch
from pushgate.plugin.examination import Examination
from pushgate.protocols.apns_http2.provider_token import key_id_in, parse_key
from pushgate.protocols.apns_push_types import TYPES
from pushgate.upstreams.apns_http2.credential import load
from pushgate.upstreams.apns_http2.settings import ApnsHTTP2Table
from pushgate.upstreams.apns_http2.upstream import apple_server
from pushgate.upstreams.common.diagnosis.apple_certificate import check_apple_certificate
from pushgate.upstreams.common.diagnosis.http_service import FilesFound, Plan, diagnose_service
from pushgate.upstreams.common.diagnosis.request import Impossible
from pushgate.upstreams.common.http_push.server import Server

_IMPOSSIBLE: Final = Impossible(bytes(128), b'{"aps":{}}', frozenset({"BadDeviceToken"}))
"""Apple's tokens have 100 bytes at most."""
_ADVICE: Final = "take the file AuthKey_….p8 as Apple gave it: Keys, in Certificates, Identifiers & Profiles"


OTHER_PORT: Final = {443: 2197, 2197: 443}
"""Apple listens on both, so that firewalls can tell its service from other HTTPS."""


async def diagnose(app: str, config: ApnsHTTP2Table, examination: Examination) -> AsyncIterator[Finding]:
    """The findings. The request goes to a device token that is none, which Apple says once it accepts us."""
    is_shut = False
    async for each in _diagnose(app, config, examination):
        is_shut = is_shut or (each.check.startswith("tcp-") and each.level is Level.FAILURE)
        yield each
    if is_shut and config.port in OTHER_PORT:
        yield await _other_port(config.host, OTHER_PORT[config.port], examination)


async def _other_port(host: str, port: int, examination: Examination) -> Finding:
    """Whether the other of Apple's ports can be reached, where the one of the configuration cannot."""
    _, addresses = await look_up(host, port, examination)
    is_there = bool(addresses) and (await touch(host, addresses, examination))[1]
    what, advice = f"port {port} of {host} does not accept connections either", "have one of the two opened"
    if is_there:
        what, advice = f"port {port} of {host} accepts connections", f"set port = {port}"
    return warning("other-port", what, "Apple's HTTP/2 API is on 443 and on 2197", advice)


def _diagnose(app: str, config: ApnsHTTP2Table, examination: Examination) -> AsyncIterator[Finding]:

    def server() -> Server:
        return apple_server(app, config, load(app, config), examination.context)

    files = partial(_files, config)
    plan = Plan(files=files, server=server, impossible=_IMPOSSIBLE, needs_http2=True)
    return diagnose_service(app, config, examination, plan)


def _files(config: ApnsHTTP2Table, checks: FileChecks) -> FilesFound:
    if config.key_file is not None:
        _check_key(config, config.key_file, checks)
    else:
        assert config.certificate is not None
        identity = check_identity(checks, config.certificate, config.private_key, config.password_file)
        if identity is not None:
            topics = {f"{config.topic}{each.suffix}" for each in TYPES.values() if config.topic}
            check_apple_certificate(checks, identity.leaf, config.environment, topics)
    return FilesFound()


def _check_key(config: ApnsHTTP2Table, path: Path, checks: FileChecks) -> None:
    if checks.parsed("key_file", path, parse_key, _kind) is None:
        return
    checks.well("provider-key", f"key_file: a key on P-256, key id {config.key_id}, team id {config.team_id}")
    named = key_id_in(path.name)
    if named and named != config.key_id:
        checks.warn(
            "provider-key-id", f"key_id is {config.key_id}, and the file's name says {named}",
            "Apple refuses a key under the id of another", "remove key_id, or take the other file",
        )  # fmt: skip


def _kind(data: bytes) -> tuple[str, str]:
    """What fails with a file that holds no provider key."""
    try:
        load_pem_private_key(data, None)
    except Exception:  # noqa: BLE001 - what is no key fails in many ways
        return "provider-key-form", _ADVICE
    return "provider-key-curve", _ADVICE
