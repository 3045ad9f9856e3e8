"""What a database holds, and whose it is."""

from collections.abc import Sequence

import msgspec


class Schema(msgspec.Struct, frozen=True):
    """The tables of one kind of database.

    :param what: names it in messages: ``"the hub's database"``.
    :param application_id: four bytes that mark an SQLite file as one of this kind.
    :param steps: statements, from version 0 to 1, 1 to 2, and so on. Never edited once released; a new step
        is appended.
    """

    what: str
    application_id: int
    steps: Sequence[Sequence[str]]
