"""What registrations and installations may say."""

import pytest
from msgspec.structs import replace

from pushgate.hub.registration_rules import MAX_TEMPLATES, check_installation, check_registration
from pushgate.model.errors import Invalid, TooLarge
from pushgate.model.hub.installation import Installation, InstallationTemplate
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration, Template

CHANNEL = b"https://db5.notify.windows.com/?token=a%2fb"
SUBSCRIPTION = (
    b'{"endpoint":"https://push.example.com/x","keys":{"p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcx'
    b'aOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4","auth":"BTBZMqHH6r4Tts7J_aSIgg"}}'
)
HANDLES = {
    Platform.APNS: b"\xaa" * 32,
    Platform.FCMV1: b"c:APA91b_x",
    Platform.GCM: b"c:APA91b_x",
    Platform.WNS: CHANNEL,
    Platform.MPNS: b"http://sn1.notify.live.net/x",
    Platform.ADM: b"amzn1.adm-registration.v3.x",
    Platform.BAIDU: b"user+1234567",
    Platform.BROWSER: SUBSCRIPTION,
    Platform.XIAOMI: b"regid/+=",
}
REGISTRATION = Registration(platform=Platform.APNS, handle=HANDLES[Platform.APNS])
INSTALLATION = Installation(
    id="joe", platform=Platform.APNS, push_channel="aa" * 32, handle=HANDLES[Platform.APNS], user_id="u1"
)


def checked(platform=Platform.APNS, **fields):
    """A registration by a template with these fields, checked."""
    template = Template(**{"body": "{}"} | fields)
    registration = replace(REGISTRATION, platform=platform, handle=HANDLES[platform], template=template)
    return check_registration(registration, 60)


def refusal(check, *arguments, **named):
    """The error of a check."""
    with pytest.raises((Invalid, TooLarge)) as caught:
        check(*arguments, **named)
    return caught.value


def with_fields(**fields):
    """The error of an installation that is right but for these fields."""
    return refusal(check_installation, replace(INSTALLATION, **fields), 3)


def with_template(name="one", tags=(), **fields):
    """The error of an installation with a template of these fields."""
    template = InstallationTemplate(template=Template(**{"body": "{}"} | fields), tags=tags)
    return with_fields(templates={name: template})


@pytest.mark.parametrize("platform", list(Platform))
def test_each_platform_has_its_handles(platform):
    """And no SQL among them."""
    registration = replace(REGISTRATION, platform=platform, handle=HANDLES[platform])
    assert check_registration(registration, 60) is registration
    bad = b"" if platform is Platform.APNS else b"'; DROP TABLE device; --"
    assert refusal(check_registration, replace(registration, handle=bad), 60).field == "handle"


@pytest.mark.parametrize(
    ("platform", "handle"),
    [
        (Platform.APNS, b"a" * 101),
        (Platform.FCMV1, b"/topics/news"),
        (Platform.GCM, b"condition:'a' in topics"),
        (Platform.WNS, b"https://x/" + b"a" * 1024),
        (Platform.MPNS, b"ftp://x/"),
        (Platform.BROWSER, b"https://push.example.com/x"),
        (Platform.XIAOMI, b"one,two"),
    ],
)
def test_what_is_no_handle_of_a_device(platform, handle):
    """Topics are no devices; the error does not quote the handle."""
    error = refusal(check_registration, replace(REGISTRATION, platform=platform, handle=handle), 60)
    assert error.field == "handle"
    assert handle.decode() not in str(error)


def test_tags_are_kept_once():
    """Without regard to case; the rest of the registration stays."""
    found = check_registration(replace(REGISTRATION, tags=("News", "NEWS", "a")), 2)
    assert found == replace(REGISTRATION, tags=("News", "a"))
    assert refusal(check_registration, replace(REGISTRATION, tags=("a", "b", "c")), 2).rule == "at most 2"
    assert refusal(check_registration, replace(REGISTRATION, tags=("a b",)), 2).field == "tags"


def test_a_template_is_compiled():
    """The error says where an expression is wrong."""
    checked(body='{"aps":{"alert":"$(message)"}}')
    checked(Platform.WNS, body="<toast>$(message)</toast>")
    error = refusal(checked, body='{"aps":{"alert":"$message"}}')
    assert str(error).startswith("template: the value at position 17: an expression, its position 2; (")
    assert refusal(checked, Platform.WNS, body="<!DOCTYPE a><a/>").field == "template"
    assert refusal(checked, body=" " * 20_000).field == "template"


def test_names_of_templates():
    """Up to 200 characters, or none."""
    checked(name="a" * 200)
    assert refusal(checked, name="a" * 201).field == "templateName"


@pytest.mark.parametrize(
    "expiry", ["", "0", "$(when)", "2026-11-29T18:30:00Z", "11/29/2026 18:30:00", "{'0'}"]
)
def test_expiry(expiry):
    """An expression, a date and time, or "0"."""
    checked(expiry=expiry)


@pytest.mark.parametrize("expiry", ["soon", "1", "2026-02-30", "$when", "{'soon'}"])
def test_what_is_no_expiry(expiry):
    """A literal is checked at once, an expression for its form."""
    assert refusal(checked, expiry=expiry).field == "expiry"


@pytest.mark.parametrize("priority", ["", "0", "10", "99", "199", "255", "$(p)", "#(p)"])
def test_priority(priority):
    """An expression, or a byte; also in Apple's header."""
    checked(priority=priority)
    checked(headers={"Apns-Priority": priority})


@pytest.mark.parametrize("priority", ["256", "-1", "high", "1.0", "007", "$5"])
def test_what_is_no_priority(priority):
    """Wherever it stands."""
    assert refusal(checked, priority=priority).field == "priority"
    assert refusal(checked, headers={"apns-priority": priority}).field == "headers: apns-priority"


def test_headers_of_apns():
    """They begin with apns-; an expiration is a whole number, unless it is an expression."""
    checked(
        headers={"apns-expiration": "1795977000", "Apns-Expiration": "$(e)", "APNS-TOPIC": "x", "apns-id": ""}
    )
    assert "begin with apns-" in refusal(checked, headers={"X-WNS-Type": "wns/toast"}).rule
    assert refusal(checked, headers={"apns-expiration": "soon"}).field == "headers: apns-expiration"
    assert refusal(checked, headers={"apns-topic": "$5"}).field == "headers: apns-topic"


def test_headers_of_others():
    """Any name that HTTP has; a value is one line."""
    checked(Platform.WNS, body="<a/>", headers={"X-WNS-Type": "wns/toast", "X-WNS-Tag": "$(tag)"})
    assert (
        refusal(checked, Platform.WNS, body="<a/>", headers={"X-WNS-Tag": "#5"}).field == "headers: X-WNS-Tag"
    )
    assert refusal(checked, headers={"apns-a b": "x"}).field == "headers"
    assert refusal(checked, headers={"a" * 101: "x"}).shape == "a name of 101 characters"
    assert refusal(checked, headers={f"apns-{number}": "x" for number in range(51)}).shape == "51 headers"


@pytest.mark.parametrize("platform", [Platform.APNS, Platform.WNS])
def test_a_header_is_one_line(platform):
    """What begins another one is refused."""
    headers = {"apns-id": "x\r\nHost: y"}
    assert refusal(checked, platform, body="{}", headers=headers).rule == "one line"


def test_push_variables_are_bounded():
    """With their names."""
    check_registration(replace(REGISTRATION, push_variables={"a": "b" * 16_000}), 60)
    error = refusal(check_registration, replace(REGISTRATION, push_variables={"a": "b" * 17_000}), 60)
    assert error.field == "pushVariables"


def test_an_installation():
    """Its own implicit tags may be given; each tag is kept once."""
    own = replace(INSTALLATION, tags=("$InstallationId:{JOE}", "$UserId:{u1}", "a"))
    assert check_installation(own, 3) is own
    assert check_installation(replace(INSTALLATION, tags=("a", "A")), 3).tags == ("a",)
    other = replace(INSTALLATION, id="no tag", user_id="", tags=("$UserId:{x}",))
    assert check_installation(other, 3) is other


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("installationId", {"id": ""}),
        ("installationId", {"id": "a" * 257}),
        ("installationId", {"id": "a\nb"}),
        ("userId", {"user_id": "a" * 257}),
        ("pushChannel", {"handle": b""}),
        ("tags", {"tags": ("a", "b", "c", "d")}),
        ("tags", {"tags": ("$InstallationId:{other}",)}),
        ("tags", {"tags": ("$userid:{other}",)}),
        ("pushVariables", {"push_variables": {"a": "b" * 17_000}}),
        ("secondaryTiles", {"secondary_tiles": "x" * 17_000}),
    ],
)
def test_what_an_installation_may_not_say(field, fields):
    """The error names the field as installations have it."""
    assert with_fields(**fields).field == field


def test_templates_of_an_installation():
    """Each is a registration, with the tags of both; the error says which it is."""
    good = InstallationTemplate(template=Template(body="{}"), tags=("b", "A"))
    check_installation(replace(INSTALLATION, tags=("a", "c"), templates={"one": good}), 3)
    assert with_template(tags=("a", "b", "c", "d")).field == "templates: number 1: tags"
    assert with_template(tags=("$UserId:{other}",)).field == "templates: number 1: tags"
    assert with_template(body="[]").field == "templates: number 1: template"
    assert with_template(body=" " * 20_000).field == "templates: number 1: template"
    assert with_template(name="").field == "templates: number 1: name"
    assert with_template(name="a" * 201).field == "templates: number 1: name"
    many = {str(number): good for number in range(MAX_TEMPLATES + 1)}
    assert with_fields(templates=many).field == "templates"
