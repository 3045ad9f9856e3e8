"""Writing TOML: tables of texts, numbers and truth values, with comments."""

import json
import re
from collections.abc import Iterable
from typing import Final

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
Value = str | int | bool


def quoted(text: str) -> str:
    """A text as TOML has it."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def key_text(name: str) -> str:
    """A key, in quotes where it needs them."""
    return name if _BARE.fullmatch(name) else quoted(name)


def value_text(value: Value) -> str:
    """A value."""
    if isinstance(value, str):
        return quoted(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def table_text(path: tuple[str, ...], entries: dict[str, Value], comments: Iterable[str] = ()) -> str:
    """A table with its header.

    :param comments: lines that stand below the header.
    """
    lines = [f"[{'.'.join(map(key_text, path))}]"]
    lines += [f"# {_one_line(comment)}" for comment in comments]
    lines += [f"{key_text(key)} = {value_text(value)}" for key, value in entries.items()]
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)
