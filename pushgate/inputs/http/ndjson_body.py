"""NDJSON bodies of any length: submitted piece by piece, each safe before more is read."""

from enum import Enum
from typing import Any

from twisted.internet.defer import Deferred, succeed

from pushgate.inputs.common.drafts import Draft, receipt_fields
from pushgate.inputs.common.rules import rules_of
from pushgate.inputs.http.ndjson_parser import LinePieces
from pushgate.inputs.http.request import HTTPRequest
from pushgate.inputs.http.submit import key_of, part_key, submitted
from pushgate.model.errors import Invalid, PushgateError, Refusal, ShuttingDown
from pushgate.net.http.responses import NDJSON, error_fields, json_answer, json_line
from pushgate.plugin.gateway_interface import Receipt

_Result = Receipt | PushgateError


class _State(Enum):
    """How much of the body is still to come."""

    OPEN = "open"
    COMPLETE = "complete"
    """All of it has come, read or not."""
    CLOSED = "closed"
    """The rest is not wanted."""


class NDJSONBody:
    """Submits the lines of a body as they come.

    A single piece is answered like any other request; of several each has its line in the answer, which
    begins while the body is still coming. While pieces are not safe yet, nothing is read from the connection;
    what was read already waits here.
    """

    def __init__(self, request: HTTPRequest) -> None:
        for name in ("wait", "test"):
            if name in request.parameters:
                raise Invalid(name, "with application/x-ndjson", "only with application/json")
        self._request, self._app = request, request.parameters["app"]
        self._key = key_of(request)
        self._read_pause, self._reason = request.read_pause, f"the pieces of request {id(request)}"
        self._unread: list[bytes] = []
        self._state, self._answering = _State.OPEN, False
        self._more: Deferred[None] | None = None
        self._pieces = 0
        self._unreported: list[tuple[Draft, _Result]] = []
        Deferred.fromCoroutine(self._run()).addErrback(request.fail)

    def feed(self, data: bytes) -> None:
        self._unread.append(data)
        self._wake()

    def end(self) -> None:
        self._state = _State.COMPLETE
        self._wake()

    def close(self) -> None:
        self._state = _State.CLOSED
        self._unread.clear()
        self._wake()

    async def _run(self) -> None:
        pieces = LinePieces(rules_of(self._request.server.gateway, self._app))
        good = True
        while good and await self._readable():
            data = b"".join(self._unread)
            self._unread.clear()
            good = await self._admit(pieces.feed(data))
        if good and self._state is _State.COMPLETE:
            await self._admit(pieces.end())
        if self._state is not _State.CLOSED:
            self._conclude()

    async def _readable(self) -> bool:
        """Wait until there is something to read; False when nothing more will come."""
        while self._state is _State.OPEN and not self._unread:
            self._read_pause.release(self._reason)
            self._more = Deferred()
            await self._more
        return bool(self._unread)

    def _wake(self) -> None:
        more, self._more = self._more, None
        if more is not None:
            more.callback(None)

    async def _admit(self, drafts: list[Draft]) -> bool:
        """Submit pieces and wait until they are safe; False when one was refused: no more may follow."""
        if not drafts:
            return True
        self._read_pause.hold(self._reason)
        results: list[_Result] = []
        try:
            batcher = self._request.server.batcher
            await batcher.turns.each(drafts, self._submit, lambda _, result: results.append(result))
        finally:
            self._read_pause.release(self._reason)
        self._unreported += zip(drafts, results, strict=True)
        if self._state is not _State.CLOSED:
            self._report()
        return all(isinstance(result, Receipt) for result in results)

    def _submit(self, draft: Draft) -> Deferred[_Result]:
        server = self._request.server
        number = self._pieces
        self._pieces += 1
        try:
            if server.stopping:
                raise ShuttingDown
            self._request.session.charge(len(draft))
            submission = draft.submission(self._app, part_key(self._key, number))
        except Refusal as refusal:
            server.count_refusal(self._app, refusal)
            return succeed(refusal)
        return submitted(self._request, submission)

    def _report(self) -> None:
        """Write a line for each piece, once there are several and at least one was accepted."""
        if not self._answering:
            if len(self._unreported) < 2 or not self._any_accepted():
                return
            self._answering = True
            self._request.begin(202, NDJSON)
        self._request.send(b"".join([json_line(_line(draft, result)) for draft, result in self._unreported]))
        self._unreported.clear()

    def _conclude(self) -> None:
        """Write the rest of the answer."""
        if self._answering:
            self._request.end()
        elif not self._unreported:
            raise Invalid("body", "no line", "one notification a line")
        elif not self._any_accepted():
            raise next(result for _, result in self._unreported if isinstance(result, PushgateError))
        else:
            [(draft, result)] = self._unreported
            self._request.answer(json_answer(202, _line(draft, result)))

    def _any_accepted(self) -> bool:
        return any(isinstance(result, Receipt) for _, result in self._unreported)


def _line(draft: Draft, result: _Result) -> dict[str, Any]:
    """The result of a piece as JSON."""
    if isinstance(result, Receipt):
        return receipt_fields(result, draft.faults) | {"first": draft.first}
    return error_fields(result) | {"first": draft.first, "count": len(draft)}
