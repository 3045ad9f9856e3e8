"""Faults of a configuration file, one line each: file, key path, what is wrong, what is allowed.

A line never shows a string from the file: it may be a secret in the wrong place. The exceptions are keys,
numbers out of range and the words of a choice.
"""

import difflib
import json
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pushgate.model.errors import CannotStart
from pushgate.plugin.settings import UNKNOWN_NAME

_RULES: Final = {
    "missing": "required",
    "string_type": "must be a string",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be an array",
    "tuple_type": "must be an array",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "path_type": "must be a path, written as a string",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "union_tag_invalid": "{discriminator} must be one of {expected_tags}",
    "union_tag_not_found": "{discriminator} is required",
}
"""Pydantic's errors in the words of TOML, where its own are others or show the value."""
_RANGES: Final = frozenset(
    {"greater_than", "greater_than_equal", "less_than", "less_than_equal", "multiple_of"}
)
_CHOICES: Final = frozenset({"literal_error", "enum"})

_Path = tuple[str | int, ...]
_T = TypeVar("_T", bound=BaseModel)


def fault(file: str, path: _Path, wrong: str, allowed: str) -> str:
    """One line: ``pushgate.toml: apps.news.port: 70000; must be at most 65535``."""
    where = [file, dotted(path)] if path else [file]
    return f"{': '.join(where)}: {wrong}; {allowed}"


def dotted(path: _Path) -> str:
    """A key path as TOML writes it: ``apps.news.port``, ``apps."my app".port``, ``rules[2].act``."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            bare = re.fullmatch(r"[A-Za-z0-9_-]+", key)
            text += ("." if text else "") + (key if bare else json.dumps(key, ensure_ascii=False))
    return text


def shape(value: object) -> str:
    """The kind of a value, without its content."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return "a whole number"
        case float():
            return "a number with a fraction"
        case str():
            return f"a string of length {len(value)}" if value else "an empty string"
        case list():
            return f"an array of {len(value)}"
        case Mapping():
            return "a table"
    return f"a {type(value).__name__}"


def suggestion(word: str, known: Iterable[str]) -> str:
    """The known word that is nearest to `word`, else all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1)
    if near:
        return f'did you mean "{near[0]}"?'
    return "allowed: " + ", ".join(names) if names else "nothing is allowed here"


def fault_lines(
    file: str,
    path: tuple[str, ...],
    error: ValidationError,
    *,
    model: type[BaseModel] | None = None,
    data: object = None,
) -> list[str]:
    """Every fault in `error`, one line each.

    :param path: of the validated table in the file; empty for the whole file.
    :param model: the one that was validated against, to suggest known keys for unknown ones.
    :param data: the validated tables, so that key paths hold only keys of the file.
    """
    found: dict[_Path, list[ErrorDetails]] = {}
    for each in error.errors(include_url=False):
        where = each["loc"] if data is None else _inside(each["loc"], data)
        found.setdefault(where, []).append(each)
    return [
        fault(file, path + where, _wrong(errors), _allowed(errors, where, model))
        for where, errors in found.items()
    ]


def validated(
    model: type[_T],
    data: object,
    file: str,
    path: tuple[str, ...] = (),
    names: Mapping[str, Collection[str]] | None = None,
) -> _T:
    """The typed table of `data`.

    :param names: of the tables in each section of the file, for keys that name one.
    :raises CannotStart: with every fault in it.
    """
    try:
        return model.model_validate(data, context=names)
    except ValidationError as error:
        raise CannotStart(fault_lines(file, path, error, model=model, data=data)) from None


def read_toml(file: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    :raises CannotStart: it cannot be read or is not TOML; one line says why and where.
    """
    try:
        return tomllib.loads(file.read_text("utf-8-sig"))  # editors of Windows begin a file with a mark
    except OSError as error:
        raise CannotStart([f"{file}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise CannotStart([f"{file}: not UTF-8 at byte {error.start}; TOML is UTF-8"]) from None
    except tomllib.TOMLDecodeError as error:
        raise CannotStart([f"{file}: {_syntax(str(error))}"]) from None
    except RecursionError:
        raise CannotStart([f"{file}: not TOML; tables or arrays are nested too deeply"]) from None


def _syntax(text: str) -> str:
    """``line 3, column 5: not TOML; expected '=' after a key``, from tomllib's words."""
    match = re.fullmatch(r"(.*) \(at (.*)\)", text, re.DOTALL)
    what, where = match.groups() if match else (text, "")
    return f"{where + ': ' if where else ''}not TOML; {what[:1].lower()}{what[1:]}"


def _inside(loc: _Path, data: object) -> _Path:
    """`loc` without the marks that pydantic adds for the alternatives of a union."""
    path: list[str | int] = []
    for depth, key in enumerate(loc):
        if isinstance(data, Mapping) and (key in data or depth == len(loc) - 1):
            path.append(key)
            data = data.get(key)
        elif isinstance(data, list) and isinstance(key, int) and key < len(data):
            path.append(key)
            data = data[key]
    return tuple(path)


def _wrong(errors: list[ErrorDetails]) -> str:
    kinds = {each["type"] for each in errors}
    value = errors[0]["input"]
    if "missing" in kinds:
        return "missing"
    if "extra_forbidden" in kinds:
        return "unknown key"
    if kinds == {UNKNOWN_NAME} and _is_word(value):
        return f'there is no {errors[0]["ctx"]["word"]} "{value}"'
    if (kinds <= _RANGES and not isinstance(value, str)) or (kinds <= _CHOICES and _is_word(value)):
        return json.dumps(value, default=str)
    return shape(value)


def _is_word(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[\w.-]{1,40}", value) is not None


def _allowed(errors: list[ErrorDetails], where: _Path, model: type[BaseModel] | None) -> str:
    if errors[0]["type"] == "extra_forbidden":
        known = {name for table in _tables_at(model, where[:-1]) for name in table.model_fields}
        return suggestion(str(where[-1]), known) if model else "not allowed here"
    return ", or ".join(dict.fromkeys(_rule(each) for each in errors))


def _rule(error: ErrorDetails) -> str:
    if error["type"] == UNKNOWN_NAME:
        known = error["ctx"]["known"]
        return suggestion(error["input"], known) if known else f"there is no [{error['ctx']['section']}.NAME]"
    if error["type"] in _RULES:
        return _RULES[error["type"]].format_map(error.get("ctx", {}))
    rule = re.sub(r"^(Value error|Assertion failed), ", "", error["msg"])
    rule = re.sub(r"^\w+ should (?=be|have|match)", "must ", rule)
    return rule.replace("'", '"') if error["type"] in _CHOICES else rule


def _tables_at(model: object, path: _Path) -> list[type[BaseModel]]:
    """The tables a key path may lead to, from `model` on; several where the type is a union."""
    tables = _tables_in(model)
    for key in path:
        fields = [
            table.model_fields[key] for table in tables if isinstance(key, str) and key in table.model_fields
        ]
        # An index, or the free key of a table of tables, leads to the tables that are its members.
        tables = [table for field in fields for table in _tables_in(field.annotation)] if fields else tables
    return tables


def _tables_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [table for part in get_args(annotation) for table in _tables_in(part)]
