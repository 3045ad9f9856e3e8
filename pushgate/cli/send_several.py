"""``pushgate send`` to several tokens."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from pushgate.cli.outcome_wait import seen
from pushgate.cli.output import print_json
from pushgate.model.errors import Refusal

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from pushgate.client import Client, Record


class _Result(NamedTuple):
    """What became of the push to one token."""

    token: str | None
    number: str | None
    record: "Record | None"
    remark: str
    error: Refusal | None


async def send_several(
    reactor: Any,
    gateway: "Client",
    tokens: Sequence[str | None],
    pushes: "Sequence[Deferred[str]]",
    wait: float,
    as_json: bool,
) -> None:
    """Print what became of each push, in the order of the tokens; end with 1 when one is not good news.

    :param pushes: one for each token, under way.
    :param wait: seconds for all outcomes together.
    :raises PushgateError: what would have ended the others as well: there is no gateway.
    """
    accepted = [await _accepted(push) for push in pushes]
    deadline = reactor.seconds() + wait
    results = []
    for token, answer in zip(tokens, accepted, strict=True):
        if isinstance(answer, Refusal):
            results.append(_Result(token, None, None, "", answer))
            continue
        left = max(0.01, deadline - reactor.seconds()) if wait else 0.0
        record, remark = await seen(reactor, gateway, answer, left)
        results.append(_Result(token, answer, record, remark, None))
    if as_json:
        print_json([_plain(result) for result in results])
    else:
        for result in results:
            click.echo("  ".join(_fields(result)))
    if not all(map(_is_good, results)):
        raise SystemExit(1)


async def _accepted(push: "Deferred[str]") -> str | Refusal:
    """The id, or why this one alone was refused."""
    try:
        return await push
    except Refusal as refusal:
        return refusal


def _fields(result: _Result) -> list[str]:
    from pushgate.cli.outcome_format import sentence
    from pushgate.model.printable import escaped

    if result.error is not None:
        return [escaped(str(result.token)), f"refused, {result.error.code}: {result.error}"]
    said = [] if result.record is None else [sentence(result.record)]
    said += [result.remark] if result.remark else []
    return [escaped(str(result.token)), str(result.number), *(["; ".join(said)] if said else [])]


def _plain(result: _Result) -> dict[str, Any]:
    from pushgate.cli.outcome_format import plain

    if result.error is not None:
        return {"token": result.token, "error": result.error.code, "detail": str(result.error)}
    return {"token": result.token, "id": result.number} if result.record is None else plain(result.record)


def _is_good(result: _Result) -> bool:
    from pushgate.cli.outcome_format import ON_ITS_WAY
    from pushgate.model.outcome import TAKEN

    if result.error is not None:
        return False
    return result.record is None or result.record.state in {*TAKEN, *ON_ITS_WAY}
