"""The classes of headers stand in one module; nobody else writes such a list."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from gateway.model import headers

ROOT = Path(__file__).parents[2]
CLASSES = {name: value for name, value in vars(headers).items() if name.isupper() and isinstance(value, tuple)}
PLUMBING = frozenset((*headers.HOP_BY_HOP, *headers.FRAMING, *headers.TRACE, *headers.GATEWAY_REQUEST))
# The relay needs raw names, each with what becomes of it: a table of fates, not a class.
TABLES = {"gateway/model/headers.py", "gateway/proxy/header_rules.py"}


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_a_class_holds_lower_case_names_once(name: str) -> None:
    assert all(re.fullmatch(r"[a-z0-9-]+", each) for each in CLASSES[name])
    assert len(set(CLASSES[name])) == len(CLASSES[name])


def names_of(node: ast.AST) -> set[str]:
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        values = [each.value for each in node.elts if isinstance(each, ast.Constant)]
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        values = list(node.value.split())
    else:
        return set()
    return {each.lower() for each in values if isinstance(each, str)}


@pytest.mark.parametrize("file", sorted(ROOT.glob("gateway/**/*.py")), ids=lambda file: file.stem)
def test_nobody_else_lists_the_headers_of_a_hop_a_frame_or_a_trace(file: Path) -> None:
    if str(file.relative_to(ROOT)) in TABLES:
        return
    tree = ast.parse(file.read_text("utf-8"))
    slots = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Assign) and "__slots__" in ast.unparse(node)
    }
    for node in ast.walk(tree):
        if id(node) in slots:
            continue
        found = names_of(node) & PLUMBING
        assert len(found) < 3, f"line {getattr(node, 'lineno', 0)}: {sorted(found)}: take them from model/headers.py"


def test_the_names_that_line_breaks_had_cut_are_whole() -> None:
    volatile = (*headers.HOP_BY_HOP, *headers.RUN_IDS, *headers.QUOTAS)
    assert {"transfer-encoding", "x-amzn-requestid", "x-ratelimit-remaining"} <= set(volatile)
