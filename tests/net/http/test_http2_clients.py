"""Both client codecs of HTTP/2: one contract, two libraries below it."""

import sys
import tracemalloc

import psutil
import pytest
from hpack import Decoder, NeverIndexedHeaderTuple
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from pushgate.net.http import http2
from pushgate.net.http.client_codec import (
    LAST_STREAM,
    Abandoned,
    Answered,
    Broken,
    ClientLimits,
    GoingAway,
    PingAnswered,
    RequestForm,
    StreamLimit,
    Unprocessed,
)
from pushgate.net.http.codec import BodyData, CodecLimits, RequestEnd, RequestHead, StreamReset
from pushgate.net.http.http2_client import HTTP2Client
from pushgate.net.http.http2_client_h2 import H2Client
from pushgate.net.http.http2_client_ngh2 import Ngh2Client
from pushgate.net.http.http2_frames import PREFACE
from pushgate.net.http.http2_h2 import H2Codec
from pushgate.net.http.http2_ngh2 import Ngh2Codec
from tests.http2_wire import Wire, data, frames_of, goaways_of, resets_of
from tests.samples import at_every_byte

CLIENTS = [H2Client, Ngh2Client]
every_client = pytest.mark.parametrize("client", CLIENTS)
every_server = pytest.mark.parametrize("server", [H2Codec, Ngh2Codec])
TOKEN = b"bearer " + b"t" * 180
FORM = RequestForm(
    ((b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"push.example")),
    ((b"authorization", TOKEN), (b"apns-topic", b"org.example.app")),
)
SETTINGS = SettingsFrame(0).serialize()
ACKNOWLEDGED = SettingsFrame(0, flags=["ACK"]).serialize()
REASON = b'{"reason":"BadDeviceToken"}'


def limits(**settings):
    """SETTINGS of a server."""
    return SettingsFrame(0, settings={int(key[1:]): value for key, value in settings.items()}).serialize()


def ask(client, body=b"{}"):
    """Make a request as the upstream does; return its stream."""
    number = client.last_stream
    path = b"/3/device/%064x" % number
    return client.open(FORM, path, ((b"apns-id", b"id-%d" % number),), body)


def opened(client, requests=0, settings=SETTINGS, **limits):
    """A client whose server has begun, with requests under way; what it has sent so far is taken."""
    made = client(ClientLimits(**limits))
    made.receive(settings + ACKNOWLEDGED)
    for _ in range(requests):
        ask(made)
    made.output()
    return made


class Pair:
    """A client's codec and a server's, connected."""

    def __init__(self, client, server, streams=100, **limits):
        self.client = client(ClientLimits(**limits))
        self.server = server(CodecLimits(streams=streams))
        self.events = []
        self.requests = self.swap()

    def swap(self):
        """Hand over all that each has for the other; the server's events."""
        seen = []
        while True:
            sent, answered = self.client.output(), self.server.output()
            if not sent and not answered:
                return seen
            seen += self.server.receive(sent)
            self.events += self.client.receive(answered)

    def answer(self, stream, status, body=b"", headers=()):
        """Have the server answer."""
        self.server.send_head(stream, status, headers, not body)
        self.server.send_data(stream, body, True)

    def news(self):
        """The client's events since the last call."""
        self.swap()
        events, self.events = self.events, []
        return events


class TestRequests:
    @every_server
    @every_client
    def test_a_request_and_its_answer(self, client, server):
        """A request arrives as it was given; the answer comes whole, with its headers and body."""
        pair = Pair(client, server)
        assert pair.news() == [StreamLimit(100)]
        assert pair.client.open(FORM, b"/3/device/abcd", ((b"apns-id", b"one"),), b'{"aps":{}}') == 1
        fields = (
            (b"host", b"push.example"),
            (b"authorization", TOKEN),
            (b"apns-topic", b"org.example.app"),
            (b"apns-id", b"one"),
        )
        assert pair.swap() == [
            RequestHead(1, b"POST", b"/3/device/abcd", fields, None),
            BodyData(1, b'{"aps":{}}'),
            RequestEnd(1),
        ]
        pair.answer(1, 400, REASON, ((b"apns-id", b"one"),))
        assert pair.news() == [Answered(1, 400, ((b"apns-id", b"one"),), REASON)]

    @every_server
    @every_client
    def test_a_request_and_an_answer_without_bodies(self, client, server):
        """Their ends are with their heads."""
        pair = Pair(client, server)
        stream = ask(pair.client, b"")
        assert [type(event) for event in pair.swap()] == [RequestHead, RequestEnd]
        pair.answer(stream, 200)
        assert pair.news() == [StreamLimit(100), Answered(stream, 200, (), b"")]

    @every_server
    @every_client
    def test_many_at_a_time(self, client, server):
        """Answers come in any order, each with its stream."""
        pair = Pair(client, server)
        pair.news()
        streams = [ask(pair.client) for _ in range(100)]
        assert streams == list(range(1, 200, 2))
        assert pair.client.last_stream == 199
        assert sum(isinstance(event, RequestEnd) for event in pair.swap()) == 100
        for stream in reversed(streams):
            pair.answer(stream, 200 if stream % 3 else 410, b"" if stream % 3 else b"%d" % stream)
        assert sorted(pair.news(), key=lambda event: event.stream) == [
            Answered(stream, 200, (), b"") if stream % 3 else Answered(stream, 410, (), b"%d" % stream)
            for stream in streams
        ]

    @every_client
    def test_the_connection_begins_at_once(self, client):
        """Preface, settings (no pushes) and the connection's window go out before anything has come."""
        output = client(ClientLimits(head=5000, window=100_000)).output()
        assert output.startswith(PREFACE)
        first, second = frames_of(output.removeprefix(PREFACE))
        assert first.settings.items() >= {2: 0, 4: 100_000, 6: 5000}.items()
        assert (second.stream_id, second.window_increment) == (0, 100_000 - 65_535)

    @every_client
    def test_a_window_not_larger_than_the_default_is_not_enlarged(self, client):
        """65,535 bytes are granted by HTTP/2 itself."""
        output = client(ClientLimits(window=65_535)).output()
        assert len(frames_of(output.removeprefix(PREFACE))) == 1

    @every_client
    def test_requests_may_be_made_before_the_server_has_said_anything(self, client):
        """They follow the preface."""
        made = client(ClientLimits())
        ask(made)
        kinds = [type(frame) for frame in frames_of(made.output().removeprefix(PREFACE))]
        assert kinds == [SettingsFrame, WindowUpdateFrame, HeadersFrame, DataFrame]

    @every_client
    def test_secrets_and_what_does_not_come_again_stay_out_of_the_table(self, client):
        """Path, token and ids are literals: Apple asks for it, and a proxy could otherwise guess the token."""
        made, decoder = opened(client), Decoder()
        for _ in range(3):
            ask(made)
        heads = [frame for frame in frames_of(made.output()) if isinstance(frame, HeadersFrame)]
        fields = [decoder.decode(frame.data, raw=True) for frame in heads]
        assert {name for name, _ in decoder.header_table.dynamic_entries} == {b":authority", b"apns-topic"}
        for each in fields:
            never = {field[0] for field in each if isinstance(field, NeverIndexedHeaderTuple)}
            assert {b"authorization", b"apns-id"} <= never <= {b"authorization", b"apns-id", b":path"}
        assert [dict(each)[b"apns-id"] for each in fields] == [b"id-0", b"id-1", b"id-3"]
        assert len(heads[1].data) < len(heads[0].data)

    @every_client
    def test_a_server_that_keeps_no_table(self, client):
        """What is sent can be read without one from then on."""
        made = opened(client, requests=1, settings=SETTINGS)
        made.receive(limits(_1=0))
        decoder = Decoder()
        decoder.max_allowed_table_size = 0
        for number in (3, 5):
            ask(made)
            head = next(frame for frame in frames_of(made.output()) if isinstance(frame, HeadersFrame))
            assert head.stream_id == number
            assert dict(decoder.decode(head.data, raw=True))[b"authorization"] == TOKEN
        assert not decoder.header_table.dynamic_entries

    @every_client
    @pytest.mark.parametrize("server_size", [1 << 14, 1 << 15])
    def test_a_large_body_goes_in_frames_that_the_server_takes(self, client, server_size):
        """16,384 bytes unless the server takes more."""
        made = opened(client, settings=limits(_5=server_size))
        ask(made, bytes(40_000))
        frames = frames_of(made.output())[1:]
        assert sum(len(frame.data) for frame in frames) == 40_000
        assert max(len(frame.data) for frame in frames) <= server_size
        assert ["END_STREAM" in frame.flags for frame in frames] == [False] * (len(frames) - 1) + [True]

    @every_client
    def test_the_last_stream(self, client):
        """HTTP/2 has 2^30 streams of a client: then requests are refused here, not by a library."""
        made = opened(client, requests=1)
        made._last = LAST_STREAM
        assert made.last_stream == LAST_STREAM
        with pytest.raises(ValueError, match="no request can be made"):
            ask(made)
        assert made.output() == b""

    def test_h2_makes_requests_up_to_the_last_stream(self):
        """The very last one can be used. (The number of ngh2's next stream cannot be set.)"""
        made = opened(H2Client, requests=1)
        made._h2.highest_outbound_stream_id = made._last = LAST_STREAM - 2
        assert ask(made) == LAST_STREAM
        assert made.receive(Wire().answer(LAST_STREAM)) == [Answered(LAST_STREAM, 200, (), b"")]
        with pytest.raises(ValueError, match="no request can be made"):
            ask(made)


class TestAnswers:
    @every_client
    def test_pieces_at_every_byte(self, client):
        """TCP cuts where it likes."""
        wire = Wire()
        talk = [
            limits(_3=7),
            ACKNOWLEDGED,
            wire.answer(3, (b"apns-id", b"three"), pieces=2),
            wire.answer(1, (b"apns-id", b"one"), status=400, end=False),
            PingFrame(0, b"12345678").serialize(),
            data(1, REASON[:5]),
            RstStreamFrame(5, error_code=7).serialize(),
            data(1, REASON[5:], True, pad_length=3),
            GoAwayFrame(0, last_stream_id=7, error_code=0, additional_data=b"bye").serialize(),
            wire.answer(7),
        ]
        expected = [
            StreamLimit(7),
            Answered(3, 200, ((b"apns-id", b"three"),), b""),
            Unprocessed(5),
            Answered(1, 400, ((b"apns-id", b"one"),), REASON),
            GoingAway(0, b"bye"),
            Answered(7, 200, (), b""),
        ]
        for pieces in at_every_byte(b"".join(talk)):
            made = client(ClientLimits())
            for _ in range(4):
                ask(made)
            made.output()
            assert [event for piece in pieces for event in made.receive(piece)] == expected

    @every_client
    def test_informational_answers_are_passed_over(self, client):
        """100 and 103 come before an answer."""
        made, wire = opened(client, requests=1), Wire()
        early = wire.answer(1, status=100, end=False) + wire.answer(1, (b"link", b"x"), status=103, end=False)
        assert made.receive(early) == []
        assert made.receive(wire.answer(1)) == [Answered(1, 200, (), b"")]

    @every_client
    def test_trailers_are_dropped(self, client):
        """They end the answer, with or without a body before them."""
        made, wire = opened(client, requests=2), Wire()
        assert made.receive(wire.answer(1, status=400, end=False) + data(1, b"abc")) == []
        assert made.receive(wire.head(1, [(b"x", b"1")], "END_STREAM")) == [Answered(1, 400, (), b"abc")]
        assert made.receive(wire.answer(3, end=False)) == []
        assert made.receive(wire.head(3, [(b"x", b"1")], "END_STREAM")) == [Answered(3, 200, (), b"")]

    @every_client
    def test_a_body_in_many_frames(self, client):
        """Empty ones and padding among them."""
        made, wire = opened(client, requests=1), Wire()
        made.receive(wire.answer(1, status=400, end=False))
        assert (
            made.receive(data(1, b"a") + data(1) + data(1, pad_length=9) + data(1, b"b", pad_length=0)) == []
        )
        assert made.receive(data(1, end=True)) == [Answered(1, 400, (), b"ab")]

    @every_client
    @pytest.mark.parametrize(
        "fields",
        [
            [],
            [(b"x", b"y")],
            [(b":status", b"2x0")],
            [(b":status", b"20")],
            [(b":status", b"2000")],
            [(b":status", b"000")],
            [(b":status", b"101")],
            [(b":status", b"")],
            [(b"x", b"y"), (b":status", b"200")],
            [(b":status", b"200"), (b":status", b"200")],
            [(b":status", b"200"), (b":path", b"/")],
            [(b":status", b"200"), (b"X", b"y")],
            [(b":status", b"200"), (b"x", b"a\nb")],
            [(b":status", b"200"), (b"connection", b"close")],
            [(b":status", b"200"), (b"content-length", b"z")],
        ],
    )
    def test_a_malformed_answer_is_no_answer(self, client, fields):
        """Nothing is believed of it: the stream is abandoned, or, with h2, all of the connection."""
        made = opened(client, requests=1)
        [event] = made.receive(Wire().head(1, fields, "END_STREAM"))
        if client is Ngh2Client:
            assert event == Abandoned(1, 1)
            assert resets_of(made.output()) == [(1, 1)]
        else:
            assert isinstance(event, Broken)

    @every_client
    @pytest.mark.parametrize(
        "make",
        [
            lambda wire: data(1, b"x", True),
            lambda wire: wire.answer(1, status=100, end=False) + data(1, b"x", True),
            lambda wire: wire.answer(1, status=100, end=True),
            lambda wire: wire.answer(1, end=False) + wire.head(1, [(b"x", b"y")]),
            lambda wire: wire.answer(1, (b"content-length", b"5"), end=False) + data(1, b"x", True),
            lambda wire: wire.answer(1, (b"content-length", b"5"), end=False) + data(1, b"123456"),
        ],
    )
    def test_answers_whose_frames_make_no_sense(self, client, make):
        """The stream is abandoned, or the connection is broken; it is not waited for what cannot come."""
        made = opened(client, requests=1)
        [event] = made.receive(make(Wire()))
        assert event == Abandoned(1, 1) or isinstance(event, Broken)

    @every_client
    def test_a_head_or_a_body_that_is_too_large_ends_the_connection(self, client):
        """It could not be an answer of the push service."""
        made, wire = opened(client, requests=2, head=1000), Wire()
        assert made.receive(wire.answer(1, (b"x", b"y" * 800)))[0].status == 200
        assert made.receive(wire.answer(3, (b"x", b"y" * 1000))) == [Broken("a rule of HTTP/2 was broken")]
        made, wire = opened(client, requests=1, body=1000), Wire()
        assert made.receive(wire.answer(1, end=False) + data(1, bytes(1000))) == []
        assert made.receive(data(1, b"x", True)) == [Broken("the body of an answer is too long")]
        assert made.receive(wire.answer(1)) == []
        assert made.output() == b""


class TestCancelled:
    @every_client
    def test_a_late_answer_is_dropped(self, client):
        """The server learns of it; what it had sent before is passed over, and HPACK's table stays right."""
        made, wire = opened(client, requests=2), Wire()
        made.cancel(1)
        assert resets_of(made.output()) == [(1, 8)]
        assert made.receive(wire.answer(1, (b"x", b"indexed"), end=False) + data(1, b"late", True)) == []
        assert made.receive(wire.answer(3, (b"x", b"indexed"))) == [
            Answered(3, 200, ((b"x", b"indexed"),), b"")
        ]
        assert made.receive(RstStreamFrame(1).serialize()) == []

    @every_client
    def test_in_the_middle_of_an_answer(self, client):
        """The rest does not matter."""
        made, wire = opened(client, requests=1), Wire()
        made.receive(wire.answer(1, end=False) + data(1, b"a"))
        made.cancel(1)
        assert made.receive(data(1, b"b", True)) == []

    @every_client
    def test_late_informational_answers(self, client):
        """They are late as others are, and malformed ones do not matter either."""
        made, wire = opened(client, requests=2), Wire()
        made.cancel(1)
        late = wire.answer(1, status=103, end=False) + wire.answer(1, (b"X", b"y"), end=False)
        assert made.receive(late + wire.answer(3)) == [Answered(3, 200, (), b"")]

    @every_client
    def test_it_is_harmless_when_the_stream_has_ended(self, client):
        """Likewise twice, for streams that never were, and on a connection that is broken or closed."""
        made, wire = opened(client, requests=2), Wire()
        made.receive(wire.answer(1))
        for stream in (1, 3, 3, 99):
            made.cancel(stream)
        assert resets_of(made.output()) == [(3, 8)]
        ask(made)
        made.output()
        made.close()
        made.cancel(5)
        assert resets_of(made.output()) == []
        broken = opened(client, requests=1)
        broken.receive(b"\1" * 99)
        broken.cancel(1)
        assert broken.output() == b""

    @every_client
    def test_before_anything_was_sent(self, client):
        """The server sees nothing that breaks a rule."""
        pair = Pair(client, H2Codec)
        ask(pair.client)
        pair.client.cancel(1)
        ask(pair.client)
        events = pair.swap()
        assert [event for event in events if event.stream == 1] in (
            [],
            [*[event for event in events if event.stream == 1][:3], StreamReset(1)],
        )
        pair.answer(3, 200)
        assert pair.news() == [StreamLimit(100), Answered(3, 200, (), b"")]


class TestSettings:
    @every_client
    def test_the_limit_of_streams(self, client):
        """It is reported whenever it is said, up or down, also in one frame twice."""
        made = client(ClientLimits())
        assert made.receive(SETTINGS) == []
        assert made.receive(limits(_3=1000)) == [StreamLimit(1000)]
        assert made.receive(limits(_3=1) + limits(_3=0)) == [StreamLimit(1), StreamLimit(0)]
        assert made.receive(limits(_3=2**32 - 1, _99=1, _8=1)) == [StreamLimit(2**32 - 1)]
        assert made.receive(limits(_1=0, _4=9, _5=20_000, _99=1)) == []
        acknowledged = [
            frame for frame in frames_of(made.output().removeprefix(PREFACE)) if "ACK" in frame.flags
        ]
        assert len(acknowledged) == 6

    @every_client
    @pytest.mark.parametrize("size", [5, 7, 65 * 6])
    def test_a_wrong_number_of_bytes(self, client, size):
        """Settings have 6 bytes each, and a frame has not more than 64 of them."""
        frame = SettingsFrame(0, settings=dict.fromkeys(range(100, 165), 1)).serialize()[9 : 9 + size]
        [event] = opened(client).receive(b"\0" + size.to_bytes(2) + b"\4\0\0\0\0\0" + frame)
        assert isinstance(event, Broken)

    @every_client
    def test_requests_beyond_a_limit_that_shrank(self, client):
        """Those under way are answered; the caller makes none until there are fewer."""
        made, wire = opened(client, requests=3), Wire()
        assert made.receive(limits(_3=1)) == [StreamLimit(1)]
        events = made.receive(b"".join(wire.answer(stream) for stream in (1, 3, 5)))
        assert [event.stream for event in events] == [1, 3, 5]
        ask(made)
        assert frames_of(made.output())[-1].stream_id == 7

    @every_client
    def test_a_request_beyond_the_limit_raises_nothing(self, client):
        """The limit is the caller's to keep; what goes beyond it, the server may refuse."""
        made = opened(client, settings=limits(_3=0))
        assert ask(made) == 1
        made.receive(limits(_3=1))
        assert [frame.stream_id for frame in frames_of(made.output()) if isinstance(frame, DataFrame)] == [1]


class TestWindows:
    @every_client
    @pytest.mark.parametrize("window", [0, 1])
    def test_bodies_wait_for_the_window_of_a_stream(self, client, window):
        """They are unsent until it grows, and go out in the order of the requests."""
        made = opened(client, settings=limits(_4=window))
        for _ in range(4):
            ask(made, b"body")
        sent = [frame for frame in frames_of(made.output()) if isinstance(frame, DataFrame)]
        assert [(frame.stream_id, frame.data) for frame in sent] == [(s, b"b") for s in (1, 3, 5, 7)][
            : 4 * window
        ]
        assert [made.is_unsent(stream) for stream in (1, 3, 5, 7)] == [True] * 4
        made.receive(limits(_4=window + 1))
        sent = frames_of(made.output())[1:]
        assert [(frame.stream_id, len(frame.data)) for frame in sent] == [(s, 1) for s in (1, 3, 5, 7)]
        made.receive(WindowUpdateFrame(5, window_increment=100).serialize())
        assert [frame.stream_id for frame in frames_of(made.output())] == [5]
        assert [made.is_unsent(stream) for stream in (1, 3, 5, 7)] == [True, True, False, True]
        made.receive(limits(_4=100))
        sent = frames_of(made.output())[1:]
        assert [(frame.stream_id, "END_STREAM" in frame.flags) for frame in sent] == [
            (stream, True) for stream in (1, 3, 7)
        ]
        assert not any(made.is_unsent(stream) for stream in (1, 3, 5, 7))

    @every_client
    def test_bodies_wait_for_the_window_of_the_connection(self, client):
        """65,535 bytes are granted at first; what waits goes on in order as it grows, however little."""
        made = opened(client)
        for _ in range(5):
            ask(made, bytes(20_000))
        sent = dict.fromkeys((1, 3, 5, 7, 9), 0)

        def take():
            for frame in frames_of(made.output()):
                if isinstance(frame, DataFrame):
                    sent[frame.stream_id] += len(frame.data)

        take()
        assert sum(sent.values()) == 65_535
        assert made.is_unsent(9)
        total = 65_535
        for more in (1, 10, 4000, 9000):
            made.receive(WindowUpdateFrame(0, window_increment=more).serialize())
            take()
            total += more
            assert sum(sent.values()) == total
        made.receive(WindowUpdateFrame(0, window_increment=1 << 20).serialize())
        take()
        assert set(sent.values()) == {20_000}
        assert not any(made.is_unsent(stream) for stream in sent)

    @every_client
    def test_small_requests_go_out_in_order_as_the_window_of_the_connection_grows(self, client):
        """The ones that were made first are complete first."""
        made = opened(client, requests=1)
        ask(made, bytes(65_533))
        later = [ask(made, b"12345678") for _ in range(4)]
        made.output()
        ended = []
        for _ in range(8):
            made.receive(WindowUpdateFrame(0, window_increment=4).serialize())
            ended += [f.stream_id for f in frames_of(made.output()) if "END_STREAM" in f.flags]
        assert ended == later

    @every_client
    def test_a_request_without_a_body_needs_no_window(self, client):
        """It goes out whole."""
        made = opened(client, settings=limits(_4=0))
        ask(made, b"")
        assert not made.is_unsent(1)

    @every_client
    def test_an_answer_before_the_request_was_sent(self, client):
        """It is an answer; the rest of the request is taken back, so that the stream ends for both."""
        made, wire = opened(client, requests=2, settings=limits(_4=0)), Wire()
        assert made.receive(wire.answer(1, status=413)) == [Answered(1, 413, (), b"")]
        assert resets_of(made.output()) == [(1, 8)]
        made.receive(limits(_4=100))
        assert [frame.stream_id for frame in frames_of(made.output())] == [0, 3]

    @every_client
    @pytest.mark.parametrize(
        "last", [RstStreamFrame(1, error_code=7), GoAwayFrame(0, last_stream_id=0), None]
    )
    def test_unsent_requests_that_end_are_not_sent_any_more(self, client, last):
        """A reset, GOAWAY or a cancellation ends them."""
        made = opened(client, requests=1, settings=limits(_4=0))
        if last is None:
            made.cancel(1)
        else:
            assert made.receive(last.serialize())[-1] == Unprocessed(1)
        made.output()
        assert not made.is_unsent(1)
        made.receive(limits(_4=100))
        assert not [frame for frame in frames_of(made.output()) if isinstance(frame, DataFrame)]

    @every_client
    def test_a_window_that_shrank_below_zero(self, client):
        """The server may take back what it granted; it is sent when there is room again."""
        made = opened(client, settings=limits(_4=10))
        ask(made, bytes(20))
        made.output()
        made.receive(limits(_4=0))
        assert made.is_unsent(1)
        made.receive(WindowUpdateFrame(1, window_increment=10).serialize())
        assert not [frame for frame in frames_of(made.output()) if isinstance(frame, DataFrame)]
        made.receive(WindowUpdateFrame(1, window_increment=10).serialize())
        assert [frame.data for frame in frames_of(made.output())] == [bytes(10)]

    @every_client
    def test_the_windows_of_answers_are_returned(self, client):
        """Error bodies, of cancelled requests too, and padding do not use them up."""
        made, wire = opened(client, window=70_000), Wire()
        room = 70_000
        for number in range(300):
            stream = ask(made)
            made.output()
            if number % 3 == 0:
                made.cancel(stream)
            made.receive(wire.answer(stream, end=False) + data(stream, bytes(900), True, pad_length=99))
            room -= 1000
            for frame in frames_of(made.output()):
                if isinstance(frame, WindowUpdateFrame) and frame.stream_id == 0:
                    room += frame.window_increment
            assert room > 10_000
            made.receive(WindowUpdateFrame(0, window_increment=2).serialize())


class TestEnds:
    @every_client
    def test_goaway(self, client):
        """Requests above the last stream were not looked at; those below are answered; none can be made."""
        made, wire = opened(client, requests=3), Wire()
        goaway = GoAwayFrame(0, last_stream_id=3, error_code=2, additional_data=b'{"reason":"Shutdown"}')
        events = made.receive(wire.answer(1) + goaway.serialize())
        assert events == [
            Answered(1, 200, (), b""),
            GoingAway(2, b'{"reason":"Shutdown"}'),
            Unprocessed(5),
        ]
        with pytest.raises(ValueError, match="no request can be made"):
            ask(made)
        assert made.last_stream == 5
        made.ping()
        assert PingFrame in [type(frame) for frame in frames_of(made.output())]
        assert made.receive(PingFrame(0, bytes(8), flags=["ACK"]).serialize()) == [PingAnswered()]
        assert made.receive(wire.answer(3, end=False) + data(3, b"x", True)) == [Answered(3, 200, (), b"x")]

    @every_client
    @pytest.mark.parametrize("code", [0, 2, 99])
    @pytest.mark.parametrize("last", [0, 1, LAST_STREAM])
    def test_nothing_comes_once_all_is_done_after_goaway(self, client, last, code):
        """Neither of what else the server sends, in the same piece or later, nor of what is asked for."""
        made, wire = opened(client, requests=1), Wire()
        rest = PingFrame(0, bytes(8)).serialize()
        told = [Unprocessed(1)] if last == 0 else [Answered(1, 200, (), b"")]
        answer = b"" if last == 0 else wire.answer(1)
        goaway = GoAwayFrame(0, last_stream_id=last, error_code=code).serialize()
        assert made.receive(goaway + answer + rest) == [GoingAway(code, b""), *told]
        assert made.receive(rest + limits(_3=4) + b"\1" * 99) == []
        made.ping()
        made.close()
        assert made.receive(rest) == []

    @every_client
    def test_two_goaways(self, client):
        """A graceful end: first that it comes, then which request was the last (RFC 9113 6.8)."""
        made, wire = opened(client, requests=3), Wire()
        assert made.receive(GoAwayFrame(0, last_stream_id=LAST_STREAM).serialize()) == [GoingAway(0, b"")]
        assert made.receive(GoAwayFrame(0, last_stream_id=1).serialize()) == [
            GoingAway(0, b""),
            Unprocessed(3),
            Unprocessed(5),
        ]
        assert made.receive(wire.answer(1)) == [Answered(1, 200, (), b"")]

    @every_client
    def test_goaway_before_requests_were_taken(self, client):
        """What was made before it came is sent, and answered or not as the server has it."""
        made, wire = opened(client), Wire()
        ask(made)
        assert made.receive(GoAwayFrame(0, last_stream_id=LAST_STREAM).serialize()) == [GoingAway(0, b"")]
        assert [type(frame) for frame in frames_of(made.output())] == [HeadersFrame, DataFrame]
        assert made.receive(wire.answer(1)) == [Answered(1, 200, (), b"")]

    @every_client
    @pytest.mark.parametrize(
        "frame", [b"\0\0\x08\x07\0\0\0\0\1" + bytes(8), b"\0\0\x07\x07\0\0\0\0\0" + bytes(7)]
    )
    def test_a_malformed_goaway(self, client, frame):
        """On a stream, or too short: nothing is believed of it."""
        [event] = opened(client, requests=1).receive(frame)
        assert isinstance(event, Broken)

    @every_client
    def test_garbage_after_goaway(self, client):
        """The requests that are still under way are not waited for."""
        made = opened(client, requests=1)
        made.receive(GoAwayFrame(0, last_stream_id=1).serialize())
        [event] = made.receive(b"\1" * 99)
        assert isinstance(event, Broken)

    @every_client
    @pytest.mark.parametrize("code", [0, 2, 7, 8, 11, 99])
    def test_resets(self, client, code):
        """REFUSED_STREAM says that the request may be made again; any other code leaves it open."""
        made = opened(client, requests=2)
        [event] = made.receive(RstStreamFrame(1, error_code=code).serialize())
        assert event == (Unprocessed(1) if code == 7 else Abandoned(1, code))
        assert made.receive(Wire().answer(3)) == [Answered(3, 200, (), b"")]

    @every_client
    def test_resets_in_the_middle_and_after_the_end(self, client):
        """Half an answer is none; what comes after a whole one changes nothing."""
        made, wire = opened(client, requests=2), Wire()
        made.receive(wire.answer(1, end=False) + data(1, b"x"))
        assert made.receive(RstStreamFrame(1, error_code=2).serialize()) == [Abandoned(1, 2)]
        assert made.receive(wire.answer(3) + RstStreamFrame(3).serialize()) == [Answered(3, 200, (), b"")]

    @every_client
    def test_pings(self, client):
        """The server's are answered; the answer to ours is reported."""
        made = opened(client)
        assert made.receive(PingFrame(0, b"12345678").serialize()) == []
        [frame] = frames_of(made.output())
        assert (frame.opaque_data, frame.flags) == (b"12345678", {"ACK"})
        made.ping()
        [frame] = frames_of(made.output())
        assert not frame.flags
        assert made.receive(PingFrame(0, frame.opaque_data, flags=["ACK"]).serialize()) == [PingAnswered()]

    @every_client
    def test_close(self, client):
        """GOAWAY is sent, once; nothing comes after it, and nothing can be asked for."""
        made, wire = opened(client, requests=1), Wire()
        made.close()
        made.close()
        made.ping()
        assert goaways_of(made.output()) == [(0, 0)]
        assert made.receive(wire.answer(1) + b"\1" * 99) == []
        with pytest.raises(ValueError, match="no request can be made"):
            ask(made)
        assert made.output() == b""


def empty_head(wire, number):
    """CONTINUATION without end."""
    return ContinuationFrame(1).serialize() if number else HeadersFrame(1, data=b"\0\1a").serialize()


def large_head(wire, number):
    """CONTINUATION with a header that never ends."""
    if number:
        return ContinuationFrame(1, data=bytes(16_000)).serialize()
    return HeadersFrame(1, data=b"\0\1a\x7f\xff\xff\xff\x07").serialize()


def unknown_settings(wire, number):
    """Other ones each time."""
    return SettingsFrame(0, settings={64 * number % 60_000 + 100 + each: 1 for each in range(64)}).serialize()


def pushed(wire, number):
    """A push, which our settings forbid."""
    block = wire.encoder.encode(FORM.pseudo)
    return PushPromiseFrame(1, 2 * number + 2, data=block, flags=["END_HEADERS"]).serialize()


def unpacked(wire, number):
    """A few bytes that unpack to an informational answer of 6,000."""
    return wire.answer(1, (b"x", b"y" * 3000), (b"x", b"y" * 3000), status=103, end=False)


FLOODS = {
    "settings": lambda wire, number: limits(_3=number % 9),
    "windows of streams": lambda wire, number: limits(_4=number % 2),
    "table sizes": lambda wire, number: limits(_1=number % 4096),
    "unknown settings": unknown_settings,
    "acknowledgements": lambda wire, number: ACKNOWLEDGED,
    "pings": lambda wire, number: PingFrame(0, b"12345678").serialize(),
    "answers to pings": lambda wire, number: PingFrame(0, bytes(8), flags=["ACK"]).serialize(),
    "windows": lambda wire, number: WindowUpdateFrame(number % 2, window_increment=1).serialize(),
    "priorities": lambda wire, number: PriorityFrame(1, depends_on=3).serialize(),
    "unknown frames": lambda wire, number: b"\0\0\2\x77\0\0\0\0\1ab",
    "services elsewhere": lambda wire, number: b"\0\0\5\x0a\0\0\0\0\0\0\3a.b",
    "pushes": pushed,
    "streams of its own": lambda wire, number: wire.answer(2 * number + 2, end=False),
    "streams that never were": lambda wire, number: data(99, b"x"),
    "resets of streams that never were": lambda wire, number: RstStreamFrame(99, error_code=8).serialize(),
    "informational answers": unpacked,
    "goaways": lambda wire, number: GoAwayFrame(0, last_stream_id=9, additional_data=bytes(500)).serialize(),
    "empty data": lambda wire, number: data(1) if number else wire.answer(1, end=False),
    "data of what was cancelled": lambda wire, number: data(3, bytes(50)),
    "heads of what was cancelled": lambda wire, number: wire.answer(3, end=False),
    "a body": lambda wire, number: data(1, bytes(1000)) if number else wire.answer(1, end=False),
    "a head in pieces": empty_head,
    "a large head": large_head,
}


class TestFloods:
    @every_client
    @pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS.keys())
    def test_it_ends_and_costs_little(self, client, flood):
        """A server that only keeps us busy is left, after as many bytes as are permitted; few are kept."""
        made, wire, number, total = opened(client, requests=5, noise=1 << 14), Wire(), 0, 0
        made.cancel(3)
        made.output()
        tracemalloc.start()
        try:
            broken = False
            while not broken:
                sent = b""
                while len(sent) < 1 << 14:
                    sent += flood(wire, number)
                    number += 1
                broken = any(isinstance(event, Broken) for event in made.receive(sent))
                total += len(sent)
                made.output()
            assert total <= 1 << 16
            assert tracemalloc.get_traced_memory()[1] < 4 << 20
        finally:
            tracemalloc.stop()
        assert made.receive(SETTINGS) == []

    @every_client
    def test_a_long_life(self, client):
        """Tens of thousands of rejections with bodies on one connection: nothing of them is left."""
        made, wire = opened(client), Wire()
        rounds = 600 if client is Ngh2Client else 80
        seen = []
        for number in range(rounds):
            streams = [ask(made, bytes(100)) for _ in range(50)]
            made.output()
            sent = b"".join(wire.answer(s, status=400, end=False) + data(s, REASON, True) for s in streams)
            assert len(made.receive(sent + WindowUpdateFrame(0, window_increment=5000).serialize())) == 50
            if number % (rounds // 4) == rounds // 4 - 1:
                seen.append(psutil.Process().memory_info().rss)
        assert seen[-1] - seen[0] < 8 << 20
        assert made._open == {}
        if client is H2Client:
            assert len(made._h2.streams) < 400
            assert len(made._h2._closed_streams) <= 8192

    @every_client
    def test_requests_by_the_thousand(self, client):
        """The cost of one does not grow with those under way."""
        made, wire = opened(client, settings=limits(_3=5000)), Wire()
        streams = [ask(made, b"") for _ in range(3000)]
        made.output()
        assert len(made.receive(b"".join(map(wire.answer, streams)))) == 3000


class Odd(HTTP2Client):
    """A client on a library that does for each piece what a test says."""

    def __init__(self, *doings):
        super().__init__(ClientLimits())
        self.doings = list(doings)

    def _feed(self, data):
        self.doings.pop(0)(self)

    def _send_request(self, form, path, unlike, body):
        return self._last + 2 if self._last else 1

    def _send_reset(self, stream):
        pass

    def is_unsent(self, stream):
        return False

    def _to_send(self):
        return b"what is left"

    _send_ping = _send_goaway = _to_send


class TestOddLibraries:
    def test_what_a_library_raises_breaks_the_connection(self):
        """Both have raised errors of other kinds than their own. The bytes are not in the words."""

        def fail(client):
            raise AssertionError("b'what the server sent'")

        made = Odd(fail)
        assert made.receive(SETTINGS) == [Broken("a frame cannot be understood")]
        assert made.receive(SETTINGS) == []
        assert made.output() == b""

    def test_what_comes_of_streams_that_are_not_known_is_nothing(self):
        """A library may be slower to forget a stream, or give the data of an answer without a head."""
        late = [
            lambda client: client._on_head(1, ((b":status", b"200"),), end=True),
            lambda client: client._on_data(1, b"x", end=True),
            lambda client: client._on_end(1),
            lambda client: client._on_reset(1, 8),
        ]
        made = Odd(*late)
        assert [made.receive(SETTINGS) for _ in late] == [[]] * 4

    @pytest.mark.parametrize("fields", [(), ((b":status", b"2x0"),), ((b"x", b"y"),)])
    def test_an_answer_without_a_status(self, fields):
        """It breaks the connection, if a library lets it pass."""
        made = Odd(lambda client: client._on_head(1, fields, end=True))
        ask(made)
        assert [type(event) for event in made.receive(SETTINGS)] == [Broken]


class TestOtherProtocols:
    @every_client
    @pytest.mark.parametrize(
        "said",
        [
            b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
            b"\x15\x03\x03\x00\x02\x02\x28",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"\0\0\0\0\0",
            b"\x08\x08\0\0\0\1",
            b"220 mail.example ESMTP\r\n",
            b"SSH-2.0-OpenSSH\r\n",
            PREFACE,
            PingFrame(0, bytes(8)).serialize(),
        ],
    )
    def test_they_are_recognised(self, client, said):
        """At once, and in whatever pieces they come: the operator has the wrong port."""
        for pieces in ([said], [said[at : at + 1] for at in range(len(said))]):
            made = client(ClientLimits())
            events = [event for piece in pieces for event in made.receive(piece)]
            assert events == [Broken("the server does not speak HTTP/2")]

    @every_client
    def test_the_first_frame_acknowledges_nothing(self, client):
        """It is the server's settings (RFC 9113 3.4)."""
        [event] = client(ClientLimits()).receive(ACKNOWLEDGED)
        assert isinstance(event, Broken)


NUMBERS = st.integers(0, 9)
FROM_SERVER = st.one_of(
    st.tuples(
        st.just("answer"), NUMBERS, st.sampled_from([200, 400, 410, 599]), st.binary(max_size=40), NUMBERS
    ),
    st.tuples(st.just("answer"), NUMBERS, st.sampled_from([200, 400, 410, 599]), st.just(b""), NUMBERS),
    st.tuples(st.just("informational"), NUMBERS),
    st.tuples(st.just("head"), NUMBERS),
    st.tuples(st.just("part"), NUMBERS, st.binary(max_size=9), st.none() | NUMBERS),
    st.tuples(st.just("trailers"), NUMBERS),
    st.tuples(st.just("reset"), NUMBERS, st.sampled_from([0, 2, 5, 7, 8, 11, 77])),
    st.tuples(st.just("goaway"), NUMBERS, st.sampled_from([0, 2, 11]), st.binary(max_size=9)),
    st.tuples(st.just("window"), NUMBERS, st.integers(1, 30)),
    st.tuples(st.just("settings"), st.dictionaries(st.sampled_from([3, 99]), st.integers(0, 3))),
    st.tuples(st.just("settings"), st.fixed_dictionaries({4: st.integers(0, 40)})),
    st.tuples(
        st.just("settings"), st.fixed_dictionaries({1: st.integers(0, 9999), 5: st.integers(16384, 99999)})
    ),
    st.tuples(st.just("ping"), st.booleans()),
    st.tuples(st.just("other"), NUMBERS),
)
FROM_CALLER = st.one_of(
    st.tuples(st.just("ask"), st.integers(0, 40)),
    st.tuples(st.just("ask"), st.integers(0, 40)),
    st.tuples(st.just("cancel"), NUMBERS),
    st.tuples(st.just("ping")),
)
DOINGS = st.lists(FROM_CALLER | FROM_SERVER | st.tuples(st.just("deliver"), st.integers(1, 60)), max_size=50)


class Script:
    """Makes the frames of a server that keeps the rules, and remembers which streams it may send on.

    :ivar live: streams it may send on, each with whether the head of the answer was sent.
    """

    def __init__(self):
        self.wire, self.live, self.last, self.bytes = Wire(), {}, LAST_STREAM, b""

    def do(self, kind, *how):
        """Have the server do something, if it may."""
        if kind in {"answer", "informational", "head", "part", "trailers", "reset"}:
            if not self.live:
                return
            stream = list(self.live)[how[0] % len(self.live)]
            how = (stream, *how[1:])
        self.bytes += getattr(self, f"make_{kind}")(*how)

    def make_answer(self, stream, status, body, pad):
        headed = self.live.pop(stream)
        if not body and not headed:
            return self.wire.answer(stream, (b"apns-id", b"%d" % stream), status=status)
        head = b"" if headed else self.wire.answer(stream, status=status, end=False)
        return head + data(stream, body, True, **({"pad_length": pad} if pad > 5 else {}))

    def make_informational(self, stream):
        return b"" if self.live[stream] else self.wire.answer(stream, status=103, end=False)

    def make_head(self, stream):
        headed, self.live[stream] = self.live[stream], True
        return b"" if headed else self.wire.answer(stream, (b"x", b"%d" % stream), status=400, end=False)

    def make_part(self, stream, body, pad):
        more = {} if pad is None else {"pad_length": pad}
        return data(stream, body, **more) if self.live[stream] else b""

    def make_trailers(self, stream):
        if not self.live[stream]:
            return b""
        del self.live[stream]
        return self.wire.head(stream, [(b"checksum", b"1")], "END_STREAM")

    def make_reset(self, stream, code):
        del self.live[stream]
        return RstStreamFrame(stream, error_code=code).serialize()

    def make_goaway(self, number, code, words):
        self.last = min(self.last, LAST_STREAM if number == 9 else 2 * number + 1)
        self.live = {stream: headed for stream, headed in self.live.items() if stream <= self.last}
        return GoAwayFrame(0, self.last, code, words).serialize()

    def make_window(self, number, more):
        stream = list(self.live)[number % len(self.live)] if self.live and number else 0
        return WindowUpdateFrame(stream, window_increment=more).serialize()

    def make_settings(self, values):
        return SettingsFrame(0, settings=values).serialize()

    def make_ping(self, answered):
        return PingFrame(0, b"12345678", flags=["ACK"] if answered else []).serialize()

    def make_other(self, number):
        priority = PriorityFrame(2 * number + 1, depends_on=2 * number + 1).serialize()
        return priority if number % 2 else b"\0\0\1\x77\xff\0\0\0\1a"


def call(client, kind, *how):
    """Have a client do what its caller wants; what comes of it."""
    if kind == "ask":
        try:
            return ask(client, bytes(how[0]))
        except ValueError as error:
            return str(error)
    elif kind == "cancel":
        return client.cancel(2 * how[0] + 1)
    return client.ping()


def bodies_of(output):
    """What a client sent of its requests, by stream: the order of streams is the library's."""
    seen = {}
    for frame in frames_of(output.removeprefix(PREFACE)):
        if isinstance(frame, HeadersFrame | DataFrame):
            body = frame.data if isinstance(frame, DataFrame) else b""
            sent = seen.get(frame.stream_id, (b"", False))
            seen[frame.stream_id] = (sent[0] + body, "END_STREAM" in frame.flags)
    return seen


class TestAlike:
    @settings(max_examples=400, deadline=None)
    @given(DOINGS)
    def test_both_clients_report_the_same(self, doings):
        """Whatever a server does that keeps the rules, in any pieces: same events, same bodies on the wire."""
        clients, script = [client(ClientLimits()) for client in CLIENTS], Script()
        script.bytes, limit = SETTINGS + ACKNOWLEDGED, 100
        for kind, *how in [*doings, ("deliver", 1 << 20)]:
            if kind == "deliver":
                sent, script.bytes = script.bytes[: how[0]], script.bytes[how[0] :]
                events = [client.receive(sent) for client in clients]
                assert not any(isinstance(event, Broken) for event in events[0])
                limit = [limit, *(event.streams for event in events[0] if isinstance(event, StreamLimit))][-1]
            elif kind == "ask" and len(clients[0]._open) >= limit:
                continue
            elif kind in {"ask", "cancel", "ping"}:
                events = [call(client, kind, *how) for client in clients]
                if kind == "ask" and isinstance(events[0], int) and events[0] <= script.last:
                    script.live[events[0]] = False
            else:
                script.do(kind, *how)
                continue
            assert events[0] == events[1]
            assert bodies_of(clients[0].output()) == bodies_of(clients[1].output())
            assert clients[0].last_stream == clients[1].last_stream
            for stream in range(1, clients[0].last_stream + 1, 2):
                assert clients[0].is_unsent(stream) == clients[1].is_unsent(stream)
        assert clients[0]._open.keys() == clients[1]._open.keys()

    @settings(max_examples=200, deadline=None)
    @given(
        DOINGS,
        st.integers(0, 400),
        st.binary(min_size=1, max_size=12),
        st.integers(1, 50),
    )
    @every_client
    def test_damaged_bytes_raise_nothing(self, client, doings, at, damage, step):
        """A broken connection is an event, reported once, whatever was wrong; every stream ends once."""
        made, script = client(ClientLimits()), Script()
        streams = [ask(made, bytes(number)) for number in range(8)]
        script.live = dict.fromkeys(streams, False)
        made.output()
        for kind, *how in doings:
            if kind not in {"ask", "cancel", "ping", "deliver"}:
                script.do(kind, *how)
        sent = SETTINGS + script.bytes
        sent = sent[:at] + damage + sent[at + len(damage) :]
        events = []
        for begin in range(0, len(sent), step):
            events += made.receive(sent[begin : begin + step])
            made.output()
            made.cancel(15)
        broken = [event for event in events if isinstance(event, Broken)]
        assert broken == events[-1:] if broken else True
        assert all(event.text.isascii() for event in broken)
        told = [event.stream for event in events if isinstance(event, Answered | Unprocessed | Abandoned)]
        assert len(told) == len(set(told))
        assert set(told) <= set(streams)
        made.ping()
        made.close()
        made.output()

    @settings(max_examples=200, deadline=None)
    @given(st.binary(max_size=300), st.booleans())
    @every_client
    def test_any_bytes_raise_nothing(self, client, said, begun):
        """Neither at first nor later."""
        made = opened(client, requests=3) if begun else client(ClientLimits())
        made.receive(said)
        made.output()


class TestChoice:
    def test_ngh2_is_taken_when_it_is_there(self):
        """It needs a fraction of the time."""
        http2._best_client.cache_clear()
        assert isinstance(http2.http2_client(ClientLimits()), Ngh2Client)

    def test_h2_is_taken_otherwise(self, monkeypatch):
        """It is always there."""
        http2._best_client.cache_clear()
        monkeypatch.delitem(sys.modules, "pushgate.net.http.http2_client_ngh2")
        monkeypatch.setitem(sys.modules, "ngh2", None)
        assert isinstance(http2.http2_client(ClientLimits()), H2Client)
        http2._best_client.cache_clear()
