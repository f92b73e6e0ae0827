"""Secrets in any text: token signatures, userinfo and query keys of URLs, key-value pairs, fields of forms. Pure.

Regular expressions that take the spellings in which such text is found inside other text: JSON writes `/` as `\\/`
and `&` as `\\u0026`, HTML writes `&amp;`, JSON within JSON writes `\\"`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from .json_text import IsSecret, Seal, decoded
from .vault import number_of

Replace = Callable[[re.Match[bytes]], bytes]

# RFC 7515 section 3.1: three parts of base64url; the first is a JSON object, so it begins with eyJ. The signature
# is what makes it good. Five parts are an encrypted one, whose last four are sealed together.
JWT: Final = re.compile(rb"(?<![\w-])(eyJ[\w-]{4,}+\.)([\w-]*+\.)([\w.-]*[\w-])", re.ASCII)
# user:password@ after ://, also percent-encoded as a whole. A bare & belongs to it only behind a colon.
USERINFO: Final = re.compile(
    rb"(:(?:\\?/){2})([^\s/?#\"'<>\\@&:]*(?::[^\s/?#\"'<>\\@]*)?(?:@[^\s/?#\"'<>\\@&]*)*)(?=@)"
    rb"|(%3[Aa]%2[Ff]%2[Ff])((?:(?!%2[Ff]|%3[Ff]|%23|%40)[^\s/?#\"'<>\\@&])+)(?=%40)"
)
SEPARATOR = rb"[?&#;]|\\u0026|&amp;|&#38;|%3[Ff]|%26"
QUERY_KEY: Final = re.compile(rb"(?:" + SEPARATOR + rb")([\w.\-%\[\]+]{2,100}?)(?:=|\\u003[dD]|%3[Dd])")
QUERY_VALUE: Final = re.compile(
    rb"(?:[^&#;\s\"'<>\\]|;(?=[^\s&#;\"'<>])|'(?=[\w%])|\\u00(?!2[2367]|3[cCeE])[0-9a-fA-F]{2}|\\/)+"
)
# "key": "value", 'key': 'value', \"key\": \"value\", key: 'value'; and "key": 1234
PAIR_KEY: Final = re.compile(
    rb"(?<![\w\-])((?:\\{0,8}[\"'])?)([\w.\-]{2,100})\1\s{0,20}(?::|=>?)\s{0,20}(\\{0,8}[\"'])"
)
BARE: Final = re.compile(rb"(\\{0,8}[\"'])([\w.\-]{2,100})(\1\s{0,20}:\s{0,20})(-?[0-9][0-9.eE+-]*)")
ELEMENT: Final = re.compile(rb"<((?:[\w.\-]+:)?([\w.\-]{2,100}))((?:\s[^<>]*)?)>([^<>]+)(?=</\1\s*>)")
TAG: Final = re.compile(rb"<(?:input|meta)\b[^<>]*>", re.IGNORECASE)
NAME_OF: Final = re.compile(rb"\bname\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE)
VALUE_OF: Final = re.compile(rb"(\b(?:value|content)\s*=\s*)(\"[^\"]+|'[^']+|[^\s\"'>]+)", re.IGNORECASE)
FORM: Final = re.compile(rb"(^|&)([^&=]*)(=)([^&]+)")
FORM_LIKE: Final = re.compile(rb"[\w.%+\[\]-]+=[^\s&]*(?:&[\w.%+\[\]-]+=[^\s&]*)*&?")


def seal_text(data: bytes, is_secret: IsSecret, seal: Seal, *, pairs: bool = True) -> bytes:
    """Seal what can be recognised in running text; without `pairs` where a parser has seen to the keys already."""
    if b"eyJ" in data:
        data = seal_signatures(data, seal)
    if b"@" in data or b"%40" in data:
        data = USERINFO.sub(lambda m: _userinfo(m, seal), data)
    data = seal_query(data, is_secret, seal)
    if pairs:
        data = seal_pairs(data, is_secret, seal)
        data = BARE.sub(lambda m: _bare(m, seal) if is_secret(m[2]) else m[0], data)
        data = _seal_markup(data, is_secret, seal) if b"<" in data else data
    return data


def _seal_markup(data: bytes, is_secret: IsSecret, seal: Seal) -> bytes:
    data = ELEMENT.sub(lambda m: b"<" + m[1] + m[3] + b">" + seal(m[4]) if is_secret(m[2]) else m[0], data)
    return TAG.sub(_field(is_secret, seal), data)


def seal_signatures(data: bytes, seal: Seal) -> bytes:
    """The signature of every value that looks like a JWT; its claims stay readable."""
    return JWT.sub(lambda m: m[1] + m[2] + seal(m[3]), data)


def seal_query(data: bytes, is_secret: IsSecret, seal: Seal) -> bytes:
    """Values of secret keys in the queries and fragments of URLs."""
    if b"=" not in data and b"%3" not in data and b"u003" not in data:
        return data
    out: list[bytes] = []
    done = 0
    # Key by key, because the value of an innocent key may be a URL with a secret of its own.
    for key in QUERY_KEY.finditer(data):
        if key.start() >= done and is_secret(key[1]) and (value := QUERY_VALUE.match(data, key.end())):
            out += data[done : key.end()], _sealed_as(value[0], unquote_to_bytes(decoded(value[0])), seal)
            done = value.end()
    return b"".join([*out, data[done:]]) if out else data


def seal_pairs(data: bytes, is_secret: IsSecret, seal: Seal) -> bytes:
    """Quoted values behind secret keys: in broken JSON, in JSON within a string, in scripts and settings."""
    out: list[bytes] = []
    done = 0
    for key in PAIR_KEY.finditer(data):
        if key.start() >= done and is_secret(key[2]) and (value := _up_to(key[3]).match(data, key.end())):
            out += data[done : key.end()], _sealed_as(value[0], decoded(value[0]), seal)
            done = value.end()
    return b"".join([*out, data[done:]]) if out else data


@cache
def _up_to(quote: bytes) -> re.Pattern[bytes]:
    """What stands before the closing quote, which is written as the opening one was; at most 18 of them."""
    return re.compile(
        rb"(?:(?!"
        + re.escape(quote)
        + rb")(?:[^\
]|\.))+",
        re.DOTALL,
    )


def seal_url(data: bytes, is_secret: IsSecret, seal: Seal) -> bytes:
    """A whole URL: its query and fragment are read as such, to their ends, whatever characters stand there."""
    head, mark, rest = data.partition(b"?")
    query, sharp, fragment = rest.partition(b"#")
    if mark:
        data = head + mark + seal_form(query, is_secret, seal) + sharp + seal_form(fragment, is_secret, seal)
    return seal_text(data, is_secret, seal, pairs=False)


def seal_form(data: bytes, is_secret: IsSecret, seal: Seal) -> bytes:
    """Values of secret keys in application/x-www-form-urlencoded, and secrets within the other values."""

    def field(match: re.Match[bytes]) -> bytes:
        raw = match[4]
        if is_secret(match[2]):
            return match[1] + match[2] + match[3] + _sealed_as(raw, unquote_to_bytes(raw.replace(b"+", b" ")), seal)
        if b"%22" not in raw and b'"' not in raw:
            return match[0]
        value = unquote_to_bytes(raw.replace(b"+", b" "))  # JSON in a form
        sealed = seal_text(value, is_secret, seal)
        return match[0] if sealed == value else match[1] + match[2] + match[3] + quote_from_bytes(sealed).encode()

    return FORM.sub(field, data)


def _userinfo(match: re.Match[bytes], seal: Seal) -> bytes:
    mark, raw = (match[1], match[2]) if match[1] else (match[3], match[4])
    return mark + _sealed_as(raw, unquote_to_bytes(raw), seal) if raw else match[0]


def _sealed_as(raw: bytes, secret: bytes, seal: Seal) -> bytes:
    """A value is sealed as what it stands for, so that it equals the same secret elsewhere."""
    sealed = seal(secret)
    return raw if sealed == secret else sealed


def _bare(match: re.Match[bytes], seal: Seal) -> bytes:
    sealed = seal(match[4])
    value = number_of(sealed) if match[1] == b'"' else match[1] + sealed + match[1]
    return match[1] + match[2] + match[3] + value


def _field(is_secret: IsSecret, seal: Seal) -> Replace:
    """<input name="csrf_token" value="...">, <meta name="csrf-token" content="...">."""

    def value(match: re.Match[bytes]) -> bytes:
        quote = match[2][:1] if match[2][:1] in (b'"', b"'") else b""
        return match[1] + quote + seal(match[2][len(quote) :])

    def tag(match: re.Match[bytes]) -> bytes:
        name = NAME_OF.search(match[0])
        return VALUE_OF.sub(value, match[0]) if name and is_secret(name[1]) else match[0]

    return tag
