"""XML over lines, for reading: elements one below the other, what stands in them as it is. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

LIMIT: Final = 1 << 20  # characters
DEEP: Final = 200  # elements in elements
# An attribute's value may hold ">" (XML 1.0, 2.4), so that a tag ends behind its quotes only.
_TAG: Final = re.compile(r"""<(/?)([^\s<>/"'!?]+)(?:[^<>"']|"[^"<]*"|'[^'<]*')*>""")
_OTHERS: Final = (("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>"), ("<!", ">"))


@dataclass(slots=True)
class _Element:
    """`opening` and `closing` are the tags as they were written; `inside` are elements and other pieces."""

    opening: str
    name: str
    inside: list[_Element | str] = field(default_factory=list)
    closing: str = ""


def pretty_xml(text: str, *, indent: str = "  ") -> str | None:
    """The elements of an XML text on lines of their own; None for what is no XML, too long, or nested too deeply.

    An element that holds text stays on its line, with all that is in it: the white space there belongs to its value.
    """
    start = text.lstrip("\ufeff \t\r\n")
    if len(text) > LIMIT or not re.match(r"<[\w?!]", start):
        return None
    root = _tree(start)
    if root is None:
        return None
    pieces = [one for one in root.inside if isinstance(one, _Element) or one.strip()]
    return "\n".join(line for one in pieces for line in _lines(one, 0, indent))


def _tree(text: str) -> _Element | None:
    """The pieces of the text below a root without tags; None where tags do not match."""
    root = _Element("", "")
    stack = [root]
    for piece, match in _pieces(text):
        if match is None:
            if not piece:
                return None
            stack[-1].inside.append(piece)
        elif match[1]:
            if len(stack) < 2 or stack[-1].name != match[2]:
                return None
            stack.pop().closing = piece
        else:
            element = _Element(piece, match[2])
            stack[-1].inside.append(element)
            if not piece.endswith("/>"):
                stack.append(element)
        if len(stack) > DEEP:
            return None
    elements = [one for one in root.inside if isinstance(one, _Element)]
    return root if len(stack) == 1 and len(elements) == 1 else None


def _pieces(text: str) -> Iterator[tuple[str, re.Match[str] | None]]:
    """Tags with their match, all else without; "" for what is not closed, and then no more."""
    at = 0
    while at < len(text):
        if text[at] != "<":
            end = text.find("<", at)
            end = len(text) if end < 0 else end
            yield text[at:end], None
            at = end
            continue
        closer = next((close for begin, close in _OTHERS if text.startswith(begin, at)), "")
        match = None if closer else _TAG.match(text, at)
        end = text.find(closer, at) + len(closer) if closer else match.end() if match else 0
        if end <= at:
            yield "", None
            return
        yield text[at:end], match
        at = end


def _lines(piece: _Element | str, depth: int, indent: str) -> Iterator[str]:
    space = indent * depth
    if isinstance(piece, str):
        yield space + piece.strip()
        return
    texts = [one for one in piece.inside if isinstance(one, str)]
    elements = len(texts) < len(piece.inside)
    if not piece.inside or not elements or any(_is_text(one) for one in texts):
        yield space + _raw(piece)
        return
    yield space + piece.opening
    for one in piece.inside:
        if isinstance(one, _Element) or one.strip():
            yield from _lines(one, depth + 1, indent)
    yield space + piece.closing


def _is_text(piece: str) -> bool:
    return bool(piece.strip()) and not piece.startswith(("<!--", "<?"))


def _raw(piece: _Element | str) -> str:
    if isinstance(piece, str):
        return piece
    return piece.opening + "".join(map(_raw, piece.inside)) + piece.closing
