"""The enrolments of all apps: the database, the schedule, and what inputs may ask."""

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from pushgate.database.interface import IDatabase
from pushgate.database.sqlite import SqliteDatabase
from pushgate.mdm import enrolments
from pushgate.mdm.diagnosis import Facts, diagnose
from pushgate.mdm.sink import EnrolmentSink
from pushgate.mdm.tables import MDM_SCHEMA
from pushgate.mdm.waker import Waker
from pushgate.model.enrolment import Enrolled, Enrolment, EnrolmentRequest
from pushgate.model.errors import CannotStart, ShuttingDown
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway
from pushgate.plugin.mdm_interface import IEnrolments, IManagedDevices
from pushgate.plugin.sink_interface import IOutcomeSink
from pushgate.protocols.mdm_push import push_payload, shown_hash, token_hash

FILE: Final = "enrolments.sqlite"
"""The name of the database, in the folder ``mdm`` of the state directory."""
_log = Logger()


@implementer(IManagedDevices)
class ManagedDevices:
    """Opened when there are enrolments, or when the first one comes: most gateways have none.

    :param database: None: a file in the state directory.
    """

    def __init__(self, context: Context, database: IDatabase | None = None) -> None:
        self._context, self._given = context, database
        self._gateway: IGateway | None = None
        self._attach: Callable[[IOutcomeSink], object] | None = None
        self._database: IDatabase | None = None
        self._waker: Waker | None = None
        self._started, self._stopped = False, False

    def serve(self, gateway: IGateway, attach: Callable[[IOutcomeSink], object]) -> None:
        """Push through this gateway.

        :param attach: has a sink of its given every outcome, also over restarts.
        """
        self._gateway, self._attach = gateway, attach

    # called by the service

    def open(self) -> None:
        """Open what there is, before the gateway starts; raise `CannotStart`."""
        if self._given is not None or (self._file is not None and self._file.exists()):
            self._opened()

    def start(self) -> None:
        """Begin to push; the gateway is started."""
        self._started = True
        if self._waker is not None:
            self._waker.start()

    def stop(self) -> "Deferred[None]":
        """Begin no further push. The database is closed with the sinks of the gateway."""
        self._stopped = True
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self._waker is not None:
            await self._waker.stop()

    # IManagedDevices

    def check_topic(self, app: str, topic: str, override: bool) -> None:
        if self._file is None:
            raise CannotStart(
                [f'apps.{app}.mdm: enrolments are kept in gateway.state_dir, which is "memory"']
            )
        enrolled = _enrolled_topic(self._file, app)
        if enrolled not in {None, topic} and not override:
            wrong = f"its topic (UID) is {topic}, but devices have enrolled under {enrolled}"
            rule = f"renew the certificate of that topic, or set apps.{app}.mdm_topic_override = true"
            raise CannotStart([f"apps.{app}.certificate: {wrong} and cannot be reached with it; {rule}"])

    def of(self, app: str, topic: str) -> "AppEnrolments":
        if self._stopped:
            raise ShuttingDown
        database, waker = self._opened()
        return AppEnrolments(app, topic, database, waker, self._context)

    @property
    def _file(self) -> Path | None:
        directory = self._context.state_dir
        return None if directory is None else directory / "mdm" / FILE

    def _opened(self) -> tuple[IDatabase, Waker]:
        if self._database is None or self._waker is None:
            assert self._gateway is not None
            assert self._attach is not None
            database = self._given or self._sqlite()
            waker = Waker(database, self._gateway, self._context)
            self._attach(EnrolmentSink(database, waker.settled))
            self._database, self._waker = database, waker
            if self._started:
                waker.start()
        return self._database, self._waker

    def _sqlite(self) -> SqliteDatabase:
        assert self._file is not None, "found as the app was made"
        return SqliteDatabase(self._file, self._context, MDM_SCHEMA, "gateway.state_dir")


@implementer(IEnrolments)
class AppEnrolments:
    """The enrolments of one app, whose certificate has this topic."""

    def __init__(self, app: str, topic: str, database: IDatabase, waker: Waker, context: Context) -> None:
        self._app, self._topic, self._database, self._waker = app, topic, database, waker
        self._metrics, self._wall = context.metrics, context.wall

    def enrol(self, request: EnrolmentRequest) -> "Deferred[Enrolled]":
        return Deferred.fromCoroutine(self._enrol(request))

    def check_in(self, token: bytes) -> "Deferred[bool]":
        return Deferred.fromCoroutine(self._check_in(token))

    def check_out(self, token: bytes, push_magic: str | None = None) -> "Deferred[bool]":
        return Deferred.fromCoroutine(self._check_out(token, push_magic))

    def find(self, beginning: bytes) -> "Deferred[list[Enrolment]]":
        return self._database.read(enrolments.find, self._app, beginning)

    def diagnose(self, token: bytes) -> "Deferred[dict[str, Any]]":
        return Deferred.fromCoroutine(self._diagnose(token))

    async def _enrol(self, request: EnrolmentRequest) -> Enrolled:
        push_payload(request.push_magic)  # raises `Invalid` for a push magic that is none
        superseded = await self._database.write(
            enrolments.enrol, self._app, self._topic, request, self._wall()
        )
        self._count("enrolled")
        for line in superseded:
            self._count("superseded")
            _log.warn(
                "{app}: {line}; the new token is {hash}",
                app=self._app, line=line, hash=shown_hash(request.token),
            )  # fmt: skip
        self._waker.look()
        return Enrolled(token_hash(request.token), tuple(superseded))

    async def _check_in(self, token: bytes) -> bool:
        known: bool = await self._database.write(enrolments.check_in, self._app, token, self._wall())
        self._count("checked_in" if known else "unknown")
        return known

    async def _check_out(self, token: bytes, push_magic: str | None) -> bool:
        if push_magic is not None:
            push_payload(push_magic)  # raises `Invalid` for a push magic that is none
        left = await self._database.write(enrolments.check_out, self._app, token, push_magic, self._wall())
        known = left is not None and left.superseded_at is None
        self._count("checked_out" if known else "unknown" if left is None else "late")
        if push_magic is not None and not known:
            _log.info(
                "{app}: a CheckOut of {hash} is not of the current enrolment, which stays as it is",
                app=self._app, hash=shown_hash(token),
            )  # fmt: skip
        if left is not None:
            await self._waker.withdraw(left.id)
        return known

    async def _diagnose(self, token: bytes) -> dict[str, Any]:
        kept = await self._database.read(enrolments.of_token, self._app, token)
        siblings: list[Enrolment] = []
        if kept and kept[0].device is not None:
            siblings = await self._database.read(enrolments.of_device, self._app, kept[0].device)
        facts = Facts(kept=tuple(kept), of_device=tuple(siblings), topic=self._topic, now=self._wall())
        return diagnose(token, facts)

    def _count(self, event: str) -> None:
        self._metrics.count("pushgate_mdm_events_total", self._app, event)


def _enrolled_topic(file: Path, app: str) -> str | None:
    """The topic under which devices of an app enrolled last; None when none did, or it cannot be read.

    What cannot be read is found out when the database is opened.
    """
    if not file.exists():
        return None
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(file)) as reader:
        row = reader.execute("SELECT topic FROM topics WHERE app = ?", (app,)).fetchone()
        return None if row is None else str(row[0])
    return None
