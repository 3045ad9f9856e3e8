"""The documents: what they list is what the code has, and what they show works."""

import json
import os
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from twisted.protocols.amp import Command

from pushgate import testing
from pushgate.cli import COMMANDS
from pushgate.hub.settings import HubTable, RuleTable
from pushgate.inputs.amp.hub import QUERIES
from pushgate.inputs.amp.server import AmpTable
from pushgate.inputs.amqp.settings import AmqpTable
from pushgate.inputs.apns_binary.settings import ApnsTable
from pushgate.inputs.apns_http2.settings import ApnsHTTP2InputTable
from pushgate.inputs.common.login_settings import LoginTable
from pushgate.inputs.common.momentum import MomentumTable
from pushgate.inputs.http.ndjson_parser import PIECE, PIECE_BYTES
from pushgate.inputs.http.openapi import ERRORS
from pushgate.inputs.http.routes import ROUTES
from pushgate.inputs.http.settings import HTTPTable
from pushgate.inputs.http.submit import MAX_WAITED
from pushgate.inputs.hub.settings import HubInputTable
from pushgate.inputs.line.commands import _COMMANDS as COMMANDS_OF_LINES
from pushgate.inputs.line.line_reader import MAX_LINE
from pushgate.inputs.line.push import _OPTIONAL as OPTIONAL_OF_LINES
from pushgate.inputs.line.server import LineTable
from pushgate.inputs.rest_injector.settings import RestInjectorTable
from pushgate.inputs.smtp.settings import SmtpTable
from pushgate.model.errors import REFUSALS, CannotStart
from pushgate.model.history import Event
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.send import SendState
from pushgate.model.metrics import COUNTERS, HISTOGRAMS
from pushgate.model.outcome import DeadToken, State
from pushgate.model.outcome_record import lines
from pushgate.net.http.responses import STATUSES
from pushgate.net.prometheus import GAUGES
from pushgate.plugin.settings import AppTable, InputTable, ListeningTable, PrincipalTable, SinkTable
from pushgate.protocols.amp import commands, mdm_commands
from pushgate.protocols.amp.boxes import MAX_BOX, MAX_KEY, MAX_KEYS
from pushgate.protocols.amp.hub_commands import (
    CancelSend,
    DeleteRegistration,
    HubQuery,
    ImportRegistrations,
    PutRegistration,
    SendToTags,
)
from pushgate.protocols.apns_binary.connection_end import End
from pushgate.protocols.apns_binary.status import PERMANENT, ErrorStatus, reason
from pushgate.protocols.notification_hubs.platform_names import TARGET_NAMES, TEMPLATE
from pushgate.protocols.webhook_signature import SIGNATURE, TIMESTAMP, sign
from pushgate.service.config.reader import GatewayTable, config_from
from pushgate.service.plugin_registry import find
from pushgate.simulator.fault_rules import ConnectionRule, CutFeedback, FrameRule, parse_rules
from pushgate.simulator.request_rules import REQUEST_RULES
from pushgate.simulator.settings import SimulatorTable
from pushgate.sinks.amqp import AmqpSinkTable
from pushgate.sinks.apn_logger import ApnLoggerTable
from pushgate.sinks.jsonl import JSONLTable
from pushgate.sinks.ledger.sink import LedgerTable
from pushgate.sinks.log import LogTable
from pushgate.sinks.metrics import MetricsTable
from pushgate.sinks.webhook.settings import WebhookTable
from pushgate.testing import outcome
from pushgate.upstreams.adm import AdmTable
from pushgate.upstreams.apns_binary.settings import ApnsStreamTable, StreamTable
from pushgate.upstreams.apns_http2.settings import ApnsHTTP2Table
from pushgate.upstreams.baidu import BaiduTable
from pushgate.upstreams.common.circuit_breaker import OURS, Cause
from pushgate.upstreams.common.http_push.settings import HTTPPushTable, RoutedTable, SecretTable
from pushgate.upstreams.common.settings import ConnectionPoolTable
from pushgate.upstreams.fcm.settings import FcmTable
from pushgate.upstreams.hms.settings import HmsTable
from pushgate.upstreams.mpns.settings import MpnsTable
from pushgate.upstreams.simulator import SimulatedTable
from pushgate.upstreams.webpush.settings import WebPushTable
from pushgate.upstreams.wns.settings import WnsTable
from pushgate.upstreams.xiaomi import XiaomiTable
from tests.test_examples import lines_of_code

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("*.md"), ROOT / "README.md"])
CONTRACT, OPERATING, PLUGINS = (
    (DOCS / f"{name}.md").read_text() for name in ("contract", "operating", "plugins")
)


class _Both(RoutedTable, SecretTable):
    """What a table with a client secret, whose targets name hosts, adds its own keys to."""


TABLES: dict[str, tuple[type[BaseModel], type[BaseModel] | None]] = {
    "`[gateway]`": (GatewayTable, None),
    "`[apps.NAME]`: every app": (AppTable, None),
    "`[apps.NAME]`: `apns-stream` and `simulator`": (StreamTable, AppTable),
    "`[apps.NAME]`: `apns-stream`": (ApnsStreamTable, StreamTable),
    "`[apps.NAME]`: every app over HTTP": (HTTPPushTable, ConnectionPoolTable),
    "`[apps.NAME]`: `apns-http2`": (ApnsHTTP2Table, HTTPPushTable),
    "`[apps.NAME]`: every app whose targets name hosts": (RoutedTable, HTTPPushTable),
    "`[apps.NAME]`: every app with a client secret": (SecretTable, HTTPPushTable),
    "`[apps.NAME]`: `fcm`": (FcmTable, HTTPPushTable),
    "`[apps.NAME]`: `webpush`": (WebPushTable, RoutedTable),
    "`[apps.NAME]`: `wns`": (WnsTable, _Both),
    "`[apps.NAME]`: `adm`": (AdmTable, SecretTable),
    "`[apps.NAME]`: `hms`": (HmsTable, HTTPPushTable),
    "`[apps.NAME]`: `baidu`": (BaiduTable, HTTPPushTable),
    "`[apps.NAME]`: `mpns`": (MpnsTable, RoutedTable),
    "`[apps.NAME]`: `xiaomi`": (XiaomiTable, HTTPPushTable),
    "`[apps.NAME]`: `simulator`": (SimulatedTable, StreamTable),
    "`[inputs.NAME]`: every input": (InputTable, None),
    "`[inputs.NAME]`: every input that listens": (ListeningTable, InputTable),
    "`[inputs.NAME]`: every input with logins": (LoginTable, ListeningTable),
    "`[inputs.NAME]`: `amp`": (AmpTable, LoginTable),
    "`[inputs.NAME]`: `http`": (HTTPTable, LoginTable),
    "`[inputs.NAME]`: `line`": (LineTable, LoginTable),
    "`[inputs.NAME]`: `apns`": (ApnsTable, ListeningTable),
    "`[inputs.NAME]`: `apns-http2`": (ApnsHTTP2InputTable, LoginTable),
    "`[inputs.NAME]`: `hub`": (HubInputTable, LoginTable),
    "`[inputs.NAME]`: every input that takes MCMT messages": (MomentumTable, LoginTable),
    "`[inputs.NAME]`: `smtp`": (SmtpTable, MomentumTable),
    "`[inputs.NAME]`: `rest-injector`": (RestInjectorTable, MomentumTable),
    "`[inputs.NAME]`: `amqp`": (AmqpTable, InputTable),
    "`[principals.NAME]`": (PrincipalTable, None),
    "`[sinks.NAME]`: every sink": (SinkTable, None),
    "`[sinks.NAME]`: `log`": (LogTable, SinkTable),
    "`[sinks.NAME]`: `jsonl`": (JSONLTable, SinkTable),
    "`[sinks.NAME]`: `apn_logger`": (ApnLoggerTable, SinkTable),
    "`[sinks.NAME]`: `ledger`": (LedgerTable, SinkTable),
    "`[sinks.NAME]`: `webhook`": (WebhookTable, SinkTable),
    "`[sinks.NAME]`: `metrics`": (MetricsTable, SinkTable),
    "`[sinks.NAME]`: `amqp`": (AmqpSinkTable, SinkTable),
    "`[simulator]`": (SimulatorTable, None),
}
"""Each section of the contract about configuration: the table, and the one whose keys it does not repeat."""
REQUIRED = {
    "upstream": "x", "type": "x", "listen": "tcp:1", "path": "x", "hubs": ["main"], "certificate": "x", "url": "https://h/", "secret_file": "x", "host": "h", "feedback_host": "h",
    "service_account_file": "x", "vapid_key_file": "x", "subject": "mailto:a@b.c", "client_id": "x", "client_secret_file": "x",
    "app_id": "x", "api_key": "x", "app_secret_file": "x",
}  # fmt: skip
"""A value for each key that has no default."""
TOGETHER: dict[type[BaseModel], dict[str, object]] = {
    ApnsTable: {"app": "news"},
    ApnsHTTP2Table: {"certificate": "x"},
    ApnsHTTP2InputTable: {"app": "news"},
    HmsTable: {"app_id": "x", "app_secret_file": "x"},
    MomentumTable: {"app": "news"},
    RestInjectorTable: {"app": "news"},
    SmtpTable: {"app": "news"},
}
"""What a table needs besides."""


def section(page: str, title: str) -> str:
    """What stands under a heading, up to the next one of the same or a higher level."""
    found = re.search(rf"^(#+) {re.escape(title)}\n", page, re.MULTILINE)
    assert found, f"no heading {title}"
    rest = page[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def rows(text: str) -> list[list[str]]:
    """The cells of every table, without the rows that head them."""
    found = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line.startswith("|")]
    rules = {index for index, cells in enumerate(found) if all(set(cell) <= set("- ") for cell in cells)}
    heads = {index - 1 for index in rules}
    return [
        [cell.strip() for cell in cells] for index, cells in enumerate(found) if index not in rules | heads
    ]


def coded(cell: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`]+)`", cell)


def firsts(text: str) -> list[str]:
    """Every word in code in the first column of the tables."""
    return [word for row in rows(text) for word in coded(row[0])]


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def own_keys(model: type[BaseModel], base: type[BaseModel] | None) -> list[str]:
    """The keys that a table adds to its base, or gives another default."""
    if base is None:
        return list(model.model_fields)
    return [
        key
        for key, field in model.model_fields.items()
        if key not in base.model_fields or field.default != base.model_fields[key].default
    ]


# the configuration


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *DOCS.rglob("*.md")], ids=lambda page: page.name)
def test_no_conflict_markers(page: Path) -> None:
    """No merge conflict was committed."""
    assert re.findall(r"^(?:<<<<<<< .*|=======|>>>>>>> .*)$", page.read_text(), re.MULTILINE) == []


def test_every_table_is_there() -> None:
    """Each section about configuration is one the test knows, and the other way round."""
    headings = re.findall(r"^### (`\[.*)$", CONTRACT, re.MULTILINE)
    assert headings == list(TABLES)


def test_every_built_in_plug_in_is_there() -> None:
    """No built-in plug-in has a table that the contract does not list."""
    registry = find()
    known = {model for model, _ in TABLES.values()}
    for kind in (registry.found["input"], registry.found["sink"], registry.found["upstream"]):
        for name, found in kind.items():
            if "/pushgate/plugins/" in found.origin:
                assert found.factory.config in known, name


@pytest.mark.parametrize("title", TABLES)
def test_keys(title: str) -> None:
    """A table's keys in the contract are its keys in the code."""
    model, base = TABLES[title]
    assert firsts(section(CONTRACT, title)) == own_keys(model, base)


def documented_defaults() -> Iterator[tuple[type[BaseModel], str, str]]:
    for title, (model, _) in TABLES.items():
        for key, _, default, *_ in rows(section(CONTRACT, title)):
            yield model, key.strip("`"), default


@pytest.mark.parametrize(("model", "key", "default"), list(documented_defaults()))
def test_defaults(model: type[BaseModel], key: str, default: str) -> None:
    """A default in the contract is the default; "required" and "none" are true as well."""
    field = model.model_fields[key]
    if default == "required":
        assert field.is_required()
    elif default == "none":
        assert field.default is None
    elif re.fullmatch(r"`[^`]+`", default):
        given = {name: REQUIRED[name] for name, each in model.model_fields.items() if each.is_required()}
        given |= TOGETHER.get(model, {})
        written = model.model_validate(given | tomllib.loads(f"{key} = {default.strip('`')}"))
        assert getattr(written, key) == getattr(model.model_validate(given), key)
    else:
        assert field.default in (None, "", PydanticUndefined), (
            "a default in words is for what depends on another key"
        )


def test_hosts() -> None:
    """The hosts by environment are those of the code."""
    text = section(CONTRACT, "`[apps.NAME]`: `apns-stream`")
    for environment in ("production", "sandbox"):
        table = ApnsStreamTable.model_validate(
            {"upstream": "x", "certificate": "x", "environment": environment}
        )
        assert f"`{table.host}`" in text
        assert f"`{table.feedback_host}`" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_toml(page: Path) -> None:
    """Every configuration that is shown as a whole can be read."""
    for block in blocks(page.read_text(), "toml"):
        tree = tomllib.loads(block)
        if "simulator" in tree:
            SimulatorTable.model_validate(tree["simulator"])
        elif "apps" in tree and "pfad" not in block:
            config_from(tree, page.name, find())


def test_hub_keys() -> None:
    """The keys of a hub, and their defaults, are those of the code; a key of a platform names its app."""
    text = section((DOCS / "hub.md").read_text(), "Configuration").partition("### ")[0]
    table = HubTable()
    written = {key: row[2] for row in rows(text) for key in coded(row[0])}
    assert written.keys() == HubTable.model_fields.keys() - {"rules"}
    for key, default in written.items():
        given = (
            HubTable.model_validate(tomllib.loads(f"{key} = {default.strip('`')}"))
            if "`" in default
            else table
        )
        assert getattr(given, key) == getattr(table, key)
    assert set(Platform) <= written.keys()
    for key in RuleTable.model_fields:
        assert f"`{key}`" in section((DOCS / "hub.md").read_text(), "Configuration")


# AMP


@pytest.mark.parametrize(
    "command",
    [
        "Login", "Push", "PushBatch", "TestSend", "Status", "Trace", "Cancel", "Flush", "Pace", "Stats",
        "DeadTokens", "Bury", "Forget", "Reload",
    ],
)  # fmt: skip
def test_commands(command: str) -> None:
    """Each argument and each value of the answer is named where its command is described."""
    kind: type[Command] = getattr(commands, command)
    words = set(coded(section(CONTRACT, f"`{command}`")))
    assert {key.decode() for key, _ in [*kind.arguments, *kind.response]} <= words


def test_hub_commands() -> None:
    """Likewise of those about hubs, with every query that there is."""
    several = "`CancelSend`, `HubQuery`, `PutRegistration`, `DeleteRegistration`, `ImportRegistrations`"
    for title, kinds in (
        ("`SendToTags`", (SendToTags,)),
        (several, (CancelSend, HubQuery, PutRegistration, DeleteRegistration, ImportRegistrations)),
    ):
        words = set(coded(section(CONTRACT, title)))
        for kind in kinds:
            assert {key.decode() for key, _ in [*kind.arguments, *kind.response]} <= words
    assert [word for word in firsts(section(CONTRACT, several)) if word in QUERIES] == list(QUERIES)
    text = section(CONTRACT, "`SendToTags`")
    assert {*TARGET_NAMES.values(), TEMPLATE, *SendState} <= set(coded(text))


def test_mdm_commands() -> None:
    """Likewise of those about managed devices."""
    words = set(coded(section(CONTRACT, "`Enrol`, `CheckIn`, `CheckOut`, `FindEnrolments`, `Diagnose`")))
    for kind in (
        mdm_commands.Enrol,
        mdm_commands.CheckIn,
        mdm_commands.CheckOut,
        mdm_commands.FindEnrolments,
        mdm_commands.Diagnose,
    ):
        assert {key.decode() for key, _ in [*kind.arguments, *kind.response]} <= words


def test_optional_arguments() -> None:
    """What is marked as optional is, and nothing else."""
    for command in (commands.Push, commands.PushBatch, commands.TestSend, commands.Pace, SendToTags):
        for row in rows(section(CONTRACT, f"`{command.__name__}`")):
            marked = dict(re.findall(r"`(\w+)`(\??)", row[0]))
            optional = {key.decode(): argument.optional for key, argument in command.arguments}
            assert marked == {name: "?" if optional[name] else "" for name in marked}


def test_watching() -> None:
    """So are those of Watch and Outcomes."""
    words = set(coded(section(CONTRACT, "`Watch` and `Outcomes`")))
    for command in (commands.Watch, commands.Outcomes):
        assert {key.decode() for key, _ in [*command.arguments, *command.response]} <= words


def test_limits() -> None:
    """The bounds of AMP are those of the code."""
    text = section(CONTRACT, "Limits")
    for limit in (
        commands.MAX_VALUE,
        MAX_BOX,
        MAX_KEY,
        MAX_KEYS,
        commands.MAX_MEMBERS,
        commands.MAX_ENTRIES,
    ):
        assert re.search(rf"(?<![\d,]){limit:,}(?![\d,])", text), limit


def test_the_line_protocol() -> None:
    """Every command, every field and the longest line are there."""
    text = section(CONTRACT, "Line protocol")
    assert {word.split()[0] for word in firsts(text) if not word.startswith("{")} == {
        name.decode() for name in COMMANDS_OF_LINES
    }
    for field in OPTIONAL_OF_LINES:
        assert f"`{field}`" in text
    assert f"{MAX_LINE:,} bytes" in text


def test_refusals() -> None:
    """Every code is explained to callers and to operators."""
    assert firsts(section(CONTRACT, "Refusals")) == list(REFUSALS)
    assert firsts(section(OPERATING, "Refusals")) == list(REFUSALS)


# HTTP


def test_routes() -> None:
    """Every request that the HTTP input answers is there, and no other."""
    table = section(CONTRACT, "HTTP").partition("### ")[0]
    assert firsts(table) == [f"{route.described.method} {route.described.path}" for route in ROUTES]


def test_statuses() -> None:
    """Every status is there, with the codes that have it."""
    table = {int(row[0]): set(coded(row[1])) for row in rows(section(CONTRACT, "Errors"))}
    assert list(table) == list(ERRORS)
    for code, status in STATUSES.items():
        assert code in table[status]


def test_pieces() -> None:
    """The bounds of submissions over HTTP are those of the code."""
    text = section(CONTRACT, "Submitting")
    for words in (f"{PIECE:,} lines", f"{PIECE_BYTES >> 10} KiB", f"up to {MAX_WAITED:,} notifications"):
        assert words in text, words


# records


def test_fields() -> None:
    """The fields of an outcome record are those that records have, in their order."""
    text = section(CONTRACT, "Outcome records")
    [record] = lines(outcome())
    [dead] = lines(DeadToken("news", b"a", 1, 2.0, "apns-stream"))
    names = [row[0].strip("`") for row in rows(text) if row[0].strip("`") not in set(State)]
    assert names == list(json.loads(dead))
    assert names[:-1] == list(json.loads(record))
    [shown] = blocks(text, "json")
    assert list(json.loads(shown)) == names[:-1]


def test_states() -> None:
    """Every state is defined for programs, in the order of the code, and every one means something to operators."""
    defined = [word for word in firsts(section(CONTRACT, "Outcome records")) if word in set(State)]
    assert defined == list(State)
    assert set(State) <= set(firsts(section(OPERATING, "Outcomes and your database")))


def test_reasons() -> None:
    """Every status has its name and number where the states are explained."""
    text = section(CONTRACT, "Outcome records")
    for status in ErrorStatus:
        word = reason(status)
        assert re.search(rf"`{word}` (\()?{int(status)}\b", text), word
    rejected = next(row for row in rows(text) if row[0] == "`rejected`")
    assert {reason(status) for status in PERMANENT} == set(coded(rejected[2]))


# traces and webhooks


def test_events() -> None:
    """Every event of a trace is explained, and the trace that is shown is one."""
    text = section(CONTRACT, "Traces")
    assert set(Event) | {"submitted", "queued", "outcome", "correction"} == set(firsts(text))
    [shown] = blocks(text, "json")
    reported = json.loads(shown)
    assert reported.pop("events")[1:2] == [{"event": "queued", "at": 1795314443.902}]
    [record] = lines(outcome())
    assert list(reported) == list(json.loads(record))


def test_verifying() -> None:
    """The receiver's code that is shown knows a request of ours from others."""
    text = section(CONTRACT, "Webhooks")
    names: dict[str, Any] = {}
    exec(blocks(text, "python")[0], names)
    now, body = int(time.time()), b"{}"
    signature = sign([b"another secret", b"secret"], now, body)
    assert names["is_genuine"](b"secret", str(now), signature, body)
    assert not names["is_genuine"](b"secret", str(now), signature, b"{ }")
    assert not names["is_genuine"](b"secret", str(now - 999), sign([b"secret"], now - 999, body), body)
    assert not names["is_genuine"](b"secret", str(now), "v1=\xe9,\udce9", body)
    assert not names["is_genuine"](b"secret", "soon", signature, body)
    assert {TIMESTAMP, SIGNATURE} <= set(firsts(text))


# operating


def test_causes() -> None:
    """Every cause of a circuit is explained, and when it opens the circuit is true."""
    table = {coded(row[0])[0]: row[1] for row in rows(section(OPERATING, "Circuits"))}
    assert table == {cause.value: "at once" if cause in OURS else "third" for cause in Cause}


def test_metrics() -> None:
    """Every metric is in the contract with its labels, and no other; the manual for operators has each."""
    metrics = {**COUNTERS, **HISTOGRAMS, **GAUGES}
    listed: dict[str, tuple[str, ...]] = {}
    for word in firsts(section(CONTRACT, "Metrics")):
        name, _, labels = word.rstrip("}").partition("{")
        listed[name] = tuple(labels.split(",")) if labels else ()
    assert listed == metrics
    for name in metrics:
        assert f"`{name}`" in OPERATING, name


def test_ends() -> None:
    """The ways in which a useful connection ends, which the metric of reconnects tells, are all there."""
    row = next(row for row in rows(section(CONTRACT, "Metrics")) if "reconnects_total" in row[0])
    assert {end.name.lower() for end in End} <= set(coded(row[2]))


# the simulator and the command


def rules() -> dict[str, type[BaseModel]]:
    kinds: list[Any] = [*FrameRule.__args__, *REQUEST_RULES, *ConnectionRule.__args__, CutFeedback]
    return {kind.model_fields["act"].annotation.__args__[0]: kind for kind in kinds}


def test_acts() -> None:
    """Every act and every option of a fault rule is in the contract."""
    text = section(CONTRACT, "Fault rules")
    assert set(rules()) <= set(firsts(text))
    described = set(coded(text))
    for act, kind in rules().items():
        assert set(kind.model_fields) - {"act"} <= described, act


def test_curl() -> None:
    """The scripts in the examples are good, but for the one that shows how a bad one is met."""
    shown = re.findall(r"/script -d '([^']+)'", CONTRACT)
    assert len(shown) == 3
    for script in shown:
        if '"status": 300' not in script:
            parse_rules(json.loads(script))


def test_commands_of_the_shell() -> None:
    """Every command of `pushgate` is there, and none that is not."""
    words = [word.split()[1] for word in firsts(section(CONTRACT, "The command"))]
    assert sorted(set(words)) == sorted(COMMANDS)


# plug-ins


@pytest.mark.parametrize("kind", ["sink", "input", "upstream"])
def test_examples(kind: str) -> None:
    """The code shown is the code in plugins/, which is tested, to the letter; and as short as it is said to be."""
    file = ROOT / "plugins" / f"example_{kind}.py"
    assert file.read_text() in blocks(PLUGINS, "python")
    assert lines_of_code(file) <= 40
    assert f"{lines_of_code(file)} lines of code" in PLUGINS


def test_the_package() -> None:
    """The package shown is the one that the tests install, to the letter."""
    package = ROOT / "tests" / "pigeon_post"
    shown = blocks(PLUGINS, "python") + blocks(PLUGINS, "toml")
    for name in ("pyproject.toml", "pushgate/plugins/pigeon_post_plugin.py", "pigeon_post/sink.py"):
        assert (package / name).read_text() in shown


def test_faults_of_the_examples() -> None:
    """What is shown as wrong with a configuration of the examples is what is said of it."""
    [shown] = [block for block in blocks(PLUGINS, "toml") if "pfad" in block]
    with pytest.raises(CannotStart) as caught:
        config_from(tomllib.loads(shown), "my.toml", find([ROOT / "plugins"]))
    lines = "\n".join(caught.value.faults)
    assert f"```\n{lines}\n```" in PLUGINS


def test_all_fakes() -> None:
    """Every fake that there is for plug-ins is in the table."""
    listed = {word.partition("(")[0] for word in firsts(section(PLUGINS, "Testing"))}
    assert listed == set(testing.__all__)


@pytest.mark.parametrize("shown", [block for block in blocks(PLUGINS, "python") if "TestCase" in block])
def test_the_tests_that_are_shown(shown: str, tmp_path: Path) -> None:
    """Each passes, in a directory that has nothing else but the examples."""
    (tmp_path / "test_shown.py").write_text(shown)
    (tmp_path / "plugins").mkdir()
    for file in (ROOT / "plugins").glob("*.py"):
        (tmp_path / "plugins" / file.name).write_text(file.read_text())
    subprocess.run(
        [sys.executable, "-m", "unittest", "test_shown"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        timeout=60,
    )


# all pages


def anchors(page: Path) -> set[str]:
    """The names by which a page's headings can be linked to."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links(page: Path) -> None:
    """Every relative link leads to a file that is there, and to a heading in it."""
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_nothing_of_the_workplace(page: Path) -> None:
    """No page names a directory of the machine it was written on."""
    assert not re.search(r"/work\b|/tmp/docs|\.library", page.read_text())


def test_no_process_id_file() -> None:
    """Whoever copies a line that starts twistd leaves no twistd.pid, which stops the next start in a container."""
    samples = [
        *PAGES,
        *(ROOT / "etc").glob("pushgate.*"),
        *(ROOT / "plugins").glob("*.py"),
        ROOT / "Makefile",
    ]
    for file in samples:
        assert not re.findall(r"twistd (?:-n|--nodaemon) pushgate.*", file.read_text()), file


def test_the_file_of_the_rabbitmq_page() -> None:
    """A gateway that runs with it can be asked and watched: it has an AMP input and metrics."""
    shown = next(
        block for block in blocks((DOCS / "rabbitmq.md").read_text(), "toml") if "[apps.news]" in block
    )
    config = config_from(tomllib.loads(shown), "pushgate.toml", find())
    assert {factory.name for factory, _ in config.inputs.values()} == {"amqp", "amp"}
    assert {factory.name for factory, _ in config.sinks.values()} == {"amqp", "metrics"}


def test_the_client_after_its_environment() -> None:
    """A new user activates the environment before the first program that needs it."""
    text = (ROOT / "README.md").read_text()
    assert text.index(". .venv/bin/activate") < text.index("from pushgate.client import connect")


def test_lines_are_posted() -> None:
    """curl makes a PUT of an upload unless it is asked for a POST."""
    for page in PAGES:
        for line in page.read_text().splitlines():
            if "curl" in line and " -T " in line:
                assert "-X POST" in line, f"{page.name}: {line}"
