"""Moves a cluster by changing one scalar of routes.yaml; every other byte stays as it was. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from ..errors import ConfigError, NotFoundError, Problem, did_you_mean
from .parse import unbundle
from .validation import at
from .yaml import YamlNode, meaning, read_nodes, read_text, surprise

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
    lead = BOM if raw.startswith(BOM) else b""
    found = at(root, "clusters", cluster)
    if found is not None and found.kind == "mapping" and found.pairs and found.get("environment") is None:
        return _written(lead, text, found, cluster, environment)
    node = _scalar(root, cluster, name)
    _refuse_shared(root, node, cluster)
    source = text[node.start : node.end].rstrip()  # a block scalar reaches to the next line
    changed = text[: node.start] + _quoted(source, environment) + text[node.start + len(source) :]
    _check(changed, cluster, environment, node)
    return Splice(lead + changed.encode(), node.line, node.text)


def _written(lead: bytes, text: str, found: YamlNode, cluster: str, environment: str) -> Splice:
    """The file with a line more, where it did not say where the cluster lives, as a file of `gateway run` need not."""
    path = f"clusters.{cluster}"
    if found.anchored or found.aliased:
        raise ConfigError([found.problem(path, "it is shared by an anchor (&) or alias (*); edit it by hand")])
    changed, line = _first_in(text, found, f"environment: {_quoted('', environment)}")
    _check(changed, cluster, environment, found)
    return Splice(lead + changed.encode(), line, "")


def _check(changed: str, cluster: str, environment: str, node: YamlNode) -> None:
    """Read the change back: a scalar may stand where no other one fits (an empty one, for instance)."""
    root, problems = read_nodes(changed, node.file)
    found = at(root, "clusters", cluster, "environment")
    if problems or found is None or found.text.strip() != environment:
        message = f"'{environment}' cannot be put here without changing more; edit the line by hand"
        raise ConfigError([node.problem(f"clusters.{cluster}.environment", message)])


def _scalar(root: YamlNode, cluster: str, name: str) -> YamlNode:
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


def _refuse_shared(root: YamlNode, node: YamlNode, cluster: str) -> None:
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


def _shared(node: YamlNode, path: str) -> Problem:
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


@lru_cache(maxsize=4)
def places_of(text: str, name: str) -> Mapping[str, tuple[str, int]]:
    """By cluster, the (file, line) of a revision's text that says where it lives: what a move would change."""
    raw, included = unbundle(text)
    found: dict[str, tuple[str, int]] = {}
    for file, content in ((name, raw), *included.items()):
        root, _ = read_nodes(read_text(content, file)[0], file)
        clusters = at(root, "clusters")
        for key, cluster in clusters.pairs if clusters is not None else ():
            where = at(cluster, "environment")
            if where is not None:
                found.setdefault(key.text, (file, where.line))
    return found


def allow_origin(raw: bytes, origin: str, *, name: str = "routes.yaml") -> tuple[bytes, int]:
    """(the file with `origin` allowed, the line (from 1) that says so). ConfigError says why it cannot be done."""
    text, problems = read_text(raw, name)
    root, more = (None, []) if problems else read_nodes(text, name)
    if root is None or problems or more:
        raise ConfigError([*problems, *more], hint="mend the file first: gateway check")
    changed, line = _with_origin(text, root, f'"{origin}"')
    _check_allowed(changed, origin, root)
    return (BOM if raw.startswith(BOM) else b"") + changed.encode(), line


def _with_origin(text: str, root: YamlNode, item: str) -> tuple[str, int]:
    cors, origins = at(root, "cors"), at(root, "cors", "origins")
    for node in (cors, origins):
        if node is not None and (node.anchored or node.aliased):
            raise ConfigError([node.problem("cors", "it is shared by an anchor (&) or alias (*); edit it by hand")])
    if cors is None:
        return _appended(text, f"cors: {{origins: [{item}]}}")
    if cors.kind != "mapping":
        raise ConfigError([cors.problem("cors", "it is not a mapping to which origins could be added")])
    if origins is None:
        return _first_in(text, cors, f"origins: [{item}]")
    if origins.kind != "sequence":
        raise ConfigError([origins.problem("cors.origins", "it is not a list to which an origin could be added")])
    if text[origins.start] == "[":
        return _into_flow(text, origins, item)
    last = origins.items[-1]
    dash = text.rindex("-", 0, last.start)
    return _line_after(text, last, text[text.rfind("\n", 0, dash) + 1 : dash] + f"- {item}")


def _appended(text: str, line: str) -> tuple[str, int]:
    """The line behind the last one, before the mark that ends a document."""
    end = _end_of_line(text)
    mark = re.search(r"^\.\.\.[ \t]*$", text, re.MULTILINE)
    cut = mark.start() if mark else len(text)
    before = text[:cut] + ("" if not text[:cut] or text[:cut].endswith(("\n", "\r")) else end)
    return before + line + end + text[cut:], before.count("\n") + 1


def _first_in(text: str, mapping: YamlNode, entry: str) -> tuple[str, int]:
    if text[mapping.start] == "{":
        comma = ", " if mapping.pairs else ""
        return text[: mapping.start + 1] + entry + comma + text[mapping.start + 1 :], mapping.line
    first = mapping.pairs[0][0]
    begin = text.rfind("\n", 0, first.start) + 1
    return text[:begin] + text[begin : first.start] + entry + _end_of_line(text) + text[begin:], first.line


def _into_flow(text: str, origins: YamlNode, item: str) -> tuple[str, int]:
    if not origins.items:
        return text[: origins.start + 1] + item + text[origins.start + 1 :], origins.line
    last = origins.items[-1]
    return text[: last.end] + f", {item}" + text[last.end :], last.line


def _line_after(text: str, node: YamlNode, line: str) -> tuple[str, int]:
    at = text.find("\n", node.end)
    if at < 0:
        return text + _end_of_line(text) + line, node.line + 1
    return text[: at + 1] + line + _end_of_line(text) + text[at + 1 :], node.line + 1


def _end_of_line(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _check_allowed(changed: str, origin: str, before: YamlNode) -> None:
    """Read the change back: the origin is listed, and nothing else is another."""
    root, problems = read_nodes(changed, before.file)
    found = at(root, "cors", "origins")
    listed = [one.text for one in found.items] if found is not None else []
    had = at(before, "cors", "origins")
    expected = [*(one.text for one in had.items), origin] if had is not None else [origin]
    same = root is not None and {key.text for key, _ in root.entries()} == {
        *(key.text for key, _ in before.entries()),
        "cors",
    }
    if problems or listed != expected or not same:
        message = f"'{origin}' cannot be added without changing more; write it under cors.origins by hand"
        raise ConfigError([before.problem("cors.origins", message)])
