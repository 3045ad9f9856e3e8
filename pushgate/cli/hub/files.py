"""``pushgate hub import`` and ``export``."""

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

from pushgate.cli import gateway_address, options
from pushgate.cli.hub.options import hub
from pushgate.cli.hub.table import Registration, Row, TableWriter, read_lines, read_table, write_line
from pushgate.cli.output import fail, print_json
from pushgate.cli.run import run
from pushgate.model.errors import Invalid, NotFound, Refusal, TooLarge

if TYPE_CHECKING:
    from pushgate.client import HubClient

_SHOWN: Final = 20
"""Faulty lines that are listed one by one."""
_AT_ONCE: Final = 256
"""Registrations that are under way at a time."""
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

    A line has a registration as a JSON object; or, in CSV, the first row names the columns, of which
    platform and handle are needed. One with an id takes the place of the registration with this id, if there
    is one. Those of installations are left out: they come with the devices' own updates. Bad lines are
    listed by number and left out; then the exit status is 1.
    """
    table = as_csv or file.name.lower().endswith(".csv")
    run(lambda reactor: _import(reactor, hub, file, table, to, as_json))


@click.command("export")
@hub
@_csv
@click.argument("file", type=click.File("w", encoding="utf-8", atomic=True), default="-")
@gateway_address.to
def export(hub: str, as_csv: bool, file: TextIO, to: gateway_address.GatewayAddress) -> None:
    """Write all registrations to FILE, or to the standard output, as `import` reads them."""
    table = as_csv or str(getattr(file, "name", "")).lower().endswith(".csv")
    run(lambda reactor: _export(reactor, hub, file, table, to))


async def _export(
    reactor: Any, hub: str, file: TextIO, table: bool, to: gateway_address.GatewayAddress
) -> None:
    async with gateway_address.reach(reactor, to) as gateway:
        write = TableWriter(file).write if table else lambda each: file.write(f"{write_line(each)}\n")
        async for each in gateway.hub(hub).registrations():
            write(each)
        file.flush()


async def _import(
    reactor: Any, hub: str, file: TextIO, table: bool, to: gateway_address.GatewayAddress, as_json: bool
) -> None:
    counted = _CountedLines(file)
    rows, done = (read_table if table else read_lines)(counted), _Import()
    async with gateway_address.reach(reactor, to) as gateway:
        there = gateway.hub(hub)
        await there.count("no-such-tag")  # a hub that is not there is one error, and not one for each line
        with click.progressbar(
            length=_size(file), file=sys.stderr, label="importing", hidden=not sys.stderr.isatty()
        ) as bar:
            for part in _parts(rows):
                await _put_all(there, part, done)
                bar.update(counted.taken())
    done.report(as_json)


class _Import:
    """What was entered, and the bad lines by number."""

    def __init__(self) -> None:
        self.entered = self.left_out = self._count = 0
        self._faults: list[tuple[int, str]] = []

    def refuse(self, line: int, error: Refusal) -> None:
        """Note a bad line."""
        self._count += 1
        if len(self._faults) < _SHOWN:
            self._faults.append((line, str(error)))

    def report(self, as_json: bool) -> None:
        """Print what was done, then what was not; end the command when there was such."""
        faults = sorted(self._faults)
        if as_json:
            figures = {"entered": self.entered, "installations": self.left_out, "refused": self._count}
            print_json({**figures, "faults": faults})
        else:
            left = f", {self.left_out:,} of installations left out" if self.left_out else ""
            click.echo(f"{self.entered:,} entered{left}")
        shown = [f"line {line}: {text}" for line, text in faults]
        if self._count > len(shown):
            shown.append(f"and {self._count - len(shown):,} more bad lines")
        if shown:
            fail([*shown, f"{self._count:,} bad lines were left out"])


async def _put_all(hub: "HubClient", rows: Iterable[Row], done: _Import) -> None:
    from twisted.internet.defer import Deferred, FirstError, gatherResults

    putting = [Deferred.fromCoroutine(_put(hub, line, found, done)) for line, found in rows]
    try:
        await gatherResults(putting, consumeErrors=True)
    except FirstError as failed:
        failed.subFailure.raiseException()


async def _put(hub: "HubClient", line: int, found: Registration | Invalid, done: _Import) -> None:
    """Enter one registration; what is wrong with it by itself is noted, anything else ends the import."""
    if isinstance(found, Invalid):
        done.refuse(line, found)
        return
    if found.get("installation"):
        done.left_out += 1
        return
    try:
        await _kept(hub, found)
    except (Invalid, TooLarge) as error:
        done.refuse(line, error)
    else:
        done.entered += 1


async def _kept(hub: "HubClient", registration: Registration) -> str:
    try:
        return await hub.put_registration(registration)
    except NotFound:  # of an id that is another hub's
        return await hub.put_registration({**registration, "id": ""})


class _CountedLines:
    """The lines of a file, and how many bytes they have."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._bytes = file, 0

    def __iter__(self) -> Iterator[str]:
        for line in self._file:
            self._bytes += len(line.encode("utf-8", "replace"))
            yield line

    def taken(self) -> int:
        """Bytes since the last call."""
        taken, self._bytes = self._bytes, 0
        return taken


def _size(file: TextIO) -> int:
    """The bytes of a file; 0 of a pipe."""
    found = os.fstat(file.fileno())
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


def _parts(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while part := list(islice(rows, _AT_ONCE)):
        yield part
