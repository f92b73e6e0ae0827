"""Hurl files (the grammar of Hurl 7) become a recording: every entry a step, without its expected response. Pure.

https://hurl.dev/docs/grammar.html. A file is read to its end or refused with the line that is not understood.
"""

from __future__ import annotations

import binascii
import re
import shlex
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ...errors import UsageError
from .import_report import Omission
from .imported_recording import Imported, Locate
from .request_draft import DraftBody, DraftPart, DraftReader, ReadFile, RequestDraft, graphql_body

_REQUEST = re.compile(r"([A-Z]+)[ \t]+(\S.*)")
_RESPONSE = re.compile(r"HTTP(?:/[\d.]+)?[ \t]+(?:\d{3}|\*)[ \t]*(?:#.*)?")
_SECTION = re.compile(r"\[(\w+)\][ \t]*(?:#.*)?")
_ESCAPE = re.compile(r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|(.))")
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_GIVEN = re.compile(r"#\s+hurl\s(.*)")  # the command that our own export writes into its head
_FILE = re.compile(r"file,(.*?);[ \t]*(\S+)?[ \t]*")
_NAMES = {
    "QueryStringParams": "Query", "FormParams": "Form", "MultipartFormData": "Multipart",
}  # fmt: skip
_JSON_END = {"{": "}", "[": "]"}


def load(text: str, locate: Locate, read_file: ReadFile) -> tuple[list[Imported], list[Omission]]:
    """One recording with a step per entry. UsageError names the line that is no Hurl."""
    reader = DraftReader(read_file)
    parser = _HurlParser(text.replace("\r\n", "\n").split("\n"))
    variables = _given(parser.lines)
    checks = 0
    while entry := parser.entry():
        checks += entry.checks
        if entry.skipped:
            reader.omissions.append(Omission(f"the request {entry.title or entry.url}", "its option skip", entry.place))
            continue
        for why in entry.unknowable:
            reader.omissions.append(Omission(why, "it is made when the request is sent", entry.place))
        reader.add(_draft(entry), variables | entry.variables)
    reader.omissions += parser.skipped
    found, omissions = reader.result("", locate)
    if checks:
        omissions.append(Omission(f"{checks} expected statuses, checks and captures", "only requests are imported"))
    return found, omissions


def _given(lines: Sequence[str]) -> dict[str, str]:
    """Values that a comment gives on the command line of hurl."""
    found: dict[str, str] = {}
    for line in lines[:200]:
        if match := _GIVEN.match(line):
            try:
                words = shlex.split(match[1])
            except ValueError:
                continue
            for option, word in pairwise(words):
                name, equals, value = word.partition("=")
                if option == "--variable" and equals:
                    found[name] = value
    return found


@dataclass(slots=True)
class _HurlEntry:
    """A request and what is expected of it, as far as it is counted."""

    method: str
    url: str
    place: str
    title: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    sections: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    body: DraftBody = field(default_factory=DraftBody)
    variables: dict[str, str] = field(default_factory=dict)
    unknowable: list[str] = field(default_factory=list)
    skipped: bool = False
    checks: int = 0


def _draft(entry: _HurlEntry) -> RequestDraft:
    headers, body = list(entry.headers), entry.body
    if cookies := entry.sections.get("Cookies"):
        headers.append(("Cookie", "; ".join(f"{name}={value}" for name, value in cookies)))
    if form := entry.sections.get("Form"):
        body = DraftBody("form", parts=tuple(DraftPart(name, value) for name, value in form))
    elif parts := entry.sections.get("Multipart"):
        body = DraftBody("multipart", parts=tuple(_part(name, value) for name, value in parts))
    auth: tuple[str, dict[str, str]] = ("", {})
    for user, password in entry.sections.get("BasicAuth", ())[:1]:
        auth = ("basic", {"username": user, "password": password})
    query = tuple(entry.sections.get("Query", ()))
    return RequestDraft(entry.title, entry.method, entry.url, entry.place, tuple(headers), query, body=body, auth=auth)


def _part(name: str, value: str) -> DraftPart:
    found = _FILE.fullmatch(value)
    return DraftPart(name, file=found[1].strip(), media=found[2] or "") if found else DraftPart(name, value)


class _HurlParser:
    """Reads entries from lines; `at` is the index of the next line."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.at = 0
        self.skipped: list[Omission] = []
        self._comment = ""

    def entry(self) -> _HurlEntry | None:
        """The next entry, its response section with it; None at the end."""
        self._skip()
        if self.at >= len(self.lines):
            return None
        line = self.lines[self.at].strip()
        found = _REQUEST.fullmatch(line)
        if found is None:
            raise self._wrong("is no request")
        entry = _HurlEntry(found[1], _plain(found[2]), f"line {self.at + 1}", self._comment)
        self._comment = ""
        self.at += 1
        self._pairs(entry.headers)
        self._sections(entry)
        entry.body = self._body()
        self._response(entry)
        return entry

    def _wrong(self, what: str) -> UsageError:
        line = self.lines[self.at] if self.at < len(self.lines) else ""
        return UsageError(f"{line[:60]!r} {what}", where=f"line {self.at + 1}", hint="hurl --test says more")

    def _skip(self) -> None:
        """Over empty lines and comments; the last comment line above a request is its title."""
        while self.at < len(self.lines):
            line = self.lines[self.at].strip()
            if line and not line.startswith("#"):
                return
            if line.startswith("# skipped: ") and self._comment:  # by our own export
                why = line.removeprefix("# skipped: ")
                self.skipped.append(Omission(f"the request {self._comment}", why, f"line {self.at + 1}"))
            self._comment = line.lstrip("#").strip() if line else ""
            self.at += 1

    def _pairs(self, into: list[tuple[str, str]]) -> None:
        """Lines of "name: value" up to what is none."""
        while True:
            self._skip()
            if self.at >= len(self.lines):
                return
            pair = _pair(self.lines[self.at].strip())
            if pair is None:
                return
            into.append(pair)
            self.at += 1

    def _sections(self, entry: _HurlEntry) -> None:
        while self.at < len(self.lines) and (found := _SECTION.fullmatch(self.lines[self.at].strip())):
            name = _NAMES.get(found[1], found[1])
            if name not in ("Query", "Form", "Multipart", "Cookies", "BasicAuth", "Options"):
                raise self._wrong("is no section of a request")
            self.at += 1
            pairs: list[tuple[str, str]] = []
            self._pairs(pairs)
            if name == "Options":
                _options(entry, pairs)
            else:
                entry.sections.setdefault(name, []).extend(pairs)

    def _body(self) -> DraftBody:
        self._skip()
        line = self.lines[self.at].strip() if self.at < len(self.lines) else ""
        if not line or _RESPONSE.fullmatch(line) or _REQUEST.fullmatch(line):
            return DraftBody()
        if line.startswith("```"):
            return self._fenced(line)
        if line.startswith("`"):
            return self._in_backticks()
        if line[0] in _JSON_END or line[0] in '"-0123456789' or re.match(r"true|false|null|\{\{", line):
            return DraftBody("text", self._json(), media="application/json")
        if line[0] == "<":
            return DraftBody("text", self._xml(), media="application/xml")
        self.at += 1
        if match := re.fullmatch(r"file,(.*?);[ \t]*(?:#.*)?", line):
            return DraftBody("file", file=_plain(match[1].strip()))
        if match := re.fullmatch(r"(base64|hex),([^;]*);?[ \t]*(?:#.*)?", line):
            return DraftBody("bytes", data=self._decoded(match[1], match[2], line))
        self.at -= 1
        raise self._wrong("is no body")

    def _decoded(self, kind: str, text: str, line: str) -> bytes:
        while ";" not in line and self.at < len(self.lines):
            line = self.lines[self.at].strip()
            text += line.rstrip(";")
            self.at += 1
        try:
            packed = "".join(text.split())
            return bytes.fromhex(packed) if kind == "hex" else b64decode(packed, validate=True)
        except (ValueError, binascii.Error):
            self.at -= 1
            raise self._wrong(f"is no {kind}") from None

    def _fenced(self, line: str) -> DraftBody:
        """Lines between ``` as they are; behind the first ones may stand a language."""
        begin = self.at + 1
        if len(line) > 6 and line.endswith("```"):
            self.at += 1
            return DraftBody("text", line[3:-3])
        end = next((index for index in range(begin, len(self.lines)) if self.lines[index].strip() == "```"), None)
        if end is None:
            raise self._wrong("is not closed")
        self.at = end + 1
        text = "".join(f"{one}\n" for one in self.lines[begin:end])
        language = line[3:].split(",")[0].strip()
        if language == "graphql":
            query, _, variables = text.partition("\nvariables ")
            return graphql_body(query, variables)
        media = {"json": "application/json", "xml": "application/xml"}.get(language, "")
        if language in ("base64", "hex"):
            return DraftBody("bytes", data=self._decoded(language, text, ";"))
        return DraftBody("text", text, media=media)

    def _in_backticks(self) -> DraftBody:
        """One line; escapes stand for what a line cannot hold."""
        line = self.lines[self.at].strip()
        found = re.fullmatch(r"`((?:[^`\\]|\\.)*)`[ \t]*(?:#.*)?", line)
        if found is None:
            raise self._wrong("is not closed")
        self.at += 1
        return DraftBody("text", _unescaped(found[1]))

    def _json(self) -> str:
        """Up to the bracket that closes it; variables may stand in it, so that no reader of JSON fits."""
        depth, quoted = 0, False
        taken: list[str] = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            taken.append(line.rstrip() if not taken or not quoted else line)
            escaped = False
            for sign in line:
                if quoted:
                    quoted, escaped = (sign != '"' or escaped), sign == "\\" and not escaped
                elif sign == '"':
                    quoted = True
                elif sign in "{[":
                    depth += 1
                elif sign in "}]":
                    depth -= 1
            self.at += 1
            if depth <= 0 and not quoted:
                return "\n".join(taken).strip()
        raise UsageError("a JSON body is not closed", where=f"line {len(self.lines)}")

    def _xml(self) -> str:
        """Up to the line before the response or the next request."""
        taken: list[str] = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if _RESPONSE.fullmatch(line.strip()) or (
                taken and not taken[-1].strip() and _REQUEST.fullmatch(line.strip())
            ):
                break
            taken.append(line)
            self.at += 1
        return "\n".join(taken).strip()

    def _response(self, entry: _HurlEntry) -> None:
        """Its status, sections and body are counted and passed over."""
        self._skip()
        if self.at >= len(self.lines) or not _RESPONSE.fullmatch(self.lines[self.at].strip()):
            return
        self._comment = ""
        entry.checks += 1
        self.at += 1
        headers: list[tuple[str, str]] = []
        self._pairs(headers)
        while self.at < len(self.lines) and (found := _SECTION.fullmatch(self.lines[self.at].strip())):
            if found[1] not in ("Captures", "Asserts"):
                raise self._wrong("is no section of a response")
            self.at += 1
            while self.at < len(self.lines):
                self._skip()
                line = self.lines[self.at].strip() if self.at < len(self.lines) else ""
                if not line or _SECTION.fullmatch(line) or _REQUEST.fullmatch(line) or line[0] in "{[`<":
                    break
                entry.checks += 1
                self.at += 1
        comment = self._comment
        if self.at < len(self.lines) and not _REQUEST.fullmatch(self.lines[self.at].strip()):
            self._body()
            comment = ""
        self._comment = comment


def _options(entry: _HurlEntry, pairs: Sequence[tuple[str, str]]) -> None:
    for name, value in pairs:
        if name == "variable":
            variable, _, given = value.partition("=")
            entry.variables[variable.strip()] = given.strip().strip('"')
        elif name == "user":
            user, _, password = value.partition(":")
            entry.sections.setdefault("BasicAuth", []).append((user, password))
        elif name == "skip":
            entry.skipped = value == "true"
        elif name in ("aws-sigv4", "digest", "ntlm", "negotiate"):
            entry.unknowable.append(f"the option {name}")


def _pair(line: str) -> tuple[str, str] | None:
    """ "name: value", signs of both escaped; None for what is none."""
    if _RESPONSE.fullmatch(line) or line[:1] in ("{", "[", "<", "`", '"') or re.match(r"(?:base64|hex|file),", line):
        return None
    found = re.match(r"((?:[^\\:#\s]|\\.|\{\{[^{}]*\}\})(?:[^\\:#]|\\.)*?)[ \t]*:(?:[ \t]+|$)", line)
    if found is None or _REQUEST.fullmatch(line.partition(":")[0]):
        found = re.match(r"((?:[^\\:#\s]|\\.)+):", line)
        if found is None or " " in found[1]:
            return None
    return _unescaped(found[1]), _plain(line[found.end() :].strip())


def _plain(text: str) -> str:
    """Without the comment behind it, escapes undone."""
    found = re.match(r"(?:[^#\\]|\\.)*", text)
    return _unescaped((found[0] if found else text).strip())


def _unescaped(text: str) -> str:
    def sign(match: re.Match[str]) -> str:
        if match[1]:
            code = int(match[1], 16)
            return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
        return _CONTROLS.get(match[2], match[2])

    return _ESCAPE.sub(sign, text)
