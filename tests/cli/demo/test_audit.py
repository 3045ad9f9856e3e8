"""The audit of the demonstration: what it must find."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from pushgate.cli.demo.audit import Audit, Seen, audit
from pushgate.cli.demo.devices import devices
from pushgate.cli.demo.services import BINARY, HTTP2, DemoService
from pushgate.client import Record
from pushgate.model.outcome import State

DEVICES = devices(300)
FIRST, *_, LAST = (token.hex() for token in DEVICES.tokens)
LIVE, OTHER = sorted(DEVICES.live)[:2]
_REASONS = {each.dead_status: each.dead_reason for each in (BINARY, HTTP2)}


def record(token: str, state: str, status: int | None = None, **more: Any) -> Record:
    facts = {
        "id": f"id of {token}", "app": "demo", "token": token, "state": state, "status": status,
        "reason": _REASONS.get(status, ""), "at": 1.0, "attempts": 1, "batch": None, "index": 0,
        "upstream": "apns-stream", "corrects": False,
    }  # fmt: skip
    return Record(**(facts | more))


class AuditTests(SynchronousTestCase):
    def setUp(self, service: DemoService = BINARY) -> None:
        """As it should be: all live ones accepted and received once, all dead ones rejected."""
        self.service, status = service, service.dead_status
        self.reported = {token: [record(token, "accepted")] for token in DEVICES.live}
        self.reported |= {token: [record(token, "rejected", status)] for token in DEVICES.dead}
        self.received = {token: [1] for token in DEVICES.live}
        self.rejected = {status: len(DEVICES.dead)}

    def audit(self) -> Audit:
        reported = [each for records in self.reported.values() for each in records]
        return audit(DEVICES, self.service, reported, Seen(self.received, self.rejected, connections=5))

    def assertFault(self, *starts: str) -> None:
        """There is a fault for each of these beginnings, and no other."""
        result = self.audit()
        self.assertFalse(result.ok)
        self.assertEqual(len(result.faults), len(starts), result.faults)
        for start in starts:
            self.assertTrue(any(fault.startswith(start) for fault in result.faults), result.faults)

    def test_all_is_well(self) -> None:
        """Nothing is found when all live ones were received and all dead ones rejected; presumed is as good."""
        self.reported[LIVE] = [record(LIVE, "presumed")]
        result = self.audit()
        self.assertEqual((result.faults, result.lost, result.twice), ((), 0, 0))
        self.assertEqual((result.received, result.rejected), (297, 3))
        self.assertEqual(
            result.counts,
            (("accepted", None, "", 296), ("presumed", None, "", 1), ("rejected", 8, "InvalidToken", 3)),
        )
        self.assertEqual(result.count(State.ACCEPTED, State.PRESUMED), 297)

    def test_lost(self) -> None:
        """A live token that was reported as accepted and never came is lost, and the sums differ."""
        del self.received[LIVE]
        self.assertEqual(self.audit().lost, 1)
        self.assertFault(
            f"1 lost: live tokens were never received, such as {LIVE}", "297 are reported as accepted"
        )

    def test_repeated_at_the_silent_close(self) -> None:
        """What was in flight on the one connection that was closed in silence may come again."""
        self.received[LIVE], self.received[OTHER] = [3, 4], [3, 5]
        result = self.audit()
        self.assertEqual((result.ok, result.twice), (True, 2))

    def test_repeated_without_need(self) -> None:
        """What was sent again from any further connection is a fault, and so is a third time."""
        self.received[LIVE], self.received[OTHER] = [3, 4], [4, 5]
        self.assertFault("2 received twice")
        self.received[LIVE], self.received[OTHER] = [3, 4, 5], [1]
        self.assertFault("1 received twice")

    def test_wrongly_rejected(self) -> None:
        """A live token reported as rejected is a fault, even when it came."""
        self.reported[LIVE] = [record(LIVE, "rejected", 8)]
        self.assertFault(
            "1 live tokens are reported otherwise than accepted or presumed",
            "296 are reported as accepted or presumed",
            "4 are reported as rejected with status 8, but 3 were",
        )

    def test_rejected_for_another_reason(self) -> None:
        """A dead token has to be rejected with status 8, no other."""
        self.reported[FIRST] = [record(FIRST, "rejected", 7)]
        self.assertFault(
            "1 dead tokens are reported otherwise",
            "1 are reported as rejected with status 7, but 0 were",
            "2 are reported as rejected with status 8, but 3 were",
        )

    def test_dead_and_presumed(self) -> None:
        """A dead token that passes for a live one is a fault."""
        self.reported[LAST] = [record(LAST, "presumed")]
        self.assertFault(
            "1 dead tokens are reported otherwise",
            "298 are reported as accepted",
            "2 are reported as rejected",
        )

    def test_dead_and_received(self) -> None:
        """So is one that the push service took."""
        self.received[FIRST] = [1]
        self.assertFault("1 dead tokens were received", "297 are reported as accepted or presumed, but 298")

    def test_untold(self) -> None:
        """A notification without an outcome is a fault."""
        del self.reported[LIVE]
        self.assertFault("1 notifications have no outcome", "296 are reported as accepted")

    def test_told_twice(self) -> None:
        """Two outcomes are a fault; one that takes an earlier one back is none, and is what counts."""
        self.reported[LIVE] *= 2
        self.assertFault("1 notifications have more than one outcome")
        self.reported[LIVE] = [record(LIVE, "rejected", 8), record(LIVE, "accepted", corrects=True)]
        result = self.audit()
        self.assertEqual((result.ok, result.corrected), (True, 1))

    def test_a_stranger(self) -> None:
        """A token that nobody pushed to is a fault."""
        self.received["0a"] = [1]
        self.assertFault("1 tokens were never pushed to, such as 0a", "297 are reported")

    def test_over_http2(self) -> None:
        """Over HTTP/2 dead tokens are rejected with 410, and the one that a dropped connection took comes again."""
        self.setUp(HTTP2)
        self.received[LIVE] = [3, 4]
        result = self.audit()
        self.assertEqual((result.faults, result.rejected, result.twice), ((), 3, 1))
        self.assertEqual(result.counts, (("accepted", None, "", 297), ("rejected", 410, "Unregistered", 3)))

    def test_faults_over_http2(self) -> None:
        """There every notification has an answer, so presumed is a fault, and so is a status of the stream."""
        self.setUp(HTTP2)
        self.reported[LIVE] = [record(LIVE, "presumed")]
        self.reported[FIRST] = [record(FIRST, "rejected", 8)]
        self.assertFault(
            "1 live tokens are reported otherwise than accepted",
            "1 dead tokens are reported otherwise than rejected with status 410",
            "296 are reported as accepted, but 297 devices were reached",
            "1 are reported as rejected with status 8, but 0 were",
            "2 are reported as rejected with status 410, but 3 were",
        )

    def test_json(self) -> None:
        """The summary is ready for JSON."""
        summary = self.audit().summary()
        self.assertEqual((summary["ok"], summary["lost"], summary["faults"]), (True, 0, ()))
        self.assertEqual(
            summary["counts"][0], {"state": "accepted", "status": None, "reason": "", "count": 297}
        )
