"""Carries the jobs of a hub out, one at a time, and goes on with those that a crash interrupted."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.database.interface import IDatabase
from pushgate.hub.jobs.containers import Containers
from pushgate.hub.jobs.export_job import lines, read_page, written
from pushgate.hub.jobs.import_job import LINES, apply_chunk
from pushgate.hub.jobs.lines import read_chunk, write_at
from pushgate.hub.jobs.registrar import Registrar
from pushgate.hub.store.jobs import KeptJob, LostJob, add, advance, claim, find, forget, latest, release
from pushgate.model.errors import Internal, Invalid, PushgateError, ShuttingDown
from pushgate.model.hub.job import Job, JobRequest, JobStatus, JobType
from pushgate.model.store_down import StoreDown
from pushgate.plugin.context import Context
from pushgate.protocols.notification_hubs.blob_signature import READ, WRITE

LEASE: Final = 60.0
"""Seconds after which another gateway takes over a job of one that says nothing any more."""
POLL: Final = 5.0
"""Seconds between two looks for jobs of other gateways; inputs say within the first where containers are."""
OUTPUT: Final = "Output.txt"
FAILED: Final = "Failed.txt"
SWEEP: Final = 3600.0
"""Seconds between two looks for containers that are of no use any more."""


class JobRunner:
    """The jobs of one hub.

    :param owner: the id of this gateway, which stays the same when it is started again.
    :param keep: returns the seconds that a job is kept once it has ended.
    """

    log = Logger()

    def __init__(
        self,
        hub: str,
        database: IDatabase,
        containers: Containers,
        registrar: Registrar,
        context: Context,
        *,
        owner: str,
        keep: Callable[[], float],
    ) -> None:
        self._hub, self._database, self._containers, self._registrar = hub, database, containers, registrar
        self._clock, self._wall, self._owner, self._keep = context.reactor, context.wall, owner, keep
        self._in_thread = context.in_thread
        self._timer: IDelayedCall | None = None
        self._swept = -SWEEP
        self._working: Deferred[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Begin to look for jobs."""
        self._timer = self._clock.callLater(POLL, self._look)

    async def stop(self) -> None:
        """End behind the step that is under way; another start, or gateway, goes on behind it."""
        self._stopping = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self._working is not None:
            await self._working
        try:
            await self._database.write(release, self._owner)
        except StoreDown:
            self.log.info(
                "hub {hub}: the database is away; its jobs go on after {lease:g} s",
                hub=self._hub,
                lease=LEASE,
            )

    async def submit(self, request: JobRequest) -> Job:
        """Keep a job and begin with it.

        :raises Invalid: an address is none of a container of this hub, or does not permit what is needed.
        """
        if self._stopping:
            raise ShuttingDown
        now = self._wall()
        _, name = self._containers.resolve("OutputContainerUri", request.output, WRITE, now)
        if name:
            raise Invalid("OutputContainerUri", "the address of a file", "the address of a container")
        if request.type is not JobType.EXPORT:
            container, name = self._containers.resolve("ImportFileUri", request.input, READ, now)
            if not name or not self._containers.path(container, name).is_file():
                raise Invalid("ImportFileUri", "no file is there", "the address of a file in a container")
        job: Job = await self._database.write(add, uuid4().hex, request)
        self._clock.callLater(0, self._look)
        return job

    async def job(self, job_id: str) -> Job:
        """The job with this id; raises `UnknownResource`."""
        job: Job = await self._database.read(find, job_id)
        return job

    async def jobs(self) -> list[Job]:
        """All jobs that are kept, the latest first."""
        jobs: list[Job] = await self._database.read(latest)
        return jobs

    def _look(self) -> None:
        """Work on what there is, unless that is under way."""
        if self._working is not None or self._stopping:
            return
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._working = Deferred.fromCoroutine(self._work()).addErrback(self._failed)
        working = self._working
        working.addCallback(self._rest)

    async def _work(self) -> None:
        await self._database.write(forget, self._wall() - self._keep())
        while not self._stopping:
            kept = await self._database.write(claim, self._owner, LEASE)
            if kept is None:
                await self._sweep()
                return
            await self._run(kept)

    async def _sweep(self) -> None:
        """Remove containers that are as old as a job that is forgotten, and that no job names."""
        if self._clock.seconds() - self._swept < SWEEP:
            return
        self._swept = self._clock.seconds()
        named = frozenset(
            self._containers.place(address)[0]
            for job in await self.jobs()
            for address in (job.request.output, job.request.input)
            if address
        )
        try:
            removed = await self._in_thread(self._containers.remove_old, self._wall() - self._keep(), named)
        except OSError as error:
            self.log.warn("hub {hub}: old containers stay: {text}", hub=self._hub, text=error.strerror)
            return
        if removed:
            self.log.info("hub {hub}: {count} old containers were removed", hub=self._hub, count=removed)

    def _failed(self, failure: Failure) -> None:
        if failure.check(StoreDown, ShuttingDown):
            return  # which the hub says; the jobs wait
        self.log.failure("a bug in the jobs of hub {hub}; they are tried again", failure, hub=self._hub)

    def _rest(self, _: None) -> None:
        self._working = None
        if not self._stopping:
            self._timer = self._clock.callLater(POLL, self._look)

    async def _run(self, kept: KeptJob) -> None:
        try:
            await self._steps(await self._set(kept, status=JobStatus.RUNNING))
        except LostJob:
            self.log.info("hub {hub}: another gateway goes on with job {job}", hub=self._hub, job=kept.job.id)
        except (StoreDown, ShuttingDown):
            raise
        except (OSError, PushgateError) as error:
            text = error.strerror if isinstance(error, OSError) else str(error)
            self.log.error("hub {hub}: job {job} failed: {text}", hub=self._hub, job=kept.job.id, text=text)
            await self._fail(kept, text or type(error).__name__)
        except Exception:  # noqa: BLE001 - a job that meets a bug would meet it again
            self.log.failure("a bug in job {job} of hub {hub}", hub=self._hub, job=kept.job.id)
            await self._fail(kept, str(Internal()))

    async def _steps(self, kept: KeptJob) -> None:
        """Do what is left of a job, or as much as there is time for."""
        is_export = kept.job.request.type is JobType.EXPORT
        if not is_export:
            await self._write_results(kept)  # which a crash may have kept from the files
        step = self._export if is_export else self._import
        finished = False
        while not finished and not self._stopping:
            kept, finished = await step(kept)
        if finished:
            await self._set(kept, status=JobStatus.COMPLETED, progress=100.0)

    async def _fail(self, kept: KeptJob, text: str) -> None:
        """Keep that a job has failed, as far as it is."""
        job = await self.job(kept.job.id)
        failed = replace(job, status=JobStatus.FAILED, failure=text)
        with contextlib.suppress(LostJob):
            await self._keep_position(KeptJob(failed, kept.position))

    async def _set(self, kept: KeptJob, **changes: Any) -> KeptJob:
        """Keep a job with changes."""
        changed = KeptJob(replace(kept.job, **changes), kept.position)
        return await self._keep_position(changed)

    async def _keep_position(self, kept: KeptJob) -> KeptJob:
        moved: KeptJob = await self._database.write(advance, kept, self._owner, LEASE)
        return moved

    async def _export(self, kept: KeptJob) -> tuple[KeptJob, bool]:
        page, total = await self._database.read(read_page, self._registrar, kept.position.after)
        text = await self._in_thread(lines, page)
        kept = await self._keep_position(_named(kept, output_file=self._name(kept, OUTPUT)))
        await self._in_thread(write_at, self._file(kept, OUTPUT), kept.position.output_size, text)
        return await self._keep_position(written(kept, page, total, text)), not page.next

    async def _import(self, kept: KeptJob) -> tuple[KeptJob, bool]:
        position, source = kept.position, self._source(kept)
        chunk = await self._in_thread(read_chunk, source, position.line, position.offset, LINES)
        kept = _named(kept, output_file=self._name(kept, OUTPUT), failed_file=self._name(kept, FAILED))
        kept, applied = await self._database.write(
            apply_chunk, self._registrar, kept, chunk, self._owner, LEASE
        )
        await self._write_results(kept)  # directly behind: until now the job was this gateway's
        if applied:
            await self._registrar.applied(kept.job.request.type, applied)
        return kept, chunk.last

    async def _write_results(self, kept: KeptJob) -> None:
        position = kept.position
        await self._in_thread(write_at, self._file(kept, OUTPUT), position.output_size, position.output)
        await self._in_thread(write_at, self._file(kept, FAILED), position.failed_size, position.failed)

    def _name(self, kept: KeptJob, file: str) -> str:
        return f"/{self._hub}/{kept.job.id}/{file}"

    def _file(self, kept: KeptJob, file: str) -> Path:
        container, _ = self._containers.place(kept.job.request.output)
        return self._containers.path(container, self._name(kept, file).lstrip("/"))

    def _source(self, kept: KeptJob) -> Path:
        return self._containers.path(*self._containers.place(kept.job.request.input))


def _named(kept: KeptJob, **files: str) -> KeptJob:
    return KeptJob(replace(kept.job, **files), kept.position)
