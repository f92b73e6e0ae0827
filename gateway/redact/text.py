"""Secrets in any text: token signatures, userinfo and query keys of URLs, key-value pairs. Pure.

Regular expressions that take the spellings in which such text is found inside other text: JSON writes `/` as `\\/`
and `&` as `\u0026`, HTML writes `&amp;`, JSON within JSON writes `\"`.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from .json_text import SCHEME, IsSecret, Seal, decoded
from .markup import seal_markup
from .names import normal
from .placeholders import number_of

# name=value anywhere, with nothing but a space or a sign before the name. Quoted values have their own rules.
SETTING: Final = re.compile(rb"(?<![\w\-%])([\w.\-]{2,100})[ \t]{0,8}=[ \t]{0,8}(?=[^\s=\"'])")
# name: value where a line begins; and within a string, where line ends are written as \\n.
FIELD: Final = re.compile(rb"^[ \t]{0,40}(?:- )?([\w.\-]{2,100})[ \t]{0,4}:[ \t]{1,8}(?=[^\s\"'])", re.MULTILINE)
ESCAPED: Final = re.compile(
    rb"(?:\\[nr]|[\"'](?=[^\"'\r\n]{1,400}\\[nr]))(?:[ \t]|\\t){0,40}(?:- )?([\w.\-]{2,100})[ \t]{0,4}:[ \t]{1,8}"
)
QUOTED: Final = re.compile(rb"[\"']((?:proxy-)?authorization|(?:set-)?cookie)[ \t]?:[ \t]{0,8}", re.IGNORECASE)
WORD: Final = re.compile(rb"[^\s\"'`<>\\,;&(){}\[\]|]+")
REST: Final = re.compile(rb"[^\r\n\"'`<>\\]+")
WHOLE: Final = (b"authorization", b"cookie", b"set_cookie")  # fields that go on to the end of their line
# What stands there for a value that is not known yet, or is none.
NO_VALUE: Final = re.compile(rb"(?:true|false|null|none|nil|undefined|string|str|\$.*|\*+|\.+|-+)", re.IGNORECASE)
BEARER: Final = re.compile(rb"\b((?:[Bb]earer|[Bb]asic)(?:[ \t]|%20|\+))([\w.~+/\-]{12,}={0,2})")
# RFC 7468, with the header lines of older ones; what is between the two lines.
PRIVATE_KEY: Final = re.compile(
    rb"(-----BEGIN(?:[ +]|%20)(?:[A-Z0-9]{1,20}(?:[ +]|%20)){0,4}PRIVATE(?:[ +]|%20)KEY(?:(?:[ +]|%20)BLOCK)?-----)"
    rb"([^\"'<>&]+?)(?=-----END|[\"'<>&]|\Z)"
)


def seal_private_keys(data: bytes, seal: Seal) -> bytes:
    """The inside of every private key in PEM."""

    def key(match: re.Match[bytes]) -> bytes:
        secret = decoded(match[2])
        sealed = seal(secret)
        return match[0] if sealed == secret else match[1] + sealed

    return PRIVATE_KEY.sub(key, data) if b"PRIVATE" in data else data


def seal_lines(data: bytes, is_secret: IsSecret, seal: Seal, *, escaped: bool = False) -> bytes:
    """`password=value`, `password: value` and `Authorization: Bearer value` in a text, or in strings of JSON, where
    every line end is an escape."""
    if not escaped:
        data = _after(data, FIELD, REST, is_secret, seal)
    if b"\\n" in data or b"\\r" in data:
        data = _after(data, ESCAPED, REST, is_secret, seal)
    if b"ookie:" in data or b"uthorization:" in data:
        data = _after(data, QUOTED, REST, is_secret, seal)
    if b"=" in data:
        data = _after(data, SETTING, WORD, is_secret, seal)
    if b"earer" in data or b"asic" in data:
        data = BEARER.sub(lambda m: m[1] + seal(m[2]) if _is_varied(m[2]) else m[0], data)
    return data


def _after(data: bytes, name: re.Pattern[bytes], usual: re.Pattern[bytes], is_secret: IsSecret, seal: Seal) -> bytes:
    out: list[bytes] = []
    done = 0
    for found in name.finditer(data):
        if found.start() < done or not is_secret(found[1]):
            continue
        start = found.end()
        whole = normal(found[1]).endswith(WHOLE)
        if whole and (scheme := SCHEME.match(data, start)):
            start = scheme.end()
        value = (REST if whole else usual).match(data, start)
        if value is None or not (text := value[0].rstrip()) or NO_VALUE.fullmatch(text):
            continue
        out += data[done:start], seal(text)
        done = start + len(text)
    return b"".join([*out, data[done:]]) if out else data


def _is_varied(token: bytes) -> bool:
    """No word that follows "basic" in a sentence."""
    return any(48 <= byte <= 57 for byte in token) or (token.lower() != token and token[1:].lower() != token[1:])


# RFC 7515 section 3.1: three parts of base64url; the first is a JSON object, so it begins with eyJ. The signature
# is what makes it good. Five parts are an encrypted one, whose last four are sealed together.
JWT: Final = re.compile(rb"(?<![\w-])(eyJ[\w-]{4,}+\.)([\w-]*+\.)([\w.-]*[\w-])", re.ASCII)
# user:password@ after ://, also percent-encoded as a whole, or oftener. A bare & belongs to it only behind a colon.
USERINFO: Final = re.compile(
    rb"(:(?:\\?/){2})([^\s/?#\"'<>\\@&:]*(?::[^\s/?#\"'<>\\@]*)?(?:@[^\s/?#\"'<>\\@&]*)*)(?=@)"
    rb"|(%(?:25)*3[Aa](?:%(?:25)*2[Ff]){2})((?:(?!%(?:25)*(?:2[Ff]|3[Ff]|23|40))[^\s/?#\"'<>\\@&])+)(?=%(?:25)*40)"
)
SEPARATOR = rb"[?&#;]|\\u0026|&amp;|&#38;|&#x26;|%(?:25)*(?:3[FfBb]|26|23)"
QUERY_KEY: Final = re.compile(rb"(?:" + SEPARATOR + rb")([\w.\-%\[\]+]{2,100}?)(?:=|\\u003[dD]|%(?:25)*3[Dd])")
QUERY_VALUE: Final = re.compile(
    rb"(?:[^&#;\s\"'<>\\]|;(?=[^\s&#;\"'<>])|'(?=[\w%])|\\u00(?!2[2367]|3[cCeE])[0-9a-fA-F]{2}|\\/)+"
)
# "key": "value", 'key': 'value', \"key\": \"value\", key: 'value', key: """value"""; and "key": 1234
PAIR_KEY: Final = re.compile(
    rb"(?<![\w\-])((?:\\{0,8}[\"'])?)([\w.\-]{2,100})\1\s{0,20}(?::|=>?)\s{0,20}(\\{0,8}[\"'`])(\3\3)?"
)
BARE: Final = re.compile(rb"(\\{0,8}[\"'])([\w.\-]{2,100})(\1\s{0,20}:\s{0,20})(-?[0-9][0-9.eE+-]*)")
ENCODED: Final = re.compile(
    rb"(%(?:25)*22([\w.\-]{2,100})%(?:25)*22(?:%(?:25)*20|\+)*%(?:25)*3[Aa](?:%(?:25)*20|\+)*%(?:25)*22)"
    rb"((?:(?!%(?:25)*22)[^\s\"'<>&])+)"
)
RUNS: Final = {quote: re.compile(rb"(\\*)(?:" + quote + rb"|[\r\n])") for quote in (b'"', b"'", b"`")}
FORM: Final = re.compile(rb"(^|&)([^&=]*)(=)([^&]+)")
NESTED: Final = (b"%22", b'"', b"%25", b"PRIVATE")
FORM_LIKE: Final = re.compile(rb"[\w.%+\[\]-]+=[^\s&]*(?:&[\w.%+\[\]-]+=[^\s&]*)*&?")


def seal_text(
    data: bytes, is_secret: IsSecret, seal: Seal, *, pairs: bool = True, lines: bool = True, escaped: bool = False
) -> bytes:
    """Seal what can be recognised in running text; without `pairs` where a parser has seen to the keys already, and
    without `lines` where code would be taken for settings. `escaped`: all text is in strings of JSON."""
    if b"eyJ" in data:
        data = seal_signatures(data, seal)
    data = seal_private_keys(data, seal)
    if b"@" in data or b"40" in data:
        data = USERINFO.sub(lambda m: _userinfo(m, seal), data)
    data = seal_query(data, is_secret, seal)
    if pairs:
        data = seal_pairs(data, is_secret, seal)
        data = ENCODED.sub(lambda m: _encoded(m, seal) if is_secret(m[2]) else m[0], data) if b"22" in data else data
        data = BARE.sub(lambda m: _bare(m, seal) if is_secret(m[2]) else m[0], data)
        data = seal_markup(data, is_secret, seal) if b"<" in data else data
    return seal_lines(data, is_secret, seal, escaped=escaped) if lines else data


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
        if key.start() >= done and is_secret(key[1]) and (value := _value_behind(data, key)):
            out += data[done : key.end()], _sealed_as(value[0], unquote_to_bytes(decoded(value[0])), seal)
            done = value.end()
    return b"".join([*out, data[done:]]) if out else data


def _value_behind(data: bytes, key: re.Match[bytes]) -> re.Match[bytes] | None:
    """A parameter of a path (`/x;token=y?z`) ends where the query begins."""
    value = QUERY_VALUE.match(data, key.end())
    if value and key[0].startswith(b";") and b"?" in value[0]:
        return QUERY_VALUE.match(data, key.end(), key.end() + value[0].index(b"?"))
    return value


def seal_pairs(data: bytes, is_secret: IsSecret, seal: Seal) -> bytes:
    """Quoted values behind secret keys: in broken JSON, in JSON within a string, in scripts and settings."""
    out: list[bytes] = []
    done = 0
    for key in PAIR_KEY.finditer(data):
        if key.start() >= done and is_secret(key[2]):
            start = key.end()
            end = _triple_end(data, start, key[3] * 3) if key[4] else _end_of_quoted(data, start, key[3])
            if value := data[start:end]:
                out += data[done:start], _sealed_as(value, decoded(value), seal)
                done = end
    return b"".join([*out, data[done:]]) if out else data


def _triple_end(data: bytes, at: int, quotes: bytes) -> int:
    end = data.find(quotes, at)
    return len(data) if end < 0 else end


def _end_of_quoted(data: bytes, at: int, quote: bytes) -> int:
    """Where the closing quote stands, or the line ends.

    Within a string of n backslashes per quote, one of the text itself is written as 2n + 1 of them and a quote.
    """
    depth = len(quote) - 1
    for run in RUNS[quote[-1:]].finditer(data, at):
        more, odd = divmod(len(run[1]) - depth, depth + 1)
        if run[0][-1:] != quote[-1:]:
            return run.end(1)
        if more < 0 or odd:  # the string around it ends
            return run.end(1)
        if more % 2 == 0:
            return run.end(1) - depth
    return len(data)


def seal_url(data: bytes, is_secret: IsSecret, seal: Seal) -> bytes:
    """A whole URL: its query and fragment are read as such, to their ends, whatever characters stand there."""
    head, mark, rest = data.partition(b"?")
    query, sharp, fragment = rest.partition(b"#")
    if mark:
        data = head + mark + seal_form(query, is_secret, seal) + sharp + seal_form(fragment, is_secret, seal)
    return seal_text(data, is_secret, seal, pairs=False, lines=False)


def seal_form(data: bytes, is_secret: IsSecret, seal: Seal) -> bytes:
    """Values of secret keys in application/x-www-form-urlencoded, and secrets within the other values."""

    def field(match: re.Match[bytes]) -> bytes:
        raw = match[4]
        if is_secret(match[2]):
            return match[1] + match[2] + match[3] + _sealed_as(raw, unquote_to_bytes(raw.replace(b"+", b" ")), seal)
        if not any(mark in raw for mark in NESTED):
            return match[0]
        value = unquote_to_bytes(raw.replace(b"+", b" "))  # JSON in a form, or something encoded twice
        sealed = seal_text(seal_form(value, is_secret, seal) if b"%" in value else value, is_secret, seal)
        return match[0] if sealed == value else match[1] + match[2] + match[3] + quote_from_bytes(sealed).encode()

    return FORM.sub(field, data)


def _encoded(match: re.Match[bytes], seal: Seal) -> bytes:
    """JSON that is percent-encoded within another text."""
    return match[1] + _sealed_as(match[3], unquote_to_bytes(match[3]), seal)


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
