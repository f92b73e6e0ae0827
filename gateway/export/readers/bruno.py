"""Collections of Bruno become a recording: folders of `.bru` files, and OpenCollection (YAML). Pure.

https://docs.usebruno.com/bru-lang, https://spec.opencollection.com. Scripts and tests are not run. Where a folder has
environments, the first by its name gives the variables that the collection itself does not set.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from ...errors import UsageError
from ...model.message import Body, Response
from .foreign_json import JsonNode
from .import_report import Omission
from .imported_recording import Imported, Locate
from .plain_yaml import plain_yaml
from .request_draft import Auth, DraftBody, DraftPart, DraftReader, ReadFile, RequestDraft, graphql_body
from .tool_objects import is_on, member_texts, objects, pairs, parts, root_of, text_of_node

DEEP = 20  # folders in folders
_METHODS = frozenset(("get", "post", "put", "delete", "patch", "options", "head", "connect", "trace", "http"))
_SCRIPTS = ("script:pre-request", "script:post-response", "tests")
_BLOCK = re.compile(r"([\w:-]+)[ \t]*([{\[])[ \t]*")
_FILE = re.compile(r"@file\((.*?)\)(?:[ \t]+@contentType\((.*?)\))?")
_MEDIA = {
    "json": "application/json",
    "xml": "application/xml",
    "text": "text/plain",
    "sparql": "application/sparql-query",
}
_TYPED = re.compile(r"(.*?)[ \t]+@contentType\((.*?)\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _BrunoFolder:
    """What the requests in it inherit."""

    names: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()
    auth: Auth = ("", MappingProxyType({}))

    def below(
        self, name: str, variables: Mapping[str, str], headers: tuple[tuple[str, str], ...], auth: Auth
    ) -> _BrunoFolder:
        return _BrunoFolder(
            (*self.names, name) if name else self.names, {**self.variables, **variables}, (*self.headers, *headers),
            auth if auth[0] not in ("", "inherit") else self.auth,
        )  # fmt: skip


def load(text: str, locate: Locate, read_file: ReadFile) -> tuple[list[Imported], list[Omission]]:
    """A bundled OpenCollection, or one request of Bruno by itself."""
    first = text.lstrip().partition("\n")[0].rstrip()
    name = "request.bru" if _BLOCK.fullmatch(first) else "opencollection.yml"
    return load_folder({name: text}, locate, read_file)


def load_folder(files: Mapping[str, str], locate: Locate, read_file: ReadFile) -> tuple[list[Imported], list[Omission]]:
    """One recording with the requests of all folders in their order, and what was left out. `files`: texts by path."""
    reader = DraftReader(read_file)
    if any(name.endswith(".bru") for name in files):
        title = _bru_folder(files, reader)
    else:
        title = _open_collection(files, reader)
    return reader.result(title, locate)


# Folders of .bru files.


def _bru_folder(files: Mapping[str, str], reader: DraftReader) -> str:
    told = {path: _blocks(text, path) for path, text in files.items() if path.endswith(".bru")}
    top = told.get("collection.bru", {})
    environments = sorted(path for path in told if path.startswith("environments/"))
    variables = _pairs(told[environments[0]].get("vars", "")) if environments else ()
    for path in environments[1:]:
        reader.omissions.append(
            Omission(f"the environment {path[13:-4]}", f"the variables of {environments[0][13:-4]} are used")
        )
    root = _BrunoFolder(variables=dict(variables)).below("", *_inherited(top))
    _bru_children("", told, root, reader)
    found = re.search(r'"name"\s*:\s*"([^"]*)"', files.get("bruno.json", ""))
    return found[1] if found else ""


def _bru_children(prefix: str, told: Mapping[str, dict[str, str]], folder: _BrunoFolder, reader: DraftReader) -> None:
    if len(folder.names) > DEEP:
        raise UsageError(f"the collection has more than {DEEP} folders in folders")
    names = {path[len(prefix) :].partition("/")[0] for path in told if path.startswith(prefix)}
    entries = []
    for name in names:
        path = prefix + name
        if path in told and name not in ("folder.bru", "collection.bru"):
            entries.append((_seq(told[path]), name, path))
        elif path not in told and path != "environments":
            entries.append((_seq(told.get(f"{path}/folder.bru", {})), name, f"{path}/"))
    for _, name, path in sorted(entries):
        if path.endswith("/"):
            about = told.get(f"{path}folder.bru", {})
            title = dict(_pairs(about.get("meta", ""))).get("name", name)
            _bru_children(path, told, folder.below(title, *_inherited(about)), reader)
        else:
            _bru_request(told[path], path, folder, reader)


def _seq(blocks: Mapping[str, str]) -> int:
    found = dict(_pairs(blocks.get("meta", ""))).get("seq", "")
    return int(found) if found.isdecimal() and len(found) < 9 else 1 << 30


def _inherited(blocks: Mapping[str, str]) -> tuple[dict[str, str], tuple[tuple[str, str], ...], Auth]:
    mode = dict(_pairs(blocks.get("auth", ""))).get("mode", "")
    return (
        dict(_pairs(blocks.get("vars:pre-request", ""))),
        tuple(_pairs(blocks.get("headers", ""))),
        _auth(mode, blocks),
    )


def _auth(mode: str, blocks: Mapping[str, str]) -> Auth:
    values = dict(_pairs(blocks.get(f"auth:{mode}", ""))) if mode else {}
    return _named_auth(mode, values)


def _named_auth(kind: str, values: Mapping[str, str]) -> Auth:
    """Its names of values as Postman names them."""
    found = dict(values)
    if kind == "apikey" and "query" in found.get("placement", ""):
        found["in"] = "query"
    if kind == "oauth2":
        found = {"accessToken": found.get("access_token", found.get("accessToken", "")), "headerPrefix": "Bearer"}
    return kind, found


def _bru_request(blocks: dict[str, str], path: str, folder: _BrunoFolder, reader: DraftReader) -> None:
    about = dict(_pairs(blocks.get("meta", "")))
    name = about.get("name", path.rpartition("/")[2].removesuffix(".bru"))
    method = next((kind for kind in blocks if kind in _METHODS), "")
    if not method:
        kind = about.get("type") or "nothing that is sent over HTTP"
        reader.omissions.append(Omission(f"the request {name}", f"it is {kind}", path))
        return
    for script in _SCRIPTS:
        if blocks.get(script, "").strip():
            reader.script("test script" if script == "tests" else "script")
    call = dict(_pairs(blocks[method]))
    auth = _auth(call.get("auth", ""), blocks)
    auth = folder.auth if auth[0] in ("", "inherit") else auth
    url, query = call.get("url", ""), tuple(_pairs(blocks.get("params:query", blocks.get("query", ""))))
    if query:  # the URL repeats its parameters, those that are switched off aside
        url = url.partition("?")[0]
    variables = {**folder.variables, **dict(_pairs(blocks.get("vars:pre-request", "")))}
    method = call.get("method", method) if method == "http" else method
    docs = _undented(blocks.get("docs", ""))
    reader.add(
        RequestDraft(
            " / ".join(part for part in (*folder.names, name) if part), method.upper(), url, path,
            _merged(folder.headers, tuple(_pairs(blocks.get("headers", "")))), query,
            dict(_pairs(blocks.get("params:path", ""))), _bru_body(call.get("body", "none"), blocks), auth,
            (docs.strip(),) if docs.strip() else (),
        ),
        variables,
    )  # fmt: skip


def _merged(above: tuple[tuple[str, str], ...], own: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    given = {name.lower() for name, _ in own}
    return (*(one for one in above if one[0].lower() not in given), *own)


def _bru_body(kind: str, blocks: Mapping[str, str]) -> DraftBody:
    if kind in ("none", ""):
        return DraftBody()
    if kind == "graphql":
        return graphql_body(_undented(blocks.get("body:graphql", "")), _undented(blocks.get("body:graphql:vars", "")))
    if kind in ("formUrlEncoded", "form-urlencoded"):
        return DraftBody("form", parts=tuple(DraftPart(*one) for one in _pairs(blocks.get("body:form-urlencoded", ""))))
    if kind in ("multipartForm", "multipart-form"):
        return DraftBody("multipart", parts=tuple(_bru_parts(_pairs(blocks.get("body:multipart-form", "")))))
    if kind in ("file", "binaryFile"):
        found = next(
            (one for one in map(_FILE.fullmatch, dict(_pairs(blocks.get("body:file", ""))).values()) if one), None
        )
        return DraftBody("file", file=found[1], media=found[2] or "") if found else DraftBody()
    text = _undented(blocks.get(f"body:{kind}", blocks.get("body", "")))
    return DraftBody("text", text, media=_MEDIA.get(kind, "text/plain"))


def _bru_parts(found: Iterator[tuple[str, str]]) -> Iterator[DraftPart]:
    for name, value in found:
        if match := _FILE.fullmatch(value):
            yield from (DraftPart(name, file=file, media=match[2] or "") for file in match[1].split("|"))
        elif typed := _TYPED.fullmatch(value):
            yield DraftPart(name, typed[1], media=typed[2])
        else:
            yield DraftPart(name, value)


def _blocks(text: str, path: str) -> dict[str, str]:
    """The text of every block by its name. A block begins in the first column and ends with its bracket there."""
    found: dict[str, str] = {}
    lines = text.replace("\r\n", "\n").split("\n")
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if not line.strip():
            continue
        begin = _BLOCK.fullmatch(line)
        if begin is None:
            raise UsageError(f"{line[:60]!r} begins no block of Bruno", where=f"{path}: line {at}")
        close = "}" if begin[2] == "{" else "]"
        end = next((index for index in range(at, len(lines)) if lines[index].rstrip() == close), None)
        if end is None:
            raise UsageError(f"the block {begin[1]} is not closed", where=f"{path}: line {at}")
        found[begin[1]] = "\n".join(lines[at:end])
        at = end + 1
    return found


def _undented(text: str) -> str:
    """Bruno indents the text of a block by two spaces."""
    return "\n".join(line.removeprefix("  ") for line in text.split("\n"))


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Lines of "name: value"; "~" switches one off, a value in ''' may have several lines, names may be quoted."""
    lines = iter(text.split("\n"))
    for line in lines:
        name, colon, value = _split(line.strip())
        if not colon or not name:
            continue
        value = value.strip()
        if value.startswith("'''"):
            value = "\n".join(_quoted_lines(value[3:], lines))
        if not name.startswith("~"):
            yield name.removeprefix("@"), value


def _quoted_lines(first: str, rest: Iterator[str]) -> Iterator[str]:
    """Up to the line that ends with '''; they are indented by four spaces."""
    line: str | None = first
    while line is not None:
        if line.rstrip().endswith("'''"):
            if kept := line.rstrip().removesuffix("'''").rstrip():
                yield kept
            return
        if line or line is not first:
            yield line
        line = next(rest, None)
        line = line.removeprefix("    ") if line is not None else None


def _split(line: str) -> tuple[str, str, str]:
    if found := re.match(r'(~?)"((?:[^"\\]|\\.)*)":', line):
        return found[1] + found[2].replace('\\"', '"'), ":", line[found.end() :]
    return line.partition(":")


# OpenCollection.


def _open_collection(files: Mapping[str, str], reader: DraftReader) -> str:
    documents = {path: root_of(plain_yaml(text)) for path, text in files.items() if path.endswith((".yml", ".yaml"))}
    named = next(
        (path for path in documents if path.rpartition("/")[2] in ("opencollection.yml", "opencollection.yaml")), ""
    )
    root = documents.get(named)
    if root is None or not isinstance(root.value, dict):
        raise UsageError("this is no collection of Bruno: it has neither .bru files nor an opencollection.yml")
    top = _BrunoFolder().below("", *_of_object(root.at("request")))
    _environments_of(root, documents, reader)
    items = root.at("items")
    if items.value:
        _items(items, top, reader)
    elif len(documents) == 1:
        hint = "gateway import FOLDER takes them all"
        raise UsageError("this file names a collection of Bruno; its requests are files beside it", hint=hint)
    else:
        _yaml_children(named.rpartition("/")[0], documents, named, top, reader)
    return text_of_node(root.at("info").at("name")) if isinstance(root.at("info").value, dict) else ""


def _environments_of(root: JsonNode, documents: Mapping[str, JsonNode], reader: DraftReader) -> None:
    """None of them is used, since the collection does not say which one was chosen; each is named."""
    config = root.at("config") if isinstance(root.at("config").value, dict) else root_of({})
    listed = [text_of_node(one.at("name")) for one in objects(config.at("environments"))]
    files = [path.rpartition("/")[2].rpartition(".")[0] for path in documents if "environments" in path.split("/")[:-1]]
    for name in [*listed, *sorted(files)]:
        why = "the collection does not say which environment was chosen; its variables are not filled in"
        reader.omissions.append(Omission(f"the environment {name[:80] or 'without a name'}", why))


def _yaml_children(
    folder_path: str, documents: Mapping[str, JsonNode], named: str, folder: _BrunoFolder, reader: DraftReader
) -> None:
    if len(folder.names) > DEEP:
        raise UsageError(f"the collection has more than {DEEP} folders in folders")
    prefix = f"{folder_path}/" if folder_path else ""
    names = {path[len(prefix) :].partition("/")[0] for path in documents if path.startswith(prefix)}
    entries = []
    for name in names:
        path = prefix + name
        if path in documents:
            if path != named and name not in ("folder.yml", "folder.yaml"):
                entries.append((_position(documents[path]), name, path, documents[path]))
        elif name != "environments":
            about = documents.get(f"{path}/folder.yml", root_of({}))
            entries.append((_position(about), name, path, about))
    for _, name, path, node in sorted(entries, key=lambda one: one[:2]):
        if path in documents:
            _item(JsonNode(node.value, path), folder, reader)
        else:
            title = _info(node, "name") or name
            request = node.at("request") if isinstance(node.value, dict) else node
            _yaml_children(path, documents, named, folder.below(title, *_of_object(request)), reader)


def _items(node: JsonNode, folder: _BrunoFolder, reader: DraftReader) -> None:
    if len(folder.names) > DEEP:
        raise node.wrong(f"has more than {DEEP} folders in folders")
    for item in sorted(objects(node), key=_position):
        if item.has("items") or _info(item, "type") == "folder":
            _items(item.at("items"), folder.below(_info(item, "name"), *_of_object(item.at("request"))), reader)
        else:
            _item(item, folder, reader)


def _info(node: JsonNode, name: str) -> str:
    info = node.at("info") if isinstance(node.value, dict) else node
    return text_of_node(info.at(name)) if isinstance(info.value, dict) else ""


def _position(node: JsonNode) -> int:
    seq = _info(node, "seq")
    return int(seq) if seq.isdecimal() and len(seq) < 9 else 1 << 30


def _of_object(node: JsonNode) -> tuple[dict[str, str], tuple[tuple[str, str], ...], Auth]:
    """Variables, headers and authentication that a collection or folder gives its requests."""
    if not isinstance(node.value, dict):
        return {}, (), ("", {})
    return dict(pairs(node.at("variables"))), tuple(pairs(node.at("headers"))), _object_auth(node.at("auth"))


def _object_auth(node: JsonNode) -> Auth:
    if isinstance(node.value, str):
        return node.value, {}
    values = dict(member_texts(node))
    return _named_auth(values.get("type", ""), values)


def _item(item: JsonNode, folder: _BrunoFolder, reader: DraftReader) -> None:
    name = _info(item, "name")
    if not isinstance(item.value, dict) or not isinstance(item.at("http").value, dict):
        kind = _info(item, "type") or "nothing"
        if kind == "graphql" and isinstance(item.at("graphql").value, dict):
            _http(item, item.at("graphql"), name, folder, reader)
            return
        reader.omissions.append(
            Omission(f"the item {name or item.place}", f"it is {kind[:40]}, no HTTP request", item.place)
        )
        return
    _http(item, item.at("http"), name, folder, reader)


def _http(item: JsonNode, http: JsonNode, name: str, folder: _BrunoFolder, reader: DraftReader) -> None:
    runtime = item.at("runtime")
    for script in objects(runtime.at("scripts") if isinstance(runtime.value, dict) else root_of(None)):
        if text_of_node(script.at("code")).strip():
            reader.script("script")
    auth = _object_auth(http.at("auth"))
    auth = folder.auth if auth[0] in ("", "inherit") else auth
    given = [one for one in objects(http.at("params")) if is_on(one)]
    query = tuple(one for node in given if text_of_node(node.at("type")) != "path" for one in _one_pair(node))
    path = dict(one for node in given if text_of_node(node.at("type")) == "path" for one in _one_pair(node))
    url = text_of_node(http.at("url"))
    if query:
        url = url.partition("?")[0]
    docs = text_of_node(item.at("docs"))
    draft = RequestDraft(
        " / ".join(part for part in (*folder.names, name) if part),
        text_of_node(http.at("method")).upper(),
        url,
        item.place,
        _merged(folder.headers, tuple(pairs(http.at("headers")))),
        query,
        path,
        _object_body(http.at("body")),
        auth,
        (docs.strip(),) if docs.strip() else (),
    )
    examples = list(objects(item.at("examples")))
    for example in examples:
        label = text_of_node(example.at("name"))
        notes = (*draft.notes, f"Example: {label}") if label else draft.notes
        reader.add(replace(draft, response=_response(example.at("response")), notes=notes), folder.variables)
    if not examples:
        reader.add(draft, folder.variables)


def _one_pair(node: JsonNode) -> Iterator[tuple[str, str]]:
    yield text_of_node(node.at("name")), text_of_node(node.at("value"))


def _object_body(node: JsonNode) -> DraftBody:
    if not isinstance(node.value, dict):
        return DraftBody()
    kind, data = text_of_node(node.at("type")), node.at("data")
    if kind == "form-urlencoded":
        return DraftBody("form", parts=tuple(DraftPart(*one) for one in pairs(data)))
    if kind == "multipart-form":
        return DraftBody("multipart", parts=tuple(parts(data)))
    if kind == "file":
        found = next((text_of_node(one.at("filePath")) for one in objects(data)), "")
        return DraftBody("file", file=found) if found else DraftBody()
    if node.has("query"):
        return graphql_body(text_of_node(node.at("query")), text_of_node(node.at("variables")))
    text = text_of_node(data)
    return DraftBody("text", text, media=_MEDIA.get(kind, "")) if text else DraftBody()


def _response(node: JsonNode) -> Response | None:
    status = text_of_node(node.at("status")) if isinstance(node.value, dict) else ""
    if not re.fullmatch(r"[1-9]\d\d", status):
        return None
    body = node.at("body")
    data = text_of_node(body.at("data") if isinstance(body.value, dict) else body).encode("utf-8", "replace")
    reason = re.sub(r"\s+", " ", text_of_node(node.at("statusText")))
    return Response(
        headers=tuple(pairs(node.at("headers"))), body=Body(len(data), data), status=int(status), reason=reason
    )
