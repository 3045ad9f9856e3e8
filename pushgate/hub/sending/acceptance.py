"""Checks a send before it is kept: what is wrong with it is said to the caller, and nothing is sent."""

from typing import Final

from msgspec.structs import replace

from pushgate.hub.hub_context import HubContext
from pushgate.hub.sending.formatting import native_payload, native_terms
from pushgate.hub.tag_expressions.parser import parse_expression
from pushgate.hub.templates.properties import Properties
from pushgate.model.errors import Invalid, Refusal, TooLarge
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.send import SendRequest

MINUTE: Final = 60.0


class Acceptance:
    """The rules for sends of one hub, by its configuration and by the rules of its apps."""

    def __init__(self, hub: HubContext) -> None:
        self._hub, self._gateway = hub, hub.gateway

    def check(self, request: SendRequest) -> SendRequest:
        """Return the request as it is kept.

        :raises Invalid: naming the field.
        :raises TooLarge: the body, or the number of handles.
        """
        now, table = self._hub.wall(), self._hub.table
        if len(request.body) > table.max_body:
            raise TooLarge("body", len(request.body), table.max_body)
        if request.expression is not None:
            parse_expression(request.expression)
        self._check_time(request.scheduled_for, now)
        if request.platform is None:
            Properties.of_body(request.body)
            if request.handles:
                raise Invalid("handles", "given for a send by templates", "handles need a platform")
            return request
        self._check_native(request.platform, request, now)
        return replace(request, handles=self._handles(request.platform, request))

    def targets(self, request: SendRequest) -> list[bytes]:
        """The targets of a direct send that was checked."""
        assert request.platform is not None
        parse = self._gateway.rules(self._hub.app(request.platform)).parse_target
        return [parse(text) for text in request.handles]

    def _check_time(self, at: float | None, now: float) -> None:
        if at is not None and at > now + self._hub.table.max_schedule + MINUTE:
            days = self._hub.table.max_schedule / 86400
            raise Invalid("schedule time", f"{(at - now) / 86400:.1f} days ahead", f"at most {days:g} days")

    def _check_native(self, platform: Platform, request: SendRequest, now: float) -> None:
        app = self._hub.app(platform)
        rules = self._gateway.rules(app)
        payload = native_payload(platform, request.body)
        terms = native_terms(platform, request.headers, now)
        rules.check_terms(terms)
        rules.payload(payload, self._gateway.max_payload(app))
        if rules.check_combination is not None:
            rules.check_combination(terms, payload)

    def _handles(self, platform: Platform, request: SendRequest) -> tuple[str, ...]:
        """Each handle once."""
        if not request.handles:
            return ()
        if request.expression is not None:
            raise Invalid("expression", "given with handles", "either handles or an expression")
        if len(request.handles) > self._hub.table.max_handles:
            raise TooLarge("handles", len(request.handles), self._hub.table.max_handles, "handles")
        rules, found = self._gateway.rules(self._hub.app(platform)), dict[bytes, str]()
        for number, text in enumerate(request.handles, 1):
            try:
                target = rules.parse_target(text)
                if rules.check_target is not None:
                    rules.check_target(target)
            except Refusal as error:
                shape, rule = getattr(error, "shape", ""), getattr(error, "rule", str(error))
                raise Invalid(f"handle {number}", shape, rule) from None
            found.setdefault(target if rules.canonical is None else rules.canonical(target), text)
        return tuple(found.values())
