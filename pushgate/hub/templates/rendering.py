"""What a template makes of the properties of a send: a payload, headers, an expiry, a priority."""

from collections.abc import Mapping
from typing import Final

import msgspec

from pushgate.hub.templates.properties import Properties
from pushgate.hub.templates.template import compile_template
from pushgate.hub.templates.value import compile_value
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Template
from pushgate.model.notification import MAX_EXPIRATION
from pushgate.protocols.notification_hubs.times import parse as parse_time

EXPIRY_RULE: Final = 'an expression, a date and time, or "0"'


class RenderedTemplate(msgspec.Struct, frozen=True):
    """A notification by a template.

    :param headers: by name in lower case.
    :param expiry: Unix seconds; 0: do not store; None: the template does not say.
    :param priority: a number as text; "" when the template does not say.
    """

    payload: bytes
    headers: dict[str, str] = {}
    expiry: int | None = None
    priority: str = ""


def render(
    platform: Platform, template: Template, properties: Mapping[str, str], variables: Mapping[str, str]
) -> RenderedTemplate:
    """Render a template of a platform.

    :param properties: of the send; as `Properties` they need not be read again for each template.
    :param variables: push variables of the device, in place of properties that are absent.
    :raises Invalid: the template is none, or what it says as expiry is no time.
    :raises TooLarge: the notification is.
    """
    of_send = properties if isinstance(properties, Properties) else Properties(properties)
    known = of_send.with_variables(variables)
    return RenderedTemplate(
        payload=compile_template(platform, template.body).render(known),
        headers={
            name.lower(): compile_value(text, name).render(known) for name, text in template.headers.items()
        },
        expiry=read_expiry(compile_value(template.expiry, "expiry").render(known)),
        priority=compile_value(template.priority, "priority").render(known).strip(),
    )


def read_expiry(text: str) -> int | None:
    """Unix seconds of an expiry; None of blanks. "0" is 0, which means: do not store.

    :raises Invalid: it is no time.
    """
    text = text.strip()
    if not text:
        return None
    if text == "0":
        return 0
    return min(max(int(parse_time("expiry", text)), 1), MAX_EXPIRATION)
