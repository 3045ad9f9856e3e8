"""HTTP/2 of a client with h2: in Python throughout, and always there."""

from typing import Final

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hpack import HeaderTuple, NeverIndexedHeaderTuple

from pushgate.net.http.client_codec import ClientLimits, RequestForm
from pushgate.net.http.codec import Header
from pushgate.net.http.http2_client import HTTP2Client
from pushgate.net.http.http2_frames import (
    Code,
    ConnectionFault,
    FrameReader,
    Kind,
    goaway,
    without_priority,
)
from pushgate.net.http.http2_server import DEFAULT_WINDOW

_CONFIGURATION: Final = H2Configuration(
    client_side=True,
    header_encoding=None,
    validate_inbound_headers=True,
    normalize_inbound_headers=False,
    validate_outbound_headers=False,
    normalize_outbound_headers=False,
)
_SECRET: Final = b"authorization"
_TIDY: Final = 256
"""Requests after which h2 looks for the streams that have ended: it looks at each, at every request."""


_OF_STREAMS: Final = frozenset({Kind.DATA, Kind.HEADERS, Kind.RST_STREAM, Kind.WINDOW_UPDATE})
_OF_ALL: Final = frozenset({Kind.SETTINGS, Kind.PING, Kind.WINDOW_UPDATE, Kind.CONTINUATION})


class _Connection(H2Connection):
    """h2 without its counts of open streams, which cost as much as there are: the caller counts.

    :cvar MAX_CLOSED_STREAMS: streams that have ended whose late frames are known to be that.
    """

    MAX_CLOSED_STREAMS = 1 << 13
    open_inbound_streams = 0
    _uncounted = 0

    @property
    def open_outbound_streams(self) -> int:
        """See h2's; 0, whatever there is."""
        self._uncounted += 1
        if self._uncounted >= _TIDY:
            self._uncounted = 0
            self._open_streams(1)
        return 0


class H2Client(HTTP2Client):
    """A client's side of HTTP/2 on h2. See `ClientCodec`.

    GOAWAY is kept from h2, which would read no answers after it.

    :ivar _queued: bodies, or the rest of them, that the windows have no room for.
    """

    def __init__(self, limits: ClientLimits) -> None:
        super().__init__(limits)
        self._queued: dict[int, bytes] = {}
        self._reader = FrameReader(4 * limits.head, preface=b"")
        self._h2 = _Connection(_CONFIGURATION)
        self._h2.local_settings = Settings(
            client=True,
            initial_values={
                SettingCodes.ENABLE_PUSH: 0,
                SettingCodes.INITIAL_WINDOW_SIZE: limits.window,
                SettingCodes.MAX_HEADER_LIST_SIZE: limits.head,
            },
        )
        self._h2.max_inbound_frame_size = 1 << 14
        self._h2.decoder.max_header_list_size = 4 * limits.head
        self._h2.initiate_connection()
        if limits.window > DEFAULT_WINDOW:
            self._h2.increment_flow_control_window(limits.window - DEFAULT_WINDOW)

    def is_unsent(self, stream: int) -> bool:
        return stream in self._queued

    def _send_ping(self) -> None:
        self._h2.ping(bytes(8))

    def _send_goaway(self) -> None:
        self._h2.close_connection()

    def _to_send(self) -> bytes:
        return self._h2.data_to_send()

    def _send_request(self, form: RequestForm, path: bytes, unlike: tuple[Header, ...], body: bytes) -> int:
        stream = self._h2.get_next_available_stream_id()
        never = NeverIndexedHeaderTuple
        fields = [HeaderTuple(*each) for each in form.pseudo]
        fields.append(never(b":path", path))
        fields += [(never if name == _SECRET else HeaderTuple)(name, value) for name, value in form.fields]
        fields += [never(*each) for each in unlike]
        self._h2.send_headers(stream, fields, end_stream=not body)
        self._send_body(stream, body)
        return stream

    def _send_body(self, stream: int, body: bytes) -> None:
        """Send as much of a body as the windows take; queue the rest, in its place if it has one."""
        while body:
            room = min(self._h2.local_flow_control_window(stream), self._h2.max_outbound_frame_size)
            if room <= 0:
                self._queued[stream] = body
                return
            part, body = body[:room], body[room:]
            self._h2.send_data(stream, part, end_stream=not body)
        self._queued.pop(stream, None)

    def _send_queued(self) -> None:
        """Send what the windows have room for now, in the order of the requests."""
        for stream, body in list(self._queued.items()):
            if self._h2.outbound_flow_control_window <= 0:
                return
            self._send_body(stream, body)

    def _send_reset(self, stream: int) -> None:
        self._queued.pop(stream, None)
        self._h2.reset_stream(stream, ErrorCodes.CANCEL)

    def _on_reset(self, stream: int, code: int) -> None:
        self._queued.pop(stream, None)
        super()._on_reset(stream, code)

    def _feed(self, data: bytes) -> None:
        try:
            for kind, flags, stream, frame in self._reader.take(data):
                self._take(kind, flags, stream, frame)
        except ProtocolError:
            raise ConnectionFault(Code.PROTOCOL_ERROR, "a rule of HTTP/2 was broken") from None
        if self._queued:
            self._send_queued()

    def _take(self, kind: int, flags: int, stream: int, frame: bytes) -> None:
        """A frame has come. What is neither an answer nor about windows or settings is dropped.

        :raises ConnectionFault: it breaks a rule of the connection.
        """
        if kind == Kind.GOAWAY:
            self._on_goaway(*goaway(frame))
            return
        if kind == Kind.PUSH_PROMISE or (kind in _OF_STREAMS and not self._is_known(stream)):
            raise ConnectionFault(Code.PROTOCOL_ERROR, "the server begins a stream")
        if kind == Kind.HEADERS:
            frame = without_priority(flags, stream, frame)
        if kind in _OF_STREAMS or kind in _OF_ALL:
            for event in self._h2.receive_data(frame):
                self._pass(event)

    def _is_known(self, stream: int) -> bool:
        """Whether a stream is one of a request that was made; 0, the connection, is no less known."""
        return not stream or (stream % 2 == 1 and stream <= self._last)

    def _pass(self, event: events.Event) -> None:
        """Pass on an event of h2."""
        match event:
            case events.ResponseReceived():
                self._on_head(event.stream_id, event.headers, event.stream_ended is not None)
            case events.DataReceived():
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                self._on_data(event.stream_id, event.data, event.stream_ended is not None)
            case events.TrailersReceived():
                self._on_end(event.stream_id)
            case events.StreamReset():
                self._on_reset(event.stream_id, int(event.error_code))
            case events.RemoteSettingsChanged():
                changed = event.changed_settings.get(SettingCodes.MAX_CONCURRENT_STREAMS)
                if changed is not None:
                    self._on_limit(changed.new_value)
            case events.PingAckReceived():
                self._on_ping_answered()
