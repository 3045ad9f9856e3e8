"""HTTP/2 for peers whose first request ngh2 refuses."""

import sys

from hpack import Encoder
from hyperframe.frame import Frame, HeadersFrame, PingFrame, SettingsFrame
from hypothesis import given
from hypothesis import strategies as st

from pushgate.net.http import http2
from pushgate.net.http.codec import CodecLimits, RequestEnd, RequestHead
from pushgate.net.http.http2_frames import PREFACE
from pushgate.net.http.http2_h2 import H2Codec
from pushgate.net.http.http2_lenient import LenientStart
from pushgate.net.http.http2_ngh2 import Ngh2Codec

OPENING = PREFACE + SettingsFrame(0).serialize() + PingFrame(0, b"a ping. ").serialize()
ACK = SettingsFrame(0, flags=["ACK"]).serialize()


class Server:
    """A server that goes on with the codec that is chosen, and keeps what it sends."""

    def __init__(self):
        self.made = LenientStart(CodecLimits(), self.use)
        self.events, self.sent = [], b""

    def use(self, codec):
        self.made = codec

    def take(self, data):
        self.events += self.made.receive(data)
        self.sent += self.made.output()

    def frames(self):
        """The kinds of frames that it sent, with their streams."""
        found, data = [], self.sent
        while data:
            frame, length = Frame.parse_frame_header(memoryview(data[:9]))
            found.append((type(frame).__name__, frame.stream_id, "ACK" in frame.flags))
            data = data[9 + length :]
        return found


def request(encoder, stream, scheme=b"https", **more):
    """A request without a body."""
    fields = [(b":method", b"GET"), (b":scheme", scheme), (b":path", b"/"), (b":authority", b"x")]
    block = encoder.encode([*fields, *more.items()])
    return HeadersFrame(stream, block, flags=["END_HEADERS", "END_STREAM"]).serialize()


def test_a_good_first_request_settles_it():
    """It goes on with ngh2."""
    server = Server()
    server.take(OPENING)
    assert (server.made.multiplexed, server.made.control_frames) == (True, 2)
    server.take(request(Encoder(), 1))
    assert isinstance(server.made, Ngh2Codec)
    assert [type(event) for event in server.events] == [RequestHead, RequestEnd]


@given(data=st.data())
def test_a_scheme_with_a_colon(data):
    """It goes on with h2, wherever the bytes are cut: nothing is said twice, and nothing left out."""
    encoder, server, plain = Encoder(), Server(), Server()
    wire = OPENING + ACK + request(encoder, 1, b"https:") + request(encoder, 3, b"https:")
    cut = data.draw(st.integers(0, len(wire)))
    again = data.draw(st.integers(cut, len(wire)))
    for part in (wire[:cut], wire[cut:again], wire[again:]):
        server.take(part)
    assert isinstance(server.made, H2Codec)
    assert [event.stream for event in server.events if isinstance(event, RequestHead)] == [1, 3]
    plain.made = H2Codec(CodecLimits())
    plain.take(wire)
    assert sorted(server.frames()) == sorted(plain.frames())
    server.made.send_head(3, 200, (), True)
    server.take(b"")
    assert server.frames()[-1] == ("HeadersFrame", 3, False)


def test_what_both_refuse():
    """The stream is reset, and the next one can be better."""
    encoder, server = Encoder(), Server()
    server.take(OPENING + request(encoder, 1, connection=b"close") + request(encoder, 3))
    assert ("RstStreamFrame", 1, False) in server.frames()
    assert [event.stream for event in server.events if isinstance(event, RequestHead)] == [3]


def test_a_first_request_that_does_not_come():
    """So many bytes are not kept for ever."""
    server = Server()
    server.take(OPENING + PingFrame(0, b"a ping. ").serialize() * 10_000)
    assert isinstance(server.made, Ngh2Codec)


def test_without_ngh2(monkeypatch):
    """h2 takes them anyway."""
    for name in ("pushgate.net.http.http2_lenient", "pushgate.net.http.http2_ngh2"):
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ngh2", None)
    assert isinstance(http2.lenient_codec(CodecLimits(), print), H2Codec)


def test_with_ngh2():
    """The codec is chosen by the first request: there is nothing to say before."""
    assert isinstance(http2.lenient_codec(CodecLimits(), print), LenientStart)
