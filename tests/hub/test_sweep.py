"""What a hub does now and then."""

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from pushgate.hub.hub_context import HubContext
from pushgate.hub.outcomes.sweep import Sweep
from pushgate.hub.settings import HubTable
from pushgate.hub.store import batches, feedback, sends, tags
from pushgate.hub.store.batches import BatchEntry
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.model.hub.errors import UnknownResource
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.send import SendRequest, SendState
from pushgate.testing import RecordingGateway
from pushgate.testing.context import EPOCH, context
from tests.hub_rig import MemoryDatabase

REQUEST = SendRequest(body=b"{}", platform=Platform.APNS)


class SweepTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.database = MemoryDatabase(lambda: EPOCH + self.clock.seconds())
        self.gateway = RecordingGateway("news")
        table = HubTable(apns="news", keep="1d")
        self.sweep = Sweep(HubContext("main", table, self.database, self.gateway, context(self.clock), "one"))

    def registered(self) -> int:
        return int(self.database.session.execute("SELECT COUNT(*) FROM registration")[0][0])

    def bury(self, token: bytes, since: int, doubted: bool = False) -> None:
        self.gateway.dead["news"][token] = DeadTokenEntry(token, since, DeadReason.GONE, doubted)

    def test_registrations_of_dead_handles_go_at_the_start(self) -> None:
        """Those that were updated after the death stay."""
        self.database.add_device(b"dead", updated_at=EPOCH - 10)
        self.database.add_device(b"back", updated_at=EPOCH)
        self.database.add_device(b"alive", updated_at=EPOCH - 10)
        self.bury(b"dead", int(EPOCH) - 5)
        self.bury(b"back", int(EPOCH) - 5)
        self.sweep.start()
        assert self.registered() == 2

    def test_tags_that_no_registration_has_go(self) -> None:
        """When they are found so for more than an hour; those that are used again meanwhile stay."""
        for number in range(5):
            self.database.add_device(b"%d" % number, f"user:{number}", "all", updated_at=EPOCH - 10)
        for number in range(1, 5):
            self.bury(b"%d" % number, int(EPOCH) - 5)
        self.patch(tags, "LOOKED_AT", 2)
        self.sweep.start()
        names = self.database.session.execute("SELECT name FROM tag ORDER BY name")
        assert len(names) == 6
        self.clock.pump([60] * 5)
        self.database.add_device(b"new", "user:3")
        self.clock.pump([60] * 125)
        names = self.database.session.execute("SELECT name FROM tag ORDER BY name")
        assert names == [("all",), ("user:0",), ("user:3",)]

    def test_a_send_whose_last_outcome_came_with_its_last_page_ends(self) -> None:
        """Within a minute, as what it is: it was worked on for an hour, and then abandoned."""
        session = self.database.session
        sends.begin(session, "s", REQUEST)
        session.execute(
            "INSERT INTO batch (id, send, platform, live, settled, at) VALUES ('b', 's', '', 3, 3, 0)"
        )
        self.sweep.start()
        assert sends.find(session, "s").state is SendState.COMPLETED

    def test_a_doubted_death_is_looked_at_again(self) -> None:
        """In a minute; what is not doubted is looked at each hour."""
        self.database.add_device(b"dead")
        self.bury(b"dead", int(EPOCH), doubted=True)
        self.sweep.start()
        assert self.registered() == 1
        self.bury(b"dead", int(EPOCH))
        self.clock.advance(60)
        assert self.registered() == 0
        self.database.add_device(b"other")
        self.bury(b"other", int(EPOCH))
        self.clock.pump([60] * 59)
        assert self.registered() == 1
        self.clock.pump([60] * 2)
        assert self.registered() == 0

    def test_sends_without_outcomes_are_withdrawn_and_then_abandoned(self) -> None:
        """After their time what waits is withdrawn; after twice that nothing is waited for any more."""
        sends.begin(self.database.session, "s", REQUEST)
        entry = BatchEntry(id=f"{77:032x}", platform=Platform.APNS, live=2)
        batches.add(self.database.session, "s", [entry])
        self.sweep.start()
        self.clock.pump([60] * 31)
        assert set(self.gateway.withdrawn) == {77}
        assert sends.find(self.database.session, "s").state is SendState.PROCESSING
        self.clock.pump([60] * 31)
        assert sends.find(self.database.session, "s").state is SendState.ABANDONED

    def test_old_sends_are_forgotten(self) -> None:
        """With their batches, once they were kept for as long as is configured."""
        sends.begin(self.database.session, "s", REQUEST)
        entry = BatchEntry(id="b", platform=Platform.APNS, outcomes={"Skipped": 1})
        batches.add(self.database.session, "s", [entry])
        self.sweep.start()
        self.clock.advance(60)
        assert sends.details(self.database.session, "s").outcomes == {Platform.APNS: {"Skipped": 1}}
        self.clock.advance(86400)
        self.assertRaises(UnknownResource, sends.find, self.database.session, "s")
        for table in ("batch", "batch_outcome", "reported"):
            assert self.database.session.execute(f"SELECT * FROM {table}") == []

    def test_old_feedback_is_forgotten_and_the_rest_is_not_gone_through(self) -> None:
        """Once it was kept for as long as is configured; looking for it takes an index."""
        entries = [
            feedback.Entry(at=at, platform=Platform.APNS, handle=b"1", name="BadChannel")
            for at in (EPOCH - 86401, EPOCH)
        ]
        feedback.keep(self.database.session, entries)
        statements: list[str] = []
        self.database.connection.set_trace_callback(statements.append)
        self.sweep.start()
        self.database.connection.set_trace_callback(None)
        (left,) = feedback.read(self.database.session, None, None, 0, 10)
        assert left.at == EPOCH
        looking = next(each for each in statements if "FROM feedback" in each)
        plan = self.database.session.execute(f"EXPLAIN QUERY PLAN {looking}")
        assert not [step for *_, step in plan if step.startswith("SCAN feedback")]

    def test_a_database_out_of_reach_only_delays(self) -> None:
        """The next sweep does what this one could not; a stop ends them."""
        self.database.down = True
        self.database.add_device(b"dead")
        self.bury(b"dead", int(EPOCH))
        self.sweep.start()
        self.database.down = False
        self.clock.advance(60)
        assert self.registered() == 0
        self.successResultOf(Deferred.fromCoroutine(self.sweep.stop()))
        assert self.clock.getDelayedCalls() == []
