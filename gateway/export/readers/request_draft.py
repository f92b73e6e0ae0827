"""What files of requests have in common: variables, parameters, bodies and authentication become one request. Pure.

Insomnia, Bruno, Hurl and the `.http` files of editors say the same things in different words. Their readers make
drafts; what a draft leaves open (a variable without a value, a file without leave) is said in the report.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias
from urllib.parse import quote

from ...errors import UsageError
from ...model.exchange import Exchange
from ...model.message import Body, Pairs, Request, Response
from ...model.multipart import Part, encode, type_of_file
from ...model.recording import Recording
from ..urls import split_origin
from .import_report import Omission
from .import_url import named_host, utf8_url, without_user
from .imported_recording import Imported, Locate, placed
from .postman_auth import Credentials, credentials_of

NESTED = 10  # variables in the values of variables
FORM = "application/x-www-form-urlencoded"
_VARIABLE = re.compile(r"\{\{([^{}]*)\}\}")
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}")  # RFC 9110 section 5.6.2
_LONGEST = 10_000_000  # characters of a text, its variables filled in

ReadFile: TypeAlias = Callable[[str], bytes]
Auth: TypeAlias = tuple[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class DraftPart:
    """A field of a form; `file` is the path of what it uploads."""

    name: str
    value: str = ""
    file: str = ""
    media: str = ""


@dataclass(frozen=True, slots=True)
class DraftBody:
    """`media` is the type that the tool adds where no header says one. `parts` are those of a form."""

    kind: Literal["none", "text", "bytes", "form", "multipart", "file"] = "none"
    text: str = ""
    data: bytes = b""
    parts: tuple[DraftPart, ...] = ()
    file: str = ""
    media: str = ""


@dataclass(frozen=True, slots=True)
class RequestDraft:
    """A request as a file has it: texts with `{{variables}}`. `place` says where it stands, for the report."""

    name: str
    method: str
    url: str
    place: str
    headers: Pairs = ()
    query: Pairs = ()
    path: Mapping[str, str] = field(default_factory=dict)  # ":id" -> value
    body: DraftBody = field(default_factory=DraftBody)
    auth: Auth = ("", MappingProxyType({}))  # kind and its values, as postman_auth names them
    notes: tuple[str, ...] = ()
    response: Response | None = None


@dataclass(slots=True)
class DraftReader:
    """Makes steps of drafts, in order, and notes what was left out."""

    read_file: ReadFile
    named: Callable[[str], str] = str  # the name of a variable as the file writes it between the braces
    exchanges: list[Exchange] = field(default_factory=list)
    omissions: list[Omission] = field(default_factory=list)
    unknown: dict[str, int] = field(default_factory=dict)
    scripts: dict[str, int] = field(default_factory=dict)  # "test script" -> how many

    def add(self, draft: RequestDraft, variables: Mapping[str, str]) -> None:
        """One step; a request without a URL, or with a method that is none, is left out."""
        method = draft.method.strip() or "GET"
        url = self.filled(draft.url, variables).strip()
        if not url or not _METHOD.fullmatch(method):
            why = f"{method[:40]!r} is no method" if url else "it has no URL"
            self.omissions.append(Omission(f"the request {draft.name or 'without a name'}", why, draft.place))
            return
        body, media, left_out = self._body(draft, variables)
        found = self._credentials(draft, variables)
        headers = [(self.filled(name, variables), self.filled(value, variables)) for name, value in draft.headers]
        headers = [(_line(name), _line(value)) for name, value in headers if name.strip()]
        if found.header is not None:
            name, value = found.header
            headers = [one for one in headers if one[0].lower() != name.lower()] + [(_line(name), _line(value))]
        query = [(self.filled(name, variables), self.filled(value, variables)) for name, value in draft.query]
        query += [found.query] if found.query else []
        path = {name: self.filled(value, variables) for name, value in draft.path.items()}
        origin, target, user = _address(url, path, query)
        if user and not any(name.lower() == "authorization" for name, _ in headers):
            headers.append(("Authorization", user))
        request = Request(headers=_typed(headers, media), body=body, method=method, target=target)
        notes = (
            draft.name,
            *draft.notes,
            *left_out,
            *([f"Sent without its authentication: {found.missing}."] * bool(found.missing)),
        )
        self.exchanges.append(
            Exchange(
                id="",
                recording="",
                step=len(self.exchanges) + 1,
                session="",
                started_at="",
                url=origin + target,
                request=request,
                response=draft.response,
                status=draft.response.status if draft.response else None,
                notes=tuple(note for note in notes if note),
            )
        )

    def script(self, kind: str) -> None:
        """A script of the file, which is not run."""
        self.scripts[kind] = self.scripts.get(kind, 0) + 1

    def filled(self, text: str, variables: Mapping[str, str]) -> str:
        """With the variables that have a value; others stay as they are, and are counted."""

        def value(match: re.Match[str]) -> str:
            return variables.get(self.named(match[1].strip()), match[0])

        for _ in range(NESTED):
            text, before = _VARIABLE.sub(value, text), text
            if text == before or len(text) > _LONGEST:
                break
        for name in map(str.strip, _VARIABLE.findall(text)):
            self.unknown[name] = self.unknown.get(name, 0) + 1
        return text

    def result(self, title: str, locate: Locate, notes: Sequence[str] = ()) -> tuple[list[Imported], list[Omission]]:
        """One recording with the steps, and what was left out."""
        steps = tuple(placed(one, locate) for one in self.exchanges)
        recording = Recording(
            id="", title=title.strip(), session="", kind="import", notes=tuple(note for note in notes if note.strip())
        )
        return [Imported(recording, steps)], [*self.omissions, *self._summed()]

    def _summed(self) -> Iterable[Omission]:
        for kind, count in self.scripts.items():
            yield Omission(f"{count} {kind}{'s' * (count > 1)}", "scripts are not run")
        for name, count in self.unknown.items():
            why = "the tool makes its value" if name.startswith("$") else "the file gives it no value"
            yield Omission(f"the value of {{{{{name[:80]}}}}}", f"{why}; it stands as it is written ({count} times)")

    def _credentials(self, draft: RequestDraft, variables: Mapping[str, str]) -> Credentials:
        kind, values = draft.auth
        if kind in ("", "none", "noauth", "inherit"):
            return Credentials()
        found = credentials_of(kind, {name: self.filled(value, variables) for name, value in values.items()})
        if found.missing:
            self.omissions.append(
                Omission(f"the authentication of {draft.name or 'a request'}", found.missing, draft.place)
            )
        return found

    def _body(self, draft: RequestDraft, variables: Mapping[str, str]) -> tuple[Body, str, list[str]]:
        """(body, the type that the tool adds, notes about what is not in it)."""
        body = draft.body
        if body.kind == "bytes":
            return Body(len(body.data), body.data), body.media, []
        if body.kind == "file":
            read = self._read(self.filled(body.file, variables), "its body", draft.place)
            if read is None:
                return Body(), "", ["Its body is a file, which was not read."]
            return Body(len(read), read), body.media, []
        if body.kind == "multipart":
            return self._multipart(body, draft.place, variables)
        text = self.filled(body.text, variables) if body.kind == "text" else self._form(body, variables)
        data = text.encode("utf-8", "replace")
        return Body(len(data), data), (body.media or (FORM if body.kind == "form" else "")) if data else "", []

    def _form(self, body: DraftBody, variables: Mapping[str, str]) -> str:
        def encoded(text: str) -> str:
            return quote(self.filled(text, variables), safe="-._~", errors="replace")

        return "&".join(f"{encoded(one.name)}={encoded(one.value)}" for one in body.parts)

    def _multipart(self, body: DraftBody, place: str, variables: Mapping[str, str]) -> tuple[Body, str, list[str]]:
        parts: list[Part] = []
        left_out: list[str] = []
        for one in body.parts:
            name = _line(self.filled(one.name, variables))
            if not one.file:
                value = self.filled(one.value, variables).encode("utf-8", "replace")
                parts.append(Part(name, value, content_type=one.media))
                continue
            path = self.filled(one.file, variables)
            data = self._read(path, f"its part {name}", place)
            if data is None:
                left_out.append(f"Its part {name} is a file, which was not read.")
                continue
            file_name = path.replace("\\", "/").rpartition("/")[2]
            parts.append(Part(name, data, file_name, one.media or type_of_file(file_name)))
        if not parts:
            return Body(), "", left_out
        data, boundary = encode(parts)
        return Body(len(data), data), f"multipart/form-data; boundary={boundary}", left_out

    def _read(self, path: str, what: str, place: str) -> bytes | None:
        try:
            return self.read_file(path)
        except UsageError as error:
            self.omissions.append(Omission(f"{what}, the file {path[:80]}", error.message, place))
            return None


def graphql_body(query: str, variables: str, name: str = "") -> DraftBody:
    """As these tools send it: variables as they are written, empty ones not at all."""
    members = [f'"query":{json.dumps(query, ensure_ascii=False)}']
    members += [f'"operationName":{json.dumps(name, ensure_ascii=False)}'] if name else []
    members += [f'"variables":{variables.strip()}'] if variables.strip() else []
    return DraftBody("text", "{" + ",".join(members) + "}", media="application/json")


def _address(url: str, path: Mapping[str, str], query: Sequence[tuple[str, str]]) -> tuple[str, str, str]:
    """(origin, target, the value of an Authorization header for user and password)."""
    url = url.partition("#")[0].strip()
    if "://" not in url:
        url = f"http://{url}"
    origin, rest = split_origin(url)
    scheme, _, authority = origin.partition("://")
    user, at, host = authority.rpartition("@")
    before, mark, asked = rest.partition("?")
    if path:
        before = "/".join(
            quote(path[one[1:]], safe="") if one[:1] == ":" and one[1:] in path else one for one in before.split("/")
        )
    pairs = "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in query)
    asked = "&".join(part for part in (asked, pairs) if part)
    whole = f"{scheme.lower()}://{user}{at}{named_host(host)}{before or '/'}{'?' if asked or mark else ''}{asked}"
    clean, basic = without_user(utf8_url(whole))
    origin, target = split_origin(clean)
    return origin, target, basic


def _encoded(text: str) -> str:
    return quote(text, safe="-._~!'()*:@/,;$", errors="replace")


def _typed(headers: Sequence[tuple[str, str]], media: str) -> Pairs:
    """With the type that the tool adds by itself; a form has the boundary of its parts."""
    given = next((value for name, value in headers if name.lower() == "content-type"), None)
    if not media or (given is not None and "boundary=" not in media):
        return tuple(headers)
    if given is None:
        return (*headers, ("Content-Type", media))
    return tuple((name, media if name.lower() == "content-type" else value) for name, value in headers)


def _line(text: str) -> str:
    return re.sub(r"[\r\n\0]+", " ", text).strip()
