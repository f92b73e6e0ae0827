"""What a request asks for, by name: GraphQL, JSON-RPC, SOAP, AWS-style and gRPC-web calls on one URL. Pure.

The first sign that fits decides. Of a body the first 64 KiB are looked at, its content encodings undone; a body of more
than 1 MiB is an upload and has no name. A body that is cut or broken has no name either, unless what is needed stands
before the cut.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import parse_qsl

from .bodies import charset, decoded, media_type
from .exchange import Exchange
from .graphql import Definition
from .graphql import operations as definitions
from .message import Message, Request
from .soap import body_element

Kind: TypeAlias = Literal["graphql", "jsonrpc", "soap", "aws", "grpc", "contract"]

LOOKED: Final = 64 << 10  # bytes of a body that names are looked for in
MOST: Final = 1 << 20  # bytes of a body that has a name
NAME: Final = 100  # characters
SHOWN: Final = 3  # names of a batch

_FORM = "application/x-www-form-urlencoded"
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")
_ACTION = re.compile(r"[A-Za-z][\w.:-]{0,99}")
_TARGET = re.compile(r"[A-Za-z][\w.-]*\.[A-Za-z]\w*")  # "DynamoDB_20120810.GetItem"
_OPERATIONS = re.compile(
    rb'(?im)^content-disposition:[^\r\n]*\bname="?operations"?[^\r\n]*\r\n(?:[^\r\n]+\r\n){0,8}\r\n((?:[^\r]|\r(?!\n--))*+)'
)


@dataclass(frozen=True, slots=True)
class Operation:
    """What was asked for. `type`: query, mutation or subscription of GraphQL where it is known, else "".

    `parts`: the operations of a batch, each with its own name.
    """

    kind: Kind
    name: str
    type: str = ""
    parts: tuple[Operation, ...] = ()

    @property
    def label(self) -> str:
        """For people: "mutation Pay", "query {orders}", "query #3f2a9c1b", "DynamoDB.GetItem"."""
        type = self.type or ("query" if self.name.startswith("#") and self.kind == "graphql" else "")
        return f"{type} {self.name}".strip()

    @property
    def words(self) -> tuple[str, ...]:
        """What the filter `op:` compares: kind, types, names and labels, those of a batch's parts too."""
        own = (self.kind, self.type, self.name, self.label)
        return tuple(dict.fromkeys(word for word in (*own, *(w for one in self.parts for w in one.words)) if word))

    def matches(self, pattern: str) -> bool:
        """Whether a word is the pattern, letter case aside; `*` stands for any text."""
        wanted = re.sub(r"[\[\]?]", lambda sign: f"[{sign[0]}]", pattern.lower())
        return any(fnmatchcase(word.lower(), wanted) for word in self.words)


def operation_of(request: Request) -> Operation | None:
    """The operation of a request; None where nothing says that there is one."""
    grpc = _grpc(request)
    if grpc:
        return grpc
    target = request.header("x-amz-target")
    if _TARGET.fullmatch(target):
        return Operation("aws", one_line(re.sub(r"_\d{8}(?=\.)", "", target)))
    return _of_query(request) if not request.body.data else _of_body(request)


def named_operation(exchange: Exchange) -> Operation | None:
    """The operation of an exchange for people: what its request says, else what the contract of its cluster calls it.

    The request comes first: on one URL with many operations (GraphQL, SOAP) a contract has one name for all of them.
    """
    found = operation_of(exchange.request)
    if found is None and exchange.contract_name:
        return Operation("contract", one_line(exchange.contract_name))
    return found


# -- where the signs stand


def _grpc(request: Request) -> Operation | None:
    """The path says it all: /package.Service/Method."""
    if not media_type(request).startswith("application/grpc"):
        return None
    parts = request.target.partition("?")[0].rsplit("/", 2)
    if len(parts) < 3 or not parts[1] or not parts[2]:
        return None
    return Operation("grpc", one_line(f"{parts[1].rpartition('.')[2]}/{parts[2]}"))


def _of_query(request: Request) -> Operation | None:
    query = request.target.partition("?")[2]
    if not query or len(query) > LOOKED:
        return _soap_action(request)
    given = _pairs(query)
    found = _of_fields(given)
    return found or _soap_action(request)


def _of_body(request: Request) -> Operation | None:
    if request.body.size > MOST:
        return _soap_action(request)
    kind = media_type(request)
    data, _ = decoded(request, LOOKED + 1)
    cut = len(data) > LOOKED or request.body.truncated
    data = data[:LOOKED]
    if kind == _FORM:
        found = _of_fields(_pairs(data.decode("latin-1")))
        return found or _soap_action(request)
    if kind == "application/graphql":
        return _document(_text(data, request), "")
    if kind == "multipart/form-data":
        part = _OPERATIONS.search(data)
        return _of_json(part[1].decode("utf-8", "replace"), cut=False) if part else None
    if "xml" in kind or data.lstrip()[:1] == b"<":
        return _soap_action(request) or _envelope(data)
    if "json" in kind or data.lstrip()[:1] in (b"{", b"["):
        return _of_json(_text(data, request), cut=cut) or _soap_action(request)
    return _soap_action(request)


def _text(data: bytes, message: Message) -> str:
    try:
        return data.decode(charset(message), "replace")
    except (LookupError, ValueError):
        return data.decode("utf-8", "replace")


def _pairs(text: str) -> dict[str, str]:
    """Names and first values of a query or a form; none of one that is absurdly long."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        return {}
    return dict(reversed(pairs))


def _of_fields(given: Mapping[str, str]) -> Operation | None:
    """GraphQL in a query or a form, or an action with its version."""
    action = given.get("Action", "")
    if action and given.get("Version") and _ACTION.fullmatch(action):
        return Operation("aws", action)
    extensions = _loaded(given.get("extensions", ""))
    members: dict[str, Any] = {**given, "extensions": extensions}
    found = _graphql(members)
    if found and not found.type and not found.parts:  # GraphQL over HTTP allows nothing else by GET
        return Operation("graphql", found.name, "query" if "doc_id" not in given else "")
    return found


def _loaded(text: str) -> Any:
    if not text or text.startswith("[" * 100):  # no call is nested so deep; the parser takes milliseconds to say so
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


# -- JSON


def _of_json(text: str, *, cut: bool) -> Operation | None:
    value = json_prefix(text) if cut else _loaded(text)
    if isinstance(value, dict):
        return _of_object(value)
    if not isinstance(value, list):
        return None
    parts = [found for item in value if isinstance(item, dict) and (found := _of_object(item))]
    if not parts or len(parts) < len(value):
        return None
    return parts[0] if len(parts) == 1 else _batch(parts)


def json_prefix(text: str) -> Any:
    """An object or an array as far as its members are whole; None where not even its first sign is there."""
    decode = json.JSONDecoder().raw_decode
    opened = re.match(r"\s*+([{\[])", text)
    if opened is None:
        return None
    at, members, items = opened.end(), dict[str, Any](), list[Any]()
    between = re.compile(r"\s*+,?\s*+" + (r'("(?:[^"\\]|\\.)*+")\s*+:\s*+' if opened[1] == "{" else "()"))
    try:
        while found := between.match(text, at):
            value, at = decode(text, found.end())
            if not re.compile(r"\s*+[,}\]]").match(text, at):
                break  # a number may go on behind the cut
            if opened[1] == "{":
                members[json.loads(found[1])] = value
            else:
                items.append(value)
    except (ValueError, RecursionError):
        pass
    return members if opened[1] == "{" else items


def _of_object(members: Mapping[str, Any]) -> Operation | None:
    method = members.get("method")
    if members.get("jsonrpc") == "2.0":
        return Operation("jsonrpc", one_line(method)) if isinstance(method, str) and method else None
    return _graphql(members)


def _batch(parts: Sequence[Operation]) -> Operation:
    """ "3 calls: a, b, c"; of many the first ones by name."""
    kind = parts[0].kind
    noun = "operations" if kind == "graphql" else "calls"
    names = [one.label for one in parts]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    name = f"{len(names)} {noun}: {', '.join(names[:SHOWN])}{more}"
    return Operation(kind, one_line(name, 3 * NAME), parts=tuple(parts[:50]))


# -- GraphQL


def _graphql(members: Mapping[str, Any]) -> Operation | None:
    name = members.get("operationName")
    name = one_line(name) if isinstance(name, str) else ""
    text = members.get("query")
    if isinstance(text, str) and text:
        return _document(text, name)
    hash = _persisted(members)
    if hash is None:
        return None
    return Operation("graphql", name or (f"#{hash[:8]}" if hash else "")) if name or hash else None


def _document(text: str, name: str) -> Operation | None:
    """By operationName, else the only named operation, else the first field of the first one."""
    found = definitions(text)
    if not found:
        return None
    chosen = next((one for one in found if name and one.name == name), None) or _only(found)
    return Operation("graphql", name or chosen.name or f"{{{chosen.field}}}", chosen.type)


def _only(found: Sequence[Definition]) -> Definition:
    named = [one for one in found if one.name]
    return named[0] if len(named) == 1 else found[0]


def _persisted(members: Mapping[str, Any]) -> str | None:
    """The hash or id that stands for a document ("" where only a name does); None where nothing says GraphQL."""
    extensions = members.get("extensions")
    stored = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    if isinstance(stored, dict):
        hash = stored.get("sha256Hash")
        return one_line(hash) if isinstance(hash, str) else ""
    for key in ("documentId", "doc_id", "queryId"):  # trusted documents of Relay, Apollo and their like
        id = members.get(key)
        told = isinstance(id, str | int) and not isinstance(id, bool)
        if told and ("variables" in members or "operationName" in members):
            return one_line(str(id))
    return None


# -- SOAP


def _soap_action(request: Request) -> Operation | None:
    """SOAP 1.1 has a header of its own, 1.2 a parameter of the content type."""
    action = request.header("soapaction")
    if not action:
        found = re.search(r';\s*action\s*=\s*(?:"([^"]*)"|([^\s;"]+))', request.content_type, re.IGNORECASE)
        action = (found[1] or found[2] or "") if found and "xml" in request.content_type.lower() else ""
    last = re.split(r"[/#:]", action.strip().strip("\"'").rstrip("/#:"))[-1]
    return Operation("soap", one_line(last)) if last else None


def _envelope(data: bytes) -> Operation | None:
    found = body_element(data)
    return Operation("soap", one_line(found)) if found else None


def one_line(text: str, limit: int = NAME) -> str:
    """One line that can be shown, of at most `limit` characters."""
    found = _UNSEEN.sub(" ", text[: 4 * limit]).strip()
    return found if len(found) <= limit else f"{found[: limit - 1]}…"
