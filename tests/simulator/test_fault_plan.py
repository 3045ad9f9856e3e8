"""What a rule comes to: the bytes of an answer and how the connection ends."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from pushgate.protocols.apns_binary.frames import Frame
from pushgate.simulator.fault_plan import plan_rule
from pushgate.simulator.fault_rules import EndAction, parse_rules

FRAME = Frame(2, b"t", b"{}", 7, None, 10)


class PlanTests(SynchronousTestCase):
    @given(st.lists(st.integers(1, 9), max_size=9), st.binary(max_size=5))
    def test_pieces_are_the_answer(self, split: list[int], garbage: bytes) -> None:
        """However it is split, all of the answer is sent once; the pieces have the sizes asked for."""
        (rule,) = parse_rules([{"act": "reject", "status": 8, "split": split, "garbage": garbage.hex()}])
        plan = plan_rule(rule, FRAME, 6)
        self.assertEqual(b"".join(plan.pieces), bytes.fromhex("080800000007") + garbage)
        sizes = list(map(len, plan.pieces))
        self.assertEqual(sizes[:-1], split[: len(sizes) - 1])
        self.assertTrue(all(sizes))

    def test_simple_command_gets_no_answer(self) -> None:
        """A notification of command 0 is refused in silence, whatever the rule."""
        (rule,) = parse_rules([{"act": "reject", "status": 8}])
        plan = plan_rule(rule, Frame(0, b"t", b"{}"), 0)
        self.assertEqual((plan.status, plan.pieces), (8, ()))

    def test_options_are_kept(self) -> None:
        """How the connection ends is as the rule says."""
        rules = parse_rules(
            [
                {"act": "shutdown", "delay": "2s", "end": "half-close", "linger": False},
                {"act": "close", "delay": "2s", "linger": False},
                {"act": "reset", "delay": "2s"},
                {"act": "half-close"},
            ]
        )
        ends = [(p.delay, p.end, p.linger) for p in (plan_rule(rule, FRAME, 6) for rule in rules)]
        self.assertEqual(ends, [(2, EndAction.HALF_CLOSE, False), (2, EndAction.CLOSE, False),
                                (2, EndAction.RESET, True), (0, EndAction.HALF_CLOSE, True)])  # fmt: skip
