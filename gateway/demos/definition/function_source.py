"""What the text of a step's function tells before it runs: its first call, what it returns, where values go. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from .parse_parts import placeholders
from .python_api import SESSION

# keyword of call() -> how a page names its part
PARTS: Final = {"json": "JSON /{}", "form": "form field {}", "query": "query {}", "headers": "header {}"}


@dataclass(frozen=True, slots=True)
class FunctionSource:
    """`call` is the first one as the page shows it, "" when its target is not written out; `needs` are the places of
    paths; `parts` says by value which parts of calls are made of it."""

    call: str = ""
    needs: frozenset[str] = frozenset()
    returns: tuple[str, ...] = ()
    parts: Mapping[str, tuple[str, ...]] | None = None
    is_async: bool = False


def sources_of(text: bytes) -> dict[int, FunctionSource]:
    """Every function of a module that compiles, by the line in which its code object begins."""
    found = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            found[first] = _source(node)
    return found


def _source(function: ast.FunctionDef | ast.AsyncFunctionDef) -> FunctionSource:
    calls = sorted(
        (node for node in _inside(function) if isinstance(node, ast.Call) and _is_call(node)),
        key=lambda node: (node.lineno, node.col_offset),
    )
    arguments = function.args
    names = {each.arg: each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    names.pop(SESSION, None)
    names |= _from_session(function)
    parts: dict[str, list[str]] = {}
    needs: set[str] = set()
    for node in calls:
        given = {each.arg for each in node.keywords}
        if isinstance(node.args[0], ast.Constant):
            wanted = placeholders(str(node.args[0].value)) - given
            needs |= wanted
            for name in sorted(wanted):
                parts.setdefault(name, []).append("path")
        for name, part in _parts(node, names):
            parts.setdefault(name, []).append(part)
    targets = [text for node in calls if (text := _target(node.args[0]))]
    return FunctionSource(
        call=targets[0] if targets else "",
        needs=frozenset(needs),
        returns=tuple(dict.fromkeys(_returned(function))),
        parts={name: tuple(dict.fromkeys(found)) for name, found in parts.items()},
        is_async=isinstance(function, ast.AsyncFunctionDef),
    )


def _inside(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function, those of functions within it left out."""
    for node in ast.iter_child_nodes(function):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield node
            yield from _inside(node)


def _is_call(node: ast.Call) -> bool:
    if not node.args:
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name == "call"


def _target(node: ast.expr) -> str:
    """ "GET orders:/orders/{id}" of a text or an f-string; "" of anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if not isinstance(node, ast.JoinedStr):
        return ""
    return "".join(
        str(each.value) if isinstance(each, ast.Constant) else "{" + _word(each) + "}" for each in node.values
    )


def _word(node: ast.expr) -> str:
    """What stands for a worked out value: its name, its key, or `value`."""
    inner = node.value if isinstance(node, ast.FormattedValue) else node
    if isinstance(inner, ast.Name):
        return inner.id
    if (
        isinstance(inner, ast.Subscript)
        and isinstance(inner.slice, ast.Constant)
        and str(inner.slice.value).isidentifier()
    ):
        return str(inner.slice.value)
    return "value"


def _from_session(function: ast.AST) -> dict[str, str]:
    """Local names that stand for a value of the session: token = session["token"]."""
    found = {}
    for node in _inside(function):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            key = _session_key(node.value)
            if key:
                found[node.targets[0].id] = key
    return found


def _session_key(node: ast.AST) -> str:
    """The value that session["token"] or session.get("token") takes."""
    key: ast.AST | None = None
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == SESSION:
        key = node.slice
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
        owner = node.func.value
        key = node.args[0] if isinstance(owner, ast.Name) and owner.id == SESSION else None
    return str(key.value) if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""


def _parts(node: ast.Call, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(value, part of the call) as far as they are written out."""
    for name in sorted(set(_used(node.args[0], names))):
        yield name, "path"
    for keyword in node.keywords:
        pattern = PARTS.get(keyword.arg or "")
        if pattern is None:
            if keyword.arg not in (None, "body"):
                yield from ((name, "path") for name in sorted(set(_used(keyword.value, names))))
            continue
        yield from _members(keyword.value, pattern, names)


def _members(node: ast.expr, pattern: str, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Dict):
        pairs = [(key.value if isinstance(key, ast.Constant) else None, value)
                 for key, value in zip(node.keys, node.values, strict=True)]  # fmt: skip
    elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "dict":
        pairs = [(each.arg, each.value) for each in node.keywords]
    else:
        return
    for key, value in pairs:
        if key is None:
            continue
        for name in sorted(set(_used(value, names))):
            yield name, pattern.format(key)


def _used(node: ast.AST, names: Mapping[str, str]) -> Iterator[str]:
    """The fields and the session's values that stand in an expression."""
    for each in (node, *_inside(node)):
        if isinstance(each, ast.Name) and each.id in names:
            yield names[each.id]
        elif key := _session_key(each):
            yield key


def _returned(function: ast.AST) -> Iterator[str]:
    """The names of mappings that are returned, as far as they are written out."""
    for node in _inside(function):
        value = node.value if isinstance(node, ast.Return) else None
        if isinstance(value, ast.Dict):
            yield from (key.value for key in value.keys if isinstance(key, ast.Constant) and isinstance(key.value, str))
        elif isinstance(value, ast.Call) and getattr(value.func, "id", "") == "dict":
            yield from (each.arg for each in value.keywords if each.arg)
