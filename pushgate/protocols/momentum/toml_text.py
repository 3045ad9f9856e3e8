"""Writing TOML: tables of strings, integers and booleans, with comments."""

import json
import re
from collections.abc import Iterable
from typing import Final

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
Value = str | int | bool


def quoted(text: str) -> str:
    """Return a text as a TOML string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def key_text(name: str) -> str:
    """Return a TOML key, quoted if necessary."""
    return name if _BARE.fullmatch(name) else quoted(name)


def value_text(value: Value) -> str:
    """Return a TOML value."""
    if isinstance(value, str):
        return quoted(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def table_text(path: tuple[str, ...], entries: dict[str, Value], comments: Iterable[str] = ()) -> str:
    """Return a TOML table with its header.

    :param comments: comments below the header, a line each.
    """
    lines = [f"[{'.'.join(map(key_text, path))}]"]
    lines += [f"# {_one_line(comment)}" for comment in comments]
    lines += [f"{key_text(key)} = {value_text(value)}" for key, value in entries.items()]
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)
