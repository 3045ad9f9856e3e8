"""The records of what was accepted."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from pushgate.protocols.apns_binary.frames import Frame
from pushgate.simulator.accepted import Push
from pushgate.simulator.payloads import Payloads
from pushgate.simulator.received_log import ReceivedLog

NUMBERS = st.none() | st.integers(0, 0xFFFFFFFF)
FRAMES = st.lists(
    st.builds(
        Frame, st.integers(0, 2), st.binary(min_size=1, max_size=9), st.binary(min_size=1, max_size=3),
        NUMBERS, NUMBERS, st.none() | st.integers(0, 255),
    ),
    max_size=6,
)  # fmt: skip


class ReceivedTests(SynchronousTestCase):
    @given(st.lists(st.tuples(st.integers(1, 9), FRAMES, st.floats(0, 1e9)), max_size=6), st.integers(0, 12))
    def test_entries_are_what_was_recorded(self, runs: list, limit: int) -> None:
        """Up to the limit everything is kept as it came, and everything is counted."""
        received = ReceivedLog(limit)
        for connection, frames, at in runs:
            received.record(connection, frames, at)
        expected = [(connection, frame, at) for connection, frames, at in runs for frame in frames]
        entries = received.entries()
        self.assertEqual(
            [
                (
                    e.connection,
                    Frame(e.command, e.token, e.payload, e.identifier, e.expiration, e.priority),
                    e.at,
                )
                for e in entries
            ],
            expected[:limit],
        )
        self.assertEqual([e.index for e in entries], list(range(len(entries))))
        summary = received.summary()
        self.assertEqual(summary["accepted"], len(expected))
        self.assertEqual(summary["complete"], len(expected) <= limit)
        kept = {(frame.token, frame.payload) for _, frame, _ in expected[:limit]}
        self.assertEqual((summary["distinct"], summary["duplicates"]), (len(kept), len(entries) - len(kept)))

    def test_pages(self) -> None:
        """Records are read from an index on, some at a time; beyond the end there are none."""
        received = ReceivedLog(100)
        received.record(1, [Frame(2, bytes((n,)), b"{}", n) for n in range(10)], 0)
        self.assertEqual([e.identifier for e in received.entries(3, 2)], [3, 4])
        self.assertEqual([e.identifier for e in received.entries(8, 5)], [8, 9])
        self.assertEqual(received.entries(10), [])
        self.assertEqual(received.entries(99, 1), [])


PUSHES = st.lists(
    st.builds(
        Push,
        token=st.binary(min_size=1, max_size=3),
        payload=st.binary(min_size=1, max_size=3),
        apns_id=st.uuids().map(str),
        topic=st.none() | st.sampled_from("ab"),
        push_type=st.none() | st.sampled_from(["alert", "voip"]),
        priority=st.none() | st.sampled_from([1, 5, 10]),
        expiration=st.none() | st.integers(0, 10**18 - 1),
        collapse_id=st.none() | st.text(max_size=2),
        channel=st.none() | st.sampled_from("cd"),
    ),
    max_size=9,
)


class PushTests(SynchronousTestCase):
    @given(PUSHES, st.integers(0, 9))
    def test_entries_are_what_was_recorded(self, pushes: list[Push], limit: int) -> None:
        """What came over HTTP/2 is kept as it came, between what came over the binary protocol."""
        received = ReceivedLog(limit)
        for number, push in enumerate(pushes):
            received.record_push(number, push, 1.0)
            received.record(1, [Frame(1, b"t", b"p", 7)], 2.0)
        entries = received.entries()
        self.assertEqual(len(entries), min(limit, 2 * len(pushes)))
        of_http2 = [entry for entry in entries if entry.protocol == "http2"]
        names = Push.__struct_fields__
        self.assertEqual(
            [[getattr(entry, name) for name in names] for entry in of_http2],
            [[getattr(push, name) for name in names] for push in pushes[: len(of_http2)]],
        )
        self.assertEqual([(e.connection, e.command, e.identifier) for e in of_http2],
                         [(number, None, None) for number in range(len(of_http2))])  # fmt: skip
        binary = [entry for entry in entries if entry.protocol == "binary"]
        self.assertEqual({(e.command, e.identifier, e.apns_id) for e in binary} - {(1, 7, None)}, set())
        self.assertEqual(received.summary()["accepted"], 2 * len(pushes))

    def test_broadcasts_differ_by_channel(self) -> None:
        """A broadcast has no token: it is another one when its channel is."""
        received = ReceivedLog(9)
        for channel in "aab":
            received.record_push(1, Push(token=b"", payload=b"{}", apns_id="x" * 36, channel=channel), 1.0)
        self.assertEqual(received.distinct, 2)


class PayloadTests(SynchronousTestCase):
    def test_digests_beyond_the_memory(self) -> None:
        """Payloads that do not fit are known by their digest, and still distinguished."""
        payloads = Payloads(memory=5)
        self.assertEqual(payloads.numbers([b"abc", b"defg", b"abc", b"hijk", b"defg"]), [0, 1, 0, 2, 1])
        self.assertEqual(payloads.numbers([b"xy", b"defg"]), [3, 1])
        self.assertEqual([payloads[n][0] for n in range(4)], [b"abc", None, None, b"xy"])
        self.assertEqual(payloads[1][1], sha256(b"defg").hexdigest())
        self.assertEqual(payloads[0][1], sha256(b"abc").hexdigest())
