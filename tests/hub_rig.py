"""A hub for tests: its database in memory without a thread, and devices in it."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from twisted.internet.defer import Deferred, execute, succeed
from zope.interface import implementer

from pushgate.database.interface import IDatabase
from pushgate.database.migrations import migrate
from pushgate.database.remembered import Remembered
from pushgate.hub.store.schema import STEPS
from pushgate.hub.store.together import alone
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Template
from pushgate.model.store_down import StoreDown


class MemorySession:
    def __init__(self, connection: sqlite3.Connection, wall: Callable[[], float]) -> None:
        self._connection, self._wall = connection, wall
        self.remembered = Remembered()

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, tuple(values)).fetchall()

    def executemany(self, statement: str, rows: Any) -> None:
        self._connection.executemany(statement, rows)

    def now(self) -> float:
        return self._wall()

    def grown(self, rows: int) -> None: ...


@implementer(IDatabase)
class MemoryDatabase:
    """Does everything at once, in the caller's thread.

    :ivar down: every call fails with `StoreDown` while it is true.
    :ivar holding: while true, what a call comes to is held back until `release`, though it is done.
    """

    def __init__(self, wall: Callable[[], float], steps: Sequence[Sequence[str]] = STEPS) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.session = MemorySession(self.connection, wall)
        migrate(self.session, steps)
        self.down = False
        self.before: Callable[[str], None] = lambda what: None
        self.after: Callable[[str], None] = lambda what: None

    def start(self) -> None: ...

    def stop(self) -> Deferred[None]:
        return succeed(None)

    def read(self, work: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
        return execute(self._do, work, arguments)

    def write(self, work: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
        return execute(self._do, work, arguments)

    def write_together(self, work: Callable[..., Any], argument: Any) -> Deferred[Any]:
        return execute(self._do, alone, (work, argument))

    def _do(self, work: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        if self.down:
            raise StoreDown
        self.before(work.__name__)
        self.connection.execute("SAVEPOINT work")
        try:
            result = work(self.session, *arguments)
        except BaseException:
            self.connection.execute("ROLLBACK TO work")
            raise
        finally:
            self.connection.execute("RELEASE work")
        self.after(work.__name__)
        return result

    def add_device(
        self,
        handle: bytes,
        *tags: str,
        platform: Platform = Platform.APNS,
        template: Template | None = None,
        updated_at: float = 0.0,
        variables: dict[str, str] | None = None,
    ) -> str:
        """Register a device; return the id of the registration."""
        run = self.session.execute
        run("INSERT INTO device (platform, handle) VALUES (?, ?) ON CONFLICT DO NOTHING", (platform, handle))
        ((device,),) = run("SELECT number FROM device WHERE platform = ? AND handle = ?", (platform, handle))
        rest = {"template": template, "push_variables": variables or {}}
        document = msgspec.json.encode({key: value for key, value in rest.items() if value})
        ((number,),) = run(
            "INSERT INTO registration (id, device, platform, template, tags, document, etag, updated_at,"
            " installation_id) VALUES ('', ?, ?, ?, ?, ?, '1', ?, '') RETURNING number",
            (device, platform, int(template is not None), ",".join(tags), document, updated_at),
        )
        run("UPDATE registration SET id = ? WHERE number = ?", (f"r{number}", number))
        for tag in tags:
            run("INSERT INTO tag (name) VALUES (?) ON CONFLICT DO NOTHING", (tag.lower(),))
            ((tag_id,),) = run("SELECT id FROM tag WHERE name = ?", (tag.lower(),))
            run("INSERT INTO registration_tag VALUES (?, ?, ?)", (tag_id, device, number))
        return f"r{number}"
