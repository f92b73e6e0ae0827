"""Bodies made readable: content codings undone, text told by its content, charsets, JSON laid out. Pure."""

from __future__ import annotations

import codecs
import json
import re
from typing import Final, Literal

from .codings import CUT, DECODERS, SHOWN, DecodeError, is_plain_text, undone, words_of
from .message import Message

__all__ = (
    "CUT", "DECODERS", "SHOWN", "DecodeError", "charset", "codings", "decoded", "format_of", "media_type",
    "pretty_json", "text_of",
)  # fmt: skip

Format = Literal["json", "xml", "html", "form", "multipart", "text", "binary"]


def decoded(message: Message, limit: int = SHOWN) -> tuple[bytes, str | None]:
    """The body without its content codings, and what was wrong with them: the bytes are then as far as it went."""
    data = message.body.data
    if message.body.plain or not data:
        return data, None
    return undone(data, codings(message), limit)


def codings(message: Message) -> list[str]:
    """The content codings in the order in which they were applied (RFC 9110 section 8.4)."""
    return words_of(",".join(value for name, value in message.headers if name.lower() == "content-encoding"))


CHARSET: Final = re.compile(r""";\s*charset\s*=\s*(?:"([^"]*)"|([^\s;"]+))""", re.IGNORECASE)
TEXT_TYPE: Final = re.compile(
    r"text/.*|.*[/+](json|xml|yaml|x-ndjson|jsonl?|json-seq)|application/(x-www-form-urlencoded|(x-)?javascript"
    r"|ecmascript|graphql|toml|sql|x-sh|x-yaml|problem\+json|http|x-httpd-php|csp-report|reports\+json)"
    r"|application/x-amz-json-[0-9.]+|message/(?!partial).*",
    re.IGNORECASE,
)
# Text under one of these names is a wrong declaration, and only where it is a document: JSON, XML, HTML.
BINARY_TYPE: Final = re.compile(r"(?:image|audio|video|font|model)/.*|application/(?:pdf|zip|gzip|wasm|x-protobuf)")
DOCUMENT: Final = re.compile(rb"\s*(?:[\[{][\s\"\]}\[{0-9tfn-]|<[?!a-zA-Z])")
ODD: Final = frozenset(("idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem"))
FORM: Final = "application/x-www-form-urlencoded"
BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
# In a document: XML 1.0 section 4.3.3, HTML section 4.2.5.4; both within the first kilobyte.
NAMED_INSIDE: Final = re.compile(
    rb"""\s*<\?xml[^>]{0,200}\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']|"""
    rb"""<meta\s[^>]{0,200}charset\s*=\s*["']?([A-Za-z0-9._-]{1,40})""",
    re.IGNORECASE,
)


def media_type(message: Message) -> str:
    """ "application/json": the content type without its parameters, in small letters."""
    return message.content_type.partition(";")[0].strip().lower()


def charset(message: Message) -> str:
    """The charset of the body as Python calls it: a byte order mark, what is declared, what the content says."""
    return _encoding(message, decoded(message)[0])


def _encoding(message: Message, data: bytes) -> str:
    """By the mark, the declaration in the header, the one in the document, the zeros of wide letters, else UTF-8.

    Text that is not UTF-8 although nothing says what it is, is windows-1252, as browsers read it (WHATWG Encoding).
    """
    for mark, name in BOMS:
        if data.startswith(mark):
            return name
    match = CHARSET.search(message.content_type)
    declared = (match[1] if match[1] is not None else match[2]) if match else ""
    if declared and "\0" not in declared and (name := _known(declared)):
        return name
    inside = NAMED_INSIDE.search(data[:1024])
    name = _known((inside[1] or inside[2]).decode("ascii")) if inside else ""
    if name and not name.startswith(("utf-16", "utf-32")):  # it could not have been read
        return name
    if b"\0" in data[:4] and (name := _wide(data)):
        return name
    if TEXT_TYPE.fullmatch(media_type(message)) and not data.isascii() and not _is_utf8(data, message.body.truncated):
        return "cp1252" if _is_western(data) else "utf-8"
    return "utf-8"


def _wide(data: bytes) -> str:
    """UTF-16 or UTF-32 without a mark, by the zeros around ASCII letters (RFC 4627 section 3)."""
    zeros = bytes(byte == 0 for byte in data[:4])
    return {
        b"\0\1\0\1": "utf-16-le", b"\1\0\1\0": "utf-16-be", b"\0\1\1\1": "utf-32-le", b"\1\1\1\0": "utf-32-be",
    }.get(zeros, "")  # fmt: skip


def _is_utf8(data: bytes, cut: bool) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, not cut)
    except ValueError:
        return False
    return True


def _is_western(data: bytes) -> bool:
    """Whether bytes may be text in windows-1252: mostly ASCII, no control characters, letters that it has."""
    try:
        data.decode("cp1252")
    except ValueError:
        return False
    high = sum(byte >= 0x80 for byte in data[:4096])
    return high * 3 <= min(len(data), 4096) and not re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", data)


def _known(name: str) -> str:
    """As Python calls it; "" where it is unknown, or a codec such as "zip" that makes no text."""
    try:
        found = codecs.lookup(name).name
        b"a".decode(found)
    except LookupError:
        return ""
    except ValueError:  # one letter is no whole character, in UTF-16 for instance
        pass
    return "" if found.replace("-", "_") in ODD else found


def text_of(message: Message, limit: int = SHOWN) -> str | None:
    """The body as text, content codings removed; None when it is not text.

    The declared type decides where it names text; any other one is believed only as far as the content goes with it.
    """
    kind = media_type(message)
    is_text = TEXT_TYPE.fullmatch(kind) is not None
    if kind.startswith("multipart/") or (kind and not is_text and not message.body.data):
        return None
    data, problem = decoded(message, limit)
    if problem is not None and not (problem == CUT and message.body.truncated):
        return None
    if kind and not is_text and not _looks_like_text(data, kind):
        return None
    text = _text(data, _encoding(message, data), final=not message.body.truncated)
    return None if text is None or (not is_text and "\0" in text) else text


def _looks_like_text(data: bytes, kind: str) -> bool:
    """Whether content whose declared type is not text is text all the same."""
    if b"\0" in data[:4] and _wide(data):
        return True
    return is_plain_text(data) and (not BINARY_TYPE.fullmatch(kind) or DOCUMENT.match(data) is not None)


def format_of(message: Message, text: str | None = None) -> Format:
    """How a body is to be read: by its declared type, and where that says nothing of use, by its content.

    `text` is `text_of(message)` where it is known already. JSON under another name is JSON: `text/html` of PHP,
    `application/x-amz-json-1.1`, `text/plain`.
    """
    kind = media_type(message)
    if kind.startswith("multipart/"):
        return "multipart"
    text = text_of(message) if text is None else text
    if text is None:
        return "binary"
    start = text.lstrip("\ufeff \t\r\n")[:1]
    if kind.endswith(("/json", "+json")) or (start in ("{", "[") and kind != FORM and _is_json(text)):
        return "json"
    if kind == FORM:
        return "form"
    if kind in ("text/html", "application/xhtml+xml"):
        return "html"
    if kind.endswith(("/xml", "+xml")) or (start == "<" and text.lstrip("\ufeff \t\r\n").startswith("<?xml")):
        return "xml"
    return "text"


SURROGATE: Final = re.compile("[\ud800-\udfff]")


def _text(data: bytes, name: str, *, final: bool) -> str | None:
    try:
        text = codecs.getincrementaldecoder(name)().decode(data, final)
    except (LookupError, ValueError):
        return None
    return None if SURROGATE.search(text) else text


TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def pretty_json(text: str, *, indent: str = "  ", limit: int = 1 << 20) -> str | None:
    """JSON laid out over lines, every number, name and string as it stands; None when it is not JSON or too long.

    The tokens are moved, not re-made: big integers, 1.10, repeated names and escapes survive.
    """
    if len(text) > limit or not _is_json(text):
        return None
    out: list[str] = []
    depth, before = 0, ""
    for match in TOKEN.finditer(text):
        token = match[0]
        if token in "}]":
            depth -= 1
            if before not in ("{", "["):
                out.append("\n" + indent * depth)
        elif before in ("{", "[", ","):
            out.append("\n" + indent * depth)
        if token in "{[":
            depth += 1
        out.append(": " if token == ":" else token)
        before = token
    return "".join(out)


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_int=len, parse_float=len)  # int() refuses more than 4,300 digits
    except (ValueError, RecursionError):
        return False
    return True
