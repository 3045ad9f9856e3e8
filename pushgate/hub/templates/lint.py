"""What is wrong with a template of a hub: with its expressions, and with what it becomes.

What stands around the expressions is examined as any payload of its push service; what an expression becomes
is not known, and so may be anything.
"""

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from pushgate.hub.templates.compiled import BadValue, CompiledTemplate
from pushgate.hub.templates.expression import STARTS, BadExpression, parse_value
from pushgate.hub.templates.template import compile_template
from pushgate.model.errors import Refusal
from pushgate.model.hub.platform import Platform
from pushgate.protocols.lint.draft import TEMPLATE, Draft
from pushgate.protocols.lint.flaw import Flaw, Grade
from pushgate.protocols.lint.json_tree import JSONText, Kind, Value, decode, place, read
from pushgate.protocols.lint.limits import checks
from pushgate.protocols.lint.lint import LintReport, in_order, push_type_of, too_large
from pushgate.protocols.lint.services import PLATFORMS, SERVICES

_SERVICES: Final = {platform: service for service, platform in PLATFORMS.items()}
_MARK: Final = "$("
_NOTHING: Final = CompiledTemplate(())


def lint_template(draft: Draft) -> LintReport:
    """Examine a template. Nothing is raised, whatever its bytes are.

    :param draft: its service is `TEMPLATE`, its platform one of `Platform`.
    """
    text, faults = decode(draft.payload)
    is_xml = text.lstrip().startswith("<")
    body = JSONText(text) if is_xml else read(text, _is_open)
    compiled, found = _compiled(Platform(draft.platform), body)
    service = _SERVICES.get(draft.platform)
    of_service = replace(draft, service=service or "fcm", is_template=True)
    push_type = push_type_of(of_service)
    sizes = () if compiled is _NOTHING else checks(of_service, push_type, compiled.size)
    found = [*faults, *found, *too_large(sizes, compiled.size, JSONText(text))]
    if service is not None and (body.root is not None or (is_xml and not found)):
        found += SERVICES[service].flaws(of_service, body)
    return LintReport(
        service=TEMPLATE,
        platform=draft.platform,
        push_type=push_type,
        size=compiled.size,
        sizes=sizes,
        flaws=in_order([*found, *_of_literals(body)]),
        properties=tuple(compiled.properties),
    )


def _is_open(text: str) -> bool:
    return text[:1] in STARTS and bool(text)


def _compiled(platform: Platform, body: JSONText) -> tuple[CompiledTemplate, list[Flaw]]:
    """The compiled template, an empty one when it is none, and what is wrong with it."""
    try:
        return compile_template(platform, body.text), []
    except BadValue as error:
        bad = list(_of_expressions(body))
        what = f"position {error.position} of this expression: {error.rule}"
        return _NOTHING, bad or [Flaw(Grade.ERROR, "", *place(body.text, error.at), what, error.rule)]
    except Refusal as refusal:
        advice = "the template as its platform has it: JSON, or XML for wns and mpns"
        return _NOTHING, body.flaws or [Flaw(Grade.ERROR, "", 0, 0, str(refusal), advice)]


def _of_expressions(body: JSONText) -> Iterator[Flaw]:
    """A flaw for each value of JSON that begins like an expression and is none."""
    for value in _texts(body):
        try:
            parse_value(str(value.found))
        except BadExpression as error:
            what = f"position {error.position} of this expression is wrong"
            yield body.flaw(Grade.ERROR, value, what, error.rule)


def _of_literals(body: JSONText) -> Iterator[Flaw]:
    """A flaw for each text that has an expression in it and is none as a whole."""
    for value in _texts(body):
        if value.kind is Kind.TEXT and _MARK in str(value.found):
            what = "an expression inside a text is sent as it stands: an expression is the whole value"
            yield body.flaw(Grade.WARNING, value, what, "join the parts: {'Hello ' + $(name)}")


def _texts(body: JSONText) -> Iterator[Value]:
    """Every text of JSON, however deep."""
    waiting = [] if body.root is None else [body.root]
    while waiting:
        value = waiting.pop()
        waiting.extend(value)
        if value.kind in {Kind.TEXT, Kind.OPEN}:
            yield value
