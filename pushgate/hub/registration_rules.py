"""What a registration and an installation may say. Pure.

The app of the platform has the last word on a handle, as it may be configured for other hosts than those of
the service; here is what holds for all apps.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from pushgate.hub.tag_expressions.tags import check_tags, installation_tag, user_tag
from pushgate.hub.templates.rendering import EXPIRY_RULE, read_expiry
from pushgate.hub.templates.template import compile_template
from pushgate.hub.templates.value import compile_value
from pushgate.model.errors import Invalid, TooLarge
from pushgate.model.hub.installation import Installation
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration, Template
from pushgate.protocols.adm.rules import check_target as check_adm
from pushgate.protocols.apns_rules import MAX_TOKEN
from pushgate.protocols.baidu.rules import check_target as check_baidu
from pushgate.protocols.fcm.target import DEVICES, parse
from pushgate.protocols.fcm.target import check_target as check_fcm
from pushgate.protocols.http_push.channel_uri import MAX_URI
from pushgate.protocols.webpush.subscription import check_target as check_subscription
from pushgate.protocols.xiaomi.rules import check_target as check_xiaomi

MAX_NAME: Final = 200
"""Characters of a template's name."""
MAX_ID: Final = 256
"""Characters of an installation's id, and of a user's."""
MAX_TEMPLATES: Final = 100
"""Templates of an installation."""
MAX_HEADERS: Final = 50
"""Headers of a template."""
MAX_VARIABLES: Final = 16 << 10
"""Characters of push variables with their names; likewise of the JSON of secondary tiles."""
_is_header: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}").fullmatch
_is_channel: Final = re.compile(rb"https?://[!-~]+", re.IGNORECASE).fullmatch
_is_integer: Final = re.compile(r"-?[0-9]{1,10}").fullmatch
_is_byte: Final = re.compile(r"25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9]").fullmatch
_BYTE_RULE: Final = "an expression, or a number from 0 to 255"


def check_registration(registration: Registration, max_tags: int) -> Registration:
    """Check a registration; return it with each of its tags once.

    :raises Invalid: naming the field.
    :raises TooLarge: likewise.
    """
    check_handle(registration.platform, registration.handle, "handle")
    tags = check_tags(registration.tags, max_tags)
    _check_variables(registration.push_variables)
    if registration.template is not None:
        check_template(registration.platform, registration.template)
    if tags == registration.tags:
        return registration
    return msgspec.structs.replace(registration, tags=tags)


def check_installation(installation: Installation, max_tags: int) -> Installation:
    """Check an installation; return it with each of its tags once.

    Each of its registrations, one for each template, may have `max_tags` of the tags that were given; those
    of its id and its user come on top.

    :raises Invalid: naming the field.
    :raises TooLarge: likewise.
    """
    _check_id("installationId", installation.id, least=1)
    _check_id("userId", installation.user_id, least=0)
    check_handle(installation.platform, installation.handle, "pushChannel")
    tags = check_tags(installation.tags, max_tags)
    _check_implicit(installation, tags, "tags")
    _check_variables(installation.push_variables)
    if len(installation.secondary_tiles) > MAX_VARIABLES:
        raise TooLarge("secondaryTiles", len(installation.secondary_tiles), MAX_VARIABLES, "characters")
    _check_templates(installation, max_tags)
    if tags == installation.tags:
        return installation
    return msgspec.structs.replace(installation, tags=tags)


def check_handle(platform: Platform, handle: bytes, field: str) -> None:
    """Raise `Invalid` for what is no handle of a platform, whatever the app's own rules are."""
    try:
        _HANDLES[platform](handle)
    except Invalid as error:
        raise Invalid(field, error.shape, error.rule) from None


def check_template(platform: Platform, template: Template, prefix: str = "") -> None:
    """Check a template of a platform.

    :param prefix: of the names of fields in errors.
    :raises Invalid: naming the field, and the position in an expression.
    :raises TooLarge: likewise.
    """
    try:
        if len(template.name) > MAX_NAME:
            raise TooLarge("templateName", len(template.name), MAX_NAME, "characters")
        compile_template(platform, template.body)
        _check_expiry(template.expiry)
        _check_byte("priority", template.priority)
        _check_headers(platform, template.headers)
    except Invalid as error:
        raise Invalid(prefix + error.field, error.shape, error.rule) from None
    except TooLarge as error:
        raise TooLarge(prefix + error.field, error.size, error.limit, "characters") from None


def _check_templates(installation: Installation, max_tags: int) -> None:
    if len(installation.templates) > MAX_TEMPLATES:
        raise Invalid("templates", f"{len(installation.templates)} templates", f"at most {MAX_TEMPLATES}")
    for number, (name, each) in enumerate(installation.templates.items(), 1):
        prefix = f"templates: number {number}: "
        if not 1 <= len(name) <= MAX_NAME:
            raise Invalid(f"{prefix}name", f"{len(name)} characters", f"1 to {MAX_NAME} characters")
        check_template(installation.platform, each.template, prefix)
        tags = check_tags((*installation.tags, *each.tags), max_tags, f"{prefix}tags")
        _check_implicit(installation, tags, f"{prefix}tags")


def _check_implicit(installation: Installation, tags: tuple[str, ...], field: str) -> None:
    """The tags that an installation has by its id and its user may be given too, but not those of others."""
    for own in (installation_tag(installation.id), user_tag(installation.user_id)):
        if own is None:
            continue
        start = own[: own.index("{")].lower()
        if any(tag.lower().startswith(start) and tag.lower() != own.lower() for tag in tags):
            raise Invalid(field, f"{start}{{}} of another", "it follows from installationId and userId")


def _check_id(field: str, text: str, least: int) -> None:
    if not least <= len(text) <= MAX_ID or not text.isprintable():
        raise Invalid(field, f"text of {len(text)} characters", f"{least} to {MAX_ID} printable characters")


def _check_variables(variables: Mapping[str, str]) -> None:
    size = sum(len(name) + len(text) for name, text in variables.items())
    if size > MAX_VARIABLES:
        raise TooLarge("pushVariables", size, MAX_VARIABLES, "characters")


def _check_expiry(text: str) -> None:
    literal = compile_value(text, "expiry").literal
    if literal is None:
        return
    try:
        read_expiry(literal)
    except Invalid as error:
        raise Invalid("expiry", error.shape, EXPIRY_RULE) from None


def _check_byte(field: str, text: str) -> None:
    literal = compile_value(text, field).literal
    if literal and not _is_byte(literal.strip()):
        raise Invalid(field, f"text of {len(literal)} characters", _BYTE_RULE)


def _check_headers(platform: Platform, headers: Mapping[str, str]) -> None:
    if len(headers) > MAX_HEADERS:
        raise Invalid("headers", f"{len(headers)} headers", f"at most {MAX_HEADERS}")
    for name, text in headers.items():
        if not _is_header(name):
            raise Invalid(
                "headers", f"a name of {len(name)} characters", "letters, digits and - . _ and the like"
            )
        if not text.isprintable():
            raise Invalid(f"headers: {name}", "control characters", "one line")
        compile_value(text, f"headers: {name}")
        if platform is Platform.APNS:
            _check_apns_header(name, text)


def _check_apns_header(name: str, text: str) -> None:
    field = f"headers: {name}"
    if not name.lower().startswith("apns-"):
        raise Invalid(field, "another header", "names of Apple's headers begin with apns-")
    literal = compile_value(text, field).literal
    if name.lower() == "apns-priority":
        _check_byte(field, text)
    elif name.lower() == "apns-expiration" and literal and not _is_integer(literal.strip()):
        raise Invalid(field, f"text of {len(literal)} characters", "an expression, or Unix seconds")


def _check_token(handle: bytes) -> None:
    if not 1 <= len(handle) <= MAX_TOKEN:
        raise Invalid("token", f"{len(handle)} bytes", f"1 to {MAX_TOKEN} bytes, in hex")


def _check_fcm(handle: bytes) -> None:
    check_fcm(handle)
    if parse(handle)[0] not in DEVICES:
        raise Invalid("token", "a topic or a condition", "the registration token of a device")


def _check_channel(handle: bytes) -> None:
    if len(handle) > MAX_URI or not _is_channel(handle):
        raise Invalid("token", f"{len(handle)} bytes", f"a channel URI of at most {MAX_URI} bytes")


_HANDLES: Final[dict[Platform, Callable[[bytes], None]]] = {
    Platform.APNS: _check_token,
    Platform.FCMV1: _check_fcm,
    Platform.GCM: _check_fcm,
    Platform.WNS: _check_channel,
    Platform.MPNS: _check_channel,
    Platform.ADM: check_adm,
    Platform.BAIDU: check_baidu,
    Platform.BROWSER: check_subscription,
    Platform.XIAOMI: check_xiaomi,
}
