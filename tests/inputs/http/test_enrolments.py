"""Managed devices over HTTP."""

from pushgate.model.enrolment import EnrolmentRequest
from pushgate.protocols.mdm_push import token_hash
from tests.http_rig import HTTPTestCase
from tests.samples import TOKEN

ENROLMENTS, CHECK_INS = "/v1/apps/news/enrolments", "/v1/apps/news/checkins"
CHECK_OUTS = "/v1/apps/news/checkouts"
DEVICE = {"token": TOKEN.hex()}


class EnrolmentTests(HTTPTestCase):
    def test_a_life(self):
        """Enrolled, called, then left; a device that is not known is said to be so."""
        self.assertEqual(self.ask("POST", CHECK_OUTS, DEVICE).json, {"known": False})
        self.assertEqual(self.ask("POST", CHECK_INS, DEVICE).json, {"known": False})
        self.gateway.managed.warnings = ("superseded",)
        answer = self.ask(
            "POST", ENROLMENTS, DEVICE | {"push_magic": "m", "keep_awake": True, "device": "udid"}
        )
        self.assertEqual(answer.status, 201)
        self.assertEqual(answer.json, {"sha256": token_hash(TOKEN), "warnings": ["superseded"]})
        asked = EnrolmentRequest(token=TOKEN, push_magic="m", keep_awake=True, device="udid")
        self.assertEqual(self.gateway.managed.kept, {TOKEN: asked})
        answer = self.ask("POST", CHECK_INS, DEVICE)
        self.assertEqual((answer.status, answer.json), (202, {"known": True}))
        self.assertEqual(self.gateway.managed.checked_out, set())
        answer = self.ask("POST", CHECK_OUTS, DEVICE | {"push_magic": "n"})
        self.assertEqual((answer.status, answer.json), (202, {"known": False}))
        self.assertEqual(self.gateway.managed.checked_out, set())
        answer = self.ask("POST", CHECK_OUTS, DEVICE | {"push_magic": "m"})
        self.assertEqual(answer.json, {"known": True})
        answer = self.ask("POST", CHECK_OUTS, DEVICE)
        self.assertEqual((answer.status, answer.json), (202, {"known": True}))
        self.assertEqual(self.gateway.managed.checked_out, {TOKEN})

    def test_bad_requests(self):
        """Each names the field, and nothing is kept."""
        for path, body, text in (
            (ENROLMENTS, DEVICE, "push_magic: missing"),
            (ENROLMENTS, {"token": "zz", "push_magic": "m"}, "token: "),
            (ENROLMENTS, DEVICE | {"push_magic": "m", "device": ""}, "device: 0 bytes"),
            (ENROLMENTS, DEVICE | {"push_magic": "m", "x": 1}, "x: no field"),
            (CHECK_INS, {}, "token: missing"),
            (CHECK_INS, DEVICE | {"push_magic": "m"}, "push_magic: no field"),
            (CHECK_INS, b"{", "body: not JSON"),
            (CHECK_OUTS, {"token": "zz"}, "token: "),
            (CHECK_OUTS, DEVICE | {"x": 1}, "x: no field"),
            (CHECK_OUTS, DEVICE | {"push_magic": 1}, "push_magic: "),
        ):
            detail = self.refusal(self.ask("POST", path, body), 400, "INVALID")
            self.assertTrue(detail.startswith(text), detail)
        self.refusal(self.ask("POST", CHECK_INS, b"x", content_type="text/plain"), 415, "INVALID")
        self.refusal(self.ask("POST", "/v1/apps/nowhere/checkins", DEVICE), 404, "UNKNOWN_APP")
        self.refusal(self.ask("POST", "/v1/apps/nowhere/checkouts", DEVICE), 404, "UNKNOWN_APP")
        self.assertEqual(self.gateway.managed.kept, {})
