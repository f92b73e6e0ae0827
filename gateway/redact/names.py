"""Which names carry secrets: header fields, and keys of queries, JSON, forms and cookies. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Final, TypeVar
from urllib.parse import unquote_to_bytes

from ..model import headers

PLAIN, CREDENTIALS, COOKIE, SET_COOKIE = range(4)

HEADERS: Final = {
    **{name.encode(): CREDENTIALS for name in headers.CREDENTIALS}, b"x-csrf-token": CREDENTIALS,
    b"cookie": COOKIE, b"cookie2": COOKIE, b"set-cookie": SET_COOKIE, b"set-cookie2": SET_COOKIE,
}  # fmt: skip
HEADER_ENDS: Final = (b"-token", b"-secret", b"-key", b"-authorization")

KEYS: Final = frozenset(
    b"password passwd pwd secret token api_key apikey client_secret credential credentials private_key session_id"
    b" sessionid cvv pin passphrase access_key authorization csrfmiddlewaretoken sig"
    b" passwords passcode password1 password2 password_confirmation password_confirm password_repeat password_hash"
    b" secret_key signing_key encryption_key cookie set_cookie csrf _csrf cvc jsessionid phpsessid x_amz_signature"
    b" x_goog_signature".split()
)
# The same as the last word of a longer name: new_password, accessToken, X-Amz-Credential.
KEY_ENDS: Final = (
    b"_token", b"_password", b"_passwd", b"_pwd", b"_secret", b"_api_key", b"_apikey", b"_private_key",
    b"_access_key", b"_credential", b"_credentials", b"_session_id", b"_passphrase", b"_passcode", b"_secret_key",
    b"_signing_key", b"_encryption_key",
)  # fmt: skip

# One of these words stands in every text that has one of the names, in small letters; where a word is also part of
# everyday words, the expression tells. Searching word by word is many times faster than one large expression.
WORDS: Final[dict[bytes, re.Pattern[bytes] | None]] = {
    b"pass": re.compile(rb"passw|passphrase|passcode"),
    b"token": None,
    b"secret": None,
    b"key": re.compile(rb"(?:api|private|access|signing|encryption)(?:[^a-z0-9]|%[0-9a-f]{2}){0,6}key"),
    b"pin": re.compile(rb"(?<![a-z])pin(?![a-z])"),
    b"sess": re.compile(rb"session[^a-z0-9]{0,6}id|sessid"),
    b"cred": re.compile(rb"credential"),
    b"eyj": None,
    b"@": re.compile(rb"/[^\s/?#\"'<>]*@"),
    b"pwd": None,
    b"cvv": None,
    b"sig": re.compile(rb"(?<![a-z])sig(?![a-z])|(?:amz|goog)[^a-z0-9]{0,6}signature"),
    b"authoriz": None,
    b"cookie": None,
    b"csrf": None,
    b"cvc": None,
    b"%": re.compile(rb"%(?:25)*[4-7][0-9a-f]"),
    b"\\u00": re.compile(rb"\\u00[4-7]"),
}

# A part of a word that most texts have not got, or that two words share: looked for first, and once for both. A single
# byte is found, or not, four times as fast as a word.
PARTS: Final = {
    b"eyj": b"j", b"authoriz": b"z", b"\\u00": b"\\", b"token": b"k", b"key": b"k", b"pwd": b"w", b"pass": b"ss",
    b"sess": b"ss", b"secret": b"cr", b"cred": b"cr", b"cookie": b"k",
    b"cvv": b"cv", b"cvc": b"cv",
}  # fmt: skip

HUMP = re.compile(rb"(?<=[a-z0-9])(?=[A-Z])")
ESCAPE = re.compile(rb"\\u00([0-9a-fA-F]{2})")
MOST: Final = 4096
MOST_LONG: Final = 512  # bodies and URLs remembered
LONG: Final = 4096  # bytes of the longest of them; of a longer one only the hash: a tenth of the search
Value = TypeVar("Value")


def normal(key: bytes) -> bytes:
    """accessToken, Access-Token, access%5Ftoken -> access_token; user[password] and user.password -> password."""
    for _ in range(3):  # more than one server has decoded what was encoded twice
        if b"%" in key:
            key = unquote_to_bytes(key)
    if b"\\" in key:
        key = ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode()), key)
    parts = [part.rstrip(b"]") for part in re.split(rb"[.\[]", key.strip(b" \t\"'").rstrip(b"[]"))]
    while len(parts) > 1 and parts[-1].isdigit():  # password[0], token.1
        parts.pop()
    key = parts[-1]
    return HUMP.sub(b"_", key).lower().replace(b"-", b"_").replace(b"+", b"_").replace(b" ", b"_")


class Names:
    """The names of one route table's rules on top of the defaults; answers are remembered, and bounded."""

    def __init__(self, headers: Iterable[str] = (), keys: Iterable[str] = (), exact: Iterable[str] = ()) -> None:
        self._headers = HEADERS | dict.fromkeys((name.lower().encode() for name in headers), CREDENTIALS)
        more = {normal(name.encode()) for name in keys} | {name.encode() for name in exact}
        self._keys = KEYS | more
        # A name of the rules may be spelled apart or together: its longest piece is what every spelling has.
        words = [*WORDS.items(), *((longest_piece(key), None) for key in more)]
        self._words: dict[bytes, list[tuple[bytes, re.Pattern[bytes] | None]]] = {}  # by the part looked for first
        for word, sure in words:
            self._words.setdefault(PARTS.get(word, word), []).append((word, sure))
        self.clean: set[bytes] = set()  # field values without secrets: most fields come with every request
        self.clean_pairs: set[tuple[bytes, bytes]] = set()  # whole fields, the quickest to look up
        self.harmless: set[bytes] = set()  # bodies and URLs without a word to look at; of longer ones, their hashes
        self._kinds: dict[bytes, int] = {}
        self._secret: dict[bytes, bool] = {}

    def header(self, name: bytes) -> int:
        """What to do with a header field of this name."""
        kind = self._kinds.get(name)
        if kind is None:
            low = name.lower()
            kind = self._headers.get(low, PLAIN)
            if kind == PLAIN and (low.endswith(HEADER_ENDS) or self.is_secret(low)):
                kind = CREDENTIALS
            _remember(self._kinds, name, kind)
        return kind

    def remember_clean(self, value: bytes) -> None:
        if len(self.clean) >= MOST:
            self.clean.clear()
        if len(value) <= 256:
            self.clean.add(value)

    def remember_clean_pair(self, pair: tuple[bytes, bytes]) -> None:
        if len(self.clean_pairs) >= MOST:
            self.clean_pairs.clear()
        if len(pair[0]) + len(pair[1]) <= 256:
            self.clean_pairs.add(pair)

    def is_secret(self, key: bytes) -> bool:
        """Whether the value under this key, in whatever spelling, is a secret."""
        known = self._secret.get(key)
        if known is None:
            name = normal(key)
            known = name in self._keys or name.endswith(KEY_ENDS) or key in self._keys
            _remember(self._secret, key, known)
        return known

    def hint(self, data: bytes) -> bool:
        """Whether a closer look is worth it. What was harmless a moment ago is known: polls get the same again."""
        known = data if len(data) <= LONG else sha256(data).digest()
        if known in self.harmless:
            return False
        if self.has_word(data):
            return True
        if len(self.harmless) >= MOST_LONG:
            self.harmless.clear()
        self.harmless.add(known)
        return False

    def has_word(self, data: bytes) -> bool:
        """Whether one of the words stands in it; nothing is remembered."""
        low = data.lower()
        for part, words in self._words.items():
            if part in low:
                for word, sure in words:
                    if word in low and (sure is None or sure.search(low)):
                        return True
        return False


def longest_piece(key: bytes) -> bytes:
    return max(re.split(rb"[^a-z0-9]+", key.lower()), key=len)


def _remember(memory: dict[bytes, Value], key: bytes, value: Value) -> None:
    if len(memory) >= MOST:
        memory.clear()
    if len(key) <= 128:
        memory[key] = value
