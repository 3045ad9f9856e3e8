"""The client codec of HTTP/1.1: requests that cannot be misread, and answers whose end is beyond doubt."""

import tracemalloc
from contextlib import suppress

import h11
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pushgate.net.http import http2
from pushgate.net.http.alpn import http_client
from pushgate.net.http.client_codec import Answered, Broken, ClientLimits, GoingAway, RequestForm
from pushgate.net.http.codec import BodyData, CodecLimits, RequestEnd, RequestHead
from pushgate.net.http.http1 import HTTP1Codec
from pushgate.net.http.http1_client import HTTP1Client
from pushgate.net.http.http2_client import HTTP2Client
from pushgate.net.http.http2_client_h2 import H2Client
from tests.samples import at_every_byte, cuts

PSEUDO = ((b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"push.example"))
FORM = RequestForm(PSEUDO, ((b"authorization", b"Bearer secret"),))
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
CREATED = b"HTTP/1.1 201 Created\r\nLocation:  /m/1 \r\nContent-Length: 2\r\n\r\n{}"
ANSWERED = Answered(1, 200, ((b"content-length", b"0"),), b"")
GOING = GoingAway(0, b"")


def with_pseudo(**changes):
    """What requests have in common, with other pseudo headers; None leaves one out."""
    pseudo = {name.decode().lstrip(":"): value for name, value in PSEUDO} | changes
    return RequestForm(tuple((b":" + name.encode(), value) for name, value in pseudo.items() if value), ())


def ask(client, body=b"{}", path=b"/send", unlike=()):
    """Make a request; return its stream."""
    return client.open(FORM, path, unlike, body)


def asked(requests=1, **limits):
    """A client with a request under way, which was sent; those before it are answered."""
    client = HTTP1Client(ClientLimits(**limits))
    for _ in range(requests - 1):
        ask(client)
        client.output()
        client.receive(OK)
    ask(client)
    client.output()
    return client


def brief(events):
    """Events, of which `Broken` says only that it is that: its text may depend on how bytes come."""
    return [Broken if isinstance(event, Broken) else event for event in events]


def answered(*pieces, finish=False, **limits):
    """What comes of some bytes as the answer to a request, in pieces."""
    client = asked(**limits)
    events = [event for piece in pieces for event in client.receive(piece)]
    return brief(events + (client.finish() if finish else []))


class TestRequests:
    def test_how_a_request_is_written(self):
        """Method, path, host and length first, then the headers in order, then the body."""
        client = HTTP1Client(ClientLimits())
        assert client.output() == b""
        assert client.open(FORM, b"/send?x=1", ((b"ttl", b"60"),), b'{"a":1}') == 1
        assert client.output() == (
            b"POST /send?x=1 HTTP/1.1\r\nHost: push.example\r\nContent-Length: 7\r\n"
            b'authorization: Bearer secret\r\nttl: 60\r\n\r\n{"a":1}'
        )
        assert client.output() == b""

    @pytest.mark.parametrize("method", [b"POST", b"GET", b"DELETE", b"PUT"])
    def test_a_request_without_a_body_says_so(self, method):
        """Its length is 0, whatever the method: no server has to guess."""
        client = HTTP1Client(ClientLimits())
        client.open(with_pseudo(method=method), b"/", (), b"")
        assert client.output() == method + b" / HTTP/1.1\r\nHost: push.example\r\nContent-Length: 0\r\n\r\n"

    def test_a_large_body_is_sent_whole(self):
        """It is neither sent in chunks nor held back for a "100 Continue"."""
        client = HTTP1Client(ClientLimits())
        ask(client, bytes(100_000))
        head, _, body = client.output().partition(b"\r\n\r\n")
        assert body == bytes(100_000)
        assert b"chunked" not in head
        assert b"xpect" not in head

    def test_the_server_understands(self):
        """Our own server reads the requests of a connection, and its answers are read."""
        client, server = HTTP1Client(ClientLimits()), HTTP1Codec(CodecLimits())
        fields = ((b"host", b"push.example"), (b"content-length", b"2"), (b"authorization", b"Bearer secret"))
        for number in range(1, 4):
            stream = ask(client)
            assert stream == client.last_stream == 2 * number - 1
            head, body, end = server.receive(client.output())
            assert head == RequestHead(number, b"POST", b"/send", fields, 2)
            assert (body, end) == (BodyData(number, b"{}"), RequestEnd(number))
            server.send_head(number, 400, ((b"x", b"y"),), False)
            server.send_data(number, b"no", True)
            assert client.receive(server.output()) == [
                Answered(stream, 400, ((b"x", b"y"), (b"transfer-encoding", b"chunked")), b"no")
            ]

    def test_one_at_a_time(self):
        """A second one while one is under way is refused, and does it no harm."""
        client = HTTP1Client(ClientLimits())
        assert (client.streams, client.can_ping, client.last_stream) == (1, False, 0)
        ask(client)
        for _ in range(2):
            with pytest.raises(ValueError, match="no request can be made"):
                ask(client)
            client.output()
        assert client.last_stream == 1
        assert client.receive(OK) == [ANSWERED]
        assert ask(client) == 3

    @pytest.mark.parametrize(
        "value", [b"a\r\nx: y", b"a\nx: y", b"a\r", b"a\r\n\r\nGET / HTTP/1.1", b"\0", b" a", b"a\t"]
    )
    @pytest.mark.parametrize("part", ["name", "value", "path", "method", "authority"])
    def test_nothing_can_be_injected(self, part, value):
        """What would end a line is refused wherever it is, nothing is written, and no value is quoted."""
        client = HTTP1Client(ClientLimits())
        form = with_pseudo(**{part: value}) if part in {"method", "authority"} else FORM
        unlike = {"name": ((value, b"x"),), "value": ((b"x", value),)}.get(part, ())
        with pytest.raises(ValueError, match="request") as caught:
            client.open(form, b"/" + value if part == "path" else b"/", unlike, b"{}")
        assert caught.value.__suppress_context__
        assert str(caught.value).isprintable()
        assert repr(value)[2:-1] not in str(caught.value).replace("a", "")
        assert (client.output(), client.last_stream, client.is_unsent(0)) == (b"", 0, False)
        assert ask(client) == 1

    @pytest.mark.parametrize(
        "name",
        [
            b"host",
            b"Host",
            b"content-length",
            b"transfer-encoding",
            b"connection",
            b"expect",
            b"upgrade",
            b"te",
        ],
    )
    @pytest.mark.parametrize("where", ["fields", "unlike"])
    def test_what_is_ours_to_say(self, where, name):
        """Where a request goes and ends, and what becomes of the connection, no header of a caller says."""
        client, headers = HTTP1Client(ClientLimits()), ((name, b"2"),)
        form = RequestForm(PSEUDO, headers) if where == "fields" else FORM
        with pytest.raises(ValueError, match="made here"):
            client.open(form, b"/", headers if where == "unlike" else (), b"{}")
        assert client.output() == b""

    @pytest.mark.parametrize(
        "changes", [{"method": b"HEAD"}, {"method": b"CONNECT"}, {"method": None}, {"authority": None}]
    )
    def test_requests_that_are_none(self, changes):
        """Without method or host, or with answers that end in other ways."""
        client = HTTP1Client(ClientLimits())
        with pytest.raises(ValueError, match="the request has"):
            client.open(with_pseudo(**changes), b"/", (), b"")
        assert client.output() == b""

    @pytest.mark.parametrize("path", [b"", b"*", b"send", b"http://other.example/"])
    def test_a_path_begins_with_a_slash(self, path):
        """A path that names another host is none."""
        with pytest.raises(ValueError, match="no path"):
            ask(HTTP1Client(ClientLimits()), path=path)

    def test_what_nobody_has_taken(self):
        """A request is unsent until its bytes are taken; no other stream is."""
        client = asked(2)
        client.receive(OK)
        stream = ask(client)
        assert client.is_unsent(stream)
        assert not client.is_unsent(1)
        client.output()
        assert not client.is_unsent(stream)

    def test_a_ping_is_nothing(self):
        """HTTP/1.1 has none."""
        client = asked()
        client.ping()
        assert client.output() == b""
        assert client.receive(OK) == [ANSWERED]


class TestAnswers:
    def test_a_head_and_a_body(self):
        """Names in lower case, values without blanks around them."""
        headers = ((b"location", b"/m/1"), (b"content-length", b"2"))
        assert answered(CREATED) == [Answered(1, 201, headers, b"{}")]

    @pytest.mark.parametrize("status", [204, 304])
    def test_answers_that_have_no_body(self, status):
        """Whatever length they name, they end with their heads; the connection goes on."""
        client = asked()
        head = b"HTTP/1.1 %d X\r\nContent-Length: 7\r\n\r\n" % status
        assert client.receive(head) == [Answered(1, status, ((b"content-length", b"7"),), b"")]
        assert ask(client) == 3
        assert client.receive(b"") == []

    def test_chunks_and_trailers(self):
        """Chunks are put together; their extensions, and trailers, are dropped."""
        head = b"HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n"
        body = b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nx-sum: 1\r\n\r\n"
        expected = [Answered(1, 400, ((b"transfer-encoding", b"chunked"),), b"abcde")]
        assert answered(head, body) == expected
        assert answered(head, body, body) == [*expected, Broken]

    def test_interim_answers_are_passed_over(self):
        """100 and 103 come before an answer."""
        early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        assert answered(early) == []
        assert answered(early, OK) == answered(early + OK) == [ANSWERED]

    def test_pieces_at_every_byte(self):
        """TCP cuts where it likes."""
        chunked = (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\nt: 1\r\n\r\n"
        )
        for talk in (
            b"HTTP/1.1 100 Continue\r\n\r\n" + CREATED,
            chunked,
            chunked + b"x",
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nab",
            b"HTTP/1.0 200 OK\r\n\r\nthe end is the end",
        ):
            expected = answered(talk, finish=True)
            assert expected
            for pieces in at_every_byte(talk):
                assert answered(*pieces, finish=True) == expected

    @pytest.mark.parametrize(
        "head", [b"HTTP/1.1 200 OK\r\nConnection: close\r\n", b"HTTP/1.0 200 OK\r\nX: y\r\n"]
    )
    def test_a_server_that_closes_behind_its_answer(self, head):
        """It takes no further requests; what follows the answer is nothing."""
        client = asked()
        first, second = client.receive(head + b"Content-Length: 1\r\n\r\na")
        assert (first.status, first.body, second) == (200, b"a", GOING)
        assert client.receive(OK) == []
        assert client.finish() == []
        with pytest.raises(ValueError, match="no request can be made"):
            ask(client)

    @pytest.mark.parametrize("version", [b"1.0", b"1.1"])
    def test_an_answer_that_ends_with_the_connection(self, version):
        """It is complete when the server has closed."""
        client = asked()
        assert client.receive(b"HTTP/" + version + b" 200 OK\r\n\r\nab") == []
        assert client.receive(b"c") == []
        assert client.finish() == [Answered(1, 200, (), b"abc"), GOING]
        assert client.finish() == []

    @pytest.mark.parametrize(
        "begun",
        [
            b"",
            b"HTT",
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nx: y\r\n",
        ],
    )
    def test_an_answer_that_is_cut_off_is_none(self, begun):
        """Nothing comes of it: what the end of the connection means is the caller's to say."""
        assert answered(begun, finish=True) == []

    def test_the_end_without_a_request(self):
        """Nothing comes of it; a request that was not sent stays unsent, and none can be made any more."""
        client = asked()
        client.receive(OK)
        stream = ask(client)
        assert client.finish() == []
        assert client.is_unsent(stream)
        assert client.output() == b""
        with pytest.raises(ValueError, match="no request can be made"):
            ask(client)


class TestBrokenRules:
    @pytest.mark.parametrize(
        "talk",
        [
            b"\x15\x03\x03\x00\x02\x02\x28",
            b"\0\0\0\4\0\0\0\0\0",
            b"220 mail.example ESMTP\r\n",
            b"HTTP/2.0 200 OK\r\n\r\n",
            b"\r\n" + OK,
            b"HTTP/1.1 2000 OK\r\n\r\n",
            b"HTTP/1.1 099 Low\r\n\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nx y: z\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nx: \0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        ],
    )
    def test_what_is_no_answer(self, talk):
        """Nothing is believed of it, however it comes, and nothing more is read."""
        assert answered(talk) == [Broken]
        assert answered(*(talk[at : at + 1] for at in range(len(talk)))) == [Broken]
        assert answered(talk, OK, finish=True) == [Broken]

    def test_another_protocol_is_seen_by_its_first_bytes(self):
        """Nobody waits for the rest of a head that never was one; the text is ours."""
        [event] = asked().receive(b"SSH-2.0-x")
        assert event == Broken("the server does not speak HTTP/1.1")

    def test_after_a_broken_rule(self):
        """No request can be made, nothing is sent, and nothing more comes."""
        client = asked()
        client.receive(b"x")
        with pytest.raises(ValueError, match="no request can be made"):
            ask(client)
        assert (client.output(), client.receive(OK), client.finish()) == (b"", [], [])

    def test_an_answer_to_no_request(self):
        """Before the first request, and after an answer: whose answer would it be?"""
        assert brief(HTTP1Client(ClientLimits()).receive(OK)) == [Broken]
        client = asked()
        assert client.receive(OK) == [ANSWERED]
        assert brief(client.receive(OK)) == [Broken]

    def test_two_answers_at_once(self):
        """The first one is, the second would be taken for the answer to the next request."""
        assert answered(OK + OK) == answered(OK, OK) == answered(OK + b"\n") == [ANSWERED, Broken]

    @pytest.mark.parametrize("talk", [OK, b"H", b"HTTP/1.1 100 Continue\r\n\r\n"])
    def test_an_answer_that_comes_before_its_request_was_sent(self, talk):
        """It cannot be to this one, which was not acted on."""
        client = HTTP1Client(ClientLimits())
        stream = ask(client)
        assert brief(client.receive(talk)) == [Broken]
        assert client.is_unsent(stream)
        assert client.output() == b""

    def test_long_heads(self):
        """A head may have as many bytes as is said, and headers count 32 more, as in HTTP/2."""
        start, length = b"HTTP/1.1 200 ", b"Content-Length: 0\r\n\r\n"
        fits = start + b"x" * (1000 - len(start) - len(length) - 2) + b"\r\n" + length
        assert len(fits) == 1000
        for talk, expected in (
            (fits, [ANSWERED]),
            (fits.replace(b"x", b"xx", 1), [Broken]),
            (fits[:-4] + b"x" * 99, [Broken]),
            (b"HTTP/1.1 103 " + b"x" * 1000 + b"\r\n\r\n" + OK, [Broken]),
            (b"HTTP/1.1 200 OK\r\n" + b"x:y\r\n" * 40 + length, [Broken]),
        ):
            assert answered(talk, head=1000) == expected
            assert answered(*(talk[at : at + 1] for at in range(len(talk))), head=1000) == expected

    @pytest.mark.parametrize("body", [100, 101])
    def test_long_bodies(self, body):
        """Whatever says their end; the whole of an answer that is allowed comes."""
        plain, large = b"x" * body, body > 100
        chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (body, plain)
        for talk in (
            b"Content-Length: %d\r\n\r\n%b" % (body, plain),
            b"Transfer-Encoding: chunked\r\n\r\n" + chunk,
            b"\r\n" + plain,
        ):
            events = answered(b"HTTP/1.1 200 OK\r\n" + talk, finish=True, body=100)
            assert events == [Broken] if large else events[0].body == plain

    @pytest.mark.parametrize(
        "endless",
        [
            b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 30_000,
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"x: y\r\n" * 5000,
        ],
    )
    def test_what_never_ends(self, endless):
        """Interim answers, extensions of chunks and trailers are bounded all together, to the byte."""
        for pieces in ([endless], [endless[at : at + 7] for at in range(0, len(endless), 7)]):
            assert answered(*pieces, noise=20_000) == [Broken]
        assert answered(endless[:20_000], noise=20_000) == []
        assert answered(endless[:20_000], endless[20_000:20_001], noise=20_000) == [Broken]

    def test_each_request_has_all_the_room(self):
        """What was said to earlier requests does not count."""
        client = asked(noise=100)
        for _ in range(50):
            assert client.receive(OK)
            ask(client)
            client.output()

    def test_what_a_server_can_make_us_keep(self):
        """A trailer of 1 MB that comes in small pieces costs little more than that."""
        client = asked()
        client.receive(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
        tracemalloc.start()
        try:
            for _ in range(1 << 14):
                assert client.receive(b"x" * 63) == []
            assert tracemalloc.get_traced_memory()[1] < 4 << 20
        finally:
            tracemalloc.stop()


class TestGivingUp:
    def test_an_answer_that_is_not_wanted(self):
        """Nothing comes of it, and no other request is made: it would get this answer."""
        client = asked()
        client.cancel(1)
        assert client.receive(OK) == []
        assert client.finish() == []
        with pytest.raises(ValueError, match="no request can be made"):
            ask(client)

    def test_a_request_that_nobody_has_taken(self):
        """It is not sent any more, and stays unsent."""
        client = HTTP1Client(ClientLimits())
        stream = ask(client)
        client.cancel(stream)
        assert client.output() == b""
        assert client.is_unsent(stream)

    def test_what_has_ended(self):
        """To cancel it, or what never was, is harmless."""
        client = asked()
        client.cancel(3)
        assert client.receive(OK) == [ANSWERED]
        client.cancel(1)
        assert ask(client) == 3
        client.cancel(1)
        client.output()
        assert client.receive(OK) == [Answered(3, 200, ANSWERED.headers, b"")]

    def test_a_goodbye(self):
        """HTTP/1.1 has no word for it; nothing follows."""
        client = asked()
        client.close()
        assert (client.output(), client.receive(OK), client.finish()) == (b"", [], [])
        with pytest.raises(ValueError, match="no request can be made"):
            ask(client)


HEADS = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 204 No\r\n", b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 100 C\r\n\r\n",
        b"HTTP/1.1 304\r\n", b"HTTP/1.1 101 S\r\n", b"HTTP/1.1 999 \xff\r\n", b"\r\n", b"\n", b"\r", b" ",
        b"Content-Length: 3\r\n", b"Content-Length: 3, 3\r\n", b"Content-Length: 0\r\n", b"content-length:\r\n",
        b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n", b"Connection: close\r\n",
        b"Connection: keep-alive\r\n", b" folded\r\n", b"x:y\r\n", b"x" * 300, b"x: y\n", b"\n\n", b"\r\n\r\n",
        b"3\r\nabc\r\n", b"3;e\r\nabc\r\n", b"0\r\n\r\n", b"0\r\n", b"abc", b"fffffffffffffffffffff\r\n", b"\0",
        OK, CREATED,
    ]
)  # fmt: skip
TALK = st.lists(HEADS | st.binary(max_size=8), max_size=12).map(b"".join)
LIMITS = {"head": 250, "body": 5, "noise": 600}


class TestWhateverComes:
    @given(st.data())
    @settings(max_examples=300, deadline=None)
    def test_the_same_in_any_pieces(self, data):
        """Nothing is raised, and how TCP cuts what comes changes nothing of what it means."""
        talk = data.draw(TALK)
        whole = answered(talk, finish=True, **LIMITS)
        assert answered(*data.draw(cuts(talk)), finish=True, **LIMITS) == whole
        assert answered(*(talk[at : at + 1] for at in range(len(talk))), finish=True, **LIMITS) == whole
        assert [type(event) for event in whole if event is not Broken] in (
            [], [Answered], [Answered, GoingAway],
        )  # fmt: skip

    @given(st.binary(max_size=600))
    @example(b"H")
    def test_any_bytes(self, talk):
        """Of bytes that are no answer nothing comes, or that a rule was broken."""
        assert answered(talk, finish=True) in ([], [Broken])

    @given(st.lists(TALK, max_size=4), st.data())
    @settings(max_examples=300, deadline=None)
    def test_any_use(self, talk, data):
        """In any order of calls, nothing but `open` raises, and that only `ValueError`."""
        client = HTTP1Client(ClientLimits(**LIMITS))
        for each in talk:
            for call in data.draw(
                st.lists(st.sampled_from(["open", "output", "cancel", "receive"]), max_size=5)
            ):
                if call == "open":
                    with suppress(ValueError):
                        ask(client)
                elif call == "cancel":
                    client.cancel(data.draw(st.sampled_from([0, 1, client.last_stream])))
                else:
                    client.output() if call == "output" else client.receive(each)
        client.finish()
        client.close()
        assert client.receive(OK) == []

    @given(st.binary(max_size=30), st.binary(max_size=30))
    def test_any_header(self, name, value):
        """A server that takes the request reads the header that was given, and no more."""
        client = HTTP1Client(ClientLimits())
        try:
            ask(client, unlike=((name, value),))
        except ValueError:
            assert client.output() == b""
            return
        server = h11.Connection(h11.SERVER)
        server.receive_data(client.output())
        assert list(server.next_event().headers)[3:] == [(name.lower(), value)]
        assert server.next_event() == h11.Data(data=b"{}", chunk_start=False, chunk_end=False)
        assert isinstance(server.next_event(), h11.EndOfMessage)
        assert server.trailing_data == (b"", False)


class TestChoice:
    def test_what_was_agreed_on(self):
        """HTTP/2 when it was, HTTP/1.1 when it or nothing was."""
        assert isinstance(http_client(ClientLimits(), b"h2"), HTTP2Client)
        assert isinstance(http_client(ClientLimits(), b"http/1.1"), HTTP1Client)
        assert isinstance(http_client(ClientLimits(), None), HTTP1Client)

    @pytest.mark.parametrize("client", [H2Client, http2.http2_client])
    def test_what_http2_can(self, client):
        """How many requests at a time it says later; it can be pinged; its answers end before it does."""
        made = client(ClientLimits())
        assert (made.streams, made.can_ping, made.finish()) == (None, True, [])
