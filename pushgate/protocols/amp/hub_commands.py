"""The AMP commands about hubs, for both ends."""

from typing import ClassVar

from twisted.protocols.amp import Boolean, Command, Integer, String, Unicode

from pushgate.protocols.amp.commands import Arguments, refusable


@refusable
class SendToTags(Command):
    """Send to all devices of a hub that a tag expression finds; answered once the send is kept.

    `headers` is a JSON object. With `test` it goes to a few devices, and is answered when each has its
    outcome: `results` is a JSON list.
    """

    arguments: ClassVar[Arguments] = [
        (b"hub", Unicode()),
        (b"format", Unicode()),
        (b"expression", Unicode(optional=True)),
        (b"payload", String()),
        (b"headers", Unicode(optional=True)),
        (b"schedule", Integer(optional=True)),
        (b"test", Boolean(optional=True)),
    ]
    response: ClassVar[Arguments] = [
        (b"id", Unicode()),
        (b"state", Unicode()),
        (b"results", String(optional=True)),
    ]


@refusable
class CancelSend(Command):
    """Cancel a scheduled send; False when it has begun already."""

    arguments: ClassVar[Arguments] = [(b"hub", Unicode()), (b"id", Unicode())]
    response: ClassVar[Arguments] = [(b"cancelled", Boolean())]


@refusable
class HubQuery(Command):
    """What a hub knows: `what` names it, `argument` says of which; the answer is JSON."""

    arguments: ClassVar[Arguments] = [
        (b"hub", Unicode()),
        (b"what", Unicode()),
        (b"argument", Unicode(optional=True)),
    ]
    response: ClassVar[Arguments] = [(b"answer", String())]


@refusable
class PutRegistration(Command):
    """Keep a registration, a JSON object: under its `id`, or as a new one when it has none."""

    arguments: ClassVar[Arguments] = [(b"hub", Unicode()), (b"registration", String())]
    response: ClassVar[Arguments] = [(b"id", Unicode())]


@refusable
class DeleteRegistration(Command):
    """Delete a registration."""

    arguments: ClassVar[Arguments] = [(b"hub", Unicode()), (b"id", Unicode())]
    response: ClassVar[Arguments] = [(b"deleted", Boolean())]


@refusable
class ImportRegistrations(Command):
    """Keep many registrations and installations: `entries` is a JSON list of them.

    `refused` is a JSON list of ``[index, "CODE", "reason"]`` of those that are not kept.
    """

    arguments: ClassVar[Arguments] = [(b"hub", Unicode()), (b"entries", String())]
    response: ClassVar[Arguments] = [(b"imported", Integer()), (b"refused", String())]
