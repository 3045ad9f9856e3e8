"""The checks of an input that listens: its address, and the files of its TLS. See `IDiagnosable`."""

import errno
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from pushgate.model.authority import authority
from pushgate.model.finding import Finding, failure, ok
from pushgate.model.printable import printable
from pushgate.net.diagnosis.files import FileChecks
from pushgate.net.diagnosis.identity import DAY, NOTICE, check_identity
from pushgate.net.diagnosis.listening import bind_error
from pushgate.net.endpoint_reach import ListenPlace, listen_place
from pushgate.plugin.examination import Examination
from pushgate.plugin.settings import ListeningTable

_NO_START: Final = "a gateway does not start with it"
_RENEW: Final = "renew it; the next connection gets the new one, without a reload"


async def diagnose(_: str, config: ListeningTable, examination: Examination) -> AsyncIterator[Finding]:
    """Whether it could listen, and what callers are shown."""
    checks = FileChecks(examination.context.wall())
    if config.certificate is not None:
        _check_certificate(checks, config.certificate, config.private_key)
    if config.client_authorities is not None:
        checks.authorities(
            "client_authorities", config.client_authorities,
            "a client whose certificate stands on it is refused", "client-authorities",
        )  # fmt: skip
    for each in checks.findings:
        yield each
    for key, description in config.endpoints().items():
        place = listen_place(description)
        if place is None:
            yield ok("listen", f"{key}: {printable(description)}: nothing is known of it before the start")
        elif place.kind == "unix":
            yield _unix(key, Path(place.address))
        else:
            yield _tcp(key, place)


def _check_certificate(checks: FileChecks, certificate: Path, private_key: Path | None) -> None:
    identity = check_identity(checks, certificate, private_key, None)
    if identity is None:
        return
    leaf = identity.leaf
    begins, ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    left = (ends.timestamp() - checks.wall) / DAY
    if left <= 0 or begins.timestamp() > checks.wall:
        checks.fail(
            "certificate-dates", f"the certificate holds from {begins:%Y-%m-%d} to {ends:%Y-%m-%d}",
            "callers that verify it refuse to connect", f"{_RENEW}; check this machine's clock",
        )  # fmt: skip
    elif left <= NOTICE:
        checks.warn(
            "certificate-dates", f"the certificate expires in {left:.1f} days, on {ends:%Y-%m-%d}",
            "after that callers that verify it refuse to connect", _RENEW,
        )  # fmt: skip
    else:
        checks.well("certificate-dates", f"the certificate expires in {left:.0f} days, on {ends:%Y-%m-%d}")


def _tcp(key: str, place: ListenPlace) -> Finding:
    where = f"{key}: {authority(place.address, place.port)}"
    error = bind_error(place)
    return ok("listen", f"{where} is free") if error is None else _not_bound(where, place, error)


def _not_bound(where: str, place: ListenPlace, error: OSError) -> Finding:
    if error.errno == errno.EADDRINUSE:
        return ok(
            "listen", f"{where} is in use: by the gateway, if it runs; else by a program that would keep it"
            f" from starting: ss -ltnp 'sport = :{place.port}'",
        )  # fmt: skip
    advice = (
        "take a port from 1024 on, or give the service CAP_NET_BIND_SERVICE"
        if error.errno in {errno.EACCES, errno.EPERM}
        else "take an address of this machine: ip address"
    )
    return failure("listen", f"{where}: {error.strerror}", _NO_START, advice)


def _unix(key: str, path: Path) -> Finding:
    where = f"{key}: {printable(path)}"
    if path.is_socket():
        return ok("listen", f"{where} is there: of the gateway, if it runs, or left behind")
    if path.exists():
        return failure("listen", f"{where} is there, and is no socket", _NO_START, "move it away")
    parent = path.absolute().parent
    if not os.access(parent, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        return failure(
            "listen", f"{where}: this user may make nothing in {printable(parent)}", _NO_START,
            "make the directory, and give it to the gateway's user",
        )  # fmt: skip
    return ok("listen", f"{where} is free")
