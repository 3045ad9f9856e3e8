"""The systemd unit in ``etc``: that its command is one, that its directories are the sample's, and that it works."""

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tomllib
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.scripts.twistd import ServerOptions
from twisted.trial.unittest import SynchronousTestCase

from pushgate.client import connect
from pushgate.service.config.reader import GatewayTable
from pushgate.service.exit_status import BAD_CONFIG
from pushgate.service.lifecycle import ENDING
from pushgate.service.systemd_notify import BEAT, START_TIMEOUT
from tests.process import ROOT, ProcessTestCase

UNIT = ROOT / "etc" / "pushgate.service"
SAMPLE = tomllib.loads((ROOT / "etc" / "pushgate.toml").read_text())
NOBODY = 65534
"""A user who owns nothing."""
AS_NOBODY = (
    ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    # Python may be installed where others cannot read. To write takes more than this.
    + [f"--{kind}=-all,+dac_read_search" for kind in ("inh-caps", "ambient-caps", "bounding-set")]
    if os.getuid() == 0
    else []
)
"""Makes of root somebody who may not write everywhere; others cannot anyway."""


def unit() -> dict[str, dict[str, list[str]]]:
    """The unit's sections; a key may be there more than once."""
    sections: dict[str, dict[str, list[str]]] = {}
    for line in UNIT.read_text().splitlines():
        if heading := re.fullmatch(r"\[(\w+)\]", line):
            section = sections.setdefault(heading[1], {})
        elif line and not line.startswith("#"):
            key, equals, value = line.partition("=")
            assert equals, line
            section.setdefault(key, []).append(value)
    return sections


def seconds(value: str) -> float:
    """A duration as systemd writes it."""
    return sum(
        float(number) * {"": 1, "s": 1, "min": 60}[scale]
        for number, scale in re.findall(r"(\d+)(\D*)", value)
    )


class UnitTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.unit = unit()
        self.service = self.unit["Service"]

    def one(self, key: str) -> str:
        """The value of a key that is there once."""
        [value] = self.service[key]
        return value

    def test_systemd_takes_it(self) -> None:
        """systemd, where it is installed, has no objection, and finds little that the process may do."""
        self.assertLessEqual({"Unit", "Service", "Install"}, self.unit.keys())
        if shutil.which("systemd-analyze") is None:
            return  # the tests below see to what can be seen without
        copy = Path(self.mktemp()).absolute() / "pushgate.service"
        copy.parent.mkdir()
        program = shlex.split(self.one("ExecStart"))[0]
        copy.write_text(UNIT.read_text().replace(program, "/bin/true"))  # must be there for systemd
        for arguments in (["verify", "--man=no"], ["security", "--offline=yes", "--threshold=20"]):
            done = subprocess.run(
                ["systemd-analyze", *arguments, copy], capture_output=True, text=True, timeout=60, check=False
            )
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertNotIn("pushgate.service:", done.stderr)

    def test_the_command(self) -> None:
        """twistd takes each of its flags, and pushgate its own; it stays in the foreground."""
        program, *arguments = shlex.split(self.one("ExecStart"))
        self.assertEqual(Path(program).name, "twistd")
        options = ServerOptions()
        options.parseOptions(arguments)
        self.assertEqual(
            (options["nodaemon"], options["pidfile"], options.subCommand), (True, "", "pushgate")
        )
        folder = self.one("ConfigurationDirectory")
        self.assertEqual(options.subOptions["config"], f"/etc/{folder}/pushgate.toml")
        self.assertEqual(shlex.split(self.one("ExecReload")), ["/bin/kill", "-HUP", "$MAINPID"])

    def test_the_directories(self) -> None:
        """What the sample configuration writes to is what the unit lets it write to."""
        self.assertEqual(SAMPLE["gateway"]["state_dir"], f"/var/lib/{self.one('StateDirectory')}")
        file = Path(SAMPLE["sinks"]["outcomes"]["path"])
        self.assertEqual(str(file.parent), f"/var/log/{self.one('LogsDirectory')}")
        self.assertEqual(self.one("WorkingDirectory"), f"%S/{self.one('StateDirectory')}")
        self.assertEqual(self.one("ProtectSystem"), "strict")

    def test_the_times(self) -> None:
        """A stop by default has its time, a sign of life comes often enough, and starts are bounded."""
        self.assertEqual(self.one("Type"), "notify")
        drain = GatewayTable.model_fields["drain_timeout"].default
        self.assertGreaterEqual(seconds(self.one("TimeoutStopSec")), drain + ENDING)
        self.assertGreaterEqual(seconds(self.one("TimeoutStartSec")), START_TIMEOUT)
        self.assertGreaterEqual(seconds(self.one("WatchdogSec")), 3 * BEAT)
        [burst], [interval] = (self.unit["Unit"][f"StartLimit{key}"] for key in ("Burst", "IntervalSec"))
        self.assertLess(int(burst) * seconds(self.one("RestartSec")), seconds(interval))

    def test_what_is_not_restarted(self) -> None:
        """A start is repeated after any failure but one: a faulty configuration stays faulty."""
        self.assertEqual(self.one("Restart"), "on-failure")
        self.assertEqual(self.one("RestartPreventExitStatus"), str(BAD_CONFIG))

    def test_the_families(self) -> None:
        """The networks that endpoints of the configuration may need are allowed, and no capability is left."""
        self.assertEqual(self.one("RestrictAddressFamilies").split(), ["AF_UNIX", "AF_INET", "AF_INET6"])
        self.assertEqual(self.one("CapabilityBoundingSet"), "")


class RunTests(ProcessTestCase):
    """The unit's command as the unit has it run: by a user who owns its directories only."""

    def setUp(self) -> None:
        super().setUp()
        for name in ("state", "log"):
            (self.directory / name).mkdir(mode=0o700)
        self.file = self.directory / "log" / "outcomes.jsonl"

    def own(self, *paths: Path) -> None:
        """Give files and directories to the user of the process."""
        for path in paths:
            if AS_NOBODY:
                os.chown(path, NOBODY, NOBODY)

    def lock_out(self, path: Path) -> None:
        """Let that user read something and not write it."""
        mode = path.stat().st_mode
        path.chmod(0o555 if path.is_dir() else 0o444)
        self.addCleanup(path.chmod, mode)

    def text(self, state: Path, file: Path) -> str:
        return f"""
            [gateway]
            state_dir = "{state}"
            [apps.demo]
            upstream = "simulator"
            response_timeout = "200ms"
            [inputs.amp]
            type = "amp"
            listen = "tcp:0:interface=127.0.0.1"
            [sinks.outcomes]
            type = "jsonl"
            path = "{file}"
        """

    async def test_it_works(self) -> None:
        """Start, push, reload and stop, each reported to systemd; its files are for nobody else to read."""
        self.own(self.directory / "state", self.directory / "log")
        address = f"@pushgate-test-{os.getpid()}"
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        manager.bind("\0" + address[1:])
        manager.setblocking(False)
        reported: list[str] = []

        def heard(*words: str) -> bool:
            with contextlib.suppress(BlockingIOError):
                while True:
                    reported.append(manager.recv(4096).decode().splitlines()[0])
            return [word for word in reported if word != "WATCHDOG=1"] == list(words)

        config = self.config(self.text(self.directory / "state", self.file))
        process = self.twistd("pushgate", "--config", config, before=AS_NOBODY, NOTIFY_SOCKET=address)
        await process.until(lambda: heard("READY=1"), "it says that it is ready")
        async with connect(reactor, f"tcp:{await process.address('input amp')}") as gateway:
            await gateway.push("demo", "0a1b2c", {"aps": {"alert": "Hi"}})
            while (await gateway.stats())["unsettled"]:
                await deferLater(reactor, 0.02)
        process.signal(signal.SIGHUP)
        await process.until(lambda: heard("READY=1", "RELOADING=1", "READY=1"), "it says that it reloaded")
        process.signal(signal.SIGTERM)
        self.assertIn(await process.ended(), (0, -signal.SIGTERM))
        self.assertEqual(process.err, "")
        self.assertTrue(heard("READY=1", "RELOADING=1", "READY=1", "STOPPING=1"), reported)
        self.assertEqual(self.file.read_text().count("\n"), 1)
        modes = {path.name: path.stat().st_mode & 0o777 for path in (self.directory / "state").iterdir()}
        self.assertEqual((modes["spool.sqlite"], modes["lock"]), (0o600, 0o600))
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o640)
        if AS_NOBODY:
            self.assertEqual(self.file.stat().st_uid, NOBODY)

    async def refused(self, state: Path, file: Path) -> str:
        """The one line about a place that may not be written to."""
        config = self.config(self.text(state, file))
        process = self.twistd("pushgate", "--config", config, before=AS_NOBODY)
        self.assertEqual(await process.ended(), 1)
        self.assertNotIn("Traceback", process.out)
        [line] = process.err.splitlines()
        return line

    async def test_a_state_directory_of_somebody_else(self) -> None:
        """A directory that the user may read and not write to stops the start; the line says who that is."""
        state = self.directory / "state"
        self.lock_out(state)
        line = await self.refused(state, self.file)
        user = NOBODY if AS_NOBODY else os.getuid()
        words = f"gateway.state_dir: {state}: cannot be written by the user of this process ({user}); must be"
        self.assertIn(words, line)
        self.assertEqual(list(state.iterdir()), [])

    async def test_a_spool_of_somebody_else(self) -> None:
        """So does a spool that another user made, perhaps root in a first trial."""
        state, log = self.directory / "state", self.directory / "log"
        spool = state / "spool.sqlite"
        spool.touch()
        self.own(state, log)
        self.lock_out(spool)
        words = f"gateway.state_dir: {spool}: Permission denied; must be a file that this process can write"
        self.assertTrue((await self.refused(state, self.file)).endswith(words))

    async def test_a_log_directory_of_somebody_else(self) -> None:
        """And a directory in which no file of outcomes can be made."""
        self.own(self.directory / "state")
        self.lock_out(self.directory / "log")
        words = f"sinks.outcomes.path: {self.file}: Permission denied"
        self.assertIn(words, await self.refused(self.directory / "state", self.file))
