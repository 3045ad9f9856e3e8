"""``twistd -n pushgate-simulator``, as a process of its own."""

import os
import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import TestCase


class TapTests(TestCase):
    timeout = 60

    async def run_twistd(self, *arguments: str) -> tuple[str, int]:
        """What it says on standard error, and its exit code."""
        environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        command = ("-c", "import sys; sys.argv[0] = 'twistd'; from twisted.scripts.twistd import run; run()")
        directory = Path(self.mktemp())
        directory.mkdir()
        _, err, code = await getProcessOutputAndValue(
            sys.executable, (*command, "-n", "--pidfile=", "pushgate-simulator", *arguments),
            env=environ, path=str(directory), reactor=reactor,
        )  # fmt: skip
        self.left = list(directory.iterdir())
        return err.decode(), code

    async def test_bad_configuration(self) -> None:
        """Every fault is one line with file and key path; the exit code says so; nothing was begun."""
        file = Path(self.mktemp())
        file.write_text('[simulator]\nlistn = "tcp:1"\nseed = "x"\n[[simulator.script]]\nact = "reject"\n')
        said, code = await self.run_twistd("--config", str(file.absolute()))
        self.assertNotEqual(code, 0)
        lines = said.strip().splitlines()
        self.assertEqual(len(lines), 3)
        for line, key in zip(sorted(lines), ("listn", "script[0].status", "seed"), strict=True):
            self.assertIn(f"{file.name}: simulator.{key}: ", line)
        self.assertEqual(self.left, [])

    async def test_endpoint_that_makes_no_sense(self) -> None:
        """So is an endpoint that Twisted does not understand."""
        file = Path(self.mktemp())
        file.write_text('[simulator]\nlisten = "tcp:x"\n')
        said, code = await self.run_twistd("--config", str(file.absolute()))
        self.assertNotEqual(code, 0)
        self.assertIn(f"{file.name}: simulator.listen: ", said)
        self.assertEqual(len(said.strip().splitlines()), 1)
