"""The tables of registrations and installations, in the SQL of SQLite; see `schema`.

``device``: a handle of a platform, once. Its number is what sends go by: they meet each device once, in the
order of numbers, so it keeps its number while it has registrations.

``registration``: `template` is 1 for one with a template; `tags` as they were given, separated by commas;
`document` has the rest as JSON; `installation_id` is '' outside of an installation. The index on
(platform, template, device, expires_at) alone answers who gets a native notification.

``registration_tag`` has a row for each tag of each registration, in the order in which sends read.

``registration_id``: the ids that were given out and not used yet.
"""

from typing import Final

DEVICE_TABLES: Final = (
    """CREATE TABLE device (
        number INTEGER PRIMARY KEY, platform TEXT NOT NULL, handle BLOB NOT NULL,
        UNIQUE (handle, platform))""",
    """CREATE TABLE registration (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, device BIGINT NOT NULL, platform TEXT NOT NULL,
        template BIGINT NOT NULL, tags TEXT NOT NULL, document BLOB NOT NULL, etag TEXT NOT NULL,
        expires_at DOUBLE PRECISION, updated_at DOUBLE PRECISION NOT NULL, installation_id TEXT NOT NULL)""",
    "CREATE INDEX registration_platform ON registration (platform, template, device, expires_at)",
    "CREATE INDEX registration_device ON registration (template, device)",
    "CREATE INDEX registration_installation ON registration (installation_id) WHERE installation_id <> ''",
    "CREATE INDEX registration_expires ON registration (expires_at) WHERE expires_at IS NOT NULL",
    "CREATE TABLE tag (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    """CREATE TABLE registration_tag (
        tag BIGINT NOT NULL, device BIGINT NOT NULL, registration BIGINT NOT NULL,
        PRIMARY KEY (tag, device, registration)) WITHOUT ROWID""",
    """CREATE TABLE installation (
        id TEXT PRIMARY KEY, document BLOB NOT NULL, expires_at DOUBLE PRECISION,
        updated_at DOUBLE PRECISION NOT NULL)""",
    "CREATE INDEX installation_expires ON installation (expires_at) WHERE expires_at IS NOT NULL",
    "CREATE TABLE registration_id (id TEXT PRIMARY KEY, at DOUBLE PRECISION NOT NULL)",
    "CREATE INDEX registration_id_at ON registration_id (at)",
)
UNUSED_TAG_TABLES: Final = (
    "ALTER TABLE tag ADD COLUMN unused_since DOUBLE PRECISION",
    "CREATE INDEX tag_unused ON tag (unused_since) WHERE unused_since IS NOT NULL",
)
"""A later step, see `tags`."""
