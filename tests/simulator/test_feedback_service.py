"""The feedback service over real TLS."""

from twisted.internet.error import ConnectionDone
from twisted.trial.unittest import TestCase

from pushgate.model.errors import Overloaded
from pushgate.protocols.apns_binary.feedback import FeedbackTuple, encode
from tests.simulator.provider import connect, make_simulator

TUPLES = [FeedbackTuple(1_700_000_000 + n, bytes((n,)) * (4 + n)) for n in range(5)]
STREAM = b"".join(map(encode, TUPLES))


class FeedbackServiceTests(TestCase):
    timeout = 60

    async def start(self, *script: dict) -> None:
        self.simulator = make_simulator(self.mktemp(), script=list(script))
        await self.simulator.start()
        self.addCleanup(self.simulator.stop)

    async def read(self) -> bytes:
        reader = await connect(self.simulator, feedback=True)
        self.assertIsInstance(await reader.lost, ConnectionDone)
        return reader.heard

    async def test_read_once(self) -> None:
        """A connection gets the whole list and its end; the next gets nothing (behaviour 18)."""
        await self.start()
        self.simulator.add_feedback(TUPLES[:2])
        self.simulator.add_feedback(TUPLES[2:])
        self.assertEqual(self.simulator.summary()["feedback"]["waiting"], 5)
        self.assertEqual(await self.read(), STREAM)
        self.assertEqual(await self.read(), b"")
        self.assertEqual(self.simulator.summary()["feedback"]["sent"], 5)

    async def test_long_list(self) -> None:
        """A list of many records arrives whole."""
        await self.start()
        self.simulator.add_feedback(TUPLES * 10_000)
        self.assertEqual(await self.read(), STREAM * 10_000)

    async def test_cut(self) -> None:
        """The stream can end inside a tuple; the list is forgotten all the same (behaviour 17)."""
        await self.start({"act": "cut-feedback", "connection": 1, "tuples": 2, "keep": 7})
        self.simulator.add_feedback(TUPLES)
        self.assertEqual(await self.read(), STREAM[: 10 + 11 + 7])
        self.assertEqual(await self.read(), b"")

    async def test_not_for_everybody(self) -> None:
        """The list is kept for a client with a good certificate."""
        await self.start()
        self.simulator.add_feedback(TUPLES)
        reader = await connect(
            self.simulator, self.simulator.certificates.issue_expired_client(), feedback=True
        )
        await reader.lost
        self.assertEqual(self.simulator.summary()["feedback"]["waiting"], 5)
        self.assertEqual(await self.read(), STREAM)
        self.assertEqual(self.simulator.summary()["feedback"]["connections"]["handshakes_failed"], 1)

    async def test_bounded(self) -> None:
        """The list does not grow without end: what is too much is refused as a whole."""
        await self.start()
        self.simulator.add_feedback(TUPLES * 199_999)
        with self.assertRaises(Overloaded):
            self.simulator.add_feedback(TUPLES * 2)
        self.assertEqual(self.simulator.summary()["feedback"]["waiting"], 999_995)
