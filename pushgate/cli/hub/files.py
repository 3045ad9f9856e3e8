"""``pushgate hub import`` and ``export``."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

from pushgate.cli import gateway_address, options
from pushgate.cli.hub.options import hub
from pushgate.cli.hub.stable_id import with_id
from pushgate.cli.hub.table import Registration, Row, TableWriter, read_lines, read_table, write_line
from pushgate.cli.row_files import BadLines, CountedLines, size_of
from pushgate.cli.run import run
from pushgate.cli.waiting_line import SILENCE, waiting_line
from pushgate.model.errors import Invalid, NotFound

if TYPE_CHECKING:
    from pushgate.client import HubClient

_AT_ONCE: Final = 500
"""Registrations of one command at most."""
_BYTES: Final = 60_000
"""Bytes of them in JSON, in ASCII, so that they fit into a value of AMP."""
_PATIENCE: Final = 60.0
"""Seconds that the gateway may take for one command."""
_WAITING: Final = f"waiting: no answer for {SILENCE:g} s; the hub's database may be busy or away"
_csv: Callable[[Any], Any] = click.option(
    "--csv", "as_csv", is_flag=True, help="A table in CSV, as is a file whose name ends in .csv."
)


@click.command("import")
@hub
@_csv
@click.argument("file", type=click.File("r", encoding="utf-8", errors="replace"), default="-")
@gateway_address.to
@options.as_json
def import_(hub: str, as_csv: bool, file: TextIO, to: gateway_address.GatewayAddress, as_json: bool) -> None:
    """Enter the registrations in FILE, or in the standard input.

    A line has a registration or an installation as a JSON object, or a registration in XML as a job of Azure
    exports it; or, in CSV, the first row names the columns, of which platform and handle are needed.

    The same again changes nothing: one takes the place of the registration with its id, and one without an
    id gets one that follows from its device and template. Parts of installations are left out: the line of
    the whole has them. Bad lines are listed by number and left out; then the exit status is 1.
    """
    table = as_csv or file.name.lower().endswith(".csv")
    run(lambda reactor: _import(reactor, hub, file, table, to, as_json))


@click.command("export", short_help="Write all registrations to a file.")
@hub
@_csv
@click.argument("file", type=click.File("w", encoding="utf-8", atomic=True), default="-")
@gateway_address.to
def export(hub: str, as_csv: bool, file: TextIO, to: gateway_address.GatewayAddress) -> None:
    """Write all registrations to FILE, or to the standard output, as `import` reads them.

    Installations follow whole, with all of their templates; CSV has no room for them.
    """
    table = as_csv or str(getattr(file, "name", "")).lower().endswith(".csv")
    run(lambda reactor: _export(reactor, hub, file, table, to))


async def _export(
    reactor: Any, hub: str, file: TextIO, table: bool, to: gateway_address.GatewayAddress
) -> None:
    async with gateway_address.reach(reactor, to) as gateway:
        there, apart = gateway.hub(hub), dict[str, None]()
        write = TableWriter(file).write if table else lambda each: file.write(f"{write_line(each)}\n")
        async for each in there.registrations():
            write(each)
            if each.get("installation"):
                apart[each["installation"]] = None
        for number in () if table else apart:
            try:
                write(await there.installation(number))
            except NotFound:  # it was deleted meanwhile
                continue
        file.flush()


async def _import(
    reactor: Any, hub: str, file: TextIO, table: bool, to: gateway_address.GatewayAddress, as_json: bool
) -> None:
    counted = CountedLines(file)
    rows, done = (read_table if table else read_lines)(counted), _Import()
    async with gateway_address.reach(reactor, to, _PATIENCE) as gateway:
        there = gateway.hub(hub)
        with waiting_line(reactor, _WAITING):
            # A hub that is not there is one error, and not one for each line.
            await there.count("no-such-tag")
        with click.progressbar(
            length=size_of(file), file=sys.stderr, label="importing", hidden=not sys.stderr.isatty()
        ) as bar:
            for part in _parts(rows):
                with waiting_line(reactor, _WAITING):
                    await _put_all(there, part, done)
                bar.update(counted.taken())
    done.report(as_json)


class _Import:
    """What was entered, and the bad lines."""

    def __init__(self) -> None:
        self.entered = self.left_out = 0
        self.bad = BadLines()

    def report(self, as_json: bool) -> None:
        """Print what was done, then what was not; end the command when there was such."""
        left = f", {self.left_out:,} of installations left out" if self.left_out else ""
        figures = {"entered": self.entered, "installations": self.left_out}
        self.bad.report(figures, f"{self.entered:,} entered{left}", as_json)


async def _put_all(hub: "HubClient", rows: list[Row], done: _Import) -> None:
    """Enter registrations at once; what is wrong with one by itself is noted, else the import ends."""
    sent: list[tuple[int, Registration | str]] = []
    for line, found in rows:
        if isinstance(found, Invalid):
            done.bad.refuse(line, str(found))
        elif isinstance(found, dict) and found.get("installation"):
            done.left_out += 1
        else:
            sent.append((line, found))
    if sent:
        entered, refused = await hub.import_registrations([found for _, found in sent])
        done.entered += entered
        for index, _, reason in refused:
            done.bad.refuse(sent[index][0], reason)


def _parts(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows, as many at a time as one command has room for."""
    part: list[Row] = []
    room = _BYTES
    for line, read in rows:
        found = with_id(read) if isinstance(read, dict) else read
        size = 0 if isinstance(found, Invalid) else len(json.dumps(found)) + 1
        if part and (size > room or len(part) == _AT_ONCE):
            yield part
            part, room = [], _BYTES
        room -= size
        fits = size <= _BYTES
        part.append((line, found if fits else Invalid("line", f"{size} bytes of JSON", f"at most {_BYTES}")))
    if part:
        yield part
