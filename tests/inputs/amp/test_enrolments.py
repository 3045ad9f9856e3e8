"""Managed devices over AMP."""

import json
from typing import ClassVar

from pushgate.model.enrolment import Enrolment, EnrolmentRequest
from pushgate.model.principals import Grant, Operation
from pushgate.model.store_down import StoreDown
from pushgate.protocols.mdm_push import token_hash
from tests.amp_rig import AmpTestCase, command
from tests.samples import TOKEN

HEX = TOKEN.hex().encode()
KEPT = Enrolment(
    id=1, app="news", token=TOKEN, push_magic="secret", topic="com.apple.mgmt.1", device=None, keep_awake=True,
    enrolled_at=1.0,
)  # fmt: skip


def about(name, **arguments):
    return command(name, app=b"news", **arguments)


class EnrolmentTests(AmpTestCase):
    def test_a_life(self):
        """Enrolled with what is optional, called, left, found and diagnosed."""
        self.assertEqual(self.send(about("CheckIn", token=HEX))[0][b"known"], b"False")
        self.gateway.managed.warnings = ("superseded",)
        options = {"keep_awake": b"True", "device": b"udid"}
        [answer] = self.send(about("Enrol", token=HEX, push_magic=b"m", **options))
        self.assertEqual(json.loads(answer[b"warnings"]), ["superseded"])
        self.assertEqual(answer[b"sha256"].decode(), token_hash(TOKEN))
        asked = EnrolmentRequest(token=TOKEN, push_magic="m", keep_awake=True, device="udid")
        self.assertEqual(self.gateway.managed.kept, {TOKEN: asked})
        self.assertEqual(self.send(about("CheckIn", token=HEX))[0][b"known"], b"True")
        self.assertEqual(self.send(about("CheckOut", token=HEX, push_magic=b"n"))[0][b"known"], b"False")
        self.assertEqual(self.gateway.managed.checked_out, set())
        self.assertEqual(self.send(about("CheckOut", token=HEX, push_magic=b"m"))[0][b"known"], b"True")
        self.assertEqual(self.send(about("CheckOut", token=HEX))[0][b"known"], b"True")
        self.assertEqual(self.gateway.managed.checked_out, {TOKEN})
        self.assertEqual(self.send(about("CheckOut", token=b"ab" * 32))[0][b"known"], b"False")
        [said] = self.send(about("Diagnose", token=HEX))
        self.assertEqual(json.loads(said[b"diagnosis"])["sha256"], token_hash(TOKEN))

    def test_find(self):
        """By the hash, or how it begins; the push magic is not shown."""
        self.gateway.managed.found = [KEPT]
        for size in (8, 64):
            [answer] = self.send(about("FindEnrolments", sha256=token_hash(TOKEN)[:size].encode()))
            [found] = json.loads(answer[b"enrolments"])
            self.assertEqual(found["token"], TOKEN.hex())
            self.assertNotIn("secret", str(found))
        for text in (b"abc", b"zz" * 8, b"ab" * 33):
            self.assertEqual(self.refusal(about("FindEnrolments", sha256=text))[0], "INVALID")

    def test_refusals(self):
        """Each names what is wrong; the connection lives on."""
        for data, code in (
            (about("Enrol", token=b"zz", push_magic=b"m"), "INVALID"),
            (about("Enrol", token=HEX, push_magic=b"m", device=b""), "INVALID"),
            (about("CheckIn", token=b"zz"), "INVALID"),
            (command("CheckIn", app=b"nowhere", token=HEX), "UNKNOWN_APP"),
            (about("CheckOut", token=b"zz"), "INVALID"),
            (command("CheckOut", app=b"nowhere", token=HEX), "UNKNOWN_APP"),
        ):
            self.assertEqual(self.refusal(data)[0], code)
        self.gateway.managed.error = StoreDown()
        for data in (about("Enrol", token=HEX, push_magic=b"m"), about("CheckOut", token=HEX)):
            self.assertEqual(self.refusal(data)[0], "SERVICE_FAILED")
        self.assertEqual(self.gateway.managed.checked_out, set())


class PermissionTests(AmpTestCase):
    grants: ClassVar = {"anonymous": Grant(operations=frozenset({Operation.READ}))}

    def test_operations(self):
        """Who may read has devices diagnosed; one enrols with push, and is shown tokens with admin."""
        self.assertIn(b"_answer", self.send(about("Diagnose", token=HEX))[0])
        for data in (
            about("CheckIn", token=HEX),
            about("CheckOut", token=HEX),
            about("Enrol", token=HEX, push_magic=b"m"),
            about("FindEnrolments", sha256=b"00" * 32),
        ):
            self.assertEqual(self.refusal(data)[0], "FORBIDDEN")
