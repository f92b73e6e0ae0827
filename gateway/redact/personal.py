"""Personal data by kind: cards, IBANs, e-mail addresses, phone numbers; with check digits where there are some. Pure.

Only what `redact.kinds` of routes.yaml asks for is looked for. Searched with RE2, in linear time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Final
from urllib.parse import unquote_to_bytes

from ..model.linear_patterns import compile_linear
from .placeholders import number_of

Seal = Callable[[bytes], bytes]

KINDS: Final = ("card", "email", "iban", "phone")

# ISO/IEC 7812: 12 to 19 digits, the first of them 2 to 6 or 8 for money; written in groups, too.
CARD: Final = r"[2-68](?:(?: |-|%20|\+)?[0-9]){11,18}"
# ISO 13616: country, two check digits, up to 30 letters and digits; written in groups of four, too.
IBAN: Final = r"[A-Za-z]{2}[0-9]{2}(?:(?: |-|%20|\+)?[0-9A-Za-z]){11,30}"
# The common part of RFC 5321: a local part without quotes (nor = and &, which end a field), a domain with a dot.
LOCAL: Final = r"(?:[0-9A-Za-z.!#$*?^_`{|}~+\-]|%2[Bb])+"  # a form writes a plus as %2B
EMAIL: Final = LOCAL + "(?:(?:'|%27)" + LOCAL + r")?(?:@|%40|\\u0040|&#64;)(?:[0-9A-Za-z\-]{1,63}\.){1,8}[A-Za-z]{2,24}"
# ITU-T E.164: a plus (or 00) and 7 to 15 digits, with the marks that people put between them; as forms write them, too.
MARK: Final = r"(?:[ ./+\-]|%20|%2[Ff])"
OPENING: Final = r"(?:\(|%28)"
CLOSING: Final = r"(?:\)|%29)"
PHONE: Final = rf"(?:\+|%2[Bb]|00|\\u002[Bb])[1-9](?:(?:{MARK}|{OPENING})?{CLOSING}?{MARK}?{OPENING}?[0-9]){{6,14}}"
EXPRESSIONS: Final = {"card": CARD, "iban": IBAN, "email": EMAIL, "phone": PHONE}
# Digits of a phone number, of whatever country, under a name that says so.
PHONE_NAMES: Final = frozenset(
    b"phone telephone tel mobile cell msisdn fax phonenumber mobilenumber telephonenumber cellphone handy".split()
)

ESCAPE: Final = re.compile(rb"\\u00([0-7][0-9A-Fa-f])")

# The lengths of IBANs by country (SWIFT IBAN registry, release 99).
IBAN_LENGTHS: Final = {
    country: int(length)
    for length, countries in (
        row.split(":") for row in (
            "15:NO", "16:BE", "18:DK FI FO GL NL SD FK", "19:MK SI", "20:AT BA EE KZ LT LU XK MN",
            "21:CH CR HR LI LV", "22:BG BH DE GB GE IE ME RS VA", "23:AE GI IL IQ TL OM SO",
            "24:AD CZ ES MD PK RO SA SE SK TN VG", "25:LY PT ST", "26:IS TR", "27:FR GR IT MC MR SM BI DJ",
            "28:AL AZ BY CY DO GT HN HU LB NI PL SV", "29:BR EG PS QA UA", "30:JO KW MU", "31:MT SC", "32:LC", "33:RU",
        )
    )
    for country in countries.split()
}  # fmt: skip


def expression_of(kind: str) -> str:
    """The RE2 expression of a kind, for a quick look whether it may stand somewhere; KeyError for none."""
    return EXPRESSIONS[kind]


def is_card(text: bytes) -> bool:
    """Whether the digits are a card number: 12 to 19 of them, not all the same, with Luhn's check digit."""
    digits = [byte - 48 for byte in text if 48 <= byte <= 57]
    if not 12 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_iban(text: bytes) -> bool:
    """Whether it is an IBAN: the length of its country, and a remainder of 1 by 97 (ISO 7064)."""
    letters = re.sub(rb"[^0-9A-Za-z]", b"", text).upper().decode("ascii")
    if len(letters) != IBAN_LENGTHS.get(letters[:2]):
        return False
    return int("".join(str(int(letter, 36)) for letter in letters[4:] + letters[:4])) % 97 == 1


class PersonalData:
    """Seals the kinds that were asked for, wherever they stand."""

    def __init__(self, kinds: Collection[str]) -> None:
        self._kinds = [kind for kind in KINDS if kind in kinds]
        text = "|".join(f"({EXPRESSIONS[kind]})" for kind in self._kinds)
        self._expression = compile_linear(rf"(?:^|[^0-9A-Za-z_])(?:{text})")

    def seal(self, data: bytes, seal: Seal) -> bytes:
        """The text with what it holds of these kinds sealed; a bare number of JSON becomes a string that says so."""
        out: list[bytes] = []
        done = at = 0
        while (found := self._expression.search(data, at)) is not None:
            group = next(number for number in range(1, len(self._kinds) + 1) if found[number] is not None)
            start, end = _exact(data, self._kinds[group - 1], *found.span(group))
            at = max(end, start + 1)
            if end > start:
                secret, sealed = data[start:end], seal(_plain(data[start:end], self._kinds[group - 1]))
                out += data[done:start], _as_it_stands(data, start, end, sealed, secret)
                done = at = end
        return b"".join([*out, data[done:]]) if out else data


def _exact(data: bytes, kind: str, start: int, end: int) -> tuple[int, int]:
    """The part of a find that is one of its kind; an empty one when nothing is."""
    text = data[start:end]
    if kind == "card":  # what goes on in digits or letters is no card but a longer number
        return (start, end) if not data[end : end + 1].isalnum() and is_card(_plain(text, kind)) else (start, start)
    if kind == "iban":
        return start, start + _iban_length(text)
    if kind == "email" and text.startswith(b"sealed_"):  # user info of a URL that is sealed already
        return start, start
    return start, end


def _iban_length(text: bytes) -> int:
    """How many bytes of a find are the IBAN of its country; what follows may be the next word."""
    wanted = IBAN_LENGTHS.get(text[:2].decode("ascii").upper(), 0)
    seen = at = 0
    while at < len(text) and seen < wanted:
        if text[at : at + 3] == b"%20":
            at += 3
            continue
        seen += text[at : at + 1].isalnum()
        at += 1
    whole = seen == wanted and not text[at : at + 1].isalnum()
    return at if whole and is_iban(_plain(text[:at], "iban")) else 0


def _plain(text: bytes, kind: str) -> bytes:
    """What it stands for, without the escapes of a URL, JSON or HTML: one secret has one placeholder, and a replay
    escapes it for the place where it stands."""
    if kind in ("card", "iban"):
        text = text.replace(b"+", b" ")  # as forms write spaces
    text = unquote_to_bytes(text).replace(b"&#64;", b"@")
    return ESCAPE.sub(lambda found: bytes((int(found[1], 16),)), text)


def _as_it_stands(data: bytes, start: int, end: int, sealed: bytes, secret: bytes) -> bytes:
    if sealed == secret or not secret.isdigit():
        return sealed
    before, after = data[max(0, start - 24) : start].rstrip(), data[end : end + 24].lstrip()
    is_number = before.endswith((b'":', b",", b"[")) and after[:1] in (b",", b"}", b"]") and b'"' in data[:start]
    return number_of(sealed) if is_number else sealed
