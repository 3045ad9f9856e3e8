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

    ``tls:HOST:PORT`` takes ``certificate``, ``privateKey``, ``bindAddress`` and ``timeout`` as Twisted's.
    ``trustRoots`` is a directory of PEM files or one file.

    :raises ValueError: it cannot be understood, names a file that cannot be used, or is of a kind that
        verifies no host name.
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
    bind = arguments.pop("bindAddress", None)
    if arguments:
        raise ValueError(f"tls: has no argument {min(arguments)!a}")
    own = None
    if certificate is not None and key is not None:
        pem = b"\n".join(_read("certificate", Path(each)) for each in (certificate, key))
        own = PrivateCertificate.loadPEM(pem)
    tls = ClientTls(host, None if trust is None else _roots(Path(trust)), own)
    return tls_endpoint(HostnameEndpoint(reactor, host, int(port), timeout, bind and (bind, 0)), tls)


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
    parts = [part for file in files for part in _read("trustRoots", file).split(_PEM_BEGIN)[1:]]
    if not parts:
        raise ValueError(f"trustRoots: {path}: no certificate in PEM")
    return trustRootFromCertificates([Certificate.loadPEM(_PEM_BEGIN + part) for part in parts])


def _read(key: str, file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ValueError(f"{key}: {file}: {error.strerror}") from None
