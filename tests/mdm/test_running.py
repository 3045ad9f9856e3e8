"""Managed devices with programs in processes of their own: a gateway, and a push service of the binary stream."""

import json
import re
import signal
from typing import Any
from urllib.request import urlopen

from twisted.internet import reactor

from pushgate.client import connect
from pushgate.model.errors import CannotStart
from pushgate.simulator.certificates import Certificates
from tests.mdm_certificate import mdm_certificate
from tests.process import ProcessTestCase, Twistd, eventually
from tests.samples import TOKEN

OLD, OTHER = "com.apple.mgmt.External.1", "com.apple.mgmt.External.2"
SIMULATOR = """
[simulator]
listen = "tcp:0:interface=127.0.0.1"
feedback_listen = "tcp:0:interface=127.0.0.1"
http2_listen = "tcp:0:interface=127.0.0.1"
services_listen = "tcp:0:interface=127.0.0.1"
control_listen = "tcp:0:interface=127.0.0.1"
state_dir = "simulator"
"""
GATEWAY = """
[gateway]
state_dir = "state"
drain_timeout = "100ms"
[apps.devices]
{upstream}
certificate = "mdm.pem"
mdm = true
host = "localhost"
[inputs.amp]
type = "amp"
listen = "tcp:0:interface=127.0.0.1"
"""
HTTP2 = 'upstream = "apns-http2"\nport = 1'
STREAM = 'upstream = "apns-stream"\nfeedback = false\nresponse_timeout = "500ms"\nport = {push}'


class RunningTests(ProcessTestCase):
    async def start(self, upstream: str) -> Twistd:
        """The gateway; its state is that of one before it."""
        if not (self.directory / "mdm.pem").exists():
            mdm_certificate(self.directory / "mdm.pem", OLD)
        (self.directory / "pushgate.toml").write_text(GATEWAY.format(upstream=upstream))
        gateway = self.twistd("pushgate", "--config", "pushgate.toml")
        self.client = connect(reactor, f"tcp:{await gateway.address('amp')}")
        self.addCleanup(self.client.close)
        return gateway

    async def serve(self) -> str:
        """Start the push service, which knows the gateway's certificate; return the settings that reach it."""
        folder = self.directory / "simulator"
        folder.mkdir()
        Certificates.in_directory(folder)
        mdm_certificate(self.directory / "mdm.pem", OLD, folder)
        (self.directory / "simulator.toml").write_text(SIMULATOR)
        service = self.twistd("pushgate-simulator", "--config", "simulator.toml")
        await service.until(lambda: "control on" in service.out and "push on" in service.out, "it listened")
        [self.control] = re.findall(r"control on 127.0.0.1:([0-9]+)", service.out)
        [push] = re.findall(r"push on 127.0.0.1:([0-9]+)", service.out)
        return STREAM.format(push=push) + '\ntrust = "simulator/ca.pem"'

    def received(self) -> list[dict[str, Any]]:
        """What the push service has accepted."""
        with urlopen(f"http://127.0.0.1:{self.control}/received") as answer:
            received: list[dict[str, Any]] = json.load(answer)["received"]
        return received

    async def enrolled_under(self, push_magic: str) -> str:
        """Enrol; the topic of that."""
        await self.client.enrol("devices", TOKEN, push_magic)
        said = await self.client.diagnose("devices", TOKEN)
        topic: str = said["enrolment"]["topic"]
        return topic

    async def renew(self, upstream: str) -> None:
        """A certificate of the same topic, one of another, and the same with the override."""
        await self.start(upstream)
        file = self.directory / "mdm.pem"
        self.assertEqual(await self.enrolled_under("first"), OLD)
        mdm_certificate(file, OLD)
        self.assertEqual(len(await self.client.reload()), 1)
        mdm_certificate(file, OTHER)
        with self.assertRaises(CannotStart) as caught:
            await self.client.reload()
        [fault] = caught.exception.faults
        self.assertIn(f"apps.devices.certificate: its topic (UID) is {OTHER}, but devices", fault)
        self.assertIn(f"have enrolled under {OLD}", fault)
        self.assertEqual(await self.enrolled_under("second"), OLD)
        overriding = f"{upstream}\nmdm_topic_override = true"
        (self.directory / "pushgate.toml").write_text(GATEWAY.format(upstream=overriding))
        await self.client.reload()
        self.assertEqual(await self.enrolled_under("third"), OTHER)

    async def test_a_renewed_certificate_over_http2(self) -> None:
        """One of another topic is refused at a reload, and the old one stays in use, until it is meant to be so."""
        await self.renew(HTTP2)

    async def test_a_renewed_certificate_of_the_stream(self) -> None:
        """Likewise."""
        await self.renew(STREAM.format(push=1))

    async def test_a_device_is_woken_over_the_stream(self) -> None:
        """It is pushed to with its push magic, and calls; a diagnosis tells that."""
        gateway = await self.start(await self.serve())
        await self.client.enrol("devices", TOKEN, "magic")
        await eventually(self.received, "a push", gateway)
        [push] = self.received()
        self.assertEqual((push["token"], json.loads(push["payload"])), (TOKEN.hex(), {"mdm": "magic"}))
        self.assertTrue(await self.client.check_in("devices", TOKEN))
        said = await self.client.diagnose("devices", TOKEN)
        self.assertEqual(said["enrolment"]["topic"], OLD)
        self.assertTrue(said["summary"].startswith("it called after the last push"))

    async def test_a_check_out_is_kept_before_it_is_answered(self) -> None:
        """A gateway that is killed after the answer knows of it when it runs again."""
        gateway = await self.start(HTTP2)
        await self.client.enrol("devices", TOKEN, "magic")
        self.assertTrue(await self.client.check_out("devices", TOKEN))
        gateway.signal(signal.SIGKILL)
        await gateway.ended()
        await self.client.close()
        await self.start(HTTP2)
        said = await self.client.diagnose("devices", TOKEN)
        self.assertEqual(said["summary"], "it left management 0 min ago; it has to enrol again")
        verdicts = {each["cause"]: each["verdict"] for each in said["causes"]}
        self.assertEqual({verdicts.pop("checked_out")}, {"certain"})
        self.assertEqual({*verdicts.values()}, {"ruled out"})
