"""Screenshots of the console for its page in docs/: each page, light, dark, and on a phone.

    python -m bench.console_screenshots [DIRECTORY]

They show a gateway that is made up (`bench.console_stage`). Needs Chromium and the tools of the tests; where
pngquant is installed it makes them a third of the size.
"""

import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.task import react
from twisted.internet.threads import deferToThread

from bench.console_browser import DESKTOP, PHONE, Browser
from bench.console_stage import SECRETS, Stage, grants

LOOKS: Final = {"light": (DESKTOP, False), "dark": (DESKTOP, True), "phone": (PHONE, False)}
WARM: Final = 20.0
"""Seconds for the charts to fill."""


def pages(stage: Stage) -> dict[str, tuple[str, str]]:
    """What is shown on each page, and what is there once it is."""
    known = f"{stage.known.span.batch.id:032x}"
    number = "-".join((known[:8], known[8:12], known[12:16], known[16:20], known[20:]))
    return {
        "overview": ("overview", "#tiles dd"),
        "apps": ("apps", "#apps-rows tr"),
        "outcomes": ("outcomes", "#outcomes-rows tr"),
        "notification": (f"notification/{number}", "#story .steps li"),
        "dead-tokens": ("dead-tokens", "#dead-rows tr"),
        "hubs": ("hubs", "#tag-rows tr"),
        "test": ("test", "#test-rows tr"),
        "findings": ("findings", "#findings-list article"),
    }


def take(url: str, stage: Stage, directory: Path) -> None:
    """Take them all."""
    browser = Browser()
    try:
        browser.open(f"{url}login")
        for look, (size, dark) in LOOKS.items():
            browser.show_as(size, dark)
            browser.screenshot(str(directory / f"login-{look}.png"), whole=False)
        browser.log_in(url, "ops", SECRETS["ops"])
        time.sleep(WARM)
        for name, (page, ready) in pages(stage).items():
            for look, (size, dark) in LOOKS.items():
                browser.show_as(size, dark)
                browser.go(page)
                if name == "dead-tokens":
                    browser.run("document.getElementById('dead-app').value = arguments[0]", stage.names[0])
                    browser.click("#dead-form button")
                if name == "test":
                    browser.run("document.getElementById('test-app').value = arguments[0]", stage.names[0])
                    browser.type("#test-tokens", f"{'0a' * 32}\nnot a token")
                    browser.click("#test-button")
                browser.until(partial(browser.text, ready), f"{name} was shown")
                time.sleep(1.2)
                browser.screenshot(
                    str(directory / f"{name}-{look}.png"), whole=name not in {"outcomes", "dead-tokens"}
                )
        print("\n".join(browser.errors()))
        if (program := shutil.which("pngquant")) is not None:
            files = [str(each) for each in sorted(directory.glob("*.png"))]
            subprocess.run([program, "--force", "--ext", ".png", "--strip", "48", *files], check=True)
    finally:
        browser.quit()


async def main(directory: Path) -> None:
    """Serve, look, stop."""
    directory.mkdir(parents=True, exist_ok=True)
    stage = Stage(grants())
    url = await stage.start()
    try:
        await deferToThread(take, url, stage, directory)
    finally:
        await stage.stop()


if __name__ == "__main__":
    place = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/console")
    react(lambda _: Deferred.fromCoroutine(main(place)))
