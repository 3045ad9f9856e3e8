"""One client's connection to the services, in either version of HTTP."""

from collections.abc import Callable
from typing import Final, cast

from twisted.internet.interfaces import IReactorTime

from pushgate.net.http.codec import CodecLimits, Header, HTTP2ServerCodec, RequestHead
from pushgate.net.http.http1 import HTTP1Codec
from pushgate.net.http.http2 import lenient_codec
from pushgate.simulator.connection_gate import ConnectionGate
from pushgate.simulator.fault_plan import FaultPlan
from pushgate.simulator.request_connection import RequestConnection
from pushgate.simulator.request_rules import RequestRule
from pushgate.simulator.rule_conditions import EndAction
from pushgate.simulator.services.desk import Judged, ServiceDesk
from pushgate.simulator.services.service_request import MAX_BODY

_LIMITS: Final = CodecLimits(head=1 << 14, streams=100, window=MAX_BODY)
"""Google's servers have 100 streams as well."""


class ServiceConnection(RequestConnection[Judged]):
    """HTTP/2 when ALPN has agreed on it, HTTP/1.1 otherwise.

    What a rule wants of HTTP/2 only is done in HTTP/1.1 as far as it goes: a stream that is reset resets the
    connection, GOAWAY closes it.

    :param date: the header of this name, for now.
    """

    kind = "service"
    max_body = MAX_BODY

    def __init__(
        self,
        desk: ServiceDesk,
        date: Callable[[], bytes],
        clock: IReactorTime,
        gate: ConnectionGate,
        number: int,
    ) -> None:
        super().__init__(desk, clock, gate, number)
        self._desk, self._date = desk, date

    def make_codec(self) -> HTTP2ServerCodec:
        if self.transport.negotiatedProtocol == b"h2":
            return lenient_codec(_LIMITS, self._use)
        return cast("HTTP2ServerCodec", HTTP1Codec(_LIMITS))  # what it lacks is seen to below

    def first_rule(self) -> RequestRule | None:
        return self._desk.script.for_start(self.number)

    def decide(self, head: RequestHead, body: bytes) -> tuple[RequestRule | None, Judged]:
        over = "http2" if self._codec.multiplexed else "http1"
        return self._desk.ask(self.number, over, head, body)

    def content(
        self, head: RequestHead, answer: Judged, body: bytes | None
    ) -> tuple[int, tuple[Header, ...], bytes]:
        made = answer.answer
        content = made.body if body is None else body
        common = (b"date", self._date()), (b"content-length", b"%d" % len(content))
        return made.status, made.headers + common, b"" if head.method == b"HEAD" else content

    def reset(self, stream: int, code: int, delay: float) -> None:
        if self._codec.multiplexed:
            super().reset(stream, code, delay)
        else:
            self.end(FaultPlan(delay=delay, end=EndAction.RESET))

    def go_away(self, last: int, code: int, debug: bytes) -> None:
        if self._codec.multiplexed:
            super().go_away(last, code, debug)
        else:
            self.end(FaultPlan())

    def limit_streams(self, streams: int) -> None:
        if self._codec.multiplexed:
            super().limit_streams(streams)

    def _settle(self) -> None:
        """In HTTP/1.1 the next request is read once an answer has ended."""
        while not self._ended and not self._codec.multiplexed and self._codec.buffered and not self._open:
            before = self._codec.buffered
            self._take(b"")
            if not self._ended and self._codec.buffered == before:
                break
        if not self._ended:
            super()._settle()

    def _use(self, codec: HTTP2ServerCodec) -> None:
        """Go on with another codec."""
        self._codec = codec
