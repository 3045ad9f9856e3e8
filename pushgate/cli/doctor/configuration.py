"""The faults of the configuration itself, and the user who runs the examination."""

import os
import platform
import pwd
from collections.abc import AsyncIterator
from importlib.metadata import version

from pushgate import __version__
from pushgate.cli.doctor.examinee import Examinee
from pushgate.model.errors import CannotStart
from pushgate.model.finding import Finding, failure, ok, warning
from pushgate.service.config.cross_checks import warnings
from pushgate.service.config.principal_grants import grants


async def check_surroundings() -> AsyncIterator[Finding]:
    """Who and what examines: what may be read depends on it."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("Twisted", "cryptography", "pyOpenSSL"))
    yield ok("versions", f"pushgate {__version__}, Python {platform.python_version()}, {versions}")
    user = _user()
    if os.geteuid() == 0:
        yield warning(
            "user", "this runs as root, who may read every file",
            "that a file can be read here does not say that the gateway can read it",
            "run it as the gateway's user: sudo -u pushgate pushgate doctor …",
        )  # fmt: skip
    else:
        yield ok("user", f"files are read as {user}")


async def check_configuration(examinee: Examinee) -> AsyncIterator[Finding]:
    """The faults and warnings of the file."""
    for line in examinee.faults:
        yield failure(
            "configuration", line,
            "a gateway does not start with it, and a reload of a running one changes nothing",
            "correct the key; docs/contract.md has all of them",
        )  # fmt: skip
    for broken in examinee.registry.broken:
        yield warning(
            "plug-in", f"not usable: {broken}", "no table can ask for it", "mend it, or remove the file"
        )
    for line in warnings(examinee.config.inputs) if examinee.is_read else ():
        yield warning("configuration-odd", line, "a gateway starts, and has nothing to do", "add an input")
    for line in (secrets := _secret_faults(examinee)):
        yield failure(
            "principals", line, "a gateway does not start with it",
            "mend the file; `pushgate secret` makes secrets",
        )  # fmt: skip
    if examinee.app is not None and examinee.app not in examinee.config.apps:
        yield failure(
            "app", f"no app {examinee.app!a} could be read from the configuration",
            "it cannot be examined", "take one of its [apps.NAME], or mend that",
        )  # fmt: skip
    if not (examinee.faults or secrets):
        yield ok("configuration", f"{examinee.file or 'the built-in default, without a file'}: no fault")


def _user() -> str:
    uid = os.geteuid()
    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:
        return f"uid {uid}"


def _secret_faults(examinee: Examinee) -> list[str]:
    try:
        grants(examinee.config.principals)
    except CannotStart as error:
        return error.faults
    return []
