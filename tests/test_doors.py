"""One gateway with all of its doors, as a process: whatever comes in, by whichever door, goes out exactly once."""

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import trustme
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.internet.utils import getProcessOutputAndValue

from pushgate.client import connect
from tests.process import ProcessTestCase, Twistd
from tests.samples import token

HERE = Path(__file__).parent
CONFIG = """
[gateway]
state_dir = "{directory}/state"

[apps.news]
upstream = "simulator"
response_timeout = "300ms"

[inputs.amp]
type = "amp"
listen = "tcp:0:interface=127.0.0.1"

[inputs.line]
type = "line"
listen = "tcp:0:interface=127.0.0.1"

[inputs.apns]
type = "apns"
listen = "tcp:0:interface=127.0.0.1"
feedback_listen = "tcp:0:interface=127.0.0.1"
certificate = "{server}"
client_authorities = "{authority}"

[inputs.apns.certificates]
"Apple Push Services: com.example.news" = "news"

[sinks.outcomes]
type = "jsonl"
path = "{directory}/outcomes.jsonl"
"""
LINES = """
import socket, sys
peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
for number in range(1000, 1300):
    peer.sendall(b'PUSH news %064x {"aps":{"alert":"%d"}}\\n' % (number, number))
peer.shutdown(socket.SHUT_WR)
answers = b"".join(iter(lambda: peer.recv(65536), b""))
sys.exit(answers.count(b"OK ") != 300)
"""
"""A program that knows sockets and the line protocol."""


class DoorsTests(ProcessTestCase):
    timeout = 80

    def files(self) -> dict[str, str]:
        """Certificates for both ends of the listener."""
        authority, paths = (
            trustme.CA(),
            {"directory": str(self.directory), "authority": f"{self.directory}/ca.pem"},
        )
        authority.cert_pem.write_to_path(paths["authority"])
        for name, common_name in (("server", "gate"), ("client", "Apple Push Services: com.example.news")):
            paths[name] = f"{self.directory}/{name}.pem"
            issued = authority.issue_cert("localhost", common_name=common_name)
            issued.private_key_and_cert_chain_pem.write_to_path(paths[name])
        return paths

    async def run_program(self, *arguments: str) -> str:
        """What a Python program says, which must end well."""
        out, err, code = await getProcessOutputAndValue(sys.executable, arguments)
        self.assertEqual(code, 0, err.decode())
        return out.decode()

    async def push_by_amp(self, address: str) -> None:
        async with connect(reactor, f"tcp:{address}") as gateway:
            receipt = await gateway.push_batch("news", [token(n) for n in range(2000, 2300)], {"aps": {}})
            self.assertEqual(receipt.accepted, 300)

    async def get(self, url: str) -> Any:
        """JSON from the simulator's control port."""
        return json.loads(await deferToThread(lambda: urlopen(url, timeout=20).read()))

    async def test_one_audit_over_all(self) -> None:
        """AMP, a socket with lines, and two old APNs libraries at a time; then every outcome is told once as well."""
        files = self.files()
        process = self.twistd("pushgate", "--config", self.config(CONFIG.format(**files)))
        amp, line = await process.address("input amp"), await process.address("input line")
        push, feedback = re.findall(r"input apns +ssl ([0-9.]+:[0-9]+)", process.out)
        old = [
            str(HERE / "old_program.py"),
            push.partition(":")[2],
            feedback.partition(":")[2],
            files["client"],
            "300",
        ]
        await gatherResults(
            [
                Deferred.fromCoroutine(self.push_by_amp(amp)),
                Deferred.fromCoroutine(self.run_program("-c", LINES, line.partition(":")[2])),
                Deferred.fromCoroutine(self.run_program(old[0], "pushjack", *old[1:])),
                Deferred.fromCoroutine(self.run_program(old[0], "pyapns_simple", *old[1:])),
            ]
        )
        expected = Counter(token(n).hex() for n in (*range(1000, 1300), *range(2000, 2300), *range(300)))
        # Some of pushjack's are refused at the door, on purpose.
        expected += Counter(token(n).hex() for n in range(300) if n % 50 != 25)
        await self.assert_sent_once(process, expected)

    async def assert_sent_once(self, process: Twistd, expected: Counter[str]) -> None:
        control = re.search(r"http://[0-9.:]+/", process.out)
        assert control is not None
        while (await self.get(f"{control[0]}summary"))["accepted"] < sum(expected.values()):
            await deferLater(reactor, 0.05)
        received = await self.get(f"{control[0]}received?limit=10000")
        self.assertEqual(Counter(each["token"] for each in received["received"]), expected)
        await process.stop()
        records = map(json.loads, (self.directory / "outcomes.jsonl").read_text().splitlines())
        told = Counter(record["token"] for record in records if record["state"] in ("accepted", "presumed"))
        self.assertEqual(told, expected)
