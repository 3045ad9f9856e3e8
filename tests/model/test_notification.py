"""What a notification is, and everything that is refused because it is none."""

import json
from uuid import RFC_4122, UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pushgate.model.errors import Invalid, Refusal, TooLarge
from pushgate.model.notification import (
    MAX_BATCH,
    MAX_EXPIRATION,
    Delivery,
    Priority,
    Submission,
    Terms,
    batch_id,
    check_rate,
    parse_delivery,
    parse_id,
    parse_priority,
)
from pushgate.model.packed import Packed
from pushgate.protocols.apns_rules import APNS_RULES, PUSH_TYPES, parse_token
from tests.samples import PAYLOAD, TOKEN, batch

SECRET = "c0ffee5ec2e7"

# Tokens


@pytest.mark.parametrize(
    "text",
    [
        TOKEN.hex(),
        TOKEN.hex().upper(),
        TOKEN.hex(" ", 4),
        f"<{TOKEN.hex(' ', 4)}>",
        " " + " ".join(TOKEN.hex()),
    ],
)
def test_a_token_is_hex_as_the_device_printed_it(text):
    """Case does not matter, nor do the spaces and angle brackets of Apple's old notation."""
    assert parse_token(text) == TOKEN


@given(st.binary(min_size=1, max_size=100))
def test_any_token_of_1_to_100_bytes_is_taken(token):
    """Nothing is assumed about the size of a token but Apple's own bound."""
    assert parse_token(token.hex()) == token


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "<>",
        "a",
        "abc",
        "0x00",
        "zz",
        "ab-cd",
        "ab\tcd",
        "ab\n",
        "ab:cd",
        "\u0661\u0662",
        "\uff41\uff42",
        "00" * 101,
        "é" * 64,
        "\ud800\ud800",
    ],
)
def test_what_is_no_token_is_refused(text):
    """Odd digits, other characters, no byte and 101 bytes: the error names the field and the rule."""
    with pytest.raises(Invalid, match="an even number of hex digits, for 1 to 100 bytes") as caught:
        parse_token(text, "tokens[3]")
    assert caught.value.field == "tokens[3]"


# Payloads


@pytest.mark.parametrize(
    "payload",
    [
        PAYLOAD,
        b"{}",
        b' { "aps" : { } } \r\n',
        '{"aps":{"alert":"Grüße ☃ 😀"}}'.encode(),
        b'{"aps":{"alert":"\\u00e9\\ud83d\\ude00"}}',
        b'{"a":{"a":1},"b":[1,-2.5e+3,true,false,null]}',
        b'{"a":' * 100 + b"1" + b"}" * 100,
    ],
)
def test_a_payload_is_any_json_object(payload):
    """What an object holds is between the caller and the device."""
    APNS_RULES.payload(payload, 2048)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"null",
        b"1",
        b'"{}"',
        b"[]",
        b'[{"aps":{}}]',
        b"{}{}",
        b"{} x",
        b"{}\0",
        b"{'aps':{}}",
        b'{"aps":{},}',
        b'{"a":NaN}',
        b'{"a":01}',
        b'{"a":"\n"}',
        b'{"a":"\\x"}',
        b'{"a":"\\ud800"}',
        b"\xef\xbb\xbf{}",
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"\xc3":1}',
        '{"a":1}'.encode("utf-16"),
    ],
)
def test_what_is_no_json_object_is_refused(payload):
    """Other JSON, broken JSON, a byte order mark, text that is no UTF-8, wherever it stands."""
    with pytest.raises(Invalid, match=r"^payload: \d+ bytes; a JSON object in UTF-8$"):
        APNS_RULES.payload(payload, 2048)


@pytest.mark.parametrize("deep", [b'{"a":', b'{"a":[[[['])
def test_deep_nesting_is_refused_and_not_fatal(deep):
    """A payload nested deeper than the parser's stack is invalid; it crashes nothing."""
    with pytest.raises(Invalid):
        APNS_RULES.payload(deep * 100_000, 10**7)


NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda value: st.lists(value) | st.dictionaries(TEXTS, value),
    max_leaves=8,
)


@given(JSON, st.booleans())
def test_exactly_json_objects_are_taken(value, ascii_only):
    """Whatever the standard library writes is taken if it is an object, and refused if it is not."""
    payload = json.dumps(value, ensure_ascii=ascii_only).encode()
    if isinstance(value, dict):
        APNS_RULES.payload(payload, len(payload))
    else:
        with pytest.raises(Invalid):
            APNS_RULES.payload(payload, len(payload))


@given(st.data())
def test_a_damaged_payload_is_judged_as_by_the_standard_library(data):
    """One byte changed anywhere: what is no JSON any more is refused, what still is one is taken."""
    payload = bytearray('{"aps":{"alert":"é\\u00e9\\n","badge":-1.5e+3},"x":[true,null]}'.encode())
    at = data.draw(st.integers(0, len(payload) - 1))
    payload[at] = data.draw(st.sampled_from(b'{}[]",:\\u0-+.e \n\x00\x80\xc3\xff/x'))
    try:
        json.loads(payload.decode())
    except ValueError:
        with pytest.raises(Invalid):
            APNS_RULES.payload(bytes(payload), 2048)
    else:
        APNS_RULES.payload(bytes(payload), 2048)


def test_the_limit_counts_bytes_of_utf_8():
    """A payload exactly at the limit is taken, one byte more is too large; characters are not counted."""
    payload = '{"a":"☃☃"}'.encode()
    assert len(payload) == 14
    APNS_RULES.payload(payload, 14)
    with pytest.raises(TooLarge) as caught:
        APNS_RULES.payload(payload, 13)
    assert (caught.value.size, caught.value.limit) == (14, 13)


def test_too_large_comes_before_invalid():
    """A payload over the limit is not even parsed."""
    with pytest.raises(TooLarge):
        APNS_RULES.payload(b"[" * 3000, 2048)


# No secrets in errors


@pytest.mark.parametrize(
    "refused",
    [
        lambda: parse_token(SECRET + "x"),
        lambda: parse_token(SECRET * 20),
        lambda: APNS_RULES.payload(f'["{SECRET}"]'.encode(), 2048),
        lambda: APNS_RULES.payload(f'{{"{SECRET}":"{SECRET}"'.encode(), 2048),
        lambda: APNS_RULES.payload(f'{{"{SECRET}":"'.encode() + b'\xff"}', 2048),
        lambda: APNS_RULES.payload(f'{{"{SECRET}":1}}'.encode(), 5),
        lambda: Terms(collapse_id=SECRET * 6),
        lambda: Terms(topic=SECRET * 30),
        lambda: APNS_RULES.check_terms(Terms(push_type=SECRET)),
        lambda: parse_delivery(SECRET),
        lambda: Packed(bytes([99]) + SECRET.encode(), 1, "tokens"),
        lambda: Submission(app="news", tokens=Packed.of([TOKEN], 1), payload=PAYLOAD, key=SECRET * 30),
    ],
)
def test_no_error_repeats_what_was_sent(refused):
    """Tokens and payloads are other people's secrets: an error tells their shape only."""
    with pytest.raises(Refusal) as caught:
        refused()
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)


# Terms


def test_terms_have_defaults():
    """Nothing but the token and the payload has to be said: urgent, with no end."""
    terms = Terms()
    assert terms.priority is None
    assert batch().priority is Priority.URGENT
    assert {terms.expiration, terms.collapse_id, terms.push_type, terms.topic, terms.registered_at} == {None}
    assert terms.delivery is None


@pytest.mark.parametrize("field", ["expiration", "registered_at"])
@pytest.mark.parametrize("seconds", [0, 1, MAX_EXPIRATION])
def test_times_are_unix_seconds(field, seconds):
    """Whatever four bytes can say is a time."""
    assert getattr(Terms(**{field: seconds}), field) == seconds


@pytest.mark.parametrize("field", ["expiration", "registered_at"])
@pytest.mark.parametrize(
    ("seconds", "shape"),
    [
        (-1, "the number -1"),
        (MAX_EXPIRATION + 1, "the number 4294967296"),
        (1_700_000_000_000, "a number of 41 bits"),
        (10**50, "a number of 167 bits"),
    ],
)
def test_times_outside_are_refused(field, seconds, shape):
    """A negative time, and milliseconds given as seconds, are refused; a huge number is not repeated."""
    with pytest.raises(Invalid, match=shape) as caught:
        Terms(**{field: seconds})
    assert caught.value.field == field
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(("field", "limit"), [("collapse_id", 64), ("topic", 255)])
def test_texts_are_bounded_in_bytes(field, limit):
    """A text has 1 to so many bytes of UTF-8, not characters."""
    assert getattr(Terms(**{field: "é" * (limit // 2)}), field)
    for text in ("", "é" * (limit // 2 + 1), "x" * (limit + 1)):
        with pytest.raises(Invalid, match=f"1 to {limit} bytes of UTF-8") as caught:
            Terms(**{field: text})
        assert caught.value.field == field


def test_half_a_surrogate_pair_is_no_text():
    """JSON can spell a text that no UTF-8 can hold; it is refused like any other bad text."""
    with pytest.raises(Invalid, match="2 characters, not all of them Unicode"):
        Terms(collapse_id=json.loads('"x\\ud800"'))


def test_push_types_are_apples():
    """A push type is one of Apple's words; the error lists them."""
    for push_type in PUSH_TYPES:
        APNS_RULES.check_terms(Terms(push_type=push_type))
    with pytest.raises(Invalid, match="alert, background"):
        APNS_RULES.check_terms(Terms(push_type="Alert"))


def test_priorities_are_1_5_and_10():
    """1 is low, 5 is bulk, 10 is urgent; any other number is refused."""
    assert parse_priority(None) is None
    assert [parse_priority(number) for number in (1, 5, 10)] == list(Priority)
    for number in (0, 2, 6, -10, 10**20):
        for refused in (
            lambda number=number: parse_priority(number),
            lambda number=number: Terms(priority=number),
        ):
            with pytest.raises(Invalid, match="1, 5 or 10"):
                refused()


def test_delivery_policies_are_named():
    """A policy is given by its name, or not at all."""
    assert parse_delivery(None) is None
    assert parse_delivery("at-least-once") is Delivery.AT_LEAST_ONCE
    assert parse_delivery("at-most-once") is Delivery.AT_MOST_ONCE
    for refused in (lambda: parse_delivery("exactly-once"), lambda: Terms(delivery="exactly-once")):
        with pytest.raises(Invalid, match="one of at-least-once, at-most-once"):
            refused()


def test_ids_are_uuids():
    """An id is read as it was given; any other text is refused without repeating it."""
    number = batch_id(1_700_000_000.0, 12345)
    assert parse_id(str(UUID(int=number))) == number
    for text in ("", "1", SECRET, f"{UUID(int=number)}0", "é" * 32):
        with pytest.raises(Invalid, match=rf"^id: text of {len(text)} characters; a UUID$"):
            parse_id(text)


# Submissions


def submission(tokens, payload=PAYLOAD, **fields):
    """A submission of these tokens."""
    if isinstance(payload, list):
        payload = Packed.of(payload, 2)
    return Submission(app="news", tokens=Packed.of(tokens, 1), payload=payload, **fields)


@pytest.mark.parametrize("count", [0, MAX_BATCH + 1])
def test_a_batch_has_1_to_65536_members(count):
    """The low 16 bits of an id count the members."""
    with pytest.raises(Invalid, match=f"{count} tokens; a batch has 1 to 65536"):
        submission([b"t"] * count)
    assert len(submission([b"t"] * MAX_BATCH).tokens) == 65536


def test_payloads_are_one_for_each_token():
    """Neither a token without payload nor a payload without token makes sense."""
    for payloads in ([], [PAYLOAD], [PAYLOAD] * 3):
        with pytest.raises(Invalid, match=f"{len(payloads)} payloads for 2 tokens; one each"):
            submission([TOKEN, TOKEN], payloads)


def test_keys_are_bounded():
    """An idempotency key has 1 to 255 bytes of UTF-8."""
    assert submission([TOKEN], key="x" * 255).key == "x" * 255
    for key in ("", "x" * 256):
        with pytest.raises(Invalid, match=r"^key: "):
            submission([TOKEN], key=key)


def codes(refused):
    """Index and code of each refusal."""
    return [(index, refusal.code) for index, refusal in refused]


@pytest.mark.parametrize("payload", [PAYLOAD, [PAYLOAD, PAYLOAD]])
def test_good_members_are_not_refused(payload):
    """Tokens of different lengths are as good as equal ones, in one batch."""
    assert APNS_RULES.refused_members(submission([b"\0" * 100, b"\0"], payload), 2048) == []


def test_bad_members_are_refused_by_index():
    """One bad member does not take the others with it; each refusal has its own reason."""
    tokens = [TOKEN, b"", TOKEN, bytes(101), TOKEN, bytes(200)]
    payloads = [PAYLOAD, PAYLOAD, b"[]", PAYLOAD, b'{"a":"' + b"x" * 2048 + b'"}', b"{"]
    refused = APNS_RULES.refused_members(submission(tokens, payloads), 2048)
    assert codes(refused) == [
        (1, "INVALID"),
        (2, "INVALID"),
        (3, "INVALID"),
        (4, "TOO_LARGE"),
        (5, "INVALID"),
    ]
    assert [str(refusal) for _, refusal in refused][:3] == [
        "token: 0 bytes; 1 to 100 bytes",
        "payload: 2 bytes; a JSON object in UTF-8",
        "token: 101 bytes; 1 to 100 bytes",
    ]


@given(st.lists(st.integers(0, 103).map(bytes), min_size=1, max_size=10))
@example([b"", b""])
@example([bytes(101), bytes(101)])
def test_exactly_the_bad_tokens_are_refused(tokens):
    """Every member with a token of 1 to 100 bytes is taken, every other one refused."""
    refused = APNS_RULES.refused_members(submission(tokens), 2048)
    assert [index for index, _ in refused] == [
        i for i, token in enumerate(tokens) if not 1 <= len(token) <= 100
    ]


@pytest.mark.parametrize(("payload", "kind"), [(b"[]", Invalid), (b'{"a":"xxxxxxxxx"}', TooLarge)])
def test_a_bad_shared_payload_refuses_the_whole(payload, kind):
    """Nothing can be sent of a batch whose one payload is wrong."""
    with pytest.raises(kind):
        APNS_RULES.refused_members(submission([TOKEN, TOKEN], payload), 10)


# Batches


@given(st.integers(0, 2**58 - 1), st.integers(0, 2**47 - 1))
def test_a_batch_id_is_a_version_7_uuid(entropy, milliseconds):
    """An id is a UUID of version 7, starts with its time, and leaves 16 zero bits to count members in."""
    number = batch_id(milliseconds / 1000, entropy)
    uuid = UUID(int=number)
    assert (uuid.version, uuid.variant) == (7, RFC_4122)
    assert abs((number >> 80) - milliseconds) <= 1
    assert number & 0xFFFF == 0


def test_batch_ids_carry_all_their_entropy():
    """Each of the 58 random bits makes another id: two batches of one millisecond differ."""
    ids = {batch_id(1_700_000_000.0, 1 << bit) for bit in range(58)}
    assert len(ids | {batch_id(1_700_000_000.0, 0)}) == 59


@given(st.integers(0, 2**58 - 1))
def test_every_member_has_its_own_uuid(entropy):
    """The last member's id is still of the batch: counting never carries into the random bits."""
    first = batch_id(1_700_000_000.0, entropy)
    assert (first + MAX_BATCH - 1) >> 16 == first >> 16


def test_batch_ids_sort_by_time():
    """Later batches have greater ids, whatever the chance in them."""
    assert batch_id(1_700_000_000.0, 2**58 - 1) < batch_id(1_700_000_000.001, 0)


def test_a_batch_gives_each_member_its_payload():
    """A shared payload is every member's; own payloads are read by index."""
    own = [b'{"n":%d}' % index for index in range(4)]
    assert batch(4).payloads(1, 3) == [PAYLOAD, PAYLOAD]
    assert batch(4, payload=Packed.of(own, 2)).payloads(1, 3) == own[1:3]
    assert len(batch(4)) == 4


def test_rates():
    """Numbers from 0 are rates, huge ones and what is no number are not; a pace without a rate names nothing."""
    assert (check_rate(0), check_rate(0.5), Terms().rate) == (0, 0.5, 0)
    for bad in (-0.1, 2e9, float("inf"), float("nan")):
        with pytest.raises(Invalid):
            Terms(rate=bad)
    with pytest.raises(Invalid):
        Terms(pace="sale")
    with pytest.raises(Invalid):
        Terms(rate=1, pace="")
    assert Terms(rate=1, pace="sale").pace == "sale"
