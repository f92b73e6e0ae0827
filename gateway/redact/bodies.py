"""Secrets in bodies: JSON, forms, multipart and any other text, also compressed or in UTF-16. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jsonpath

from ..model.codings import DECODERS, NO_CODINGS, SHOWN, DecodeError, is_plain_text
from .json_text import IsSecret, Path, Seal, named_places, seal_keys, seal_paths
from .names import Names
from .text import FORM_LIKE, seal_form, seal_text

BOUNDARY: Final = re.compile(rb";\s*boundary\s*=\s*(?:\"([^\"]+)\"|([^\s;,]+))", re.IGNORECASE)
FIRST_LINE: Final = re.compile(rb"\s*--([^\r\n]{1,200}?)[ \t]*\r?\n")
# A header line may go on behind a line break (RFC 822), and a name may say its charset (RFC 5987).
PART_NAME: Final = re.compile(
    rb"content-disposition:(?:[^\r\n]|\r?\n(?=[ \t]))*?[;\s]name\*?\s*=\s*(?:[\w\-]+'[\w\-]*')?"
    rb"(?:\"((?:[^\"\\]|\\.)*)\"|([^\s;]+))",
    re.IGNORECASE,
)
KIND: Final = re.compile(rb"^content-type:[ \t]*((?:[^\r\n]|\r?\n[ \t])*)", re.IGNORECASE | re.MULTILINE)
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
    name = PART_NAME.search(head)
    secret = name is not None and is_secret(name[1] or name[2] or b"")
    if content:
        kind = KIND.search(head)
        content = seal(content) if secret else seal_other(content, kind[1] if kind else b"")
    return head + content + line_end


# Nobody puts a secret there, and a body in an unknown coding is sealed whole otherwise.
HARMLESS: Final = re.compile(
    rb"\s*(?:(?:image|font|audio|video)/|text/css|(?:text|application)/(?:x-)?javascript|application/wasm)",
    re.IGNORECASE,
)
FORM: Final = b"application/x-www-form-urlencoded"
# Where `token = next()` is no secret.
CODE: Final = re.compile(rb"text/(?:html|css)|application/xhtml|(?:text|application)/(?:x-)?(?:java|ecma|type)script")
BOMS: Final = (
    (b"\xff\xfe\0\0", "utf-32-le"), (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"),
)  # fmt: skip
NAME: Final = re.compile(r"\$\.\.([A-Za-z_][\w-]*)|\$\.\.\[['\"]([^'\"\\]+)['\"]\]")
LAST_NAME: Final = re.compile(r"([A-Za-z_][\w-]*)[^A-Za-z_]*$")


@dataclass(frozen=True, slots=True)
class Places:
    """JSONPaths of the rules that name more than a key; a key at the end of each stands in when JSON is broken."""

    paths: tuple[jsonpath.CompoundJSONPath | jsonpath.JSONPath, ...]
    last: Names

    def find(self, document: Any) -> set[Path]:
        return {tuple(match.parts) for path in self.paths for match in path.finditer(document)}


def read_rules(headers: Sequence[str], paths: Sequence[str], query: Sequence[str]) -> tuple[Names, Places | None]:
    """The rules of a route table, ready for use: `$..name` is a name, any other path a place."""
    simple = {path: match[1] or match[2] for path in paths if (match := NAME.fullmatch(path))}
    others = [path for path in paths if path not in simple]
    names = Names(headers, query, simple.values())
    if not others:
        return names, None
    last = [match[1] for path in others if (match := LAST_NAME.search(path))]
    return names, Places(tuple(jsonpath.compile(path) for path in others), Names((), last))


@dataclass(slots=True)
class BodySealer:
    """Seals the bodies of one capture. `echo` replaces what was sealed elsewhere in it."""

    names: Names
    places: Places | None
    seal: Seal
    echo: Seal

    def sealed(self, data: bytes, content_type: bytes, codings: Sequence[bytes]) -> tuple[bytes, bool]:
        """(the body, whether its content codings had to go). The very same bytes when there is no secret."""
        if not codings:
            return self.echo(self.text(data, content_type)), False
        plain = _decoded(data, codings)
        if plain is None:
            return (data, False) if HARMLESS.match(content_type) else (self.seal(data), True)
        sealed = self.echo(self.text(plain, content_type))
        return (data, False) if sealed == plain else (sealed, True)

    def text(self, data: bytes, content_type: bytes) -> bytes:
        """A body without content codings."""
        if (encoding := _wide(data)) is not None:
            return self._wide_text(data, content_type, encoding)
        kind = _kind(content_type)
        form = kind == FORM
        if not form and self.places is None and not self.names.hint(data):
            return data
        if kind.startswith(b"multipart/") or (data[:2] == b"--" and LOOKS_SO.match(data)):
            return seal_parts(data, content_type, self.names.is_secret, self.seal, self.text)
        if form or FORM_LIKE.fullmatch(data):
            return seal_text(seal_form(data, self.names.is_secret, self.seal), self.names.is_secret, self.seal)
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
        return seal_text(data, self.names.is_secret, self.seal, pairs=pairs, lines=lines, escaped=valid)

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


def is_bare(content_type: bytes, codings: Sequence[bytes]) -> bool:
    """Whether a body of this content is harmless when no word in it hints at a secret (and no rule names a place)."""
    return not codings and _kind(content_type) != FORM


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


def _decoded(data: bytes, codings: Sequence[bytes]) -> bytes | None:
    """Without content codings, as far as it goes; None when nobody here can say what it holds."""
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
