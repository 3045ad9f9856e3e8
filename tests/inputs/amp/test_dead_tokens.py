"""The commands about dead tokens at the AMP input."""

import json

from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.packed import Packed
from pushgate.protocols.amp.commands import MAX_ENTRIES, MAX_VALUE
from tests.amp_rig import AmpTestCase, command
from tests.samples import token

DIED = 1_700_000_000


class DeadTokensTests(AmpTestCase):
    def bury(self, *deaths):
        self.gateway.dead["news"].update({death.token: death for death in deaths})

    def page(self, **arguments):
        """Lines, and whether there are more."""
        [box] = self.send(command("DeadTokens", app=b"news", **arguments))
        return box[b"entries"].decode().splitlines(), box[b"more"] == b"True"

    def test_pages(self):
        """In the order of the tokens, each page behind the last token of the one before."""
        self.bury(*(DeadTokenEntry(bytes([n]), DIED, DeadReason.FEEDBACK) for n in (3, 1, 2)))
        self.assertEqual(self.page(limit=b"2"), (["01 1700000000 feedback", "02 1700000000 feedback"], True))
        self.assertEqual(self.page(limit=b"2", after=b"02"), (["03 1700000000 feedback"], False))
        self.assertEqual(self.page(after=b"03"), ([], False))

    def test_what_fits(self):
        """However long the tokens are, a page fits into a value and loses none."""
        tokens = [n.to_bytes(100, "big") for n in range(1000)]
        self.bury(*(DeadTokenEntry(each, 2**32 - 1, DeadReason.INVALID_TOKEN_SIZE) for each in tokens))
        found, more, after = [], True, {}
        while more:
            lines, more = self.page(**after, limit=b"99999")
            self.assertTrue(sum(len(line) + 1 for line in lines) <= MAX_VALUE)
            self.assertTrue(len(lines) <= MAX_ENTRIES)
            found += [bytes.fromhex(line.split()[0]) for line in lines]
            after = {"after": found[-1].hex().encode()}
        self.assertEqual(found, tokens)

    def test_bury(self):
        """Either kind of line; new ones are counted; a line without them gets the time of now and the reason imported."""
        self.bury(DeadTokenEntry(b"\xaa", 1, DeadReason.FEEDBACK))
        entries = b'aa 5 feedback\n{"token": "bb", "since": 6}\ncc'
        [box] = self.send(command("Bury", app=b"news", entries=entries))
        self.assertEqual(box, {b"_answer": b"1", b"buried": b"2"})
        dead = self.gateway.dead["news"]
        self.assertEqual(dead[b"\xbb"], DeadTokenEntry(b"\xbb", 6, DeadReason.IMPORTED))
        self.assertTrue(abs(dead[b"\xcc"].since - self.context.wall()) < 60)

    def test_forget(self):
        """Tokens as in PushBatch; those that were known are counted."""
        self.bury(DeadTokenEntry(token(1), 1, DeadReason.FEEDBACK))
        tokens = Packed.of([token(1), token(2)], 1).blob
        [box] = self.send(command("Forget", app=b"news", tokens=tokens))
        self.assertEqual(box, {b"_answer": b"1", b"forgotten": b"1"})
        self.assertEqual(self.gateway.dead["news"], {})

    def test_targets(self):
        """Where tokens are text, an entry is a JSON object, since a text may have anything in it; there and back."""
        self.gateway._rules = NotificationRules()
        texts = ["a b", '{"endpoint": "https://x"}', "ü\u2028\x85", "x" * 4000]
        self.bury(*(DeadTokenEntry(each.encode(), DIED, DeadReason.IMPORTED) for each in texts))
        [box] = self.send(command("DeadTokens", app=b"news"))
        self.assertEqual(box[b"form"], b"text")
        lines = box[b"entries"].decode().split("\n")[:-1]
        self.assertEqual({json.loads(line)["token"] for line in lines}, set(texts))
        packed = Packed.of([each.encode() for each in texts], 2).blob
        [gone] = self.send(command("Forget", app=b"news", targets=packed))
        self.assertEqual(gone[b"forgotten"], b"4")
        [back] = self.send(command("Bury", app=b"news", entries=box[b"entries"]))
        self.assertEqual(back[b"buried"], b"4")
        self.assertEqual(set(self.gateway.dead["news"]), {each.encode() for each in texts})

    def test_tokens_or_targets(self):
        """One of the two, by its own name in what is wrong."""
        for arguments in ({}, {"tokens": b"", "targets": b""}):
            code, text = self.refusal(command("Forget", app=b"news", **arguments))
            self.assertEqual((code, text.split(";")[1]), ("INVALID", " either tokens or targets"))
        _, text = self.refusal(command("Forget", app=b"news", targets=b"\0\0"))
        self.assertEqual(text, "targets[0]: 0 bytes; 1 to 100 bytes")

    def test_refusals(self):
        """What is wrong is named, with its shape and the rule; nothing of it is entered."""
        for fault, name, arguments in (
            ("INVALID limit: the number 0; from 1", "DeadTokens", {"limit": b"0"}),
            ("INVALID after: text of 1 characters; an even", "DeadTokens", {"after": b"a"}),
            ("INVALID entries, line 2: token: text of 2 characters; an even", "Bury", {"entries": b"aa\nxx"}),
            ("INVALID entries, line 1: line: 0 fields; must be", "Bury", {"entries": b"\naa"}),
            ("INVALID entries: 1 bytes; lines of UTF-8 text", "Bury", {"entries": b"\xff"}),
            ("INVALID entries: missing; it is required", "Bury", {}),
            ("INVALID tokens[1]: 0 bytes; 1 to 100 bytes", "Forget", {"tokens": b"\x01a\x00"}),
            ("INVALID tokens: the length at offset 0", "Forget", {"tokens": b"\x05a"}),
        ):
            code, text = self.refusal(command(name, app=b"news", **arguments))
            self.assertTrue(f"{code} {text}".startswith(fault), (code, text))
            self.assertEqual(self.gateway.dead["news"], {})
        for name, arguments in (("DeadTokens", {}), ("Bury", {"entries": b""}), ("Forget", {"tokens": b""})):
            self.assertEqual(self.refusal(command(name, app=b"nope", **arguments))[0], "UNKNOWN_APP")
