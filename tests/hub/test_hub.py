"""A whole hub: SQLite, a real gateway, and the simulator as the push service."""

import time
from collections import Counter
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from pushgate.hub.hub import Hub
from pushgate.hub.settings import HubTable
from pushgate.model.errors import Invalid, ShuttingDown, TooFast
from pushgate.model.hub.access import Right
from pushgate.model.hub.errors import EtagMismatch, Gone, UnknownResource
from pushgate.model.hub.installation import Installation, InstallationTemplate
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration, RegistrationQuery, Template
from pushgate.model.hub.send import ENDED, SendDetails, SendRequest, SendState
from pushgate.plugin.hub_interface import IHub
from pushgate.plugin.sink_interface import IOutcomeSink
from tests.rig import Rig, dead, live

BODY = b'{"aps":{"alert":"Hello"}}'
KEY = "0123456789abcdef0123456789abcdef"


def native(number: int, *tags: str, **more: Any) -> Registration:
    """A registration of a living device."""
    return Registration(platform=Platform.APNS, handle=live(number), tags=tags, **more)


class HubTestCase(TestCase):
    async def hub_with(self, **keys: Any) -> Hub:
        """A started hub on a simulator."""
        self.directory = Path(self.mktemp())
        self.directory.mkdir()
        (self.directory / "key").write_text(KEY)
        self.rig = Rig(str(self.directory))
        rules = {"Full": {"rights": ["manage"], "key_file": str(self.directory / "key")}}
        table = HubTable.model_validate({"apns": "news", "rules": rules, **keys})
        context = replace(self.rig.context, state_dir=self.directory)
        self.hub = Hub("main", table, self.rig.gateway, context)
        self.rig.gateway.add_sink("hubs.main", self.hub.sink, 1_000_000)
        await self.rig.start()
        self.hub.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.end()))
        return self.hub

    async def end(self) -> None:
        await self.hub.stop()
        await self.rig.stop()

    async def ended(self, send_id: str) -> SendDetails:
        """The details of a send, once it has ended."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            details = await self.hub.details(send_id)
            if details.send.state in ENDED:
                return details
            await deferLater(reactor, 0.02)
        raise AssertionError(f"not ended: {await self.hub.details(send_id)}")

    def received(self) -> Counter[str]:
        """How often each token was accepted."""
        return Counter(entry.token.hex() for entry in self.rig.simulator.received.entries())


class HubTests(HubTestCase):
    async def test_interfaces(self) -> None:
        """The hub and its sink keep their contracts."""
        hub = await self.hub_with()
        verifyObject(IHub, hub)
        verifyObject(IOutcomeSink, hub.sink)
        assert hub.rules()["Full"].permits(Right.SEND)

    async def test_a_send_reaches_the_tagged_devices_and_is_completed(self) -> None:
        """The simulator has the body once for each device, and the details count it."""
        hub = await self.hub_with()
        for number in range(20):
            await hub.create_registration(native(number, "odd" if number % 2 else "even", f"n{number}"))
        await hub.create_registration(native(1, "odd"))
        send = await hub.send(SendRequest(body=BODY, platform=Platform.APNS, expression="odd && !n3"))
        details = await self.ended(send.id)
        wanted = {live(number).hex() for number in range(1, 20, 2) if number != 3}
        assert self.received() == Counter(wanted)
        assert details.send.state is SendState.COMPLETED
        assert details.outcomes == {Platform.APNS: {"Success": 9, "Skipped": 1}}
        assert not details.has_errors

    async def test_a_dead_device_is_removed_and_reported(self) -> None:
        """Its registration goes with the outcome, the error details have it, and a later one counts again."""
        hub = await self.hub_with()
        for number in range(5):
            await hub.create_registration(native(number))
        gone = Registration(platform=Platform.APNS, handle=dead(1), tags=("a",))
        await hub.put_installation(
            Installation(id="i", platform=Platform.APNS, push_channel=dead(2).hex(), handle=dead(2))
        )
        made = await hub.create_registration(gone)
        await deferLater(reactor, 1.1)  # a death in the second of a registration does not count
        send = await hub.send(SendRequest(body=BODY, platform=Platform.APNS))
        details = await self.ended(send.id)
        assert details.outcomes == {Platform.APNS: {"Success": 5, "BadChannel": 2}}
        assert details.has_errors
        entries = await hub.feedback(send.id, None, 0, 10)
        assert {(each.handle, each.name) for each in entries} == {
            (dead(1), "BadChannel"), (dead(2), "BadChannel")
        }  # fmt: skip
        assert made.id in {each.registration_id for each in entries}
        assert await hub.feedback_days() == [time.strftime("%m%d%Y", time.gmtime())]
        await self.pruned(made.id)
        assert await hub.count(None) == {"apns": 5}
        assert (await hub.installation("i")).push_channel_expired

    async def test_many_registrations_are_imported_under_their_ids(self) -> None:
        """A bad one is refused alone, and the same import again adds none."""
        hub = await self.hub_with()
        await hub.put_installation(
            Installation(id="i", platform=Platform.APNS, push_channel=live(9).hex(), handle=live(9))
        )
        [part] = (await hub.registrations(RegistrationQuery())).registrations
        given = [
            native(1, "a", id="one"),
            Registration(platform=Platform.WNS, handle=b"https://x.notify.windows.com/"),
            native(2, "b", id=part.id),
            native(3, id="three"),
        ]
        for _ in range(2):
            one, unknown, owned, three = await hub.import_registrations(given)
            assert isinstance(one, Registration)
            assert isinstance(three, Registration)
            assert (one.id, one.tags, three.id) == ("one", ("a",), "three")
            assert "platform: wns has no app in this hub" in str(unknown)
            assert "change the installation" in str(owned)
            assert await hub.count(None) == {"apns": 3}
        assert hub.apps() == {Platform.APNS: "news"}

    async def pruned(self, registration_id: str) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                await self.hub.registration(registration_id)
            except UnknownResource:
                return
            self.hub._sweep._all_at = 0.0
            if self.hub._sweep._timer is not None and self.hub._sweep._timer.active():
                self.hub._sweep._timer.reset(0)
            await deferLater(reactor, 0.05)
        raise AssertionError("still registered")

    async def test_templates_of_registrations_and_installations(self) -> None:
        """Each template is a notification of its own; native ones are not sent."""
        hub = await self.hub_with()
        await hub.create_registration(native(1))
        template = Template(body='{"aps":{"alert":"$(message)"}}', name="t")
        await hub.create_registration(native(2, "x", template=template))
        await hub.put_installation(
            Installation(
                id="i", platform=Platform.APNS, push_channel=live(3).hex(), handle=live(3),
                templates={
                    "a": InstallationTemplate(template=template),
                    "b": InstallationTemplate(template=Template(body='{"aps":{"alert":"{\'B \' + $(message)}"}}'), tags=("b",)),
                },
            )
        )  # fmt: skip
        send = await hub.send(SendRequest(body=b'{"message":"say \\"hi\\""}'))
        assert (await self.ended(send.id)).outcomes == {Platform.APNS: {"Success": 3}}
        payloads = sorted(
            (entry.token.hex(), bytes(entry.payload)) for entry in self.rig.simulator.received.entries()
        )
        assert payloads == [
            (live(2).hex(), b'{"aps":{"alert":"say \\"hi\\""}}'),
            (live(3).hex(), b'{"aps":{"alert":"B say \\"hi\\""}}'),
            (live(3).hex(), b'{"aps":{"alert":"say \\"hi\\""}}'),
        ]
        send = await hub.send(SendRequest(body=b'{"message":"x"}', expression="$InstallationId:{i} && b"))
        assert (await self.ended(send.id)).outcomes == {Platform.APNS: {"Success": 1}}

    async def test_a_direct_send_and_a_schedule(self) -> None:
        """To handles without a registration; one that is scheduled is listed, begins in time, or is cancelled."""
        hub = await self.hub_with()
        send = await hub.send(
            SendRequest(body=BODY, platform=Platform.APNS, handles=(live(7).hex(), live(8).hex()))
        )
        await self.ended(send.id)
        assert self.received() == Counter([live(7).hex(), live(8).hex()])
        soon = await hub.send(
            SendRequest(
                body=BODY, platform=Platform.APNS, handles=(live(9).hex(),), scheduled_for=time.time() + 0.5
            )
        )
        later = await hub.send(
            SendRequest(
                body=BODY, platform=Platform.APNS, handles=(live(10).hex(),), scheduled_for=time.time() + 60
            )
        )
        assert [each.id for each in await hub.sends(True, 10)] == [soon.id, later.id]
        assert await hub.cancel(later.id)
        assert not await hub.cancel(later.id)
        with self.assertRaises(UnknownResource):
            await hub.cancel("unknown")
        assert (await self.ended(soon.id)).send.state is SendState.COMPLETED
        assert (await hub.details(later.id)).send.state is SendState.CANCELED
        assert self.received()[live(9).hex()] == 1
        assert live(10).hex() not in self.received()
        assert not await hub.cancel(soon.id)

    async def test_a_test_send_says_what_became_of_each_device(self) -> None:
        """To ten at most; the eleventh in a minute is refused."""
        hub = await self.hub_with(test_sends=2)
        for number in range(15):
            await hub.create_registration(native(number))
        tested = await hub.test_send(SendRequest(body=BODY, platform=Platform.APNS))
        assert len(tested.results) == 10
        assert all(each.succeeded and each.registration_id for each in tested.results)
        details = await self.ended(tested.id)
        assert details.outcomes == {Platform.APNS: {"Success": 10}}
        tested = await hub.test_send(SendRequest(body=BODY, platform=Platform.APNS, handles=(dead(1).hex(),)))
        assert [each.outcome for each in tested.results] == ["The Push Notification System handle is invalid"]
        with self.assertRaises(TooFast):
            await hub.test_send(SendRequest(body=BODY, platform=Platform.APNS))

    async def test_registrations_are_kept_with_their_etags(self) -> None:
        """Created, put under an id that was given out, matched, listed, deleted."""
        hub = await self.hub_with()
        number = await hub.create_registration_id()
        made = await hub.put_registration(native(1, "a", id=number))
        assert made.id == number
        with self.assertRaises(EtagMismatch):
            await hub.put_registration(replace(made, tags=("b",)), "0")
        changed = await hub.put_registration(replace(made, tags=("b",)), made.etag)
        assert (await hub.registration(number)).tags == ("b",)
        with self.assertRaises(Gone):
            await hub.put_registration(native(1, id="123-4-5"))
        with self.assertRaises(Invalid):
            await hub.create_registration(native(1, "no tag"))
        page = await hub.registrations(RegistrationQuery(tag="B"))
        assert [each.id for each in page.registrations] == [number]
        assert await hub.tags("", 10) == [("b", 1)]
        assert await hub.count("b || c") == {"apns": 1}
        await hub.delete_registration(number, changed.etag)
        with self.assertRaises(UnknownResource):
            await hub.registration(number)

    async def test_an_installation_is_patched(self) -> None:
        """Its tags change with it, and nothing does when a part of the patch is wrong."""
        hub = await self.hub_with()
        await hub.put_installation(
            Installation(
                id="i", platform=Platform.APNS, push_channel=live(3).hex(), handle=live(3), user_id="u"
            )
        )
        await hub.patch_installation("i", [("add", "/tags", "new")])
        assert await hub.count("new && $UserId:{u}") == {"apns": 1}
        with self.assertRaises(Invalid):
            await hub.patch_installation("i", [("add", "/tags", "other"), ("add", "/tags", "no tag")])
        assert (await hub.installation("i")).tags == ("new",)
        await hub.delete_installation("i")
        assert await hub.count(None) == {}

    async def test_stopped_it_takes_nothing(self) -> None:
        """A send after the stop is refused, and nothing of it is kept."""
        hub = await self.hub_with()
        await hub.stop()
        with self.assertRaises(ShuttingDown):
            await hub.send(SendRequest(body=BODY, platform=Platform.APNS))
        assert await hub.sends(False, 10) == []

    async def test_a_reload_changes_rules_and_limits(self) -> None:
        """A new key signs from then on; a limit that became smaller holds."""
        hub = await self.hub_with()
        (self.directory / "key").write_text(f"{KEY}\n{KEY}2\n")
        hub.read_files()()
        assert len(hub.rules()["Full"].keys) == 2
        rules = {"Listen": {"rights": ["listen"], "key_file": str(self.directory / "key")}}
        hub.configured(HubTable.model_validate({"apns": "news", "max_tags": 0, "rules": rules}))()
        assert set(hub.rules()) == {"Listen"}
        with self.assertRaises(Invalid):
            await hub.create_registration(native(1, "a"))
