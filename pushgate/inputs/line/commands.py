"""The commands of the line protocol. Each answers its place now or later, or raises a `Refusal`."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final, Protocol

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.inputs.common.conversation_input import ConversationServer
from pushgate.inputs.common.rules import rules_of
from pushgate.inputs.common.session import Session
from pushgate.inputs.line import enrolments
from pushgate.inputs.line.push import LinePush, RulesOf, read_json, read_text
from pushgate.inputs.line.replies import Replies, error, ok
from pushgate.model.errors import Internal, Invalid, PushgateError, Refusal, ShuttingDown
from pushgate.model.notification import Submission, parse_id
from pushgate.model.outcome_record import id_text
from pushgate.model.packed import Packed
from pushgate.model.principals import Operation
from pushgate.model.text_file import without_bom
from pushgate.plugin.gateway_interface import Receipt

_HELP: Final = (
    "PUSH <app> <hex token> [expiration=N] [priority=N] [collapse_id=S] [push_type=S] [topic=S]"
    " [registered_at=N] [delivery=S] [key=S] <payload JSON>"
    " | PUSH <app> - channel=S [...] <payload JSON> | PUSH <app> <hex token> push_magic=S [...]"
    ' | {"app": "...", "token": "...", "payload": {...}, ...} | STATUS <id> | STATS'
    " | ENROL <app> <hex token> <push magic> | CHECKIN <app> <hex token>"
    " | CHECKOUT <app> <hex token> [push magic]"
    " | LOGIN <name> <secret>"
    " | HELP | QUIT"
)
_log = Logger()


class LinePeer(Protocol):
    """The connection that a line came on, as what answers it uses it."""

    server: ConversationServer
    session: Session

    def fed(self, app: str) -> None:
        """See `Conversation.fed`."""

    def login(self, name: str, secret: bytes, answer: Callable[[PushgateError | None], None]) -> None:
        """See `Conversation.login`."""

    def finish(self, answers: Replies, lines: int) -> None:
        """Note that so many lines of a piece were answered."""

    def leave(self) -> None:
        """Take no further lines, and close when all are answered."""


class AnswerPlace:
    """The place of one line's answer; filled with exactly one call."""

    __slots__ = ("_answers", "_index", "connection")

    def __init__(self, connection: LinePeer, answers: Replies) -> None:
        self.connection, self._answers = connection, answers
        self._index = answers.reserve(1)

    def fill(self, answer: bytes) -> None:
        """Answer."""
        self._answers.fill(self._index, answer, 1)
        self.connection.finish(self._answers, 1)

    def refuse(self, refusal: PushgateError) -> None:
        """Answer with an error."""
        self.fill(error(refusal))


def respond(place: AnswerPlace, line: bytes) -> None:
    """Carry out the command of a line; every error becomes its answer.

    :param line: not blank, without white space around it.
    """
    line = without_bom(line)  # before the first line of a file that is sent
    word, _, rest = line.partition(b" ")
    try:
        if line.startswith(b"{"):
            _push(place, read_json(line, _rules(place)))
        else:
            _command(word)(place, rest.strip())
    except Refusal as refusal:
        place.refuse(refusal)
    except Exception:  # noqa: BLE001 - a bug in one line is no reason to drop the others
        _log.failure("a bug while answering a line")
        place.refuse(Internal())


def _command(word: bytes) -> Callable[[AnswerPlace, bytes], None]:
    command = _COMMANDS.get(word.upper())
    if command is None:
        names = b", ".join(_COMMANDS).decode()
        raise Invalid(
            "line", f"its first word, of {len(word)} bytes, is no command", f"a JSON object or {names}"
        )
    return command


def _push_text(place: AnswerPlace, rest: bytes) -> None:
    _push(place, read_text(rest, _rules(place)))


def _rules(place: AnswerPlace) -> RulesOf:
    return partial(rules_of, place.connection.server.gateway)


def _push(place: AnswerPlace, push: LinePush) -> None:
    connection = place.connection
    server = connection.server
    try:
        connection.session.permit(Operation.PUSH, push.app, 1)
        if server.stopping:
            raise ShuttingDown
        if push.key is None:
            server.batcher.push(push.app, push.token, push.payload, push.terms, partial(_pushed, place))
        else:
            tokens = Packed.of([push.token], 2)
            alone = Submission(
                app=push.app, tokens=tokens, payload=push.payload, terms=push.terms, key=push.key
            )
            server.batcher.submit(alone, partial(_pushed_alone, place))
        connection.fed(push.app)
    except Refusal as refusal:
        server.count_refusal(push.app, refusal)
        raise


def _pushed(place: AnswerPlace, result: int | PushgateError) -> None:
    place.fill(error(result) if isinstance(result, PushgateError) else ok(id_text(result)))


def _pushed_alone(place: AnswerPlace, result: Receipt | PushgateError) -> None:
    _pushed(place, result.id if isinstance(result, Receipt) else result)


def _status(place: AnswerPlace, rest: bytes) -> None:
    asked = place.connection.session.trace(parse_id(_text(rest, "id")))
    asked.addCallback(lambda trace: place.fill(ok(trace.json())))
    asked.addErrback(_not_answered, place)


def _enrol(place: AnswerPlace, rest: bytes) -> None:
    _later(place, enrolments.enrol(place.connection.session, place.connection.server.gateway, rest))


def _check_in(place: AnswerPlace, rest: bytes) -> None:
    _later(place, enrolments.check_in(place.connection.session, place.connection.server.gateway, rest))


def _check_out(place: AnswerPlace, rest: bytes) -> None:
    _later(place, enrolments.check_out(place.connection.session, place.connection.server.gateway, rest))


def _later(place: AnswerPlace, answer: Coroutine[Any, Any, bytes]) -> None:
    Deferred.fromCoroutine(answer).addCallback(place.fill).addErrback(_not_answered, place)


def _stats(place: AnswerPlace, rest: bytes) -> None:
    _nothing(rest)
    place.fill(ok(msgspec.json.encode(place.connection.session.stats()).decode()))


def _login(place: AnswerPlace, rest: bytes) -> None:
    name, _, secret = rest.partition(b" ")
    if not secret:
        raise Invalid("line", "a name without a secret", "LOGIN <name> <secret>")
    place.connection.login(_text(name, "name"), secret.strip(), partial(_logged_in, place))


def _logged_in(place: AnswerPlace, failed: PushgateError | None) -> None:
    place.fill(ok("logged in") if failed is None else error(failed))


def _help(place: AnswerPlace, rest: bytes) -> None:
    _nothing(rest)
    place.fill(ok(_HELP))


def _quit(place: AnswerPlace, rest: bytes) -> None:
    _nothing(rest)
    place.connection.leave()
    place.fill(ok("bye"))


def _not_answered(failure: Failure, place: AnswerPlace) -> None:
    if isinstance(failure.value, Refusal):
        place.refuse(failure.value)
    else:
        _log.failure("a bug while answering a line", failure)
        place.refuse(Internal())


def _nothing(rest: bytes) -> None:
    if rest:
        raise Invalid("line", f"{len(rest)} bytes behind the command", "it takes nothing")


def _text(data: bytes, field: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Invalid(field, f"{len(data)} bytes", "UTF-8 text") from None


_COMMANDS: Final[dict[bytes, Callable[[AnswerPlace, bytes], None]]] = {
    b"PUSH": _push_text,
    b"STATUS": _status,
    b"STATS": _stats,
    b"ENROL": _enrol,
    b"CHECKIN": _check_in,
    b"CHECKOUT": _check_out,
    b"LOGIN": _login,
    b"HELP": _help,
    b"QUIT": _quit,
}
