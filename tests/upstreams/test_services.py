"""Every push service other than Apple's before the simulator, over TLS: what holds for all of them."""

from typing import Any, ClassVar

from twisted.internet.defer import Deferred

from bench.service_apps import SERVICE_APPS, ServiceApp
from pushgate.model.outcome import State
from pushgate.testing import RecordingQueue
from tests.connect_proxy import ProxyServer
from tests.service_rig import ServiceCase, ServiceRig

QUICK = {"retry_delay": "50ms", "device_delay": "50ms"}


class Every(ServiceCase):
    """The tests of one service.

    :cvar app: on it.
    """

    __test__ = False
    app: ClassVar[ServiceApp]

    async def rig(self, *script: dict[str, Any], **more: Any) -> ServiceRig:
        """A rig with an app on the service."""
        rules = [{"service": self.app.kind, **rule} for rule in script]
        rig: ServiceRig = self.made(*rules)
        await rig.begin(self.app.factory, lambda rig: {**QUICK, **self.app.table(rig.simulator), **more})
        return rig

    async def sent(self, rig: ServiceRig, *names: str, **terms: Any) -> dict[str, str]:
        """Send to these; return the targets by name."""
        targets = {name: self.app.target(rig.simulator, name) for name in names}
        await rig.send(list(targets.values()), self.app.payload, **terms)
        return targets

    async def test_living_and_dead(self) -> None:
        """Each living target gets it once; a dead one is refused, and known to be dead from then on."""
        rig = await self.rig()
        names = [f"device{number}" for number in range(12)]
        targets = await self.sent(rig, *names, "gone1")
        await rig.settled()
        self.assertEqual(sorted(rig.handles().values()), [1] * 12)
        outcomes = rig.outcomes()
        self.assertEqual({outcomes[targets[name]][0] for name in names}, {State.ACCEPTED})
        self.assertEqual(outcomes[targets["gone1"]][0], State.REJECTED)
        self.assertEqual(rig.dead(), {targets["gone1"]: self.app.dead})

    async def test_trouble(self) -> None:
        """What the service cannot do now is sent again."""
        rig = await self.rig({"act": "answer", "times": 2, "retry_after": "0s", **self.app.fault})
        await self.sent(rig, *[f"device{number}" for number in range(6)])
        await rig.settled()
        self.assertEqual(sorted(rig.handles().values()), [1] * 6)

    async def test_a_lost_connection(self) -> None:
        """What is not answered is sent again: here none of it was accepted before."""
        rig = await self.rig({"act": "drop", "times": 2})
        await self.sent(rig, *[f"device{number}" for number in range(6)])
        await rig.settled()
        self.assertEqual(sorted(rig.handles().values()), [1] * 6)

    async def test_at_most_once(self) -> None:
        """What was accepted, and not answered, is unknown, and not sent again."""
        rule = {"act": "drop", "times": 1, "accepted": True}
        rig = await self.rig(rule, delivery="at-most-once")
        for name in ("device1", "device2"):
            await self.sent(rig, name)
            await rig.settled()
        self.assertEqual(sorted(rig.handles().values()), [1, 1])
        states = sorted(state for state, _ in rig.outcomes().values())
        self.assertEqual(states, ["accepted", "unknown"])

    async def test_stopped_before_its_start(self) -> None:
        """A gateway that is stopped while it starts stops apps that it has not started yet."""
        rig = self.made()
        await rig.simulator.start()
        made = self.app.factory.config.model_validate({
            "upstream": self.app.kind, "trust": rig.simulator.certificates.ca,
            **self.app.table(rig.simulator),
        })  # fmt: skip
        upstream = self.app.factory.upstream("news", made, RecordingQueue(), rig.context)
        await upstream.stop()
        upstream.abort()

    async def test_through_a_proxy(self) -> None:
        """All connections go through the app's proxy, those to its token service too."""
        proxies = await ProxyServer().start()
        self.addCleanup(lambda: Deferred.fromCoroutine(proxies.stop()))
        rig = await self.rig(proxy=proxies.url)
        await self.sent(rig, "device1")
        await rig.settled()
        asked = [proxy.asked.split()[1].decode() for proxy in proxies.proxies]
        self.assertEqual(set(asked), {f"localhost:{rig.simulator.services_port}"})
        self.assertGreaterEqual(len(asked), 2 if self.app.has_tokens else 1)


class FcmTests(Every):
    __test__, app = True, SERVICE_APPS["fcm"]


class WebPushTests(Every):
    __test__, app = True, SERVICE_APPS["webpush"]


class WnsTests(Every):
    __test__, app = True, SERVICE_APPS["wns"]


class AdmTests(Every):
    __test__, app = True, SERVICE_APPS["adm"]


class HmsTests(Every):
    __test__, app = True, SERVICE_APPS["hms"]


class HarmonyTests(Every):
    __test__, app = True, SERVICE_APPS["hms-v3"]


class BaiduTests(Every):
    __test__, app = True, SERVICE_APPS["baidu"]


class MpnsTests(Every):
    __test__, app = True, SERVICE_APPS["mpns"]


class XiaomiTests(Every):
    __test__, app = True, SERVICE_APPS["xiaomi"]
