"""Files of others become recordings: which format it is, how large it may be, what it brings. Pure.

A file is taken whole or refused whole, with the place. Nothing is fetched, and no path inside a file is followed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..errors import UsageError, did_you_mean
from ..model.codings import DECODERS, DecodeError
from . import bundle, curl_reader, har_reader, postman_reader
from .foreign_json import parsed
from .imported_recording import Imported, Locate, nowhere

LIMIT = 64 << 20  # bytes of a file, unpacked
MOST = 20_000  # exchanges of a file

Load = Callable[[str, Locate], list[Imported]]

IMPORTS: dict[str, Load] = {
    "bundle": lambda text, locate: bundle.load(parsed(text)),
    "har": lambda text, locate: har_reader.load(parsed(text), locate),
    "postman": lambda text, locate: postman_reader.load(parsed(text), locate),
    "curl": curl_reader.load,
}


def read(data: bytes, *, name: str = "", format: str = "", locate: Locate = nowhere) -> list[Imported]:
    """The recordings of a file; `name` is its name, `format` one of IMPORTS or "" to find out."""
    text = text_of_file(data)
    kind = format or detected(text)
    if kind not in IMPORTS:
        near = did_you_mean(kind.lower(), IMPORTS)
        raise UsageError(f"'{kind}' cannot be imported{near}", hint=f"one of {', '.join(IMPORTS)}")
    found = IMPORTS[kind](text, locate)
    count = sum(len(one.exchanges) for one in found)
    if not count:
        raise UsageError("the file holds no exchange")
    if count > MOST:
        raise UsageError(f"the file holds {count} exchanges; {MOST} are taken at most")
    return _titled(found, name)


def _titled(found: Sequence[Imported], name: str) -> list[Imported]:
    title = name.replace("\\", "/").rpartition("/")[2][:200]
    return [
        one if one.recording.title or not title else replace(one, recording=replace(one.recording, title=title))
        for one in found
    ]


def text_of_file(data: bytes) -> str:
    """UTF-8 or UTF-16 with a byte order mark, packed by gzip or not; UsageError when it is too large or no text."""
    if data.startswith(b"\x1f\x8b"):
        try:
            data = DECODERS["gzip"](data, LIMIT)
        except DecodeError as error:
            raise UsageError(f"cannot be unpacked: {error}") from None
    if len(data) > LIMIT:
        raise UsageError(f"the file has {len(data)} bytes; {LIMIT} are taken at most")
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except ValueError:
        raise UsageError("the file is no text", hint=f"one of {', '.join(IMPORTS)}") from None


def detected(text: str) -> str:
    """The format by its first members; "curl" for what begins as a command."""
    head = text.lstrip()[:1]
    if head != "{":
        if "curl" in text[:20_000]:
            return "curl"
        raise UsageError("this is no file that can be imported", hint=f"--as {'|'.join(IMPORTS)}")
    root = parsed(text).value
    if "gateway_bundle" in root:
        return "bundle"
    if "log" in root:
        return "har"
    if "item" in root and "info" in root:
        return "postman"
    if "recordings" in root and "gateway" in root:
        raise UsageError("this is `export --as json`, which is for programs", hint="export --as bundle can be imported")
    raise UsageError("this is no HAR, no Postman collection and no bundle", hint=f"--as {'|'.join(IMPORTS)}")
