"""The secrets that requests are signed with."""

from typing import Final

from pushgate.model.text_file import text_lines

SHORTEST: Final = 16
"""Bytes of a secret at least."""


def secrets_in(data: bytes) -> tuple[bytes, ...]:
    """The secrets of a file: one a line, with any blanks of its own, or two while the receivers change over.

    :raises ValueError: it does not hold that; says nothing of its content.
    """
    secrets = tuple(line for line in text_lines(data) if line.strip())
    if not 1 <= len(secrets) <= 2:
        raise ValueError(f"{len(secrets)} lines; one secret, or two while receivers change over")
    if min(map(len, secrets)) < SHORTEST:
        raise ValueError(f"a secret of {min(map(len, secrets))} bytes; at least {SHORTEST}")
    return secrets
