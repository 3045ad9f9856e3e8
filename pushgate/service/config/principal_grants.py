"""What proves that somebody is a principal, read from the files that the configuration names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from pushgate.model.errors import CannotStart
from pushgate.model.principals import Grant
from pushgate.model.secret_hash import SecretHash
from pushgate.plugin.settings import PrincipalTable

_NAMES: Final = {
    "emailAddress": NameOID.EMAIL_ADDRESS,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "GN": NameOID.GIVEN_NAME,
    "SN": NameOID.SURNAME,
}
"""Attributes beyond those of RFC 4514, as OpenSSL writes them."""


def grants(tables: Mapping[str, PrincipalTable]) -> dict[str, Grant]:
    """What each principal is allowed and what proves it, by name.

    :raises CannotStart: with every fault of the files and subjects, one line each.
    """
    faults: list[str] = []
    found = {name: _grant(f"principals.{name}", table, faults) for name, table in tables.items()}
    faults += _shared(found)
    if faults:
        raise CannotStart(faults)
    return found


def subject(text: str) -> str:
    """A certificate's subject in the one form in which subjects are compared.

    :param text: as RFC 4514 writes it: ``"CN=shop,O=Example"``, without spaces after commas.
    :raises ValueError: it is no such name.
    """
    name = x509.Name.from_rfc4514_string(text, _NAMES)
    if not name.rdns:
        raise ValueError("empty")
    return name.rfc4514_string()


def _grant(where: str, table: PrincipalTable, faults: list[str]) -> Grant:
    certificate: str | None = None
    secrets: tuple[SecretHash, ...] = ()
    if table.certificate is not None:
        try:
            certificate = subject(table.certificate)
        except ValueError:
            faults.append(
                f"{where}.certificate: no subject; must be one as RFC 4514 writes it: CN=shop,O=Example"
            )
    if table.secret_file is not None:
        try:
            secrets = _secrets(table.secret_file)
        except ValueError as error:
            faults.append(f"{where}.secret_file: {table.secret_file}: {error}")
    return Grant(
        operations=frozenset(table.operations),
        apps=None if table.apps is None else frozenset(table.apps),
        rate=table.rate,
        max_batch=table.max_batch,
        secrets=secrets,
        certificate=certificate,
    )


def _secrets(file: Path) -> tuple[SecretHash, ...]:
    """The hashes in a file, one a line; empty lines and those that begin with # do not count.

    :raises ValueError: why there are none.
    """
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError as error:
        raise ValueError(str(error.strerror)) from None
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    found = []
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith("#"):
            try:
                found.append(SecretHash.parse(line.strip()))
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from None
    if not found:
        raise ValueError("holds no secret; `pushgate secret` makes one")
    return tuple(found)


def _shared(found: Mapping[str, Grant]) -> list[str]:
    """What would prove two principals at once, one line each."""
    faults, owners = [], dict[object, str]()
    for name, grant in found.items():
        proofs: list[tuple[object, str]] = [(each, "secret_file") for each in grant.secrets]
        if grant.certificate is not None:
            proofs.append((grant.certificate, "certificate"))
        for proof, key in proofs:
            owner = owners.setdefault(proof, name)
            if owner != name:
                faults.append(f"principals.{name}.{key}: proves {owner} already; must be its own")
    return faults
