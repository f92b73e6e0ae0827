"""The names and shapes of one route table's rules: asked for every header, key and body, and remembered. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from hashlib import sha256
from typing import Final, TypeVar

from ..model import headers as header_classes
from ..model.caches import LONGEST_NAME, BoundedCache
from ..model.linear_patterns import Linear, compile_linear, quoted
from . import shapes
from .personal import PHONE_NAMES, PersonalData, expression_of
from .values import ANY, DIGITS, NATIONAL_PHONE, NO, RANDOM, TEXT
from .vocabulary import CODES, HARMLESS_HEADERS, KEYS, PASSES, PINS, kind_of, normal, parts_of

# What to do with a header: nothing by its name, seal all of it, what looks random of it, or its parts.
PLAIN, CREDENTIALS, COOKIE, SET_COOKIE, MAYBE, PROTOCOLS = range(6)

HEADERS: Final = {
    **{name.encode(): CREDENTIALS for name in header_classes.CREDENTIALS}, b"x-csrf-token": CREDENTIALS,
    b"cookie": COOKIE, b"cookie2": COOKIE, b"set-cookie": SET_COOKIE, b"set-cookie2": SET_COOKIE,
    b"sec-websocket-protocol": PROTOCOLS, **dict.fromkeys(HARMLESS_HEADERS, PLAIN),
}  # fmt: skip
HEADER_ENDS: Final = (b"-token", b"-secret", b"-key", b"-authorization")
BY_KIND: Final = {ANY: CREDENTIALS, TEXT: CREDENTIALS, DIGITS: CREDENTIALS, RANDOM: MAYBE}

APART: Final = r"(?:[^a-z0-9]|%[0-9a-f]{2}|\\u00[0-9a-f]{2}){0,6}"  # what may stand between the parts of a name
VALUE: Final = (
    r"(?:[\"'\\\s\[\]0-9,]|value|%22|%20|%5[bd]|&quot;){0,12}(?:[:=>]|%3[ad])[^\n]{0,12}?[0-9a-z_\-.~+/%]{16}"
)


def _either(words: Iterable[bytes]) -> str:
    return "(?:" + "|".join(sorted((word.decode() for word in words), key=len, reverse=True)) + ")"


# Every text that holds a secret by one of the names or shapes matches this; most texts do not. One search with RE2: a
# quarter of the time of a search word by word, and the event loop goes on meanwhile.
WORDS: Final = (
    r"pass(?:[^a-z]|w|phr|code|e[^a-z]|$)|contrasena|kennwort|wachtwoord|senha|token|secret|credential|csrf|xsrf"
    r"|cookie|authoriz|authenticat|eyj|pwd|psk|cvv|cvc|mnemonic|assertion|verifier|saml|wresult"
    r"|sess(?:ion)?" + APART + r"id|recoverykey|htpasswd|tempauth|rlkey|resourcekey|hdn(?:ea|ts|tl)"
    r"|card" + APART + r"(?:verification" + APART + r"value|security" + APART + r"code)|pin" + APART + r"block"
    r"|master" + APART + r"auth|(?:seed|recovery)" + APART + r"phrase|hmac|basic" + APART + r"auth"
    r"|" + _either(KEYS) + APART + r"keys?"
    r"|" + _either(CODES | {b"oauth"}) + APART + r"codes?"
    r"|(?:^|[^a-z])(?:pin|sig|csc|otp|totp|pw|cred)[0-9]?(?:[^a-z0-9]|$)"
    r"|(?-i:[a-z](?:Pin|PIN|Sig|Csc|CSC|Otp|OTP|Totp|TOTP|Pw|PW|Cred)[0-9]?[^a-z0-9])"
    r"|passord|creds|mdp|haslo|heslo|salasana|lozinka|jelszo|losenord|adgangskode|(?:security|recovery|challenge)"
    + APART
    + r"answers?"
    r"|" + _either(PASSES) + r"pw[0-9]?(?:[^a-z0-9]|$)"
    r"|" + _either(PINS) + r"pin[0-9]?(?:[^a-z0-9]|$)"
    r"|(?:code|signature|session|ticket|auth|jwt|bearer|hm)" + VALUE + r"|[?&;](?:\w|-){0,30}signature="
    r"|name=[^\r\n]*(?:code|signature|session|ticket|auth|jwt|bearer|hm)[\]0-9]*[\"\r\n;]|code=|grant_type"
    r"|/[^\s/?#\"'<>@]*@|%(?:25)*[4-7][0-9a-f]|\\u00[4-7]|bearer|basic[ +%]"
)
MOST: Final = 4096
MOST_LONG: Final = 512  # bodies and URLs remembered
LONG: Final = 4096  # bytes of the longest of them; of a longer one only the hash: a tenth of the search
Value = TypeVar("Value")


class SecretNames:
    """The names of one route table's rules on top of the defaults; answers are remembered, and bounded.

    `keys` are names of queries and forms, in any spelling; `exact` are keys of JSON as they are written; `kinds` are
    kinds of personal data (personal.py).
    """

    def __init__(
        self, headers: Iterable[str] = (), keys: Iterable[str] = (), exact: Iterable[str] = (),
        kinds: Collection[str] = (),
    ) -> None:  # fmt: skip
        self._headers = HEADERS | dict.fromkeys((name.lower().encode() for name in headers), CREDENTIALS)
        self._exact = {name.encode() for name in exact}
        given = [name.encode() for name in keys]
        self._keys = {together(name) for name in given}
        self.personal = PersonalData(kinds) if kinds else None
        self._phones = PHONE_NAMES if "phone" in kinds else frozenset()
        # A name of the rules may be spelled apart or together: its longest piece is what every spelling has.
        pieces = {longest_piece(key) for key in (*given, *self._exact)} - {b""}
        self._hint = _hint(tuple(sorted(pieces | self._phones)), tuple(sorted(kinds)))
        self.clean: BoundedCache[bytes, None] = BoundedCache(
            MOST
        )  # field values without secrets: most fields come with every request
        self.clean_pairs: BoundedCache[tuple[bytes, bytes], None] = BoundedCache(
            MOST
        )  # whole fields, the quickest to look up
        self.harmless: BoundedCache[bytes, None] = BoundedCache(
            MOST_LONG
        )  # bodies and URLs without a word to look at; of longer ones, their hashes
        self._kinds: BoundedCache[bytes, int] = BoundedCache(MOST)
        self._secret: BoundedCache[bytes, int] = BoundedCache(MOST)

    def header(self, name: bytes) -> int:
        """What to do with a header of this name."""
        kind = self._kinds.get(name)
        if kind is None:
            low = name.lower()
            known = self._headers.get(low)
            if known is not None:
                kind = known
            elif low.endswith(HEADER_ENDS):
                kind = CREDENTIALS
            else:
                kind = BY_KIND.get(self.is_secret(name), PLAIN)
            _remember(self._kinds, name, kind)
        return kind

    def remember_clean(self, value: bytes) -> None:
        if len(value) <= 256:
            self.clean.keep(value, None)

    def remember_clean_pair(self, pair: tuple[bytes, bytes]) -> None:
        if len(pair[0]) + len(pair[1]) <= 256:
            self.clean_pairs.keep(pair, None)

    def is_secret(self, key: bytes) -> int:
        """Whether the value under this key is a secret: NO, ANY, or a kind that `fits` of values.py judges."""
        known = self._secret.get(key)
        if known is None:
            known = kind_of(key)
            if known != ANY and (key in self._exact or (self._keys and together(key) in self._keys)):
                known = ANY
            if known == NO and self._phones and together(key).rstrip(b"0123456789") in self._phones:
                known = NATIONAL_PHONE
            _remember(self._secret, key, known)
        return known

    def hint(self, data: bytes) -> bool:
        """Whether a closer look is worth it. What was harmless a moment ago is known: polls get the same again."""
        known = data if len(data) <= LONG else sha256(data).digest()
        if known in self.harmless:
            return False
        if self.has_word(data):
            return True
        self.harmless.keep(known, None)
        return False

    def has_word(self, data: bytes) -> bool:
        """Whether one of the words or shapes stands in it; nothing is remembered."""
        return self._hint.search(data) is not None


def _hint(pieces: tuple[bytes, ...], kinds: tuple[str, ...]) -> Linear:
    more = "".join("|" + quoted(piece) for piece in pieces)
    personal = "".join("|" + expression_of(kind) for kind in kinds)
    return compile_linear(f"(?i:{WORDS}{more})|{shapes.EXPRESSION}|{shapes.MARKS}{personal}", captures=False)


def together(key: bytes) -> bytes:
    """A name without case and separators: accessToken, access-token -> accesstoken."""
    return normal(key).replace(b"_", b"")


def longest_piece(key: bytes) -> bytes:
    """What every spelling of a name has in small letters."""
    return max(parts_of(key) or [key.lower()], key=len)


def _remember(memory: BoundedCache[bytes, Value], key: bytes, value: Value) -> None:
    if len(key) <= LONGEST_NAME:
        memory.keep(key, value)


__all__ = [
    "ANY",
    "COOKIE",
    "CREDENTIALS",
    "MAYBE",
    "NO",
    "PLAIN",
    "PROTOCOLS",
    "SET_COOKIE",
    "SecretNames",
    "kind_of",
    "normal",
]
