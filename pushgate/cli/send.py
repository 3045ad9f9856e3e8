"""``pushgate send``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from pushgate.cli import gateway_address, options
from pushgate.cli.outcome_wait import seen
from pushgate.cli.output import print_json
from pushgate.cli.run import run
from pushgate.cli.send_file import RowFile, send_file
from pushgate.cli.send_several import send_several
from pushgate.cli.send_test import TIMEOUT, print_send_test
from pushgate.model.errors import Invalid, PushgateError, Refusal

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from pushgate.client import Client, Record

_WAIT: Final = 10.0
"""Seconds to wait for an outcome, where it is not said for how long."""
_OTHERS: Final = frozenset({"fcm", "webpush", "wns", "adm", "hms", "mpns", "xiaomi"})
"""Upstreams whose services take Apple's payload for something else, or not at all."""


@click.command("send")
@options.app
@click.option(
    "--token", "tokens", metavar="TOKEN", multiple=True,
    help="The device token in hex, or another service's target; may be given several times.",
)  # fmt: skip
@click.option("--channel", metavar="ID", help="Instead of a token: a broadcast to this channel of Apple's.")
@click.option(
    "--file", metavar="FILE", type=click.Path(path_type=Path, allow_dash=True),
    help="Instead of a token: a notification a row, of any number. NDJSON, or CSV if its name ends in .csv;"
    " - is the standard input.",
)  # fmt: skip
@click.option("--csv", "as_csv", is_flag=True, help="FILE is CSV, whatever its name.")
@click.option(
    "--payload",
    metavar="JSON",
    help="The payload, sent as it is: a JSON object, or XML or text where the app takes that.",
)
@click.option("--alert", metavar="TEXT", help="Instead of a payload of Apple's: the text to show.")
@click.option(
    "--push-magic", metavar="MAGIC", help="Instead of a payload: wakes the device that gave it (MDM)."
)
@click.option("--expiration", type=int, metavar="TIME", help="Unix seconds after which it is not sent.")
@click.option(
    "--priority",
    type=click.Choice(["1", "5", "10"]),
    help="10: at once; 5: power permitting; 1: wake nothing.",
)
@click.option("--collapse-id", help="It replaces an earlier notification with the same.")
@click.option("--push-type", help="Such as alert or background.")
@click.option("--topic", help="The topic, when it is not the app's.")
@click.option(
    "--delivery", type=click.Choice(["at-least-once", "at-most-once"]),
    help="What a connection that dies without a word means, when it is not as the app has it.",
)  # fmt: skip
@click.option("--registered-at", type=int, metavar="TIME", help="When the device last gave the token.")
@click.option("--key", help="Idempotency key: the same within 24 hours sends nothing again.")
@click.option(
    "--wait", type=click.FloatRange(0), metavar="SECONDS",
    help="How long to wait for the outcome: 10 by default, with --test 30; 0 does not. Not with --file.",
)  # fmt: skip
@click.option("--test", "is_test", is_flag=True, help="Say of each device what became of it, and what to do.")
@gateway_address.to
@options.as_json
def command(
    app: str,
    tokens: tuple[str, ...],
    file: Path | None,
    as_csv: bool,
    payload: str | None,
    alert: str | None,
    is_test: bool,
    **rest: Any,
) -> None:
    """Send a notification; print its id, and its outcome.

    With several tokens it is sent to each, and each has its id and its outcome in a line. With --test, to ten
    devices at most, print what that means and what to do as well; an app has ten test sends a minute. The
    exit status is 1 when the gateway refuses one, or when an outcome says that the push service does not have
    it.

    A row of a file has a token, and what is its own of all that the options say: payload, or alert with
    title, subtitle, badge and sound, expiration, priority and so on; the options are for rows that do not
    say. In JSON these are the keys of an object, in CSV the first row names them. Bad rows are reported by
    line, and the others are sent; then the exit status is 1. What was stopped half-way goes on when it is
    started again with the same --key, file and options: no row is sent twice.
    """
    if [bool(tokens), rest["channel"] is not None, file is not None].count(True) != 1:
        raise click.UsageError("one of --token, --channel and --file is needed")
    _check_payload((payload, alert, rest["push_magic"]), tokens, file is not None, is_test)
    body = payload if alert is None else json.dumps({"aps": {"alert": alert}}, ensure_ascii=False)
    what = {"app": app, "payload": body}
    if file is not None:
        if rest["wait"] is not None:
            raise click.UsageError("--wait is not for a file: `pushgate watch` shows the outcomes of all")
        del rest["wait"], rest["channel"], rest["push_magic"]
        run(lambda reactor: _send_file(reactor, what, file, as_csv, **rest))
    send = _try if is_test else _send
    run(lambda reactor: send(reactor, what, tokens, is_alert=alert is not None, **rest))


def _check_payload(
    payloads: tuple[str | None, str | None, str | None], tokens: tuple[str, ...], is_file: bool, is_test: bool
) -> None:
    """Raise `UsageError` unless there is one payload, alert or push magic, and it goes with the targets."""
    given = sum(each is not None for each in payloads)
    if given != 1 and (given or not is_file):
        raise click.UsageError("either --payload, or --alert, or --push-magic is needed")
    if payloads[2] is not None and len(tokens) != 1:
        raise click.UsageError("a --push-magic goes with the one --token of its device")
    if is_file and is_test:
        raise click.UsageError("--test goes with --token, ten at most")


async def _try(
    reactor: Any,
    what: dict[str, Any],
    tokens: tuple[str, ...],
    *,
    is_alert: bool,
    to: gateway_address.GatewayAddress,
    wait: float | None,
    key: str | None,
    as_json: bool,
    **terms: Any,
) -> None:
    """Make a test send of it."""
    try:
        async with gateway_address.reach(reactor, to, TIMEOUT) as gateway:
            if is_alert:
                await _check_alert(gateway, what["app"])
            sent = await gateway.test_send(**what, tokens=tokens or None, wait=wait, key=key, **_given(terms))
    except PushgateError as error:
        _refused(error, as_json)
    print_send_test(sent, tokens, as_json)


async def _send_file(
    reactor: Any,
    what: dict[str, Any],
    file: Path,
    as_csv: bool,
    *,
    to: gateway_address.GatewayAddress,
    key: str | None,
    as_json: bool,
    **terms: Any,
) -> None:
    rows = RowFile(file, as_csv, what["payload"], _given(terms))
    await send_file(reactor, what["app"], rows, key, to, as_json)


async def _send(
    reactor: Any,
    what: dict[str, Any],
    tokens: tuple[str, ...],
    *,
    is_alert: bool,
    to: gateway_address.GatewayAddress,
    wait: float | None,
    key: str | None,
    as_json: bool,
    **terms: Any,
) -> None:
    seconds = _WAIT if wait is None else wait
    try:
        async with gateway_address.reach(reactor, to) as gateway:
            if is_alert:
                await _check_alert(gateway, what["app"])
            pushes = _pushes(gateway, what | _given(terms), tokens or (None,), key)
            if len(pushes) > 1:
                await send_several(reactor, gateway, tokens, pushes, seconds, as_json)
            else:
                await _send_one(reactor, gateway, pushes[0], seconds, as_json)
    except PushgateError as error:
        _refused(error, as_json)


async def _send_one(
    reactor: Any, gateway: "Client", push: "Deferred[str]", wait: float, as_json: bool
) -> None:
    number = await push
    if not as_json:
        click.echo(number)
    record, why = await seen(reactor, gateway, number, wait)
    _print(number, record, why, as_json)


def _pushes(
    gateway: "Client", what: dict[str, Any], tokens: tuple[str | None, ...], key: str | None
) -> "list[Deferred[str]]":
    """The push to each token, under way; of several each has a key of its own."""
    alone = key is None or len(tokens) == 1
    return [
        gateway.push(**what, token=token, key=key if alone else f"{key}/{index}")
        for index, token in enumerate(tokens)
    ]


async def _check_alert(gateway: "Client", app: str) -> None:
    """Raise `Invalid` for an app to which Apple's payload means nothing; WNS would take it, as raw."""
    try:
        upstream = (await gateway.stats())["apps"][app]["upstream"]
    except (PushgateError, KeyError):
        return  # it may not be read, or there is no such app, which the push says
    if upstream in _OTHERS:
        shape = f"makes Apple's payload, and the app is on {upstream}"
        raise Invalid("alert", shape, "--payload has what its service takes")


def _given(terms: dict[str, Any]) -> dict[str, Any]:
    if terms["priority"] is not None:
        terms["priority"] = int(terms["priority"])
    return {name: value for name, value in terms.items() if value is not None}


def _print(number: str, record: "Record | None", why: str, as_json: bool) -> None:
    from pushgate.cli.outcome_format import ON_ITS_WAY, plain, sentence
    from pushgate.model.outcome import TAKEN

    if as_json:
        print_json({"id": number} if record is None else plain(record))
    elif record is not None or why:
        said = [sentence(record)] if record is not None else []
        click.echo("; ".join([*said, *([why] if why else [])]))
    if record is not None and record.state not in {*TAKEN, *ON_ITS_WAY}:
        raise SystemExit(1)


def _refused(error: PushgateError, as_json: bool) -> NoReturn:
    if not as_json:
        raise error
    code = error.code if isinstance(error, Refusal) else type(error).__name__
    print_json({"error": code, "detail": str(error)})
    raise SystemExit(1)
