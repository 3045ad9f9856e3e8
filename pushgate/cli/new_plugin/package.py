"""The files of a package with one plug-in, made from the templates beside this."""

import re
from importlib.resources import files
from string import Template
from typing import Final

NAME: Final = re.compile(r"(?=.{1,64}\Z)[a-z](?:-?[a-z0-9])*")
"""The names from which the names of a package, a module and classes can be made."""
NAME_RULE: Final = "1 to 64 lower-case letters, digits and single hyphens, beginning with a letter"

_EXAMPLES: Final = {
    "input": '[inputs.NAME]\ntype = "NAME"\npath = "/var/spool/notifications"',
    "sink": '[sinks.NAME]\ntype = "NAME"\npath = "/var/log/outcomes.jsonl"',
    "upstream": '[apps.news]\nupstream = "NAME"\npath = "/var/log/notifications.jsonl"',
}
_DESCRIPTIONS: Final = {
    "input": "a folder of JSON files, each a notification",
    "sink": "outcomes in a file, a line each",
    "upstream": "notifications in a file, a line each",
}


def package(kind: str, name: str) -> dict[str, str]:
    """The text of each file by its path in the package.

    :param kind: ``input``, ``sink`` or ``upstream``.
    :param name: of the plug-in; must match `NAME`.
    """
    words = _words(kind, name)
    templates = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        f"pushgate/plugins/{words['variable']}_plugin.py": "declaration.py",
        f"{words['package']}/__init__.py": "init.py",
        f"{words['package']}/{kind}.py": f"{kind}.py",
        f"tests/test_{kind}.py": f"test_{kind}.py",
    }
    folder = files(__package__) / "templates"
    return {
        path: Template((folder / f"{template}.in").read_text("utf-8")).substitute(words)
        for path, template in templates.items()
    }


def _words(kind: str, name: str) -> dict[str, str]:
    """What stands for each word in the templates."""
    identifier = name.replace("-", "_")
    return {
        "kind": kind,
        "name": name,
        "variable": f"{identifier}_{kind}",
        "package": f"pushgate_{identifier}",
        "distribution": f"pushgate-{name}",
        "Name": "".join(word.capitalize() for word in name.split("-")),
        "a_kind": f"{'A' if kind == 'sink' else 'An'} {kind}",
        "lazy": f"Lazy{kind.capitalize()}",
        "description": _DESCRIPTIONS[kind],
        "example": _EXAMPLES[kind].replace("NAME", name),
    }
