"""Who may do what at the hub input, and how a refusal is said."""

from typing import ClassVar

from twisted.internet.address import IPv4Address

from tests.hub_input_rig import HubInputTestCase

IDS = "/main/registrationids"


class AccessTests(HubInputTestCase):
    """Signatures decide."""

    def test_either_key_of_a_rule(self):
        """A key can be replaced without a moment in which neither is good."""
        for key in (b"full-1", b"full-2"):
            self.assertEqual(self.ask("POST", IDS, authorization=self.signature(key=key)).status, 201)

    def test_without_a_signature(self):
        """The answer says what is needed, at once."""
        answer = self.ask("POST", IDS, authorization=None)
        self.assertIn(
            "authorization: missing; SharedAccessSignature with the fields", self.refusal(answer, 401)
        )
        self.assertEqual(answer.headers["www-authenticate"], "SharedAccessSignature")

    def test_what_is_no_signature(self):
        """It is malformed, rather than wrong."""
        self.assertIn("authorization: ", self.refusal(self.ask("POST", IDS, authorization="Bearer x"), 400))

    def test_expired(self):
        """A signature ends at its second."""
        header = self.signature(life=60)
        self.clock.advance(59)
        self.assertEqual(self.ask("POST", IDS, authorization=header).status, 201)
        self.clock.advance(1)
        self.assertIn("se: expired", self.refusal(self.ask("POST", IDS, authorization=header), 401))

    def test_another_address(self):
        """One for another hub is none for this one, though its key is the same."""
        for address in (
            "https://localhost/other",
            "https://elsewhere/",
            "https://localhost/main/registrations",
        ):
            answer = self.ask("POST", IDS, authorization=self.signature(address=address))
            self.assertIn("sr: for another address", self.refusal(answer, 401))

    def test_rights(self):
        """Each rule may do what it says: what it may not is answered at once, and names the right."""
        requests = [
            ("POST", IDS, "listen"),
            ("GET", "/main/registrations?$filter=DeviceToken%20eq%20'AA'", "listen"),
            ("GET", "/main/registrations", "manage"),
            ("GET", "/main/tags/a/registrations", "manage"),
            ("DELETE", "/main/installations/i", "listen"),
        ]
        for method, path, right in requests:
            for rule in ("Full", "Listen", "Send"):
                answer = self.ask(method, path, authorization=self.signature(rule))
                if rule == "Full" or rule.lower() == right:
                    self.assertIn(answer.status, {200, 201, 204})
                else:
                    self.assertIn(f"it needs {right}", self.refusal(answer, 401))

    def test_wrong_keys_are_answered_late(self):
        """A guess is counted and costs time, more with each; a good signature none."""
        for header in (self.signature(key=b"guess"), self.signature("Unknown")):
            self.write("POST", IDS, authorization=header)
            self.assertEqual(self.answers(), [])
            self.clock.advance(1.0)
            [answer] = self.answers()
            self.assertEqual(answer.status, 401)
        self.assertIn("skn: no rule of this name", answer.body.decode())
        self.assertEqual(dict(self.context.metrics.counts["pushgate_logins_failed_total"]), {("hub",): 2})
        self.assertEqual(self.ask("POST", IDS).status, 201)

    def test_a_peer_that_leaves_before_its_answer(self):
        """Nothing is left to do."""
        self.write("POST", IDS, authorization=self.signature(key=b"guess"))
        self.connection.connectionLost()
        self.clock.advance(60)

    def test_an_ending_input_answers_at_once(self):
        """Late answers do not keep it."""
        self.write("POST", IDS, b"x" * 10, authorization=self.signature(key=b"guess"))
        self.server.access.stop()
        self.assertIn("sig: not made by a key of this rule", self.refusal(self.answers()[0], 401))


class FewFailuresTests(HubInputTestCase):
    """Too many guesses from one address."""

    options: ClassVar[dict[str, object]] = {"login_failures": 1}

    def test_the_connection_ends(self):
        """The answer comes at once, and the connection with it."""
        for _ in range(2):
            self.write("POST", IDS, authorization=self.signature(key=b"guess"))
            self.clock.advance(1.0)
        answers = self.answers()
        self.assertEqual([each.status for each in answers], [401, 401])
        self.assertTrue(self.connection.transport.disconnecting)
        self.assertIsInstance(self.connection.transport.getPeer(), IPv4Address)


class PublicTests(HubInputTestCase):
    """Behind a proxy that has another name."""

    options: ClassVar[dict[str, object]] = {"public_url": "https://push.example.com"}

    def test_signatures_for_the_public_name(self):
        """They are good whatever the proxy puts into Host, and answers name the public address."""
        header = self.signature(address="https://push.example.com/main")
        for host in ("localhost:7221", "push.example.com"):
            answer = self.ask("POST", IDS, host=host, authorization=header)
            self.assertTrue(
                answer.headers["location"].startswith("https://push.example.com/main/registrationids/")
            )

    def test_signatures_for_the_private_name(self):
        """They are good too: who can connect here may sign for here."""
        self.assertEqual(self.ask("POST", IDS).status, 201)
