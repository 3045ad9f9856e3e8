"""HTTP/2 of a client with ngh2: libnghttp2, which needs a thirtieth of the time that h2 needs."""

from typing import Final

from ngh2 import (
    Configuration,
    Connection,
    ConnectionClosed,
    DataReceived,
    Event,
    GoAwayReceived,
    NeverIndexedHeader,
    NGH2Error,
    PingAcknowledged,
    ResponseReceived,
    Role,
    SettingsReceived,
    StreamClosed,
    TrailersReceived,
)
from ngh2 import (
    Header as NGH2Header,
)

from pushgate.net.http.client_codec import ClientLimits, RequestForm
from pushgate.net.http.codec import Header
from pushgate.net.http.http2_client import HTTP2Client
from pushgate.net.http.http2_frames import MAX_CONTINUATIONS, Code, ConnectionFault
from pushgate.net.http.http2_server import DEFAULT_WINDOW, MAX_SETTINGS

_STREAMS: Final = 3
"""SETTINGS_MAX_CONCURRENT_STREAMS."""
_NO_RATE: Final = (1 << 62, 1)
"""libnghttp2 has a clock of its own for this; `ClientLimits.noise` bounds it without one."""


class Ngh2Client(HTTP2Client):
    """A client's side of HTTP/2 on ngh2. See `ClientCodec`."""

    def __init__(self, limits: ClientLimits) -> None:
        super().__init__(limits)
        self._ngh2 = Connection(
            Role.CLIENT,
            Configuration(
                peer_max_concurrent_streams=0xFFFFFFFF,  # the caller counts, and this would queue in silence
                max_settings=MAX_SETTINGS,
                max_continuations=MAX_CONTINUATIONS,
                glitch_rate_limit=_NO_RATE,
                max_inbound_header_list_size=4 * limits.head,
                max_inbound_header_count=4 * limits.head // 32,
            ),
        )
        self._ngh2.initiate_connection({2: 0, 4: limits.window, 6: limits.head})
        self._out: list[bytes] = []
        if limits.window > DEFAULT_WINDOW:
            self._ngh2.set_local_window_size(limits.window)

    def is_unsent(self, stream: int) -> bool:
        return self._ngh2.queued_body_size(stream) > 0

    def _send_ping(self) -> None:
        self._ngh2.ping()

    def _send_goaway(self) -> None:
        self._ngh2.send_goaway()

    def _to_send(self) -> bytes:
        self._flush()
        data = b"".join(self._out)
        self._out.clear()
        return data

    def _flush(self) -> None:
        data = self._ngh2.data_to_send()
        if data:
            self._out.append(data)

    def _send_request(self, form: RequestForm, path: bytes, unlike: tuple[Header, ...], body: bytes) -> int:
        fields: list[NGH2Header] = [*form.pseudo, (b":path", path), *form.fields]
        fields += [NeverIndexedHeader(*each) for each in unlike]
        stream = self._ngh2.send_request(fields, end_stream=not body)
        if body:
            self._ngh2.send_data(stream, body, end_stream=True)
        return stream

    def _send_reset(self, stream: int) -> None:
        self._ngh2.reset_stream(stream, Code.CANCEL)

    def _feed(self, data: bytes) -> None:
        try:
            # GOAWAY would cancel requests that libnghttp2 has not written yet, in silence.
            self._flush()
            self._ngh2.receive_data(data)
            # Its verdict on what it has read comes with the frame that tells the server.
            self._flush()
        except NGH2Error:
            raise ConnectionFault(Code.PROTOCOL_ERROR, "a rule of HTTP/2 was broken") from None
        finally:
            for event in self._ngh2.events():
                self._pass(event)

    def _pass(self, event: Event) -> None:
        """Pass on an event of ngh2.

        :raises ConnectionFault: it ends the connection.
        """
        if isinstance(event, ResponseReceived):
            self._on_head(event.stream_id, event.headers, event.end_stream)
        elif isinstance(event, DataReceived):
            self._on_data(event.stream_id, event.data, event.end_stream)
        elif isinstance(event, TrailersReceived):
            self._on_end(event.stream_id)
        elif isinstance(event, StreamClosed):
            if event.stream_id in self._open:
                self._on_reset(event.stream_id, event.error_code)
        else:
            self._pass_other(event)

    def _pass_other(self, event: Event) -> None:
        """Pass on an event that is not of one stream, like `_pass`."""
        if isinstance(event, SettingsReceived):
            if _STREAMS in event.settings:
                self._on_limit(event.settings[_STREAMS])
        elif isinstance(event, GoAwayReceived):
            self._on_goaway(event.last_stream_id, event.error_code, event.debug_data)
        elif isinstance(event, PingAcknowledged):
            self._on_ping_answered()
        elif isinstance(event, ConnectionClosed) and not self._is_over():
            raise ConnectionFault(event.error_code, "a rule of HTTP/2 was broken")
