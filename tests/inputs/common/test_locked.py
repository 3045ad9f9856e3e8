"""Inputs that others can reach, when a reload takes all principals away."""

from base64 import b64encode
from typing import Any, ClassVar

from pushgate.model.principals import Grant
from pushgate.model.secret_hash import SecretHash
from tests import amp_rig, http_rig, line_rig

SECRET = "s3cr3t-of-the-shop"
SHOP = {"shop": Grant(secrets=(SecretHash.of(SECRET.encode(), bytes(16)),))}
ANSWER = 10.0
"""Seconds after which each failed login was answered."""


class LockedAmpTests(amp_rig.AmpTestCase):
    trusting = False
    grants: ClassVar[dict[str, Grant]] = SHOP

    def test_it_is_locked(self) -> None:
        """No peer is accepted, logged in or not, until there are principals; then logged-in peers go on."""
        login = amp_rig.command("Login", name=b"shop", secret=SECRET.encode())
        self.assertIn(b"_answer", self.send(login)[0])
        self.context.principals.replace({})
        for connection in (self.connection, self.connect()):
            [box] = self.send(amp_rig.push(), connection=connection)
            self.assertEqual(box[b"_error_code"], b"FORBIDDEN")
            self.send(login, connection=connection)
            self.clock.advance(ANSWER)
            [box] = self.received(connection) or [{}]
            self.assertEqual(box.get(b"_error_code", b"FORBIDDEN"), b"FORBIDDEN")
        self.assertEqual(self.gateway.submissions, [])
        self.context.principals.replace(SHOP)
        self.assertIn(b"_answer", self.send(amp_rig.push())[0])


class LockedHTTPTests(http_rig.HTTPTestCase):
    trusting = False
    grants: ClassVar[dict[str, Grant]] = SHOP

    def test_it_is_locked(self) -> None:
        """With the secret that was good, and without one."""
        basic = b64encode(f"shop:{SECRET}".encode()).decode()
        self.context.principals.replace({})
        for headers in ({}, {"authorization": f"Bearer {SECRET}"}, {"authorization": f"Basic {basic}"}):
            found = self.send(http_rig.request("POST", http_rig.PUSH, http_rig.ONE, **headers))
            self.clock.advance(ANSWER)
            [response] = found + self.received()
            self.refusal(response, 401, "FORBIDDEN")
        self.context.principals.replace(SHOP)
        self.assertEqual(self.push(authorization=f"Bearer {SECRET}").status, 202)


class LockedLineTests(line_rig.LineTestCase):
    def test_an_input_of_this_machine_is_open(self) -> None:
        """Without principals everybody there may do everything, as before there were any."""
        self.context.principals.replace(SHOP)
        self.assertIn("FORBIDDEN", self.send(line_rig.push())[0])
        self.context.principals.replace({})
        answer: Any = self.send(line_rig.push())[0]
        self.assertTrue(answer.startswith("OK "))
