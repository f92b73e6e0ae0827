"""routes.yaml: bytes in, a config or every problem at once out, each with its place. Pure."""

from __future__ import annotations

import hashlib
import re
import types
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ..errors import Problem, did_you_mean
from .schema import RoutesConfig
from .validation import at, check, texts
from .yaml import YamlNode, fill, is_merge, meaning, read_nodes, read_text, surprise


def keys_at(model: type[BaseModel], steps: Iterable[int | str]) -> list[str]:
    """The keys below a place; none where names are the author's own."""
    kind: Any = model
    for step in steps:
        kind = _below(kind, step)
    if not _is_model(kind):
        return []
    return [field.alias or name for name, field in kind.model_fields.items()]


def _below(kind: Any, step: int | str) -> Any:
    if _is_model(kind):
        fields = {field.alias or name: field.annotation for name, field in kind.model_fields.items()}
        return _bare(fields.get(str(step)))
    inner = get_args(kind)
    return _bare(inner[-1]) if inner else None


def _bare(kind: Any) -> Any:
    """Without Annotated and Optional."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        return _bare(next(one for one in get_args(kind) if one is not type(None)))
    return kind


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


Include = Callable[[str], Sequence[tuple[str, bytes]]]
INCLUDED = re.compile(r"^# ==== included: (.+) ====\n", re.MULTILINE)
EXTENSION = "x-"  # a key at the top that is the author's own, such as a place for anchors, as in Compose
INCLUDED_KEYS = ("version", "clusters", "include")


@dataclass(frozen=True, slots=True)
class ParsedRoutes:
    """`config` is None when there are problems. `text` is the file with what it includes; `revision` its sha256."""

    config: RoutesConfig | None
    problems: tuple[Problem, ...]
    text: str
    revision: str
    root: YamlNode | None = None


def parse(
    raw: bytes,
    *,
    name: str = "routes.yaml",
    variables: Mapping[str, str] | None = None,
    include: Include | None = None,
    own: tuple[str, int] | None = None,
) -> ParsedRoutes:
    """Read a routes.yaml. `variables` fill ${V}; `include` gives the files of a pattern as (name, bytes), or raises
    ValueError; `own` is where the gateway listens, which no upstream may be."""
    reader = Reader(variables or {}, include or _nothing)
    root = reader.read(raw, name, outermost=True)
    text = bundle(reader.texts)
    return reader.parsed(root, text, hashlib.sha256(text.encode()).hexdigest(), own=own)


def bundle(texts: Mapping[str, str]) -> str:
    """One text of routes.yaml and what it includes; `unbundle` takes it apart again."""
    outer, *included = texts.items() or [("", "")]
    return outer[1] + "".join(f"\n# ==== included: {name} ====\n{text}" for name, text in included)


def unbundle(text: str) -> tuple[bytes, dict[str, bytes]]:
    """routes.yaml, and the files that it includes by name."""
    outer, *rest = INCLUDED.split(text)
    if not rest:
        return outer.encode(), {}
    pieces = [outer, *rest[1::2]]
    pieces[:-1] = [piece.removesuffix("\n") for piece in pieces[:-1]]
    return pieces[0].encode(), dict(zip(rest[::2], (piece.encode() for piece in pieces[1:]), strict=True))


def parse_stored(text: str, *, name: str = "routes.yaml", variables: Mapping[str, str] | None = None) -> ParsedRoutes:
    """Read a stored revision: its text holds the very files that were included, whatever patterns named them."""
    raw, included = unbundle(text)
    return parse(raw, name=name, variables=variables, include=lambda pattern: list(included.items()))


def _nothing(pattern: str) -> Sequence[tuple[str, bytes]]:
    raise ValueError(f"'{pattern}' cannot be read here")


class Reader:
    """Collects texts, nodes and problems of a file and of what it includes."""

    def __init__(self, variables: Mapping[str, str], include: Include) -> None:
        self.variables, self.include = variables, include
        self.texts: dict[str, str] = {}  # by file name, the outermost first
        self.problems: list[Problem] = []
        self._places: set[tuple[str, int, int]] = set()

    def order(self, problem: Problem) -> tuple[int, int, int]:
        files = list(self.texts)
        return files.index(problem.file) if problem.file in files else len(files), problem.line, problem.column

    def add(self, problems: Iterable[Problem]) -> None:
        """One problem for each place: the first says enough."""
        for problem in problems:
            place = (problem.file, problem.line, problem.column)
            if place not in self._places:
                self._places.add(place)
                self.problems.append(problem)

    def parsed(self, root: YamlNode | None, text: str, revision: str, *, own: tuple[str, int] | None) -> ParsedRoutes:
        """What the nodes say, checked; or every problem, those of the reading too."""
        config = None
        if root is not None:
            config = self.validate(root)
            self.add(check(root, own=own))
        problems = tuple(sorted(self.problems, key=self.order))
        return ParsedRoutes(None if problems else config, problems, text, revision, root)

    def read(self, raw: bytes, name: str, *, outermost: bool = False, keys: Collection[str] = ()) -> YamlNode | None:
        """The tree of a file with those that it includes, None when it is none; with `keys` what others say is not
        looked at."""
        text, problems = read_text(raw, name)
        self.texts[name] = text
        self.add(problems)
        if problems:
            return None
        root, problems = read_nodes(text, name)
        self.add(problems)
        if root is None:
            return None
        if root.kind != "mapping":
            self.add(
                [root.problem("", f"expected a mapping with version, environments and clusters, found {root.what}")]
            )
            return None
        if keys:
            root = replace(root, pairs=[pair for pair in root.pairs if pair[0].text in keys or is_merge(pair[0])])
        self.fill(root)
        if not outermost:
            self._only_clusters(root)
        self._include(root)
        return root

    def fill(self, node: YamlNode, path: str = "") -> None:
        """Give every scalar its value. The tree is at most MAX_DEPTH deep."""
        for key, value in node.pairs:
            if not is_merge(key):
                below = f"{path}.{key.text}" if path else key.text
                if key.plain and (why := surprise(key.text) or _no_text(key.text)):
                    self.add([key.problem(below, why)])
                self.fill(value, below)
        for index, item in enumerate(node.items):
            self.fill(item, f"{path}[{index}]")
        if node.kind == "scalar":
            self._fill_scalar(node, path)

    def _fill_scalar(self, node: YamlNode, path: str) -> None:
        try:
            filled = fill(node.text, self.variables)
        except ValueError as error:
            self.add([node.problem(path, str(error))])
            node.value = None
            return
        if node.plain and filled is node.text and (why := surprise(node.text)):
            self.add([node.problem(path, why)])
        node.value = meaning(node.text) if node.plain and filled is node.text else filled

    def _only_clusters(self, root: YamlNode) -> None:
        for key, _ in root.entries():
            if key.text not in INCLUDED_KEYS and not key.text.startswith(EXTENSION):
                hint = f"; an included file has {', '.join(INCLUDED_KEYS)} only"
                self.add([key.problem(key.text, f"'{key.text}' belongs into the file that includes this one{hint}")])

    def _include(self, root: YamlNode) -> None:
        """Put the clusters of included files beside those of the including one."""
        for index, node in enumerate(texts(root.get("include"))):
            for name, raw in self._files(node, f"include[{index}]"):
                if name not in self.texts and (inner := self.read(raw, name)) is not None:
                    self._adopt(root, inner)

    def _files(self, node: YamlNode, path: str) -> Sequence[tuple[str, bytes]]:
        pattern = str(node.value)
        parts = PurePosixPath(pattern).parts
        if not parts or pattern.startswith("/") or ".." in parts or "\\" in pattern:
            self.add([node.problem(path, f"'{pattern}' must lie below the folder of this file")])
            return ()
        try:
            return self.include(pattern)
        except ValueError as error:
            self.add([node.problem(path, str(error))])
            return ()

    def _adopt(self, root: YamlNode, inner: YamlNode) -> None:
        found = inner.get("clusters")
        if found is None or found.kind != "mapping":
            return
        own = root.get("clusters")
        if own is None:
            own = YamlNode("mapping", root.file, root.line, root.column)
            root.pairs.append((YamlNode("scalar", root.file, root.line, root.column, text="clusters"), own))
        there = {key.text: key for key, _ in own.entries()}
        for key, cluster in found.entries():
            if (first := there.get(key.text)) is not None:
                message = f"the cluster '{key.text}' stands twice: here and in {first.file}:{first.line}"
                self.add([key.problem(f"clusters.{key.text}", message)])
            else:
                own.pairs.append((key, cluster))

    def validate(self, root: YamlNode) -> RoutesConfig | None:
        try:
            found = plain(root)
            return RoutesConfig.model_validate({key: found[key] for key in found if not key.startswith(EXTENSION)})
        except ValidationError as error:
            self.add(_problem(found, root) for found in error.errors(include_url=False, include_context=True))
            return None


def _no_text(text: str) -> str:
    value = meaning(text)
    if isinstance(value, str):
        return ""
    return f"the key '{text}' is no text to YAML; put it in quotes: \"{text}\""


def plain(node: YamlNode) -> Any:
    """The values without their places."""
    if node.kind == "mapping":
        return {key.text: plain(value) for key, value in node.entries()}
    if node.kind == "sequence":
        return [plain(item) for item in node.items]
    return node.value


def _problem(error: ErrorDetails, root: YamlNode) -> Problem:
    """A complaint of the models, in its place and in plain words."""
    steps = tuple(step for step in error["loc"] if step != "[key]")
    node, reached = _walk(root, steps)
    path = _dotted(steps[:reached] if reached < len(steps) and node.kind == "scalar" else steps)
    if error["type"] == "extra_forbidden":
        return _unknown_key(root, steps)
    if error["type"] == "missing":
        return node.problem(_dotted(steps[:-1]), f"'{steps[-1]}' is missing")
    return node.problem(path, _message(error, node))


def _unknown_key(root: YamlNode, steps: tuple[int | str, ...]) -> Problem:
    parent, _ = _walk(root, steps[:-1])
    key, known = str(steps[-1]), keys_at(RoutesConfig, steps[:-1])
    message = f"unknown key '{key}'" + (did_you_mean(key, known) or f"; known here: {', '.join(known)}")
    return (parent.key(key) or parent).problem(_dotted(steps), message)


def _walk(node: YamlNode, steps: Iterable[int | str]) -> tuple[YamlNode, int]:
    """The node that a complaint is about, or the deepest that exists, and how many steps led there."""
    count = 0
    for step in steps:
        below = node.item(step) if isinstance(step, int) else at(node, step)
        if below is None:
            break
        node, count = below, count + 1
    return node, count


def _dotted(steps: Iterable[int | str]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")


EXPECTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def _message(error: ErrorDetails, node: YamlNode) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if expected := EXPECTED.get(kind):
        return _expected(expected, node)
    if kind == "literal_error":
        return _not_one_of(node, str(context["expected"]))
    if kind == "value_error":
        return str(context["error"])
    if kind == "too_short":
        return "it is empty; at least one is needed"
    text = error["msg"].removeprefix("Input should be ")
    return f"{_shown(node)} must be {text}"


def _expected(expected: str, node: YamlNode) -> str:
    if expected == "text" and node.kind == "scalar" and node.value is not None:
        kind = "true or false" if isinstance(node.value, bool) else "a number"
        return f"'{node.text}' is {kind} to YAML; put it in quotes if it is text: \"{node.text}\""
    return f"expected {expected}, found {_shown(node)}"


def _shown(node: YamlNode) -> str:
    return f"'{node.text[:80]}'" if node.kind == "scalar" and node.text else node.what


def _not_one_of(node: YamlNode, expected: str) -> str:
    known = [word.strip("'") for word in re.split(r", | or ", expected)]
    many = f"one of {', '.join(known)}" if len(known) > 1 else known[0]
    return f"{_shown(node)} is not {many}{did_you_mean(node.text, known)}"
