"""The grants of the principals, with the secrets from the files that the configuration names."""

from collections.abc import Mapping
from pathlib import Path

from pushgate.model.errors import CannotStart
from pushgate.model.principals import Grant
from pushgate.model.secret_hash import SecretHash
from pushgate.model.text_file import text_lines
from pushgate.plugin.settings import PrincipalTable
from pushgate.service.config.certificate_subject import subject


def grants(tables: Mapping[str, PrincipalTable]) -> dict[str, Grant]:
    """The permissions and proofs of each principal, by name.

    :raises CannotStart: with every fault of the files, one line each.
    """
    faults: list[str] = []
    found = {name: _grant(f"principals.{name}", table, faults) for name, table in tables.items()}
    faults += _shared(found)
    if faults:
        raise CannotStart(faults)
    return found


def _grant(where: str, table: PrincipalTable, faults: list[str]) -> Grant:
    secrets: tuple[SecretHash, ...] = ()
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
        certificate=None if table.certificate is None else subject(table.certificate),
    )


def _secrets(file: Path) -> tuple[SecretHash, ...]:
    """The hashes in a file, one a line; empty lines and those that begin with # do not count.

    :raises ValueError: with the reason why there are none.
    """
    try:
        lines = [line.decode() for line in text_lines(file.read_bytes())]
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
    """The faults of proofs that several principals share, one line each."""
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
