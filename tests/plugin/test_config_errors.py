"""How faults of a configuration file are reported."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError, model_validator

from pushgate.model.errors import CannotStart
from pushgate.model.notification import Delivery
from pushgate.plugin.config_errors import dotted, fault, fault_lines, read_toml, validated
from pushgate.plugin.settings import Duration, FilePath, Port, ServerEndpoint, Table

ENDPOINT = "must be a Twisted server endpoint such as tcp:7215:interface=127.0.0.1"


class Rule(Table):
    act: Literal["reject", "close"]
    after: int = 0


class Sample(Table):
    topic: str = ""
    port: Port = 1
    share: float = Field(default=0.5, gt=0, lt=1)
    on: bool = False
    expiry: Duration = Field(default=1.0, gt=0)
    listen: ServerEndpoint = "tcp:1"
    certificate: FilePath | None = None
    delivery: Annotated[Delivery, Field(strict=False)] = Delivery.AT_LEAST_ONCE
    rules: list[Rule] = Field(default=[])
    named: dict[str, Rule] = Field(default={})
    either: int | list[str] = 0
    code: Annotated[str, Field(pattern="^[A-Z]+$", max_length=8)] = "A"
    password: str = ""

    @model_validator(mode="after")
    def _together(self) -> "Sample":
        if self.topic == "x" and self.port == 2:
            raise ValueError("topic and port do not go together")
        return self


def faults(data: object) -> list[str]:
    with pytest.raises(CannotStart) as caught:
        validated(Sample, data, "f.toml", ("apps", "news"))
    return caught.value.faults


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({"topic": 1}, "topic: a whole number; must be a string"),
        ({"port": "80"}, "port: a string of length 2; must be a whole number"),
        ({"port": 8.5}, "port: a number with a fraction; must be a whole number"),
        ({"port": True}, "port: true; must be a whole number"),
        ({"port": 70000}, "port: 70000; must be at most 65535"),
        ({"port": 0}, "port: 0; must be at least 1"),
        ({"share": 1.0}, "share: 1.0; must be less than 1.0"),
        ({"share": 0.0}, "share: 0.0; must be more than 0.0"),
        ({"share": ""}, "share: an empty string; must be a number"),
        ({"on": 1}, "on: a whole number; must be true or false"),
        (
            {"expiry": "30 min"},
            "expiry: a string of length 6; must be a number with its unit: 250ms, 5s, 30m, 1h, 1d",
        ),
        ({"expiry": "0s"}, "expiry: 0.0; must be more than 0.0"),
        (
            {"listen": "7"},
            f"listen: a string of length 1; {ENDPOINT}",
        ),
        ({"certificate": 3}, "certificate: a whole number; must be a path, written as a string"),
        ({"delivery": "maybe"}, 'delivery: "maybe"; must be "at-least-once" or "at-most-once"'),
        ({"delivery": 1}, 'delivery: a whole number; must be "at-least-once" or "at-most-once"'),
        ({"rules": {}}, "rules: a table; must be an array"),
        ({"rules": [7]}, "rules[0]: a whole number; must be a table"),
        ({"rules": [{"act": "close"}, {}]}, "rules[1].act: missing; required"),
        ({"rules": [{"act": "x"}]}, 'rules[0].act: "x"; must be "reject" or "close"'),
        ({"rules": [{"act": "close", "z": 1}]}, "rules[0].z: unknown key; allowed: act, after"),
        ({"named": {"a b": {"act": "close", "aftr": 1}}},
         'named."a b".aftr: unknown key; did you mean "after"?'),
        ({"named": []}, "named: an array of 0; must be a table"),
        ({"either": "x"}, "either: a string of length 1; must be a whole number, or must be an array"),
        ({"code": "a"}, "code: a string of length 1; must match pattern '^[A-Z]+$'"),
        ({"code": "ABCDEFGHIJ"}, "code: a string of length 10; must have at most 8 characters"),
        ({"prot": 1}, 'prot: unknown key; did you mean "port"?'),
    ],
)  # fmt: skip
def test_one_line_says_where_what_and_what_is_allowed(data, line):
    """A fault is one line: file, key path, what was found, what is allowed."""
    assert faults(data) == [f"f.toml: apps.news.{line}"]


def test_a_rule_about_the_whole_table_names_the_table():
    """A fault of several keys together is one of their table."""
    assert faults({"topic": "x", "port": 2}) == [
        "f.toml: apps.news: a table; topic and port do not go together"
    ]


def test_a_table_that_is_none():
    """A value where a table belongs is a fault of its key."""
    assert faults(3) == ["f.toml: apps.news: a whole number; must be a table"]


def test_all_faults_at_once():
    """Every fault of a table is reported, in the order of the table's keys, unknown keys last."""
    assert [line.split(": ")[1] for line in faults({"zz": 1, "port": 0, "topic": 2})] == [
        "apps.news.topic",
        "apps.news.port",
        "apps.news.zz",
    ]


@pytest.mark.parametrize(
    "key", ["password", "expiry", "listen", "port", "rules", "delivery", "code", "either"]
)
def test_strings_are_never_shown(key):
    """What is written where a secret may be never reaches a fault, whatever key it stands at."""
    secret = "hunter2 is my secret"
    try:
        Sample.model_validate({key: secret, "secrets": secret})
    except ValidationError as error:
        lines = fault_lines("f.toml", (), error, model=Sample)
    assert not any("hunter2" in line for line in lines)


def test_lines_without_model_or_data():
    """Without the model an unknown key is only called unknown."""
    with pytest.raises(ValidationError) as caught:
        Sample.model_validate({"prot": 1})
    assert fault_lines("f.toml", ("a",), caught.value) == ["f.toml: a.prot: unknown key; not allowed here"]


def test_validated_returns_the_table():
    """Without a fault there is a typed table."""
    assert validated(Sample, {"port": 80}, "f.toml").port == 80


def test_paths_are_written_as_in_toml():
    """A key that TOML would quote is quoted."""
    assert dotted(("apps", "my app", "rules", 2, "act")) == 'apps."my app".rules[2].act'
    assert dotted(("a.b",)) == '"a.b"'


def test_a_fault_of_the_whole_file_has_no_path():
    """The file itself is named by its name."""
    assert fault("f.toml", (), "a", "b") == "f.toml: a; b"


def toml_faults(file: Path) -> list[str]:
    with pytest.raises(CannotStart) as caught:
        read_toml(file)
    return caught.value.faults


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"a = 1\nb = \n", "line 2, column 5: not TOML; invalid value"),
        (b"a = 1\na = 2\n", "line 2, column 6: not TOML; cannot overwrite a value"),
        (b"[a", "end of document: not TOML; expected ']' at the end of a table declaration"),
        (b"a = '\xff'", "not UTF-8 at byte 5; TOML is UTF-8"),
        (b"a = " + b"[" * 100_000, "not TOML; tables or arrays are nested too deeply"),
    ],
)
def test_what_is_not_toml(tmp_path, content, line):
    """A file that is not TOML is one fault, which says where."""
    file = tmp_path / "f.toml"
    file.write_bytes(content)
    assert toml_faults(file) == [f"{file}: {line}"]


def test_a_file_that_cannot_be_read(tmp_path):
    """A missing file or a directory is one fault with the system's reason."""
    assert toml_faults(tmp_path / "no") == [f"{tmp_path}/no: cannot be read: No such file or directory"]
    assert toml_faults(tmp_path) == [f"{tmp_path}: cannot be read: Is a directory"]


def test_toml_is_read(tmp_path):
    """A good file gives its tables."""
    file = tmp_path / "f.toml"
    file.write_text('[apps.news]\ntopic = "é"\n', "utf-8")
    assert read_toml(file) == {"apps": {"news": {"topic": "é"}}}
