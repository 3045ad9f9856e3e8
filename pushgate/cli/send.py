"""``pushgate send``."""

import json
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from pushgate.cli import gateway_address, options
from pushgate.cli.output import print_json
from pushgate.cli.run import run
from pushgate.cli.send_test import TIMEOUT, print_send_test
from pushgate.model.errors import Forbidden, Invalid, PushgateError, Refusal

if TYPE_CHECKING:
    from pushgate.client import Client, Record

_WAIT: Final = 10.0
"""Seconds to wait for an outcome, where it is not said for how long."""
_OTHERS: Final = frozenset({"fcm", "webpush", "wns", "adm", "hms", "mpns", "xiaomi"})
"""Upstreams whose services take Apple's payload for something else, or not at all."""


@click.command("send")
@click.option("--app", required=True, help="The app, as the gateway's configuration names it.")
@click.option(
    "--token", "tokens", metavar="TOKEN", multiple=True,
    help="The device token in hex, or another service's target; with --test up to ten times.",
)  # fmt: skip
@click.option("--channel", metavar="ID", help="Instead of a token: a broadcast to this channel of Apple's.")
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
    help="How long to wait for the outcome: 10 by default, with --test 30; 0 does not.",
)  # fmt: skip
@click.option("--test", "is_test", is_flag=True, help="Say of each device what became of it, and what to do.")
@gateway_address.to
@options.as_json
def command(
    app: str, tokens: tuple[str, ...], payload: str | None, alert: str | None, is_test: bool, **rest: Any
) -> None:
    """Send one notification; print its id, and its outcome.

    With --test, to ten devices at most, print what that means and what to do as well; an app has ten test
    sends a minute. The exit status is 1 when the gateway refuses it, or when its outcome says that the push
    service does not have it.
    """
    if bool(tokens) == (rest["channel"] is not None):
        raise click.UsageError("either --token or --channel is needed")
    if len(tokens) > 1 and not is_test:
        raise click.UsageError("several --token go with --test")
    if sum(each is not None for each in (payload, alert, rest["push_magic"])) != 1:
        raise click.UsageError("either --payload, or --alert, or --push-magic is needed")
    body = payload if alert is None else json.dumps({"aps": {"alert": alert}}, ensure_ascii=False)
    what = {"app": app, "payload": body}
    send = _try if is_test else _send
    run(lambda reactor: send(reactor, what, tokens, is_alert=alert is not None, **rest))


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
    try:
        async with gateway_address.reach(reactor, to) as gateway:
            if is_alert:
                await _check_alert(gateway, what["app"])
            token = tokens[0] if tokens else None
            number = await gateway.push(**what, token=token, key=key, **_given(terms))
            if not as_json:
                click.echo(number)
            record, why = await _seen(reactor, gateway, number, _WAIT if wait is None else wait)
    except PushgateError as error:
        _refused(error, as_json)
    _print(number, record, why, as_json)


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


async def _seen(reactor: Any, gateway: "Client", number: str, wait: float) -> "tuple[Record | None, str]":
    """As `_outcome`, with a remark on it: why there is none."""
    from pushgate.cli.outcome_format import ON_ITS_WAY

    try:
        record = await _outcome(reactor, gateway, number, wait)
    except Forbidden as error:
        return None, f"accepted; what becomes of it may not be read: {error}"
    if record is None or record.state not in ON_ITS_WAY:
        return record, ""
    return record, f"no outcome after {wait:g} s{await _circuit(gateway, record.app)}"


async def _circuit(gateway: "Client", app: str) -> str:
    """What holds an app's notifications up, if the gateway knows."""
    try:
        circuit = (await gateway.stats())["apps"][app]["circuit"]
    except (PushgateError, KeyError):
        return ""
    if not circuit["cause"]:
        return ""
    is_open = ", and its circuit is open" if circuit["open"] else ""
    return f"; the last connection of {app} failed: {circuit['cause']}{is_open}"


async def _outcome(reactor: Any, gateway: "Client", number: str, wait: float) -> "Record | None":
    """The notification's outcome, or where it is when the time is over; None when it was not asked for."""
    from twisted.internet.task import deferLater

    from pushgate.cli.outcome_format import ON_ITS_WAY

    if not wait:
        return None
    deadline, pause = reactor.seconds() + wait, 0.05
    while True:
        record = await gateway.status(number)
        left = deadline - reactor.seconds()
        if record.state not in ON_ITS_WAY or left <= 0:
            return record
        await deferLater(reactor, min(pause, left))
        pause = min(1.0, pause * 1.5)


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
