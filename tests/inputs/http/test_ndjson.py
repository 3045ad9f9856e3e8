"""Bulk submissions as lines, of any length."""

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from pushgate.inputs.http.ndjson_parser import MAX_LINE, PIECE, LinePieces
from pushgate.model.errors import Overloaded
from pushgate.protocols.apns_rules import APNS_RULES
from tests.http_rig import LAST, ONE, PUSH, HTTPTestCase, chunk, request
from tests.samples import OF_TEXT, TOKEN, XML

LINES = "application/x-ndjson"


def lines(*notifications):
    """Notifications as NDJSON; bytes are lines as they are."""
    return b"".join(
        each + b"\n" if isinstance(each, bytes) else json.dumps(each).encode() + b"\n"
        for each in notifications
    )


class OnePieceTests(HTTPTestCase):
    def push_lines(self, body, **headers):
        return self.push(body, content_type=LINES, **headers)

    def test_one_piece(self):
        """It is answered as a list would be."""
        response = self.push_lines(lines(ONE, ONE))
        self.assertEqual((response.status, response.headers["content-type"]), (202, "application/json"))
        self.assertEqual(
            (response.json["count"], response.json["refused"], response.json["first"]), (2, [], 0)
        )
        self.assertEqual(list(self.gateway.submissions[0].tokens), [TOKEN, TOKEN])

    def test_layout(self):
        """Empty lines, CRLF, and no line end at the end: none of it matters."""
        one = json.dumps(ONE).encode()
        response = self.push_lines(b"\n\r\n" + one + b"\r\n  \n" + one)
        self.assertEqual((response.json["count"], response.json["refused"]), (2, []))

    def test_half_a_surrogate_pair(self):
        """It refuses its own line."""
        cut = ONE | {"payload": {"alert": "cut \ud83d"}}
        response = self.push_lines(lines(ONE, cut, ONE | {"collapse_id": "\ud83d"}, ONE))
        self.assertEqual([entry[:2] for entry in response.json["refused"]], [[1, "INVALID"], [2, "INVALID"]])

    def test_bad_lines(self):
        """Each is refused by its index with its reason, and the others go."""
        bad = [
            b"not JSON",
            b"[]",
            b'{"token": 5, "payload": {}}',
            b"x" * (MAX_LINE + 1),
            ONE | {"priority": 7},
        ]
        response = self.push_lines(lines(*bad, ONE, b'{"token": "1'))
        refused = response.json["refused"]
        self.assertEqual([index for index, _, _ in refused], [0, 1, 2, 3, 4, 6])
        self.assertEqual(refused[3][1], "TOO_LARGE")
        self.assertIn("line: not JSON", refused[0][2])
        self.assertEqual(response.json["count"], 7)

    def test_nothing(self):
        """A body without a line is no submission."""
        for body in (b"", b"\n\n"):
            self.refusal(self.push_lines(body), 400, "INVALID")

    def test_no_waiting(self):
        """Outcomes are not waited for: there may be no end of them."""
        self.refusal(self.push(lines(ONE), f"{PUSH}?wait=1s", content_type=LINES), 400, "INVALID")

    def test_refused_as_a_whole(self):
        """When nothing at all was taken the answer is that of any other refusal."""
        response = self.push(lines(ONE), "/v1/apps/x/notifications", content_type=LINES)
        self.refusal(response, 404, "UNKNOWN_APP")
        self.refusal(self.push_lines(lines(ONE), idempotency_key="k" * 254), 400, "INVALID")


class TextPayloadTests(HTTPTestCase):
    rules = OF_TEXT

    def test_texts(self):
        """Each stands for what it says; one with half of a surrogate pair refuses its own line."""
        one = {"token": "uri", "payload": XML}
        body = lines(one, one | {"payload": "cut \ud83d"}, one | {"payload": {"a": 1}}, one)
        response = self.push(body, content_type=LINES)
        [[index, code, text]] = response.json["refused"]
        self.assertEqual((index, code, text.partition(":")[0]), (1, "INVALID", "payload"))
        payloads = list(self.gateway.submissions[0].payload)
        self.assertEqual(payloads, [XML.encode(), b"", b'{"a": 1}', XML.encode()])


class PieceTests(HTTPTestCase):
    def begin(self, **headers):
        """Begin a body of unknown length."""
        self.assertEqual(
            self.send(request("POST", PUSH, transfer_encoding="chunked", content_type=LINES, **headers)), []
        )

    def piece_results(self, *data):
        """The lines of the answer so far."""
        found = self.send(*data)
        return [json.loads(line) for line in (found[0] if found else self.rest).body.splitlines()]

    def test_each_piece_is_answered(self):
        """With its id, its count, and how many lines came before it; the answer begins while the body comes."""
        self.begin()
        self.send(chunk(lines(*[ONE] * PIECE)))
        results = self.piece_results(chunk(lines(*[ONE] * PIECE)))
        self.assertEqual(self.rest.headers["content-type"], LINES)
        self.assertEqual([(each["first"], each["count"]) for each in results], [(0, PIECE), (PIECE, PIECE)])
        self.connection.dataReceived(chunk(lines(ONE)) + LAST)
        self.clock.advance(0)
        written = self.connection.transport.value()
        self.assertIn(b'"first":%d}' % (2 * PIECE), written)
        self.assertTrue(written.endswith(LAST))

    def test_nothing_is_read_while_a_piece_is_not_safe(self):
        """The transport is paused, so that memory holds one piece and what was read with it."""
        self.gateway.holding = True
        self.begin()
        self.send(chunk(lines(*[ONE] * PIECE)))
        transport = self.connection.transport
        self.assertEqual(transport.producerState, "paused")
        self.send(chunk(lines(*[ONE] * PIECE)))
        self.assertEqual(len(self.gateway.submissions), 1)
        self.gateway.release()
        self.clock.advance(0)
        self.assertEqual(len(self.gateway.submissions), 2)
        self.assertEqual(transport.producerState, "paused")
        self.gateway.release()
        self.assertEqual(transport.producerState, "producing")

    def test_waiting_for_the_disk_is_no_slowness(self):
        """Of the sender, whose time for the body does not run while it is not read from."""
        self.gateway.holding = True
        self.begin()
        self.send(chunk(lines(*[ONE] * PIECE)))
        self.pass_time(500)
        self.gateway.release()
        [response] = self.send(LAST)
        self.assertEqual(response.status, 202)

    def test_keys(self):
        """Each piece has the request's key with its number, so that the same body again sends nothing."""
        for _ in range(2):
            self.begin(idempotency_key="k")
            [response] = self.send(chunk(lines(*[ONE] * (PIECE + 1))), LAST)
            self.assertEqual([each["count"] for each in response.lines], [PIECE, 1])
        self.assertEqual([each.key for each in self.gateway.submissions], ["k/0", "k/1"])

    def test_other_terms_make_another_piece(self):
        """Because all notifications of a batch share them."""
        self.begin()
        [response] = self.send(chunk(lines(ONE, ONE | {"priority": 5}, ONE | {"priority": 5}, ONE)), LAST)
        self.assertEqual(
            [(each["first"], each["count"]) for each in response.lines], [(0, 1), (1, 2), (3, 1)]
        )

    def test_a_piece_that_is_refused(self):
        """Ends the submission: the last line says why and where, and no more is taken."""
        self.begin()
        self.send(chunk(lines(*[ONE] * PIECE)))
        self.gateway.error = Overloaded("queue of news", 1, 1)
        [first, last] = self.piece_results(chunk(lines(*[ONE] * PIECE)))
        self.assertEqual((first["first"], first["count"]), (0, PIECE))
        self.assertEqual((last["error"], last["first"], last["count"]), ("OVERLOADED", PIECE, PIECE))
        self.gateway.error = None
        self.connection.dataReceived(chunk(lines(*[ONE] * PIECE)) + LAST)
        self.clock.advance(0)
        self.assertEqual(len(self.gateway.submissions), 1)
        self.assertTrue(self.connection.transport.disconnecting)

    def test_a_bug(self):
        """Cuts an answer short that was begun: so that it cannot be taken for a whole one."""
        self.begin()
        self.send(chunk(lines(*[ONE] * PIECE * 2)))
        self.server.authenticator = None
        next(iter(self.connection.requests.values())).session = None
        self.send(chunk(lines(*[ONE] * PIECE)))
        self.assertTrue(self.connection.transport.aborted)
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)

    def test_who_goes_away(self):
        """The pieces that were complete are taken, the rest is not: no caller is left to get the answer."""
        self.begin()
        self.send(chunk(lines(*[ONE] * (PIECE + 10))))
        self.lose()
        self.assertEqual([len(each.tokens) for each in self.gateway.submissions], [PIECE])
        self.assertEqual(self.flushLoggedErrors(), [])


LINE = st.sampled_from(
    [
        json.dumps(ONE).encode(),
        json.dumps(ONE | {"priority": 5}).encode(),
        json.dumps(ONE | {"priority": 6}).encode(),
        b"",
        b"{}",
        b"nonsense",
    ]
)


class CuttingTests(SynchronousTestCase):
    @given(st.lists(LINE, max_size=30), st.lists(st.integers(0, 3000), max_size=10))
    def test_pieces_do_not_depend_on_how_the_body_comes(self, each, cuts):
        """The same body makes the same pieces, however the network cuts it; else keys would be of no use."""
        body = b"\n".join(each)
        whole, cut = LinePieces(APNS_RULES), LinePieces(APNS_RULES)
        expected = [*whole.feed(body), *whole.end()]
        edges = [0, *sorted(min(at, len(body)) for at in cuts), len(body)]
        found = [draft for start, stop in pairwise(edges) for draft in cut.feed(body[start:stop])]
        found += cut.end()
        self.assertEqual([shown(draft) for draft in found], [shown(draft) for draft in expected])
        self.assertEqual(sum(len(draft) for draft in found), sum(1 for line in each if line))


def shown(draft):
    """All there is to a draft."""
    return (
        draft.first,
        draft.terms,
        draft.tokens,
        draft.payloads,
        {at: str(fault) for at, fault in draft.faults.items()},
    )
