"""Routes out of the files of `gateway run`: each says its clusters, all of them make one table. I/O.

A file is YAML or Python, and also holds a demo, whose keys are not looked at here. What routes.yaml demands and a lone
file need not say is filled in: the version, the environments, a cluster's path, and where it lives.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from ..errors import Problem, did_you_mean
from .files import Loaded, Loading, Unreadable, look_at
from .parse import Reader, bundle
from .schema import ClusterConfig, RoutesConfig
from .yaml import YamlNode, is_merge, meaning, read_nodes

OUTER: Final = "gateway run"  # stands for a file that includes the named ones
FIRST: Final = "dev"  # the environment of an upstream that is a URL alone
ROUTES_KEYS: Final = tuple(RoutesConfig.model_fields)
CLUSTER_KEYS: Final = frozenset(ClusterConfig.model_fields)
URL: Final = re.compile(r"(?:https?://|\$\{)\S*", re.IGNORECASE)
FILES_BESIDE: Final = ("ca", "cert", "key")  # of an upstream's tls


@dataclass(frozen=True, slots=True)
class DeclaredCluster:
    """What a Python file says of one cluster (name None: of the table itself), and the line where it says so."""

    name: str | None
    keys: Any
    line: int


@dataclass(frozen=True, slots=True)
class DeclaredRoutes:
    """What a Python file says of routes; `watched` are the files that this came out of."""

    clusters: tuple[DeclaredCluster, ...] = ()
    problems: tuple[Problem, ...] = ()
    watched: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class RunFiles:
    """The files that were named, in their order, and who runs the Python ones of them."""

    files: tuple[Path, ...]
    declared: Callable[[Path, bytes | None], DeclaredRoutes]  # of a content, or of what is on disk
    shown: Callable[[Path], str]  # the name of a file, as a person here would type it

    @property
    def name(self) -> str:
        """All of them, for a sentence."""
        return ", ".join(map(self.shown, self.files))

    def load(
        self, *, environ: Mapping[str, str], own: tuple[str, int] | None = None,
        instead: Mapping[str, bytes] | None = None,
    ) -> Loaded:  # fmt: skip
        """What they say now; `instead` holds contents that count instead of those on disk, by name."""
        return _RunLoading(self, environ, own, instead or {}).load_all()


@dataclass(slots=True)
class _FileRoutes:
    """What one file says of routes: keys of the table, and clusters in the form of routes.yaml."""

    name: str
    keys: list[tuple[YamlNode, YamlNode]] = field(default_factory=list)
    clusters: list[tuple[YamlNode, YamlNode]] = field(default_factory=list)


class _RunLoading(Loading):
    """One load of them all."""

    def __init__(
        self, run: RunFiles, environ: Mapping[str, str], own: tuple[str, int] | None, instead: Mapping[str, bytes]
    ) -> None:
        super().__init__(run.files[0], environ, own, run.shown(run.files[0]), instead)
        self.run = run
        self.reader = Reader({}, self._include)

    def load_all(self) -> Loaded:
        parts = [self._of_python(file) if file.suffix == ".py" else self._of_yaml(file) for file in self.run.files]
        root = self._merged(parts)
        texts = {OUTER: _outer_text(root)} | _aligned(root)
        revision = hashlib.sha256(re.sub(r"\n\n+", "\n", bundle(texts)).encode()).hexdigest()
        self.reader.texts = dict.fromkeys([OUTER, *self.files], "")  # the order in which problems are listed
        parsed = self.reader.parsed(root, bundle(texts), revision, own=self.own)
        return self._compiled(parsed, list(parsed.problems))

    def _begin(self, file: Path) -> None:
        """What follows is said by this file."""
        self.folder, self.name = file.parent, self.run.shown(file)
        self.files[self.name] = file
        self.reader.variables, problems = self._variables()
        self.reader.add(problems)

    def _of_yaml(self, file: Path) -> _FileRoutes:
        self._begin(file)
        try:
            raw = self._read(self.name, file)
        except Unreadable as error:
            self.reader.add([Problem(self.name, 1, 1, "", str(error), code="absent")])
            return _FileRoutes(self.name)
        root = self.reader.read(raw, self.name, outermost=True, keys=ROUTES_KEYS)
        return self._part(root.entries() if root is not None else ())

    def _of_python(self, file: Path) -> _FileRoutes:
        self._begin(file)
        found = self.run.declared(file, self.instead.get(self.name))
        for path in (file, *found.watched):
            self.watched[path] = look_at(path)
        self.reader.add(found.problems)
        pairs: list[tuple[YamlNode, YamlNode]] = []
        clusters = YamlNode("mapping", self.name, 1, 1)
        for each in found.clusters:
            value = _node(each.keys, self.name, each.line)
            if each.name is None:
                pairs += [pair for pair in value.pairs if pair[0].text != "clusters"]
                continue
            key = YamlNode("scalar", self.name, each.line, 1, text=each.name, plain=True)
            if (first := clusters.key(each.name)) is not None:
                self.reader.add([key.problem(f"clusters.{each.name}", f"stands twice: here and in line {first.line}")])
                continue
            clusters.pairs.append((key, value))
        root = YamlNode("mapping", self.name, 1, 1, pairs=pairs)
        if clusters.pairs:
            pairs.append((YamlNode("scalar", self.name, 1, 1, text="clusters", plain=True), clusters))
        self.reader.fill(root)
        return self._part(pairs)

    def _part(self, pairs: Iterable[tuple[YamlNode, YamlNode]]) -> _FileRoutes:
        part = _FileRoutes(self.name)
        for key, value in pairs:
            if key.text != "clusters":
                part.keys.append((key, value))
            elif value.kind == "mapping":
                part.clusters = [(inner, _whole(inner, cluster)) for inner, cluster in value.entries()]
            else:
                self.reader.add([value.problem("clusters", f"expected a mapping, found {value.what}")])
        for _, cluster in part.clusters:
            self._place_files(cluster)
        return part

    def _place_files(self, cluster: YamlNode) -> None:
        """The files that a cluster names lie beside the file that names them, and not all of these in one folder."""
        named: list[YamlNode | None] = []
        upstreams = cluster.get("upstreams")
        for _, upstream in upstreams.entries() if upstreams is not None else ():
            tls = upstream.get("tls")
            named += [tls.get(key) for key in FILES_BESIDE] if tls is not None else []
        if (contract := cluster.get("contract")) is not None:
            others = contract.get("environments")
            named += [contract if contract.kind == "scalar" else contract.get("source")]
            named += [value for _, value in others.entries()] if others is not None else []
        for node in named:
            if node is not None and isinstance(node.value, str) and node.value and "://" not in node.value:
                node.text = str(self.folder.absolute() / node.value)
                node.value, node.plain = node.text, False

    def _merged(self, parts: Sequence[_FileRoutes]) -> YamlNode:
        root = YamlNode("mapping", OUTER, 1, 1)
        clusters = YamlNode("mapping", OUTER, 1, 1)
        orders: list[list[str]] = []
        for part in parts:
            order: list[str] = []
            self._merge(clusters, YamlNode("mapping", part.name, 1, 1, pairs=part.clusters), "clusters.")
            for key, value in part.keys:
                if key.text == "environments" and value.kind == "sequence":
                    order = [item.text for item in value.items]
                elif key.text not in ("version", "include"):
                    self._merge(root, YamlNode("mapping", part.name, 1, 1, pairs=[(key, value)]), "")
            orders += [order] if order else [_environments(cluster) for _, cluster in part.clusters]
        names = _one_order(orders)
        for key, cluster in clusters.pairs:
            _fill_defaults(key, cluster, names)
        head = _node({"version": 1, "environments": names or [FIRST]}, OUTER, 1).pairs
        root.pairs = [*head, *root.pairs, (_text("clusters", root), clusters)]
        return root

    def _merge(self, into: YamlNode, other: YamlNode, path: str) -> None:
        """Mappings member by member, lists one after the other; two texts must be the same."""
        for key, value in other.pairs:
            own, where = into.get(key.text), f"{path}{key.text}"
            if own is None:
                into.pairs.append((key, value))
            elif own.kind == value.kind == "mapping":
                self._merge(own, value, f"{where}.")
            elif own.kind == value.kind == "sequence":
                there = {item.text for item in own.items}
                own.items += [item for item in value.items if item.kind != "scalar" or item.text not in there]
            elif own.kind != value.kind or own.text != value.text:
                message = f"is not what {own.file}:{own.line} says"
                self.reader.add([value.problem(where, message)])


def _whole(key: YamlNode, cluster: YamlNode) -> YamlNode:
    """A cluster with `upstreams`, where it was a URL alone or has a URL for each environment."""
    if cluster.kind == "scalar" and cluster.value is not None:
        pair = (_text(FIRST, cluster), cluster)
        upstreams = YamlNode("mapping", cluster.file, cluster.line, cluster.column, pairs=[pair])
        return YamlNode("mapping", key.file, key.line, key.column, pairs=[(_text("upstreams", cluster), upstreams)])
    if cluster.kind != "mapping":
        return cluster
    own = [pair for pair in cluster.entries() if not _is_upstream(*pair)]
    found = [pair for pair in cluster.entries() if _is_upstream(*pair)]
    if not found:
        return replace(cluster, pairs=own, merges=False)
    listed = cluster.get("upstreams")
    if listed is None:
        first = found[0][0]
        own.append((_text("upstreams", first), YamlNode("mapping", first.file, first.line, first.column, pairs=found)))
    elif listed.kind == "mapping":
        own[:] = [pair if pair[1] is not listed else (pair[0], replace(listed, pairs=[*listed.pairs, *found]))
                  for pair in own]  # fmt: skip
    return replace(cluster, pairs=own, merges=False)


def _is_upstream(key: YamlNode, value: YamlNode) -> bool:
    """Whether a member of a cluster is an environment with its upstream: {qa: "https://qa.example"}."""
    if key.text in CLUSTER_KEYS or is_merge(key):
        return False
    if value.kind == "mapping":
        return value.get("url") is not None
    is_near = bool(did_you_mean(key.text, sorted(CLUSTER_KEYS)))  # of a key that is spelt wrong
    return value.kind == "scalar" and (bool(URL.fullmatch(value.text)) or not is_near)


def _environments(cluster: YamlNode) -> list[str]:
    upstreams = cluster.get("upstreams")
    return [key.text for key, _ in upstreams.entries()] if upstreams is not None else []


def _one_order(orders: Sequence[Sequence[str]]) -> list[str]:
    """All names once: a new one stands behind that which it followed where it was read."""
    found: list[str] = []
    for names in orders:
        at = 0
        for name in names:
            if name not in found:
                found.insert(at, name)
            at = found.index(name) + 1
    return found


def _fill_defaults(key: YamlNode, cluster: YamlNode, names: Sequence[str]) -> None:
    """A path of its name, and the first environment in which it has an upstream."""
    if cluster.kind != "mapping":
        return
    there = _environments(cluster)
    home = next((name for name in [*names, *there] if name in there), "")
    for name, text in (("environment", home), ("path", f"/api/{key.text}")):
        if text and cluster.get(name) is None:
            cluster.pairs.insert(0, (_text(name, key), _text(text, key, quoted=True)))


def _text(text: str, place: YamlNode, *, quoted: bool = False) -> YamlNode:
    return YamlNode("scalar", place.file, place.line, place.column, text=text, value=text, plain=not quoted)


def _node(value: Any, name: str, line: int) -> YamlNode:
    """A value of Python as nodes that all stand in one line of its file."""
    root, _ = read_nodes(json.dumps(value, ensure_ascii=True, default=str), name)
    waiting = [root] if root is not None else []
    while waiting:
        node = waiting.pop()
        node.line, node.column = line, 1
        node.value = meaning(node.text) if node.plain else node.text
        waiting += [each for pair in node.pairs for each in pair] + node.items
    return root or YamlNode("scalar", name, line, 1, plain=True)


# -- as text: what history stores, and reads again


def _outer_text(root: YamlNode) -> str:
    """The keys of the table as one line each, and an `include` that stands for the files."""
    lines = [f"{key.text}: {_flow(value)}" for key, value in root.pairs if key.text != "clusters"]
    return "\n".join([*lines, "include: [run]"]) + "\n"


def _aligned(root: YamlNode) -> dict[str, str]:
    """By file a line for each of its clusters, as far as possible that in which it says where the cluster lives."""
    lines: dict[str, list[str]] = {}
    clusters = root.get("clusters")
    for key, cluster in clusters.pairs if clusters is not None else ():
        home = cluster.get("environment")
        line = home.line if home is not None and home.file == key.file else key.line
        found = lines.setdefault(key.file, ["clusters:"])
        found += [""] * (line - 1 - len(found))
        found.append(f"  {json.dumps(key.text)}: {_flow(cluster)}")
    return {name: "\n".join(found) + "\n" for name, found in lines.items()}


def _flow(node: YamlNode) -> str:
    if node.kind == "mapping":
        return "{" + ", ".join(f"{json.dumps(key.text)}: {_flow(value)}" for key, value in node.entries()) + "}"
    if node.kind == "sequence":
        return "[" + ", ".join(map(_flow, node.items)) + "]"
    return node.text if node.plain and re.fullmatch(r"[\w.+-]*", node.text) else json.dumps(node.text)
