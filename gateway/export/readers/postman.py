"""Postman collections 2.0 and 2.1: their requests and saved examples become a recording. Pure.

What newman sends is what is stored. Not stored is what Postman adds to every request by itself: Host, User-Agent,
Accept: */*, Accept-Encoding, Connection, Cache-Control, Postman-Token and Content-Length.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from ...errors import UsageError
from ...model.exchange import Exchange, Timing
from ...model.message import Body, Pairs, Request, Response
from ...model.multipart import Part, encode, type_of_file
from ...model.recording import Recording
from .base64_dialects import unpacked
from .foreign_json import JsonNode
from .import_report import Omission
from .import_url import named_host, without_user
from .imported_recording import Imported, Locate, placed
from .postman_auth import credentials

DEEP = 20  # folders in folders
NESTED = 19  # variables in the values of variables, as Postman resolves them
_VARIABLE = re.compile(r"\{\{([^{}]*)\}\}")
_SETS = re.compile(r"""\.set\(\s*\\?["']([^"'\\]+)\\?["']""")
_LANGUAGES = {
    "json": "application/json", "xml": "application/xml", "html": "text/html", "javascript": "application/javascript",
}  # fmt: skip
_TYPES = {
    "css": "text/css", "csv": "text/csv", "gz": "application/gzip", "js": "application/javascript",
    "json": "application/json", "mp3": "audio/mpeg", "mp4": "video/mp4", "webp": "image/webp", "yaml": "text/yaml",
    "zip": "application/zip",
}  # fmt: skip
_WITHOUT_BODY = frozenset({"GET", "COPY", "HEAD", "PURGE", "UNLOCK"})  # unless disableBodyPruning
# What Postman writes as %XX, beside controls and what is not ASCII (postman-url-encoder 3).
_IN_PATH, _IN_QUERY = frozenset(' "<>`#?{}'), frozenset(" \"#'<>")


@dataclass(slots=True)
class _Collection:
    """What counts for every request of a collection."""

    variables: Mapping[str, str]
    read_file: Callable[[str], bytes]
    omissions: list[Omission] = field(default_factory=list)
    unknown: dict[str, int] = field(default_factory=dict)  # variable -> how many times it was needed
    scripts: dict[str, int] = field(default_factory=dict)  # "test", "prerequest"

    def filled(self, text: str) -> str:
        """With the variables that the collection gives a value; others stay as they are."""
        for _ in range(NESTED):
            text, before = _VARIABLE.sub(lambda match: self.variables.get(match[1], match[0])[:100_000], text), text
            if text == before or len(text) > 10_000_000:
                break
        for name in _VARIABLE.findall(text):
            self.unknown[name] = self.unknown.get(name, 0) + 1
        return text


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an item stands: the folders above it, and the authentication that it inherits."""

    folders: tuple[str, ...] = ()
    auth: JsonNode | None = None


def load(root: JsonNode, locate: Locate, read_file: Callable[[str], bytes]) -> tuple[list[Imported], list[Omission]]:
    """One recording per collection, in the order of its items, and what was left out."""
    if root.has("collection") and isinstance(root.at("collection").value, dict):
        root = root.at("collection")  # as Postman's API wraps it
    made = _set_by_scripts(root.value)
    variables = {name: value for name, value in _variables(root.at("variable")).items() if value or name not in made}
    one = _Collection(variables, read_file)
    _note_scripts(root, one)
    top = _Place(auth=root.at("auth") if root.has("auth") else None)
    found = [placed(exchange, locate) for exchange in _items(root.at("item"), one, top)]
    steps = tuple(replace(exchange, step=step) for step, exchange in enumerate(found, 1))
    info = root.at("info")
    notes = (description,) if (description := _described(info)) else ()
    recording = Recording(id="", title=_text(info.at("name")), session="", kind="import", notes=notes)
    return [Imported(recording, steps)], [*one.omissions, *_summed(one)]


def refused(root: Any) -> UsageError | None:
    """Why a file of Postman is no collection that is read here; None for all others."""
    if "_postman_variable_scope" in root or ("values" in root and "name" in root and "item" not in root):
        kind = "globals" if root.get("_postman_variable_scope") == "globals" else "environment"
        return UsageError(
            f"this is a Postman {kind} file: it holds variables and no requests", hint="export the collection"
        )
    if "requests" in root and ("order" in root or "folders" in root):
        return UsageError("this is a Postman collection of version 1", hint="export it from Postman as Collection v2.1")
    if "collections" in root and "version" in root:
        return UsageError(
            "this is a data dump of Postman", hint="export its collections one by one, as Collection v2.1"
        )
    return None


def _summed(one: _Collection) -> Iterator[Omission]:
    for kind, count in one.scripts.items():
        yield Omission(f"{count} {kind} script{'s' * (count > 1)}", "scripts are not run")
    for name, count in one.unknown.items():
        why = "Postman invents its value" if name.startswith("$") else "the collection gives it no value"
        yield Omission(f"the value of {{{{{name}}}}}", f"{why}; it stands as it is written ({count} times)")


def _variables(node: JsonNode) -> dict[str, str]:
    """Values as Postman writes them into texts; those that are disabled do not count."""
    found = {}
    for item in node.items():
        name = item.at("key").value if item.has("key") else item.at("id").value
        if isinstance(name, str) and item.at("disabled").value is not True:
            found[name] = _as_text(item.at("value").value)
    return found


def _set_by_scripts(value: Any) -> frozenset[str]:
    """Variables that a script gives a value while the collection runs: their empty beginnings are none."""
    found: set[str] = set()
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += [one.get("item")]
            for event in one.get("event") or () if isinstance(one.get("event"), list) else ():
                found.update(_SETS.findall(json.dumps(event)))
        elif isinstance(one, list):
            waiting += one
    return frozenset(found)


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return "" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _text(node: JsonNode) -> str:
    return node.text().strip() if isinstance(node.value, str) else ""


def _exact(node: JsonNode) -> str:
    return node.text() if isinstance(node.value, str) else _as_text(node.value)


def _described(node: JsonNode) -> str:
    """A description is text, or an object that holds it."""
    if not isinstance(node.value, dict):
        return ""
    about = node.at("description")
    return _text(about.at("content")) if isinstance(about.value, dict) else _text(about)


def _note_scripts(node: JsonNode, one: _Collection) -> None:
    for event in node.at("event").items():
        if not isinstance(event.value, dict):
            continue
        script = event.at("script").value
        lines = script.get("exec") if isinstance(script, dict) else script
        text = "\n".join(map(str, lines)) if isinstance(lines, list) else lines if isinstance(lines, str) else ""
        if text.strip() and event.at("disabled").value is not True:
            kind = {"prerequest": "pre-request"}.get(_text(event.at("listen")), "test")
            one.scripts[kind] = one.scripts.get(kind, 0) + 1


def _items(node: JsonNode, one: _Collection, place: _Place) -> Iterator[Exchange]:
    if len(place.folders) > DEEP:
        raise node.wrong(f"has more than {DEEP} folders in folders")
    for item in node.items():
        if not isinstance(item.value, dict):
            raise item.wrong("is not an object")
        _note_scripts(item, one)
        name = _text(item.at("name"))
        if item.has("item"):
            auth = item.at("auth") if item.has("auth") else place.auth
            yield from _items(item.at("item"), one, _Place((*place.folders, name), auth))
        elif item.has("request"):
            yield from _requests(item, name, one, place)
        else:
            one.omissions.append(Omission(f"the item {name or 'without a name'}", "it holds no request", item.place))


def _requests(item: JsonNode, name: str, one: _Collection, place: _Place) -> Iterator[Exchange]:
    """One for every saved example, else one without a response."""
    title = " / ".join(part for part in (*place.folders, name) if part)
    described = _described(item.at("request"))
    examples = [example for example in item.at("response").items() if isinstance(example.value, dict)]
    given: list[JsonNode | None] = [*examples] or [None]
    for example in given:
        asked = item.at("request")
        if example is not None and isinstance(example.at("originalRequest").value, dict | str):
            asked = example.at("originalRequest")
        label = _text(example.at("name")) if example is not None else ""
        notes = [title, f"Example: {label}" if label else "", described]
        exchange = _exchange(asked, item, example, one, place, [note for note in notes if note])
        if exchange is not None:
            yield exchange


def _exchange(
    asked: JsonNode, item: JsonNode, example: JsonNode | None, one: _Collection, place: _Place, notes: list[str]
) -> Exchange | None:
    name = _text(item.at("name")) or "without a name"
    behaviour = item.at("protocolProfileBehavior").value
    behaviour = behaviour if isinstance(behaviour, dict) else {}
    simple = isinstance(asked.value, str)
    address = _address(asked if simple else asked.at("url"), one)
    if not address.host:
        one.omissions.append(Omission(f"the request {name}", "it has no URL", item.place))
        return None
    method = "GET" if simple else _method(asked.at("method"))
    body, media = Body(), ""
    if not simple and (method not in _WITHOUT_BODY or behaviour.get("disableBodyPruning") is True):
        body, media, left_out = _body(asked.at("body"), one)
        notes += left_out
    fields = list(() if simple else _headers(asked.at("header"), one.filled))
    auth = next((node for node in (asked, item.at("request")) if _has_auth(node)), None)
    fields, query = _with_credentials(fields, auth.at("auth") if auth else place.auth, one, notes, name)
    origin, target, user = address.built(query, encoded=behaviour.get("disableUrlEncoding") is not True)
    if user and not any(key.lower() == "authorization" for key, _ in fields):
        fields.append(("Authorization", user))
    request = Request(headers=_typed(tuple(fields), media), body=body, method=method, target=target)
    response = _response(example) if example is not None else None
    taken = example.at("responseTime").value if example is not None else None
    known = isinstance(taken, int | float) and not isinstance(taken, bool) and 0 <= taken < 1e12
    return Exchange(
        id="", recording="", step=0, session="", started_at="", url=origin + target, request=request, response=response,
        status=response.status if response else None, notes=tuple(notes),
        timing=Timing(total_ms=float(taken)) if known and isinstance(taken, int | float) else Timing(),
    )  # fmt: skip


def _has_auth(node: JsonNode) -> bool:
    return isinstance(node.value, dict) and isinstance(node.value.get("auth"), dict)


def _with_credentials(
    fields: list[tuple[str, str]], auth: JsonNode | None, one: _Collection, notes: list[str], name: str
) -> tuple[list[tuple[str, str]], tuple[str, str] | None]:
    """An example has seldom an authentication of its own: that of its request counts, then what stands further out."""
    if auth is None or not isinstance(auth.value, dict):
        return fields, None
    found = credentials(auth, one.filled)
    if found.missing:
        notes.append(f"Sent without its authentication: {found.missing}.")
        one.omissions.append(Omission(f"the authentication of {name}", found.missing, auth.place))
    if found.header is not None:
        key, value = found.header
        fields = [pair for pair in fields if pair[0].lower() != key.lower()] + [(_line(key), _line(value))]
    return fields, found.query


def _method(node: JsonNode) -> str:
    method = node.text("GET").strip().upper() or "GET"
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Z-]+", method):
        raise node.wrong("is no method")
    return method


# Addresses.


@dataclass(frozen=True, slots=True)
class _Address:
    """The pieces of a URL, variables filled in; a pair of the query without a value is a name alone."""

    scheme: str
    user: str
    host: str
    path: tuple[str, ...]
    query: tuple[tuple[str, str | None], ...] | None

    def built(self, added: tuple[str, str] | None, *, encoded: bool) -> tuple[str, str, str]:
        """(origin, target, the value of an Authorization header for user and password)."""
        path = "/".join(_escaped(segment, _IN_PATH) if encoded else segment for segment in self.path)
        pairs = [*(self.query or ()), *([added] if added else [])]
        query = "&".join(_pair(key, value, encoded=encoded) for key, value in pairs)
        mark = "?" if pairs or self.query is not None else ""
        origin, user = without_user(f"{self.scheme}://{self.user}{'@' * bool(self.user)}{self.host}")
        return origin, _ascii(f"/{path}{mark}{query}"), user


def _pair(key: str, value: str | None, *, encoded: bool) -> str:
    if not encoded:
        return key if value is None else f"{key}={value}"
    name = _escaped(key, _IN_QUERY | {"&", "="})
    return name if value is None else f"{name}={_escaped(value, _IN_QUERY | {'&'})}"


def _escaped(text: str, signs: frozenset[str] | set[str]) -> str:
    return "".join(quote(char, safe="") if char in signs or not " " < char <= "~" else char for char in text)


def _ascii(text: str) -> str:
    return "".join(char if "!" <= char <= "~" else quote(char, safe="") for char in text)


def _address(node: JsonNode, one: _Collection) -> _Address:
    if isinstance(node.value, dict) and node.has("host"):
        return _from_pieces(node, one)
    text = node.text() if isinstance(node.value, str) else _text(node.at("raw")) if isinstance(node.value, dict) else ""
    address = _from_text(one.filled(text).strip())
    return replace(address, path=_with_path_variables(address.path, _path_variables(node, one)))


def _from_text(text: str) -> _Address:
    text = text.partition("#")[0]
    scheme, mark, rest = text.partition("://")
    if not mark or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        scheme, rest = "http", text.removeprefix("://")
    before, question, query = rest.partition("?")
    authority, *path = before.split("/")
    user, _, host = authority.rpartition("@")
    pairs = tuple(
        (key, value if equals else None) for key, equals, value in (part.partition("=") for part in query.split("&"))
    )
    return _Address(
        scheme.lower(), user, named_host(host), tuple(path), pairs if question and query else () if question else None
    )


def _from_pieces(node: JsonNode, one: _Collection) -> _Address:
    host = one.filled(_listed(node.at("host"), "."))
    port = one.filled(_exact(node.at("port"))) if node.has("port") else ""
    path = _segments(node.at("path"))
    filled = [one.filled(segment) for segment in path]
    scheme = one.filled(_text(node.at("protocol"))).removesuffix("://").removesuffix(":").lower()
    start = _from_text(f"{scheme + '://' if scheme and '://' not in host else ''}{host}{':' + port if port else ''}")
    segments = (
        *(part for part in start.path if part),
        *_with_path_variables(tuple(filled), _path_variables(node, one)),
    )
    query = _query(node.at("query"), one.filled) if node.has("query") else start.query
    return replace(start, path=segments, query=query or start.query or None)


def _segments(node: JsonNode) -> list[str]:
    if isinstance(node.value, str):
        return node.text().removeprefix("/").split("/")
    return [_exact(item.at("value")) if isinstance(item.value, dict) else _exact(item) for item in node.items()]


def _listed(node: JsonNode, sign: str) -> str:
    return node.text() if isinstance(node.value, str) else sign.join(_exact(item) for item in node.items())


def _query(node: JsonNode, filled: Callable[[str], str]) -> tuple[tuple[str, str | None], ...]:
    if isinstance(node.value, str):
        return _from_text(f"http://h?{filled(node.text())}").query or ()
    found: list[tuple[str, str | None]] = []
    for item in node.items():
        if isinstance(item.value, dict) and item.at("disabled").value is not True:
            value = item.at("value").value
            found.append((filled(_exact(item.at("key"))), None if value is None else filled(_exact(item.at("value")))))
    return tuple(found)


def _path_variables(node: JsonNode, one: _Collection) -> dict[str, str]:
    if not isinstance(node.value, dict):
        return {}
    found = {}
    for item in node.at("variable").items():
        if isinstance(item.value, dict):
            key = _text(item.at("key")) or _text(item.at("id"))
            if key and (value := one.filled(_exact(item.at("value")))):
                found[key] = value
    return found


def _with_path_variables(path: tuple[str, ...], values: Mapping[str, str]) -> tuple[str, ...]:
    """ ":id", and ":id.json" up to the dot; others stay as they are."""

    def segment(text: str) -> str:
        found = re.fullmatch(r":([^.]+)(\..*)?", text, re.DOTALL)
        return (
            values[found[1]] + (found[2] or "")
            if found and found[1] in values
            else values.get(text[1:], text)
            if text[:1] == ":"
            else text
        )

    return tuple(segment(text) for text in path)


# Headers and bodies.


def _headers(node: JsonNode, filled: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """A list of pairs; old collections have one text."""
    if isinstance(node.value, str):
        for line in node.text().splitlines():
            name, colon, value = line.partition(":")
            if colon and name.strip():
                yield name.strip(), filled(value.strip())
        return
    for item in node.items():
        if isinstance(item.value, dict) and item.at("disabled").value is not True and _text(item.at("key")):
            value = item.at("value").value
            yield (
                _line(filled(_text(item.at("key")))),
                _line(filled("null" if value is None else _exact(item.at("value"))).strip()),
            )


def _line(text: str) -> str:
    return re.sub(r"[\r\n\0]+", " ", text)


def _typed(fields: Pairs, media: str) -> Pairs:
    """With the type that Postman adds by itself; a form has the boundary of its parts."""
    given = next((value for name, value in fields if name.lower() == "content-type"), None)
    if not media or (given is not None and "boundary=" not in media):
        return fields
    if given is None:
        return (*fields, ("Content-Type", media))
    if "boundary=" not in given:
        kind = given if given.lower().startswith("multipart/") else media.partition(";")[0]
        media = f"{kind}; {media.partition('; ')[2]}" if kind == given else given
    return tuple((name, media if name.lower() == "content-type" else value) for name, value in fields)


def _body(node: JsonNode, one: _Collection) -> tuple[Body, str, list[str]]:
    """(body, media type, notes about what is not in it)."""
    if not isinstance(node.value, dict) or node.at("disabled").value is True:
        return Body(), "", []
    mode = node.at("mode").value
    if mode == "formdata":
        return _form(node.at("formdata"), one)
    if mode == "file":
        return _file(node.at("file"), one)
    text, media = "", ""
    if mode == "raw":
        text = one.filled(_exact(node.at("raw")))
        media = _LANGUAGES.get(_language(node), "text/plain")
    elif mode == "urlencoded":
        text, media = _urlencoded(node.at("urlencoded"), one), "application/x-www-form-urlencoded"
    elif mode == "graphql":
        text, media = one.filled(_graphql(node.at("graphql"))), "application/json"
    data = text.encode("utf-8", "replace")
    return Body(len(data), data), media if data else "", []


def _language(node: JsonNode) -> str:
    options = node.at("options").value
    raw = options.get("raw") if isinstance(options, dict) else None
    return str(raw.get("language", "")) if isinstance(raw, dict) else ""


def _urlencoded(node: JsonNode, one: _Collection) -> str:
    if isinstance(node.value, str):
        return one.filled(node.text())

    def encoded(value: JsonNode) -> str:
        return quote(one.filled(_exact(value)), safe="-._~")

    return "&".join(
        f"{encoded(item.at('key'))}={encoded(item.at('value'))}"
        for item in node.items()
        if isinstance(item.value, dict) and item.at("disabled").value is not True
    )


def _graphql(node: JsonNode) -> str:
    """As Postman writes it: variables that are a text stand in it as they are, empty ones not at all."""
    if isinstance(node.value, str):
        return node.text()
    if not isinstance(node.value, dict):
        return ""
    members = [f'"query":{json.dumps(_exact(node.at("query")), ensure_ascii=False)}']
    if node.has("operationName"):
        members.append(f'"operationName":{json.dumps(_exact(node.at("operationName")), ensure_ascii=False)}')
    variables = node.at("variables")
    if isinstance(variables.value, str) and variables.value.strip():
        members.append(f'"variables":{variables.text()}')
    elif variables.value is not None and not isinstance(variables.value, str):
        members.append(f'"variables":{_as_text(variables.value)}')
    return "{" + ",".join(members) + "}"


def _form(node: JsonNode, one: _Collection) -> tuple[Body, str, list[str]]:
    parts: list[Part] = []
    left_out: list[str] = []
    for item in node.items():
        if not isinstance(item.value, dict) or item.at("disabled").value is True:
            continue
        name = re.sub(r"[\r\n]+", " ", one.filled(_exact(item.at("key"))))
        kind = _text(item.at("contentType"))
        if item.at("type").value != "file":
            value = one.filled(_exact(item.at("value"))).encode("utf-8", "replace")
            parts.append(Part(name, value, content_type=kind))
            continue
        sources = item.at("src")
        paths = [sources.text()] if isinstance(sources.value, str) else [_exact(path) for path in sources.items()]
        for path in paths or [""]:
            data = _read(path, one, f"its part {name}", item.place) if path else None
            if data is None:
                left_out.append(f"Its part {name} is a file, which was not read.")
                continue
            file_name = _text(item.at("fileName")) or path.replace("\\", "/").rpartition("/")[2]
            parts.append(Part(name, data, file_name, kind or _type_of(file_name)))
    if not parts:
        return Body(), "", left_out
    data, boundary = encode(parts, quoted=lambda text: text)
    return Body(len(data), data), f"multipart/form-data; boundary={boundary}", left_out


def _file(node: JsonNode, one: _Collection) -> tuple[Body, str, list[str]]:
    if isinstance(node.value, dict) and isinstance(node.at("content").value, str):
        data = unpacked(node.at("content").text()) or b""
        return Body(len(data), data), "", []
    path = node.text() if isinstance(node.value, str) else _text(node.at("src")) if isinstance(node.value, dict) else ""
    read = _read(path, one, "its body", node.place) if path else None
    if read is None:
        return Body(), "", ["Its body is a file, which was not read."]
    return Body(len(read), read), _type_of(path), []


def _type_of(name: str) -> str:
    """The type of a file by its ending, as newman sends it."""
    return _TYPES.get(name.rpartition(".")[2].lower()) or type_of_file(name)


def _read(path: str, one: _Collection, what: str, place: str) -> bytes | None:
    try:
        return one.read_file(path)
    except UsageError as error:
        one.omissions.append(Omission(f"{what}, the file {path[:80]}", error.message, place))
        return None


def _response(node: JsonNode) -> Response | None:
    code = node.at("code").value
    if isinstance(code, bool) or not isinstance(code, int) or not 100 <= code <= 999:
        return None
    data = _exact(node.at("body")).encode("utf-8", "replace") if node.has("body") else b""
    headers = tuple(
        (name, value)
        for name, value in _headers(node.at("header"), lambda text: text)
        if name.lower() not in ("content-encoding", "transfer-encoding")
    )
    return Response(
        headers=headers, body=Body(len(data), data), status=code, reason=re.sub(r"\s+", " ", _text(node.at("status")))
    )
