"""The thread that writes the spool.

It commits whatever gathered while the last commit ran: so the rate of commits follows the disk and their size
the load.
"""

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from twisted.python.failure import Failure

from pushgate.gateway.spool import batches, idempotency_keys, undelivered_reports
from pushgate.gateway.spool.dead_tokens import Burial
from pushgate.gateway.spool.high_water_mark import HighWaterMark
from pushgate.gateway.spool.job_queue import JobQueue
from pushgate.gateway.spool.jobs import (
    URGENT,
    Append,
    Close,
    Delivered,
    Forgo,
    Intend,
    Job,
    Owed,
    Read,
    Results,
    Settle,
    Taken,
    only,
)
from pushgate.model.errors import Conflict, Overloaded
from pushgate.plugin.context import Context

RETRY: Final = 1.0
"""Seconds until settled ranges that found no space on the disk are tried again."""
SYNC: Final = 5.0
"""Seconds between two writes of the mark to the disk at least: it outlives the process without."""


class SpoolWriter:
    """Owns the connection to the file once its first job is there.

    :param file: that of the spool; its name is in refusals.
    :param connection: open, and used by nothing else from the first job on.
    :param lock: the descriptor that is closed at the end.
    :param restart: the order of the last batch of former runs.
    :param finished: called in the reactor's thread after each commit: Deferreds with their results, the
        seconds it took, and what the trouble is, "" for none.
    """

    def __init__(
        self,
        file: Path,
        connection: sqlite3.Connection,
        lock: int,
        mark: HighWaterMark,
        restart: int,
        context: Context,
        finished: Callable[[Results, float, str], None],
    ) -> None:
        self._file, self._connection, self._lock, self._mark = file, connection, lock, mark
        self._restart, self._context, self._reactor = restart, context, context.reactor
        self._finished, self._commits = finished, batches.commits(connection)
        self._jobs: JobQueue[Job] = JobQueue(lambda job: isinstance(job, URGENT))
        self._owed: list[Owed] = []
        self._burials: list[Burial] = []
        self._thread = threading.Thread(target=self._work, name="pushgate spool", daemon=True)

    def put(self, job: Job) -> None:
        """Have a job done; its Deferred fires in the reactor's thread."""
        if self._thread.ident is None:  # with the first job, long after a daemon left its parent process
            self._thread.start()
        self._jobs.put(job)

    def _work(self) -> None:
        jobs: list[Job] = []
        synced, trouble = 0.0, ""
        while not any(isinstance(job, Close) for job in jobs):
            jobs = self._jobs.gather(RETRY if self._owed or self._burials else None)
            began = time.perf_counter()
            results, trouble = self._do_all(jobs, trouble)
            seconds = time.perf_counter() - began
            if began - synced > SYNC:
                self._mark.sync()
                synced = began
            self._reactor.callFromThread(self._finished, results, seconds, trouble)
        self._connection.close()
        self._mark.close()
        os.close(self._lock)
        closed: Results = [(close.done, None) for close in only(Close, jobs)]
        self._reactor.callFromThread(self._finished, closed, 0.0, trouble)

    def _do_all(self, jobs: list[Job], trouble: str) -> tuple[Results, str]:
        """Do all jobs in one transaction; what cannot be refused is owed until it is on the disk.

        Returns also what the trouble is now, having been this.
        """
        self._owed += [job for job in jobs if isinstance(job, Owed)]
        self._burials += [job for job in jobs if isinstance(job, Burial)]
        appends = only(Append, jobs)
        grows = bool(appends or self._burials)
        try:
            results = self._commit(appends, self._burials)
            trouble = "" if grows else trouble
        except Exception as error:  # noqa: BLE001 - nothing may end this thread: every caller waits for it
            trouble = str(error)
            results = self._refuse(appends, trouble)
            if grows:  # what is settled makes room
                with contextlib.suppress(Exception):
                    results += self._commit([], [])
        results += self._settled()
        return results + [(job.done, self._answer(job)) for job in only(Read, jobs)], trouble

    def _commit(self, appends: list[Append], burials: list[Burial]) -> Results:
        owed = self._owed
        if not (appends or owed or burials):
            return []
        self._mark.done([order for each in only(Delivered, owed) for order in each.finished])
        self._connection.execute("BEGIN IMMEDIATE")
        with self._connection:
            batches.count_commit(self._connection, self._commits + 1)
            results, fresh = self._keep(appends)
            for intend in only(Intend, owed):
                batches.intend(self._connection, intend.ranges)
                results.append((intend.done, None))
            for forgo in only(Forgo, owed):
                batches.forgo(self._connection, forgo.ranges)
            self._settle(only(Settle, owed), only(Delivered, owed), only(Taken, owed))
            for burial in burials:
                burial.do(self._connection)
                results.append((burial.done, None))
        self._commits += 1
        self._mark.committed(self._commits, fresh)
        results += self._settled()
        self._owed = []
        burials.clear()
        return results

    def _settle(self, settles: list[Settle], deliveries: list[Delivered], takings: list[Taken]) -> None:
        """Insert undelivered reports and delete delivered ones; what is both in one commit is not written."""
        for taken in takings:
            undelivered_reports.note_taken(self._connection, taken.numbers)
        delivered = {number for each in deliveries for number in each.numbers}
        done = {order for each in deliveries for order in each.finished}
        if ranges := [each for settle in settles for each in settle.ranges if each[0] not in done]:
            batches.settle(self._connection, ranges)
        fresh = {settle.number for settle in settles}
        undelivered_reports.insert(
            self._connection, [(each.number, each.body) for each in settles if each.number not in delivered]
        )
        if old := delivered - fresh:
            undelivered_reports.drop(self._connection, list(old))
        if done:
            batches.drop(self._connection, list(done))

    def _settled(self) -> Results:
        """Fire the waiting Deferreds, once each: all is safe, or is tried again without end."""
        results: Results = []
        for settle in only(Settle, self._owed):
            if settle.done is not None:
                results.append((settle.done, None))
                settle.done = None
        return results

    def _keep(self, appends: list[Append]) -> tuple[Results, list[tuple[int, int]]]:
        """Insert what is new; what came before under the same key has its first id, or is a conflict.

        Returns also order and notifications of each new batch.
        """
        wall = self._context.wall()
        used = idempotency_keys.known(
            self._connection, [key for each in appends if (key := each.app_key)], wall
        )
        fresh: list[Append] = []
        new: list[tuple[idempotency_keys.AppKey, idempotency_keys.First]] = []
        results: Results = []
        for each in appends:
            mine = (each.digest, each.batch.id)
            first = used.setdefault(each.app_key, mine) if each.app_key else mine
            if first is mine:
                fresh.append(each)
                if each.app_key:
                    new.append((each.app_key, mine))
            same = first[0] == each.digest
            results.append((each.done, first[1] if same else Failure(Conflict(first[1]))))
        batches.insert(self._connection, [each.batch for each in fresh])
        idempotency_keys.remember(self._connection, new, wall)
        return results, [(b.order, len(b) - len(b.refused)) for b in (each.batch for each in fresh)]

    def _refuse(self, appends: list[Append], trouble: str) -> Results:
        """A commit failed: nothing of it is on the disk."""
        text = f"spool: {self._file}: {trouble}; try again later"
        return [(each.done, Failure(Overloaded.from_text(text))) for each in appends]

    def _answer(self, job: Read) -> Any:
        owed = [each for settle in only(Settle, self._owed) for each in settle.ranges]
        try:
            return job.read(batches.View(self._context.wall(), self._reactor.seconds(), owed, self._restart))
        except Exception:  # noqa: BLE001 - the Deferred fails with it
            return Failure()
