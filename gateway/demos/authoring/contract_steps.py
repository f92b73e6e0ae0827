"""Steps of a demo from a contract: create, read, change, delete of every tag, with fields that fit. Pure.

A value that a response gives is kept for the paths that need it, by the contract's `links`, else by names: the `id` of
POST /orders for `{orderId}`. What-ifs are those that the contract documents; each says that nobody has seen it yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from ...contracts.contract import ApiOperation, ApiParameter, Contract
from ...contracts.document import ContractPlace
from ...errors import ConfigError
from ...model.singular import singular
from ..definition.parse_parts import METHODS
from ..definition.schema import slug_of
from .contract_fields import ContractForms, StepForm, value_name
from .yaml_text import flow, member

MOST_STEPS: Final = 500
UNSEEN: Final = "From the contract, not seen yet: "
_PLACE: Final = re.compile(r"\{([^{}]+)\}")
_ORDER: Final = {"POST": 0, "GET": 1, "PUT": 2, "PATCH": 3, "DELETE": 4}
_TOKENS: Final = ("access_token", "token", "jwt", "id_token")


@dataclass(frozen=True, slots=True)
class ContractStep:
    """A step as text of demo.yaml, without the line that names its hash. `id` is the operation's, made a word."""

    id: str
    title: str
    lines: tuple[str, ...]

    @property
    def hash(self) -> str:
        """Of its own text: a step whose text still has it was not edited."""
        return hash_of(self.lines)

    @property
    def text(self) -> list[str]:
        """Its lines with the comment before them."""
        return [f"  # contract: {self.id} {self.hash}", *self.lines]


def hash_of(lines: Sequence[str]) -> str:
    """Eight hexadecimal digits of a step's text; blank lines at its end do not count."""
    return sha256("\n".join(lines).rstrip().encode("utf-8", "replace")).hexdigest()[:8]


def steps_of(contract: Contract, cluster: str, *, tag: str = "") -> list[ContractStep]:
    """The steps of a contract in the order in which a reader tries them; of one tag, when it is too large for one
    demo."""
    return list(_Maker(contract, cluster).steps(tag))[:MOST_STEPS]


class _Maker:
    def __init__(self, contract: Contract, cluster: str) -> None:
        self._contract, self._cluster = contract, cluster
        self._forms = ContractForms(contract)
        self._titles: set[str] = set()
        self._ids: set[str] = set()
        self._login = ""
        self._shared = self._shared_places()

    def steps(self, tag: str) -> Iterator[ContractStep]:
        operations = [one for one in self._contract.operations if one.method in METHODS and "?" not in one.path]
        login = next(filter(self._gives_token, operations), None)
        if login is not None:
            yield from self._step(login)
            self._login = "token"
        groups: dict[str, list[ApiOperation]] = {}
        for one in operations:
            if one is not login and tag in ("", self._tag(one)):
                groups.setdefault(self._tag(one), []).append(one)
        ordered = [
            one for group in groups.values()
            for one in sorted(group, key=lambda one: (_collection(one.path), _rank(one)))
        ]  # fmt: skip
        for one in _without_orphans(ordered):
            yield from self._step(one)

    def _step(self, operation: ApiOperation) -> Iterator[ContractStep]:
        """One, or none of an operation whose part of the contract is broken."""
        try:
            made = self._made(operation)
        except (ConfigError, KeyError):
            return
        yield made

    def _made(self, operation: ApiOperation) -> ContractStep:
        path, names = self._path(operation)
        title = self._title(operation)
        form = self._forms.form(operation, names)
        verbs: dict[str, Any] = {"call": f"{operation.method} {self._cluster}:{path}"}
        about = self._said(operation, "summary")
        if about and about != title:
            verbs["about"] = about
        if form.fields:
            verbs["form"] = form.fields
        headers = form.headers | self._headers(operation)
        if form.query is not None:
            verbs["query"] = form.query
        if headers:
            verbs["headers"] = headers
        if form.send:
            verbs["send"] = form.send
        if form.body is not None or form.is_empty:
            verbs["body"] = form.body
        if keep := self._keep(operation):
            verbs["keep"] = keep
        if what_ifs := self._what_ifs(operation, names, form, headers):
            verbs["what_if"] = what_ifs
        lines = [f"  - title: {flow(title)}"]
        for verb, value in verbs.items():
            lines += ["    body:"] if value is None else member(verb, value, 4, spread=verb in ("form", "what_if"))
        return ContractStep(self._id(operation), title, tuple(lines))

    # -- names

    def _tag(self, operation: ApiOperation) -> str:
        tags = (self._contract.value(operation.place) or {}).get("tags")
        if isinstance(tags, list) and tags and isinstance(tags[0], str):
            return tags[0]
        return next((part for part in operation.path.split("/") if part and "{" not in part), "")

    def _title(self, operation: ApiOperation) -> str:
        words = self._said(operation, "summary") or _words_of(operation.id) or operation.label
        base = words[:70].strip().rstrip(".") or operation.label
        title, number = base if slug_of(base) else operation.label, 2
        while slug_of(title) in self._titles:
            title, number = f"{base} {number}", number + 1
        self._titles.add(slug_of(title))
        return title

    def _id(self, operation: ApiOperation) -> str:
        base = re.sub(r"[^\w.-]+", "-", operation.id or operation.label).strip("-")
        found, number = base, 2
        while found in self._ids:
            found, number = f"{base}-{number}", number + 1
        self._ids.add(found)
        return found

    def _said(self, operation: ApiOperation, word: str) -> str:
        value = self._contract.value(operation.place)
        text = value.get(word) if isinstance(value, dict) else None
        line = " ".join(text.split()) if isinstance(text, str) else ""
        return "".join(char for char in line if char.isprintable() and char not in "{}")[:200]

    def _path(self, operation: ApiOperation) -> tuple[str, dict[str, ApiParameter | None]]:
        """(the path with places that a demo can name, its parameters by those names)."""
        known = {one.name: one for one in self._contract.parameters(operation) if one.where == "path"}
        names: dict[str, ApiParameter | None] = {}

        def place(match: re.Match[str]) -> str:
            name = self._place(operation.path[: match.start()], match[1])
            names[name] = known.get(match[1])
            return f"{{{name}}}"

        return _PLACE.sub(place, operation.path).replace(" ", "%20"), names

    def _place(self, before: str, name: str) -> str:
        """The value of a place behind a piece of path: `uuid` of watches and of tags are two values."""
        thing = singular(_last_word(before))
        if name not in self._shared or name.lower().startswith(thing.lower()):
            return value_name(name)
        return value_name(f"{thing}_{name}")

    def _shared_places(self) -> set[str]:
        """Names that paths give to places behind different words."""
        found: dict[str, set[str]] = {}
        for one in self._contract.items:
            for match in _PLACE.finditer(one.path):
                found.setdefault(match[1], set()).add(singular(_last_word(one.path[: match.start()])))
        return {name for name, words in found.items() if len(words) > 1}

    # -- what flows

    def _keep(self, operation: ApiOperation) -> dict[str, str]:
        found: dict[str, str] = {}
        for status, rule in self._contract.responses(operation).items():
            if not status.startswith("2"):
                continue
            found |= self._linked(rule.place)
            schema = next((one.schema for one in rule.content if one.schema is not None), None)
            if schema is not None:
                found |= {name: at for name, at in self._named(operation, schema) if name not in found}
                if self._gives_token(operation) and (at := self._token(schema)):
                    found["token"] = at
        if not found and operation.method == "POST" and not self._says_json(operation):
            # Nothing is known of the response: what makes a thing nearly always says how it is called.
            found = {self._place(operation.path, name): f"$.{name}" for name in self._places_below(operation.path)
                     if value_name(name) == name}  # fmt: skip
        return found

    def _says_json(self, operation: ApiOperation) -> bool:
        """Whether the contract has a schema for what comes back."""
        contents = (one for status, rule in self._contract.responses(operation).items() if status.startswith("2")
                    for one in rule.content)  # fmt: skip
        return any("json" in one.media_type and one.schema is not None for one in contents)

    def _linked(self, place: ContractPlace) -> dict[str, str]:
        """Values by the contract's `links`."""
        value = self._contract.value(place)
        links = value.get("links") if isinstance(value, dict) else None
        found = {}
        for name in links if isinstance(links, dict) else ():
            link = self._contract.value(place.below("links", str(name)))
            parameters = link.get("parameters") if isinstance(link, dict) else None
            for parameter, source in parameters.items() if isinstance(parameters, dict) else ():
                last = str(parameter).rpartition(".")[2]
                if isinstance(source, str) and (at := json_path(source)):
                    found[self._target(link, last)] = at
        return found

    def _target(self, link: Any, name: str) -> str:
        """The value that a parameter of a link's operation is."""
        id = link.get("operationId") if isinstance(link, dict) else None
        path = next((one.path for one in self._contract.operations if id and one.id == id), "")
        before, found, _ = path.partition(f"{{{name}}}")
        return self._place(before, name) if found else value_name(name)

    def _named(self, operation: ApiOperation, schema: ContractPlace) -> Iterator[tuple[str, str]]:
        """The id of what was made or listed, for the places of the paths below it."""
        if operation.method not in ("POST", "GET") or operation.path.endswith("}"):
            return
        for name in dict.fromkeys(self._places_below(operation.path)):
            for members, before in self._objects(schema, "$"):
                words = (name, value_name(name), "id", "uuid", "key", "name")
                known = next((one for one in words if one in members), None)
                if known is not None and (
                    operation.method == "POST" or "[0]" in before or ".*" in before or not self._creates(operation)
                ):
                    yield self._place(operation.path, name), f"{before}.{known}"
                    break

    def _creates(self, operation: ApiOperation) -> bool:
        return any(one.method == "POST" and one.path == operation.path for one in self._contract.operations)

    def _places_below(self, path: str) -> Iterator[str]:
        for one in self._contract.items:
            rest = one.path.removeprefix(path.rstrip("/"))
            match = re.match(r"/\{([^{}/]+)\}", rest) if rest != one.path else None
            if match:
                yield match[1]

    def _objects(self, schema: ContractPlace, before: str) -> Iterator[tuple[Mapping[str, Any], str]]:
        """The members of a response's object, of the first of a list, and of what stands under `data` or `items`."""
        value = self._contract.value(schema)
        if not isinstance(value, dict):
            return
        members = self._forms.members(schema)
        if members:
            yield members, before
        if isinstance(value.get("additionalProperties"), dict) and not members and before == "$":
            yield from self._objects(self._contract.resolved(schema).below("additionalProperties"), "$.*")
        if isinstance(value.get("items"), dict):
            yield from self._objects(self._contract.resolved(schema).below("items"), f"{before}[0]")
        lists = [name for name, (place, _) in members.items() if "items" in (self._contract.value(place) or {})]
        for name in dict.fromkeys(("data", "items", "results", "result", *(lists if len(lists) == 1 else ()))):
            if name in members and before == "$" and re.fullmatch(r"\w+", name, re.ASCII):
                yield from self._objects(members[name][0], f"$.{name}")

    def _gives_token(self, operation: ApiOperation) -> bool:
        words = f"{operation.path} {operation.id}".lower()
        if operation.method != "POST" or not re.search(r"login|sign-?in|/token|authenticate|auth/", words):
            return False
        for status, rule in self._contract.responses(operation).items():
            schema = next((one.schema for one in rule.content if one.schema is not None), None)
            if status.startswith("2") and schema is not None and self._token(schema):
                return True
        return False

    def _token(self, schema: ContractPlace) -> str:
        for members, before in self._objects(schema, "$"):
            for name in _TOKENS:
                if name in members:
                    return f"{before}.{name}"
        return ""

    def _headers(self, operation: ApiOperation) -> dict[str, Any]:
        if not self._login or not self._is_guarded(operation):
            return {}
        return {"Authorization": "Bearer {{ token }}"}

    def _is_guarded(self, operation: ApiOperation) -> bool:
        """Whether a bearer token is asked for."""
        root = self._contract.documents.root.value
        own = (self._contract.value(operation.place) or {}).get("security", root.get("security"))
        schemes = self._contract.value(
            ContractPlace(self._contract.documents.root.name, ("components", "securitySchemes"))
        )
        for wanted in own if isinstance(own, list) else ():
            for name in wanted if isinstance(wanted, dict) else ():
                scheme = schemes.get(name) if isinstance(schemes, dict) else None
                if isinstance(scheme, dict) and (scheme.get("scheme") == "bearer" or scheme.get("type") == "oauth2"):
                    return True
        return False

    def _what_ifs(
        self, operation: ApiOperation, names: Mapping[str, Any], form: StepForm, headers: Mapping[str, Any]
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        statuses = set(self._contract.responses(operation))
        if "404" in statuses and names:
            last = list(names)[-1]
            found[f"unknown {_spoken(last)}"] = {
                "set": {last: "0"}, "expect": 404, "why": f"{UNSEEN}there is no such {_spoken(last)}."
            }  # fmt: skip
        refused = next((status for status in ("400", "422") if status in statuses), None)
        needed = [name for name in form.needed if name not in names]
        if refused and needed and form.body is None:
            found[f"without {_spoken(needed[0])}"] = {
                "unset": needed[0], "expect": int(refused), "why": f"{UNSEEN}{needed[0]} is required."
            }  # fmt: skip
        if "401" in statuses and "Authorization" in headers:
            why = f"{UNSEEN}nobody is signed in."
            found["without a credential"] = {"headers": {"Authorization": None}, "expect": 401, "why": why}
        return found


def _rank(operation: ApiOperation) -> int:
    """Create, list, read, change, delete."""
    return 2 * _ORDER.get(operation.method, 3) + operation.path.rstrip("/").endswith("}")


def _collection(path: str) -> str:
    return path.partition("/{")[0]


def _last_word(path: str) -> str:
    """The last part of a path that is no place: "/watch/{uuid}/" -> "watch"."""
    return next((part for part in reversed(path.split("/")) if part and "{" not in part), "")


def _without_orphans(ordered: Sequence[ApiOperation]) -> list[ApiOperation]:
    """What deletes a thing comes behind all that asks for its parts: at the end, the parts first."""
    late = [
        one for at, one in enumerate(ordered)
        if one.method == "DELETE" and any(other.path.startswith(f"{one.path}/") for other in ordered[at + 1 :])
    ]  # fmt: skip
    return [one for one in ordered if one not in late] + sorted(late, key=lambda one: -one.path.count("/"))


def _words_of(id: str) -> str:
    """ "createOrder" -> "Create order"."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_/.-]+", " ", id).strip().lower()
    return words[:1].upper() + words[1:]


def _spoken(name: str) -> str:
    return singular(re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name).lower()).replace(" id", " id") or name


def json_path(expression: str) -> str:
    """A keep rule for a runtime expression (OpenAPI 3.1 section 4.8.20.4); "" for what no rule can say."""
    if expression.startswith("$response.header."):
        return f"header:{expression.rpartition('.')[2]}"
    if not expression.startswith("$response.body#/"):
        return ""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in expression.partition("#/")[2].split("/")]
    if not all(re.fullmatch(r"\w+", part, re.ASCII) for part in parts):
        return ""
    return "$" + "".join(f"[{part}]" if part.isdecimal() else f".{part}" for part in parts)
