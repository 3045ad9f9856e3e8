"""Registrations and installations of every platform, for the tests of hubs."""

import json

from hypothesis import strategies as st

from pushgate.model.hub.installation import Installation, InstallationTemplate
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration, Template
from pushgate.protocols.notification_hubs.handles import browser_handle, write_fields
from pushgate.protocols.notification_hubs.platforms import KINDS

POINT = "BMBlr6YznhYMX3NgcWIDRxZXs0sh7tCv7_YCsWcww0ZCv9WGg-tRCXfMEHTiBPCksSqeve1twlbmVAZFv7GSuj0"
AUTH = "A" * 21 + "Q"
ENDPOINT = "https://push.example.com/send/a%20b?c=1"
SUBSCRIPTION = {"endpoint": ENDPOINT, "p256dh": POINT, "auth": AUTH}
BROWSER = browser_handle(ENDPOINT, POINT, AUTH, "Endpoint")
URI = "https://db3.notify.windows.com/?token=a%2bb&c=d"

_word = st.text("abcdefgXYZ0123456789_@#.:-", min_size=1, max_size=20)
_text = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1, max_size=40
)
_trimmed = _text.map(str.strip).filter(bool)
_seconds = st.integers(0, 200_000_000_000).map(float)
platforms = st.sampled_from(list(Platform))


def handles(platform):
    """Handles of a platform."""
    if platform is Platform.APNS:
        return st.binary(min_size=1, max_size=100)
    if platform is Platform.BROWSER:
        return st.just(BROWSER)
    return st.text("abcXYZ019:/?&=%_.", min_size=1, max_size=60).map(str.encode)


@st.composite
def registrations(draw):
    """Registrations as a hub keeps them."""
    platform = draw(platforms)
    kind = KINDS[platform]
    template = None
    if draw(st.booleans()):
        template = Template(
            body=draw(_trimmed),
            name=draw(st.just("") | _trimmed),
            headers=draw(st.dictionaries(_word, _trimmed, max_size=3))
            if kind.headers[0] in kind.template
            else {},
            expiry=draw(st.just("") | _trimmed) if "Expiry" in kind.template else "",
            priority=draw(st.just("") | _trimmed) if "Priority" in kind.template else "",
        )
    names = [*kind.properties, *(kind.template_properties if template else ())]
    names += [name for name in kind.handle[:-1] if platform is Platform.BAIDU]
    return Registration(
        platform=platform,
        handle=draw(handles(platform)),
        tags=tuple(draw(st.lists(_word, max_size=4))),
        template=template,
        push_variables=draw(st.dictionaries(_word, _text, max_size=3)),
        properties={name: draw(_word) for name in names if draw(st.booleans())},
        id=draw(_word),
        etag=draw(_word),
        expires_at=draw(st.none() | _seconds),
    )


@st.composite
def installations(draw):
    """Installations as a hub keeps them."""
    platform = draw(platforms)
    handle = draw(handles(platform))
    channel = write_fields(platform, handle, {})[KINDS[platform].handle[-1]]
    if platform is Platform.BROWSER:
        channel = json.dumps(SUBSCRIPTION, separators=(",", ":"))
    names = draw(st.lists(_word, max_size=3, unique=True))
    return Installation(
        id=draw(_word),
        platform=platform,
        push_channel=channel,
        handle=handle,
        user_id=draw(st.just("") | _word),
        tags=tuple(draw(st.lists(_word, max_size=4))),
        templates={name: draw(_templates(name)) for name in names},
        push_variables=draw(st.dictionaries(_word, _text, max_size=3)),
        secondary_tiles=draw(st.sampled_from(["", '{"t":{"pushChannel":"x"}}'])),
        expires_at=draw(st.none() | _seconds),
    )


@st.composite
def _templates(draw, name):
    template = Template(
        body=draw(_text),
        name=name,
        headers=draw(st.dictionaries(_word, _text, max_size=2)),
        expiry=draw(st.just("") | _text),
        priority=draw(st.just("") | _text),
    )
    return InstallationTemplate(template=template, tags=tuple(draw(st.lists(_word, max_size=2))))
