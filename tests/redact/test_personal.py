"""Personal data by kind: what is a card number, an IBAN, an e-mail address or a phone number, and what only looks so.

Covers: redact/personal.
"""

import json
from base64 import urlsafe_b64encode
from urllib.parse import parse_qs, quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.keys import Keys
from gateway.model.capture import FIELDS, Capture
from gateway.redact import PLACEHOLDER, SealedCapture, Sealer
from gateway.redact.personal import IBAN_LENGTHS, KINDS, PersonalData, is_card, is_iban
from gateway.routes.table import RedactRules

KEYS = Keys.of([urlsafe_b64encode(bytes(range(32))).decode()])  # the same in every worker
CANARY = b"canary-7Zq9"

# The test numbers that card schemes and payment services publish, the examples of the IBAN registry, the numbers
# that Ofcom and the NANP keep for fiction, the domains of RFC 2606.
PERSONAL = {
    "card": [
        "4111111111111111", "4242 4242 4242 4242", "5555-5555-5555-4444", "378282246310005", "3782 822463 10005",
        "6011111111111117", "30569309025904", "3530111333300000", "2223003122003222", "4222222222222",
        "6304000000000000", "6362970000457013", "6205500000000000004",
    ],
    "iban": [
        "DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819", "GB29 NWBK 6016 1331 9268 19",
        "FR1420041010050500013M02606", "NO9386011117947", "MT84MALT011000012345MTLCAST001S", "NL91ABNA0417164300",
        "CH9300762011623852957", "ES9121000418450200051332", "de89370400440532013000", "BE68-5390-0754-7034",
    ],
    "email": [
        "anna@example.com", "anna.maier+news@mail.example.co.uk", "o'brien@example.org", "a_b-c@sub.example.museum",
        "ANNA@EXAMPLE.COM", "7@example.net",
    ],
    "phone": [
        "+49 30 901820", "+1 (202) 555-0143", "+12025550143", "+44 20 7946 0958", "0044 20 7946 0958", "+44-20-7946-0958",
        "+43.1.58858.0", "+33 1 99 00 12 34", "+44 (0)20 7946 0958", "+49 30/901820",
    ],
}  # fmt: skip
HARMLESS = {
    "card": [
        "4111111111111112", "4242 4242 4242 4241", "1234567890123456", "4444444444444444", "41111111111", "20260131120000123",
        "41111111111111110000", "4111111111111111a", "a4111111111111111", "1700000000000", "0000000000000000",
    ],
    "iban": [
        "DE88370400440532013000", "DE8937040044053201300", "XX89370400440532013000", "GB29NWBK60161331926818",
        "DE893704004405320130001", "AB12345678901234567890", "ADE89370400440532013000",
    ],
    "email": [
        "anna@localhost", "@example.com", "anna@", "anna at example.com", "user@1.2.3.4", "@types/node", "a@b",
    ],
    "phone": [
        "2026-01-31", "10.0.0.1", "+5", "12345", "1.234.567,89", "+123", "123456789", "2026-01-31T12:00:00+01:00",
    ],
}  # fmt: skip
PAIRS = [(kind, value) for kind, values in PERSONAL.items() for value in values]
OTHERS = [(kind, value) for kind, values in HARMLESS.items() for value in values]


def a_request(body: bytes, content_type: bytes = b"application/json") -> Capture:
    capture = Capture()
    capture.id, capture.method, capture.target, capture.origin = "01X", b"POST", b"/api/x", b"http://127.0.0.1:8080"
    capture.request_body, capture.request_headers = [body], [(b"Content-Type", content_type)]
    return capture


def seal(capture: Capture, *kinds: str) -> SealedCapture:
    capture.redact = RedactRules(kinds=frozenset(kinds)) if kinds else None
    return Sealer(KEYS).seal(capture)


def body_of(sealed: SealedCapture) -> bytes:
    return b"".join(sealed.capture.request_body)


def everything(sealed: SealedCapture) -> bytes:
    return repr([getattr(sealed.capture, name) for name in FIELDS]).encode()


def hidden(text: str, *kinds: str) -> str:
    return PersonalData(kinds).seal(text.encode(), lambda secret: b"<" + secret + b">").decode()


@pytest.mark.parametrize(
    ("kind", "written", "secret"),
    [
        ("email", "mail=anna%2Bnews%40mail.example&x=1", "anna+news@mail.example"),
        ("email", r'{"mail": "anna\u0040mail.example"}', "anna@mail.example"),
        ("email", "<a>o%27neill&#64;mail.example</a>", "o'neill@mail.example"),
        ("phone", "tel=%2B49%20%2830%29%20123456", "+49 (30) 123456"),
        ("phone", "tel=%2B49%2F30%2F123456", "+49/30/123456"),
        ("phone", r'{"to": "\u002B4930123456"}', "+4930123456"),
        ("card", "number=4111+1111+1111+1111", "4111 1111 1111 1111"),
        ("card", "number=4111%201111%201111%201111", "4111 1111 1111 1111"),
        ("iban", "to=DE89%203704+0044+0532+0130+00", "DE89 3704 0044 0532 0130 00"),
    ],
)
def test_the_secret_is_what_stands_there_without_escapes(kind, written, secret):
    """A replay escapes it for its place: with the escapes in it, it would be escaped twice."""
    assert f"<{secret}>" in hidden(written, kind)


@pytest.mark.parametrize(("kind", "value"), PAIRS)
def test_it_is_sealed_as_a_json_value_and_the_rest_stays(kind, value):
    sealed = seal(a_request(json.dumps({"note": value, "count": 3}).encode()), kind)
    body = json.loads(body_of(sealed))
    assert PLACEHOLDER.fullmatch(body["note"].encode()), body
    assert body["count"] == 3


@pytest.mark.parametrize(("kind", "value"), PAIRS)
@pytest.mark.parametrize("encode", [lambda data: urlencode(data), lambda data: urlencode(data, quote_via=quote)])
def test_it_is_sealed_in_a_form_in_both_spellings_of_a_space(kind, value, encode):
    body = encode({"note": value, "colour": "red"})
    form = parse_qs(body_of(seal(a_request(body.encode(), b"application/x-www-form-urlencoded"), kind)).decode())
    assert PLACEHOLDER.fullmatch(form["note"][0].encode()), form
    assert form["colour"] == ["red"]


@pytest.mark.parametrize(("kind", "value"), PAIRS)
def test_it_is_sealed_within_a_sentence(kind, value):
    sealed = body_of(seal(a_request(f"Write {value}, please.".encode(), b"text/plain"), kind))
    head, tail = sealed[: len(b"Write ")], sealed[-len(b", please.") :]
    assert (head, tail) == (b"Write ", b", please.")
    assert PLACEHOLDER.fullmatch(sealed[len(head) : -len(tail)]), sealed


@pytest.mark.parametrize(("kind", "value"), PAIRS)
def test_it_is_sealed_in_a_header(kind, value):
    capture = a_request(b"{}")
    capture.request_headers.append((b"X-Note", value.encode()))
    sealed = seal(capture, kind)
    note = dict(sealed.capture.request_headers)[b"X-Note"]
    assert PLACEHOLDER.fullmatch(note), note
    assert value.encode() not in everything(sealed)


@pytest.mark.parametrize(("kind", "value"), OTHERS)
def test_what_only_looks_so_stays_everywhere(kind, value):
    bodies = [
        (json.dumps({"note": value}).encode(), b"application/json"),
        (urlencode({"note": value}).encode(), b"application/x-www-form-urlencoded"),
        (f"Write {value}, please.".encode(), b"text/plain"),
    ]
    for body, content_type in bodies:
        capture = a_request(body, content_type)
        capture.request_headers.append((b"X-Note", value.encode()))
        sealed = seal(capture, kind)
        assert body_of(sealed) == body
        assert dict(sealed.capture.request_headers)[b"X-Note"] == value.encode()
        assert sealed.secrets == ()


@pytest.mark.parametrize(("kind", "value"), PAIRS)
def test_without_the_rule_nothing_of_it_is_looked_for(kind, value):
    body = json.dumps({"note": value}).encode()
    assert body_of(seal(a_request(body))) == body
    others = [one for one in KINDS if one != kind]
    if kind != "iban" or value.isalnum():  # groups of digits of an IBAN may pass Luhn by chance
        assert body_of(seal(a_request(body), *others)) == body


def test_all_kinds_of_one_text_at_once():
    text = "anna@example.com paid 4111 1111 1111 1111 from DE89370400440532013000, call +49 30 901820."
    assert hidden(text, *KINDS) == (
        "<anna@example.com> paid <4111 1111 1111 1111> from <DE89370400440532013000>, call <+49 30 901820>."
    )


def test_a_bare_number_of_json_becomes_a_string_and_the_text_stays_json():
    body = b'{"pan": 4111111111111111, "list": [4242424242424242, 4242424242424241], "n": 12}'
    read = json.loads(body_of(seal(a_request(body), "card")))
    assert PLACEHOLDER.fullmatch(read["pan"].encode())
    assert PLACEHOLDER.fullmatch(read["list"][0].encode())
    assert (read["list"][1], read["n"]) == (4242424242424241, 12)


def test_a_phone_number_without_a_plus_is_known_by_its_name():
    body = json.dumps({"phone": "030 901820", "order": "030 901820"}).encode()
    read = json.loads(body_of(seal(a_request(body), "phone")))
    assert PLACEHOLDER.fullmatch(read["phone"].encode())
    assert read["order"] == "030 901820"
    assert body_of(seal(a_request(body))) == body


def test_secrets_are_sealed_beside_personal_data():
    sealed = seal(a_request(json.dumps({"password": CANARY.decode(), "to": "anna@example.com"}).encode()), "email")
    assert CANARY not in everything(sealed)
    assert b"anna" not in everything(sealed)
    assert len(sealed.secrets) == 2


@given(st.text("0123456789", min_size=11, max_size=18))
def test_one_check_digit_in_ten_makes_a_card(digits):
    fit = [digit for digit in "0123456789" if is_card((digits + digit).encode())]
    assert len(fit) == 1 or len(set(digits)) == 1


@given(st.sampled_from(sorted(IBAN_LENGTHS)), st.data())
def test_an_iban_has_the_check_digits_and_the_length_of_its_country(country, data):
    rest = data.draw(
        st.text("0123456789ABCXYZ", min_size=IBAN_LENGTHS[country] - 4, max_size=IBAN_LENGTHS[country] - 4)
    )
    check = 98 - int("".join(str(int(letter, 36)) for letter in rest + country + "00")) % 97
    iban = f"{country}{check:02}{rest}"
    assert is_iban(iban.encode())
    assert hidden(f"to {iban}.", "iban") == f"to <{iban}>."
    assert not is_iban(f"{country}{check % 96 + 2:02}{rest}".encode())
    assert not is_iban((iban + "0").encode())
    digits = "0123456789" if iban[-1].isdigit() else "ABCXYZ"  # as many digits to the sum: the rest differs for sure
    swapped = iban[:-1] + digits[digits.index(iban[-1]) - 1]
    assert not is_iban(swapped.encode())


@given(st.text("0123456789 -+@.%a", max_size=200))
def test_what_is_not_sealed_stays_byte_for_byte(text):
    assert hidden(text, *KINDS).replace("<", "").replace(">", "").replace("%20", " ").replace("%40", "@") == (
        text.replace("%20", " ").replace("%40", "@")
    )
