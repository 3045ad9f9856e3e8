"""What every rule of a fault script has: the conditions, and the types of its options."""

from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer

from pushgate.plugin.settings import Duration, Table


def _hex(text: object) -> bytes:
    try:
        return bytes.fromhex(text if isinstance(text, str) else "?")
    except ValueError:
        raise ValueError("must be an even number of hex digits") from None


def _seconds(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".") + "s"


HexBytes = Annotated[bytes, BeforeValidator(_hex), PlainSerializer(bytes.hex)]
"""Bytes, written in hex."""
Seconds = Annotated[Duration, PlainSerializer(_seconds)]
"""A duration that is also written with its unit."""
Byte = Annotated[int, Field(ge=0, le=255)]


class EndAction(StrEnum):
    """How a connection ends."""

    CLOSE = "close"
    RESET = "reset"
    HALF_CLOSE = "half-close"


class Match(Table):
    """Conditions of every rule."""

    connection: int | None = Field(default=None, ge=1)
    probability: float | None = Field(default=None, ge=0, le=1)
    times: int = Field(default=0, ge=0)
