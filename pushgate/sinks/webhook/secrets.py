"""The secrets that requests are signed with."""

from pathlib import Path
from typing import Final

SHORTEST: Final = 16
"""Bytes of a secret at least."""


class BadSecrets(ValueError):
    """A file does not hold what it should; says what, and nothing of its content."""


def read_secrets(file: Path) -> tuple[bytes, ...]:
    """One secret a line, or two while the receivers change over; raise OSError or `BadSecrets`."""
    secrets = tuple(line.strip() for line in file.read_bytes().splitlines() if line.strip())
    if not 1 <= len(secrets) <= 2:
        raise BadSecrets(f"{len(secrets)} lines; one secret, or two while receivers change over")
    if min(map(len, secrets)) < SHORTEST:
        raise BadSecrets(f"a secret of {min(map(len, secrets))} bytes; at least {SHORTEST}")
    return secrets
