"""What the doctor says of each fault that the simulator can play, over real TLS; the tables stand in docs/doctor.md."""

import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from twisted.trial.unittest import TestCase

from pushgate.model.finding import Finding, Level
from pushgate.plugin.factories import UpstreamFactory
from pushgate.plugins import builtin
from pushgate.protocols.apns_binary.feedback import FeedbackTuple
from pushgate.simulator.fault_rules import parse_rules
from pushgate.simulator.services.directory import APPS
from tests.doctor_rig import amiss, documented, examination, examine, simulator, told_apart
from tests.doctor_samples import key, pem, rsa_key

PATIENCE = {"silence": 1.5, "stop-reading": 2.5, "slow": 4.0}
"""Seconds for each step, by what a script does that is waited for."""


class FaultCase(TestCase):
    """One simulator, whose script changes."""

    timeout = 110
    patience = 8.0
    """Seconds for each step, where nothing is waited for: a busy machine must not look like a slow service."""

    async def start(self) -> None:
        """Start the simulator."""
        self.simulator = simulator(self.mktemp())
        self.addCleanup(lambda: self.simulator.stop())
        await self.simulator.start()
        self.shown: list[Finding] = []

    async def examine(self, factory: UpstreamFactory, **keys: Any) -> frozenset[str]:
        """The checks of an app on the simulator that are not ok."""
        common = {"trust": self.simulator.certificates.ca, "host": "localhost"}
        findings = await examine(factory, examination(timeout=self.patience), **{**common, **keys})
        self.shown += findings
        return amiss(findings)

    async def play(
        self, app: Callable[[str], Coroutine[Any, Any, frozenset[str]]], rows: dict[str, frozenset[str]]
    ) -> dict[str, frozenset[str]]:
        """What an app has under each script of a table: rules in JSON, between backquotes.

        :param app: examines the app for a script.
        """
        found = {}
        for row in rows:
            for script in row.strip("`").split("`, `"):
                self.patience = next(
                    (seconds for act, seconds in PATIENCE.items() if act in script), type(self).patience
                )
                self.simulator.set_script(parse_rules([json.loads("{" + script + "}")] if script else []))
                found[row] = await app(script)
                self.assertEqual(found[row], rows[row], script)
        return found

    def check_harmless(self, *secrets: str) -> None:
        """Nothing was sent to a device, and nothing secret was shown."""
        self.assertEqual(list(self.simulator.received.entries()), [])
        shown = "\n".join(str(each) for each in self.shown)
        private = [path.read_text() for path in Path(self.simulator.certificates.directory).iterdir()]
        lines = {line for text in private for line in text.splitlines() if len(line) == 64}
        self.assertEqual([each for each in {*secrets, *lines} if each in shown], [])
        for each in self.shown:
            self.assertEqual(bool(each.meaning and each.advice), each.level is not Level.OK, each)


class BinaryTests(FaultCase):
    """Apple's binary service."""

    patience = 5.0

    def app(self, **keys: Any) -> "Coroutine[Any, Any, frozenset[str]]":
        own = {
            "certificate": self.simulator.certificates.client, "port": self.simulator.port,
            "feedback_host": "localhost", "feedback_port": self.simulator.feedback_port,
        }  # fmt: skip
        return self.examine(builtin.apns_stream, **{**own, **keys})

    async def test_every_fault(self) -> None:
        """Each fault has the checks that the page lists, and no other fault has them."""
        await self.start()
        found = await self.play(lambda _: self.app(), documented("Apple's binary service"))
        self.assertTrue(told_apart(found))
        self.check_harmless()

    async def test_the_feedback_list_stays(self) -> None:
        """The feedback service is reached, and its list is not emptied; nor is it read when it is cut."""
        await self.start()
        self.simulator.add_feedback([FeedbackTuple(1_700_000_000, b"dead")])
        self.assertEqual(await self.app(), frozenset())
        self.assertIn("feedback", {each.check for each in self.shown})
        self.assertEqual(self.simulator.summary()["feedback"]["waiting"], 1)

    async def test_a_certificate_of_another_authority(self) -> None:
        """A certificate that the service did not issue is told from one that it has revoked."""
        await self.start()
        other = simulator(self.mktemp())
        self.assertEqual(
            await self.app(certificate=other.certificates.client), frozenset({"client-certificate-issuer"})
        )


class HTTP2Tests(FaultCase):
    """Apple's HTTP/2 API."""

    def app(self, **keys: Any) -> "Coroutine[Any, Any, frozenset[str]]":
        directory = Path(self.simulator.certificates.directory)
        own = {
            "key_file": directory / "AuthKey_SIMKEY0001.p8", "team_id": "SIMTEAM001",
            "topic": "com.example.news", "port": self.simulator.http2_port,
        }  # fmt: skip
        return self.examine(builtin.apns_http2, **{**own, **keys})

    async def test_every_fault(self) -> None:
        """Each fault has the checks that the page lists, and no other fault has them."""
        await self.start()
        found = await self.play(lambda _: self.app(), documented("Apple's HTTP/2 API"))
        self.assertTrue(told_apart(found))
        self.check_harmless()

    async def test_a_key_of_another_team(self) -> None:
        """A credential that Apple does not know is refused in its words."""
        await self.start()
        self.assertEqual(await self.app(team_id="OTHERTEAM1"), frozenset({"credential"}))

    async def test_without_a_key(self) -> None:
        """With a file that cannot be used one comes as far as TCP: nothing is shown to the service."""
        await self.start()
        found = await self.app(key_file=self.simulator.certificates.ca, key_id="SIMKEY0001")
        self.assertIn("provider-key-form", found)
        self.assertEqual([each.check for each in self.shown][-2:], ["name", "tcp"])

    async def test_a_certificate(self) -> None:
        """With a certificate all is well, too."""
        await self.start()
        keys = {"key_file": None, "team_id": None, "topic": None}
        self.assertEqual(await self.app(certificate=self.simulator.certificates.client, **keys), frozenset())


class ServiceTests(FaultCase):
    """The services other than Apple's."""

    async def app_for(self, script: str) -> frozenset[str]:
        """Examine the app of the service that a script is about."""
        name = "fcm" if '"fcm"' in script else "adm"
        [(factory, keys)] = [each for each in self.apps().items() if each[0].name == name]
        return await self.examine(factory, port=self.simulator.services_port, **keys)

    def apps(self) -> dict[UpstreamFactory, dict[str, Any]]:
        """Each service with what its app needs besides."""
        url, secret = self.simulator.services_url, self.secret
        return {
            builtin.fcm: {"service_account_file": self.simulator.services.account.file},
            builtin.adm: {**secret("adm", "client_secret_file", "client_id"), "token_url": f"{url}/auth/O2/token"},
            builtin.hms: {**secret("hms", "app_secret_file", "app_id"), "token_url": f"{url}/oauth2/v3/token"},
            builtin.baidu: secret("baidu", "secret_file", "api_key"),
            builtin.xiaomi: secret("xiaomi", "app_secret_file", "package"),
            builtin.wns: {
                **secret("wns", "client_secret_file", "client_id"), "token_url": f"{url}/accesstoken.srf",
            },
            builtin.mpns: {"certificate": self.simulator.certificates.client},
            builtin.webpush: {"vapid_key_file": self.vapid(), "subject": "mailto:ops@example.org"},
        }  # fmt: skip

    def vapid(self) -> Path:
        """A key for Web Push."""
        path = Path(self.mktemp()).absolute()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pem(key()))
        path.chmod(0o600)
        return path

    def secret(self, service: str, key: str, id_key: str) -> dict[str, Any]:
        """The keys of a table with a secret."""
        path = Path(self.mktemp()).absolute()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(APPS[service].client_secret)
        path.chmod(0o600)
        return {key: path, id_key: APPS[service].client_id}

    async def test_every_fault(self) -> None:
        """Each fault has the checks that the page lists, and no other fault has them."""
        await self.start()
        found = await self.play(self.app_for, documented("Other services"))
        self.assertTrue(told_apart(found))
        self.check_harmless()

    async def test_every_service(self) -> None:
        """All is well with each of them, and each says so: the credential was accepted, or a token obtained."""
        await self.start()
        for factory, keys in self.apps().items():
            self.shown.clear()
            found = await self.examine(factory, port=self.simulator.services_port, **keys)
            self.assertEqual(found, frozenset(), (factory.name, self.shown))
            proof = {"mpns": "tls", "webpush": "tls", "wns": "token"}.get(factory.name, "credential")
            self.assertIn(proof, {each.check for each in self.shown}, factory.name)
        self.check_harmless(*(each.client_secret for each in APPS.values()))

    async def harmony(self, **claims: Any) -> frozenset[str]:
        """Examine an app on version 3 of Push Kit, whose account's file has other fields."""
        fields = json.loads(self.simulator.services.harmony.file.read_bytes())
        path = Path(self.mktemp()).absolute()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(fields | claims))
        path.chmod(0o600)
        return await self.examine(builtin.hms, port=self.simulator.services_port, service_account_file=path)

    async def test_version_3_of_push_kit(self) -> None:
        """All is well; the account is said, and a key, an account or a clock that is wrong is found."""
        await self.start()
        self.assertEqual(await self.harmony(), frozenset())
        found = {each.check: each.what for each in self.shown}
        self.assertIn("101783233, of the project 388421841222199046", found["push-kit-account"])
        self.assertIn("accepts it", found["credential"])
        self.assertNotIn("token", found)
        self.assertEqual(
            await self.harmony(private_key=pem(rsa_key(2048)).decode()), frozenset({"credential"})
        )
        self.assertEqual(await self.harmony(sub_account="1"), frozenset({"credential"}))
        for reason, status, check in (("80200005", 200, "credential-clock"), ("0", 401, "credential-token")):
            rule = {"act": "answer", "service": "hms", "reason": reason, "status": status}
            self.simulator.set_script(parse_rules([rule]))
            self.assertEqual(await self.harmony(), frozenset({check}))
        self.check_harmless()

    async def test_every_service_with_another_secret(self) -> None:
        """A secret that the service does not know is found by each service that has one, and is not shown."""
        await self.start()
        wrong = Path(self.mktemp())
        wrong.write_text("hush-another-secret")
        wrong.chmod(0o600)
        for factory, keys in self.apps().items():
            changed = {key: wrong for key in keys if key.endswith("secret_file")}
            if changed:
                found = await self.examine(factory, port=self.simulator.services_port, **{**keys, **changed})
                expected = "credential" if "token_url" not in keys else "token-refused"
                self.assertEqual(found, frozenset({expected}), factory.name)
        self.check_harmless("hush-another-secret")
