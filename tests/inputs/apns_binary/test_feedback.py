"""The feedback service: which dead tokens each client gets, and what counts as delivered."""

from pathlib import Path
from struct import pack
from typing import ClassVar

from twisted.internet.error import ConnectionLost

from pushgate.inputs.apns_binary.feedback_connection import PAGE, READING_TIME, SETTLING
from pushgate.inputs.apns_binary.feedback_delivered import FeedbackDelivered
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.net.parted_call import PARTS
from pushgate.protocols.apns_binary.feedback import FeedbackTuple
from tests.apns_rig import NOW, ListenerTestCase
from tests.samples import token


def entry(number, since=NOW - 1000):
    """A tuple as it goes on the wire."""
    return pack(">IH", since, 32) + token(number)


class FeedbackTests(ListenerTestCase):
    def bury(self, *numbers, since=NOW - 1000, reason=DeadReason.FEEDBACK, app="news"):
        """Tokens die."""
        self.gateway.bury(app, [DeadTokenEntry(token(number), since, reason) for number in numbers])

    def read(self):
        """A client that takes the whole list; it is still there."""
        reader = self.connect(self.feedback)
        self.clock.pump([0] * 5)
        return reader

    def take(self):
        """The list that a client gets which takes all of it and closes."""
        reader = self.read()
        said = self.said(reader)
        self.lose(reader)
        return said

    def test_each_is_told_once(self):
        """To the first client that takes the list; then it is empty until another token dies."""
        self.bury(2, 1)
        reader = self.read()
        self.assertEqual(self.said(reader), entry(1) + entry(2))
        self.assertTrue(reader.transport.half_closed)
        self.lose(reader)
        self.assertEqual(self.take(), b"")
        self.bury(3)
        self.assertEqual(self.take(), entry(3))

    def test_an_empty_list(self):
        """Is the end of the stream at once."""
        self.assertTrue(self.read().transport.half_closed)

    def test_what_was_not_taken_is_told_again(self):
        """A connection that breaks, one whose client never closes, one that is cut short by a stop."""
        self.bury(1)
        reader = self.read()
        self.lose(reader, ConnectionLost)
        reader = self.read()
        self.assertEqual(self.said(reader), entry(1))
        self.clock.pump([READING_TIME / PARTS] * PARTS)
        self.assertTrue(reader.transport.aborted)
        self.lose(reader, ConnectionLost)
        self.assertTrue(any("not taken" in line for line in self.logged()))
        self.assertEqual(self.take(), entry(1))
        self.assertEqual(self.take(), b"")

    def test_two_at_a_time_do_not_get_the_same(self):
        """What one is being sent is not sent to the other, unless the first does not take it."""
        self.bury(1)
        first = self.read()
        self.bury(2)
        second = self.read()
        self.assertEqual(self.said(second), entry(2))
        self.lose(second)
        self.lose(first, ConnectionLost)
        self.assertEqual(self.take(), entry(1))

    def test_a_token_that_dies_again_is_told_again(self):
        """With its new time."""
        self.bury(1)
        self.take()
        self.bury(1, since=NOW - 10)
        self.assertEqual(self.take(), entry(1, NOW - 10))

    def test_refused_tokens_are_told_after_a_while(self):
        """A wrong environment would show itself meanwhile, and they would be taken back."""
        self.bury(1, since=NOW, reason=DeadReason.INVALID_TOKEN)
        self.assertEqual(self.take(), b"")
        self.clock.advance(SETTLING)
        self.assertEqual(self.take(), entry(1, NOW))

    def test_imported_tokens_are_not_told(self):
        """Somebody here said that they are dead, not the push service."""
        self.bury(1, reason=DeadReason.IMPORTED)
        self.assertEqual(self.take(), b"")

    def test_each_app_has_its_own_list(self):
        """A client gets the tokens of its app only."""
        self.bury(1, app="mail")
        self.assertEqual(self.take(), b"")

    def test_a_long_list_goes_at_the_clients_pace(self):
        """Page by page, and not while the client does not read."""
        self.bury(*range(2 * PAGE + 1))
        reader = self.connect(self.feedback)
        size = len(entry(1))
        self.assertEqual(len(self.said(reader)), PAGE * size)
        reader.transport.producer.pauseProducing()
        reader.transport.producer.pauseProducing()
        self.clock.pump([0] * 5)
        self.assertEqual(self.said(reader), b"")
        reader.transport.producer.resumeProducing()
        self.clock.pump([0] * 5)
        self.assertEqual(len(self.said(reader)), (PAGE + 1) * size)
        self.assertTrue(reader.transport.half_closed)

    def test_one_that_reads_nothing_more(self):
        """Is cut off in the end, and the next one gets the list."""
        self.bury(*range(2 * PAGE))
        reader = self.connect(self.feedback)
        reader.transport.producer.pauseProducing()
        self.clock.pump([0, READING_TIME])
        self.assertTrue(reader.transport.aborted)
        self.lose(reader)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(len(self.take()), 2 * PAGE * len(entry(1)))

    def test_one_that_goes_while_it_is_told(self):
        """Leaves nothing behind; what it was sent is delivered again."""
        self.bury(*range(2 * PAGE))
        reader = self.connect(self.feedback)
        reader.transport.producer.pauseProducing()
        self.lose(reader)
        self.clock.pump([0, 0])
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.feedback.connections, set())
        self.assertEqual(len(self.take()), 2 * PAGE * len(entry(1)))

    def test_an_app_that_goes_meanwhile(self):
        """Ends the connection, and nothing else."""
        self.bury(*range(2 * PAGE))
        reader = self.connect(self.feedback)
        self.gateway.dead.clear()
        self.clock.pump([0, 0])
        self.assertTrue(reader.transport.aborted)

    def test_a_bug_ends_the_connection(self):
        """It is logged once."""
        self.gateway.dead_tokens = None
        self.assertTrue(self.read().transport.aborted)
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)

    def test_a_stop_cuts_a_list_short_but_not_its_end(self):
        """A client that got everything has time to close."""
        self.bury(*range(2 * PAGE))
        early = self.connect(self.feedback)
        late = self.read()
        for reader in (early, late):
            reader.close("stop")
        self.assertFalse(late.transport.aborted)

    def test_what_a_client_says_is_not_heard(self):
        """It has nothing to say."""
        reader = self.read()
        reader.dataReceived(b"hello")
        self.assertFalse(reader.transport.aborted)


class KeptTests(ListenerTestCase):
    options: ClassVar = {"app": "news"}

    def setUp(self):
        self.state_dir = Path(self.mktemp())
        super().setUp()
        self.gateway.bury(
            "news", [DeadTokenEntry(token(number), NOW - 1000, DeadReason.FEEDBACK) for number in (1, 2)]
        )

    def take(self):
        """The list that a client gets which takes all of it and closes."""
        reader = self.connect(self.feedback)
        self.clock.pump([0] * 5)
        said = self.said(reader)
        self.lose(reader)
        return said

    def test_what_was_told_is_known_after_a_restart(self):
        """The gateway has all dead tokens, the file those that were delivered."""
        self.assertEqual(len(self.take()), 2 * len(entry(1)))
        self.make()
        self.assertEqual(self.take(), b"")
        [file] = (self.state_dir / "feedback").iterdir()
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)

    def test_a_file_cut_short(self):
        """By a crash: what is whole in it counts, and the file is put in order."""
        self.take()
        [file] = (self.state_dir / "feedback").iterdir()
        file.write_bytes(file.read_bytes()[:-5])
        self.make()
        self.assertEqual(self.take(), entry(2))
        self.make()
        self.assertEqual(self.take(), b"")
        self.assertEqual(file.read_bytes(), entry(1) + entry(2))

    def test_a_file_that_cannot_be_used(self):
        """Is logged, at reading and at writing; the list is delivered, and delivered again after a restart."""
        self.state_dir.mkdir()
        (self.state_dir / "feedback").write_bytes(b"")
        self.assertEqual(len(self.take()), 2 * len(entry(1)))
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 2)
        self.assertEqual(self.take(), b"")

    def test_only_so_many_are_remembered(self):
        """Those delivered first are forgotten, in the file too; they would be delivered again."""
        delivered = FeedbackDelivered(self.state_dir / "few", limit=2)
        entries = [FeedbackTuple(NOW, token(number)) for number in range(3)]
        delivered.add(entries)
        again = FeedbackDelivered(self.state_dir / "few", limit=2)
        for each in (delivered, again):
            self.assertEqual([each.has(one) for one in entries], [False, True, True])
        self.assertEqual(len((self.state_dir / "few").read_bytes()), 2 * len(entry(1)))
