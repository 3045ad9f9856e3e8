"""Push Kit's version 3 over real TLS: the tokens that are signed here, push types, and what is refused."""

import json
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from twisted.logger import capturedLogs, formatEvent

from pushgate.model.errors import CannotStart, Invalid
from pushgate.model.outcome import State
from pushgate.plugins.builtin import hms
from pushgate.simulator.services.service_account import pem_of
from tests.service_rig import ServiceCase, ServiceRig

HELLO = b'{"payload":{"notification":{"category":"IM","title":"Hi","body":"there"}}}'
LIVING = [f"token{number}" for number in range(20)]


class HarmonyTests(ServiceCase):
    async def rig(self, *script: dict[str, object], wall: Any = time.time, **more: object) -> ServiceRig:
        """A rig with an app on version 3."""
        rig = self.made(*({"service": "hms", **each} for each in script), wall=wall)
        account = rig.simulator.services.harmony.file
        quick = {"retry_delay": "50ms", "device_delay": "50ms"}
        return await rig.begin(
            hms, lambda _: {"host": "localhost", "service_account_file": account, **quick, **more}
        )

    async def opened(self, rig: ServiceRig) -> str:
        """What the log says of the circuit, once a notification has opened it."""
        with capturedLogs() as events:
            await rig.send(LIVING[:1], HELLO)
            await self.until(rig, lambda: rig.circuit()[0])
        self.assertEqual((rig.outcomes(), rig.handles()), ({}, {}))
        lines = [formatEvent(each) or "" for each in events if "ServiceHealth" in each["log_namespace"]]
        return lines[0]

    async def test_what_is_sent(self) -> None:
        """The body with the seconds that are left, the push type as a number, and a token for all of it."""
        rig = await self.rig(connections=4)
        await rig.send(LIVING, HELLO, expiration=int(time.time()) + 600)
        call = b'{"payload":{"extraData":"x"},"pushOptions":{"ttl":30}}'
        await rig.send(["phone"], call, push_type="call")
        await rig.settled()
        self.assertEqual(rig.handles(), dict.fromkeys([*LIVING, "phone"], 1))
        found = {each.handle: each for each in rig.simulator.received.entries()}
        body = json.loads(found["token0"].payload or b"")
        self.assertEqual(body["payload"], json.loads(HELLO)["payload"])
        self.assertLessEqual(590, body["pushOptions"]["ttl"])
        self.assertLessEqual(body["pushOptions"]["ttl"], 600)
        self.assertEqual(json.loads(found["phone"].payload or b""), json.loads(call))
        sent = {each: found[each].headers["push-type"] for each in ("token0", "phone")}
        self.assertEqual(sent, {"token0": "0", "phone": "10"})
        self.assertEqual(rig.simulator.received.services["hms"].calls, {})  # nothing is asked for a token

    async def test_what_is_refused_at_once(self) -> None:
        """Payloads of version 1, and push types that there are not."""
        rig = await self.rig()
        for payload, terms, words in (
            (b'{"data":"x"}', {}, "payload: no payload, or a target; "),
            (b'{"payload":{},"target":{"token":["a"]}}', {}, "payload: no payload, or a target; "),
            (HELLO, {"push_type": "voip"}, "push_type: "),
        ):
            with self.assertRaises(Invalid) as caught:
                await rig.send(["a"], payload, **terms)
            self.assertTrue(str(caught.exception).startswith(words), caught.exception)

    async def test_a_token_that_is_too_old(self) -> None:
        """The service says so in the middle: another is signed, and all is accepted, once each."""
        rule = {"act": "answer", "reason": "80200005", "request": 7, "times": 1}
        rig = await self.rig(rule)
        await rig.send(LIVING, HELLO)
        await rig.settled()
        self.assertEqual(rig.handles(), dict.fromkeys(LIVING, 1))
        self.assertEqual(set(rig.outcomes().values()), {(State.ACCEPTED, 200)})

    async def test_a_clock_that_is_wrong(self) -> None:
        """A new token is too old as well: the circuit opens, and nothing is lost."""
        rig = await self.rig(wall=lambda: time.time() - 7200)
        said = await self.opened(rig)
        self.assertEqual(rig.circuit(), (True, "clock-wrong"))
        self.assertRegex(
            said, r"apps\.news\.service_account_file: 80200005 for a new token: this machine's clock"
        )

    async def test_a_key_that_the_service_does_not_know(self) -> None:
        """It says so with a code of its own, or with HTTP's 401 alone."""
        account = Path(self.mktemp()).absolute()
        rig = self.made()

        def table(rig: ServiceRig) -> dict[str, object]:
            fields = json.loads(rig.simulator.services.harmony.file.read_bytes())
            account.write_text(
                json.dumps({**fields, "private_key": pem_of(generate_private_key(65537, 2048))})
            )
            return {"host": "localhost", "service_account_file": account}

        await rig.begin(hms, table)
        said = await self.opened(rig)
        self.assertEqual(rig.circuit(), (True, "credential-rejected"))
        self.assertIn("apps.news.service_account_file: 80200001", said)

    async def test_a_token_that_is_refused_without_a_code(self) -> None:
        """A new one is tried once, then it is the key that is at fault."""
        rig = await self.rig({"act": "answer", "status": 401, "reason": "0"})
        said = await self.opened(rig)
        self.assertEqual(rig.circuit(), (True, "credential-rejected"))
        self.assertIn("0 for a new token: the service does not know this key", said)
        self.assertEqual(rig.simulator.summary()["services"]["hms"]["rejected"], {"401": 2})

    async def test_a_right_that_the_app_does_not_have(self) -> None:
        """It is no fault of the token, which stays alive."""
        told = '{"failure":1,"illegalTokens":{"noPushTypeRight":["token0"]}}'
        rig = await self.rig({"act": "answer", "reason": "80300007", "message": told, "handle": "token0"})
        await rig.send([*LIVING, "gone1"], HELLO)
        await rig.settled()
        self.assertEqual(rig.outcomes()["token0"], (State.REJECTED, 200))
        self.assertEqual(rig.dead(), {"gone1": "InvalidRegistrationId"})

    async def test_files_that_cannot_be_used(self) -> None:
        """The start is refused, with a line for each."""
        other = Path(self.mktemp()).absolute()
        other.write_text("{}")
        with self.assertRaises(CannotStart) as failed:
            await self.rig(service_account_file=other, trust=other)
        self.assertEqual(
            [each.partition(";")[0] for each in failed.exception.faults],
            [
                f"apps.news.trust: {other}: no certificate in PEM",
                f"apps.news.service_account_file: {other}: project_id is missing or cannot be one",
            ],
        )
