"""Twisted's client endpoint strings, of which ``tcp:`` and ``tls:`` are made here, for their host."""

from pathlib import Path
from typing import Any

from twisted.internet.endpoints import clientFromString
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import trustRootFromCertificates

from pushgate.model.endpoint_parts import endpoint_parts
from pushgate.net.client_tls import ClientTls, tls_endpoint
from pushgate.net.host_endpoint import host_endpoint
from pushgate.net.table_files import TableFiles, twisted_certificate


def endpoint_from_string(reactor: Any, description: str) -> IStreamClientEndpoint:
    """A client endpoint as Twisted reads it, but that a host may have an underscore, and TLS verifies it.

    ``tls:HOST:PORT`` takes ``certificate``, ``privateKey``, ``bindAddress`` and ``timeout`` as Twisted's.
    ``trustRoots`` is a directory of PEM files or one file.

    :raises ValueError: it cannot be understood, names a file that cannot be used, or is of a kind that
        verifies no host name.
    """
    kind, words, arguments = endpoint_parts(description)
    if kind == "ssl":
        raise ValueError("ssl: verifies no host name; use tls:HOST:PORT")
    if kind not in {"tcp", "tls"}:
        found: IStreamClientEndpoint = clientFromString(reactor, description)
        return found
    arguments = {**dict(zip(("host", "port", "?"), words, strict=False)), **arguments}
    host = arguments.pop("host", "")
    endpoint = _plain(reactor, kind, host, arguments)
    if kind == "tls":
        endpoint = tls_endpoint(endpoint, _tls(host, arguments))
    if arguments:
        raise ValueError(f"{kind}: has no argument {min(arguments)!a}")
    return endpoint


def _plain(reactor: Any, kind: str, host: str, arguments: dict[str, str]) -> IStreamClientEndpoint:
    port, timeout = arguments.pop("port", ""), arguments.pop("timeout", "30")
    if not host or not port.isdigit() or not timeout.isdigit():
        raise ValueError(f"{kind}: must be {kind}:HOST:PORT, with timeout=SECONDS at most")
    bind = arguments.pop("bindAddress", None)
    return host_endpoint(reactor, host, int(port), float(timeout), bind)


def _tls(host: str, arguments: dict[str, str]) -> ClientTls:
    files, identity, trust = TableFiles("tls"), None, None
    roots, certificate = arguments.pop("trustRoots", None), arguments.pop("certificate", None)
    key = arguments.pop("privateKey", None)
    if roots is not None:
        path = Path(roots)
        found = [
            each
            for file in (sorted(path.glob("*.pem")) if path.is_dir() else [path])
            for each in files.certificates("trustRoots", file)
        ]
        if not found and not files.faults:
            files.fault("trustRoots", path, "no certificate in PEM")
        trust = trustRootFromCertificates(map(twisted_certificate, found))
    if certificate is not None:
        identity = files.identity(Path(certificate), None if key is None else Path(key))
    if files.faults:
        raise ValueError("; ".join(files.faults))
    if identity is None:
        return ClientTls(host, trust)
    return ClientTls(host, trust, identity.twisted(), tuple(map(twisted_certificate, identity.chain)))
