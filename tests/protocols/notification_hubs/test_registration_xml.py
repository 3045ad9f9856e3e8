"""Registrations as XML, in and out."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pushgate.model.errors import Invalid
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration, Template
from pushgate.protocols.notification_hubs.registration_xml import (
    CONNECT,
    description,
    entry,
    feed,
    read_entry,
)
from tests.hub_samples import AUTH, BROWSER, ENDPOINT, POINT, registrations

ADDRESS = "https://h/main/registrations"
JAVASCRIPT = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><entry xmlns="http://www.w3.org/2005/Atom">'
    '<updated>2026-11-27T23:16:09.333Z</updated><content type="application/xml">{}</content></entry>'
)
HEAD = f'xmlns="{CONNECT}" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"'


def given_by(name, inside, head=HEAD):
    """What a request of an SDK means."""
    return read_entry(JAVASCRIPT.format(f"<{name} {head}>{inside}</{name}>").encode())


def test_what_the_npm_sdk_sends():
    """A native registration of an Apple device."""
    found = given_by("AppleRegistrationDescription", "<Tags>a,b</Tags><DeviceToken>aabb</DeviceToken>")
    assert found == Registration(platform=Platform.APNS, handle=b"\xaa\xbb", tags=("a", "b"))


def test_templates_are_read_in_any_order_and_under_any_prefix():
    """Headers are lists of names and values; what is empty counts as not there."""
    inside = (
        "<p:ApnsHeaders><p:ApnsHeader><p:Value>5</p:Value><p:Header>apns-priority</p:Header></p:ApnsHeader></p:ApnsHeaders>"
        '<p:TemplateName> t </p:TemplateName><p:BodyTemplate>\n<![CDATA[{"a":"<&"}]]>\n</p:BodyTemplate><p:Expiry/>'
        "<p:DeviceToken> AaBb </p:DeviceToken><p:Tags>a, ,b,</p:Tags><p:Priority>5</p:Priority><p:Unknown>x</p:Unknown>"
        '<p:PushVariables>{"k":"v"}</p:PushVariables>'
    )
    found = given_by("p:AppleTemplateRegistrationDescription", inside, f'xmlns:p="{CONNECT}"')
    template = Template(body='{"a":"<&"}', name="t", headers={"apns-priority": "5"}, priority="5")
    expected = Registration(
        platform=Platform.APNS,
        handle=b"\xaa\xbb",
        tags=("a", "b"),
        template=template,
        push_variables={"k": "v"},
    )
    assert found == expected


def test_a_line_of_an_export():
    """A description alone, its type in an attribute, with what only hubs set."""
    line = (
        f'<RegistrationDescription xmlns="{CONNECT}" xmlns:i="x" i:type="q:BaiduTemplateRegistrationDescription">'
        "<ETag>3</ETag><ExpirationTime>2026-11-29T12:00:00</ExpirationTime><RegistrationId>1-2</RegistrationId>"
        "<BaiduUserId>u</BaiduUserId><BaiduChannelId>c</BaiduChannelId><BodyTemplate>b</BodyTemplate>"
        "<MessageType>1</MessageType></RegistrationDescription>"
    )
    found = read_entry(line.encode())
    assert (found.id, found.etag, found.expires_at, found.handle) == ("1-2", "3", 1795953600.0, b"c")
    assert found.properties == {"BaiduUserId": "u", "MessageType": "1"}


def test_the_other_name_of_gcm():
    """The .NET SDK has two."""
    found = given_by("FcmRegistrationDescription", "<FcmRegistrationId>a</FcmRegistrationId>")
    assert (found.platform, found.handle) == (Platform.GCM, b"a")


def test_a_browser():
    """Its subscription becomes the target of Web Push."""
    inside = f"<Endpoint>{ENDPOINT}</Endpoint><P256DH>{POINT}</P256DH><Auth>{AUTH}</Auth>"
    assert given_by("BrowserRegistrationDescription", inside).handle == BROWSER


@given(registrations())
def test_there_and_back(registration):
    """An entry says all that a hub keeps, and so does a line."""
    assert read_entry(entry(registration, ADDRESS, 0.0)) == registration
    assert read_entry(description(registration).encode()) == registration


@given(st.lists(registrations(), max_size=3))
def test_feeds(found):
    """Each entry has its address; without any there is an empty feed."""
    names = {"a": "http://www.w3.org/2005/Atom"}
    tree = ElementTree.fromstring(feed(found, ADDRESS, 0.0))
    contents = [each.find("a:content", names) for each in tree.findall("a:entry", names)]
    assert [read_entry(ElementTree.tostring(each[0])) for each in contents] == found
    assert [each.findtext("a:id", None, names) for each in tree.findall("a:entry", names)] == [
        f"{ADDRESS}/{each.id}" for each in found
    ]


def test_names_have_no_prefix_and_their_order():
    """The npm SDK reads plain names, .NET's passes over what comes too early."""
    template = Template(body="]]>", name="t", headers={"apns-priority": "5"}, expiry="0", priority="5")
    whole = Registration(
        platform=Platform.APNS, handle=b"\xaa", tags=("a", "b"), template=template, push_variables={"k": '"'}, id="1",
        etag="2", expires_at=0.0,
    )  # fmt: skip
    assert description(whole) == (
        f"<AppleTemplateRegistrationDescription {HEAD}><ETag>2</ETag><ExpirationTime>1970-01-01T00:00:00.000Z</ExpirationTime>"
        "<RegistrationId>1</RegistrationId><Tags>a,b</Tags><PushVariables>{&quot;k&quot;:&quot;\\&quot;&quot;}</PushVariables>"
        "<DeviceToken>AA</DeviceToken><BodyTemplate><![CDATA[]]]]><![CDATA[>]]></BodyTemplate><Expiry>0</Expiry>"
        "<TemplateName>t</TemplateName><Priority>5</Priority><ApnsHeaders><ApnsHeader><Header>apns-priority</Header>"
        "<Value>5</Value></ApnsHeader></ApnsHeaders></AppleTemplateRegistrationDescription>"
    )
    bare = replace(whole, tags=(), template=None, push_variables={}, expires_at=None)
    assert "<ExpirationTime>9999-12-31T" in description(bare)
    assert "Tags" not in description(bare)


@pytest.mark.parametrize(
    ("platform", "empty"),
    [
        (Platform.WNS, "<WnsHeaders></WnsHeaders>"),
        (Platform.MPNS, "<MpnsHeaders></MpnsHeaders>"),
        (Platform.APNS, ""),
    ],
)
def test_lists_of_headers_that_a_reader_needs(platform, empty):
    """.NET's refuses a template of Windows without one."""
    text = description(Registration(platform=platform, handle=b"h", template=Template(body="b")))
    name = text[1:].partition(" ")[0]
    assert text.partition("</BodyTemplate>")[2] == f"{empty}</{name}>"


TOKEN = "<DeviceToken>aa</DeviceToken>"
APPLE, TEMPLATE = "AppleRegistrationDescription", "AppleTemplateRegistrationDescription"


@pytest.mark.parametrize(("name", "inside", "field", "shape"), [
    ("PigeonRegistrationDescription", "", "content", "no registration of a known platform"),
    ("RegistrationDescription", "", "content", "no registration of a known platform"),
    (APPLE, "", "DeviceToken", "missing"),
    (APPLE, "<DeviceToken> </DeviceToken>", "DeviceToken", "missing"),
    (APPLE, "<DeviceToken>abc</DeviceToken>", "DeviceToken", "text of 3 characters"),
    (APPLE, "<DeviceToken>a\u0661</DeviceToken>", "DeviceToken", "text of 2 characters"),
    (APPLE, f"<DeviceToken>{'a' * 8194}</DeviceToken>", "DeviceToken", "text of 8194 characters"),
    (APPLE, TOKEN * 2, "DeviceToken", "given twice"),
    (APPLE, f"{TOKEN}<PushVariables>[]</PushVariables>", "PushVariables", "text of 2 characters"),
    (APPLE, f"{TOKEN}<PushVariables>{'[' * 9999}</PushVariables>", "PushVariables", "text of 9999 characters"),
    (APPLE, f"{TOKEN}<ExpirationTime>soon</ExpirationTime>", "ExpirationTime", "text of 4 characters"),
    (TEMPLATE, TOKEN, "BodyTemplate", "missing"),
    (TEMPLATE, f"{TOKEN}<BodyTemplate>b</BodyTemplate><TemplateName>{'n' * 201}</TemplateName>", "TemplateName", "201 characters"),
    (TEMPLATE, f"{TOKEN}<BodyTemplate>b</BodyTemplate><ApnsHeaders><ApnsHeader/></ApnsHeaders>", "ApnsHeaders", "an entry without Header or Value"),
    ("GcmRegistrationDescription", "<GcmRegistrationId>a b</GcmRegistrationId>", "GcmRegistrationId", "text with blanks or other characters"),
    ("BrowserRegistrationDescription", f"<Endpoint>{ENDPOINT}</Endpoint>", "P256DH", "missing"),
    ("BrowserRegistrationDescription", f"<Endpoint>ftp://h/</Endpoint><P256DH>{POINT}</P256DH><Auth>{AUTH}</Auth>", "Endpoint", "endpoint is no address"),
    ("BrowserRegistrationDescription", f"<Endpoint>{ENDPOINT}</Endpoint><P256DH>{'A' * 87}</P256DH><Auth>{AUTH}</Auth>", "Endpoint", "p256dh is no key"),
])  # fmt: skip
def test_what_is_not_valid(name, inside, field, shape):
    """The field is named, and what is wrong with it; not what it says."""
    with pytest.raises(Invalid) as caught:
        given_by(name, inside)
    assert (caught.value.field, caught.value.shape) == (field, shape)


@pytest.mark.parametrize(
    "document", ["<entry/>", "<entry><content/></entry>", "<entry><content><a/><b/></content></entry>"]
)
def test_entries_without_a_description(document):
    """There has to be one, and one only."""
    with pytest.raises(Invalid, match="content: not one element"):
        read_entry(document.encode())
