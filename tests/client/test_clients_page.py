"""The examples of docs/clients.md, each run as the program it is."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.face_rig import Gateway

PAGE = (Path(__file__).parents[2] / "docs" / "clients.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
STAND_INS = {
    "flask": "class Flask:\n    def __init__(self, name): self.name = name\n    def post(self, path): return lambda view: view\n",
    "fastapi": (
        "from types import SimpleNamespace\n"
        "class FastAPI:\n"
        "    def __init__(self, lifespan): self.lifespan, self.state = lifespan, SimpleNamespace()\n"
        "    def post(self, path): return lambda view: view\n"
    ),
}
"""What the frameworks do with a module when they import it; they themselves are not needed for that."""
VISITS = {
    "flask": "print(len(shipped(4711)['id']))\nprint(shipped(4711) == shipped(4711))\n",
    "fastapi": (
        "import asyncio\n"
        "async def visit():\n"
        "    async with lifespan(app):\n"
        "        first, second = await shipped(4711), await shipped(4711)\n"
        "        print(len(first['id']))\n"
        "        print(first == second)\n"
        "asyncio.run(visit())\n"
    ),
}
"""Requests that come for a view."""
SAID = [
    r"2 accepted\n(queued|written|presumed|accepted)\n",
    r"demo\ntoken: text of 8 characters; an even number of hex digits, for 1 to 100 bytes\n",
    r"36\nTrue\n",
    r"1 INVALID\n",
    r"36\nTrue\n",
    r"0a1d (presumed|accepted)\n",
]
"""What each example prints, in their order."""


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A gateway with the app `demo`."""
    gateway = Gateway(tmp_path_factory.mktemp("page"))
    yield gateway
    gateway.stop()


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example(running, tmp_path, number):
    """It does what the page says."""
    framework = next((name for name in STAND_INS if f"from {name} import" in EXAMPLES[number]), "")
    source = (
        EXAMPLES[number]
        .replace(":7215", f":{running.ports['amp']}")
        .replace(":7216", f":{running.ports['http']}")
    )
    (tmp_path / "example.py").write_text(source + VISITS.get(framework, ""))
    if framework:
        (tmp_path / f"{framework}.py").write_text(STAND_INS[framework])
    done = subprocess.run(
        [sys.executable, "example.py"], cwd=tmp_path, text=True, capture_output=True, check=False, timeout=60
    )
    assert (done.stderr, done.returncode) == ("", 0)
    assert re.fullmatch(SAID[number], done.stdout), done.stdout


def test_every_example_is_run():
    """There is an expectation for each, and every block of Python of the page is one."""
    assert len(EXAMPLES) == len(SAID) == PAGE.count("```python")
