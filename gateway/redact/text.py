"""Secrets in any text: token signatures, userinfo and query keys of URLs, key-value pairs. Pure.

Regular expressions that take the spellings in which such text is found inside other text: JSON writes `/` as `\\/`
and `&` as `\\u0026`, HTML writes `&amp;`, JSON within JSON writes `\\"`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from .json_text import SCHEME, IsSecret, Seal, decoded
from .markup import seal_markup
from .placeholders import number_of
from .shapes import seal_shapes
from .values import ANY, LONGEST, fits
from .vocabulary import normal

WINDOW: Final = 32 << 10  # bytes of one search: 5 ms at the 160 ns that the worst byte takes
MARGIN: Final = 1 << 10  # bytes behind a window in which a name that begins in it may end
# name=value anywhere, with nothing but a space or a sign before the name. Quoted values have their own rules.
SETTING: Final = re.compile(rb"(?<![\w.\-%])([\w.\-]{2,100}+)[ \t]{0,8}+=[ \t]{0,8}(?=[^\s=\"'])")
# name: value where a line begins; and within a string, where line ends are written as \\n.
FIELD: Final = re.compile(rb"^[ \t]{0,40}+(?:- )?([\w.\-]{2,100}+)[ \t]{0,4}+:[ \t]{1,8}(?=[^\s\"'])", re.MULTILINE)
# The same with the name in quotes, where the line is no part of JSON: nothing follows the value.
QUOTED_FIELD: Final = re.compile(
    rb"^[ \t]{0,40}+(?:- )?[\"']([\w.\-]{2,100}+)[\"'][ \t]{0,4}+:[ \t]{1,8}"
    rb"(?=[^\s\"',{\[][^\r\n\"',{}\[\]]{0,400}\r?$)",
    re.MULTILINE,
)
# {user: ann, password: value}, as YAML writes on one line.
FLOW: Final = re.compile(rb"[{,][ \t]{0,8}+([\w.\-]{2,100}+)[ \t]{0,4}+:[ \t]{1,8}(?=[^\s\"'{\[])")
# - name: API_TOKEN, and value: on the line below; both on one line.
NAMED: Final = re.compile(
    rb"\b(?:name|key):[ \t]{1,8}[\"']?([\w.\-]{2,100}+)[\"']?[ \t]{0,8}+\r?\n"
    rb"[ \t]{1,40}+value:[ \t]{1,8}[\"']?(?=[^\s\"'])",
    re.IGNORECASE,
)
NAMED_FLOW: Final = re.compile(
    rb"\b(?:name|key):[ \t]{1,8}[\"']?([\w.\-]{2,100}+)[\"']?[ \t]{0,8}+,[ \t]{0,8}+value:[ \t]{1,8}[\"']?(?=[^\s\"'])",
    re.IGNORECASE,
)
# A block of YAML (1.2, chapter 8): the value is on the lines below that begin further to the right.
BLOCK: Final = re.compile(
    rb"^([ \t]{0,40}+(?:- +)?)([\"']?)([\w.\-]{2,100}+)\2[ \t]{0,4}+:[ \t]{0,8}+"
    rb"(?:[|>][-+0-9]{0,3})?[ \t]{0,8}+(?:#[^\r\n]*)?\r?\n",
    re.MULTILINE,
)
BLOCK_LINE: Final = re.compile(rb"([ \t]*)(?:(- +)|([\"']?[\w.\-]{1,100}+[\"']?:[ \t]+))?([^\r\n]*)(\r?\n|\Z)")
ESCAPED: Final = re.compile(
    rb"(?:\\[nr]|[\"'](?=[^\"'\r\n]{1,400}\\[nr]))(?:[ \t]|\\t){0,40}(?:- )?([\w.\-]{2,100})[ \t]{0,4}:[ \t]{1,8}"
)
QUOTED: Final = re.compile(rb"[\"']((?:proxy-)?authorization|(?:set-)?cookie)[ \t]?:[ \t]{0,8}", re.IGNORECASE)
WORD: Final = re.compile(rb"[^\s\"'`<>\\,;&(){}\[\]|]+")
REST: Final = re.compile(rb"[^\r\n\"'`<>\\]+")
WHOLE: Final = (b"authorization", b"cookie", b"set_cookie")  # fields that go on to the end of their line
# What stands there for a value that is not known yet, or is none.
NO_VALUE: Final = re.compile(
    rb"(?:true|false|null|none|nil|undefined|string|str|\$.*|\*+|\.+|-+|[|>][-+0-9]*)", re.IGNORECASE
)
BEARER: Final = re.compile(rb"\b((?:[Bb]earer|[Bb]asic)(?:[ \t]|%20|\+))([\w.~+/\-]{12,}={0,2})")
# RFC 7468, with the header lines of older ones; what is between the two lines.
PRIVATE_KEY: Final = re.compile(
    rb"(-----BEGIN(?:[ +]|%20)(?:[A-Z0-9]{1,20}(?:[ +]|%20)){0,4}PRIVATE(?:[ +]|%20)KEY(?:(?:[ +]|%20)BLOCK)?-----)"
    rb"([^\"'<>&]+?)(?=-----END|[\"'<>&]|\Z)"
)


def found_in(pattern: re.Pattern[bytes], data: bytes) -> Iterator[re.Match[bytes]]:
    """As `finditer`, a window at a time: `re` holds the interpreter's lock while it searches."""
    at, size = 0, len(data)
    while at < size:
        stop = min(size, at + WINDOW)
        match = pattern.search(data, at, min(size, stop + MARGIN))
        if match is None or match.start() > stop:
            at = stop + 1
            continue
        if match.end() == stop + MARGIN:  # it may go on
            match = pattern.match(data, match.start()) or match
        yield match
        at = max(match.end(), match.start() + 1)


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
        data = _after(data, QUOTED_FIELD, REST, is_secret, seal)
        data = _after(data, FLOW, WORD, is_secret, seal) if b"{" in data else data
        if b"alue:" in data:
            data = _after(data, NAMED, REST, is_secret, seal)
            data = _after(data, NAMED_FLOW, WORD, is_secret, seal)
        data = seal_blocks(data, is_secret, seal) if b":" in data else data
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
    done = past = 0  # what is written, and what is looked at
    for found in found_in(name, data):
        if found.start() < max(done, past) or not (kind := is_secret(found[1])):
            continue
        start = found.end()
        whole = normal(found[1]).endswith(WHOLE)
        if whole and (scheme := SCHEME.match(data, start)):
            start = scheme.end()
        value = (REST if whole else usual).match(data, start, len(data) if kind == ANY else start + LONGEST + 1)
        past = value.end() if kind != ANY and value and len(value[0]) > LONGEST else past
        if value is None or not (text := value[0].rstrip()) or NO_VALUE.fullmatch(text) or not fits(kind, text):
            continue
        out += data[done:start], seal(text)
        done = start + len(text)
    return b"".join([*out, data[done:]]) if out else data


def seal_blocks(data: bytes, is_secret: IsSecret, seal: Seal) -> bytes:
    """The lines of YAML below `password: |`, `secret: >-` and `credentials:`; what stands before each line stays."""
    out: list[bytes] = []
    done = 0
    for found in found_in(BLOCK, data):
        if found.start() < done or not (kind := is_secret(found[3])):
            continue
        end = found.end()
        literal = found[0].rstrip().rstrip(b"-+0123456789").endswith((b"|", b">"))
        if kind != ANY and not literal:  # `session:` with members of its own
            continue
        pieces: list[bytes] = []
        while (line := BLOCK_LINE.match(data, end)) and line.end() > end and _is_below(line, len(found[1]), literal):
            pieces.append(_sealed_line(line, seal, literal, kind))
            end = line.end()
        if pieces:
            out += data[done : found.end()], *pieces
            done = end
    return b"".join([*out, data[done:]]) if out else data


def _is_below(line: re.Match[bytes], indent: int, literal: bool) -> bool:
    """Whether a line belongs to the block of a key: it is empty, or begins further to the right (a list: as far)."""
    if not line[0].strip():
        return True
    return len(line[1]) > indent or (not literal and line[2] is not None and len(line[1]) == indent)


def _sealed_line(line: re.Match[bytes], seal: Seal, literal: bool, kind: int) -> bytes:
    before = line[1] if literal else line[1] + (line[2] or line[3] or b"")
    text = line[0][len(before) : len(line[0]) - len(line[5])]
    secret = text.strip() if literal else text.strip().strip(b"\"'")
    if not secret or not fits(kind, secret) or (not literal and NO_VALUE.fullmatch(secret)):
        return line[0]
    return before + seal(secret) + line[5]


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
    rb"(?<![\w.\-\[\]])((?:\\{0,8}[\"'])?)([\w.\-\[\]]{2,100}+)\1\s{0,20}+(?::|=>?)\s{0,20}+(\\{0,8}[\"'`])(\3\3)?"
)
BARE: Final = re.compile(rb"(\\{0,8}[\"'])([\w.\-\[\]]{2,100}+)(\1\s{0,20}+:\s{0,20}+)(-?[0-9][0-9.eE+-]*)")
ENCODED: Final = re.compile(
    rb"(%(?:25)*22([\w.\-]{2,100})%(?:25)*22(?:%(?:25)*20|\+)*%(?:25)*3[Aa](?:%(?:25)*20|\+)*%(?:25)*22)"
    rb"((?:(?!%(?:25)*22)[^\s\"'<>&])+)"
)
STRING_ENDS: Final = re.compile(rb"(?:[^\"\\]|\\.)*+", re.DOTALL)
STOPS: Final = {quote: re.compile(rb"[\r\n" + quote + rb"]") for quote in (b'"', b"'", b"`")}
MOST_NESTED: Final = 6  # forms within fields of forms: each is encoded once more than the one around it
SHORTEST_CODE: Final = 6  # bytes of an authorization code; `code=DE&state=open` is about a country
AROUND: Final = 1024  # bytes of a URL around its `code` that may say that the code is an authorization code
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
    data = seal_shapes(data, seal)
    data = seal_private_keys(data, seal)
    if b"@" in data or b"40" in data:
        data = USERINFO.sub(lambda m: _userinfo(m, seal), data)
    data = seal_query(data, is_secret, seal)
    if pairs:
        data = seal_pairs(data, is_secret, seal, escaped=escaped)
        data = ENCODED.sub(lambda m: _encoded(m, is_secret, seal), data) if b"22" in data else data
        data = _seal_bare(data, is_secret, seal)
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
    done = past = 0  # what is written, and what is looked at
    # Key by key, because the value of an innocent key may be a URL with a secret of its own.
    for key in found_in(QUERY_KEY, data):
        if key.start() < max(done, past) or not (kind := is_secret(key[1])):
            continue
        value = _value_behind(data, key, len(data) if kind == ANY else key.end() + LONGEST + 1)
        if value is None:
            continue
        past = value.end() if len(value[0]) > LONGEST and kind != ANY else past
        secret = unquote_to_bytes(decoded(value[0]))
        if (
            kind != ANY
            and key[1].lower() == b"code"
            and len(secret) >= SHORTEST_CODE
            and is_oauth(data[max(0, key.start() - AROUND) : key.end() + AROUND])
        ):
            kind = ANY
        if fits(kind, secret, in_url=True):
            out += data[done : key.end()], _sealed_as(value[0], secret, seal)
            done = value.end()
    return b"".join([*out, data[done:]]) if out else data


def is_oauth(text: bytes) -> bool:
    """Whether the parameters around a `code` say that it is an authorization code (RFC 6749 section 4.1)."""
    return any(word in text for word in (b"grant_type", b"code_verifier", b"state=", b"redirect_uri", b"state%3D"))


def _value_behind(data: bytes, key: re.Match[bytes], end: int) -> re.Match[bytes] | None:
    """A parameter of a path (`/x;token=y?z`) ends where the query begins."""
    value = QUERY_VALUE.match(data, key.end(), end)
    if value and key[0].startswith(b";") and b"?" in value[0]:
        return QUERY_VALUE.match(data, key.end(), key.end() + value[0].index(b"?"))
    return value


def seal_pairs(data: bytes, is_secret: IsSecret, seal: Seal, *, escaped: bool = False) -> bytes:
    """Quoted values behind secret keys: in broken JSON, in JSON within a string, in scripts and settings.

    `escaped`: all text is in strings of JSON. There a quote without a backslash ends a string, and begins no value: the
    argument `--token=` is followed by other strings, not by its value."""
    out: list[bytes] = []
    done = past = 0  # what is written, and what is looked at
    for key in found_in(PAIR_KEY, data):
        if key.start() < max(done, past) or not (kind := is_secret(key[2])):
            continue
        if escaped and key[3] == b'"':
            continue
        start = key.end()
        most = len(data) if kind == ANY else min(len(data), start + LONGEST + 1)
        if escaped and not key[3].startswith(b"\\") and (ends := STRING_ENDS.match(data, start, most)):
            most = ends.end()
        end = _triple_end(data, start, most, key[3] * 3) if key[4] else _end_of_quoted(data, start, most, key[3])
        past = end if end - start > LONGEST and kind != ANY else past
        if (value := data[start:end]) and fits(kind, secret := decoded(value)):
            out += data[done:start], _sealed_as(value, secret, seal)
            done = end
    return b"".join([*out, data[done:]]) if out else data


def _triple_end(data: bytes, at: int, most: int, quotes: bytes) -> int:
    end = data.find(quotes, at, most)
    return most if end < 0 else end


def _end_of_quoted(data: bytes, at: int, most: int, quote: bytes) -> int:
    """Where the closing quote stands, or the line ends.

    Within a string of n backslashes per quote, one of the text itself is written as 2n + 1 of them and a quote.
    """
    depth = len(quote) - 1
    begin = at  # backslashes are counted from the last stop on, never twice
    for stop in STOPS[quote[-1:]].finditer(data, at, most):
        place = stop.start()
        run = place - begin - len(data[begin:place].rstrip(b"\\"))
        begin = stop.end()
        if stop[0] != quote[-1:]:
            return place
        more, odd = divmod(run - depth, depth + 1)
        if more < 0 or odd:  # the string around it ends
            return place
        if more % 2 == 0:
            return place - depth
    return most


def seal_url(data: bytes, is_secret: IsSecret, seal: Seal) -> bytes:
    """A whole URL: its query and fragment are read as such, to their ends, whatever characters stand there."""
    head, mark, rest = data.partition(b"?")
    query, sharp, fragment = rest.partition(b"#")
    if mark:
        data = head + mark + seal_form(query, is_secret, seal) + sharp + seal_form(fragment, is_secret, seal)
    return seal_text(data, is_secret, seal, pairs=False, lines=False)


def seal_form(data: bytes, is_secret: IsSecret, seal: Seal, depth: int = 0) -> bytes:
    """Values of secret keys in application/x-www-form-urlencoded, and secrets within the other values."""
    oauth = b"code=" in data and is_oauth(data)

    def field(match: re.Match[bytes]) -> bytes:
        raw = match[4]
        if kind := is_secret(match[2]):
            secret = unquote_to_bytes(raw.replace(b"+", b" "))
            if (oauth and match[2] == b"code" and len(secret) >= SHORTEST_CODE) or fits(kind, secret, in_url=True):
                return match[1] + match[2] + match[3] + _sealed_as(raw, secret, seal)
        if depth == MOST_NESTED or not any(mark in raw for mark in NESTED):
            return match[0]
        value = unquote_to_bytes(raw.replace(b"+", b" "))  # JSON in a form, or something encoded twice
        sealed = seal_text(seal_form(value, is_secret, seal, depth + 1) if b"%" in value else value, is_secret, seal)
        return match[0] if sealed == value else match[1] + match[2] + match[3] + quote_from_bytes(sealed).encode()

    return FORM.sub(field, data)


def _encoded(match: re.Match[bytes], is_secret: IsSecret, seal: Seal) -> bytes:
    """JSON that is percent-encoded within another text."""
    secret = unquote_to_bytes(match[3])
    return match[1] + _sealed_as(match[3], secret, seal) if fits(is_secret(match[2]), secret) else match[0]


def _userinfo(match: re.Match[bytes], seal: Seal) -> bytes:
    mark, raw = (match[1], match[2]) if match[1] else (match[3], match[4])
    return mark + _sealed_as(raw, unquote_to_bytes(raw), seal) if raw else match[0]


def _sealed_as(raw: bytes, secret: bytes, seal: Seal) -> bytes:
    """A value is sealed as what it stands for, so that it equals the same secret elsewhere."""
    sealed = seal(secret)
    return raw if sealed == secret else sealed


def _seal_bare(data: bytes, is_secret: IsSecret, seal: Seal) -> bytes:
    """Numbers behind secret names in quotes."""
    out: list[bytes] = []
    done = 0
    for match in found_in(BARE, data):
        if fits(is_secret(match[2]), match[4]):
            out += data[done : match.start()], _bare(match, seal)
            done = match.end()
    return b"".join([*out, data[done:]]) if out else data


def _bare(match: re.Match[bytes], seal: Seal) -> bytes:
    sealed = seal(match[4])
    value = number_of(sealed) if match[1] == b'"' else match[1] + sealed + match[1]
    return match[1] + match[2] + match[3] + value
