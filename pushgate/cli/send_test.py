"""``pushgate send --test``: to a few devices, with what became of each in words."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import click

from pushgate.cli.output import print_json

if TYPE_CHECKING:
    from pushgate.client import SendTest, TriedDevice

TIMEOUT: Final = 45.0
"""Seconds for the answer: the gateway waits up to 30 s for outcomes."""
_WIDTH: Final = 24
"""Characters of a token that are shown."""


def print_send_test(sent: "SendTest", tokens: Sequence[str], as_json: bool) -> None:
    """Print what became of each device; exit status 1 unless the push service has all of them.

    :param tokens: those that were given; none with a channel.
    """
    if as_json:
        import msgspec

        print_json(msgspec.to_builtins(sent))
    else:
        for line in lines(sent, tokens):
            click.echo(line)
    if not _all_taken(sent):
        raise SystemExit(1)


def lines(sent: "SendTest", tokens: Sequence[str]) -> Iterator[str]:
    """What became of each device: a line, and one each for what that means and what to do."""
    from pushgate.model.printable import escaped

    if sent.repeated:
        yield "sent before under this key; nothing was sent again"
    for device in sent.devices:
        yield escaped(f"{device.id}  {_outcome(device)}")
        yield escaped(f"    {device.meaning}")
        if device.advice:
            yield escaped(f"    {device.advice}")
    for index, code, reason in sent.refused:
        yield escaped(f"{_cut(tokens[index]) if tokens else 'it'} was refused, {code}: {reason}")
    if not sent.settled:
        yield f"not all have an outcome after {sent.waited:.3g} s: pushgate trace ID asks for one later"


def _outcome(device: "TriedDevice") -> str:
    """Where it went, what became of it, and how long that took, in a line."""
    word = device.reason if device.reason != f"HTTP{device.status}" else ""
    parts = [_cut(device.token or device.channel or ""), device.state or "not known", device.status, word]
    said = " ".join(str(part) for part in parts if part not in {None, ""})
    if device.replacement:
        said += f", the new one: {device.replacement}"
    if device.seconds is not None:
        said += f", after {device.seconds:.3g} s"
    return said if device.attempts < 2 else f"{said}, written {device.attempts} times"


def _cut(token: str) -> str:
    """The beginning and the end of a token that is too long for a line."""
    return token if len(token) <= _WIDTH else f"{token[: _WIDTH - 9]}…{token[-8:]}"


def _all_taken(sent: "SendTest") -> bool:
    from pushgate.model.outcome import TAKEN

    return not sent.refused and all(device.state in TAKEN for device in sent.devices)
