"""The tables of sends, in the SQL of SQLite; where another database differs, its schema translates them.

``send``: `resolved` is 1 when all its notifications are submitted, `overdue` when it took too long. What is
left to be done of it went to another table later, see `lane_tables`.

``batch``: one for each submission, by its id as text; also for what never got to the gateway, under an id of
the hub's. `live` notifications will have an outcome, `settled` have. Outcomes may come before it is known of
which send a batch is: then `send` is ''.

``batch_outcome`` has the counts by outcome name; ``reported`` what they were made of, so that nothing that
is reported again counts twice.
"""

from typing import Final

SEND_TABLES: Final = (
    """CREATE TABLE send (
        id TEXT PRIMARY KEY, request BLOB NOT NULL, state TEXT NOT NULL,
        accepted_at DOUBLE PRECISION NOT NULL, due_at DOUBLE PRECISION NOT NULL,
        started_at DOUBLE PRECISION, ended_at DOUBLE PRECISION,
        owner TEXT NOT NULL DEFAULT '', lease_until DOUBLE PRECISION NOT NULL DEFAULT 0,
        cursor BIGINT NOT NULL DEFAULT 0, planned_end BIGINT, planned_last BIGINT NOT NULL DEFAULT 0,
        planned_by TEXT NOT NULL DEFAULT '', resolved BIGINT NOT NULL DEFAULT 0,
        overdue BIGINT NOT NULL DEFAULT 0)""",
    "CREATE INDEX send_open ON send (due_at) WHERE resolved = 0",
    "CREATE INDEX send_accepted ON send (accepted_at)",
    "CREATE INDEX send_unfinished ON send (started_at) WHERE ended_at IS NULL",
    """CREATE TABLE batch (
        id TEXT PRIMARY KEY, send TEXT NOT NULL, platform TEXT NOT NULL, live BIGINT NOT NULL,
        settled BIGINT NOT NULL, at DOUBLE PRECISION NOT NULL)""",
    "CREATE INDEX batch_send ON batch (send)",
    "CREATE INDEX batch_at ON batch (at)",
    """CREATE TABLE batch_outcome (
        batch TEXT NOT NULL, name TEXT NOT NULL, number BIGINT NOT NULL, PRIMARY KEY (batch, name))""",
    """CREATE TABLE reported (
        batch TEXT NOT NULL, start BIGINT NOT NULL, recalled BIGINT NOT NULL, name TEXT NOT NULL,
        number BIGINT NOT NULL, PRIMARY KEY (batch, start, recalled))""",
    """CREATE TABLE feedback (
        position INTEGER PRIMARY KEY, at DOUBLE PRECISION NOT NULL, day TEXT NOT NULL, platform TEXT NOT NULL,
        handle BLOB NOT NULL, name TEXT NOT NULL, batch TEXT NOT NULL, registration_id TEXT NOT NULL,
        installation_id TEXT NOT NULL, new_handle BLOB NOT NULL)""",
    "CREATE INDEX feedback_batch ON feedback (batch)",
    "CREATE INDEX feedback_day ON feedback (day, position)",
    "CREATE INDEX feedback_at ON feedback (at)",  # or each sweep would go through all of it, and find nothing
)
