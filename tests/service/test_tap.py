"""``twistd -n pushgate``, as a process of its own."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.task import deferLater

from pushgate.client import connect
from pushgate.model.errors import CannotStart, UnknownApp
from tests.cli.programs import records
from tests.process import DEADLINE, ROOT, ProcessTestCase, Twistd

GATEWAY = """
[gateway]
state_dir = "memory"

[apps.demo]
upstream = "simulator"
response_timeout = "200ms"
"""
"""A gateway that keeps nothing, with an app on a simulator, and no input."""
AMP = '[inputs.amp]\ntype = "amp"\nlisten = "tcp:0:interface=127.0.0.1"\n'
"""An input on a port of the system's choice."""


class LogTests(ProcessTestCase):
    """The form of the log is chosen on the command line."""

    async def test_json(self) -> None:
        """Every line is an object, those of Twisted and the many addresses of the ready line too."""
        process = self.twistd("pushgate", "--log-format", "json", "--config", self.config(GATEWAY + AMP))
        await process.until(lambda: "pushgate is ready" in process.out, "it was ready")
        await process.until(lambda: "can be used" in process.out, "its app worked")
        await process.stop()
        lines = [json.loads(line) for line in process.out.splitlines()]
        [ready] = [line for line in lines if line["message"].startswith("pushgate is ready")]
        self.assertEqual((ready["level"], ready["logger"]), ("info", "pushgate.service.lifecycle.Lifecycle"))
        self.assertIn("\n  input amp", ready["message"])
        self.assertEqual(process.err, "")

    async def test_another_form(self) -> None:
        """There are two; another is a fault of the command line."""
        process = self.twistd("pushgate", "--log-format", "xml")
        self.assertEqual(await process.ended(), 1)
        self.assertIn("must be text or json", process.out + process.err)


MISSING = """
[gateway]
state_dir = "memory"
[apps.news]
upstream = "apns-stream"
certificate = "/no/a"
trust = "/no/b"
password_file = "/no/c"
[inputs.amp]
type = "amp"
listen = "tcp:0"
certificate = "/no/d"
private_key = "/no/e"
client_authorities = "/no/f"
[inputs.queue]
type = "amqp"
url = "amqps://localhost/"
password_file = "/no/g"
trust = "/no/h"
certificate = "/no/i"
[sinks.hook]
type = "webhook"
url = "https://localhost/"
allow_private = true
secret_file = "/no/j"
trust = "/no/k"
[principals.shop]
secret_file = "/no/l"
[principals.back]
secret_file = "/no/m"
"""


class FaultTests(ProcessTestCase):
    """What is wrong is said in a line each, before anything is begun."""

    async def refused(self, config: str, status: int = 78) -> list[str]:
        """The lines about a configuration with which the gateway does not start."""
        process = self.twistd("pushgate", "--config", self.config(config))
        self.assertEqual(await process.ended(), status)
        self.assertNotIn("Traceback", process.out + process.err)
        self.assertNotIn("pushgate is ready", process.out)
        self.assertEqual(list(self.directory.iterdir()), [])
        return process.err.splitlines()

    async def test_bad_configuration(self) -> None:
        """Each fault of a file has its line: the file, the key path, what is wrong, what is allowed."""
        said = await self.refused("""
            [gateway]
            expiry = "30"
            [apps.news]
            upstream = "pigeon"
            [inputs.amp]
            type = "amp"
            listen = "tcp:0:interface=127.0.0.1"
            colour = "red"
            [sinks.log]
            type = "log"
            tokens = "some"
        """)
        keys = ("gateway.expiry", "apps.news.upstream", "inputs.amp.colour", "sinks.log.tokens")
        self.assertEqual(len(said), len(keys), said)
        for key in keys:
            [line] = [line for line in said if f"{self.directory.name}.toml: {key}: " in line]
            self.assertTrue(line.startswith("pushgate: "))
        self.assertIn("30m", said[0])
        self.assertIn("simulator", "".join(said))

    async def test_bad_certificate(self) -> None:
        """A certificate that cannot be read is one line with its file and the reason."""
        said = await self.refused(f"""
            [gateway]
            state_dir = "memory"
            [apps.news]
            upstream = "apns-stream"
            certificate = "/no/such/news.pem"
            {AMP}
        """)
        [line] = said
        self.assertIn("apps.news.certificate: /no/such/news.pem: ", line)
        self.assertIn("No such file", line)

    async def test_ports_that_are_taken(self) -> None:
        """Each has its line, in the order of the file, also behind an input that could be opened."""
        taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        for each in taken:
            self.addCleanup(each.close)
        first, second = (each.getsockname()[1] for each in taken)
        said = await self.refused(
            f"""
            [gateway]
            state_dir = "memory"
            [apps.news]
            upstream = "simulator"
            [inputs.amp]
            type = "amp"
            listen = "tcp:{first}:interface=127.0.0.1"
            [inputs.line]
            type = "line"
            listen = "tcp:0:interface=127.0.0.1"
            [inputs.http]
            type = "http"
            listen = "tcp:{second}:interface=127.0.0.1"
            """,
            status=1,
        )
        self.assertEqual(len(said), 2, said)
        for line, name, port in zip(said, ("amp", "http"), (first, second), strict=True):
            self.assertIn(f"pushgate: cannot start: inputs.{name}.listen: ", line)
            self.assertIn(f"127.0.0.1:{port}: [Errno {errno.EADDRINUSE}]", line)

    async def test_all_missing_files(self) -> None:
        """Files that are missing are reported by one start, of whatever part they are."""
        said = await self.refused(MISSING)
        keys = [line.removeprefix("pushgate: ").partition(": /no/")[0] for line in said]
        self.assertEqual(len(keys), len(set(keys)), said)
        self.assertEqual(
            set(keys),
            {
                "principals.shop.secret_file", "principals.back.secret_file",
                "apps.news.certificate", "apps.news.trust", "apps.news.password_file",
                "inputs.amp.certificate", "inputs.amp.private_key", "inputs.amp.client_authorities",
                "inputs.queue.password_file", "inputs.queue.trust", "inputs.queue.certificate",
                "sinks.hook.secret_file", "sinks.hook.trust",
            },
        )  # fmt: skip

    async def test_port_in_use(self) -> None:
        """A port that another has is one line with the input and the address; nothing is sent."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            listen = f'[inputs.amp]\ntype = "amp"\nlisten = "tcp:{port}:interface=127.0.0.1"\n'
            [line] = await self.refused(GATEWAY + listen, status=1)
        self.assertIn("inputs.amp.listen: ", line)
        self.assertIn(str(port), line)

    async def test_a_daemon_that_cannot_start(self) -> None:
        """The process that started it is not kept waiting, gets a status, and no pid file stays behind."""
        config = self.config(GATEWAY + '[sinks.o]\ntype = "jsonl"\npath = "/no/such/directory/o.jsonl"\n')
        twistd = Path(sys.executable).with_name("twistd")
        arguments = ["--pidfile=d.pid", "--logfile=d.log", "pushgate", "--config", config]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        ended = subprocess.run(
            [twistd, *arguments],
            cwd=self.directory,
            env=environment,
            timeout=60,
            capture_output=True,
            check=False,
        )
        self.assertEqual(ended.returncode, 1)
        self.assertIn("/no/such/directory/o.jsonl", (self.directory / "d.log").read_text())
        # twistd answers the process that started it first, and then removes the file.
        deadline = reactor.seconds() + DEADLINE
        while (
            len(left := {file.name for file in self.directory.iterdir()}) > 1 and reactor.seconds() < deadline
        ):
            await deferLater(reactor, 0.02)
        self.assertEqual(left, {"d.log"})

    async def test_no_such_file(self) -> None:
        """So is a configuration that is not there."""
        process = self.twistd("pushgate", "--config", "nowhere.toml")
        self.assertEqual(await process.ended(), 78)
        [line] = process.err.splitlines()
        self.assertIn("nowhere.toml", line)


class DurableTests(ProcessTestCase):
    """A gateway with a state directory keeps what it accepted there."""

    async def test_a_start_that_fails_late(self) -> None:
        """With the spool open and the reactor running it still ends with 1, not as one that was terminated."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            listen = AMP.replace("tcp:0", f"tcp:{other.getsockname()[1]}")
            config = self.config(GATEWAY.replace('"memory"', f'"{self.directory / "state"}"') + listen)
            process = self.twistd("pushgate", "--config", config)
            self.assertEqual(await process.ended(), 1)
        [line] = process.err.splitlines()
        self.assertTrue(line.startswith("pushgate: cannot start: inputs.amp.listen: "), line)
        self.assertIn("pushgate has stopped", process.out)
        self.assertNotIn("Traceback", process.out)

    def temporary(self) -> Path:
        """A directory for temporary files."""
        directory = self.directory / "temporary"
        directory.mkdir()
        return directory

    def durable(self) -> str:
        """A configuration with a push service that nothing serves, and an input."""
        return self.config(
            GATEWAY.replace('"memory"', f'"{self.directory / "state"}"')
            + AMP
            + '[[apps.demo.simulator.script]]\nact = "close"\nframe = 0\n'
        )

    async def test_what_is_left_is_there_again(self) -> None:
        """Killed or stopped, the next gateway knows what was accepted; an idempotency key keeps its id.

        Nothing is left anywhere else: its simulator keeps its keys in the state directory too.
        """
        config, payload, temporary = self.durable(), {"aps": {"alert": "Hi"}}, self.temporary()
        ids = set()
        for signum in (signal.SIGKILL, signal.SIGTERM, signal.SIGTERM):
            process = self.twistd("pushgate", "--config", config, TMPDIR=str(temporary))
            async with connect(reactor, f"tcp:{await process.address('input amp')}") as gateway:
                ids.add(await gateway.push("demo", "0a1b2c", payload, key="once"))
                self.assertIn((await gateway.status(min(ids))).state, {"queued", "written"})
                self.assertEqual((await gateway.stats())["unsettled"], 1)
            process.signal(signum)
            await process.ended()
        self.assertEqual(len(ids), 1)
        self.assertIn("pushgate has stopped; 1 notifications have no outcome", process.out)
        self.assertEqual(list(temporary.iterdir()), [])

    async def test_a_second_signal(self) -> None:
        """A service that reads no more holds a stop up; a second SIGTERM ends it at once, and nothing is lost."""
        outcomes = self.directory / "outcomes.jsonl"
        config = GATEWAY.replace('"memory"', f'"{self.directory / "state"}"').replace("200ms", "20s") + AMP
        sink = f'[sinks.all]\ntype = "jsonl"\npath = "{outcomes}"\n'
        stall = '[[apps.demo.simulator.script]]\nact = "stall"\nframe = 0\nduration = "60s"\n'
        process = self.twistd("pushgate", "--config", self.config(config + stall + sink))
        async with connect(reactor, f"tcp:{await process.address('input amp')}") as gateway:
            ids = {await gateway.push("demo", f"0a1b2{n}", {"aps": {}}) for n in range(3)}
            while {(await gateway.status(each)).state for each in ids} != {"written"}:
                await deferLater(reactor, 0.02)
            process.signal(signal.SIGTERM)
            await process.until(lambda: "Received SIGTERM" in process.out, "the drain")
            asked = reactor.seconds()
            process.signal(signal.SIGTERM)
            await process.ended()
        self.assertLess(reactor.seconds() - asked, 20)  # of 30 s that the drain may take
        self.assertIn("a second signal: stopping at once", process.out)
        self.assertIn("stopped; 3 notifications have no outcome and stay in the spool; 0 were", process.out)
        self.assertEqual((process.err, outcomes.read_text()), ("", ""))
        self.assertNotIn("Traceback", process.out)
        process = self.twistd("pushgate", "--config", self.config(config.replace("20s", "200ms") + sink))
        await process.until(lambda: outcomes.read_text().count("\n") == 3, "all outcomes")
        records = [json.loads(line) for line in outcomes.read_text().splitlines()]
        self.assertEqual({each["id"] for each in records}, ids)
        self.assertEqual({each["state"] for each in records}, {"presumed"})

    async def test_two_signals_at_once(self) -> None:
        """A process group that is signalled signals its members too: that is one stop, no error, nothing left."""
        temporary = self.temporary()
        process = self.twistd("pushgate", "--config", self.config(GATEWAY + AMP), TMPDIR=str(temporary))
        await process.address("input amp")
        process.signal(signal.SIGTERM)
        process.signal(signal.SIGINT)
        self.assertIn(await process.ended(), (0, -signal.SIGTERM, -signal.SIGINT))
        self.assertIn("pushgate has stopped; 0 notifications have no outcome", process.out)
        self.assertNotIn("Traceback", process.out + process.err)
        self.assertEqual(list(temporary.iterdir()), [])

    async def refused(self, config: str) -> str:
        """The one line about a spool with which the gateway does not start."""
        process = self.twistd("pushgate", "--config", config)
        self.assertEqual(await process.ended(), 1)
        self.assertNotIn("Traceback", process.out + process.err)
        self.assertNotIn("pushgate is ready", process.out)
        [line] = process.err.splitlines()
        return line

    async def test_two_of_them(self) -> None:
        """A second gateway on the same directory does not start, and says why in a line; the first goes on."""
        config = self.durable()
        first = self.twistd("pushgate", "--config", config)
        await first.address("input amp")
        self.assertIn(f"{self.directory / 'state'}: in use by another gateway", await self.refused(config))
        self.assertTrue(first.running)

    async def test_a_damaged_spool(self) -> None:
        """A spool that is none does not start either, and stays as it is."""
        config = self.durable()
        file = self.directory / "state" / "spool.sqlite"
        file.parent.mkdir()
        file.write_text("my diary")
        self.assertIn(f"{file}: file is not a database", await self.refused(config))
        self.assertEqual(file.read_text(), "my diary")


class RunningTests(ProcessTestCase):
    def ids(self, file: Path) -> list[str]:
        """The ids of the outcomes in a file, in order."""
        return [each["id"] for each in records(file)] if file.exists() else []

    async def recorded(self, process: Twistd, file: Path, count: int) -> None:
        """Wait until a file has so many outcomes."""
        await process.until(lambda: len(self.ids(file)) >= count, f"{count} outcomes in {file.name}")

    async def test_push_rotate_stop(self) -> None:
        """From AMP to the outcome file, over a log rotation, to an orderly end: each outcome is there once."""
        file, rotated = (self.directory.with_suffix(suffix) for suffix in (".jsonl", ".jsonl.1"))
        sink = f'[sinks.outcomes]\ntype = "jsonl"\npath = "{file}"\n'
        process = self.twistd("pushgate", "--config", self.config(GATEWAY + AMP + sink))
        async with connect(reactor, f"tcp:{await process.address('input amp')}") as gateway:
            payload = {"aps": {"alert": "Hi"}}
            pushed = [await gateway.push("demo", "0a1b2c", payload)]
            await self.recorded(process, file, 1)
            file.rename(rotated)
            pushed.append(await gateway.push("demo", "0a1b2d", payload))
            await self.recorded(process, rotated, 2)
            process.signal(signal.SIGHUP)
            await process.until(file.exists, "a new file")
            pushed.append(await gateway.push("demo", "0a1b2e", payload))
            await self.recorded(process, file, 1)
            pushed.append(await gateway.push("demo", "0a1b2f", payload))
            process.signal(signal.SIGTERM)
        code = await process.ended()
        self.assertIn(code, (0, -signal.SIGTERM))
        self.assertEqual(self.ids(rotated) + self.ids(file), pushed)
        self.assertEqual(len(self.ids(file)), 2)
        self.assertEqual(process.err, "")
        self.assertIn("pushgate has stopped; 0 notifications have no outcome", process.out)
        self.assertNotIn("Traceback", process.out)

    async def test_reload(self) -> None:
        """A running gateway takes up its file when it is asked to: not a bad one, by command and by signal."""
        process = self.twistd("pushgate", "--config", self.config(GATEWAY + AMP))
        async with connect(reactor, f"tcp:{await process.address('input amp')}") as gateway:
            other = '[apps.other]\nupstream = "simulator"\nresponse_timeout = "200ms"\n'
            self.config(GATEWAY + AMP + other + "colour = 1\n")
            with self.assertRaises(CannotStart) as caught:
                await gateway.reload()
            self.assertIn("apps.other.colour: unknown key", caught.exception.faults[0])
            self.config(GATEWAY + AMP + other)
            self.assertEqual(await gateway.reload(), ["apps.other: added"])
            await gateway.push("other", "0a1b2c", {"aps": {"alert": "Hi"}})
            await gateway.push("demo", "0a1b2c", {"aps": {"alert": "Hi"}})
            self.config((GATEWAY + AMP).replace("200ms", "300ms"))
            process.signal(signal.SIGHUP)
            await process.until(lambda: "apps.demo.response_timeout: changed" in process.out, "the reload")
            with self.assertRaises(UnknownApp):
                await gateway.push("other", "0a1b2c", {"aps": {"alert": "Hi"}})
            while (await gateway.stats())["unsettled"]:
                await deferLater(reactor, 0.02)
        self.assertEqual(process.err, "")
        self.assertNotIn("Traceback", process.out)

    async def test_plug_ins(self) -> None:
        """An input and a sink of others, a file each in a directory, work in a running gateway."""
        inbox, counts = self.directory / "inbox", self.directory / "counts.txt"
        inbox.mkdir()
        config = f"""{GATEWAY}
            [inputs.folder]
            type = "folder"
            path = "{inbox}"
            [sinks.counts]
            type = "count"
            path = "{counts}"
        """
        config = config.replace("[gateway]", f'[gateway]\nplugins = ["{ROOT / "plugins"}"]')
        process = self.twistd("pushgate", "--config", self.config(config))
        note = {"app": "demo", "token": "0a1b2c", "payload": {"aps": {"alert": "Hi"}}}
        for number in range(3):
            part = inbox / f"{number}.part"
            part.write_text(json.dumps(note))
            part.rename(part.with_suffix(".json"))

        def counted() -> int:
            lines = counts.read_text().splitlines() if counts.exists() else []
            return sum(int(line.removeprefix("accepted ").removeprefix("presumed ")) for line in lines)

        await process.until(lambda: counted() == 3, "three that were sent")
        await process.until(lambda: not list(inbox.iterdir()), "an empty folder")
        process.signal(signal.SIGTERM)
        self.assertIn(await process.ended(), (0, -signal.SIGTERM))
        self.assertEqual(process.err, "")
