"""A job: an import or an export of registrations."""

from enum import StrEnum

import msgspec


class JobType(StrEnum):
    """What a job does; the names and their order are those of the wire."""

    EXPORT = "ExportRegistrations"
    CREATE = "ImportCreateRegistrations"
    UPDATE = "ImportUpdateRegistrations"
    DELETE = "ImportDeleteRegistrations"
    UPSERT = "ImportUpsertRegistrations"


class JobStatus(StrEnum):
    """How far a job is."""

    STARTED = "Started"
    RUNNING = "Running"
    COMPLETED = "Completed"
    FAILED = "Failed"


class JobRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a job is to do.

    :param output: the address of the container for its files.
    :param input: the address of the file to import; "" for an export.
    """

    type: JobType
    output: str
    input: str = ""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it is kept.

    :param progress: percent, 0 to 100.
    :param failure: why it failed; "" when it has not.
    :param output_file: the path of its output, in the output container; "" before it is there.
    :param failed_file: the same of the entries that failed.
    :param created_at, updated_at: Unix seconds.
    """

    id: str
    request: JobRequest
    status: JobStatus
    created_at: float
    updated_at: float
    progress: float = 0.0
    failure: str = ""
    output_file: str = ""
    failed_file: str = ""
