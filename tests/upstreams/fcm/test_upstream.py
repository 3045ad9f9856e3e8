"""FCM over real TLS: access tokens, answers, and what the service goes through."""

import json
from pathlib import Path

from twisted.logger import capturedLogs, formatEvent

from pushgate.model.outcome import State
from pushgate.plugins.builtin import fcm
from tests.service_rig import ServiceCase, ServiceRig

HELLO = b'{"notification":{"title":"Hi"},"data":{"k":"v"}}'
LIVING = [f"token{number}" for number in range(40)]


class FcmTests(ServiceCase):
    async def rig(self, *script: dict[str, object], **more: object) -> ServiceRig:
        """A rig with an app on FCM."""
        simulator = more.pop("simulator", None)
        rig = self.made(*script, simulator=simulator)
        account = rig.simulator.services.account.file
        quick = {"retry_delay": "50ms", "device_delay": "50ms"}
        await rig.begin(
            fcm, lambda _: {"host": "localhost", "service_account_file": account, **quick, **more}
        )
        return rig

    async def test_living_and_dead(self) -> None:
        """Good tokens are accepted, once each; dead ones are refused and entered."""
        rig = await self.rig()
        await rig.send([*LIVING, "gone1", "gone2"], HELLO)
        await rig.settled()
        self.assertEqual(rig.handles(), dict.fromkeys(LIVING, 1))
        self.assertEqual({rig.outcomes()[each] for each in LIVING}, {(State.ACCEPTED, 200)})
        self.assertEqual(rig.outcomes()["gone1"], (State.REJECTED, 404))
        self.assertEqual(set(rig.dead()), {"gone1", "gone2"})
        (entry,) = list(rig.simulator.received.entries())[:1]
        self.assertEqual((entry.service, entry.protocol), ("fcm", "http2"))
        self.assertEqual(json.loads(entry.payload or b"")["data"], {"k": "v"})

    async def test_topics_and_conditions(self) -> None:
        """A target may be a topic, a condition or an installation's id."""
        rig = await self.rig()
        targets = ["topic:news", "condition:'a' in topics && 'b' in topics", "fid:dXyz"]
        await rig.send(targets, HELLO)
        await rig.settled()
        self.assertEqual({rig.outcomes()[each] for each in targets}, {(State.ACCEPTED, 200)})

    async def test_one_access_token(self) -> None:
        """It is asked for once, however many connections and notifications there are."""
        rig = await self.rig(connections=4)
        for number in range(10):
            await rig.send([f"{each}-{number}" for each in LIVING], HELLO)
        await rig.settled()
        self.assertEqual(rig.simulator.received.services["fcm"].calls, {"token 200": 1})

    async def test_an_access_token_that_ends_early(self) -> None:
        """The service refuses it in the middle: another is had, and all is accepted, once each."""
        rig = await self.rig()
        await rig.send(LIVING[:20], HELLO)
        await rig.settled()
        rig.simulator.services.expire_tokens()
        await rig.send(LIVING[20:], HELLO)
        await rig.settled()
        self.assertEqual(rig.handles(), dict.fromkeys(LIVING, 1))
        self.assertEqual(rig.simulator.received.services["fcm"].calls, {"token 200": 2})

    async def test_a_token_service_that_refuses(self) -> None:
        """The circuit opens at the start, with the reason in words; nothing is sent or lost."""
        rule = {"act": "answer", "service": "fcm", "call": "token", "reason": "invalid_grant"}
        with capturedLogs() as events:
            rig = await self.rig(rule)
            await self.until(rig, lambda: rig.circuit()[0])
        self.assertEqual(rig.circuit(), (True, "credential-rejected"))
        lines = [formatEvent(each) or "" for each in events if "ServiceHealth" in each["log_namespace"]]
        self.assertRegex(lines[0], r"apps\.news\.service_account_file: localhost:\d+: .*400, invalid_grant")
        await rig.send(LIVING[:1], HELLO)
        self.assertEqual(rig.outcomes(), {})

    async def test_a_permission_that_is_missing(self) -> None:
        """The project refuses the account: the circuit opens, and the notification waits."""
        rig = await self.rig({"act": "answer", "service": "fcm", "reason": "PERMISSION_DENIED"})
        await rig.send(LIVING[:1], HELLO)
        await self.until(rig, lambda: rig.circuit()[0])
        self.assertEqual(rig.circuit(), (True, "credential-rejected"))
        self.assertEqual(rig.outcomes(), {})

    async def test_trouble(self) -> None:
        """What the service cannot do now is sent again, when it says so."""
        rules = [
            {"act": "answer", "service": "fcm", "reason": "UNAVAILABLE", "times": 2, "retry_after": "0s"},
            {"act": "answer", "service": "fcm", "reason": "QUOTA_EXCEEDED", "times": 2, "retry_after": "0s"},
        ]
        rig = await self.rig(*rules)
        await rig.send(LIVING, HELLO)
        await rig.settled()
        self.assertEqual(rig.handles(), dict.fromkeys(LIVING, 1))

    async def test_goaway(self) -> None:
        """Normal at Google: what was not looked at goes out on another connection."""
        rig = await self.rig({"act": "goaway", "service": "fcm", "times": 3, "probability": 0.1})
        for number in range(5):
            await rig.send([f"{each}-{number}" for each in LIVING], HELLO)
        await rig.settled()
        self.assertEqual(set(rig.handles().values()), {1})
        self.assertEqual(len(rig.handles()), 200)

    async def test_an_account_that_cannot_be_used(self) -> None:
        """The start fails, with a line that names file and reason and quotes nothing of it."""
        path = Path(self.mktemp())
        path.write_text('{"type":"authorized_user","client_secret":"hush"}')
        with self.assertRaises(Exception) as caught:
            await self.rig(service_account_file=path)
        text = str(caught.exception)
        self.assertIn(f"apps.news.service_account_file: {path}: type must be", text)
        self.assertNotIn("hush", text)
