"""The arguments of what callers may ask of a hub, as JSON has them."""

import msgspec


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """No arguments."""


class OneId(msgspec.Struct, forbid_unknown_fields=True):
    """Which one.

    :param if_match: only the one with this ETag; "*": any.
    """

    id: str
    if_match: str | None = None


class Query(msgspec.Struct, forbid_unknown_fields=True):
    """Which registrations; see `RegistrationQuery`. `after` is the `next` of the page before."""

    platform: str | None = None
    handle: str | None = None
    tag: str | None = None
    limit: int = 100
    after: str = ""


class Put(msgspec.Struct, forbid_unknown_fields=True):
    """A registration to be kept, under its id if it has one."""

    registration: msgspec.Raw
    if_match: str | None = None


class PutInstallation(msgspec.Struct, forbid_unknown_fields=True):
    """An installation to be kept, as Azure has it in JSON."""

    installation: msgspec.Raw
    id: str


class Import(msgspec.Struct, forbid_unknown_fields=True):
    """Registrations as `Put` has them, installations, and texts: entries in XML as Azure exports them."""

    entries: list[msgspec.Raw]


class Counted(msgspec.Struct, forbid_unknown_fields=True):
    """Which registrations are counted; all without an expression."""

    expression: str | None = None


class Listed(msgspec.Struct, forbid_unknown_fields=True):
    """A page of tags, in their order behind `after`."""

    after: str = ""
    limit: int = 100


class Recent(msgspec.Struct, forbid_unknown_fields=True):
    """The latest sends, or those that are scheduled next."""

    scheduled: bool = False
    limit: int = 100


class Entries(msgspec.Struct, forbid_unknown_fields=True):
    """Feedback behind a position, of one send or of all."""

    id: str | None = None
    after: int = 0
    limit: int = 100


class NewJob(msgspec.Struct, forbid_unknown_fields=True):
    """See `JobRequest`."""

    type: str
    output: str
    input: str = ""
