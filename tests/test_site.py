"""The site that `make docs` builds: without a warning, complete, and with no link that leads nowhere."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from docs.tools import site
from tests.process import ROOT

pytestmark = pytest.mark.timeout(300)


class Page(HTMLParser):
    """The anchors of a page, and where its links lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors, self.links = set[str](), list[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note what it has of either."""
        for name, value in attributes:
            if name in {"id", "name"} and value:
                self.anchors.add(value)
            elif name in {"href", "src"} and value and tag in {"a", "img", "link", "script"}:
                self.links.append(value)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` does: strictly, so that it fails with a warning of any kind."""
    directory = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", directory],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return directory


@pytest.fixture(scope="module")
def pages(built: Path) -> dict[Path, Page]:
    """Its pages."""
    return {file: Page(file.read_text()) for file in built.rglob("*.html")}


def test_every_page_is_there(built: Path, pages: dict[Path, Page]) -> None:
    """The front page leads to each page in docs/ and to each part of the API."""
    listed = set(pages[built / "index.html"].links)
    sources = {page.stem for page in (ROOT / "docs").glob("*.md")}
    assert {f"{name}.html" for name in sources | {"api/plugin", "api/client", "api/testing"}} <= listed


def test_links(built: Path, pages: dict[Path, Page]) -> None:
    """Every link leads to a file of the site, and to a place in it; what the site loads is its own."""
    broken = []
    for file, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or (file.name == "404.html" and link.startswith("/")):
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            known = pages.get(target)
            if not target.is_file() or (
                parts.fragment and known and unquote(parts.fragment) not in known.anchors
            ):
                broken.append(f"{file.relative_to(built)}: {link}")
    assert broken == []
    for file in pages:
        assert not re.search(r"<(?:script|img|link)[^>]*(?:src|href)=\"(?:https?:)?//", file.read_text())


@pytest.mark.parametrize("package", site.API)
def test_the_reference(package: str, built: Path, pages: dict[Path, Page]) -> None:
    """Every name that a package exports has its place."""
    names = {f"pushgate.{package}.{name}" for name in import_module(f"pushgate.{package}").__all__}
    assert names <= pages[built / "api" / f"{package}.html"].anchors


def test_a_page_that_nobody_has_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new page is put among the guides by itself; those of the navigation stay where they are."""
    for name in ("new", "operating", "wns"):
        (tmp_path / f"{name}.md").write_text(f"# {name}\n")
    monkeypatch.setattr(site, "DOCS", tmp_path)
    config: Any = SimpleNamespace(nav=[{"Guides": ["operating.md"]}, {"Push services": [{"WNS": "wns.md"}]}])
    assert site.on_config(config).nav[0] == {"Guides": ["operating.md", "new.md"]}


def test_links_out_of_the_pages() -> None:
    """A link to a page is one within the site, to a file one to its copy; of one to a directory the text is left."""
    text = "[a](plugins.md#rules) [b](../README.md) [c](../etc/pushgate.toml) [d/](../etc) [e](https://e.f) [`[x]`](#g)"
    page: Any = SimpleNamespace(file=SimpleNamespace(src_uri="operating.md"))
    assert site.on_page_markdown(text, page, config=Any, files=Any) == (
        "[a](plugins.md#rules) [b](index.md) [c](files/etc/pushgate.toml) d/ [e](https://e.f) [`[x]`](#g)"
    )
    program = "```python flask\nx = y\n```\n"
    assert site.on_page_markdown(program, page, config=Any, files=Any) == "```python\nx = y\n```\n"
    page.file.src_uri = "index.md"
    assert site.on_page_markdown("[a](docs/hub.md)", page, config=Any, files=Any) == "[a](hub.md)"
