"""`.http` and `.rest` files of editors (VS Code, JetBrains, Visual Studio, httpyac) become a recording. Pure.

Requests stand between lines of `###`. Lines of `@` give variables; scripts, checks and response handlers are not run.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .import_report import Omission
from .imported_recording import Imported, Locate
from .request_draft import DraftBody, DraftReader, ReadFile, RequestDraft, graphql_body

_ASSIGNMENT = re.compile(r"\s*@([\w.-]+)\s*:?=\s*(.*)")
_REQUEST = re.compile(r"([A-Z][A-Z-]*)[ \t]+(\S.*?)(?:[ \t]+HTTP/[\d.]+)?[ \t]*")
_URL = re.compile(r"((?:https?://|\{\{)\S.*?)(?:[ \t]+HTTP/[\d.]+)?[ \t]*")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:[ \t]*(.*?)[ \t]*")
_NAME = re.compile(r"(?:#|//)\s*@name\s+(\S.*)")
_DEFAULT = re.compile(r'\s*exports\.(\w+) = typeof \1 === \'undefined\' \? ("(?:[^"\\]|\\.)*") : \1;')
_PART = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[A-Za-z_]\w*)')
_SUM = re.compile(rf"\{{\{{({_PART.pattern}(?: \+ (?:{_PART.pattern}))*)\}}\}}")
# Protocols that these files know beside HTTP.
_OTHERS = frozenset(("AMQP", "GRPC", "MQTT", "SSE", "WEBSOCKET", "WS", "WSS", "RSOCKET"))
_FILE = re.compile(r"<@?(?:[\w-]+)?\s+(\S.*)")


def load(text: str, locate: Locate, read_file: ReadFile) -> tuple[list[Imported], list[Omission]]:
    """One recording with a step per request, without responses, and what was left out."""
    reader = DraftReader(read_file)
    variables: dict[str, str] = {}
    blocks = list(_blocks(text))
    for block in blocks:
        variables |= dict(block.variables)
    for block in blocks:
        for kind in block.scripts:
            reader.script(kind)
        if block.skipped:
            reader.omissions.append(Omission(f"the request {block.title}", block.skipped, f"line {block.line}"))
        elif block.request:
            _add(block, reader, variables)
    return reader.result("", locate)


@dataclass(slots=True)
class _RequestBlock:
    """What stands between two lines of `###`."""

    title: str
    line: int
    name: str = ""
    request: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    skipped: str = ""  # why our own export left the request out
    variables: list[tuple[str, str]] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)


def _blocks(text: str) -> Iterator[_RequestBlock]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    begin, title = 0, ""
    for number, line in enumerate([*lines, "###"]):
        if line.startswith("###"):
            yield _block(lines[begin:number], title, begin + 1)
            begin, title = number + 1, line.lstrip("#").strip()


def _block(lines: Sequence[str], title: str, first: int) -> _RequestBlock:
    """Before the request: comments, variables and scripts; then its line, its headers, an empty line, its body."""
    block = _RequestBlock(title, first)
    rest = iter(_without_scripts(lines, block))
    for line in rest:
        if found := _ASSIGNMENT.fullmatch(line):
            block.variables.append((found[1], found[2].strip()))
        elif name := _NAME.match(line.strip()):
            block.name = name[1].strip()
        elif line.startswith("# skipped: "):
            block.skipped = line.removeprefix("# skipped: ")
        elif line.strip() and not line.lstrip().startswith(("#", "//")):
            block.request = line.strip()
            break
    _head(rest, block)
    block.body = _trimmed([line for line in rest if not line.startswith("??")])
    return block


def _head(rest: Iterator[str], block: _RequestBlock) -> None:
    """Lines that go on with the URL are indented or begin with its signs; comments may stand between headers."""
    for line in rest:
        stripped = line.strip()
        if not stripped:
            return
        if stripped.startswith(("#", "//", "??")):
            continue
        if not block.headers and (stripped[0] in "?&" or line[0] in " \t") and not _HEADER.fullmatch(stripped):
            block.request += stripped
        elif found := _HEADER.fullmatch(stripped):
            block.headers.append((found[1], found[2]))
        else:
            block.scripts.append("line that is no header")


def _without_scripts(lines: Sequence[str], block: _RequestBlock) -> Iterator[str]:
    """Scripts stand between lines of braces, or behind < and >; defaults of variables in them are our own export's."""
    end = ""
    for line in lines:
        stripped = line.strip()
        if end:
            if found := _DEFAULT.fullmatch(line):
                block.variables.append((found[1], json.loads(found[2])))
            if stripped.endswith(end):
                end = ""
            continue
        if re.fullmatch(r"\{\{[@+]?\w*", stripped):
            end = "}}"
            block.scripts.append("script")
        elif re.match(r"[<>]\s*\{%", stripped):
            end = "" if stripped.endswith("%}") else "%}"
            block.scripts.append("script")
        elif re.match(r"(?:>>!?|<>|>)\s+\S", line):
            block.scripts.append("response handler")
        elif not re.match(r"(?:import|run)\s+\S", line):
            yield line
        else:
            block.scripts.append("reference to another file")
    if block.scripts and all(
        _DEFAULT.fullmatch(line) or line.strip() in ("{{", "}}", "") or line.startswith("#") for line in lines
    ):
        block.scripts.clear()  # the variables that our own export writes: nothing of it is lost


def _trimmed(lines: list[str]) -> list[str]:
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    while lines and not lines[0].strip():
        lines = lines[1:]
    return lines


def _add(block: _RequestBlock, reader: DraftReader, variables: dict[str, str]) -> None:
    place = f"line {block.line}"
    method, url = "GET", block.request
    if found := _REQUEST.fullmatch(block.request):
        method, url = found[1], found[2]
    elif found := _URL.fullmatch(block.request):
        url = found[1]
    else:
        reader.omissions.append(Omission(f"the text {block.request[:60]!r}", "it is no request", place))
        return
    name = block.title or block.name
    if method in _OTHERS or re.match(r"(?:wss?|grpc|mqtt|amqp)://", url, re.IGNORECASE):
        reader.omissions.append(Omission(f"the request {name or url[:60]}", "only HTTP is imported", place))
        return
    headers = [
        (key, value) for key, given in block.headers if (value := _authorization(key, given, reader, place)) is not None
    ]
    kind = next((value.lower() for key, value in headers if key.lower() == "x-request-type"), "")
    if method == "GRAPHQL" or kind == "graphql":
        method = "POST" if method == "GRAPHQL" else method
        headers = [one for one in headers if one[0].lower() != "x-request-type"]
        body = _graphql(block.body)
    else:
        media = next((value for key, value in headers if key.lower() == "content-type"), "")
        body = _body(block.body, media, variables)
    reader.add(
        RequestDraft(
            name,
            method,
            _expressions(url, variables),
            place,
            tuple((key, _expressions(value, variables)) for key, value in headers),
            body=body,
        ),
        variables,
    )


def _authorization(key: str, value: str, reader: DraftReader, place: str) -> str | None:
    """ "Basic user password" and "Basic user:password" are encoded by the editors; Digest is computed by them."""
    if key.lower() != "authorization":
        return value
    if value.lower().startswith(("digest ", "aws ", "ntlm ")) and "=" not in value:
        reader.omissions.append(Omission(f"{key}: {value.split()[0]}", "it is made when the request is sent", place))
        return None
    found = re.fullmatch(r"Basic[ \t]+(?:([^\s:]+)[ \t]+(\S.*)|([^\s:]*):(.*))", value, re.IGNORECASE)
    if found is None or "{{" in value:
        return value
    pair = f"{found[1] or found[3] or ''}:{found[2] or found[4] or ''}"
    return f"Basic {b64encode(pair.encode()).decode()}"


def _body(lines: list[str], media: str, variables: dict[str, str]) -> DraftBody:
    if not lines:
        return DraftBody()
    if len(lines) == 1 and (found := _FILE.fullmatch(lines[0].strip())):
        return DraftBody("file", file=found[1].strip())
    low = media.lower()
    if low.startswith("application/x-www-form-urlencoded"):
        return DraftBody("text", _expressions("".join(_form_lines(lines)), variables))
    end = "\r\n" if low.startswith("multipart/") else "\n"
    text = end.join(lines) + (end if low.startswith("multipart/") else "")
    return DraftBody("text", _expressions(text, variables))


def _form_lines(lines: Sequence[str]) -> Iterator[str]:
    """A form may stand in several lines that begin or end with "&"."""
    for index, line in enumerate(lines):
        joined = line.strip().startswith("&") or (index and lines[index - 1].strip().endswith("&"))
        yield ("" if joined or not index else "\n") + (line.strip() if len(lines) > 1 else line)


def _graphql(lines: list[str]) -> DraftBody:
    """The query, an empty line, the variables as JSON."""
    text = "\n".join(lines)
    query, _, variables = text.rpartition("\n\n")
    if not query or not variables.strip().startswith("{"):
        query, variables = text, ""
    return graphql_body(query.strip(), _compact(variables))


def _compact(text: str) -> str:
    """JSON as these editors write it anew; what is none, because variables stand in it, stays as it is."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":")) if text.strip() else ""
    except ValueError:
        return text


def _expressions(text: str, variables: dict[str, str]) -> str:
    """The sums of texts and variables in which our own export writes what these files would misread."""

    def value(match: re.Match[str]) -> str:
        parts = _PART.findall(match[1])
        if parts == [match[1]] and not match[1].startswith('"'):
            return match[0]  # one variable, which every reader fills in
        return "".join(
            json.loads(part) if part.startswith('"') else variables.get(part, f"{{{{{part}}}}}") for part in parts
        )

    return _SUM.sub(value, text)
