"""An older database becomes a current one, step by step; one of a later version is left alone."""

from collections.abc import Callable, Sequence

from pushgate.database.interface import Session


class NotOurs(Exception):
    """The database is of a later version than this program, or has tables that it did not make."""


def migrate(session: Session, steps: Sequence[Sequence[str]], translate: Callable[[str], str] = str) -> int:
    """Bring the schema up to date, in the transaction of the session; return the version it had.

    :param translate: gives a statement of a step in the words of the database.
    :raises NotOurs: nothing was changed.
    """
    session.execute(translate("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)"))
    rows = session.execute("SELECT version FROM schema_version")
    version = int(rows[0][0]) if rows else 0
    if version > len(steps):
        raise NotOurs(f"written by a later version (schema {version}, this one knows {len(steps)})")
    if version < len(steps):
        for step in steps[version:]:
            for statement in step:
                session.execute(translate(statement))
        session.execute("DELETE FROM schema_version")
        session.execute("INSERT INTO schema_version (version) VALUES (?)", (len(steps),))
    return version
