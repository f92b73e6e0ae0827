"""Names that carry secrets, in every spelling, and the quick look that never misses one.

Covers: redact/values, redact/vocabulary.
"""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.redact.names import COOKIE, CREDENTIALS, MAYBE, PLAIN, PROTOCOLS, SET_COOKIE, SecretNames
from gateway.redact.values import ANY, NO, fits
from gateway.redact.vocabulary import CODES, EXACT, KEYS, PASSES, STRONG, TAILS

LABELLED = Path(__file__).parent.parent / "data" / "secrets" / "names.tsv"
ROWS = [line.split("\t") for line in LABELLED.read_text().splitlines() if not line.startswith("#")]
SECRETS = [(name.encode(), value.encode()) for verdict, name, value, _ in ROWS if verdict == "secret"]
HARMLESS = [(name.encode(), value.encode()) for verdict, name, value, _ in ROWS if verdict == "harmless"]

SPELLINGS = {
    "as is": lambda name: name,
    "small": lambda name: name.lower(),
    "capitals": lambda name: name.upper(),
    "kebab": lambda name: name.replace(b"_", b"-"),
    "spaces": lambda name: name.replace(b"_", b" "),
    "together": lambda name: name.replace(b"_", b"").replace(b"-", b""),
    "camel": lambda name: b"".join(word.title() if n else word for n, word in enumerate(name.split(b"_"))),
    "in brackets": lambda name: b"user[" + name + b"]",
    "in a list": lambda name: name + b"[0]",
    "percent": lambda name: name.replace(b"_", b"%5F"),
    "percent letters": lambda name: b"%%%02x" % name[0] + name[1:],
    "percent letters twice": lambda name: b"%%25%02x" % name[0] + name[1:],
    "json escape": lambda name: b"\\u%04x" % name[0] + name[1:],
}


def test_the_labelled_list_is_long_and_half_of_it_harmless():
    assert len(SECRETS) >= 300
    assert len(HARMLESS) >= 250
    assert len(set(SECRETS)) == len(SECRETS)


def test_every_labelled_secret_is_known():
    names = SecretNames()
    assert [name for name, value in SECRETS if not fits(names.is_secret(name), value)] == []


def test_no_labelled_harmless_name_is_taken_for_a_secret():
    names = SecretNames()
    assert [(name, value) for name, value in HARMLESS if fits(names.is_secret(name), value)] == []


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_every_secret_name_in_every_spelling_is_known_and_hinted_at(spell):
    names = SecretNames(keys=["odd_key_name"])
    for name, value in [*SECRETS, (b"odd_key_name", b"x")]:
        if b"[" in name or (b"." in name and spell(name) != name):
            continue
        assert fits(names.is_secret(spell(name)), value), spell(name)
        assert names.has_word(b'{"' + spell(name) + b'": "' + value + b'"}'), spell(name)
        assert names.has_word(b"a=1&" + spell(name) + b"=" + value), spell(name)


WORDS = st.sampled_from(sorted(STRONG | KEYS | PASSES | CODES | TAILS | set(EXACT) | {b"key", b"pass", b"code", b"x"}))
RANDOM = b"Q7kVb2Zt9LmXw4Rp8Ys3"


@settings(max_examples=500, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=4), st.sampled_from([b"_", b"-", b"", b"."]), st.booleans())
def test_the_quick_look_finds_whatever_the_names_know(words: list[bytes], separator: bytes, humps: bool):
    name = separator.join(word.title() if humps else word for word in words)
    if NAMES.is_secret(name) != NO and fits(NAMES.is_secret(name), RANDOM):
        assert NAMES.has_word(json.dumps({name.decode(): RANDOM.decode()}).encode()), name


NAMES = SecretNames()


@pytest.mark.parametrize(
    "text", [b'{"shipping": "keyboard", "session": 1}', b"an opinion, a design", b"a@b.c", b"100%", b'{"code": 404}']
)
def test_everyday_words_need_no_closer_look(text: bytes):
    assert not SecretNames().hint(text)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (b"AUTHORIZATION", CREDENTIALS), (b"Cookie", COOKIE), (b"Set-Cookie", SET_COOKIE), (b"x-tenant", CREDENTIALS),
        (b"Accept", PLAIN), (b"X-CSRFToken", CREDENTIALS), (b"AuthToken", CREDENTIALS), (b"X-GitHub-OTP", CREDENTIALS),
        (b"Sec-WebSocket-Protocol", PROTOCOLS), (b"Sec-WebSocket-Key", PLAIN), (b"Session", MAYBE),
        (b"X-Hub-Signature-256", PLAIN), (b"X-Amz-Date", PLAIN), (b"X-Anything-Key", CREDENTIALS),
    ],
)  # fmt: skip
def test_headers_by_name(name: bytes, kind: int):
    assert SecretNames(headers=["X-Tenant"]).header(name) == kind


def test_names_of_rules_are_known_in_every_spelling_and_exact_ones_as_they_are():
    names = SecretNames(keys=["customer_no"], exact=["ssn.1"])
    assert [names.is_secret(name) for name in (b"customerNo", b"CUSTOMER-NO", b"customerno", b"ssn.1")] == [ANY] * 4
    assert names.is_secret(b"customer") == NO


def test_the_memory_of_names_is_bounded():
    names = SecretNames()
    for number in range(10_000):
        names.is_secret(b"name-%d" % number)
        names.header(b"name-%d" % number)
        names.remember_clean(b"%d" % number)
    assert max(len(names._secret), len(names._kinds), len(names.clean)) <= 4096


def test_a_long_body_that_was_harmless_is_known_by_its_hash_alone():
    names = SecretNames()
    body = b'{"n": "%b"}' % (b"x" * 100_000)
    assert not names.hint(body)
    assert not names.hint(bytes(bytearray(body)))
    assert max(map(len, names.harmless)) == 32
    assert names.hint(body.replace(b'"n"', b'"token"'))
