"""HTTP/1.1 of a client, on h11: one request at a time, and an answer whose end is beyond doubt."""

from typing import Final

import h11
import msgspec

from pushgate.net.http.client_codec import (
    Answered,
    Broken,
    ClientEvent,
    ClientLimits,
    GoingAway,
    RequestForm,
)
from pushgate.net.http.codec import Header

_BEGIN: Final = b"HTTP/1."
"""How each head of a server begins; the end of one that does not is not waited for."""
_PIECE: Final = 1 << 12
"""Bytes given to h11 at a time: what it holds is looked at for each head, also for those of many 1xx."""
_OURS: Final = frozenset(
    {
        b"host", b"content-length", b"transfer-encoding", b"connection", b"keep-alive", b"proxy-connection",
        b"te", b"trailer", b"upgrade", b"expect",
    }
)  # fmt: skip
"""Headers that say where a request goes, where it ends and what becomes of the connection."""
_OTHER_RULES: Final = frozenset({b"CONNECT", b"HEAD"})
"""Methods whose answers end by rules of their own."""


class _Fault(Exception):
    """The server broke a rule.

    :param text: of `Broken`.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class _Answer(msgspec.Struct):
    """An answer whose head has come.

    :ivar body: what has come of the body.
    """

    status: int
    headers: tuple[Header, ...]
    body: bytes = b""


class HTTP1Client:
    """A client's side of HTTP/1.1. See `ClientCodec`.

    Requests are numbered as the streams of HTTP/2 are. An answer is one only when it was asked for, when all
    of the request had been sent before its first byte came, and when its end was said: nothing that comes at
    another time can be taken for the answer to the next request.

    :ivar _parser: of the request under way, None when there is none.
    :ivar _out: the request under way until `output` has given it out.
    :ivar _heard: bytes that came since the last request was made.
    :ivar _over: the connection cannot be used again.
    """

    streams: int | None = 1
    can_ping = False

    def __init__(self, limits: ClientLimits) -> None:
        self._limits = limits
        self._parser: h11.Connection | None = None
        self._answer: _Answer | None = None
        self._events: list[ClientEvent] = []
        self._out = b""
        self._last = self._heard = 0
        self._over = False

    # What the caller does.

    @property
    def last_stream(self) -> int:
        return self._last

    def open(self, form: RequestForm, path: bytes, unlike: tuple[Header, ...], body: bytes) -> int:
        if self._over or self._parser is not None:
            raise ValueError("no request can be made on this connection now")
        parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=self._limits.noise)
        try:
            parts = (_request(form, path, unlike, body), h11.Data(data=body), h11.EndOfMessage())
            self._out = b"".join(parser.send(part) or b"" for part in parts)
        except h11.LocalProtocolError:  # it quotes what may be a secret
            raise ValueError("the request has what HTTP/1.1 cannot carry") from None
        self._parser, self._answer, self._heard = parser, None, 0
        self._last += 2 if self._last else 1
        return self._last

    def is_unsent(self, stream: int) -> bool:
        return bool(self._out) and stream == self._last

    def cancel(self, stream: int) -> None:
        if self._parser is not None and stream == self._last:
            self._over = True

    def ping(self) -> None:
        """HTTP/1.1 has no such thing."""

    def close(self) -> None:
        """Nothing is said: the end of the connection is its end."""
        self._over = True

    def output(self) -> bytes:
        if self._over:
            return b""
        out, self._out = self._out, b""
        return out

    def receive(self, data: bytes) -> list[ClientEvent]:
        try:
            for begin in range(0, len(data), _PIECE):
                if not self._over:
                    self._take(data[begin : begin + _PIECE])
        except _Fault as fault:
            self._break(fault.text)
        except Exception:  # noqa: BLE001 - whatever h11 raises, it did not understand it
            self._break("the answer is not HTTP/1.1")
        events, self._events = self._events, []
        return events

    def finish(self) -> list[ClientEvent]:
        if self._parser is not None and self._answer is not None and not self._over:
            self._parser.receive_data(b"")
            try:
                self._read(self._parser)
            except h11.RemoteProtocolError:
                self._events.clear()  # it ended in the middle of an answer
        self._over = True
        events, self._events = self._events, []
        return events

    # What the server says.

    def _take(self, piece: bytes) -> None:
        """Take some bytes.

        :raises Exception: they break a rule.
        """
        parser = self._parser
        if parser is None or self._out:
            raise _Fault("the server answers what it was not asked")
        room = self._limits.noise - self._heard
        self._heard += len(piece)
        if room > 0:
            parser.receive_data(piece[:room])
            self._read(parser)
        if len(piece) > room and not self._over:
            raise _Fault("the server sends much and answers nothing")

    def _read(self, parser: h11.Connection) -> None:
        """Read as far as it goes, and not beyond the end of the answer."""
        more = True
        while more and self._parser is parser:
            more = self._read_head(parser) if self._answer is None else self._read_body(parser, self._answer)

    def _read_head(self, parser: h11.Connection) -> bool:
        """Read a head, if it is complete; return whether it was."""
        held = parser.trailing_data[0]
        if not (held.startswith(_BEGIN) or _BEGIN.startswith(held)):
            raise _Fault("the server does not speak HTTP/1.1")
        event = parser.next_event()
        is_whole = isinstance(event, h11.Response | h11.InformationalResponse)
        size = len(held) - (len(parser.trailing_data[0]) if is_whole else 0)
        if size > self._limits.head:
            raise _Fault("the head of an answer is too long")
        if isinstance(event, h11.Response):
            headers = tuple(event.headers)
            self._check(headers)
            self._answer = _Answer(event.status_code, headers)
        return is_whole

    def _check(self, headers: tuple[Header, ...]) -> None:
        """Check the headers of an answer, each of which h11 has checked.

        :raises _Fault: there are too many, or the end of the answer is in doubt.
        """
        if sum(len(name) + len(value) + 32 for name, value in headers) > self._limits.head:
            raise _Fault("the head of an answer is too long")
        if {name for name, _ in headers} >= {b"transfer-encoding", b"content-length"}:
            raise _Fault("an answer has two lengths")

    def _read_body(self, parser: h11.Connection, answer: _Answer) -> bool:
        """Read some of a body, if it is there; return whether it was."""
        event = parser.next_event()
        if isinstance(event, h11.Data):
            answer.body += event.data
            if len(answer.body) > self._limits.body:
                raise _Fault("the body of an answer is too long")
        elif isinstance(event, h11.EndOfMessage):
            self._complete(parser, answer)
        return event is not h11.NEED_DATA

    def _complete(self, parser: h11.Connection, answer: _Answer) -> None:
        """An answer has come; trailers are dropped."""
        self._parser = None
        self._events.append(Answered(self._last, answer.status, answer.headers, answer.body))
        left, has_ended = parser.trailing_data
        if has_ended or parser.our_state is not h11.DONE or parser.their_state is not h11.DONE:
            self._over = True
            self._events.append(GoingAway(0, b""))
        elif left:
            raise _Fault("the server says more than it was asked")

    def _break(self, text: str) -> None:
        self._over = True
        self._events.append(Broken(text))


def _request(form: RequestForm, path: bytes, unlike: tuple[Header, ...], body: bytes) -> h11.Request:
    """The head of a request.

    :raises ValueError: it would not be one request to the host, whose body ends where it does.
    :raises h11.LocalProtocolError: it cannot be written.
    """
    pseudo, fields = dict(form.pseudo), (*form.fields, *unlike)
    method, host = pseudo.get(b":method", b""), pseudo.get(b":authority", b"")
    if not host or not path.startswith(b"/") or method in _OTHER_RULES:
        raise ValueError("the request has no host, no path, or a method whose answers are not read here")
    if any(name.lower() in _OURS for name, _ in fields):
        raise ValueError("the request has a header that is made here")
    own = ((b"Host", host), (b"Content-Length", b"%d" % len(body)))
    return h11.Request(method=method, target=path, headers=[*own, *fields])
