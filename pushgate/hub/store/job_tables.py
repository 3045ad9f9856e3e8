"""The table of jobs, in the SQL of SQLite; see `schema`.

``job``: `document` is a `pushgate.model.hub.job.Job` and `position` how far it is, both JSON. `owner` is the
gateway that works on it, '' for none, and has it until `lease_until`.
"""

from typing import Final

JOB_TABLES: Final = (
    """CREATE TABLE job (
        id TEXT PRIMARY KEY, status TEXT NOT NULL, owner TEXT NOT NULL, lease_until DOUBLE PRECISION NOT NULL,
        created_at DOUBLE PRECISION NOT NULL, document BLOB NOT NULL, position BLOB NOT NULL)""",
)
