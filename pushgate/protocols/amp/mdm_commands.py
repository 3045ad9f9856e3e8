"""The AMP commands about managed devices."""

from typing import ClassVar

from twisted.protocols.amp import Boolean, Command, String, Unicode

from pushgate.protocols.amp.commands import Arguments, refusable


@refusable
class Enrol(Command):
    """Keep the token and the push magic of a device, and push to it until `CheckIn` or `CheckOut`.

    `device` is what the MDM server knows the device by. `warnings` is a JSON list: earlier enrolments that
    this one takes the place of.
    """

    arguments: ClassVar[Arguments] = [
        (b"app", Unicode()),
        (b"token", Unicode()),
        (b"push_magic", Unicode()),
        (b"keep_awake", Boolean(optional=True)),
        (b"device", Unicode(optional=True)),
    ]
    response: ClassVar[Arguments] = [(b"sha256", Unicode()), (b"warnings", String())]


@refusable
class CheckIn(Command):
    """Report that a device called its MDM server; `known` is False when no enrolment of the token counts."""

    arguments: ClassVar[Arguments] = [(b"app", Unicode()), (b"token", Unicode())]
    response: ClassVar[Arguments] = [(b"known", Boolean())]


@refusable
class CheckOut(Command):
    """Report that a device left management; `known` is False when no enrolment of the token counts.

    `push_magic` is that of the enrolment that has ended: with one that does not count, nothing is changed.
    """

    arguments: ClassVar[Arguments] = [
        (b"app", Unicode()),
        (b"token", Unicode()),
        (b"push_magic", Unicode(optional=True)),
    ]
    response: ClassVar[Arguments] = [(b"known", Boolean())]


@refusable
class FindEnrolments(Command):
    """The enrolments of tokens whose SHA-256 begins so, 20 at most, as a JSON list."""

    arguments: ClassVar[Arguments] = [(b"app", Unicode()), (b"sha256", Unicode())]
    response: ClassVar[Arguments] = [(b"enrolments", String())]


@refusable
class Diagnose(Command):
    """Why a device that was pushed to may not have called: a JSON object."""

    arguments: ClassVar[Arguments] = [(b"app", Unicode()), (b"token", Unicode())]
    response: ClassVar[Arguments] = [(b"diagnosis", String())]
