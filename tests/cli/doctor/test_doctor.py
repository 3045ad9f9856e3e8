"""``pushgate doctor``: the order of things, what is printed, the exit status."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pushgate.cli import main
from tests.cli.programs import pushgate
from tests.doctor_samples import Samples

PLUG_INS = """
from collections.abc import Callable

from pushgate.plugin import AppTable, Sink, SinkFactory, SinkTable, UpstreamFactory, failure, ok, warning


async def well(name, table, examination):
    yield ok("flight", f"{name} flies", "a line of \x1b[31m detail")
    yield warning("wings", "a feather is loose", "it may fall off", "glue it, " * 12)


async def broken(name, table, examination):
    yield ok("flight", "flies")
    raise KeyError("hush")


owl = UpstreamFactory("owl", "by night", AppTable, Sink, well)
dodo = UpstreamFactory("dodo", "not at all", AppTable, Sink, broken)
kiwi = UpstreamFactory("kiwi", "on foot", AppTable, Sink)
post = SinkFactory("post", "by carrier", SinkTable, Sink, well)
"""
APPS = "".join(f'[apps.{name}]\nupstream = "{name}"\n' for name in ("dodo", "owl", "kiwi"))
CONFIGURATION = f"""
{APPS}
[sinks.office]
type = "post"
[inputs.amp]
type = "amp"
listen = "tcp:7215:interface=127.0.0.1"
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with plug-ins."""
    (tmp_path / "birds.py").write_text(PLUG_INS)
    return tmp_path


def doctor(directory: Path, text: str, *options: str) -> Any:
    """Run the command on a configuration, as a process of its own."""
    (directory / "gate.toml").write_text(text)
    return pushgate("doctor", "--config", "gate.toml", "--plugins", str(directory), *options, cwd=directory)


def test_every_part_in_its_order(directory: Path) -> None:
    """Apps, sinks and inputs are examined in this order, a plug-in's too; one whose check fails stops no other."""
    done = doctor(directory, CONFIGURATION, "--json")
    report = json.loads(done.stdout)
    found = [(each["part"], each["check"], each["level"]) for each in report["findings"] if each["plug_in"]]
    assert found == [
        ("apps.dodo", "flight", "ok"),
        ("apps.dodo", "check-failed", "failure"),
        ("apps.owl", "flight", "ok"),
        ("apps.owl", "wings", "warning"),
        ("apps.kiwi", "no-checks", "ok"),
        ("sinks.office", "flight", "ok"),
        ("sinks.office", "wings", "warning"),
        ("inputs.amp", "listen", "ok"),
    ]
    assert (report["worst"], report["counts"]["failure"], done.returncode, done.stderr) == (
        "failure",
        1,
        1,
        "",
    )
    assert "hush" not in done.stdout


def test_the_text_fits(directory: Path) -> None:
    """In a pipe the text has no colours, no line of more than 80 columns, and no blanks at the ends of lines."""
    done = doctor(directory, CONFIGURATION, "--app", "owl", "--strict")
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if line != line.rstrip() or "\x1b" in line] == []
    start = lines.index("apps.owl (owl)")
    assert lines[start + 1 : start + 5] == [
        "  ok      flight: owl flies",
        "            a line of \\x1b[31m detail",
        "  warning wings: a feather is loose",
        "          it means: it may fall off",
    ]
    assert not [line for line in lines if line.startswith(("apps.dodo", "sinks."))]
    assert done.returncode == 1


def test_faults_are_findings(directory: Path) -> None:
    """All faults of the configuration are findings, and what has none is examined nevertheless."""
    text = CONFIGURATION.replace('"dodo"', '"moa"') + 'limt = 3\n[principals.shop]\nsecret_file = "/none"\n'
    report = json.loads(doctor(directory, text, "--json").stdout)
    failures = [(each["check"], each["what"]) for each in report["findings"] if each["level"] == "failure"]
    assert [check for check, _ in failures] == ["configuration", "configuration", "principals"]
    assert 'apps.dodo.upstream: there is no upstream "moa"' in failures[0][1]
    assert "inputs.amp.limt: unknown key" in failures[1][1]
    parts = {each["part"] for each in report["findings"]}
    assert {"apps.owl", "apps.kiwi", "sinks.office"} <= parts


@pytest.mark.parametrize("text", ["", "[apps\n"])
def test_a_file_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    """Without a file, or with one that is no TOML, the status is 78, and the finding says why."""
    if text:
        (tmp_path / "gate.toml").write_text(text)
    done = pushgate("doctor", "--config", "gate.toml", "--json", cwd=tmp_path)
    failures = [each["what"] for each in json.loads(done.stdout)["findings"] if each["level"] == "failure"]
    assert done.returncode == 78
    assert len(failures) == 1
    assert failures[0].startswith("gate.toml: ")


def test_an_app_that_there_is_not(directory: Path) -> None:
    """An app that the configuration does not have is a failure, not an examination that found nothing."""
    done = doctor(directory, CONFIGURATION, "--app", "emu")
    assert "  failure app: no app 'emu' could be read" in done.stdout
    assert done.returncode == 1


def toml(name: str, factory: Any, keys: dict[str, Any]) -> str:
    """The table of an app."""
    lines = [f"{key} = {json.dumps(str(value))}" for key, value in keys.items()]
    return "\n".join([f"[apps.{name}]", f'upstream = "{factory.name}"', *lines, ""])


def test_no_secret_is_printed(tmp_path: Path) -> None:
    """Of all broken files at once, in text and in JSON, no key, password or secret comes out; in 80 columns."""
    text, secrets = "", []
    for number in range(len(Samples(tmp_path).all())):
        directory = tmp_path / str(number)
        directory.mkdir()
        samples = Samples(directory)
        text += toml(f"app{number}", *list(samples.all().values())[number]())
        secrets += samples.secrets
    printed = [doctor(tmp_path, text, "--offline", *options) for options in ((), ("--json",))]
    assert [done.returncode for done in printed] == [1, 1]
    assert [
        secret for secret in secrets if any(secret in done.stdout + done.stderr for done in printed)
    ] == []
    assert max(map(len, printed[0].stdout.splitlines())) <= 80
    assert json.loads(printed[1].stdout)["counts"]["failure"] > 20


def test_a_bad_option() -> None:
    """A time-out that is none is an error of usage."""
    assert CliRunner().invoke(main, ["doctor", "--timeout", "0"]).exit_code == 2
