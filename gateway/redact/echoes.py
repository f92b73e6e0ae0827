"""The same secret again: under a name that tells nothing, or repeated in the sentence of an error message. Pure.

A secret that a generator made is replaced wherever its bytes stand in the exchange. A password is shorter and may be a
word of the language; it is replaced in the response alone, and only as a word of its own.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator, MutableSequence
from typing import Final
from urllib.parse import quote_from_bytes, quote_plus

from .json_text import Seal

LONG: Final = 16  # bytes: a shorter secret may be an everyday word elsewhere
DIGITS: Final = b"0123456789"
VARIED: Final = 10  # different bytes in it, for the same reason
MOST: Final = 50  # secrets looked for again: each costs a search through the body
MOST_TOKENS: Final = 32  # of one recording that are looked for under other names
FEW: Final = 12  # of them are looked for one by one
MOST_WORDS: Final = 3 * 16 * MOST_TOKENS  # numbers of theirs, and of some that are looked for no more
SHORTEST, LONGEST = 6, 128  # bytes of a password that is looked for
LETTERS_ONLY: Final = 8  # bytes of one without a digit and a sign
# What people type for a password, and error messages say for themselves.
COMMON: Final = frozenset(
    b"password passwort username administrator required invalid incorrect credentials undefined anonymous forbidden"
    b" unauthorized authentication authorization everything passphrase customer manager database postgres"
    b" application/json".split()
)


LONGEST_TOKEN: Final = 16 << 10  # bytes; a whole body that was sealed as one secret is no token


def is_token(secret: bytes) -> bool:
    """Whether a secret looks made by chance, so that the same bytes elsewhere must be the same secret.

    A cookie may hold a path, a media type or a date; those stay where else they stand.
    """
    return (
        LONG <= len(secret) <= LONGEST_TOKEN  # more would hold the interpreter: 110 ms for 15 MB
        and len(set(secret)) >= VARIED
        and not secret.startswith((b"/", b"http:", b"https:"))
        and any(byte in DIGITS for byte in secret)
        and any(byte not in DIGITS for byte in secret)
        and len(secret.split()) == 1
    )


def is_password(secret: bytes) -> bool:
    """Whether a secret that somebody typed tells enough to be known again: no number, no short or everyday word."""
    if not SHORTEST <= len(secret) <= LONGEST or secret.lower() in COMMON or secret.startswith((b"/", b"http")):
        return False
    if not any(chr(byte).isalpha() for byte in secret):
        return False
    return len(secret) >= LETTERS_ONLY or not secret.isalpha()


class RecordingTokens:
    """The latest tokens that were sealed in a recording, and whether one of them may stand in a text.

    Any 15 bytes in a row hold 8 that begin at a multiple of 8. So a text is read as numbers of 8 bytes, and they are
    compared with those in the last 15 bytes of each token: 6 us for 2.2 KiB and 32 tokens, where a search for each of
    them takes 15.
    """

    __slots__ = ("_tokens", "_words")

    def __init__(self) -> None:
        self._tokens: dict[bytes, None] = {}
        self._words: set[int] = set()

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._tokens)

    def __contains__(self, token: bytes) -> bool:
        return token in self._tokens

    def add(self, token: bytes) -> None:
        """Look for this one as well; of too many the first is left out. It satisfies `is_token`."""
        self._tokens[token] = None
        self._words |= _words(token)
        if len(self._tokens) > MOST_TOKENS:
            del self._tokens[next(iter(self._tokens))]
            if len(self._words) > MOST_WORDS:
                self._words = set().union(*map(_words, self._tokens))

    def stand_in(self, text: bytes) -> bool:
        """Whether one of them stands in the text, as it is or as it is written in a URL."""
        if len(self._tokens) > FEW and self._words.isdisjoint(memoryview(text)[: len(text) & ~7].cast("Q")):
            return False
        for token in self._tokens:
            if token in text:
                return True
        return b"%" in text and any(quoted(token) in text for token in self._tokens)


class ReportedTokens(RecordingTokens):
    """The same; each token that is added here is news for others who seal exchanges of the recording."""

    __slots__ = ("_news", "_recording")

    def __init__(self, recording: str, news: MutableSequence[tuple[str, bytes]]) -> None:
        super().__init__()
        self._recording, self._news = recording, news

    def add(self, token: bytes) -> None:
        super().add(token)
        self._news.append((self._recording, token))


def _words(token: bytes) -> set[int]:
    """The numbers of which a text with this token holds one, wherever the token begins."""
    found = set()
    for form in {token, quoted(token)}:
        end = form[-15:]
        found |= {memoryview(end)[at : at + 8].cast("Q")[0] for at in range(8)}
    return found


def quoted(secret: bytes) -> bytes:
    """As it stands in a URL."""
    return secret if secret.isalnum() else quote_from_bytes(secret, safe="").encode()


class Echoes:
    """The secrets of one exchange to look for again."""

    __slots__ = ("_passwords", "_tokens")

    def __init__(self) -> None:
        self._tokens: list[bytes] = []
        self._passwords: dict[bytes, list[bytes]] = {}  # with their spellings

    def __bool__(self) -> bool:
        return bool(self._tokens or self._passwords)

    def add(self, secret: bytes) -> None:
        """A secret that may stand anywhere else."""
        if len(self._tokens) < MOST and secret not in self._tokens and is_token(secret):
            self._tokens.append(secret)
            self._tokens.sort(key=len, reverse=True)  # the longest first, because one may hold another

    def add_typed(self, secrets: Iterable[bytes]) -> None:
        """Secrets of the request that its response may repeat."""
        for secret in secrets:
            if len(self._passwords) < MOST and secret not in self._passwords and is_password(secret):
                self._passwords[secret] = spellings(secret)
                self._passwords = dict(sorted(self._passwords.items(), key=lambda pair: -len(pair[0])))

    def sealed(self, data: bytes, placeholder_of: Seal, *, response: bool) -> bytes:
        """The text with them replaced; passwords only in what the server said."""
        for secret in self._tokens:
            if secret in data:
                data = data.replace(secret, placeholder_of(secret))
            if b"%" in data and (form := quoted(secret)) in data:
                data = data.replace(form, placeholder_of(secret))
        if response:
            for secret, forms in self._passwords.items():
                for form in forms:
                    if form in data:
                        data = _without_word(data, form, secret, placeholder_of)
        return data


def spellings(secret: bytes) -> list[bytes]:
    """A password as it may stand in a response: as it is, in JSON, HTML or a URL."""
    text = secret.decode("utf-8", "surrogateescape")
    forms = [secret]
    if not secret.isalnum():
        escaped = json.dumps(text)[1:-1]
        plus = quote_plus(secret)
        more = (escaped, json.dumps(text, ensure_ascii=False)[1:-1], html.escape(text), html.escape(text, quote=False))
        marks = html.escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
        angles = escaped.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").replace("'", "\\u0027")
        forms += [one.encode("utf-8", "surrogateescape") for one in (*more, marks, angles, plus)]
        forms.append(quote_from_bytes(secret, safe="").encode())
    return list(dict.fromkeys(forms))


def is_word(byte: int) -> bool:
    return byte == 95 or chr(byte).isalnum()


def _without_word(data: bytes, form: bytes, secret: bytes, placeholder_of: Seal) -> bytes:
    """The text without the password as a word of its own; a member of that name stays."""
    at = data.find(form)
    out: list[bytes] = []
    done = 0
    while at >= 0:
        end = at + len(form)
        begins = at == 0 or not (is_word(data[at - 1]) and is_word(form[0]))
        ends = end == len(data) or not (is_word(data[end]) and is_word(form[-1]))
        if begins and ends and not data[end : end + 8].lstrip(b'\\"').lstrip().startswith(b":"):
            out += data[done:at], placeholder_of(secret)
            done = end
        at = data.find(form, end)
    return b"".join([*out, data[done:]]) if out else data
