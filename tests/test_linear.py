"""Every expression of the package takes linear time, whatever a stranger sends: a body, a header, a file to import."""

import ast
import importlib
import pkgutil
import re
from functools import cache
from pathlib import Path

import pytest
from backtracking import superlinear

import gateway

PACKAGE = Path(gateway.__file__).parent
METHODS = {"search", "match", "fullmatch", "finditer", "findall", "sub", "subn", "split"}


@cache
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


def patterns_in(value: object, depth: int = 0) -> list[re.Pattern]:
    if isinstance(value, re.Pattern):
        return [value]
    if isinstance(value, dict) and depth < 3:
        return [found for each in value.values() for found in patterns_in(each, depth + 1)]
    if isinstance(value, list | tuple | set | frozenset) and depth < 3:
        return [found for each in value for found in patterns_in(each, depth + 1)]
    return []


def compiled() -> dict[tuple[str, int], tuple[re.Pattern, str]]:
    """(expression, flags) -> (pattern, "module.NAME") of all that modules hold."""
    found = {}
    for info in pkgutil.walk_packages([str(PACKAGE)], "gateway."):
        if info.name.endswith("__main__"):
            continue
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            for pattern in patterns_in(value):
                found.setdefault((str(pattern.pattern), pattern.flags), (pattern, f"{info.name}.{name}"))
    return found


def written() -> dict[tuple[str, int], tuple[re.Pattern, str]]:
    """The same of calls such as re.sub("...", ...) and re.compile("...").match(...) within functions."""
    found = {}
    for path, tree in trees().items():
        within = {id(node) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) for node in ast.walk(node)}
        called = {
            id(node.func.value): node.func.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                continue
            owner, first = node.func.value, node.args[0]
            if not (isinstance(owner, ast.Name) and owner.id == "re" and node.func.attr in METHODS | {"compile"}):
                continue
            if isinstance(first, ast.Constant) and isinstance(first.value, str | bytes):
                flags = re.IGNORECASE if any("IGNORECASE" in ast.dump(arg) for arg in node.args[2:]) else 0
                pattern = re.compile(first.value, flags)
                where = f"{path.relative_to(PACKAGE)}:{node.lineno}"
                if node.func.attr == "compile" and id(node) not in within:
                    continue  # a constant
                method = called.get(id(node), "search") if node.func.attr == "compile" else node.func.attr
                found.setdefault((str(first.value), pattern.flags), (pattern, f"{where} re.{method}"))
    return found


# Used through a variable, and only to match whole texts.
WHOLE = {
    "gateway.export.openapi.schema_inference._FORMATS", "gateway.export.openapi.schema_inference._KEYS", "gateway.model.path_templates._FILE", "gateway.model.path_templates._VERB",
    "gateway.model.path_templates._ODATA", "gateway.replay.differences.header_kinds.REQUEST_ID", "gateway.replay.differences.header_kinds.CACHE",
    "gateway.replay.differences.header_kinds.TIMING", "gateway.replay.differences.header_kinds.LIMITS", "gateway.replay.differences.header_kinds.MACHINES",
    *(f"gateway.replay.differences.value_kinds.{name}" for name in ("UUID", "ULID", "LONG_HASH", "HEX", "TOKEN", "BASE64", "PREFIXED", "COUCH", "LSN")),
    "gateway.routes.yaml.SURPRISES",
}  # fmt: skip
# Quadratic, and only ever asked about a text whose length was checked before.
BOUNDED = {
    "gateway.store.postgres.dialect.RULES": "the statements of the store, which are ours",
    "gateway.correlation.declarations.WRITTEN": "4,096 characters", "gateway.model.bodies.NAMED_INSIDE": "1,024 bytes",
    "gateway.redact.preview.NAME_BEFORE": "120 bytes", "gateway.redact.preview.SEALED_PEM": "400 bytes",
}  # fmt: skip


@cache
def uses() -> dict[Path, tuple[dict[str, set[str]], set[tuple[str, str]]]]:
    """Of each file: the methods that are called on a name, and what it imports as (last part of the module, name)."""
    found = {}
    for path, tree in trees().items():
        called: dict[str, set[str]] = {}
        imported = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in METHODS:
                owner = node.value.value if isinstance(node.value, ast.Subscript) else node.value
                if isinstance(owner, ast.Name):
                    called.setdefault(owner.id, set()).add(node.attr)
            elif isinstance(node, ast.ImportFrom):
                imported |= {((node.module or "").rpartition(".")[2], alias.name) for alias in node.names}
        found[path] = called, imported
    return found


def methods_of(where: str) -> frozenset[str]:
    """How the expression of a constant is used, in its module and in those that import it."""
    module, _, name = where.rpartition(".")
    if where in WHOLE:
        return frozenset({"fullmatch"})
    used = set()
    for path, (called, imported) in uses().items():
        own = ".".join(("gateway", *path.relative_to(PACKAGE).with_suffix("").parts)) == module
        if own or (module.rpartition(".")[2], name) in imported:
            used |= called.get(name, set())
    return frozenset(used)


EXPRESSIONS = {**written(), **compiled()}
CASES = [(pattern, where) for pattern, where in EXPRESSIONS.values() if where not in BOUNDED]


def test_steps_grow_with_the_text():
    assert len(CASES) > 400
    bad = []
    for pattern, where in CASES:
        methods = frozenset((where.rpartition(".")[2],)) if " re." in where else methods_of(where)
        if found := superlinear(pattern, methods, most=3):
            bad.append((where, pattern.pattern, found))
    assert bad == []


@pytest.mark.parametrize(
    ("expression", "bad"),
    [
        (rb"(\\*)(?:\"|[\r\n])", True), (rb"(a+)+$", True), (rb"<!\[CDATA\[(.*?)\]\]>", True), (rb"\s+$", True),
        (rb"content-disposition:[^\r\n]*?;name=x", True), (rb"(\w+\s*)*:", True), (rb"a.*b.*c.*d", True),
        (rb"[a-z]+@", True), (rb"[\r\n\"]", False), (rb"\"(?:[^\"\\]|\\.)*+\"?", False), (rb"^[a-z]+:", False),
        (rb"(?<![a-z])[a-z]{2,40}+=", False), (rb"a{1,30}b", False),
    ],
)  # fmt: skip
def test_the_counter_tells_bad_expressions_from_good_ones(expression, bad):
    assert bool(superlinear(re.compile(expression), frozenset())) is bad
