"""The logrotate file in ``etc``: it moves files away, and no line is lost."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from pushgate.sinks.common.append_file import AppendFile
from tests.deploy.test_unit import unit
from tests.process import ROOT

FILE = ROOT / "etc" / "logrotate.d" / "pushgate"
SAMPLE = tomllib.loads((ROOT / "etc" / "pushgate.toml").read_text())


def directives() -> list[str]:
    """What stands between the braces, up to the script."""
    [body] = re.findall(r"\{\n(.*?)postrotate\n", FILE.read_text(), re.DOTALL)
    return [line.strip() for line in body.splitlines() if line.strip() and not line.strip().startswith("#")]


class LogrotateTests(SynchronousTestCase):
    def test_which_files(self) -> None:
        """It is for the files of the sample's sinks, and acts as the user of the unit."""
        [patterns] = re.findall(r"^(/\S+) (/\S+) \{$", FILE.read_text(), re.MULTILINE)
        for sink, pattern in zip(("outcomes", "apnlog"), patterns, strict=True):
            self.assertTrue(Path(SAMPLE["sinks"][sink]["path"]).match(pattern))
        service = unit()["Service"]
        self.assertIn(f"su {service['User'][0]} {service['Group'][0]}", directives())

    def test_how(self) -> None:
        """A file is moved, not copied, since lines written meanwhile would be lost; and compressed a turn later,
        when nobody writes to it; the new one is made by the gateway, which knows its mode."""
        words = {line.split()[0] for line in directives()}
        self.assertLessEqual({"delaycompress", "nocreate", "missingok", "sharedscripts"}, words)
        self.assertFalse(words & {"copytruncate", "copy", "create"})
        [script] = re.findall(r"postrotate\n(.*?)\n\s*endscript", FILE.read_text(), re.DOTALL)
        self.assertIn("reload pushgate.service", script)

    def rotate(self, directory: Path) -> None:
        """Do what it says, where the files are in a directory of this test."""
        log, state = directory / "outcomes.jsonl", directory / "state"
        if shutil.which("logrotate") is None:
            log.rename(directory / "outcomes.jsonl-1")
            return
        text = FILE.read_text().replace("/var/log/pushgate/", f"{directory}/")
        text = re.sub(r"^\s*su .*\n", "", text, flags=re.MULTILINE)
        config = directory / "logrotate"
        config.write_text(re.sub(r"(postrotate\n).*?\n(\s*endscript)", r"\1true\n\2", text, flags=re.DOTALL))
        config.chmod(0o644)
        done = subprocess.run(
            ["logrotate", "--force", "--state", state, config],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_no_line_is_lost(self) -> None:
        """What is written before, during and after: each line is in one of the files once, in order."""
        directory = Path(self.mktemp()).absolute()
        directory.mkdir(mode=0o755)
        directory.chmod(0o755)  # logrotate distrusts a directory that others may write to
        log = directory / "outcomes.jsonl"
        written = AppendFile.open(log)
        written.write(b"before\n")
        self.rotate(directory)
        self.assertFalse(log.exists())
        written.write(b"during\n")  # until SIGHUP
        written.close()
        written = AppendFile.open(log)
        written.write(b"after\n")
        written.close()
        [moved] = directory.glob("outcomes.jsonl-*")
        self.assertEqual((moved.read_text(), log.read_text()), ("before\nduring\n", "after\n"))
        self.assertEqual(log.stat().st_mode & 0o777, 0o640)
