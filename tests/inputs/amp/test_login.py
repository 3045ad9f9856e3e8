"""Permissions of principals at the AMP input."""

import json
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import ClassVar

import trustme
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.ssl import (
    Certificate,
    PrivateCertificate,
    optionsForClientTLS,
    trustRootFromCertificates,
)
from twisted.protocols import amp
from twisted.trial.unittest import TestCase

from pushgate.inputs.amp.handlers import _RESPONDERS
from pushgate.inputs.amp.server import AmpTable
from pushgate.inputs.common import login_throttle
from pushgate.inputs.common.conversation import LOGIN_TIMEOUT
from pushgate.inputs.common.login_throttle import FIRST_DELAY
from pushgate.model.errors import Forbidden
from pushgate.model.outcome_record import id_text
from pushgate.model.principals import Grant, Operation
from pushgate.model.secret_hash import SecretHash
from pushgate.plugins.builtin import amp as factory
from pushgate.protocols.amp.commands import Login, PushBatch, Status
from pushgate.testing import RecordingGateway, outcome
from tests.amp_rig import AmpTestCase, command, push, push_batch
from tests.input_rig import context

SECRET = b"s3cr3t-of-the-shop"
ID = id_text(1).encode()
PUSH, READ, ADMIN = Operation
EVERY = {
    "Push": push(),
    "PushBatch": push_batch(),
    "TestSend": command("TestSend", app=b"news", tokens=b'["0a"]', payload=b"{}"),
    "Status": command("Status", id=ID),
    "Trace": command("Trace", id=ID),
    "Cancel": command("Cancel", id=ID),
    "Watch": command("Watch"),
    "Stats": command("Stats"),
    "Flush": command("Flush", id=ID),
    "Pace": command("Pace", id=ID, rate=b"1.0"),
    "DeadTokens": command("DeadTokens", app=b"news"),
    "Bury": command("Bury", app=b"news", entries=b"0a"),
    "Forget": command("Forget", app=b"news", tokens=b"\1a"),
    "CreateChannel": command("CreateChannel", app=b"news", message_storage_policy=b"0"),
    "Channels": command("Channels", app=b"news"),
    "Channel": command("Channel", app=b"news", channel=b"YQ=="),
    "DeleteChannel": command("DeleteChannel", app=b"news", channel=b"YQ=="),
    "SendToTags": command("SendToTags", hub=b"main", format=b"apple", payload=b"{}"),
    "CancelSend": command("CancelSend", hub=b"main", id=ID),
    "HubQuery": command("HubQuery", hub=b"main", what=b"tags"),
    "PutRegistration": command("PutRegistration", hub=b"main", registration=b"{}"),
    "DeleteRegistration": command("DeleteRegistration", hub=b"main", id=ID),
    "ImportRegistrations": command("ImportRegistrations", hub=b"main", entries=b"[]"),
    "Enrol": command("Enrol", app=b"news", token=b"0a", push_magic=b"m"),
    "CheckIn": command("CheckIn", app=b"news", token=b"0a"),
    "CheckOut": command("CheckOut", app=b"news", token=b"0a"),
    "FindEnrolments": command("FindEnrolments", app=b"news", sha256=b"00" * 32),
    "Diagnose": command("Diagnose", app=b"news", token=b"0a"),
    "Reload": command("Reload"),
}
"""Each command as it is sent."""


def proven(**limits):
    """What a principal with `SECRET` is allowed."""
    return Grant(secrets=(SecretHash.of(SECRET, bytes(16)),), **limits)


class LoginTestCase(AmpTestCase):
    """An input that knows a principal called shop."""

    grants: ClassVar = {"shop": proven()}

    def login(self, name=b"shop", secret=SECRET, ask=b"1"):
        """The answers to a login, or none yet."""
        return self.send(command("Login", ask=ask, name=name, secret=secret))

    def assert_alive(self, connection=None):
        """The connection is open."""
        self.assertFalse((connection or self.connection).transport.disconnecting)


class LoginTests(LoginTestCase):
    def test_without_a_login(self):
        """Every command is refused as forbidden, with the way out of it, and nothing is done."""
        for name, data in EVERY.items():
            with self.subTest(name):
                code, text = self.refusal(data)
                self.assertEqual(
                    (code, text), ("FORBIDDEN", "login: the caller is not logged in; log in first")
                )
        self.assertEqual((self.gateway.submissions, self.gateway.sinks), ([], {}))
        refused = self.context.metrics.counts["pushgate_refused_total"]
        self.assertEqual(refused[("news", "amp", "FORBIDDEN")], 3)

    def test_every_command_asks(self):
        """There is no command but Login that needs no permission."""
        free = {name for name, (_, operation, _) in _RESPONDERS.items() if operation is None}
        self.assertEqual(free, {b"Login"})
        self.assertEqual({name.decode() for name in _RESPONDERS} - {"Login"}, set(EVERY))

    def test_a_login(self):
        """It holds for what follows on its connection, even for what was sent along, and on no other."""
        other = self.connect()
        sent = command("Login", ask=b"1", name=b"shop", secret=SECRET) + push(ask=b"2")
        answers = {box[b"_answer"]: box for box in self.send(sent)}
        self.assertEqual(answers[b"1"][b"ok"], b"True")
        self.assertIn(b"id", answers[b"2"])
        [box] = self.send(push(), connection=other)
        self.assertEqual(box[b"_error_code"], b"FORBIDDEN")

    def test_a_failed_login(self):
        """The answer is late and says nothing of what is wrong; then the connection goes on as it was."""
        for times, (name, secret) in enumerate(((b"shop", b"wrong"), (b"nobody", SECRET))):
            self.assertEqual(self.login(name, secret), [])
            self.clock.advance(FIRST_DELAY * 2**times)
            [box] = self.received()
            error = box[b"_error_code"], box[b"_error_description"]
            self.assertEqual(error, (b"FORBIDDEN", b"login: no principal of this name has this secret"))
        [box] = self.send(push(ask=b"2"))
        self.assertEqual(box[b"_error_code"], b"FORBIDDEN")
        self.assertEqual(self.context.metrics.counts["pushgate_logins_failed_total"], {("amp",): 2})
        [box] = self.login()
        self.assertEqual(box[b"ok"], b"True")
        self.assertNotIn(SECRET.decode(), repr(list(self.log)))

    def test_one_at_a_time(self):
        """What comes behind a login that waits for its answer waits too, and is not read from the network."""
        self.assertEqual(
            self.send(
                b"".join(command("Login", ask=b"%d" % n, name=b"shop", secret=b"x") for n in range(50)),
                push(ask=b"p"),
            ),
            [],
        )
        self.assertEqual(self.connection.transport.producerState, "paused")
        self.assertEqual(self.counted("pushgate_logins_failed_total"), {("amp",): 1})
        self.clock.advance(FIRST_DELAY)
        self.assertEqual([box[b"_error"] for box in self.received()], [b"0"])
        self.lose()
        self.assertEqual(self.counted("pushgate_logins_failed_total"), {("amp",): 2})

    def test_too_many_failures(self):
        """Beyond the limit the connection ends with the answer; others under way have theirs before."""
        self.patch(login_throttle, "MAX_WAITING", 0)
        self.login()
        self.gateway.holding = True
        self.send(push(ask=b"p"))
        [box] = self.login(secret=b"wrong")
        self.assertEqual(box[b"_error_code"], b"FORBIDDEN")
        self.assertIn(b"the connection closes", box[b"_error_description"])
        self.assertEqual(self.send(command("Stats")), [])
        self.assertFalse(self.connection.transport.disconnecting)
        self.gateway.release()
        [box] = self.received()
        self.assertEqual(box[b"_answer"], b"p")
        self.assertTrue(self.connection.transport.disconnecting)
        [box] = self.send(command("Login", name=b"shop", secret=b"x"), connection=(other := self.connect()))
        self.assertTrue(other.transport.disconnecting)
        self.assertEqual(self.counted("pushgate_connections_closed_total"), {("amp", "logins"): 2})

    def test_another_login(self):
        """A second one counts; one that fails leaves things as they are."""
        self.login()
        self.login(secret=b"wrong")
        self.clock.advance(FIRST_DELAY)
        self.received()
        [box] = self.send(push())
        self.assertIn(b"id", box)

    def test_a_connection_that_is_lost_meanwhile(self):
        """The late answer goes nowhere."""
        self.login(secret=b"wrong")
        self.lose(self.connection)
        self.clock.advance(FIRST_DELAY)
        self.assertEqual(self.received(), [])

    def test_nobody_takes_a_place_for_long(self):
        """A peer that does not log in is disconnected after a time; one that does is not."""
        other = self.connect()
        self.send(command("Login", name=b"shop", secret=SECRET), connection=other)
        self.clock.advance(LOGIN_TIMEOUT)
        self.assertTrue(self.connection.transport.disconnecting)
        self.assertFalse(other.transport.disconnecting)
        for each in (self.connection, other, self.connect()):
            self.lose(each)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_bad_arguments(self):
        """A login without a name or a secret is a bad command, not a failed login."""
        code, text = self.refusal(command("Login", name=b"shop"))
        self.assertEqual((code, text), ("INVALID", "secret: missing; it is required"))
        self.assertEqual(self.context.metrics.counts["pushgate_logins_failed_total"], {})

    @given(name=st.binary(max_size=100), secret=st.binary(max_size=100))
    def test_whatever_is_tried(self, name, secret):
        """Only the one name with its one secret is let in, and the connection outlives every attempt."""
        connection = self.connect()
        answers = self.send(command("Login", name=name, secret=secret), connection=connection)
        self.clock.advance(30)
        [box] = answers + self.received(connection)
        self.assertIn(box.get(b"_error_code"), (b"FORBIDDEN", b"INVALID"))
        self.assert_alive(connection)
        self.lose(connection)


class LimitTests(LoginTestCase):
    grants: ClassVar = {
        "shop": proven(operations=frozenset({PUSH, READ}), apps=frozenset({"news"}), rate=10.0, max_batch=10)
    }

    def setUp(self):
        super().setUp()
        self.login()

    def test_what_is_about_every_app(self):
        """A principal limited to some apps may neither reload nor touch another app's notification."""
        admin = frozenset({Operation.ADMIN})
        self.context.principals.replace({"shop": proven(operations=admin, apps=frozenset({"news"}))})
        self.gateway.records[1] = outcome(app="chat")
        for name in ("Reload", "Flush", "Pace"):
            with self.subTest(name):
                [box] = self.send(EVERY[name])
                self.assertEqual(box[b"_error_code"], b"FORBIDDEN")
        [box] = self.send(EVERY["DeadTokens"])
        self.assertNotIn(b"_error_code", box)

    def test_operations(self):
        """What is not among its operations is forbidden by name, whatever the command."""
        for allowed in Operation:
            self.context.principals.replace({"shop": proven(operations=frozenset({allowed}))})
            for name, data in EVERY.items():
                with self.subTest(name, allowed=allowed):
                    needed = _RESPONDERS[name.encode()][1]
                    [box] = self.send(data)
                    if needed is allowed:
                        self.assertNotEqual(box.get(b"_error_code"), b"FORBIDDEN")
                    else:
                        self.assertEqual(box[b"_error_code"], b"FORBIDDEN")
                        self.assertEqual(
                            box[b"_error_description"], f"{needed}: not allowed to shop".encode()
                        )

    def test_apps(self):
        """Other apps are forbidden, whether or not they exist."""
        for app in (b"mail", b"nobodys"):
            for data in (push(app=app), push_batch(app=app), command("Watch", app=app)):
                code, text = self.refusal(data)
                self.assertEqual((code, text), ("FORBIDDEN", "app: not one that shop may use"))

    def test_records_of_other_apps(self):
        """Neither seen nor withdrawn by their id."""
        self.gateway.records = {1: outcome(app="mail"), 2: outcome(app="news")}
        for name in ("Status", "Cancel"):
            self.assertEqual(self.refusal(command(name, id=ID))[0], "FORBIDDEN")
            [box] = self.send(command(name, id=id_text(2).encode()))
            self.assertIn(b"_answer", box)
        [box] = self.send(command("Stats"))
        self.assertEqual(json.loads(box[b"stats"]), {"apps": {"news": {}}})

    def test_outcomes_of_other_apps(self):
        """A watcher of all apps hears of its own; once a reload takes them away, of none."""
        self.send(command("Watch"))
        self.gateway.report(outcome(app="news"), outcome(app="mail"))
        [box] = self.received()
        self.assertEqual([json.loads(line)["app"] for line in box[b"outcomes"].splitlines()], ["news"])
        self.send(amp.Box({b"_answer": box[b"_ask"], b"ok": b"True"}).serialize())
        self.context.principals.replace({"other": proven()})
        self.gateway.report(outcome(app="news"))
        self.assertEqual(self.received(), [])

    def test_quotas(self):
        """Beyond the rate it is overloaded, with the time to wait; beyond the largest batch it is too large."""
        self.assertEqual(self.refusal(push_batch(11)), ("TOO_LARGE", "batch: 11 notifications; at most 10"))
        self.send(push_batch(10))
        code, text = self.refusal(push())
        self.assertEqual(code, "OVERLOADED")
        self.assertEqual(text, "rate: at most 10 notifications a second; again in 0.1 s")
        self.assertEqual(sum(len(each.tokens) for each in self.gateway.submissions), 10)
        self.clock.advance(0.1)
        [box] = self.send(push())
        self.assertIn(b"id", box)
        refused = self.context.metrics.counts["pushgate_refused_total"]
        self.assertEqual(refused[("news", "amp", "OVERLOADED")], 1)

    def test_a_reload_takes_effect_at_once(self):
        """On connections that are logged in already."""
        self.context.principals.replace({"shop": Grant(secrets=(SecretHash.of(b"new", bytes(16)),))})
        code, text = self.refusal(push())
        self.assertEqual(code, "FORBIDDEN")
        self.assertEqual(text, "login: what proved it is no longer accepted; log in again")
        self.login(secret=b"new")
        [box] = self.send(push())
        self.assertIn(b"id", box)


class StrangerTests(LoginTestCase):
    grants: ClassVar = {}
    trusting = False

    def test_a_reload_that_takes_all_principals_away(self):
        """Does not open an input that others can reach: without a principal nothing is allowed there."""
        self.assertEqual(self.refusal(push())[0], "FORBIDDEN")


class CertificateTests(TestCase):
    """Client certificates, over TLS on loopback."""

    def setUp(self):
        self.folder = Path(mkdtemp())
        self.addCleanup(rmtree, self.folder)
        self.authority, self.gateway = trustme.CA(), RecordingGateway()
        self.authority.cert_pem.write_to_path(str(self.folder / "ca.pem"))
        issued = self.authority.issue_cert("localhost")
        issued.private_key_and_cert_chain_pem.write_to_path(str(self.folder / "server.pem"))
        self.shop, self.outsider = (self.authority.issue_cert(common_name=name) for name in ("shop", "x"))
        subject = x509.load_pem_x509_certificate(self.shop.cert_chain_pems[0].bytes()).subject
        grants = {"shop": proven(certificate=subject.rfc4514_string(), operations=frozenset({PUSH}))}
        self.context = context(reactor, grants)

    async def start(self):
        """The input, on a port that counts as reachable by others; where it is."""
        table = AmpTable(
            type="amp",
            listen="tcp:0",
            certificate=self.folder / "server.pem",
            client_authorities=self.folder / "ca.pem",
        )
        started = factory.input("amp", table, self.gateway, self.context)
        await started.start()
        self.addCleanup(started.stop)
        return int(started.addresses()[0].rpartition(":")[2])

    @asynccontextmanager
    async def program(self, own):
        """An AMP program with this certificate."""
        roots = trustRootFromCertificates([Certificate.loadPEM(self.authority.cert_pem.bytes())])
        own = own and PrivateCertificate.loadPEM(own.private_key_and_cert_chain_pem.bytes())
        tcp = TCP4ClientEndpoint(reactor, "127.0.0.1", await self.start())
        tls = wrapClientTLS(optionsForClientTLS("localhost", roots, own), tcp)
        program = await connectProtocol(tls, amp.AMP())
        try:
            yield program.callRemote
        finally:
            program.transport.loseConnection()

    async def test_a_principal(self):
        """The certificate is the login; what it may do is the principal's."""
        async with self.program(self.shop) as call:
            answer = await call(PushBatch, app="news", tokens=b"\x01a", payload=b"{}")
            self.assertEqual(answer["count"], 1)
            with self.assertRaisesRegex(Forbidden, "read: not allowed to shop"):
                await call(Status, id=ID.decode())

    async def test_a_stranger_with_a_good_certificate(self):
        """Is no principal, which is counted; it may still log in with a secret."""
        async with self.program(self.outsider) as call:
            with self.assertRaisesRegex(Forbidden, "log in first"):
                await call(PushBatch, app="news", tokens=b"\x01a", payload=b"{}")
            self.assertEqual(self.context.metrics.counts["pushgate_logins_failed_total"], {("amp",): 1})
            await call(Login, name="shop", secret=SECRET)
            await call(PushBatch, app="news", tokens=b"\x01a", payload=b"{}")

    async def test_a_secret_over_tls(self):
        """Without a certificate of its own, too."""
        async with self.program(None) as call:
            await call(Login, name="shop", secret=SECRET)
            await call(PushBatch, app="news", tokens=b"\x01a", payload=b"{}")
        self.assertEqual(len(self.gateway.submissions), 1)
