"""Twisted's client endpoint strings, with `tls:` as it verifies host names here."""

import re
from pathlib import Path
from typing import Any, Final

from twisted.internet.endpoints import HostnameEndpoint, clientFromString
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import Certificate, PrivateCertificate, trustRootFromCertificates

from pushgate.net.client_tls import ClientTls, tls_endpoint

_PEM_BEGIN: Final = b"-----BEGIN CERTIFICATE-----"


def endpoint_from_string(reactor: Any, description: str) -> IStreamClientEndpoint:
    """A client endpoint as Twisted reads it, of which ``tls:`` is made here, for its host name.

    ``tls:HOST:PORT`` takes ``certificate``, ``privateKey`` and ``timeout`` as Twisted's does. ``trustRoots``
    is a directory of PEM files or one file.

    :raises ValueError: it cannot be understood, or is of a kind that verifies no host name.
    :raises OSError: a file cannot be read.
    """
    kind, _, rest = description.partition(":")
    if kind == "ssl":
        raise ValueError("ssl: verifies no host name; use tls:HOST:PORT")
    if kind != "tls":
        found: IStreamClientEndpoint = clientFromString(reactor, description)
        return found
    return _tls_from_string(reactor, rest)


def _tls_from_string(reactor: Any, text: str) -> IStreamClientEndpoint:
    arguments = _arguments(text)
    host, port = arguments.pop("host", ""), arguments.pop("port", "")
    if not host or not port.isdigit():
        raise ValueError("tls: must be tls:HOST:PORT")
    timeout = float(arguments.pop("timeout", "30"))
    trust, certificate = arguments.pop("trustRoots", None), arguments.pop("certificate", None)
    key = arguments.pop("privateKey", certificate)
    if arguments:
        raise ValueError(f"tls: has no argument {min(arguments)!a}")
    own = None
    if certificate is not None and key is not None:
        own = PrivateCertificate.loadPEM(Path(certificate).read_bytes() + b"\n" + Path(key).read_bytes())
    tls = ClientTls(host, None if trust is None else _roots(Path(trust)), own)
    return tls_endpoint(HostnameEndpoint(reactor, host, int(port), timeout), tls)


def _arguments(text: str) -> dict[str, str]:
    """The arguments of an endpoint's description; those without a name are host and port."""
    found: dict[str, str] = {}
    positions = iter(("host", "port"))
    for part in re.findall(r"(?:[^:\\]|\\.)+", text):
        name, equals, value = part.partition("=")
        if not equals:
            name, value = next(positions, "?"), part
        found[name] = re.sub(r"\\(.)", r"\1", value)
    return found


def _roots(path: Path) -> Any:
    files = sorted(path.glob("*.pem")) if path.is_dir() else [path]
    parts = [part for file in files for part in file.read_bytes().split(_PEM_BEGIN)[1:]]
    if not parts:
        raise ValueError(f"trustRoots: {path}: no certificate in PEM")
    return trustRootFromCertificates([Certificate.loadPEM(_PEM_BEGIN + part) for part in parts])
