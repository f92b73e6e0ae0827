"""Writes a what-if into demo.yaml; every byte that was there stays as it was. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import ConfigError, NotFoundError, Problem
from ...routes.yaml import YamlNode, place_of, read_nodes, read_text
from ..definition.schema import slug_of
from ..definition.yaml import Report, read_yaml
from .yaml_text import flow, key, member

BOM = b"\xef\xbb\xbf"
HINT = "write it into demo.yaml by hand"


@dataclass(frozen=True, slots=True)
class Preset:
    """demo.yaml with one what-if more, and the line (from 1) where it stands."""

    raw: bytes
    line: int


def with_what_if(raw: bytes, step: str, name: str, spec: Mapping[str, Any], *, file: str) -> Preset:
    """The file with `spec` as the last what-if `name` of a step (its slug); ConfigError says why it cannot be done."""
    text, problems = read_text(raw, file)
    root, more = (None, []) if problems else read_nodes(text, file)
    if root is None or problems or more:
        raise ConfigError([*problems, *more], hint="mend the file first: gateway demos check")
    node = _step(root, step, file)
    what_ifs = node.get("what_if")
    for each in (node, what_ifs):
        if each is not None and (each.anchored or each.aliased or each.merges):
            raise _not_here(each, "it is shared by an anchor (&), an alias (*) or <<")
    at, added = _addition(text, node, what_ifs, name, spec)
    lead = BOM if raw.startswith(BOM) else b""
    changed = lead + (text[:at] + added + text[at:]).encode()
    _check(raw, changed, step, name, spec, node)
    first = len(added) - len(added.lstrip("\r\n"))
    return Preset(changed, place_of(text[:at] + added, at + first)[0])


def _step(root: YamlNode, slug: str, file: str) -> YamlNode:
    steps = root.get("steps")
    for node in steps.items if steps is not None else ():
        title = node.get("title") if node.kind == "mapping" else None
        if title is not None and slug_of(title.text) == slug:
            return node
    raise NotFoundError(f"there is no step '{slug}'", where=file, hint="reload the page: demo.yaml has changed")


def _addition(
    text: str, step: YamlNode, what_ifs: YamlNode | None, name: str, spec: Mapping[str, Any]
) -> tuple[int, str]:
    """(index, text to put there)."""
    if what_ifs is None:
        if _is_flow(text, step):
            return _within(text, step, "what_if", {name: spec})
        return _below(text, step, [f"{' ' * (step.column - 1)}what_if:", *_entry(name, spec, step.column + 1, [])])
    if what_ifs.kind == "mapping" and _is_flow(text, what_ifs):
        return _within(text, what_ifs, name, spec)
    if what_ifs.kind == "scalar" and not what_ifs.text:
        return _line_after(text, _key(step, "what_if").end, _entry(name, spec, _key(step, "what_if").column + 1, []))
    if what_ifs.kind != "mapping" or not what_ifs.pairs:
        raise _not_here(what_ifs, "what_if is not a mapping")
    styles = [_is_flow(text, value) for _, value in what_ifs.pairs]
    return _below(text, what_ifs, _entry(name, spec, what_ifs.column - 1, styles))


def _entry(name: str, spec: Mapping[str, Any], indent: int, styles: list[bool]) -> list[str]:
    """Written like its neighbours: on one line, or a line for each verb."""
    return member(name, spec, indent, spread=bool(styles) and not any(styles))


def _within(text: str, node: YamlNode, name: str, spec: Any) -> tuple[int, str]:
    """Before the closing brace of { }."""
    end = node.end - 1
    body = text[node.start + 1 : end]
    last = max((_last(text, value) for _, value in node.pairs), default=node.start + 1)
    comma = "" if not node.pairs or "," in re.sub(r"#[^\n]*", "", text[last:end]) else ", "
    at = end - (len(body) - len(body.rstrip())) if "#" not in text[last:end] else end
    return at, f"{comma}{key(name)}: {flow(spec)}"


def _below(text: str, node: YamlNode, lines: list[str]) -> tuple[int, str]:
    """After the last line of a block mapping."""
    return _line_after(text, _last(text, node), lines)


def _line_after(text: str, at: int, lines: list[str]) -> tuple[int, str]:
    """After the line in which `at` lies; its own comment stays with it."""
    newline = "\r\n" if "\r\n" in text else "\n"
    if at and text[at - 1] == "\n":  # a block scalar reaches to the next line
        return at, "".join(line + newline for line in lines)
    end = text.find("\n", at)
    if end < 0:
        return len(text), "".join(newline + line for line in lines)
    return end + 1, "".join(line + newline for line in lines)


def _last(text: str, node: YamlNode) -> int:
    """Where the last thing of a node ends; what the parser calls a block's end is where the next one begins."""
    below = [value for _, value in node.pairs] or node.items
    if node.kind == "scalar" or not below or text[node.start : node.start + 1] in ("{", "["):
        return node.end
    return _last(text, below[-1])


def _is_flow(text: str, node: YamlNode) -> bool:
    return text[node.start : node.start + 1] == "{"


def _key(node: YamlNode, name: str) -> YamlNode:
    found = node.key(name)
    assert found is not None, "its value was found"
    return found


def _check(raw: bytes, changed: bytes, step: str, name: str, spec: Mapping[str, Any], node: YamlNode) -> None:
    """Read both back: nothing but the new what-if may have come."""
    before, after = (_plain(each) for each in (raw, changed))
    for each in before["steps"]:
        if isinstance(each, dict) and slug_of(str(each.get("title", ""))) == step:
            if name in (each.get("what_if") or {}):
                raise _not_here(node, f"there is a what-if '{name}' already; give it another name")
            each["what_if"] = {**(each.get("what_if") or {}), name: _listed(spec)}
            break
    if before != after:
        raise _not_here(node, "the what-if cannot be put here without changing more")


def _listed(value: Any) -> Any:
    """As YAML gives it back: lists, never tuples."""
    if isinstance(value, Mapping):
        return {name: _listed(item) for name, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, list | tuple) else value


def _plain(raw: bytes) -> Any:
    root = read_yaml(raw, Report(""))
    return root.plain() if root is not None else {"steps": ()}


def _not_here(node: YamlNode, message: str) -> ConfigError:
    problem: Problem = node.problem("what_if", message)
    return ConfigError([problem], hint=HINT)
