"""Requests that are answered with what became of them, and those that are repeated."""

import os
import shutil
import stat
from pathlib import Path
from typing import ClassVar

from msgspec.structs import replace
from twisted.internet.defer import succeed

from pushgate.inputs.apns_http2.apns_id_files import ENTRY
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.model.errors import ShuttingDown
from pushgate.model.outcome import State
from pushgate.testing import outcome
from tests.apns_http2_input_rig import APNS_ID, PushInputTestCase
from tests.samples import PAYLOAD, TOKEN, token

SINCE = 1_699_999_000
OTHER = b'{"aps":{"alert":"Other"}}'


def part(whole, start, stop):
    """The outcome of some members of a batch."""
    return replace(whole, span=BatchSlice(whole.span.batch, start, stop))


class OutcomeTests(PushInputTestCase):
    options: ClassVar[dict[str, object]] = {"app": "news", "answer": "outcome"}

    def settled(self, state, peer=None, **options):
        """What a request is answered when this becomes of it."""
        stream = self.peer.request()
        self.turn()
        self.assertIsNone(self.peer.answers[stream].told)
        self.gateway.settle(outcome(state, order=len(self.gateway.submissions), **options))
        self.turn()
        return self.peer.answers[stream]

    def test_each_outcome(self):
        """The request waits until its outcome is known, and is answered with it."""
        for state, options, told in (
            (State.ACCEPTED, {"status": 200}, (200, "")),
            (State.PRESUMED, {}, (200, "")),
            (State.REJECTED, {"status": 8, "reason": "InvalidToken"}, (400, "BadDeviceToken")),
            (State.REJECTED, {"status": 403, "reason": "Forbidden"}, (403, "Forbidden")),
            (State.FAILED, {"reason": "ClosesConnection"}, (500, "InternalServerError")),
            (State.EXPIRED, {"reason": "PushServiceUnreachable"}, (503, "ServiceUnavailable")),
            (State.CANCELLED, {"reason": "AppRemoved"}, (503, "ServiceUnavailable")),
        ):
            self.assertEqual(self.settled(state, **options).told, told)
        self.assertEqual(self.server._waiting, 0)
        self.assertEqual(self.server.pushes._following, set())

    def test_a_dead_token_has_its_time(self):
        """In milliseconds, if it is known."""
        self.assertEqual(self.settled(State.SUPPRESSED).body, b'{"reason":"Unregistered"}')
        self.gateway.dead["news"][TOKEN] = DeadTokenEntry(TOKEN, SINCE, DeadReason.EXPIRED_TOKEN)
        answer = self.settled(State.SUPPRESSED, reason="DeadToken")
        self.assertEqual(answer.body, b'{"reason":"ExpiredToken","timestamp":%d}' % (SINCE * 1000))
        answer = self.settled(State.REJECTED, status=410, reason="Unregistered")
        self.assertEqual(answer.body, b'{"reason":"Unregistered","timestamp":%d}' % (SINCE * 1000))
        self.assertEqual(answer.status, 410)
        stream = self.peer.request()
        self.turn()
        self.gateway.apps = ()
        self.gateway.settle(outcome(State.SUPPRESSED, order=4))
        self.turn()
        self.assertEqual(self.peer.answers[stream].body, b'{"reason":"Unregistered"}')

    def test_members_have_their_own(self):
        """Outcomes of a batch come in ranges, in any order, and each request gets its own."""
        tokens = [token(number) for number in range(3)]
        streams = [self.peer.request(f"/3/device/{each.hex()}") for each in tokens]
        self.turn()
        good = outcome(State.ACCEPTED, tokens=tokens)
        bad = outcome(State.REJECTED, tokens=tokens, status=8)
        self.gateway.settle(part(good, 1, 3))
        self.turn()
        told = [self.peer.answers[stream].told for stream in streams]
        self.assertEqual(told, [None, (200, ""), (200, "")])
        self.gateway.settle(part(bad, 0, 1))
        self.turn()
        self.assertEqual(self.peer.answers[streams[0]].told, (400, "BadDeviceToken"))

    def test_the_outcome_comes_before_the_receipt(self):
        """It is the answer all the same."""
        self.gateway.holding = True
        stream = self.peer.request(apns_id=APNS_ID)
        self.turn()
        self.gateway.settle(outcome(State.ACCEPTED))
        self.gateway.release()
        self.turn()
        self.assertEqual(self.peer.answers[stream].told, (200, ""))
        self.pass_time(100)
        self.assertEqual(self.gateway.withdrawn, [])

    def test_a_refused_member(self):
        """It is answered at once, and those beside it wait."""
        streams = [self.peer.request(body=body) for body in (b"no json", PAYLOAD)]
        self.turn()
        told = [self.peer.answers[stream].told for stream in streams]
        self.assertEqual(told, [(400, "PayloadEmpty"), None])

    def test_no_outcome_in_time(self):
        """What was not written is withdrawn; what was has as long once more. Then nothing is known."""
        first, second = self.peer.request(), self.peer.request(apns_priority="5")
        self.turn()
        self.pass_time(29)
        self.assertEqual(self.gateway.withdrawn, [])
        self.pass_time(2)
        self.assertEqual(len(self.gateway.withdrawn), 2)
        self.gateway.settle(outcome(State.CANCELLED))
        self.turn()
        self.assertEqual(self.peer.answers[first].told, (503, "ServiceUnavailable"))
        self.pass_time(28)
        self.assertIsNone(self.peer.answers[second].told)
        self.pass_time(3)
        self.assertEqual(self.peer.answers[second].told, (503, "ServiceUnavailable"))
        self.gateway.settle(outcome(State.ACCEPTED, order=2))
        self.assertEqual(self.server.pushes._following, set())

    def test_a_client_that_does_not_wait(self):
        """Its notification goes on; nothing is kept of the request."""
        stream = self.peer.request()
        self.turn()
        self.peer.h2.reset_stream(stream, 8)
        self.peer.send()
        self.assertEqual(self.server._waiting, 0)
        self.gateway.settle(outcome(State.ACCEPTED))
        self.assertEqual(self.server.pushes._following, set())

    def test_the_gateway_stops(self):
        """A request that waits for an outcome that will not come any more is answered."""
        stream = self.peer.request()
        self.turn()
        self.server.pushes.stop()
        self.peer.read()
        self.assertEqual(self.peer.answers[stream].told, (503, "Shutdown"))

    def test_stopping_with_something_collected(self):
        """Requests that were not submitted yet are told, too."""
        stream = self.peer.request()
        self.server.pushes.stop()
        self.peer.read()
        self.assertEqual(self.peer.answers[stream].told, (503, "Shutdown"))


class RepeatedTests(PushInputTestCase):
    """With `answer = "accepted"`."""

    def state_dir(self):
        return self.directory

    def test_the_same_again(self):
        """It is answered as before and not sent twice: in any case of its letters, over any connection."""
        first = self.ask(apns_id=APNS_ID)
        again = self.ask(apns_id=APNS_ID.upper())
        other = self.connect()
        third = self.ask(peer=other, apns_id=APNS_ID)
        for answer in (first, again, third):
            self.assertEqual(answer.told, (200, ""))
            self.assertEqual(answer.headers["apns-unique-id"], first.headers["apns-unique-id"])
        self.assertEqual(again.headers["apns-id"], APNS_ID.upper())
        self.assertEqual(len(self.accepted()), 1)

    def test_at_the_same_time(self):
        """Both get the one answer, whether the first one is still wanted or not."""
        self.gateway.holding = True
        first = self.peer.request(apns_id=APNS_ID)
        self.turn()
        second = self.peer.request(apns_id=APNS_ID)
        self.peer.h2.reset_stream(first, 8)
        self.peer.send()
        third = self.peer.request(apns_id=APNS_ID)
        self.gateway.release()
        self.turn()
        self.assertEqual([self.peer.answers[each].told for each in (second, third)], [(200, "")] * 2)
        self.assertEqual(len(self.accepted()), 1)
        self.assertEqual((self.server._waiting, self.server.ids.pending), (0, {}))

    def test_with_other_content(self):
        """Another token, payload or header under the same id: the id is bad."""
        self.ask(apns_id=APNS_ID)
        for options in (
            {"path": f"/3/device/{token(1).hex()}"},
            {"body": OTHER},
            {"apns_priority": "5"},
        ):
            self.assertEqual(self.told(apns_id=APNS_ID, **options), (400, "BadMessageId"))
        self.assertEqual(len(self.accepted()), 1)

    def test_another_app(self):
        """Ids of different apps have nothing to do with one another."""
        self.make(app=None, topics={"a": "news", "b": "mail"})
        self.assertEqual(self.told(apns_id=APNS_ID, apns_topic="a"), (200, ""))
        self.assertEqual(self.told(apns_id=APNS_ID, apns_topic="b"), (200, ""))
        self.assertEqual(len(self.accepted()), 2)

    def test_what_was_refused(self):
        """It may be tried again, with other content too."""
        self.assertEqual(self.told(body=b"no json", apns_id=APNS_ID), (400, "PayloadEmpty"))
        self.assertEqual(self.told(apns_id=APNS_ID), (200, ""))
        self.gateway.error = ShuttingDown()
        self.assertEqual(self.server.ids.pending, {})

    def test_for_a_day(self):
        """Then the id is a new one."""
        self.ask(apns_id=APNS_ID)
        self.clock.advance(86_300)
        peer = self.connect()
        self.assertEqual(self.told(apns_id=APNS_ID, peer=peer), (200, ""))
        self.assertEqual(len(self.accepted()), 1)
        self.clock.advance(200)
        peer = self.connect()
        self.assertEqual(self.told(apns_id=APNS_ID, peer=peer, body=OTHER), (200, ""))
        self.assertEqual(len(self.accepted()), 2)

    def test_after_a_restart(self):
        """The ids are in files that only the gateway can read."""
        self.ask(apns_id=APNS_ID)
        self.make()
        self.assertEqual(self.told(apns_id=APNS_ID), (200, ""))
        self.assertEqual(self.told(apns_id=APNS_ID, body=OTHER), (400, "BadMessageId"))
        self.assertEqual(len(self.accepted()), 1)
        file = self.directory / "apns-ids" / "apple" / "young"
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)

    def test_after_a_crash(self):
        """An entry that was not written whole is cut off; those before and after it count."""
        self.ask(apns_id=APNS_ID)
        self.server.ids.close()
        file = self.directory / "apns-ids" / "apple" / "young"
        with file.open("ab") as young:
            young.write(bytes(ENTRY - 1))
        self.make()
        other = APNS_ID.replace("e", "a")
        self.ask(apns_id=other)
        self.make()
        self.assertEqual(self.told(apns_id=APNS_ID), (200, ""))
        self.assertEqual(self.told(apns_id=other), (200, ""))
        self.assertEqual(len(self.accepted()), 2)

    def test_so_many_are_remembered(self):
        """The oldest ones are forgotten, in memory and in the files."""
        self.make(remember=4)
        ids = [f"{number:08x}{APNS_ID[8:]}" for number in range(7)]
        for each in ids:
            self.ask(apns_id=each)
        self.make(remember=4)
        for each in ids[4:]:
            self.ask(apns_id=each)
        self.assertEqual(len(self.accepted()), 7)
        self.ask(apns_id=ids[0])
        self.assertEqual(len(self.accepted()), 8)

    def test_none_is_remembered(self):
        """With `remember` 0 each request is a new one, but for those that wait at the same time."""
        self.make(remember=0)
        self.ask(apns_id=APNS_ID)
        self.assertEqual(self.told(apns_id=APNS_ID, body=OTHER), (200, ""))

    def test_a_directory_that_cannot_be_written(self):
        """The log says so, and the ids are in memory only."""
        shutil.rmtree(self.directory / "apns-ids")
        (self.directory / "apns-ids").write_text("a file")
        self.make()
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 3)
        self.ask(apns_id=APNS_ID)
        self.ask(apns_id=APNS_ID)
        self.assertEqual(len(self.accepted()), 1)

    def test_a_disk_that_fills_up(self):
        """The log says so, and the ids are in memory only from then on."""
        with Path("/dev/full").open("wb") as full:
            os.dup2(full.fileno(), self.server.ids._files._descriptor)
        self.ask(apns_id=APNS_ID)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.assertEqual(self.told(apns_id=APNS_ID), (200, ""))
        self.assertEqual(len(self.accepted()), 1)
        self.assertEqual(self.told(apns_id=APNS_ID.replace("e", "a")), (200, ""))
        self.assertEqual(self.flushLoggedErrors(OSError), [])

    def test_a_file_that_cannot_be_moved(self):
        """The log says so; what is in memory counts."""
        self.make(remember=2)
        (self.directory / "apns-ids" / "apple" / "old" / "below").mkdir(parents=True)
        ids = [f"{number:08x}{APNS_ID[8:]}" for number in range(2)]
        for each in [*ids, *ids]:
            self.ask(apns_id=each)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.assertEqual(len(self.accepted()), 2)


class RepeatedOutcomeTests(PushInputTestCase):
    """With `answer = "outcome"`."""

    options: ClassVar[dict[str, object]] = {"app": "news", "answer": "outcome"}

    def test_while_the_first_one_waits(self):
        """Both get the outcome."""
        streams = []
        for _ in range(2):
            streams.append(self.peer.request(apns_id=APNS_ID))
            self.turn()
        self.gateway.settle(outcome(State.REJECTED, status=8))
        self.turn()
        self.assertEqual({self.peer.answers[each].told for each in streams}, {(400, "BadDeviceToken")})
        self.assertEqual(len(self.accepted()), 1)

    def submitted(self):
        """A request that was answered; the id of its notification."""
        self.peer.request(apns_id=APNS_ID)
        self.turn()
        self.gateway.settle(outcome(State.ACCEPTED))
        self.turn()
        return outcome().span.batch.id

    def test_when_it_is_known(self):
        """The gateway is asked for the outcome; if that is not known any more, it was accepted at least."""
        number = self.submitted()
        self.assertEqual(self.told(apns_id=APNS_ID), (200, ""))
        self.gateway.records[number] = outcome(State.REJECTED, status=8)
        self.assertEqual(self.told(apns_id=APNS_ID), (400, "BadDeviceToken"))
        self.gateway.records[number] = outcome(State.SUPPRESSED)
        self.gateway.dead["news"][TOKEN] = DeadTokenEntry(TOKEN, SINCE, DeadReason.FEEDBACK)
        self.assertEqual(self.ask(apns_id=APNS_ID).headers["apns-id"], APNS_ID)
        self.assertEqual(len(self.accepted()), 1)

    def test_when_it_is_on_its_way(self):
        """After a restart nothing waits for it but the repetition, which asks until it is known."""
        number = self.submitted()
        self.gateway.records[number] = outcome(State.WRITTEN)
        stream = self.peer.request(apns_id=APNS_ID)
        self.pass_time(5)
        self.assertIsNone(self.peer.answers[stream].told)
        self.gateway.records[number] = outcome(State.ACCEPTED)
        self.pass_time(1)
        self.assertEqual(self.peer.answers[stream].told, (200, ""))

    def test_when_it_does_not_become_known(self):
        """The answer is as for a first request, and a client that has gone is not asked for."""
        number = self.submitted()
        self.gateway.records[number] = outcome(State.QUEUED)
        stream = self.peer.request(apns_id=APNS_ID)
        gone = self.peer.request(apns_id=APNS_ID)
        self.peer.h2.reset_stream(gone, 8)
        self.peer.send()
        self.pass_time(31)
        self.assertEqual(self.peer.answers[stream].told, (503, "ServiceUnavailable"))
        self.assertEqual(self.server._waiting, 0)

    def test_after_a_503(self):
        """What was not sent is tried again."""
        self.peer.request(apns_id=APNS_ID)
        self.turn()
        self.gateway.settle(outcome(State.EXPIRED))
        self.turn()
        stream = self.peer.request(apns_id=APNS_ID)
        self.turn()
        self.assertEqual(len(self.accepted()), 2)
        self.gateway.settle(outcome(State.ACCEPTED, order=2))
        self.turn()
        self.assertEqual(self.peer.answers[stream].told, (200, ""))

    def test_found_to_be_a_503(self):
        """The same when that became known while no request waited."""
        number = self.submitted()
        self.gateway.records[number] = outcome(State.EXPIRED)
        stream = self.peer.request(apns_id=APNS_ID)
        self.turn()
        self.turn()
        self.gateway.settle(outcome(State.ACCEPTED, order=2))
        self.turn()
        self.assertEqual(self.peer.answers[stream].told, (200, ""))
        self.assertEqual(len(self.accepted()), 2)

    def test_what_may_have_been_sent(self):
        """It is not sent again: under at-most-once its outcome is unknown."""
        self.peer.request(apns_id=APNS_ID)
        self.turn()
        self.gateway.settle(outcome(State.UNKNOWN))
        self.turn()
        self.gateway.records[outcome().span.batch.id] = outcome(State.UNKNOWN)
        self.assertEqual(self.told(apns_id=APNS_ID), (503, "ServiceUnavailable"))
        self.assertEqual(len(self.accepted()), 1)

    def test_a_bug_of_the_gateway(self):
        """It is 500, and logged."""
        self.submitted()
        self.gateway.status = lambda number: succeed(1 / 0)
        self.assertEqual(self.told(apns_id=APNS_ID), (500, "InternalServerError"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
