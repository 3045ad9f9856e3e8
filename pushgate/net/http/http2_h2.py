"""HTTP/2 of a server with h2: in Python throughout, and always there."""

from collections.abc import Sequence
from typing import Final

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hpack import Decoder, HeaderTuple, NeverIndexedHeaderTuple

from pushgate.net.http.codec import CodecLimits, Header
from pushgate.net.http.http2_frames import PREFACE, ConnectionFault, settings_frame
from pushgate.net.http.http2_server import (
    DEFAULT_WINDOW,
    NO_STREAM_LIMIT,
    HTTP2Codec,
    hard_limit,
    kept,
    settings_of,
)

_CONFIGURATION: Final = H2Configuration(
    client_side=False,
    header_encoding=None,
    validate_inbound_headers=False,
    normalize_inbound_headers=False,
    validate_outbound_headers=False,
    normalize_outbound_headers=False,
)
"""h2 ends the connection for a malformed request; `http2_requests` has its stream reset."""


class _Decoder(Decoder):
    """HPACK that keeps the fields from h2, which ends the connection for some of them even unvalidated.

    :ivar fields: of the last block.
    """

    def __init__(self, most: int) -> None:
        super().__init__(max_header_list_size=most)
        self.fields: list[Header] = []

    def decode(self, data: bytes, raw: bool = False) -> list[HeaderTuple]:
        """See `hpack.Decoder`. There are no fields."""
        self.fields = [(bytes(name), bytes(value)) for name, value in super().decode(data, raw=True)]
        return []


class H2Codec(HTTP2Codec):
    """A server's side of HTTP/2 on h2. See `ServerCodec`."""

    def __init__(self, limits: CodecLimits) -> None:
        super().__init__(limits)
        self._h2 = H2Connection(_CONFIGURATION)
        self._decoder = _Decoder(hard_limit(limits))
        self._h2.decoder = self._decoder
        self._h2.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes(key): value for key, value in settings_of(limits, NO_STREAM_LIMIT).items()
            },
        )
        self._h2.initiate_connection()
        self._h2.data_to_send()
        self._out.append(settings_frame(settings_of(limits, limits.streams)))
        if limits.window > DEFAULT_WINDOW:
            self._h2.increment_flow_control_window(limits.window - DEFAULT_WINDOW)
        self._h2.receive_data(PREFACE)

    def _feed(self, frame: bytes) -> None:
        self._flush()
        try:
            for event in self._h2.receive_data(frame):
                self._happened(event)
        except ProtocolError as error:
            # Its GOAWAY would be a second one.
            self._h2.clear_outbound_data_buffer()
            raise ConnectionFault(error.error_code, "a rule of HTTP/2 was broken") from None

    def _happened(self, event: events.Event) -> None:
        """Pass on an event of h2."""
        match event:
            case events.RequestReceived():
                self._on_head(event.stream_id, self._decoder.fields, event.stream_ended is not None)
            case events.DataReceived():
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                self._on_data(event.stream_id, event.data, event.stream_ended is not None)
            case events.TrailersReceived():
                self._on_trailers(event.stream_id, self._decoder.fields)
            case events.StreamReset():
                self._on_reset(event.stream_id, event.remote_reset)
            case events.WindowUpdated():
                self._on_room(event.stream_id)
            case events.RemoteSettingsChanged():
                self._on_peer_window(self._h2.remote_settings.initial_window_size)

    def _send_headers(self, stream: int, status: int, headers: Sequence[Header], end: bool) -> None:
        fields = [HeaderTuple(b":status", b"%d" % status)]
        for (name, value), unlike in kept(headers):
            fields.append((NeverIndexedHeaderTuple if unlike else HeaderTuple)(name, value))
        self._h2.send_headers(stream, fields, end)

    def _send_body(self, stream: int, data: bytes, end: bool) -> None:
        size = self._h2.max_outbound_frame_size
        last = max(0, len(data) - 1) // size * size
        for begin in range(0, last, size):
            self._h2.send_data(stream, data[begin : begin + size])
        self._h2.send_data(stream, data[last:], end)

    def _send_reset(self, stream: int, code: int) -> None:
        self._h2.reset_stream(stream, code)

    def _window(self, stream: int) -> int:
        return self._h2.local_flow_control_window(stream)

    @property
    def room_of_all(self) -> int:
        return self._h2.outbound_flow_control_window

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data:
            self._out.append(data)
