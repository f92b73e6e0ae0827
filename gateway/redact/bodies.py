"""Secrets in bodies: JSON, forms, multipart, events and any other text, also compressed or in UTF-16. Pure.

Looking into a body has a budget: what is larger than LARGEST, or holds more than MOST_SECRETS, keeps its first HEAD
bytes as text without secrets, and all behind them is sealed as one secret. Bodies in bodies are looked into up to
MOST_NESTED deep.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ..model.codings import DECODERS, NO_CODINGS, SHOWN, DecodeError, is_plain_text
from .json_text import IsSecret, Path, Seal, named_places, seal_keys, seal_paths, seal_strings
from .names import SecretNames
from .text import FORM_LIKE, seal_form, seal_text
from .values import fits

if TYPE_CHECKING:
    import jsonpath

BOUNDARY: Final = re.compile(rb";\s*boundary\s*=\s*(?:\"([^\"]+)\"|([^\s;,]+))", re.IGNORECASE)
FIRST_LINE: Final = re.compile(rb"\s*--([^\r\n]{1,200}?)[ \t]{0,20}\r?\n")
# A header line may go on behind a line break (RFC 822), and a name may say its charset (RFC 5987).
FOLDED: Final = rb":[ \t]*((?:[^\r\n]|\r?\n[ \t])*)"
DISPOSITION: Final = re.compile(rb"^[^\r\n]{0,2}content-disposition" + FOLDED, re.IGNORECASE | re.MULTILINE)
PART_NAME: Final = re.compile(
    rb"[;\s]name\*?\s*=\s*(?:[\w\-]+'[\w\-]*')?(?:\"((?:[^\"\\]|\\.)*)\"|([^\s;]+))", re.IGNORECASE
)
LONGEST_LINE: Final = 8 << 10  # bytes of the line that names a part's field
KIND: Final = re.compile(rb"^content-type" + FOLDED, re.IGNORECASE | re.MULTILINE)
LOOKS_SO: Final = re.compile(rb"\s*--[^\r\n]{1,200}\r?\n(?:[\w\-]+:[^\r\n]*\r?\n)*?content-disposition:", re.IGNORECASE)
SealOther = Callable[[bytes, bytes], bytes]  # of a content and its type
HEAD_END: Final = re.compile(rb"\r?\n[ \t]*\r?\n")


def seal_parts(data: bytes, content_type: bytes, is_secret: IsSecret, seal: Seal, seal_other: SealOther) -> bytes:
    """Seal secret fields; what the other fields hold goes through `seal_other`."""
    found = BOUNDARY.search(content_type)
    if found is None or b"--" + (found[1] or found[2]) not in data:
        found = FIRST_LINE.match(data)
    if found is None:
        return seal_other(data, b"")
    mark = b"--" + (found[1] or found[found.re.groups])
    first, *parts = data.split(mark)
    return mark.join([first, *(_part(part, is_secret, seal, seal_other) for part in parts)])


def _part(part: bytes, is_secret: IsSecret, seal: Seal, seal_other: SealOther) -> bytes:
    end = HEAD_END.search(part)
    if end is None:
        return part
    head, content = part[: end.end()], part[end.end() :]
    line_end = b"\r\n" if content.endswith(b"\r\n") else b"\n" if content.endswith(b"\n") else b""
    content = content[: len(content) - len(line_end)]
    if content:
        kind = KIND.search(head)
        secret = fits(is_secret(name_of(head)), content)
        content = seal(content) if secret else seal_other(content, kind[1] if kind else b"")
    return head + content + line_end


def name_of(head: bytes) -> bytes:
    """The name of a part's field; empty without one."""
    line = DISPOSITION.search(head)
    name = PART_NAME.search(line[1][:LONGEST_LINE]) if line else None
    return (name[1] or name[2] or b"") if name else b""


# Server-sent events (WHATWG HTML, 9.2.6): the data of one event may stand on several lines.
EVENT: Final = re.compile(rb"(?:\r\n|\r|\n){2}")
EVENT_LINE: Final = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
IS_EVENTS: Final = re.compile(rb"\s*(?:(?:event|id|retry):[^\r\n]*[\r\n]+|:[^\r\n]*[\r\n]+)*data:")


def seal_events(data: bytes, seal_text_of: Seal, has_word: Callable[[bytes], bool]) -> bytes:
    """Each event's data put together from its lines, sealed, and put on lines again; others as text."""
    out: list[bytes] = []
    at = 0
    while at < len(data):
        end = EVENT.search(data, at)
        stop = end.end() if end else len(data)
        event = data[at:stop]
        is_split = event.count(b"data:") > 1  # a name may be on two lines, and no word stands there whole
        out.append(_sealed_event(event, seal_text_of) if is_split or has_word(event) else event)
        at = stop
    return b"".join(out)


def _sealed_event(event: bytes, seal_text_of: Seal) -> bytes:
    lines = [line for line in EVENT_LINE.findall(event) if line]
    held = [line for line in lines if line.startswith(b"data:")]
    joined_data = b"\n".join(line[5:].removeprefix(b" ").rstrip(b"\r\n") for line in held)
    sealed = seal_text_of(joined_data) if held else joined_data
    if sealed == joined_data:
        return seal_text_of(event)
    out: list[bytes] = []
    for line in lines:
        if line is held[0]:
            ending = line[len(line.rstrip(b"\r\n")) :] or b"\n"
            out += (b"data: " + part + ending for part in sealed.split(b"\n"))
        elif not line.startswith(b"data:"):
            out.append(line if not line.strip() else seal_text_of(line))
    return b"".join(out) if event.endswith((b"\r", b"\n")) else b"".join(out).rstrip(b"\r\n")


# Nobody puts a secret there, and a body in an unknown coding is sealed whole otherwise.
HARMLESS: Final = re.compile(
    rb"\s*(?:(?:image|font|audio|video)/|text/css|(?:text|application)/(?:x-)?javascript|application/wasm)",
    re.IGNORECASE,
)
FORM: Final = b"application/x-www-form-urlencoded"
LARGEST: Final = 4 << 20  # bytes of a body that are looked into
HEAD: Final = 64 << 10  # bytes of a larger one that are
MOST_NESTED: Final = 8  # multipart within multipart
# Where `token = next()` is no secret.
CODE: Final = re.compile(rb"text/(?:html|css)|application/xhtml|(?:text|application)/(?:x-)?(?:java|ecma|type)script")
BOMS: Final = (
    (b"\xff\xfe\0\0", "utf-32-le"), (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"),
)  # fmt: skip
NAME: Final = re.compile(r"\$\.\.([A-Za-z_][\w-]*)|\$\.\.\[['\"]([^'\"\\]+)['\"]\]")
LAST_NAME: Final = re.compile(r"([A-Za-z_][\w-]*)[^A-Za-z_]*$")


@dataclass(frozen=True, slots=True)
class SecretPlaces:
    """JSONPaths of the rules that name more than a key; a key at the end of each stands in when JSON is broken."""

    paths: tuple[jsonpath.CompoundJSONPath | jsonpath.JSONPath, ...]
    last: SecretNames

    def find(self, document: Any) -> set[Path]:
        return {tuple(match.parts) for path in self.paths for match in path.finditer(document)}


class BudgetSpent(Exception):
    """A body holds more secrets than may be sealed one by one."""


def read_rules(
    headers: Sequence[str], paths: Sequence[str], query: Sequence[str], kinds: Sequence[str] = ()
) -> tuple[SecretNames, SecretPlaces | None]:
    """The rules of a route table, ready for use: `$..name` is a name, any other path a place."""
    simple = {path: match[1] or match[2] for path in paths if (match := NAME.fullmatch(path))}
    others = [path for path in paths if path not in simple]
    names = SecretNames(headers, query, simple.values(), kinds)
    if not others:
        return names, None
    last = [match[1] for path in others if (match := LAST_NAME.search(path))]
    import jsonpath  # a twelfth of a start, and few files need it

    return names, SecretPlaces(tuple(jsonpath.compile(path) for path in others), SecretNames((), last))


@dataclass(slots=True)
class BodySealer:
    """Seals the bodies of one capture. `seal` may raise BudgetSpent, `seal_whole` may not; `echo` replaces what was
    sealed elsewhere in the capture."""

    names: SecretNames
    places: SecretPlaces | None
    seal: Seal
    seal_whole: Seal
    echo: Seal
    depth: int = 0  # how many bodies there are around the one in hand

    def sealed(self, data: bytes, content_type: bytes, codings: Sequence[bytes]) -> tuple[bytes, bool]:
        """(the body, whether its content codings had to go). The very same bytes when there is no secret."""
        if not codings:
            return self.echo(self._in_budget(data, content_type)), False
        plain = decoded_body(data, codings)
        if plain is None:
            return (data, False) if HARMLESS.match(content_type) else (self.seal_whole(data), True)
        sealed = self.echo(self._in_budget(plain, content_type))
        return (data, False) if sealed == plain else (sealed, True)

    def _in_budget(self, data: bytes, content_type: bytes) -> bytes:
        """The body without secrets; of one beyond the budget the head, and the rest as one secret."""
        if len(data) <= LARGEST:
            with suppress(BudgetSpent):
                return self.text(data, content_type)
        elif HARMLESS.match(content_type):
            return data
        self.depth = 0
        head = b""
        with suppress(BudgetSpent):
            head = self.text(data[:HEAD], content_type)
        self.depth = 0
        return head + self.seal_whole(data[HEAD:] if head else data)

    def text(self, data: bytes, content_type: bytes) -> bytes:
        """A body, or a part of one, without content codings."""
        self.depth += 1
        sealed = self._text(data, content_type)
        self.depth -= 1
        return self.names.personal.seal(sealed, self.seal) if self.names.personal is not None else sealed

    def _text(self, data: bytes, content_type: bytes) -> bytes:
        if (encoding := _wide(data)) is not None:
            return self._wide_text(data, content_type, encoding)
        kind = _kind(content_type)
        form = kind == FORM
        if not form and self.places is None and not self.names.hint(data):
            return data
        is_parts = kind.startswith(b"multipart/") or (data[:2] == b"--" and LOOKS_SO.match(data) is not None)
        if is_parts and self.depth <= MOST_NESTED:
            return seal_parts(data, content_type, self.names.is_secret, self.seal, self.text)
        if form or FORM_LIKE.fullmatch(data):
            return seal_text(seal_form(data, self.names.is_secret, self.seal), self.names.is_secret, self.seal)
        if kind == b"text/event-stream" or (b"data:" in data[:1024] and IS_EVENTS.match(data)):
            return seal_events(data, lambda text: self._json_or_text(text, lines=True), self.names.has_word)
        return self._json_or_text(data, lines=CODE.match(kind) is None)

    def _json_or_text(self, data: bytes, *, lines: bool) -> bytes:
        document, valid = _parsed(data)
        if self.places is not None:
            data = seal_paths(data, self.places.find(document), self.seal) if valid else self._last_names(data)
        if valid and (places := named_places(data, document, self.names.is_secret)):
            data = seal_paths(data, places, self.seal)
        if valid or data.lstrip()[:1] in (b"{", b"["):
            data = seal_keys(data, self.names.is_secret, self.seal)
        pairs = not valid or b'\\"' in data or b"%22" in data or b"%2522" in data
        sealed = seal_text(data, self.names.is_secret, self.seal, pairs=pairs, lines=lines, escaped=valid)
        if valid and sealed != data and not _parsed(sealed)[1]:  # a value was taken across the end of its string
            return seal_strings(data, lambda text: seal_text(text, self.names.is_secret, self.seal, lines=lines))
        return sealed

    def _last_names(self, data: bytes) -> bytes:
        assert self.places is not None
        is_secret = self.places.last.is_secret
        return seal_text(seal_keys(data, is_secret, self.seal), is_secret, self.seal)

    def _wide_text(self, data: bytes, content_type: bytes, encoding: str) -> bytes:
        try:
            plain = data.decode(encoding).encode()
        except UnicodeError:
            return data
        sealed = self.text(plain, content_type)
        return data if sealed == plain else sealed.decode().encode(encoding)


def is_form(content_type: bytes) -> bool:
    """Whether a body of this type is read as a form, even when no word in it hints at a secret."""
    return _kind(content_type) == FORM


def _kind(content_type: bytes) -> bytes:
    return content_type.partition(b";")[0].strip().lower()


def _parsed(data: bytes) -> tuple[Any, bool]:
    if data.lstrip()[:1] not in (b"{", b"[", b'"'):
        return None, False
    try:
        return json.loads(data, parse_int=str, parse_float=str), True
    except (ValueError, RecursionError):
        return None, False


def may_be_wide(data: bytes) -> bool:
    """Whether it may be UTF-16 or UTF-32."""
    return b"\0" in data[:4] or data[:1] in (b"\xff", b"\xfe")


def _wide(data: bytes) -> str | None:
    """UTF-16 or UTF-32, by its mark or by the zeros around an ASCII character (RFC 4627 section 3)."""
    if not may_be_wide(data):
        return None
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return encoding
    zeros = bytes(byte == 0 for byte in data[:4])
    return {
        b"\0\1\0\1": "utf-16-le", b"\1\0\1\0": "utf-16-be", b"\0\1\1\1": "utf-32-le", b"\1\1\1\0": "utf-32-be",
    }.get(zeros)  # fmt: skip


def decoded_body(data: bytes, codings: Sequence[bytes]) -> bytes | None:
    """A body without content codings, as far as it goes; None when nobody here can say what it holds."""
    for name in reversed(codings):
        coding = name.decode("latin-1")
        if coding in NO_CODINGS:
            continue
        decode = DECODERS.get(coding)
        if decode is None:
            return data if is_plain_text(data) else None  # a word that is no coding, before text
        try:
            data = decode(data, SHOWN)
        except DecodeError as error:
            if len(error.partial) >= SHOWN:
                return None
            data = error.partial or data  # a wrong label on plain text is a common mistake
    return data
