"""Exports of Insomnia, version 4 (JSON) and version 5 (YAML), become a recording. Pure.

https://docs.insomnia.rest: resources with parents in version 4, a tree in version 5. Template tags ({% ... %}) and
scripts are not run; environments give the variables, the base environment first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from ...errors import UsageError
from .foreign_json import JsonNode, parsed
from .import_report import Omission
from .imported_recording import Imported, Locate
from .plain_yaml import plain_yaml
from .request_draft import Auth, DraftBody, DraftReader, ReadFile, RequestDraft, graphql_body
from .tool_objects import member_texts, objects, pairs, parts, root_of, text_of_node, values_of

DEEP = 20  # folders in folders
_TAG = re.compile(r"\{%[^%]*%\}")
# Its names of values where they are not those of Postman.
_AUTH = {"addTo": "in", "accessToken": "accessToken", "prefix": "headerPrefix", "useISO88591": ""}
_KINDS = {"iam": "awsv4", "oauth1": "oauth1", "asap": "asap", "netrc": "", "singleToken": "bearer"}


@dataclass(frozen=True, slots=True)
class _InsomniaFolder:
    """What counts for the requests in it: names above, variables, headers and authentication that they inherit."""

    names: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()
    auth: Auth = ("", MappingProxyType({}))


def load(text: str, locate: Locate, read_file: ReadFile) -> tuple[list[Imported], list[Omission]]:
    """One recording with the requests of all folders in the order of the tool, and what was left out.

    UsageError for what is no export of Insomnia, or one without requests.
    """
    reader = DraftReader(read_file, _variable)
    if text.lstrip()[:1] == "{":
        root = parsed(text)
        resources = list(objects(root.at("resources")))
        top = next((one for one in resources if one.at("_type").value == "workspace"), root)
        title = text_of_node(top.at("name"))
        _resources(resources, reader)
    else:
        root = root_of(plain_yaml(text))
        if not isinstance(root.value, dict):
            raise UsageError("this is no export of Insomnia")
        kind = text_of_node(root.at("type"))
        if "collection" not in kind and not root.has("collection"):
            raise UsageError(
                f"this is an export of Insomnia without requests ({kind[:60]})", hint="export a collection"
            )
        title = text_of_node(root.at("name"))
        _tree(root.at("collection"), _InsomniaFolder(variables=_environment(root.at("environments"), reader)), reader)
    return reader.result(title, locate)


def _variable(name: str) -> str:
    """ "_.base_url" and "base_url" are one; "_['base_url']" as well."""
    found = re.fullmatch(r"_\[['\"](.+)['\"]\]", name)
    return found[1] if found else name.removeprefix("_.")


def _environment(node: JsonNode, reader: DraftReader) -> dict[str, str]:
    return values_of(node.at("data")) | _first(list(objects(node.at("subEnvironments"))), reader)


def _first(environments: list[JsonNode], reader: DraftReader) -> dict[str, str]:
    """The values of the first of several environments: a file does not say which one was chosen. The others are left
    out, and named."""
    if not environments:
        return {}
    names = [text_of_node(one.at("name"))[:80] or "without a name" for one in environments]
    for name in names[1:]:
        reader.omissions.append(Omission(f"the environment {name}", f"the variables of {names[0]} are used"))
    return values_of(environments[0].at("data"))


# Version 4: a flat list, each with the id of its parent.


def _resources(resources: list[JsonNode], reader: DraftReader) -> None:
    children: dict[str, list[JsonNode]] = {}
    ids = {text_of_node(one.at("_id")) for one in resources}
    for one in resources:
        parent = text_of_node(one.at("parentId"))
        children.setdefault(parent if parent in ids else "", []).append(one)
    for found in children.values():
        found.sort(key=_order)
    other: dict[str, int] = {}
    for one in resources:
        kind = text_of_node(one.at("_type"))
        if kind not in ("request", "request_group", "environment", "workspace", "cookie_jar"):
            other[kind] = other.get(kind, 0) + 1
    for kind, count in other.items():
        reader.omissions.append(
            Omission(f"{count} of the kind {kind[:40] or 'without a name'}", "only HTTP requests are imported")
        )
    _children("", children, _InsomniaFolder(variables={}), reader, 0)


def _order(node: JsonNode) -> float:
    value = node.at("metaSortKey").value
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def _children(
    id: str, children: Mapping[str, list[JsonNode]], folder: _InsomniaFolder, reader: DraftReader, depth: int
) -> None:
    if depth > DEEP:
        raise UsageError(f"the file has more than {DEEP} folders in folders")
    found = children.get(id, [])
    variables = dict(folder.variables)
    for one in found:
        if one.at("_type").value == "environment":
            variables |= values_of(one.at("data"))
            below = children.get(text_of_node(one.at("_id")), [])
            variables |= _first([each for each in below if each.at("_type").value == "environment"], reader)
    folder = replace(folder, variables=variables)
    for one in found:
        kind = one.at("_type").value
        if kind in ("workspace", "request_group"):
            inner = _inner(one, folder, named=kind == "request_group")
            _children(text_of_node(one.at("_id")), children, inner, reader, depth + 1)
        elif kind == "request":
            _request(one, folder, reader)


def _inner(node: JsonNode, folder: _InsomniaFolder, *, named: bool) -> _InsomniaFolder:
    return _InsomniaFolder(
        (*folder.names, text_of_node(node.at("name"))) if named else folder.names,
        {**folder.variables, **values_of(node.at("environment"))},
        (*folder.headers, *pairs(node.at("headers"))),
        _auth(node.at("authentication"), folder.auth),
    )


# Version 5: a tree.


def _tree(node: JsonNode, folder: _InsomniaFolder, reader: DraftReader) -> None:
    if len(folder.names) > DEEP:
        raise node.wrong(f"has more than {DEEP} folders in folders")
    for item in sorted(objects(node), key=_sort_key):
        if item.has("children"):
            _tree(item.at("children"), _inner(item, folder, named=True), reader)
        elif item.has("url"):
            _request(item, folder, reader)
        else:
            name = text_of_node(item.at("name")) or "without a name"
            reader.omissions.append(Omission(f"the item {name}", "it is no HTTP request", item.place))


def _sort_key(node: JsonNode) -> float:
    try:
        return float(text_of_node(node.at("meta").at("sortKey") if node.has("meta") else node) or 0)
    except ValueError:
        return 0.0


# Requests of both.


def _request(node: JsonNode, folder: _InsomniaFolder, reader: DraftReader) -> None:
    name, url = text_of_node(node.at("name")), text_of_node(node.at("url"))
    if re.match(r"(?:wss?|grpc|mqtt)://", url, re.IGNORECASE):
        reader.omissions.append(Omission(f"the request {name or url[:60]}", "only HTTP is imported", node.place))
        return
    if _TAG.search(f"{node.value}"):
        count = len(_TAG.findall(f"{node.value}"))
        reader.omissions.append(
            Omission(
                f"{count} template tag{'s' * (count > 1)} of {name or url[:60]}",
                "Insomnia computes them; they stand as written",
                node.place,
            )
        )
    for script in (node.at("preRequestScript"), node.at("afterResponseScript"), *_members(node.at("scripts"))):
        if text_of_node(script).strip():
            reader.script("script")
    own = list(pairs(node.at("headers")))
    given = {key.lower() for key, _ in own}
    headers = (*(one for one in folder.headers if one[0].lower() not in given), *own)
    about = member_texts(node).get("description") or member_texts(node.at("meta")).get("description", "")
    draft = RequestDraft(
        " / ".join(part for part in (*folder.names, name) if part),
        text_of_node(node.at("method")),
        url,
        node.place,
        headers,
        tuple(pairs(node.at("parameters"))),
        dict(pairs(node.at("pathParameters"))),
        _body(node.at("body")),
        _auth(node.at("authentication"), folder.auth),
        (about,) if about else (),
    )
    reader.add(draft, folder.variables)


def _members(node: JsonNode) -> Iterator[JsonNode]:
    if isinstance(node.value, dict):
        yield from (member for _, member in node.members())


def _auth(node: JsonNode, inherited: Auth) -> Auth:
    if not isinstance(node.value, dict) or not node.value:
        return inherited
    values = member_texts(node)
    kind = values.get("type", "")
    if kind in ("none", "noauth") or values.get("disabled") == "true":
        return "none", {}
    if kind == "inherit" or not kind:
        return inherited
    found = {_AUTH.get(name, name): value for name, value in values.items()}
    if found.get("in") == "queryParams":
        found["in"] = "query"
    if kind == "bearer" and found.get("headerPrefix", "Bearer") not in ("", "Bearer"):
        return "oauth2", {"accessToken": found.get("token", ""), "headerPrefix": found["headerPrefix"]}
    return _KINDS.get(kind, kind), found


def _body(node: JsonNode) -> DraftBody:
    if not isinstance(node.value, dict):
        return DraftBody()
    media = text_of_node(node.at("mimeType"))
    if media.startswith("application/x-www-form-urlencoded") and node.has("params"):
        return DraftBody("form", parts=tuple(parts(node.at("params"))), media=media)
    if media.startswith("multipart/form-data"):
        return DraftBody("multipart", parts=tuple(parts(node.at("params"))))
    if node.has("fileName"):
        return DraftBody("file", file=text_of_node(node.at("fileName")), media=media)
    text = text_of_node(node.at("text"))
    if media == "application/graphql":
        return _graphql(text)
    return DraftBody("text", text, media=media) if text else DraftBody()


def _graphql(text: str) -> DraftBody:
    """Its editor keeps the JSON that is sent."""
    if text.lstrip().startswith("{") and '"query"' in text:
        return DraftBody("text", text, media="application/json")
    return graphql_body(text, "")


def is_insomnia(root: Mapping[str, object]) -> bool:
    return root.get("_type") == "export" and "resources" in root
