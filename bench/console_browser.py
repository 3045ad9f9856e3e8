"""A headless Chromium that looks at the console. Everything here blocks: call it from a thread."""

import shutil
import time
from collections.abc import Callable
from typing import Any, Final

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

PATIENCE: Final = 30.0
"""Seconds to wait for anything at most: the machine may be busy."""
DESKTOP: Final = (1280, 860)
PHONE: Final = (360, 740)
_LOOK: Final = """
return [...document.querySelectorAll(arguments[0])]
    .filter(each => each.checkVisibility()).map(each => each.innerText).join("\\n")
"""
OPTIONS: Final = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-extensions", "--disable-background-networking", "--hide-scrollbars",
)  # fmt: skip


def missing() -> str | None:
    """Why there is no browser here; None when there is one."""
    if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
        return "Chromium is not installed: apt-get install chromium chromium-driver"
    return None


class Browser:
    """One browser with one page."""

    def __init__(self) -> None:
        options = ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        for each in OPTIONS:
            options.add_argument(each)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.driver.set_page_load_timeout(PATIENCE)
        self.show_as()

    def quit(self) -> None:
        """End it."""
        self.driver.quit()

    def show_as(self, size: tuple[int, int] = DESKTOP, dark: bool = False) -> None:
        """Have this size, and this colour scheme."""
        width, height = size
        self._cdp(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self._cdp("Emulation.setEmulatedMedia", features=scheme)

    def open(self, url: str) -> None:
        """Load a page without cookies."""
        self._cdp("Network.clearBrowserCookies")
        self.driver.get("about:blank")
        self.driver.get(url)

    def log_in(self, url: str, name: str, secret: str) -> None:
        """Log in at the console, as a person does."""
        self.open(f"{url}login")
        self.type("#name", name)
        self.type("#secret", secret)
        self.click("#submit")
        self.until(lambda: self.text("#connection") == "live" and self.text("#tiles"), "there were figures")

    def go(self, page: str) -> None:
        """Show another page of the console."""
        self.driver.execute_script("location.hash = arguments[0]", page)

    def text(self, selector: str) -> str:
        """What is seen of these elements."""
        found: str = self.driver.execute_script(_LOOK, selector)
        return found

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns."""
        return self.driver.execute_script(script, *arguments)

    def click(self, selector: str) -> None:
        """Click an element."""
        self.driver.find_element(By.CSS_SELECTOR, selector).click()

    def type(self, selector: str, text: str) -> None:
        """Type into a field, in place of what was there."""
        element = self.driver.find_element(By.CSS_SELECTOR, selector)
        element.clear()
        element.send_keys(text)

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait for something that a person would wait for."""
        deadline = time.monotonic() + PATIENCE
        while not (found := condition()):
            if time.monotonic() > deadline:
                raise AssertionError(f"waited in vain until {what}:\n{self.text('body')}\n{self.errors()}")
            time.sleep(0.05)
        return found

    def errors(self) -> list[str]:
        """What the browser complained of since the last call, answers that refuse something left out."""
        log: list[dict[str, str]] = self.driver.get_log("browser")  # type: ignore[no-untyped-call]  # it is so
        messages = [each["message"] for each in log if each["level"] == "SEVERE"]
        return [each for each in messages if "Failed to load resource" not in each]

    def cpu(self) -> float:
        """Seconds of CPU that the page's thread has used since the first call, which is 0."""
        self._cdp("Performance.enable", timeDomain="threadTicks")
        metrics = self._cdp("Performance.getMetrics")["metrics"]
        return next(float(each["value"]) for each in metrics if each["name"] == "TaskDuration")

    def screenshot(self, file: str, whole: bool = True) -> None:
        """Keep what is seen as a PNG; the whole page, or as much as fits."""
        if whole:
            height = self.run("return document.documentElement.scrollHeight")
            width = self.run("return innerWidth")
            self._cdp("Emulation.setDeviceMetricsOverride", width=width, height=min(height, 2400),
                      deviceScaleFactor=1, mobile=width < 600)  # fmt: skip
            time.sleep(0.3)
        self.driver.save_screenshot(file)

    def _cdp(self, command: str, **arguments: Any) -> Any:
        return self.driver.execute_cdp_cmd(command, arguments)
