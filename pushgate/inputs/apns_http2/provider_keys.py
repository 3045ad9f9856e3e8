"""The public keys by which provider tokens are verified: a directory of files that are named by key id."""

import re
from pathlib import Path
from typing import Final

from pushgate.model.errors import CannotStart
from pushgate.net.table_files import TableFiles
from pushgate.protocols.apns_http2.token_check import ProviderKey, public_key

SUFFIX: Final = ".pem"
_KEY_ID: Final = re.compile(r"[A-Za-z0-9]{1,64}")


def provider_keys(where: str, directory: Path) -> dict[str, ProviderKey]:
    """Return the keys in the files ``KEYID.pem`` of a directory, by key id.

    :param where: the key path of the input's table.
    :raises CannotStart: there are none, or one of the files is no such key; a line each.
    """
    files, found = TableFiles(where), dict[str, ProviderKey]()
    for file in _named(files, directory):
        if not _KEY_ID.fullmatch(file.stem):
            files.fault("provider_keys", file, f"must be named by its key id: ABC123DEFG{SUFFIX}")
        elif (key := files.parsed("provider_keys", file, public_key)) is not None:
            found[file.stem] = ProviderKey(key)
    files.check()
    return found


def key_faults(where: str, directory: Path | None) -> list[str]:
    """Return the faults of the provider keys, a line each; none when no directory is configured."""
    try:
        if directory is not None:
            provider_keys(where, directory)
    except CannotStart as error:
        return list(error.faults)
    return []


def _named(files: TableFiles, directory: Path) -> list[Path]:
    """The files of keys in a directory, none after a fault."""
    try:
        names = sorted(file for file in directory.iterdir() if file.suffix == SUFFIX)
    except OSError as error:
        files.fault("provider_keys", directory, error.strerror or "cannot be read")
        return []
    if not names:
        files.fault("provider_keys", directory, f"holds no key; must hold files KEYID{SUFFIX}")
    return names
