"""An example of an input: a folder. Each ``*.json`` in it becomes a notification, and is deleted when safe.

Try it: ``twistd -n --pidfile= pushgate --plugins plugins --config my.toml`` with this in ``my.toml``::

    [inputs.folder]
    type = "folder"
    path = "/tmp/notifications"

Write ``{"app": "demo", "token": "0a1b2c", "payload": {"aps": {"alert": "Hi"}}}`` to a file elsewhere on the
same disk and move it there, so that it is never seen half-written.
"""

from pathlib import Path
from typing import Annotated

import msgspec
from pydantic import DirectoryPath, Field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from zope.interface import implementer

from pushgate.plugin import (
    Context,
    IGateway,
    IInput,
    InputFactory,
    InputTable,
    Overloaded,
    Packed,
    Refusal,
    ShuttingDown,
    Submission,
)


class FolderTable(InputTable):
    """Its configuration: the keys of every input, and a folder that exists."""

    path: Annotated[DirectoryPath, Field(strict=False)]


class Note(msgspec.Struct):
    """The content of a file."""

    app: str
    token: str
    payload: msgspec.Raw


@implementer(IInput)
class FolderInput:
    """Reads the folder every second."""

    log = Logger()

    def __init__(self, name: str, config: FolderTable, gateway: IGateway, context: Context) -> None:
        self._name, self._path, self._gateway = name, config.path, gateway
        self._loop, self._ended = LoopingCall(self._read), succeed(None)
        self._loop.clock = context.reactor

    def start(self) -> Deferred[None]:
        """Begin to read."""
        self._ended = self._loop.start(1.0).addCallback(lambda _: None)
        return succeed(None)

    def stop(self) -> Deferred[None]:
        """Stop reading; fires when the file at hand is done."""
        if self._loop.running:
            self._loop.stop()
        return self._ended

    def addresses(self) -> list[str]:
        """The folder."""
        return [f"folder {self._path}"]

    async def _read(self) -> None:
        for file in sorted(self._path.glob("*.json")):
            try:
                await self._gateway.submit(self._submission(file), self._name)
                file.unlink()  # not before: until here the file is all there is of it
            except (Overloaded, ShuttingDown):
                return  # the file stays, for the next time
            except (Refusal, msgspec.MsgspecError) as error:
                self.log.warn("{file}: refused: {error}", file=str(file), error=str(error))
                file.rename(file.with_suffix(".refused"))
            except Exception:  # noqa: BLE001 - no error may end the loop
                self.log.failure("{file}: not taken", file=str(file))

    def _submission(self, file: Path) -> Submission:
        note = msgspec.json.decode(file.read_bytes(), type=Note)
        # With this key, a file that cannot be deleted is still sent only once.
        rules, key = self._gateway.rules(note.app), f"{file.name} {file.stat().st_mtime_ns}"
        tokens = Packed.of([rules.parse_target(note.token)], 2)
        return Submission(app=note.app, tokens=tokens, payload=rules.payload_of(bytes(note.payload)), key=key)


folder = InputFactory("folder", "a folder of JSON files, each a notification", FolderTable, FolderInput)
