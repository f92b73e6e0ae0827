"""Notes as HTML: paragraphs, lists, **strong**, *stressed* and `code` of Markdown; everything else is text. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

_INLINE = re.compile(r"`([^`\n]+)`|\*\*(?=\S)([^*\n]+?)\*\*|\*(?=\S)([^*\n]+?)\*")
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ENTITY = re.compile(r"&(?=#|\w+;)")
_SCRIPTED = re.compile(r"(\]|\b(?:href|src)\s*+)([(=])(?=\s*+[\"']?\s*+(?:javascript|data|vbscript):)", re.IGNORECASE)
_ITEM = re.compile(r"\s{0,3}[-*+] +")


def prose(text: str) -> str:
    """No links and no HTML: a note cannot lead anywhere or run anything."""
    return "".join(_blocks(seen(text)))


def seen(text: str) -> str:
    """Without what cannot be seen or turns text around (controls, halves of characters, directions); lines stay."""
    return _UNSEEN.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def harmless(text: str) -> str:
    """A description of OpenAPI or Arazzo, which is Markdown: HTML in it is text, and no link of it runs anything."""
    told = _ENTITY.sub("&amp;", seen(text)).replace("<", "&lt;")
    return _SCRIPTED.sub(lambda found: rf"{found[1]}\{found[2]}", told)


def _blocks(text: str) -> Iterator[str]:
    for block in re.split(r"\n[ \t]*\n", text.strip()):
        lines = [line for line in block.split("\n") if line.strip()]
        if lines and all(_ITEM.match(line) for line in lines):
            items = (_inline(_ITEM.sub("", line, count=1)) for line in lines)
            yield f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"
        elif lines:
            yield f"<p>{'<br>'.join(map(_inline, lines))}</p>"


def _inline(line: str) -> str:
    out, at = [], 0
    for match in _INLINE.finditer(line):
        out.append(escape(line[at : match.start()]))
        tag, words = next(
            (tag, words) for tag, words in zip(("code", "strong", "em"), match.groups(), strict=True) if words
        )
        out.append(f"<{tag}>{escape(words)}</{tag}>")
        at = match.end()
    return "".join((*out, escape(line[at:])))
