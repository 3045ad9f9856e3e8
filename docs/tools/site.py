"""What the site has beside the pages in docs/: the README, the changelog, the API, files that pages link to.

A hook of MkDocs. The pages are written to be read in a checkout too, where links lead to files outside docs/.
In the site a link to a file leads to a copy; one to a directory is its text.
"""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pygments.formatters import HtmlFormatter

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MOVED = {ROOT / "README.md": "index.md", ROOT / "CHANGELOG.md": "changelog.md"}
"""Pages of the site that are elsewhere in the checkout."""
API = ("plugin", "client", "testing")
"""The packages of pushgate whose names others import."""
LINK = re.compile(r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)")


def api_page(package: str) -> str:
    """The page of a package: what it says of itself, and each name that it exports."""
    name = f"pushgate.{package}"
    exported = sorted(import_module(name).__all__, key=str.lower)
    parts = [f"# {name}", f"::: {name}\n    options: {{members: false, show_root_heading: false}}"]
    parts += [f"::: {name}.{each}" for each in exported]
    return "\n\n".join(parts) + "\n"


def places(page: Path) -> Iterator[Path]:
    """What a page links to that is no page."""
    for _, path, _ in LINK.findall(page.read_text()):
        place = (page.parent / path).resolve()
        if place not in MOVED and not place.is_relative_to(DOCS):
            yield place


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the pages that the navigation does not name to the guides."""
    named = set(re.findall(r"[\w-]+\.md", str(config.nav)))
    [guides] = [section["Guides"] for section in config.nav or [] if "Guides" in section]
    guides += sorted({page.name for page in DOCS.glob("*.md")} - named)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is not in docs/."""
    for page, path in MOVED.items():
        files.append(File.generated(config, path, content=page.read_text()))
    for package in API:
        files.append(File.generated(config, f"api/{package}.md", content=api_page(package)))
    colours = HtmlFormatter(style="friendly").get_style_defs(".highlight")
    files.append(File.generated(config, "highlight.css", content=colours))
    linked = {place for page in [*MOVED, *DOCS.glob("*.md")] for place in places(page) if place.is_file()}
    for place in sorted(linked):
        files.append(File.generated(config, f"files/{place.relative_to(ROOT)}", abs_src_path=str(place)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Have the links of a page lead to where things are in the site."""
    origin = {path: place for place, path in MOVED.items()}.get(page.file.src_uri, DOCS / page.file.src_uri)

    def link(found: re.Match[str]) -> str:
        text, path, anchor = found[1], found[2], found[3] or ""
        place = (origin.parent / path).resolve()
        if place in MOVED:
            return f"[{text}]({MOVED[place]}{anchor})"
        if place.is_relative_to(DOCS):
            return f"[{text}]({place.relative_to(DOCS)}{anchor})"
        return text if place.is_dir() else f"[{text}](files/{place.relative_to(ROOT)}{anchor})"

    # What stands behind the language of a program is for the tests; to MkDocs it is no program then.
    return re.sub(r"^(```\w+) .*$", r"\1", LINK.sub(link, markdown), flags=re.MULTILINE)
