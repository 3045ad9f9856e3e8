"""Which gateway works on a send: by an id that it keeps over restarts, for a time that it renews.

The time is `HubTable.lease`.
"""

import os
from pathlib import Path
from typing import Final
from uuid import uuid4

from pushgate.model.errors import CannotStart

RENEWALS: Final = 3
"""How often a lease is renewed in its time while its gateway waits."""
FILE: Final = "hub-owner"


def owner_id(directory: Path | None) -> str:
    """The id of this gateway: kept in its state directory, made when there is none.

    :param directory: None: nothing outlives the process, and a new id does.
    :raises CannotStart: the file cannot be read or written.
    """
    if directory is None:
        return uuid4().hex
    path = directory / FILE
    try:
        if path.exists() and (known := path.read_text("ascii").strip()):
            return known
        draft = directory / f"{FILE}.new"
        made = uuid4().hex
        with draft.open("w", encoding="ascii") as file:
            file.write(f"{made}\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise CannotStart([f"{path}: {why}; it must be possible to read and write it"]) from None
    return made
