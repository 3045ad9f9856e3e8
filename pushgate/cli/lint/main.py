"""``pushgate lint``."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pushgate.cli import options
from pushgate.cli.output import print_json

if TYPE_CHECKING:
    from pushgate.protocols.lint.draft import Draft
    from pushgate.protocols.lint.lint import LintReport

_SERVICES: Final = (
    "apns", "fcm", "webpush", "wns", "adm", "hms", "xiaomi", "baidu", "mpns", "template",
)  # fmt: skip
_PLATFORMS: Final = ("apns", "fcmv1", "gcm", "wns", "mpns", "adm", "baidu", "browser", "xiaomi")
_STDIN: Final = "-"


@click.command("lint", short_help="Examine a payload before it is sent.")
@click.argument("file", metavar="[PAYLOAD]", required=False)
@click.option("--payload", metavar="TEXT", help="The payload itself, in place of a file.")
@click.option("--alert", metavar="TEXT", help="Instead of a payload of Apple's: the text to show.")
@click.option("--push-magic", metavar="MAGIC", help="Instead of a payload: what a push of MDM has.")
@click.option("--service", type=click.Choice(_SERVICES), help="What it is for; else its content says.")
@click.option("--platform", type=click.Choice(_PLATFORMS), help="Of a template: what it is for.")
@click.option("--config", type=click.Path(path_type=Path), help="With --app: the configuration's file.")
@click.option("--app", help="The app it is for: its service, its topic and its max_payload.")
@click.option("--push-type", help="Such as alert or background.")
@click.option("--priority", type=int, help="10, 5 or 1.")
@click.option("--topic", help="The topic, when it is not the app's.")
@click.option("--collapse-id", help="It replaces an earlier notification with the same.")
@click.option("--channel", metavar="ID", help="It is a broadcast to this channel of Apple's.")
@click.option("--strict", is_flag=True, help="End with 1 for warnings too.")
@options.plugins
@options.as_json
def command(
    file: str | None, payload: str | None, alert: str | None, push_magic: str | None, **rest: Any
) -> None:
    """Examine a payload: what is wrong with it, where, and what to write instead.

    PAYLOAD is a file, or - for standard input. Nothing is sent, and no gateway is asked. The exit status is 1
    when something is wrong, 0 when there are warnings alone.
    """
    from pushgate.protocols.lint.flaw import Grade

    if sum(each is not None for each in (file, payload, alert, push_magic)) != 1:
        raise click.UsageError("either a file, --payload, --alert or --push-magic is needed")
    name, body = _body(file, payload, alert, push_magic)
    strict, as_json = rest.pop("strict"), rest.pop("as_json")
    report = _examined(_draft(body, **rest))
    if as_json:
        print_json({"payload": name, **_plain(report)})
    else:
        _print(name, report)
    if report.count(Grade.ERROR) or (strict and report.flaws):
        raise SystemExit(1)


def _body(
    file: str | None, payload: str | None, alert: str | None, push_magic: str | None
) -> tuple[str, bytes]:
    """What the payload is called, and its bytes."""
    if payload is not None:
        return "--payload", payload.encode()
    if alert is not None:
        return "--alert", json.dumps({"aps": {"alert": alert}}, ensure_ascii=False).encode()
    if push_magic is not None:
        return "--push-magic", json.dumps({"mdm": push_magic}, ensure_ascii=False).encode()
    assert file is not None  # as the caller looked
    if file == _STDIN:
        return "standard input", sys.stdin.buffer.read()
    try:
        return file, Path(file).read_bytes()
    except OSError as error:
        raise click.FileError(file, error.strerror or "it cannot be read") from None


def _draft(
    body: bytes,
    *,
    service: str | None,
    platform: str | None,
    config: Path | None,
    app: str | None,
    directories: tuple[Path, ...],
    **terms: Any,
) -> "Draft":
    from pushgate.protocols.lint.draft import TEMPLATE, Draft
    from pushgate.protocols.lint.services import guess

    if (config is None) != (app is None):
        raise click.UsageError("--config and --app are given together")
    of_app = {} if config is None else _of_app(config, str(app), directories)
    guessed, guessed_platform = guess(body)
    if service is None:
        service = TEMPLATE if platform else of_app.pop("service", guessed)
    of_app.pop("service", None)
    if service == TEMPLATE:
        terms["platform"] = platform or guessed_platform or "apns"
    given = {name: value for name, value in terms.items() if value is not None}
    return Draft(payload=body, service=service, **{**of_app, **given})


def _of_app(config: Path, app: str, directories: tuple[Path, ...]) -> dict[str, Any]:
    """The service, topic, rules and limit of an app of the configuration."""
    from pushgate.cli.output import drop_log, fail
    from pushgate.model.errors import CannotStart
    from pushgate.protocols.lint.services import OF_UPSTREAM
    from pushgate.service.config.reader import plug_ins_for, read_config

    drop_log()
    try:
        apps = read_config(config, plug_ins_for(config, directories)).apps
    except CannotStart as error:
        fail(error.faults)
    if app not in apps:
        raise click.BadParameter(f"{config} has no app of this name", param_hint="--app")
    table = apps[app][1]
    service = OF_UPSTREAM.get(table.upstream)
    if service is None:
        raise click.BadParameter(
            f"what the upstream {table.upstream} takes is not known here; give --service", param_hint="--app"
        )
    topic = {"topic": table.topic} if service == "apns" and table.topic else {}
    rules = table.notification_rules()
    own = {} if rules is table.RULES else {"rules": rules}
    return {"service": service, "max_payload": min(table.max_payload, rules.max_payload), **topic, **own}


def _examined(draft: "Draft") -> "LintReport":
    from pushgate.hub.templates.lint import lint_template
    from pushgate.protocols.lint.draft import TEMPLATE
    from pushgate.protocols.lint.lint import lint

    return lint_template(draft) if draft.service == TEMPLATE else lint(draft)


def _plain(report: "LintReport") -> dict[str, Any]:
    import msgspec

    from pushgate.protocols.lint.flaw import Grade

    plain: dict[str, Any] = msgspec.to_builtins(report)
    return {"ok": not report.count(Grade.ERROR), **plain}


def _print(name: str, report: "LintReport") -> None:
    from pushgate.cli.lint.report import lines

    for line in lines(name, report):
        click.echo(line)
