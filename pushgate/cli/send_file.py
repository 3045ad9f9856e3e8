"""``pushgate send --file``."""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TextIO
from uuid import uuid4

import click

from pushgate.cli import gateway_address
from pushgate.cli.row_files import BadLines, CountedLines, size_of
from pushgate.model.errors import (
    Conflict,
    Forbidden,
    Invalid,
    Overloaded,
    PushgateError,
    ShuttingDown,
    TooLarge,
)

if TYPE_CHECKING:
    from pushgate.cli.background_reader import BackgroundReader
    from pushgate.cli.file_progress import FileProgress
    from pushgate.cli.send_rows import Member, Part
    from pushgate.client import Client, PushReceipt
    from pushgate.model.target import TargetForm

_PATIENCE: Final = 60.0
"""Seconds that the gateway may take for one command, or be away."""
_SILENCE: Final = 5.0
"""Seconds for which a gateway may be overloaded before a line says so; then it is asked again without end."""
_AT_ONCE: Final = 8
"""Parts under way at most: what bounds the memory."""
_MAX_KEY: Final = 200
"""Bytes of a key, with room for what makes one of it for each command."""


class RowFile(NamedTuple):
    """A file with rows.

    :param is_table: it is CSV, whatever its name.
    :param payload: of rows that have none.
    :param terms: of rows that have none of their own.
    """

    path: Path
    is_table: bool
    payload: str | None
    terms: dict[str, Any]


async def send_file(
    reactor: Any, app: str, rows: RowFile, key: str | None, to: gateway_address.GatewayAddress, as_json: bool
) -> None:
    """Send a notification for each row of a file, in parts that have keys of their own; print the sum."""
    from pushgate.cli.file_progress import FileProgress

    if key is not None and len(key.encode()) > _MAX_KEY:
        raise Invalid("key", f"{len(key.encode())} bytes", f"at most {_MAX_KEY} for a file")
    file = _opened(rows.path)
    with closing(FileProgress(size_of(file))) as progress:
        sending = _FileSend(app, key, progress)
        async with (
            gateway_address.reach(reactor, to, _PATIENCE, retry_for=_SILENCE) as gateway,
            sending.resumable(),
        ):
            reader = _reader(reactor, file, await _form(gateway, app), rows)
            await sending.run(gateway, reader)
    file.close()  # and at no other end: that would wait for the thread, which may wait for a pipe
    sending.report(as_json)


def _reader(
    reactor: Any, file: TextIO, form: "TargetForm | None", rows: RowFile
) -> "BackgroundReader[tuple[Part, int]]":
    """Reads the parts of a file, each with how many bytes of it are behind."""
    from pushgate.cli.background_reader import BackgroundReader
    from pushgate.cli.send_rows import RowReader

    lines = CountedLines(file)
    reader = RowReader(form, rows.payload.encode() if rows.payload else None, rows.terms)
    parts = reader.parts(lines, rows.is_table or rows.path.name.lower().endswith(".csv"))
    counted: Iterator[tuple[Part, int]] = ((part, lines.taken()) for part in parts)
    return BackgroundReader(reactor, counted)


class _FileSend:
    """The parts of a file under way, and what came of them.

    :param key: each command's key begins so; by default one is made, and printed before it is used.
    """

    def __init__(self, app: str, key: str | None, progress: "FileProgress") -> None:
        self._key, self._key_is_new, self._begun = key or uuid4().hex, key is None, False
        self._app, self._progress = app, progress
        self._bad = BadLines(progress.say)
        self._accepted = self._repeated = 0
        self._error: BaseException | None = None
        self._waiting = False

    async def run(self, gateway: "Client", reader: "BackgroundReader[tuple[Part, int]]") -> None:
        """Send all parts, several at a time; the first error that is not about rows ends it."""
        from twisted.internet.defer import CancelledError, Deferred, DeferredList, DeferredSemaphore

        slots, number = DeferredSemaphore(_AT_ONCE), 0
        under_way: list[Deferred[None]] = []
        try:
            while self._error is None and (found := await reader.next()) is not None:
                self._begin()
                await slots.acquire()
                sending = Deferred.fromCoroutine(self._send(gateway, number, *found))
                under_way = [sending, *(each for each in under_way if not each.called)]
                sending.addBoth(lambda _: slots.release())
                number += 1
            await DeferredList(under_way)
        except CancelledError:
            for sending in under_way:
                sending.cancel()
            raise
        if self._error is not None:
            raise self._error

    @asynccontextmanager
    async def resumable(self) -> AsyncIterator[None]:
        """When something ends it after the first part was read, print how it can go on."""
        try:
            yield
        except BaseException:
            if self._begun:
                again = f"with --key {self._key} and the same file it goes on, and nothing is sent twice"
                self._progress.say(f"{self._accepted:,} were accepted before it ended; {again}")
            raise

    def _begin(self) -> None:
        if self._key_is_new and not self._begun:
            again = "with that and the same file it can be started again"
            self._progress.say(f"its key: --key {self._key}; {again}")
        self._begun = True

    def report(self, as_json: bool) -> None:
        """Print what was sent; end the command when there were bad rows."""
        figures = {"key": self._key, "accepted": self._accepted, "repeated": self._repeated}
        before = f", {self._repeated:,} of them before" if self._repeated else ""
        self._bad.report(figures, f"{self._accepted:,} accepted{before}", as_json)

    async def _send(self, gateway: "Client", number: int, part: "Part", size: int) -> None:
        for line, reason in part.bad:
            self._bad.refuse(line, f"INVALID: {reason}")
        try:
            for index, (terms, members) in enumerate(part.groups.items()):
                await self._send_group(gateway, f"{self._key}/{number}.{index}", dict(terms), members)
        except Exception as error:  # noqa: BLE001 - raised when the others are done
            self._error = self._error or error
            return
        self._progress.show(size, self._accepted)

    async def _send_group(
        self, gateway: "Client", key: str, terms: dict[str, Any], members: "list[Member]"
    ) -> None:
        from pushgate.client import PartlySent

        targets = [member.target for member in members]
        body: dict[str, Any] = {"payloads": [member.payload for member in members]}
        if len(set(body["payloads"])) == 1:
            body = {"payload": members[0].payload}
        while True:
            try:
                receipt = await gateway.push_batch(self._app, targets=targets, key=key, **body, **terms)
            except PartlySent as partly:
                if not self._comes_again(partly.__cause__):
                    self._count(partly.receipt, members)
                    raise (partly.__cause__ or partly) from None
            except (Invalid, TooLarge, Conflict) as refusal:
                lines = [member.line for member in members]
                self._bad.refuse_all(lines, f"{refusal.code}: {refusal}")
                return
            except PushgateError as error:
                if not self._comes_again(error):
                    raise
            else:
                self._count(receipt, members)
                return

    def _comes_again(self, error: BaseException | None) -> bool:
        """Return True, having said so, if it is worth while to send the same again, and again."""
        if not isinstance(error, Overloaded | ShuttingDown):
            return False
        if not self._waiting:
            self._waiting = True
            self._progress.say(f"waiting: {error}")
        return True

    def _count(self, receipt: "PushReceipt", members: "list[Member]") -> None:
        self._waiting = False
        self._accepted += receipt.accepted
        self._repeated += receipt.repeated
        for each in receipt.refused:
            self._bad.refuse(members[each.index].line, f"{each.code}: {each.reason}")


async def _form(gateway: "Client", app: str) -> "TargetForm | None":
    """How the app writes targets; None where the login may not read that."""
    try:
        return await gateway.target_form(app)
    except Forbidden:
        return None


def _opened(path: Path) -> TextIO:
    """The file, or a copy of the standard input: one that a thread may wait for while the process ends."""
    try:
        source: int | Path = os.dup(sys.stdin.fileno()) if str(path) == "-" else path
        return open(source, encoding="utf-8", errors="replace", newline="")  # noqa: PTH123 - see there
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from None
