"""The table of lanes, in the SQL of SQLite: what is left to be done of each send.

A send has one lane, for all its devices: of its `platform`, or '' of a send by templates, for all platforms
that have no lane of their own. A platform whose app has no room goes on in a lane of its own, from the page
that found none.

`cursor` is the device behind which the next page begins, `planned_end` the end of a page that is being
submitted, by the gateway `planned_by`, '' once several have tried; `planned_last` says that it is the last
one. `owner` is the gateway that works on the lane, '' for none, and has it until `lease_until`. A lane that
found no room is left alone until its app has some, or until `waits_until`. `resolved` is 1 when all its
notifications are submitted; the column of the send is 1 when those of all its lanes are.

These were columns of ``send``, whose sends had one lane each.
"""

from typing import Final

LANE_TABLES: Final = (
    """CREATE TABLE lane (
        number INTEGER PRIMARY KEY, send TEXT NOT NULL, platform TEXT NOT NULL,
        due_at DOUBLE PRECISION NOT NULL, owner TEXT NOT NULL DEFAULT '',
        lease_until DOUBLE PRECISION NOT NULL DEFAULT 0, waits_until DOUBLE PRECISION NOT NULL DEFAULT 0,
        cursor BIGINT NOT NULL DEFAULT 0, planned_end BIGINT, planned_last BIGINT NOT NULL DEFAULT 0,
        planned_by TEXT NOT NULL DEFAULT '', resolved BIGINT NOT NULL DEFAULT 0, UNIQUE (send, platform))""",
    "CREATE INDEX lane_open ON lane (due_at) WHERE resolved = 0",
    # A lane that may be claimed is found among very many that wait.
    "CREATE INDEX lane_waits ON lane (waits_until, due_at) WHERE resolved = 0",
    "CREATE INDEX lane_platform ON lane (platform, due_at) WHERE resolved = 0 AND waits_until > 0",
    """INSERT INTO lane (send, platform, due_at, owner, lease_until, cursor, planned_end, planned_last,
        planned_by) SELECT id, '', due_at, owner, lease_until, cursor, planned_end, planned_last, planned_by
        FROM send WHERE resolved = 0""",
    "DROP INDEX send_open",
    *(
        f"ALTER TABLE send DROP COLUMN {column}"
        for column in (
            *("due_at", "owner", "lease_until", "cursor"),
            *("planned_end", "planned_last", "planned_by"),
        )
    ),
)
