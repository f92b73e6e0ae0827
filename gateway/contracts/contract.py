"""A contract: its operations, what each takes and gives, and which of them a request is. Pure.

OpenAPI 3.0, 3.1 and 3.2. Of a document nothing is looked at that no request asks for, except paths and methods: a
contract of 13 MB is ready in less than a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from ..errors import ConfigError, Problem
from .document import ContractPlace, Documents, ReadFile
from .paths import PathMatch, PathTree

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
_VERSION: Final = re.compile(r"3\.([0-2])(?:\.[0-9]+)?(?:-.*)?")
_VARIABLE: Final = re.compile(r"\{([^{}]+)\}")
In = Literal["path", "query", "header", "cookie", "querystring"]
REFERENCES: Final = 20  # that may lead from one to the next


@dataclass(frozen=True, slots=True)
class ApiParameter:
    """What an operation takes beside its body. `schema` is None where nothing says what its values are."""

    name: str
    where: In
    place: ContractPlace
    required: bool
    style: str
    explode: bool
    deprecated: bool = False
    schema: ContractPlace | None = None
    media_type: str = ""  # of `content`: its value is such a document


@dataclass(frozen=True, slots=True)
class Content:
    """A body in one media type; `schema` is None where nothing says what it is."""

    media_type: str  # in small letters; "application/*" and "*/*" stand for many
    place: ContractPlace
    schema: ContractPlace | None


@dataclass(frozen=True, slots=True)
class ResponseRule:
    """What an operation may answer with one status, "4XX" or "default"."""

    status: str
    place: ContractPlace
    content: tuple[Content, ...]


@dataclass(frozen=True, slots=True)
class ApiOperation:
    """A method at a path."""

    method: str  # "GET"
    path: str  # "/orders/{id}"
    place: ContractPlace
    id: str = ""  # operationId
    deprecated: bool = False

    @property
    def name(self) -> str:
        """Its operationId, else "GET /orders/{id}"."""
        return self.id or self.label

    @property
    def label(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class PathItem:
    """A path of the contract with its methods."""

    path: str
    place: ContractPlace
    operations: Mapping[str, ApiOperation]


@dataclass(frozen=True, slots=True)
class Found:
    """Where a request belongs. `operation` is None where the path is known and the method is not; `item` is None
    where the path is not known either."""

    base: str
    item: PathItem | None
    operation: ApiOperation | None
    values: Mapping[str, str]
    path: str  # below the base


class Contract:
    """The contract of a cluster, as one set of files says it."""

    def __init__(self, source: str, root: str, read: ReadFile) -> None:
        """`source` is what people call it, `root` its first file; ConfigError with file and line when it is invalid."""
        self.source = source
        self.documents = Documents(root, read)
        self._top = ContractPlace(root)
        value = self.documents.root.value
        if not isinstance(value, dict):
            raise self._wrong(self._top, "it is no OpenAPI document: a mapping with `openapi: 3.1.0` is expected")
        self.minor = self._minor(value)
        info = value.get("info")
        title = info.get("title") if isinstance(info, dict) else None
        self.title = title if isinstance(title, str) else ""
        self.servers = self._servers(value)
        self._tree: PathTree[PathItem] = PathTree()
        self.items: list[PathItem] = []
        self._read_paths(value)
        self._parameters: dict[ContractPlace, tuple[ApiParameter, ...]] = {}
        self._responses: dict[ContractPlace, Mapping[str, ResponseRule]] = {}
        self._bodies: dict[ContractPlace, tuple[Content, ...]] = {}

    @property
    def operations(self) -> Iterator[ApiOperation]:
        return (one for item in self.items for one in item.operations.values())

    def sha256(self, contents: Mapping[str, bytes]) -> str:
        """One hash of all files that were read, by their contents."""
        hashed = sha256()
        for name in sorted(contents):
            hashed.update(name.encode() + b"\0" + sha256(contents[name]).digest())
        return hashed.hexdigest()

    def bases(self, configured: str | None, upstream: str) -> tuple[str, ...]:
        """What may stand before the contract's paths, in the order in which it is tried."""
        if configured is not None:
            return (configured.rstrip("/"),)
        return tuple(dict.fromkeys([*self.servers, upstream.rstrip("/"), ""]))

    def find(self, method: str, path: str, query: str, bases: Sequence[str]) -> Found:
        """The operation of a request, by the path that the upstream got."""
        known: Found | None = None
        for base in bases:
            below = path[len(base) :]
            if not path.startswith(base) or (below and not below.startswith("/")):
                continue
            for match in self._tree.find(below or "/", query):
                found = self._found(base, match, method, below or "/")
                if found.operation is not None:
                    return found
                known = known or found
        return known or Found(bases[-1], None, None, {}, path)

    def nearest(self, path: str, bases: Sequence[str]) -> str:
        """The beginning of a template that fits the most of a path; "/" where nothing does."""
        below = [path[len(base) :] for base in bases if path.startswith(f"{base}/")]
        return max((self._tree.nearest(one) for one in below), key=lambda found: found.count("/"), default="") or "/"

    def is_below(self, path: str, bases: Sequence[str]) -> bool:
        """Whether a path is one that the contract may speak of."""
        return any(path.startswith(base) and path[len(base) :][:1] in ("", "/") for base in bases)

    def _found(self, base: str, match: PathMatch[PathItem], method: str, path: str) -> Found:
        operation = match.entry.operations.get(method)
        if operation is None and method == "HEAD":
            operation = match.entry.operations.get("GET")
        return Found(base, match.entry, operation, match.values, path)

    # -- what an operation takes and gives

    def parameters(self, operation: ApiOperation) -> tuple[ApiParameter, ...]:
        """Those of the operation, and those of its path that it does not have itself."""
        found = self._parameters.get(operation.place)
        if found is None:
            item = ContractPlace(operation.place.file, operation.place.tokens[:-1])
            if operation.place.tokens[-2:-1] == ("additionalOperations",):
                item = ContractPlace(item.file, item.tokens[:-1])
            by_name = {(one.where, one.name): one for one in self._parameter_list(item.below("parameters"))}
            own = self._parameter_list(operation.place.below("parameters"))
            by_name |= {(one.where, one.name): one for one in own}
            found = self._parameters[operation.place] = tuple(by_name.values())
        return found

    def request_body(self, operation: ApiOperation) -> tuple[Content, ...]:
        """The bodies that it takes; empty where nothing says that it takes one."""
        return self._content(operation.place.below("requestBody"))

    def request_body_is_required(self, operation: ApiOperation) -> bool:
        value = self._value(operation.place.below("requestBody"))
        return isinstance(value, dict) and value.get("required") is True

    def responses(self, operation: ApiOperation) -> Mapping[str, ResponseRule]:
        """By status as the contract writes it: "200", "4XX", "default"."""
        found = self._responses.get(operation.place)
        if found is None:
            place = operation.place.below("responses")
            value = self._value(place)
            found = {}
            for status in value if isinstance(value, dict) else ():
                name = str(status)
                if not name.startswith("x-"):
                    at = self.resolved(place.below(name))
                    found[name.upper() if name != "default" else name] = ResponseRule(name, at, self._content(at))
            self._responses[operation.place] = found
        return found

    def response(self, operation: ApiOperation, status: int) -> ResponseRule | None:
        """What the contract says of a status; None when it is in none of its rules."""
        rules = self.responses(operation)
        return rules.get(str(status)) or rules.get(f"{status // 100}XX") or rules.get("default")

    def resolved(self, place: ContractPlace) -> ContractPlace:
        """Where the references at a place lead in the end; ConfigError when they lead in a circle."""
        for _ in range(REFERENCES):
            value = self.documents.at(place)
            if not isinstance(value, dict) or "$ref" not in value:
                return place
            place = self.documents.resolve(place, value["$ref"])
        raise self._wrong(place, "its $ref leads in a circle")

    def value(self, place: ContractPlace) -> Any:
        """What stands at a place, references followed; None where nothing does."""
        return self._value(place)

    def _value(self, place: ContractPlace) -> Any:
        try:
            return self.documents.at(self.resolved(place))
        except KeyError:
            return None

    def _content(self, place: ContractPlace) -> tuple[Content, ...]:
        try:
            place = self.resolved(place)
        except KeyError:
            return ()
        if place not in self._bodies:
            value = self._value(place)
            content = value.get("content") if isinstance(value, dict) else None
            found = []
            for name in content if isinstance(content, dict) else ():
                at = self.resolved(place.below("content", name))
                has_schema = isinstance(self._value(at), dict) and "schema" in self._value(at)
                media_type = str(name).partition(";")[0].strip().lower()
                found.append(Content(media_type, at, at.below("schema") if has_schema else None))
            self._bodies[place] = tuple(found)
        return self._bodies[place]

    def _parameter_list(self, place: ContractPlace) -> list[ApiParameter]:
        value = self._value(place)
        found = []
        for index in range(len(value) if isinstance(value, list) else 0):
            at = self.resolved(place.below(str(index)))
            one = self._value(at)
            if isinstance(one, dict) and isinstance(one.get("name"), str) and one.get("in") in _STYLES:
                found.append(self._parameter(one, at))
        return found

    def _parameter(self, one: Mapping[str, Any], at: ContractPlace) -> ApiParameter:
        where: In = one["in"]
        style = one.get("style") if isinstance(one.get("style"), str) else _STYLES[where]
        explode = one.get("explode")
        schema, media_type = (at.below("schema") if "schema" in one else None), ""
        content = one.get("content")
        if isinstance(content, dict) and content:
            media_type = str(next(iter(content)))
            inside = at.below("content", media_type)
            schema = inside.below("schema") if "schema" in (self._value(inside) or {}) else None
        return ApiParameter(
            one["name"], where, at, one.get("required") is True, str(style),
            explode if isinstance(explode, bool) else style in ("form", "cookie"), one.get("deprecated") is True,
            schema, media_type,
        )  # fmt: skip

    # -- reading

    def _wrong(self, place: ContractPlace, message: str) -> ConfigError:
        return self.documents.problem(place, message)

    def _minor(self, value: Mapping[str, Any]) -> int:
        said = value.get("openapi")
        if "swagger" in value:
            raise self._wrong(
                self._top.below("swagger"), f"it is OpenAPI {value['swagger']}; convert it to 3.x, with swagger2openapi"
            )
        found = _VERSION.fullmatch(str(said))
        if said is None or found is None:
            told = "it has no `openapi`" if said is None else f"OpenAPI {said} is not known"
            raise self._wrong(self._top.below("openapi"), f"{told}; 3.0, 3.1 and 3.2 are")
        return int(found[1])

    def _servers(self, value: Mapping[str, Any]) -> tuple[str, ...]:
        """The paths of its servers, their variables filled in by default."""
        servers = value.get("servers")
        known = [
            server for server in (servers if isinstance(servers, list) else ())
            if isinstance(server, dict) and isinstance(server.get("url"), str)
        ]  # fmt: skip
        return tuple(dict.fromkeys(server_path(server_url(server)) for server in known))

    def _read_paths(self, value: Mapping[str, Any]) -> None:
        paths = value.get("paths")
        if paths is None and ("webhooks" in value or "components" in value):
            return  # 3.1 allows a document that only others use
        if not isinstance(paths, dict):
            raise self._wrong(self._top.below("paths"), "it has no `paths`")
        for path in paths:
            if path.startswith("/"):
                self._read_path(path)

    def _read_path(self, path: str) -> None:
        try:
            place = self.resolved(self._top.below("paths", path))
        except RecursionError:
            raise self._wrong(self._top.below("paths", path), "its $ref leads in a circle") from None
        value = self._value(place)
        if not isinstance(value, dict):
            raise self._wrong(place, "a path is a mapping of methods")
        operations = {}
        for method in METHODS:
            if isinstance(one := value.get(method), dict):
                operations[method.upper()] = _operation(method.upper(), path, place.below(method), one)
        more = value.get("additionalOperations")
        for method, one in more.items() if isinstance(more, dict) else ():
            if isinstance(one, dict):
                operations[method] = _operation(method, path, place.below("additionalOperations", method), one)
        item = PathItem(path, place, operations)
        self.items.append(item)
        self._tree.add(path, item, rest=self._rest(path, place, operations))

    def _rest(self, path: str, place: ContractPlace, operations: Mapping[str, ApiOperation]) -> str:
        """The last parameter of a path that may hold slashes: GitHub's `x-multi-segment`, and `allowReserved`."""
        last = _VARIABLE.fullmatch(path.rpartition("/")[2])
        if last is None:
            return ""
        lists = [place.below("parameters"), *(one.place.below("parameters") for one in operations.values())]
        for parameters in lists:
            for index in range(len(self._value(parameters) or ())):
                one = self._value(parameters.below(str(index)))
                if isinstance(one, dict) and one.get("name") == last[1] and one.get("in") == "path":
                    return last[1] if one.get("x-multi-segment") or one.get("allowReserved") else ""
        return ""


_STYLES: Final[dict[str, str]] = {
    "path": "simple", "query": "form", "header": "simple", "cookie": "form", "querystring": "form",
}  # fmt: skip


def _operation(method: str, path: str, place: ContractPlace, value: Mapping[str, Any]) -> ApiOperation:
    id = value.get("operationId")
    return ApiOperation(method, path, place, id if isinstance(id, str) else "", value.get("deprecated") is True)


def server_url(server: Mapping[str, Any]) -> str:
    """The URL of a server object, its variables filled in by their defaults."""
    variables = server.get("variables")
    known = variables if isinstance(variables, dict) else {}

    def default(match: re.Match[str]) -> str:
        variable = known.get(match[1])
        return str(variable.get("default", "")) if isinstance(variable, dict) else ""

    return _VARIABLE.sub(default, server["url"])


def server_path(url: str) -> str:
    """ "/v3" of "https://api.example/v3/"; a URL that cannot be read has none."""
    try:
        return urlsplit(url).path.rstrip("/")
    except ValueError:
        return ""


def no_contract(file: str, message: str) -> ConfigError:
    """A contract that cannot be read at all."""
    return ConfigError([Problem(file, 1, 1, "", message)])


def folder_reader(contents: Mapping[str, bytes]) -> ReadFile:
    """Files from memory, for tests and for what was fetched: a contract of one file, or of several. It raises OSError
    for a name that is not among them."""

    def read(name: str) -> bytes:
        if name not in contents:
            raise OSError(2, "No such file")
        return contents[name]

    return read
