"""Fault scripts: what may be written, and which rule fires."""

from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from twisted.trial.unittest import SynchronousTestCase

from pushgate.simulator.fault_rules import BadScript, parse_rules
from pushgate.simulator.fault_script import FaultScript, ScriptedDeadTokens
from pushgate.simulator.settings import SimulatorTable

EVERY_ACT = [
    {"act": "reject", "status": 8, "identifier": 0, "delay": "1.5s", "split": [1, 5], "garbage": "00ff"},
    {"act": "reject", "status": 255, "command": 9, "end": "reset", "linger": False, "lost": True},
    {"act": "shutdown", "frame": 3, "token": "abcd"},
    {"act": "close", "connection": 2, "probability": 0.5, "times": 3},
    {"act": "reset", "delay": "0.25s"},
    {"act": "half-close"},
    {"act": "stall", "duration": "3600s"},
    {"act": "accept"},
    {"act": "tls-alert", "alert": 45},
    {"act": "refuse", "duration": "3600s", "extend": False},
    {"act": "cut-feedback", "tuples": 2, "keep": 7},
]


def script(*tables: dict, chance: float = 0.5, **before: int) -> FaultScript:
    return FaultScript(parse_rules(list(tables)), lambda: chance, **before)


class WritingTests(SynchronousTestCase):
    def test_every_act_is_kept_as_written(self) -> None:
        """What the control port shows of a script is what may be put there again."""
        written = [rule.model_dump(mode="json", exclude_unset=True) for rule in parse_rules(EVERY_ACT)]
        self.assertEqual(written, EVERY_ACT)

    def test_each_fault_names_rule_and_key(self) -> None:
        """All faults are reported at once, each with the rule's index and the key."""
        cases = {
            "script[1].status": {"act": "reject"},
            "script[1].stats": {"act": "close", "stats": 8},
            "script[1].token": {"act": "close", "token": "abc"},
            "script[1].frame": {"act": "close", "frame": 0, "token": "ab"},
            "script[1].probability": {"act": "close", "probability": 1.1},
            "script[1].connection": {"act": "close", "connection": 0},
            "script[1].duration": {"act": "stall", "duration": 5},
            "script[1].identifier": {"act": "shutdown", "identifier": 1 << 32},
            "script[1].split[0]": {"act": "shutdown", "split": [0]},
            "script[1].end": {"act": "shutdown", "end": "explode"},
            "script[1]": {"act": "explode"},
        }
        for place, table in cases.items():
            with self.assertRaises(BadScript) as caught:
                parse_rules([{"act": "accept"}, table])
            (fault,) = caught.exception.faults
            self.assertEqual(fault.partition(": ")[0], place)
        with self.assertRaises(BadScript) as caught:
            parse_rules([{"act": "close", "x": 1}, {"act": "close", "y": 1}])
        self.assertEqual(len(caught.exception.faults), 2)

    def test_not_a_list_of_tables(self) -> None:
        """Any JSON but a list of tables is refused."""
        for wrong in (None, 3, "x", {"act": "close"}, ["close"]):
            with self.assertRaises(BadScript):
                parse_rules(wrong)

    def test_connection_rules_match_no_frames(self) -> None:
        """A rule about the handshake cannot match by token or frame."""
        for key, value in (("token", "ab"), ("frame", 1)):
            with self.assertRaises(BadScript):
                parse_rules([{"act": "tls-alert", key: value}])


class ConfigurationTests(SynchronousTestCase):
    def test_no_tls_endpoints(self) -> None:
        """TLS is the simulator's own: an ssl: endpoint would wrap it twice."""
        for key in ("listen", "feedback_listen"):
            with self.assertRaisesRegex(ValidationError, "tcp: or unix:"):
                SimulatorTable.model_validate({key: "ssl:2195:privateKey=x"})


class MatchingTests(SynchronousTestCase):
    def test_first_match_wins(self) -> None:
        """Rules are asked in order; `accept` exempts from those below."""
        rules = script({"act": "accept", "token": "abcd"}, {"act": "close", "token": "ab"}, {"act": "reset"})
        acts = [rules.for_frame(1, 1, bytes.fromhex(token)).act for token in ("abcdef", "abce", "ac")]
        self.assertEqual(acts, ["accept", "close", "reset"])
        self.assertEqual(rules.fired, [1, 1, 1])

    def test_all_that_is_given_must_hold(self) -> None:
        """Token, frame and connection restrict each other."""
        rules = script({"act": "close", "token": "ab", "frame": 2, "connection": 3})
        cases = [(3, 2, b"\xab"), (2, 2, b"\xab"), (3, 1, b"\xab"), (3, 2, b"\xac"), (3, 2, b"")]
        found = [rules.for_frame(*case) is not None for case in cases]
        self.assertEqual(found, [True, False, False, False, False])

    def test_times(self) -> None:
        """A rule fires no more often than it may, then the next is asked."""
        rules = script({"act": "close", "times": 2}, {"act": "reset", "times": 1})
        acts = [rule and rule.act for rule in (rules.for_frame(1, n, b"") for n in range(1, 5))]
        self.assertEqual(acts, ["close", "close", "reset", None])

    def test_probability(self) -> None:
        """A rule fires when chance is below its probability: never at 0, always at 1."""
        for probability, chance, fires in (
            (0, 0.0, False),
            (1, 0.999, True),
            (0.5, 0.5, False),
            (0.5, 0.49, True),
        ):
            rules = script({"act": "close", "probability": probability}, chance=chance)
            self.assertEqual(rules.for_frame(1, 1, b"") is not None, fires)

    def test_chance_is_spent_on_matches_only(self) -> None:
        """Repeatable runs: chance is not asked for what does not match otherwise."""
        asked = []
        rules = FaultScript(
            parse_rules([{"act": "close", "token": "ab", "probability": 0}]), lambda: asked.append(1) or 0.5
        )
        rules.for_frame(1, 1, b"\xac")
        rules.for_frame(1, 2, b"\xab")
        self.assertEqual(len(asked), 1)

    def test_frame_0(self) -> None:
        """Only rules that say frame 0 are about a connection on which nothing was sent."""
        self.assertIsNone(script({"act": "close"}).for_frame(1, 0, b""))
        rules = script({"act": "close", "frame": 0})
        self.assertIsNotNone(rules.for_frame(1, 0, b""))
        self.assertIsNone(rules.for_frame(1, 1, b""))

    def test_connections_are_counted_from_the_script_on(self) -> None:
        """A script set later counts connections from there; older ones have no number in it."""
        rules = script({"act": "reset", "connection": 1}, {"act": "tls-alert", "connection": 2},
                       {"act": "cut-feedback", "connection": 1}, connections=5, readings=3)  # fmt: skip
        self.assertIsNone(rules.for_frame(1, 1, b""))
        self.assertIsNotNone(rules.for_frame(6, 1, b""))
        self.assertIsNotNone(rules.for_connection(7))
        self.assertIsNotNone(rules.for_feedback(4))
        self.assertIsNone(rules.for_feedback(1))

    def test_frames_need_no_question(self) -> None:
        """Whether notifications can match at all is known beforehand: they need not be asked about."""
        self.assertFalse(script({"act": "refuse", "duration": "1s"}, {"act": "cut-feedback"}).about_frames)
        self.assertTrue(script({"act": "accept"}).about_frames)

    @given(st.sets(st.binary(min_size=1, max_size=3), max_size=5), st.binary(max_size=5))
    def test_dead_tokens(self, prefixes: set[bytes], token: bytes) -> None:
        """A token is dead when it begins with one of the prefixes."""
        self.assertEqual(token in ScriptedDeadTokens(prefixes), any(map(token.startswith, prefixes)))
