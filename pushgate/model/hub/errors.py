"""Why a hub refuses what it is asked for, beside what is `Invalid` or `TooLarge`."""

from pushgate.model.errors import Conflict, NotFound, Refusal


class UnknownResource(NotFound):
    """The hub has nothing of this kind under this id.

    :param what: its kind: ``"registration"``.
    """

    def __init__(self, what: str) -> None:
        Refusal.__init__(self, f"{what}: not known, or deleted")


class Gone(NotFound):
    """The registration id is no longer good: the device has to ask for a new one."""

    def __init__(self) -> None:
        Refusal.__init__(self, "registration id: expired or never given out; ask for a new one")


class EtagMismatch(Conflict):
    """It was changed meanwhile: the ETag that was given is an earlier one's."""

    def __init__(self) -> None:
        Refusal.__init__(self, "If-Match: not the current ETag; read the entry again")
