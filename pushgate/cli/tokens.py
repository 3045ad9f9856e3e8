"""``pushgate tokens``."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TextIO, TypeVar

import click

from pushgate.cli import gateway_address, options
from pushgate.cli.output import local_time
from pushgate.cli.row_files import BadLines
from pushgate.cli.run import run
from pushgate.model.errors import Invalid

if TYPE_CHECKING:
    from pushgate.model.dead_token import DeadTokenEntry
    from pushgate.model.target import TargetForm

_AT_ONCE: Final = 20_000
"""Lines between two words about the progress."""
_T = TypeVar("_T")


@click.group("tokens", short_help="Look at, move and mend a gateway's dead tokens.")
def command() -> None:
    """Look at, move and mend a gateway's register of dead tokens.

    An entry is a line: the token as its push service writes it, since when it is dead in Unix seconds, and
    how that is known.
    """


@command.command("list")
@options.app
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many.")
@gateway_address.to
@options.as_json
def list_(app: str, limit: int | None, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    """Print dead tokens, one a line; on a terminal with dates to read."""
    people = sys.stdout.isatty() and not as_json
    run(lambda reactor: _write(reactor, app, to, sys.stdout, _format(as_json, people), limit))


@command.command("export", short_help="Write all dead tokens to a file.")
@options.app
@click.argument("file", type=click.File("w", encoding="utf-8", atomic=True), default="-")
@gateway_address.to
@options.as_json
def export(app: str, file: TextIO, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    """Write all dead tokens to FILE, or to the standard output, as `import` reads them."""
    run(lambda reactor: _write(reactor, app, to, file, _format(as_json, people=False), None))


@command.command("import")
@options.app
@click.argument("file", type=click.File("r", encoding="utf-8", errors="replace"), default="-")
@gateway_address.to
@options.as_json
def import_(app: str, file: TextIO, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    """Enter the dead tokens in FILE, or in the standard input.

    A line has a token, if known since when it is dead, and the reason; or the same as a JSON object. Bad
    lines are listed by number and left out; then the exit status is 1.
    """
    run(lambda reactor: _import(reactor, app, file, to, as_json))


@command.command("forget")
@options.app
@click.option(
    "--file", type=click.File("r", encoding="utf-8", errors="replace"), help="Has tokens, one a line."
)
@click.argument("tokens", nargs=-1)
@gateway_address.to
@options.as_json
def forget(
    app: str, file: TextIO | None, tokens: tuple[str, ...], to: gateway_address.GatewayAddress, as_json: bool
) -> None:
    """Take TOKENS for living again."""
    if not tokens and file is None:
        raise click.UsageError("either TOKENS or --file is needed")
    run(lambda reactor: _forget(reactor, app, file, tokens, to, as_json))


def _format(as_json: bool, people: bool) -> "Callable[[DeadTokenEntry, TargetForm], str]":
    from pushgate.model.dead_token import fits_a_line, json_line, line
    from pushgate.model.printable import escaped

    def dated(entry: "DeadTokenEntry", form: "TargetForm") -> str:
        return f"{escaped(form.write(entry.token))}  {local_time(entry.since)}  {entry.reason}"

    def readable(entry: "DeadTokenEntry", form: "TargetForm") -> str:
        """A line that `import` can read."""
        plain = fits_a_line(form.write(entry.token))
        return line(entry, form) if plain else json_line(entry, form)

    return dated if people else json_line if as_json else readable


async def _write(
    reactor: Any,
    app: str,
    to: gateway_address.GatewayAddress,
    file: TextIO,
    write: "Callable[[DeadTokenEntry, TargetForm], str]",
    limit: int | None,
) -> None:
    async with gateway_address.reach(reactor, to) as gateway:
        count, form = 0, await gateway.target_form(app)
        async for entry in gateway.dead_tokens(app):
            file.write(f"{write(entry, form)}\n")
            count += 1
            if count == limit:
                break
        file.flush()


async def _import(
    reactor: Any, app: str, file: TextIO, to: gateway_address.GatewayAddress, as_json: bool
) -> None:
    now, bad, entered, new = int(time.time()), BadLines(), 0, 0
    async with gateway_address.reach(reactor, to) as gateway:
        entries = _sorted_out(file, _parser(await gateway.target_form(app), now), bad)
        for part in _parts(entries):
            new += await gateway.bury(app, part)
            entered += len(part)
            _progress("entered", entered)
    figures = {"entered": entered, "new": new}
    bad.report(figures, f"{entered:,} entered, {new:,} of them new", as_json)


async def _forget(
    reactor: Any,
    app: str,
    file: TextIO | None,
    tokens: tuple[str, ...],
    to: gateway_address.GatewayAddress,
    as_json: bool,
) -> None:
    from pushgate.model.dead_token import longest

    bad, asked, forgotten = BadLines(), 0, 0
    async with gateway_address.reach(reactor, to) as gateway:
        form = await gateway.target_form(app)
        wanted = [form.parse(each, longest(form)) for each in tokens]
        listed = (entry.token for entry in _sorted_out(file or (), _parser(form, 0), bad))
        for part in filter(None, (wanted, *_parts(listed))):
            forgotten += await gateway.forget(app, part)
            asked += len(part)
            _progress("gone through", asked)
    unknown = asked - forgotten
    figures = {"forgotten": forgotten, "unknown": unknown}
    bad.report(figures, f"{forgotten:,} forgotten, {unknown:,} were not there", as_json)


def _parser(form: "TargetForm", now: int) -> "Callable[[str], DeadTokenEntry]":
    """Reads a line; the time is for one that has none."""
    from pushgate.model.dead_token import parse

    return lambda text: parse(text, now, form)


def _sorted_out(lines: Iterable[str], parse: Callable[[str], _T], bad: BadLines) -> Iterator[_T]:
    """What the good lines say; blank ones say nothing."""
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            yield parse(text)
        except Invalid as fault:
            bad.refuse(number, str(fault))


def _parts(items: Iterable[_T]) -> Iterator[list[_T]]:
    items = iter(items)
    while part := list(islice(items, _AT_ONCE)):
        yield part


def _progress(what: str, count: int) -> None:
    if count >= _AT_ONCE and count % _AT_ONCE == 0:
        click.echo(f"{what}: {count:,}", err=True)
