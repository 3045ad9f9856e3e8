"""Enrolment race and repair of the push magic, from the enrolment to the call of the device."""

import pytest
from twisted.logger import capturedLogs

from pushgate.mdm.schedule import AWAKE
from pushgate.model.errors import Invalid
from pushgate.model.notification import Submission, Terms
from pushgate.model.outcome import State
from pushgate.model.packed import Packed
from pushgate.protocols.mdm_push import push_payload, shown_hash
from pushgate.simulator.managed_device import Reaction
from tests.mdm_rig import TOPIC, MdmRig
from tests.samples import TOKEN

LOST, IGNORED, CHECK_IN, UPDATE = Reaction.LOST, Reaction.IGNORED, Reaction.CHECK_IN, Reaction.TOKEN_UPDATE
HOUR = 3600.0


def hours(rig, count):
    """Let hours pass, in steps of ten minutes."""
    rig.run(count * HOUR, step=600.0)


def queued(rig):
    """How many notifications wait."""
    return rig.gateway.stats()["apps"]["devices"]["queue"]


def pushed(magic):
    """A push of a program."""
    terms = Terms(push_type="mdm", topic=TOPIC)
    return Submission(app="devices", tokens=Packed.of([TOKEN], 2), payload=push_payload(magic), terms=terms)


def test_the_race():
    """The push that comes while the device enrols is lost without a word; it is repeated, and the device calls."""
    rig = MdmRig()
    rig.device = rig.device.enrolled("right", rig.wall() + 0.6)  # the TokenUpdate was slow to take effect
    rig.enrol()
    rig.run(3)
    assert rig.reactions == [(1.1, LOST)]
    assert rig.diagnose() == dict.fromkeys(("network", "unenrolled", "wiped", "magic", "race"), "possible")
    rig.run(60)
    assert [reaction for _, reaction in rig.reactions] == [LOST, CHECK_IN]
    assert rig.reactions[1][0] == pytest.approx(6.1, abs=0.3)
    assert rig.diagnose() == {}
    [kept] = rig.enrolments()
    assert (kept.pushes, kept.outcome, kept.waiting) == (2, State.ACCEPTED, False)
    hours(rig, 48)
    assert len(rig.reactions) == 2


def test_a_silent_device():
    """Three pushes, 1 s, 5 s and 30 s apart; then none, unless it is to be kept awake."""
    rig = MdmRig()
    rig.unenrol(is_lost=True)
    rig.enrol()
    rig.run(60)
    assert [at for at, _ in rig.reactions] == pytest.approx([1.1, 6.2, 36.3], abs=0.3)
    assert {"unenrolled", "wiped"} < rig.diagnose().keys()
    assert "race" not in rig.diagnose()
    hours(rig, 60)
    assert len(rig.reactions) == 3


def test_the_repair_of_the_push_magic():
    """A server with a wrong push magic that goes on pushing is told the right one by the device, after 25 h."""
    rig = MdmRig()
    rig.device = rig.device.enrolled("right", rig.wall() - 60)
    rig.enrol("wrong", keep_awake=True, device="udid-1")
    hours(rig, 30)
    assert [reaction for _, reaction in rig.reactions] == [IGNORED, IGNORED, IGNORED, UPDATE]
    first, repairing = rig.reactions[0][0], rig.reactions[3][0]
    assert 25 * HOUR <= repairing - first <= AWAKE + 2 * 600
    newest, earlier = rig.enrolments()
    assert (newest.push_magic, newest.has_checked_in) == ("right", True)
    assert earlier.superseded_at is not None
    assert rig.diagnose() == {}


def test_without_keeping_it_awake_nothing_is_repaired():
    """The three pushes that follow an enrolment are within a minute: the device never reports its own magic."""
    rig = MdmRig()
    rig.device = rig.device.enrolled("right", rig.wall() - 60)
    rig.enrol("wrong")
    hours(rig, 72)
    assert [reaction for _, reaction in rig.reactions] == [IGNORED] * 3


def test_a_check_in_cancels():
    """What the device did by itself is as good as an answer to a push."""
    rig = MdmRig()
    rig.enrol()
    assert rig.check_in() is True
    rig.run(60)
    assert rig.reactions == []


def test_a_dead_token():
    """No push follows one that the push service refused because there is no such device."""
    rig = MdmRig()
    rig.answer, rig.device = (State.REJECTED, 410, "Unregistered"), rig.device.wiped()
    rig.enrol(keep_awake=True)
    hours(rig, 60)
    assert len(rig.reactions) == 1
    assert rig.diagnose() == {"token": "certain", "unenrolled": "possible", "wiped": "possible"}


def test_a_check_out():
    """A device that left is woken no more, its row stays, and the diagnosis says what it is; a repetition is nothing new."""
    rig = MdmRig()
    rig.enrol(keep_awake=True, device="udid-1")
    rig.run(60)
    rig.unenrol()
    [kept] = rig.enrolments()
    rig.run(1)
    assert rig.check_out() is True
    assert rig.enrolments() == [kept]
    hours(rig, 60)
    assert [reaction for _, reaction in rig.reactions] == [CHECK_IN]
    assert rig.diagnose() == {"checked_out": "certain"}
    assert rig.context.metrics.counts["pushgate_mdm_events_total"]["devices", "checked_out"] == 2


def test_a_push_of_a_program_after_a_check_out():
    """It is sent: the gateway forbids nothing. What comes of it does not hide why the device cannot call."""
    rig = MdmRig()
    rig.enrol()
    rig.run(60)
    rig.unenrol()
    rig.run(1)
    rig.result(rig.gateway.submit(pushed("right"), "test"))
    rig.run(1)
    assert [reaction for _, reaction in rig.reactions] == [CHECK_IN, LOST]
    assert rig.enrolments()[0].pushed_at > rig.enrolments()[0].checked_out_at
    assert rig.diagnose() == {"checked_out": "certain"}


@pytest.mark.parametrize("magic", ["right", "another"])
def test_it_enrols_again_after_a_check_out(magic):
    """Then it is woken as any; that the earlier enrolment is over is known, and no warning."""
    rig = MdmRig()
    rig.enrol(device="udid-1")
    rig.unenrol()
    assert rig.enrol(magic, device="udid-1").warnings == ()
    rig.device = rig.device.enrolled(magic, rig.wall())
    rig.run(60)
    assert [reaction for _, reaction in rig.reactions] == [CHECK_IN]
    assert rig.enrolments()[0].checked_out_at is None
    assert rig.diagnose() == {}


def test_a_check_out_while_a_push_waits():
    """The push of the schedule is withdrawn, a restart does not bring it back, and nothing follows. One of a program stays."""
    rig = MdmRig()
    rig.is_reachable = False
    rig.enrol()
    rig.run(3)
    rig.result(rig.gateway.submit(pushed("right"), "test"))
    assert queued(rig) == 2
    rig.unenrol()
    assert queued(rig) == 1
    rig.run(1)
    [kept] = rig.enrolments()
    assert (kept.waiting, kept.pushes, kept.outcome) == (False, 1, State.CANCELLED)
    assert rig.check_out() is True
    rig.devices.stop()
    again = MdmRig(rig.database, rig.clock)
    again.run(120)
    assert again.reactions == []
    assert again.enrolments() == [kept]


def test_a_check_out_after_a_restart():
    """The push that an earlier process left waiting is withdrawn as well."""
    rig = MdmRig()
    rig.is_reachable = False
    rig.enrol()
    rig.run(3)
    rig.devices.stop()
    again = MdmRig(rig.database, rig.clock, is_reachable=False)
    again.run(3)
    assert queued(again) == 1
    again.unenrol()
    assert queued(again) == 0


def test_a_check_out_while_a_push_is_submitted():
    """The push is withdrawn once it is there."""
    rig = MdmRig()
    rig.is_reachable, rig.spool.delay = False, 2.0
    rig.enrol()
    rig.run(2)
    assert rig.enrolments()[0].waiting
    rig.unenrol()
    assert rig.enrolments()[0].outcome is None
    rig.run(2)
    assert queued(rig) == 0
    assert rig.enrolments()[0].outcome is State.CANCELLED


def test_a_check_out_after_the_push_was_written():
    """What the push service has takes its course: nothing is withdrawn, and its outcome is noted."""
    rig = MdmRig()
    rig.device = rig.device.wiped()
    rig.enrol()
    rig.database.before = lambda work: setattr(rig.database, "down", work == "begin_push")
    rig.run(1.5)
    rig.database.before, rig.database.down = lambda work: None, False
    assert rig.check_out() is True
    assert rig.enrolments()[0].outcome is None
    rig.run(3)
    [kept] = rig.enrolments()
    assert (kept.has_left, kept.outcome) == (True, State.ACCEPTED)


def test_a_late_check_out():
    """One of an earlier enrolment, as its push magic says, is on record of that; the device that enrolled anew is woken."""
    rig = MdmRig()
    rig.enrol("old")
    rig.enrol("right")
    with capturedLogs() as logs:
        assert rig.check_out("old") is False
    assert [(event["hash"], "old" in str(event)) for event in logs] == [(shown_hash(TOKEN), False)]
    rig.run(60)
    assert [reaction for _, reaction in rig.reactions] == [CHECK_IN]
    current, earlier = rig.enrolments()
    assert (current.checked_out_at, current.has_checked_in) == (None, True)
    assert earlier.checked_out_at is not None
    assert rig.diagnose() == {}
    assert rig.check_out("right") is True
    rig.run(1)
    assert rig.diagnose() == {"checked_out": "certain"}
    events = rig.context.metrics.counts["pushgate_mdm_events_total"]
    assert [events["devices", event] for event in ("late", "checked_out")] == [1, 1]


def test_a_check_out_with_another_push_magic():
    """No enrolment that is kept has it: none is ended."""
    rig = MdmRig()
    rig.enrol()
    assert rig.check_out("never") is False
    [kept] = rig.enrolments()
    assert kept.checked_out_at is None
    assert rig.context.metrics.counts["pushgate_mdm_events_total"]["devices", "unknown"] == 1
    with pytest.raises(Invalid, match="push_magic: 0 bytes"):
        rig.check_out("")


def test_a_check_out_of_an_unknown_device():
    """Nothing is kept of it, and it is said."""
    rig = MdmRig()
    assert rig.check_out() is False
    assert rig.enrolments() == []
    assert rig.context.metrics.counts["pushgate_mdm_events_total"]["devices", "unknown"] == 1


def test_one_push_at_a_time():
    """While a push waits for the push service, none joins it."""
    rig = MdmRig()
    rig.is_reachable = False
    rig.enrol()
    rig.run(120)
    assert rig.gateway.stats()["apps"]["devices"]["queue"] == 1
    [kept] = rig.enrolments()
    assert (kept.waiting, kept.pushes) == (True, 1)


def test_a_restart():
    """Pushes that are due are due after a restart too, and what was under way is not repeated."""
    rig = MdmRig()
    rig.device = rig.device.wiped()
    rig.enrol()
    rig.run(2)
    rig.devices.stop()
    again = MdmRig(rig.database, rig.clock)
    again.device = again.device.wiped()
    again.run(60)
    assert [round(at) for at, _ in again.reactions] == [4, 34]


def test_later_enrolments():
    """The newest wins: of the same token, and of the same device with another token; each with a warning."""
    rig = MdmRig()
    assert rig.enrol("one", device="udid-1").warnings == ()
    assert rig.enrol("one", device="udid-1").warnings == ()  # the same again
    [warning] = rig.enrol("two", device="udid-1").warnings
    assert warning == "an earlier enrolment of this token is superseded: it had another push magic"
    [kept, earlier] = rig.enrolments()
    assert (kept.push_magic, earlier.push_magic) == ("two", "one")
    rig.device = rig.device.enrolled("two", rig.wall() - 9)
    rig.run(60)
    assert [reaction for _, reaction in rig.reactions] == [CHECK_IN]


def test_refusals():
    """A push magic that is none is refused, and nothing is kept."""
    rig = MdmRig()
    with pytest.raises(Invalid):
        rig.enrol("")
    assert rig.enrolments() == []
    assert rig.check_in() is False
