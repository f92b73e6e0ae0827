"""Files of others become recordings: which format it is, how large it may be, what it brings. Pure.

A file is taken or refused, with the place. Nothing is fetched. A file that another one names is read with leave only.
What a format holds and a recording cannot is left out and said.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...errors import UsageError, did_you_mean
from ...model.codings import DECODERS, DecodeError
from .. import bundle
from . import bruno, curl, har, http_file, hurl, insomnia, postman
from .foreign_json import JsonNode, parsed
from .import_report import Omission, omission_note
from .imported_recording import Imported, Locate, nowhere

LIMIT = 64 << 20  # bytes of a file, unpacked
MOST = 20_000  # exchanges of a file

# Texts that people take for one of IMPORTS, by a line that only they have.
_OTHER_TEXTS = (
    (r"^arazzo:", "an Arazzo document"),
    (r"^(openapi|swagger):", "an OpenAPI document"),
    (r"^(import|from) \w+", "a Python script"),
    (r"^sequenceDiagram|^@startuml|^shape: sequence_diagram", "a diagram"),
    (r"\A(?:<\?xml[^>]*>\s*)?<svg", "a picture"),
    (r"(?i)\A<!doctype html|\A<html", "an HTML page"),
)

# Texts of other tools that are read, by lines that only they have.
_BRUNO = re.compile(r"^opencollection:|^(?:meta|get|post|put|delete|patch|options|head|http) \{$", re.MULTILINE)
_INSOMNIA = re.compile(r"^type: [\"']?\w+\.insomnia\.rest/", re.MULTILINE)
_REQUEST_LINE = re.compile(r"^[A-Z]{3,10} (?:https?://|\{\{)\S", re.MULTILINE)
_HURL = re.compile(
    r"^HTTP(?:/[\d.]+)? (?:\d{3}|\*)[ \t]*$|^\[(?:Asserts|Captures|Options|Query|QueryStringParams|Form|FormParams)\]",
    re.MULTILINE,
)
_SEPARATOR = re.compile(r"^###|^@[\w.-]+ ?=", re.MULTILINE)

ReadFile = Callable[[str], bytes]
Load = Callable[[str, Locate, ReadFile], tuple[list[Imported], list[Omission]]]

IMPORTS: dict[str, Load] = {
    "bundle": lambda text, locate, read_file: (bundle.load(parsed(text)), []),
    "har": lambda text, locate, read_file: har.load(parsed(text), locate, read_file),
    "postman": lambda text, locate, read_file: postman.load(parsed(text), locate, read_file),
    "curl": curl.load,
    "http": http_file.load,
    "hurl": hurl.load,
    "bruno": bruno.load,
    "insomnia": insomnia.load,
}


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """The recordings of a file, and what of it is in none of them."""

    format: str
    recordings: list[Imported]
    omissions: tuple[Omission, ...] = ()


def no_files(name: str) -> bytes:
    """For imports without leave to read what a file names. Raises UsageError, always."""
    raise UsageError(
        f"{name[:80]!r} names a file, which is not read",
        hint="paste the data itself, or give the folder that may be read: gateway import --files DIR",
    )


def read(
    data: bytes, *, name: str = "", format: str = "", locate: Locate = nowhere, read_file: ReadFile = no_files
) -> ImportedFile:
    """The recordings of a file; `name` is its name, `format` one of IMPORTS or "" to find out.

    `read_file` gives the bytes of a file that this one names. UsageError says what is wrong, and where.
    """
    if data.startswith(b"PK\x03\x04"):
        files = _unzipped(data)
        if collection := _bruno_folder(files):
            texts, read_file = collection
            found, omissions = bruno.load_folder(texts, locate, read_file)
            return _checked("bruno", found, omissions, name)
        data, read_file = _har_of(files)
    text = text_of_file(data)
    if text.startswith('{"gateway_import"'):
        data, read_file = _with_files(parsed(text))
        text = text_of_file(data)
    kind = format or detected(text)
    if kind not in IMPORTS:
        near = did_you_mean(kind.lower(), IMPORTS)
        raise UsageError(f"'{kind}' cannot be imported{near}", hint=f"one of {', '.join(IMPORTS)}")
    if format == "postman" and text.lstrip()[:1] == "{" and (refusal := postman.refused(parsed(text).value)):
        raise refusal
    return _checked(kind, *IMPORTS[kind](text, locate, read_file), name)


def _checked(kind: str, found: list[Imported], omissions: list[Omission], name: str) -> ImportedFile:
    count = sum(len(one.exchanges) for one in found)
    if not count:
        why = "; ".join(f"{one.what}: {one.why}" for one in omissions[:3])
        raise UsageError(f"the file holds no exchange{f' that can be taken ({why})' if why else ''}")
    if count > MOST:
        raise UsageError(f"the file holds {count} exchanges; {MOST} are taken at most")
    return ImportedFile(kind, _noted(_titled(found, name), omissions), tuple(omissions))


def _with_files(root: JsonNode) -> tuple[bytes, ReadFile]:
    """A file together with those that it names, as the command line sends it to a gateway."""
    root.at("gateway_import").one_of(1)
    files = {name: _unpacked(node) for name, node in root.at("files").members()}

    def read_file(name: str) -> bytes:
        return files[name] if name in files else no_files(name)

    return _unpacked(root.at("data")), read_file


def _unzipped(data: bytes) -> dict[str, bytes]:
    """The files of an archive by their paths."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        if sum(one.file_size for one in archive.infolist()) > LIMIT:
            raise UsageError(f"the archive unpacks to more than {LIMIT} bytes")
        return {one.filename.replace("\\", "/"): archive.read(one) for one in archive.infolist() if one.file_size}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise UsageError(f"the archive cannot be unpacked: {error}") from None


def _bruno_folder(files: Mapping[str, bytes]) -> tuple[dict[str, str], ReadFile] | None:
    """The texts of a collection of Bruno by their paths in it, and what its requests may upload; None for others."""
    tops = [path for path in files if path.rpartition("/")[2] in ("bruno.json", "opencollection.yml")]
    if not tops:
        return None
    folder = min(tops, key=lambda path: path.count("/")).rpartition("/")[0]
    inside = {path.removeprefix(f"{folder}/" if folder else ""): data for path, data in files.items()}
    texts = {path: text_of_file(data) for path, data in inside.items() if path.endswith((".bru", ".yml", ".json"))}

    def read_file(name: str) -> bytes:
        path = name.replace("\\", "/").removeprefix("./")
        return inside[path] if path in inside else no_files(name)

    return texts, read_file


def _har_of(files: Mapping[str, bytes]) -> tuple[bytes, ReadFile]:
    """The HAR of an archive and the bodies beside it, as Playwright writes them. UsageError when there is none."""
    found = [name for name in files if name.endswith(".har")]
    if len(found) != 1:
        raise UsageError(
            f"the archive holds {len(found)} HAR files, not one, and no collection of Bruno",
            hint="unpack it and import its files",
        )
    folder = found[0].rpartition("/")[0]

    def read_file(name: str) -> bytes:
        path = f"{folder}/{name}" if folder else name
        return files[path] if path in files else no_files(name)

    return files[found[0]], read_file


def _unpacked(node: JsonNode) -> bytes:
    try:
        return b64decode(node.text(), validate=True)
    except ValueError:
        raise node.wrong("is no base64") from None


def _titled(found: Sequence[Imported], name: str) -> list[Imported]:
    title = name.replace("\\", "/").rpartition("/")[2][:200]
    return [
        one if one.recording.title or not title else replace(one, recording=replace(one.recording, title=title))
        for one in found
    ]


def _noted(found: list[Imported], omissions: Sequence[Omission]) -> list[Imported]:
    """What was left out is beside the first recording as well, for those who open it a week later."""
    note = omission_note(omissions)
    if not note:
        return found
    first = found[0]
    return [replace(first, recording=replace(first.recording, notes=(*first.recording.notes, note))), *found[1:]]


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
    """The format by its first members, or by a line that only it has; "curl" for what holds commands.

    UsageError for any other text, and for our own formats that cannot be read back.
    """
    head = text.lstrip()[:1]
    if head != "{":
        if found := _kind_of_text(text[:20_000]):
            return found
        kind = next((name for pattern, name in _OTHER_TEXTS if re.search(pattern, text[:20_000], re.MULTILINE)), "")
        what = f"this is {kind}, which is not imported" if kind else "this is no file that can be imported"
        raise UsageError(what, hint=f"one of {', '.join(IMPORTS)}; export --as bundle loses nothing")
    root = parsed(text).value
    if "gateway_bundle" in root:
        return "bundle"
    if "log" in root:
        return "har"
    if _is_collection(root) or _is_collection(root.get("collection")):
        return "postman"
    if "recordings" in root and "gateway" in root:
        raise UsageError("this is `export --as json`, which is for programs", hint="export --as bundle can be imported")
    if insomnia.is_insomnia(root):
        return "insomnia"
    if (refusal := postman.refused(root) or _other_tool(root)) is not None:
        raise refusal
    raise UsageError(
        "this JSON is no HAR, no collection of Postman or Insomnia, and no bundle", hint=f"--as {'|'.join(IMPORTS)}"
    )


def _kind_of_text(text: str) -> str:
    """By its first lines; "" for what is read by no format."""
    text = text.replace("\r\n", "\n")
    if _BRUNO.search(text):
        return "bruno"
    if _INSOMNIA.search(text):
        return "insomnia"
    if _REQUEST_LINE.search(text):
        return "hurl" if _HURL.search(text) else "http"
    if curl.is_command_text(text):
        return "curl"
    return "http" if _SEPARATOR.search(text) else ""


def _is_collection(value: Any) -> bool:
    return isinstance(value, dict) and "item" in value and "info" in value


def _other_tool(root: dict[str, Any]) -> UsageError | None:
    """Files that people take for one of these, called by their names."""
    if "openapi" in root or "swagger" in root:
        return UsageError(
            "this is an OpenAPI document: it says what may be asked, not what was", hint="gateway init --from"
        )
    if "arazzo" in root:
        return UsageError(
            "this is an Arazzo document: it holds workflows, not recorded steps", hint="--as bundle can be imported"
        )
    if "mappings" in root or ("request" in root and "response" in root):
        return UsageError(
            "these are mappings of WireMock: patterns and not requests", hint="--as bundle can be imported"
        )
    return None
