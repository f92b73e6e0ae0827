"""Moves a cluster that a Python file of `gateway run` declares: one word of it changes, or is added. Pure."""

from __future__ import annotations

import ast
from typing import Final

from ..errors import ConfigError, NotFoundError, Problem, did_you_mean
from .edit import Splice

DECLARES: Final = "cluster"  # the function by which a file declares one
HOME: Final = "environment"
HINT: Final = "write the environment into the cluster's own line"


def splice_python(raw: bytes, cluster: str, environment: str, *, name: str) -> Splice:
    """The file with `cluster("orders", ..., environment="qa")`, every other byte as it was. ConfigError or
    NotFoundError says why it cannot be done."""
    try:
        tree = ast.parse(raw)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", 1) or 1
        raise ConfigError([Problem(name, line, 1, "", str(error))], hint="mend the file first") from None
    calls = {_name(node): node for node in ast.walk(tree) if isinstance(node, ast.Call) and _name(node)}
    found = calls.get(cluster)
    if found is None:
        near = did_you_mean(cluster, calls)
        raise NotFoundError(f'{name} has no cluster("{cluster}", ...) with its name written out{near}', hint=HINT)
    home = next((each.value for each in found.keywords if each.arg == HOME), None)
    if home is None:
        return _added(raw, found, environment)
    if not isinstance(home, ast.Constant) or not isinstance(home.value, str) or home.lineno != home.end_lineno:
        message = "its environment is worked out by the program, not written there"
        raise ConfigError([Problem(name, home.lineno, home.col_offset + 1, HOME, message)], hint=HINT)
    start, end = _index(raw, home.lineno, home.col_offset), _index(raw, home.lineno, home.end_col_offset or 0)
    quote = "'" if raw[start:end].startswith(b"'") else '"'
    return Splice(raw[:start] + f"{quote}{environment}{quote}".encode() + raw[end:], home.lineno, home.value)


def _name(call: ast.Call) -> str:
    """The name of the cluster that a call declares, "" when it declares none."""
    function = call.func
    called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    first = call.args[0] if call.args else None
    named = isinstance(first, ast.Constant) and isinstance(first.value, str)
    return str(first.value) if called == DECLARES and named and isinstance(first, ast.Constant) else ""


def _added(raw: bytes, call: ast.Call, environment: str) -> Splice:
    """Behind the name, which every call has."""
    first = call.args[0]
    line = first.end_lineno or first.lineno
    at = _index(raw, line, first.end_col_offset or 0)
    after = call.args[1:]
    if after:  # positional values stay before the named one
        line = after[-1].end_lineno or line
        at = _index(raw, line, after[-1].end_col_offset or 0)
    return Splice(raw[:at] + f', {HOME}="{environment}"'.encode() + raw[at:], line, "")


def _index(raw: bytes, line: int, column: int) -> int:
    """Of a place in the file, whose columns count bytes of UTF-8 and whose lines end as Python's do."""
    at = 0
    for _ in range(line - 1):
        at = raw.index(b"\n", at) + 1
    return at + column
