"""Lists an origin under `cors.origins` by adding one line, or one item to a line; every other byte stays. Pure."""

from __future__ import annotations

import re

from ..errors import ConfigError
from .edit import BOM
from .validation import at
from .yaml import Node, read_nodes, read_text


def allow_origin(raw: bytes, origin: str, *, name: str = "routes.yaml") -> tuple[bytes, int]:
    """(the file with `origin` allowed, the line (from 1) that says so). ConfigError says why it cannot be done."""
    text, problems = read_text(raw, name)
    root, more = (None, []) if problems else read_nodes(text, name)
    if root is None or problems or more:
        raise ConfigError([*problems, *more], hint="mend the file first: gateway check")
    changed, line = _with_origin(text, root, f'"{origin}"')
    _check(changed, origin, root)
    return (BOM if raw.startswith(BOM) else b"") + changed.encode(), line


def _with_origin(text: str, root: Node, item: str) -> tuple[str, int]:
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


def _first_in(text: str, cors: Node, entry: str) -> tuple[str, int]:
    if text[cors.start] == "{":
        comma = ", " if cors.pairs else ""
        return text[: cors.start + 1] + entry + comma + text[cors.start + 1 :], cors.line
    first = cors.pairs[0][0]
    begin = text.rfind("\n", 0, first.start) + 1
    return text[:begin] + text[begin : first.start] + entry + _end_of_line(text) + text[begin:], first.line


def _into_flow(text: str, origins: Node, item: str) -> tuple[str, int]:
    if not origins.items:
        return text[: origins.start + 1] + item + text[origins.start + 1 :], origins.line
    last = origins.items[-1]
    return text[: last.end] + f", {item}" + text[last.end :], last.line


def _line_after(text: str, node: Node, line: str) -> tuple[str, int]:
    at = text.find("\n", node.end)
    if at < 0:
        return text + _end_of_line(text) + line, node.line + 1
    return text[: at + 1] + line + _end_of_line(text) + text[at + 1 :], node.line + 1


def _end_of_line(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _check(changed: str, origin: str, before: Node) -> None:
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
