"""The jobs of a hub, in its database: the table ``job``."""

from typing import Final

import msgspec
from msgspec.structs import replace

from pushgate.database.interface import Session
from pushgate.model.hub.errors import UnknownResource
from pushgate.model.hub.job import Job, JobRequest, JobStatus

MAX_JOBS: Final = 1000
"""Jobs of a list at most."""
_OPEN: Final = (JobStatus.STARTED, JobStatus.RUNNING)
_read_job: Final = msgspec.json.Decoder(Job).decode


class JobPosition(msgspec.Struct, frozen=True, kw_only=True):
    """How far a job is. Behind a crash it goes on here, so that nothing is done twice.

    :param line: lines of the input that are done.
    :param offset: bytes of the input that are done.
    :param after: the page of registrations that an export goes on with.
    :param done: registrations that an export has written.
    :param output_size: bytes of the output's file that are good.
    :param failed_size: the same of the file of what failed.
    :param output: what belongs behind these bytes, and may not be in the file yet.
    :param failed: the same of what failed.
    """

    line: int = 0
    offset: int = 0
    after: str = ""
    done: int = 0
    output_size: int = 0
    failed_size: int = 0
    output: str = ""
    failed: str = ""

    def settled(self) -> "JobPosition":
        """The same, once what was to be in the files is in them."""
        return replace(
            self,
            output_size=self.output_size + len(self.output.encode()),
            failed_size=self.failed_size + len(self.failed.encode()),
            output="",
            failed="",
        )


class KeptJob(msgspec.Struct, frozen=True):
    """A job, and how far it is."""

    job: Job
    position: JobPosition = JobPosition()


_read_position: Final = msgspec.json.Decoder(JobPosition).decode


class LostJob(Exception):
    """Another gateway has taken over the job."""


def add(session: Session, job_id: str, request: JobRequest) -> Job:
    """Keep a new job."""
    now = session.now()
    job = Job(id=job_id, request=request, status=JobStatus.STARTED, created_at=now, updated_at=now)
    session.execute(
        "INSERT INTO job (id, status, owner, lease_until, created_at, document, position)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (job_id, str(job.status), "", 0.0, now, msgspec.json.encode(job), msgspec.json.encode(JobPosition())),
    )
    return job


def find(session: Session, job_id: str) -> Job:
    """The job with this id; raise `UnknownResource` when there is none."""
    rows = session.execute("SELECT document FROM job WHERE id = ?", (job_id,))
    if not rows:
        raise UnknownResource("job")
    return _read_job(rows[0][0])


def latest(session: Session) -> list[Job]:
    """All jobs, the latest first."""
    rows = session.execute("SELECT document FROM job ORDER BY created_at DESC, id DESC LIMIT ?", (MAX_JOBS,))
    return [_read_job(document) for (document,) in rows]


def claim(session: Session, owner: str, lease: float) -> KeptJob | None:
    """Take the job that waits longest and that no other gateway works on; None when there is none.

    :param owner: the gateway that takes it; one that it has already is given to it again.
    :param lease: seconds until another one may take it, unless that is renewed.
    """
    now = session.now()
    rows = session.execute(
        "SELECT id, document, position FROM job WHERE status IN (?, ?) AND (owner = ? OR lease_until < ?)"
        " ORDER BY created_at, id LIMIT 1",
        (*(str(status) for status in _OPEN), owner, now),
    )
    if not rows:
        return None
    job_id, document, position = rows[0]
    taken = session.execute(
        "UPDATE job SET owner = ?, lease_until = ? WHERE id = ? AND (owner = ? OR lease_until < ?)"
        " RETURNING id",
        (owner, now + lease, job_id, owner, now),
    )
    return KeptJob(_read_job(document), _read_position(position)) if taken else None


def advance(session: Session, kept: KeptJob, owner: str, lease: float) -> KeptJob:
    """Keep how far a job is, and renew the lease; raise `LostJob` when it is another gateway's by now."""
    now = session.now()
    moved = KeptJob(replace(kept.job, updated_at=now), kept.position)
    rows = session.execute(
        "UPDATE job SET status = ?, lease_until = ?, document = ?, position = ? WHERE id = ? AND owner = ?"
        " RETURNING id",
        (
            str(moved.job.status),
            now + lease,
            msgspec.json.encode(moved.job),
            msgspec.json.encode(moved.position),
            moved.job.id,
            owner,
        ),
    )
    if not rows:
        raise LostJob
    return moved


def release(session: Session, owner: str) -> None:
    """Give up what a gateway has, as it stops: another one may go on at once."""
    session.execute("UPDATE job SET owner = ?, lease_until = ? WHERE owner = ?", ("", 0.0, owner))


def forget(session: Session, before: float) -> None:
    """Delete jobs that ended, of before a time in Unix seconds."""
    session.execute(
        "DELETE FROM job WHERE created_at < ? AND status NOT IN (?, ?)",
        (before, *(str(status) for status in _OPEN)),
    )
