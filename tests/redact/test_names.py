"""Names that carry secrets, in every spelling, and the quick look that never misses one."""

import pytest

from gateway.redact.names import COOKIE, CREDENTIALS, KEY_ENDS, KEYS, PLAIN, SET_COOKIE, Names

SPELLINGS = {
    "as is": lambda name: name,
    "capitals": lambda name: name.upper(),
    "kebab": lambda name: name.replace(b"_", b"-"),
    "camel": lambda name: b"".join(word.title() if n else word for n, word in enumerate(name.split(b"_"))),
    "in brackets": lambda name: b"user[" + name + b"]",
    "percent": lambda name: name.replace(b"_", b"%5F"),
    "percent letters": lambda name: b"%%%02x" % name[0] + name[1:],
    "json escape": lambda name: b"\\u%04x" % name[0] + name[1:],
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_every_name_in_every_spelling_is_known_and_hinted_at(spell):
    names = Names(keys=["odd_key_name"])
    for name in [*KEYS, *(b"my" + end for end in KEY_ENDS), b"odd_key_name"]:
        assert names.is_secret(spell(name)), spell(name)
        assert names.hint(b'{"' + spell(name) + b'": 1}'), spell(name)


@pytest.mark.parametrize(
    "name", [b"tokens", b"pinned", b"shipping", b"monkey", b"key", b"id", b"passenger", b"secretary", b"signal", b""]
)
def test_everyday_names_are_not_secret(name: bytes):
    assert not Names().is_secret(name)


@pytest.mark.parametrize(
    "text", [b'{"shipping": "keyboard", "session": 1}', b"an opinion, a design", b"a@b.c", b"100%"]
)
def test_everyday_words_need_no_closer_look(text: bytes):
    assert not Names().hint(text)


def test_header_fields_by_name():
    names = Names(headers=["X-Tenant"])
    found = {name: names.header(name) for name in (b"AUTHORIZATION", b"Cookie", b"Set-Cookie", b"x-tenant", b"Accept")}
    assert list(found.values()) == [CREDENTIALS, COOKIE, SET_COOKIE, CREDENTIALS, PLAIN]


def test_the_memory_of_names_is_bounded():
    names = Names()
    for number in range(10_000):
        names.is_secret(b"name-%d" % number)
        names.header(b"name-%d" % number)
        names.remember_clean(b"%d" % number)
    assert max(len(names._secret), len(names._kinds), len(names.clean)) <= 4096


def test_a_long_body_that_was_harmless_is_known_by_its_hash_alone():
    names = Names()
    body = b'{"n": "%b"}' % (b"x" * 100_000)
    assert not names.hint(body)
    assert not names.hint(bytes(bytearray(body)))
    assert max(map(len, names.harmless)) == 32
    assert names.hint(body.replace(b'"n"', b'"token"'))
