"""The AMP commands of the contract, for both ends: names, arguments, answers and error codes.

They serve any program that speaks Twisted's AMP; `pushgate.client` does more of the work by itself.
"""

from functools import partial
from typing import ClassVar, Final

from twisted.protocols.amp import (
    MAX_VALUE_LENGTH,
    Argument,
    Boolean,
    Command,
    Float,
    Integer,
    String,
    Unicode,
)

from pushgate.model.errors import REFUSALS, Refusal
from pushgate.model.printable import printable

MAX_VALUE: Final[int] = MAX_VALUE_LENGTH
"""Bytes of one value at most, AMP's own limit."""
MAX_TEXT: Final = 1000
"""Characters of a refusal that a caller is shown at most."""
MAX_ENTRIES: Final = 600
"""Entries of one answer to `DeadTokens` at most."""
MAX_CHANNELS: Final = 200
"""Channels of one answer to `Channels` at most: the longest ids there could be fit."""
MAX_MEMBERS: Final = 2500
"""Tokens of one `PushBatch` at most: the list of those refused must fit into one value of the answer."""

Arguments = list[tuple[bytes, Argument]]

_TERMS: Final[Arguments] = [
    (b"expiration", Integer(optional=True)),
    (b"priority", Integer(optional=True)),
    (b"collapse_id", Unicode(optional=True)),
    (b"push_type", Unicode(optional=True)),
    (b"topic", Unicode(optional=True)),
    (b"key", Unicode(optional=True)),
    (b"registered_at", Integer(optional=True)),
    (b"delivery", Unicode(optional=True)),
    (b"channel", Unicode(optional=True)),
]


def refusable(command: type[Command]) -> type[Command]:
    """Declare that a gateway may refuse `command`, with any code.

    AMP makes the caller's exception from the answer's text, which is all that the wire carries of it, where
    the constructors of refusals want the parts the text is made of.
    """
    command.errors = {kind: code.encode() for code, kind in REFUSALS.items()}
    command.allErrors = dict(command.errors)  # type: ignore[attr-defined] # made by AMP's metaclass
    command.reverseErrors = {  # type: ignore[attr-defined] # made by AMP's metaclass
        code.encode(): partial(_refusal, kind) for code, kind in REFUSALS.items()
    }
    return command


def _refusal(kind: type[Refusal], text: str) -> Refusal:
    """The exception for an answer; callers print it, so that its text is not to move their cursor."""
    return kind.from_text(printable(text, MAX_TEXT))


@refusable
class Login(Command):
    """Be a principal of the gateway's configuration on this connection from now on."""

    arguments: ClassVar[Arguments] = [(b"name", Unicode()), (b"secret", String())]
    response: ClassVar[Arguments] = [(b"ok", Boolean())]


@refusable
class Push(Command):
    """Send one notification. `token` is hex, `payload` a JSON object, times are Unix seconds.

    `channel` takes the place of `token` in a broadcast, `push_magic` that of `payload` in an MDM push.
    """

    arguments: ClassVar[Arguments] = [
        (b"app", Unicode()),
        (b"token", Unicode(optional=True)),
        (b"payload", String(optional=True)),
        *_TERMS,
        (b"push_magic", Unicode(optional=True)),
    ]
    response: ClassVar[Arguments] = [(b"id", Unicode())]


@refusable
class PushBatch(Command):
    """Send one notification to each of `tokens` or of `targets`; exactly one of the two is given.

    Tokens are each behind one length byte, targets behind two. `payload` goes to all; or `payloads` has one
    for each, behind its length in two bytes. With a `channel` in place of both each payload is broadcast to
    it. `rate` is notifications a second, shared by all batches of the
    same `pace`. Member *i* has the id `id` + *i*; `refused` lists ``[index, "CODE", "reason"]``, where the
    reasons are "" when they would not all fit. `repeated` is there, and true, when the same was accepted
    before under the same key: nothing is sent again.
    """

    arguments: ClassVar[Arguments] = [
        (b"app", Unicode()),
        (b"tokens", String(optional=True)),
        (b"targets", String(optional=True)),
        (b"payload", String(optional=True)),
        (b"payloads", String(optional=True)),
        *_TERMS,
        (b"rate", Float(optional=True)),
        (b"pace", Unicode(optional=True)),
    ]
    response: ClassVar[Arguments] = [
        (b"id", Unicode()),
        (b"count", Integer()),
        (b"refused", String()),
        (b"repeated", Boolean(optional=True)),
    ]


@refusable
class TestSend(Command):
    """Send to ten devices at most, and wait for what becomes of each; the rest is as of `Push`.

    `tokens` is a JSON list of tokens as text, `wait` seconds, 30 at most. `result` is a JSON object: a
    receipt, and under ``devices`` the outcome record of each with ``meaning``, ``advice`` and ``seconds``.
    """

    arguments: ClassVar[Arguments] = [
        (b"app", Unicode()),
        (b"tokens", String(optional=True)),
        (b"payload", String(optional=True)),
        (b"push_magic", Unicode(optional=True)),
        *_TERMS,
        (b"wait", Float(optional=True)),
    ]
    response: ClassVar[Arguments] = [(b"result", String())]


@refusable
class Status(Command):
    """What became of a notification: its outcome record, as JSON."""

    arguments: ClassVar[Arguments] = [(b"id", Unicode())]
    response: ClassVar[Arguments] = [(b"outcome", String())]


@refusable
class Trace(Command):
    """The trace of a notification: its outcome record, and its `events` step by step, as JSON."""

    arguments: ClassVar[Arguments] = [(b"id", Unicode())]
    response: ClassVar[Arguments] = [(b"trace", String())]


@refusable
class Cancel(Command):
    """Withdraw a notification; False when it was written already or is done."""

    arguments: ClassVar[Arguments] = [(b"id", Unicode())]
    response: ClassVar[Arguments] = [(b"cancelled", Boolean())]


@refusable
class Flush(Command):
    """Have proven what the app of this notification or batch has written; how many were accepted by that."""

    arguments: ClassVar[Arguments] = [(b"id", Unicode())]
    response: ClassVar[Arguments] = [(b"proven", Integer())]


@refusable
class Pace(Command):
    """Change a rate, in notifications a second, 0 for none: of an app, or of the batch that holds `id`."""

    arguments: ClassVar[Arguments] = [
        (b"app", Unicode(optional=True)),
        (b"id", Unicode(optional=True)),
        (b"rate", Float()),
    ]
    response: ClassVar[Arguments] = [(b"paced", Boolean())]


@refusable
class Watch(Command):
    """Have `Outcomes` called on this connection from now on, for one app or for all; the last call counts."""

    arguments: ClassVar[Arguments] = [(b"app", Unicode(optional=True))]
    response: ClassVar[Arguments] = [(b"watching", Boolean())]


@refusable
class DeadTokens(Command):
    """The dead tokens of an app, in the order of the tokens, a page at a time.

    `entries` has lines: token, Unix seconds since when it is dead, how that is known; JSON objects where
    tokens are no hex, as `form` says: ``hex`` or ``text``. `after` is the last token of the page before;
    while `more` is true, another page follows.
    """

    arguments: ClassVar[Arguments] = [
        (b"app", Unicode()),
        (b"after", Unicode(optional=True)),
        (b"limit", Integer(optional=True)),
    ]
    response: ClassVar[Arguments] = [
        (b"entries", String()),
        (b"more", Boolean()),
        (b"form", Unicode(optional=True)),
    ]


@refusable
class Bury(Command):
    """Enter dead tokens: `entries` has lines as in `DeadTokens`; how many were not known is answered."""

    arguments: ClassVar[Arguments] = [(b"app", Unicode()), (b"entries", String())]
    response: ClassVar[Arguments] = [(b"buried", Integer())]


@refusable
class Forget(Command):
    """Take tokens for living again; how many were known as dead is answered.

    `tokens` are each behind one length byte, or `targets` behind two.
    """

    arguments: ClassVar[Arguments] = [
        (b"app", Unicode()),
        (b"tokens", String(optional=True)),
        (b"targets", String(optional=True)),
    ]
    response: ClassVar[Arguments] = [(b"forgotten", Integer())]


class Outcomes(Command):
    """Called by the gateway on a program that watches: outcome records, as JSON, separated by newlines."""

    arguments: ClassVar[Arguments] = [(b"outcomes", String())]
    response: ClassVar[Arguments] = [(b"ok", Boolean())]


@refusable
class Stats(Command):
    """Queues, windows, connections, circuits and counts, as JSON.

    With `after` a page at a time, in the order of the apps' names: it is "" for the first page, and then the
    last name of the page before; while `more` is true, another page follows.
    """

    arguments: ClassVar[Arguments] = [(b"after", Unicode(optional=True))]
    response: ClassVar[Arguments] = [(b"stats", String()), (b"more", Boolean(optional=True))]


@refusable
class CreateChannel(Command):
    """Make a channel for broadcasts; its id is answered. `message_storage_policy` is 0 or 1."""

    arguments: ClassVar[Arguments] = [(b"app", Unicode()), (b"message_storage_policy", Integer())]
    response: ClassVar[Arguments] = [(b"channel", Unicode())]


@refusable
class Channels(Command):
    """The ids of an app's channels, in their order as text, a page at a time: `channels` is a JSON list.

    `after` is the last id of the page before; while `more` is true, another page follows.
    """

    arguments: ClassVar[Arguments] = [(b"app", Unicode()), (b"after", Unicode(optional=True))]
    response: ClassVar[Arguments] = [(b"channels", String()), (b"more", Boolean())]


@refusable
class Channel(Command):
    """One channel: a JSON object."""

    arguments: ClassVar[Arguments] = [(b"app", Unicode()), (b"channel", Unicode())]
    response: ClassVar[Arguments] = [(b"channel", String())]


@refusable
class DeleteChannel(Command):
    """Delete a channel: nothing can be sent to it any more."""

    arguments: ClassVar[Arguments] = [(b"app", Unicode()), (b"channel", Unicode())]
    response: ClassVar[Arguments] = [(b"deleted", Boolean())]


@refusable
class Reload(Command):
    """Read the configuration again. `lines` is a JSON list: what changed, or when not `ok` what is wrong."""

    response: ClassVar[Arguments] = [(b"ok", Boolean()), (b"lines", String())]
