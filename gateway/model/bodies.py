"""Bodies made readable: content decoding with a cap, charsets, JSON laid out. Pure."""

from __future__ import annotations

import codecs
import json
import re
import zlib
from collections.abc import Callable

from .message import Message

SHOWN = 16 << 20  # bytes that a body may grow to for display: a bomb of 10 KB holds 10 MB of zeros
CUT = "the record ends in the middle of the compressed body"

Decoder = Callable[[bytes, int], bytes]


class DecodeError(ValueError):
    """A coding that cannot be undone; `partial` is what came out before."""

    def __init__(self, message: str, partial: bytes = b"") -> None:
        super().__init__(message)
        self.partial = partial


def decoded(message: Message, limit: int = SHOWN) -> tuple[bytes, str | None]:
    """The body without its content encodings, and what was wrong with them: the bytes are then as far as it went."""
    data = message.body.data
    if message.body.plain or not data:
        return data, None
    for coding in reversed(codings(message)):
        decode = DECODERS.get(coding)
        if decode is None:
            return data, f"the content encoding {coding!r} is not understood"
        try:
            data = decode(data, limit)
        except DecodeError as error:
            return error.partial, str(error)
    return data, None


def codings(message: Message) -> list[str]:
    """The content encodings in the order in which they were applied (RFC 9110 section 8.4)."""
    fields = ",".join(value for name, value in message.headers if name.lower() == "content-encoding")
    return [word for word in (part.strip().lower() for part in fields.split(",")) if word and word != "identity"]


def _inflate(data: bytes, limit: int, window: int) -> bytes:
    out = b""
    while data:  # a gzip body may be several members
        machine = zlib.decompressobj(window)
        try:
            out += machine.decompress(data, limit + 1 - len(out))
        except zlib.error as error:
            raise DecodeError(f"the compressed body is broken: {error}", out) from None
        if len(out) > limit:
            raise DecodeError(f"the body unpacks to more than {limit} bytes", out[:limit])
        if not machine.eof:
            raise DecodeError(CUT, out)
        data = machine.unused_data
    return out


def _gzip(data: bytes, limit: int) -> bytes:
    return _inflate(data, limit, 31)


def _deflate(data: bytes, limit: int) -> bytes:
    # RFC 9110 section 8.4.1.2: a zlib stream; some servers send the bare one.
    zlib_header = len(data) > 1 and data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
    machine = zlib.decompressobj(15 if zlib_header else -15)
    try:
        out = machine.decompress(data, limit + 1)
    except zlib.error as error:
        raise DecodeError(f"the compressed body is broken: {error}") from None
    if len(out) > limit:
        raise DecodeError(f"the body unpacks to more than {limit} bytes", out[:limit])
    if not machine.eof:
        raise DecodeError(CUT, out)
    return out


DECODERS: dict[str, Decoder] = {"gzip": _gzip, "x-gzip": _gzip, "deflate": _deflate}

CHARSET = re.compile(r""";\s*charset\s*=\s*(?:"([^"]*)"|([^\s;"]+))""", re.IGNORECASE)
TEXT_TYPE = re.compile(
    r"text/.*|.*[/+](json|xml|yaml|x-ndjson|jsonl?|json-seq)|application/(x-www-form-urlencoded|(x-)?javascript"
    r"|ecmascript|graphql|toml|sql|x-sh|x-yaml|problem\+json|http|x-httpd-php)",
    re.IGNORECASE,
)
ODD = frozenset(("idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem"))


def media_type(message: Message) -> str:
    """ "application/json": the content type without its parameters, in small letters."""
    return message.content_type.partition(";")[0].strip().lower()


def charset(message: Message) -> str:
    """The declared charset as Python calls it, else UTF-8."""
    match = CHARSET.search(message.content_type)
    declared = (match[1] if match[1] is not None else match[2]) if match else ""
    return _known(declared) if declared and "\0" not in declared else "utf-8"


def _known(name: str) -> str:
    try:
        found = codecs.lookup(name).name
        b"a".decode(found)
    except LookupError:  # unknown, or a codec such as "zip" that makes no text
        return "utf-8"
    except ValueError:  # one letter is no whole character, in UTF-16 for instance
        pass
    return "utf-8" if found.replace("-", "_") in ODD else found


def text_of(message: Message, limit: int = SHOWN) -> str | None:
    """The body as text in its declared charset, content encodings removed; None when it is not text."""
    kind = media_type(message)
    if kind and not TEXT_TYPE.fullmatch(kind):
        return None
    data, problem = decoded(message, limit)
    if problem is not None and not (problem == CUT and message.body.truncated):
        return None
    text = _text(data, charset(message), final=not message.body.truncated)
    return None if text is None or (not kind and "\0" in text) else text


SURROGATE = re.compile("[\ud800-\udfff]")


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
