"""HTTP/2 of a server with ngh2: libnghttp2, which needs a fraction of the time that h2 needs."""

from collections.abc import Sequence
from typing import Final

from ngh2 import (
    Configuration,
    Connection,
    ConnectionClosed,
    DataReceived,
    Event,
    NeverIndexedHeader,
    NGH2Error,
    RequestReceived,
    Role,
    SettingsReceived,
    StreamClosed,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from ngh2 import (
    Header as NGH2Header,
)

from pushgate.net.http.codec import CodecLimits, Header
from pushgate.net.http.http2_frames import (
    MAX_CONTINUATIONS,
    MAX_SETTINGS,
    PREFACE,
    Code,
    ConnectionFault,
    end_frame,
    settings_frame,
)
from pushgate.net.http.http2_server import (
    DEFAULT_WINDOW,
    NO_STREAM_LIMIT,
    HTTP2Codec,
    hard_limit,
    kept,
    settings_of,
)

_NO_RATE: Final = (1 << 62, 1)
"""libnghttp2 has a clock of its own for these; `ServerCodec.control_frames` lets the caller use its one."""
_INITIAL_WINDOW: Final = 4


def _configuration(limits: CodecLimits) -> Configuration:
    """libnghttp2's limits: none of them is reached before one of ours."""
    most = hard_limit(limits)
    return Configuration(
        max_settings=MAX_SETTINGS,
        max_continuations=MAX_CONTINUATIONS,
        stream_reset_rate_limit=_NO_RATE,
        glitch_rate_limit=_NO_RATE,
        max_inbound_header_list_size=most,
        max_inbound_header_count=most // 32,
    )


class Ngh2Codec(HTTP2Codec):
    """A server's side of HTTP/2 on ngh2. See `ServerCodec`.

    :ivar _expected: the stream whose end is no fault: it was reset by the peer, or here.
    """

    def __init__(self, limits: CodecLimits) -> None:
        super().__init__(limits)
        self._expected = 0
        self._ngh2 = Connection(Role.SERVER, _configuration(limits))
        self._ngh2.initiate_connection(settings_of(limits, NO_STREAM_LIMIT))
        self._ngh2.data_to_send()
        self._out.append(settings_frame(settings_of(limits, limits.streams)))
        if limits.window > DEFAULT_WINDOW:
            self._ngh2.set_local_window_size(limits.window)
        self._ngh2.receive_data(PREFACE)

    def _feed(self, frame: bytes) -> None:
        try:
            self._ngh2.receive_data(frame)
            self._flush()
        except NGH2Error:
            # ngh2 has no GOAWAY for these.
            raise ConnectionFault(Code.ENHANCE_YOUR_CALM, "a rule of HTTP/2 was broken") from None
        self._happened()

    def _happened(self) -> None:
        """Pass on the events of ngh2.

        :raises ConnectionFault: it ends the connection.
        """
        for event in self._ngh2.events():
            self._pass(event)

    def _pass(self, event: Event) -> None:
        """Pass on an event of ngh2.

        :raises ConnectionFault: it ends the connection.
        """
        if isinstance(event, RequestReceived):
            self._on_head(event.stream_id, event.headers, event.end_stream)
        elif isinstance(event, DataReceived):
            self._on_data(event.stream_id, event.data, event.end_stream)
        elif isinstance(event, StreamReset):
            self._expected = event.stream_id
        elif isinstance(event, StreamClosed):
            if event.error_code or event.stream_id == self._expected:
                self._on_reset(event.stream_id, event.stream_id == self._expected)
        elif isinstance(event, TrailersReceived):
            self._on_trailers(event.stream_id, event.headers)
        elif isinstance(event, WindowUpdated):
            self._on_room(event.stream_id)
        elif isinstance(event, SettingsReceived):
            self._on_peer_window(event.settings.get(_INITIAL_WINDOW, self._peer_window))
        elif isinstance(event, ConnectionClosed):
            raise ConnectionFault(event.error_code, "a rule of HTTP/2 was broken", said=True)

    def _send_headers(self, stream: int, status: int, headers: Sequence[Header], end: bool) -> None:
        fields: list[NGH2Header] = [(b":status", b"%d" % status)]
        for (name, value), unlike in kept(headers):
            fields.append(NeverIndexedHeader(name, value) if unlike else (name, value))
        if status < 200:
            self._ngh2.send_informational_response(stream, fields)
        else:
            self._ngh2.send_response(stream, fields, end_stream=end)

    def _send_body(self, stream: int, data: bytes, end: bool) -> None:
        if not data and self._window(stream) <= 0:
            # libnghttp2 would wait for a window, which an empty frame does not need.
            self._flush()
            self._out.append(end_frame(stream))
            self._ngh2.reset_stream(stream, Code.NO_ERROR)
        else:
            self._ngh2.send_data(stream, data, end_stream=end)

    def _send_reset(self, stream: int, code: int) -> None:
        # libnghttp2 sends a reset first, and drops what is queued on the stream.
        self._flush()
        self._ngh2.reset_stream(stream, code)
        self._expected = stream
        self._flush()
        self._happened()

    def _window(self, stream: int) -> int:
        queued = self._ngh2.queued_body_size(stream)
        return min(self._ngh2.stream_remote_window_size(stream) - queued, self.room_of_all)

    @property
    def room_of_all(self) -> int:
        return self._ngh2.remote_window_size - self._ngh2.queued_body_size()

    def _flush(self) -> None:
        data = self._ngh2.data_to_send()
        if data:
            self._out.append(data)
