"""One request of Apple's provider API, and its answer as Apple gives it."""

from typing import Any, Final

import msgspec

from pushgate.inputs.apns_http2.authentication import Later
from pushgate.model.errors import (
    Forbidden,
    Invalid,
    NotLoggedIn,
    Overloaded,
    PushgateError,
    ShuttingDown,
    TooLarge,
    UnknownApp,
)
from pushgate.net.http.codec import RequestHead
from pushgate.net.http.request import AnswerState, ServerRequest
from pushgate.net.http.responses import HTTPFault, HTTPResponse
from pushgate.protocols.apns_http2.push_request import echoed_id
from pushgate.protocols.apns_http2.reasons import answer
from pushgate.protocols.http_push.answers import Answer

MAX_BODY: Final = 1 << 16
"""Bytes of a body that are read before its request is answered that it is too large."""
_UNREAD: Final = b"unread"
_TOO_LARGE: Final = answer(413, "PayloadTooLarge")
_HTTP2_NEEDED: Final = HTTPResponse(505, b'{"reason":"HTTP2Required"}')
_BY_FIELD: Final = {
    "payload": answer(400, "PayloadEmpty"),
    "priority": answer(400, "BadPriority"),
    "push_type": answer(400, "InvalidPushType"),
    "expiration": answer(400, "BadExpirationDate"),
    "collapse_id": answer(400, "BadCollapseId"),
    "topic": answer(400, "BadTopic"),
    "token": answer(400, "BadDeviceToken"),
}
"""The answer when the gateway refuses a field."""
_BY_KIND: Final[dict[type[PushgateError], Answer]] = {
    TooLarge: _TOO_LARGE,
    UnknownApp: answer(400, "TopicDisallowed"),
    ShuttingDown: answer(503, "Shutdown"),
    NotLoggedIn: answer(403, "InvalidProviderToken"),
    Forbidden: answer(403, "Forbidden"),
}
_BY_STATUS: Final = {
    403: answer(403, "Forbidden"),
    408: answer(400, "IdleTimeout"),
    413: _TOO_LARGE,
}
"""The answer when a rule of HTTP is broken, which Apple has few words for."""
_MALFORMED: Final = answer(400, "BadPath")
_BUG: Final = answer(500, "InternalServerError")


def answer_to(error: PushgateError) -> Answer:
    """The answer when a request is refused here."""
    if isinstance(error, Invalid):
        return _BY_FIELD.get(error.field, _BUG)
    if isinstance(error, HTTPFault):
        return _BY_STATUS.get(error.status, _MALFORMED)
    return next((each for kind, each in _BY_KIND.items() if isinstance(error, kind)), _BUG)


class PushStream(ServerRequest):
    """A request, from its head to its answer.

    :ivar apns_id: of the request, as it came; every answer repeats it. `_UNREAD` until it is looked for.
    :ivar group: what it was submitted with, once it was.
    :ivar index: of the request in its group.
    :ivar also: requests that repeat this one, and get its answer too.
    :ivar counted: it is one of those that wait.
    """

    def __init__(self, connection: Any, head: RequestHead) -> None:
        super().__init__(connection, head)
        self.connection = connection
        self.apns_id: bytes | None = _UNREAD
        self.group: Any = None
        self.index = 0
        self.also: list[PushStream] = []
        self.counted = False
        self._body = b""

    # called by the connection

    def start(self) -> None:
        """Wait for the body; answer at once where this is not HTTP/2."""
        if not self._codec.multiplexed:
            self._codec.close_after()
            super().answer(_HTTP2_NEEDED)
        elif self.head.waits:
            self._codec.go_on(self.head.stream)

    def feed(self, data: bytes) -> None:
        """Keep the next bytes of the body; it is short, or too large."""
        if self._answer is not AnswerState.NONE:
            return
        try:
            self.connection.server.reserve(self, len(data))
        except Overloaded as error:
            self.refuse(error)
            return
        self._body += data
        if len(self._body) > MAX_BODY:
            self._free()
            self.reply(_TOO_LARGE)

    def complete(self) -> None:
        """The body is complete."""
        self._complete, self._due = True, None
        if self._answer is AnswerState.NONE:
            self._try(self.connection.server.take, self, self._free())
        else:
            self._end_if_sent()

    def lost(self) -> None:
        """The peer does not want the answer, or is gone."""
        self._free()
        super().lost()
        self.connection.server.abandoned(self)

    # called by what answers it

    def reply(self, answer: Answer, number: int | None = None, timestamp: int | None = None) -> None:
        """Answer.

        :param number: the id of the notification that the request became.
        :param timestamp: Unix milliseconds.
        """
        self.connection.server.answered(self)
        also, self.also = self.also, []
        for each in also:
            each.reply(answer, number, timestamp)
        if self._answer is not AnswerState.NONE or self.gone:
            return
        headers = self._ids(number)
        if answer.status == 200:
            self._answer = AnswerState.COMPLETE
            self._codec.send_head(self.head.stream, 200, headers, True)
            self._connection.flush(64)
            self._end_if_sent()
        else:
            body = _body(answer, timestamp)
            super().answer(HTTPResponse(answer.status, body, headers=headers))
            self.connection.sent_body(len(body))

    def later(self, later: Later) -> None:
        """Answer when a login that failed may be answered."""
        self.on_end = later.waiting.cancel
        later.waiting.addErrback(self.fail)

    def refuse(self, error: PushgateError) -> None:
        """Answer with an error; cut short an answer that was begun."""
        if self._answer is not AnswerState.NONE or isinstance(error, Overloaded):
            # No answer has words for it that do not make some client try again at once.
            self.connection.server.answered(self)
            self.abort()
        elif not self._codec.multiplexed:
            super().answer(_HTTP2_NEEDED)
        else:
            self.reply(answer_to(error))

    # within

    def _free(self) -> bytes:
        """The body, which is kept no longer."""
        body, self._body = self._body, b""
        self.connection.server.reserve(self, -len(body))
        return body

    def _ids(self, number: int | None) -> tuple[tuple[bytes, bytes], ...]:
        """The headers that say which request, and which notification, this is about."""
        if self.apns_id is _UNREAD:
            self.apns_id = echoed_id(self.head.headers)
        if self.apns_id is not None:
            given = (b"apns-id", self.apns_id)
            return (given,) if number is None else (given, (b"apns-unique-id", _uuid(number)))
        return ((b"apns-id", _uuid(self.connection.server.new_id() if number is None else number)),)


def _uuid(number: int) -> bytes:
    """An id as Apple writes it."""
    text = b"%032x" % number
    return b"%b-%b-%b-%b-%b" % (text[:8], text[8:12], text[12:16], text[16:20], text[20:])


def _body(answer: Answer, timestamp: int | None) -> bytes:
    """The body of an answer that is no success."""
    if timestamp is None:
        return b'{"reason":%b}' % msgspec.json.encode(answer.reason)
    return b'{"reason":%b,"timestamp":%d}' % (msgspec.json.encode(answer.reason), timestamp)
