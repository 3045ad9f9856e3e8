"""The commands about dead tokens."""

from collections.abc import Iterator

from twisted.internet.defer import Deferred

from pushgate.model.dead_token import DeadTokenEntry, json_line, line, parse
from pushgate.model.errors import Invalid
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.packed import Packed
from pushgate.model.target import TargetForm
from pushgate.plugin.gateway_interface import IGateway
from pushgate.protocols.amp.boxes import Box
from pushgate.protocols.amp.commands import MAX_ENTRIES, MAX_VALUE


def page(gateway: IGateway, app: str, after: str | None, limit: int | None) -> Box:
    """The answer to `DeadTokens`."""
    if limit is not None and limit < 1:
        raise Invalid("limit", f"the number {limit}", "from 1")
    limit = min(limit or MAX_ENTRIES, MAX_ENTRIES)
    rules = gateway.rules(app)
    behind = b"" if after is None else rules.parse_target(after, "after")
    dead = gateway.dead_tokens(app, behind, limit)
    lines = list(_lines_that_fit(dead, rules.form))
    more = len(lines) == limit or len(lines) < len(dead)
    return {
        b"entries": b"".join(lines),
        b"more": b"True" if more else b"False",
        b"form": rules.form.encode(),
    }


def bury(gateway: IGateway, app: str, entries: bytes, now: int) -> Deferred[Box]:
    """The answer to `Bury`."""
    rules = gateway.rules(app)
    lines = _text(entries).removesuffix("\n").split("\n") if entries else []
    dead = [parsed(text, number, now, rules) for number, text in enumerate(lines, 1)]
    return gateway.bury(app, dead).addCallback(lambda count: {b"buried": b"%d" % count})


def forget(gateway: IGateway, app: str, packed: Packed, field: str) -> Deferred[Box]:
    """The answer to `Forget`.

    :param field: the argument that has them.
    """
    limit = gateway.rules(app).max_target
    for index, token in enumerate(packed):
        if not 1 <= len(token) <= limit:
            raise Invalid(f"{field}[{index}]", f"{len(token)} bytes", f"1 to {limit} bytes")
    return gateway.forget(app, list(packed)).addCallback(lambda count: {b"forgotten": b"%d" % count})


def parsed(text: str, number: int, now: int, rules: NotificationRules) -> DeadTokenEntry:
    """The entry on a line; raise `Invalid`, naming the line, when there is none."""
    try:
        return parse(text, now, rules.form, rules.max_target)
    except Invalid as fault:
        raise Invalid(f"entries, line {number}: {fault.field}", fault.shape, fault.rule) from None


def _text(entries: bytes) -> str:
    try:
        return entries.decode()
    except UnicodeDecodeError:
        raise Invalid("entries", f"{len(entries)} bytes", "lines of UTF-8 text") from None


def _lines_that_fit(dead: list[DeadTokenEntry], form: TargetForm) -> Iterator[bytes]:
    """As many lines as fit into one value."""
    size = 0
    write = line if form is TargetForm.HEX else json_line  # other text may have blanks
    for entry in dead:
        text = f"{write(entry, form)}\n".encode()
        size += len(text)
        if size > MAX_VALUE:
            return
        yield text
