"""Moves a cluster by changing one scalar of routes.yaml; every other byte stays as it was. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import ConfigError, NotFoundError, Problem, did_you_mean
from .parse import unbundle
from .validation import at
from .yaml import Node, meaning, read_nodes, read_text, surprise

BOM = b"\xef\xbb\xbf"
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Splice:
    """A file with one scalar changed, and the line (from 1) where it stands."""

    raw: bytes
    line: int
    before: str  # the environment that stood there


def move(raw: bytes, cluster: str, environment: str, *, name: str = "routes.yaml") -> bytes:
    """The file with `cluster` in `environment`."""
    return splice(raw, cluster, environment, name=name).raw


def splice(raw: bytes, cluster: str, environment: str, *, name: str = "routes.yaml") -> Splice:
    """Like `move`, with the place. ConfigError or NotFoundError says why it cannot be done."""
    text, problems = read_text(raw, name)
    root, more = (None, []) if problems else read_nodes(text, name)
    if root is None or problems or more:
        raise ConfigError([*problems, *more], hint="mend the file first: gateway check")
    if root.get("include") is not None and at(root, "clusters", cluster) is None:
        raise NotFoundError(f"the cluster '{cluster}' is not written in {name}", hint="look into the files it includes")
    node = _scalar(root, cluster, name)
    _refuse_shared(root, node, cluster)
    lead = BOM if raw.startswith(BOM) else b""
    source = text[node.start : node.end].rstrip()  # a block scalar reaches to the next line
    changed = text[: node.start] + _quoted(source, environment) + text[node.start + len(source) :]
    _check(changed, cluster, environment, node)
    return Splice(lead + changed.encode(), node.line, node.text)


def _check(changed: str, cluster: str, environment: str, node: Node) -> None:
    """Read the change back: a scalar may stand where no other one fits (an empty one, for instance)."""
    root, problems = read_nodes(changed, node.file)
    found = at(root, "clusters", cluster, "environment")
    if problems or found is None or found.text.strip() != environment:
        message = f"'{environment}' cannot be put here without changing more; edit the line by hand"
        raise ConfigError([node.problem(f"clusters.{cluster}.environment", message)])


def _scalar(root: Node, cluster: str, name: str) -> Node:
    clusters = at(root, "clusters")
    found = at(clusters, cluster)
    if found is None:
        known = [key.text for key, _ in clusters.entries()] if clusters is not None else []
        hint = f"the clusters are {', '.join(known)}"
        raise NotFoundError(f"there is no cluster '{cluster}'{did_you_mean(cluster, known)}", where=name, hint=hint)
    node = at(found, "environment")
    if node is None or node.kind != "scalar":
        place = node or found
        raise ConfigError([place.problem(f"clusters.{cluster}.environment", "it is not a word that could be changed")])
    return node


def _refuse_shared(root: Node, node: Node, cluster: str) -> None:
    """A scalar that other places repeat would move more than one cluster."""
    above = [at(root, "clusters"), at(root, "clusters", cluster)]
    path = f"clusters.{cluster}.environment"
    own = above[1]
    written_here = own is not None and any(value is node for _, value in own.pairs)
    if node.anchored or node.aliased or not written_here or any(one is not None and one.aliased for one in above):
        raise ConfigError(
            [_shared(node, path)], hint=f"write `environment: {node.text}` into the cluster itself, then move it"
        )
    if "${" in node.text:
        message = f"it comes from a variable, {node.text}; change that, or write the environment itself here"
        raise ConfigError([node.problem(path, message)])


def _shared(node: Node, path: str) -> Problem:
    return node.problem(
        path, "its environment is shared by an anchor (&) or alias (*), so one change would move others too"
    )


def _quoted(source: str, word: str) -> str:
    """The new word in the quotes of the old one."""
    if source.startswith('"'):
        return f'"{word}"'
    if source.startswith("'"):
        return f"'{word}'"
    is_text = PLAIN.fullmatch(word) and not surprise(word) and isinstance(meaning(word), str)
    return word if is_text and not source.startswith(("|", ">")) else f'"{word}"'


def place_of(text: str, cluster: str, *, name: str) -> tuple[str, int] | None:
    """(file, line) in a revision's text; None where the environment is not written down."""
    raw, included = unbundle(text)
    for file, content in ((name, raw), *included.items()):
        root, _ = read_nodes(read_text(content, file)[0], file)
        found = at(root, "clusters", cluster, "environment")
        if found is not None:
            return file, found.line
    return None
