"""Why a database refuses what it is asked for."""

from pushgate.model.errors import ServiceFailed


class StoreDown(ServiceFailed):
    """A database cannot be reached: nothing was done, and the same may be tried again."""

    def __init__(self, text: str = "the database cannot be reached; nothing was done") -> None:
        super().__init__(text)
