"""The Markdown of the shipped documentation as HTML: the part of CommonMark that docs/ uses, and tables. Pure.

Headings, paragraphs, lists, block quotes, fenced code, tables, links, pictures, code, bold and italic. Everything is
escaped: text never becomes markup. Comments are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from markupsafe import Markup, escape

from ..model.text import heading_anchor

ITEM: Final = re.compile(r"( {0,20})([-*]|\d{1,3}\.) (.*)")
# Spans are short and bounded: what is longer stays text.
INLINE: Final = re.compile(
    r"``(?P<codes>[^\n]{1,200}?)``|`(?P<code>[^`]{1,300})`"
    r"|!\[(?P<alt>[^\]]{0,200})\]\((?P<src>[^)\s]{1,200})\)"
    r"|\[(?P<text>[^\]]{1,200})\]\((?P<href>[^)\s]{1,200})\)"
    r"|\*\*(?P<bold>[^*]{1,300})\*\*|\*(?P<italic>[^*\s][^*]{0,300})\*|\\(?P<sign>[\\`*_|\[\]<>-])"
)


@dataclass(slots=True)
class Rendered:
    """A page: its title (the first heading), its sections as (anchor, words), and its HTML."""

    title: str = ""
    sections: list[tuple[str, str]] = field(default_factory=list)
    html: Markup = field(default_factory=Markup)


def render(text: str, address: Callable[[str], str] = str) -> Rendered:
    """The HTML of a document; `address` gives the target of a link or picture as a page has it."""
    page = Rendered()
    page.html = _blocks(_without_comments(text).split("\n"), page, address)
    return page


def _without_comments(text: str) -> str:
    kept, at = [], 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start)) >= 0:
        kept.append(text[at:start])
        at = end + 3
    return "".join((*kept, text[at:]))


def _blocks(lines: Sequence[str], page: Rendered, address: Callable[[str], str]) -> Markup:
    found, at = list[Markup](), 0
    while at < len(lines):
        line = lines[at]
        if not line.strip():
            at += 1
        elif line.startswith("```"):
            end = next((n for n in range(at + 1, len(lines)) if lines[n].startswith("```")), len(lines))
            found.append(Markup('<pre class="body" tabindex="0">{}</pre>').format("\n".join(lines[at + 1 : end])))
            at = end + 1
        elif line.startswith("#"):
            found.append(_heading(line, page, address))
            at += 1
        elif line.startswith("|") and at + 1 < len(lines) and not lines[at + 1].strip("|-: "):
            end = _until(lines, at, lambda one: not one.startswith("|"))
            found.append(_table(lines[at:end], address))
            at = end
        elif line.startswith(">"):
            end = _until(lines, at, lambda one: not one.startswith(">"))
            inner = [one[1:].removeprefix(" ") for one in lines[at:end]]
            found.append(Markup("<blockquote>{}</blockquote>").format(_blocks(inner, page, address)))
            at = end
        elif ITEM.match(line):
            end = _end_of_list(lines, at)
            found.append(_list(lines[at:end], page, address))
            at = end
        else:
            end = _until(lines, at, _ends_paragraph)
            found.append(Markup("<p>{}</p>").format(_inline("\n".join(lines[at:end]), address)))
            at = end
    return Markup("\n").join(found)


def _until(lines: Sequence[str], at: int, ends: Callable[[str], bool]) -> int:
    """The index of the first line behind `at` that ends a block."""
    return next((n for n in range(at + 1, len(lines)) if ends(lines[n])), len(lines))


def _end_of_list(lines: Sequence[str], at: int) -> int:
    """A blank line ends a list unless one that is indented, or an item, comes behind it."""
    for n in range(at + 1, len(lines)):
        if _ends_list(lines[n]) and (lines[n].strip() or n + 1 == len(lines) or _ends_list(lines[n + 1])):
            return n
    return len(lines)


def _ends_list(line: str) -> bool:
    return not (line.startswith(" ") or ITEM.match(line))


def _ends_paragraph(line: str) -> bool:
    return not line.strip() or line.startswith(("```", "|", "#", ">")) or bool(re.match(r"[-*] ", line))


def _heading(line: str, page: Rendered, address: Callable[[str], str]) -> Markup:
    level, words = len(line) - len(line.lstrip("#")), line.lstrip("#").strip()
    anchor = heading_anchor(words)
    if level == 1 and not page.title:
        page.title = _plain(words)
    elif level == 2:
        page.sections.append((anchor, _plain(words)))
    return Markup('<h{0} id="{1}">{2}</h{0}>').format(min(level, 6), anchor, _inline(words, address))


def _plain(words: str) -> str:
    return words.replace("`", "").replace("*", "")


def _table(lines: Sequence[str], address: Callable[[str], str]) -> Markup:
    head, *rows = ([cell.strip() for cell in _cells(line)] for line in (lines[0], *lines[2:]))
    heads = Markup().join(Markup('<th scope="col">{}</th>').format(_inline(cell, address)) for cell in head)
    body = Markup("\n").join(
        Markup("<tr>{}</tr>").format(Markup().join(Markup("<td>{}</td>").format(_inline(c, address)) for c in row))
        for row in rows
    )
    return Markup(
        '<div class="table-responsive" tabindex="0" role="region" aria-label="{}"><table class="table table-sm"><thead>'
        "<tr>{}</tr></thead><tbody>\n{}\n</tbody></table></div>"
    ).format(", ".join(_plain(cell) for cell in head), heads, body)


def _cells(line: str) -> list[str]:
    """A pipe within code or behind a backslash is text."""
    found, is_code, cell = list[str](), False, ""
    for sign in line.strip().removeprefix("|").removesuffix("|") + "|":
        if sign == "|" and not is_code and not cell.endswith("\\"):
            found.append(cell)
            cell = ""
            continue
        is_code ^= sign == "`"
        cell += sign
    return found


def _list(lines: Sequence[str], page: Rendered, address: Callable[[str], str]) -> Markup:
    """Items at the indent of the first; what is indented further belongs to the item before."""
    first = ITEM.match(lines[0])
    assert first is not None  # _blocks saw one
    own, tag, items = len(first[1]), "ul" if first[2] in "-*" else "ol", list[list[str]]()
    for line in lines:
        found = ITEM.match(line)
        if found and len(found[1]) <= own:
            items.append([found[3]])
        else:
            items[-1].append(line)
    return Markup("<{0}>{1}</{0}>").format(tag, Markup("\n").join(_item(one, page, address) for one in items))


def _item(lines: Sequence[str], page: Rendered, address: Callable[[str], str]) -> Markup:
    """The words of an item, then the blocks below it."""
    end = next((n for n, line in enumerate(lines) if n and _opens_block(line)), len(lines))
    below = lines[end:]
    indent = min((len(line) - len(line.lstrip()) for line in below if line.strip()), default=0)
    words = _inline("\n".join(line.strip() for line in lines[:end]), address)
    return Markup("<li>{}{}</li>").format(words, _blocks([line[indent:] for line in below], page, address))


def _opens_block(line: str) -> bool:
    return not line.strip() or bool(ITEM.match(line)) or line.lstrip().startswith("```")


def _inline(text: str, address: Callable[[str], str]) -> Markup:
    found, at = list[Markup](), 0
    for match in INLINE.finditer(text):
        found.append(escape(text[at : match.start()]))
        found.append(_span(match, address))
        at = match.end()
    found.append(escape(text[at:]))
    return Markup().join(found)


def _span(match: re.Match[str], address: Callable[[str], str]) -> Markup:
    given = match.groupdict()
    code = given["code"] or given["codes"]
    if code is not None:
        return Markup("<code>{}</code>").format(code.strip())
    if given["src"] is not None:
        return Markup('<img src="{}" alt="{}" loading="lazy">').format(address(given["src"]), given["alt"])
    if given["href"] is not None:
        return Markup('<a href="{}">{}</a>').format(address(given["href"]), _inline(given["text"], address))
    if given["sign"] is not None:
        return escape(given["sign"])
    tag = "strong" if given["bold"] is not None else "em"
    return Markup("<{0}>{1}</{0}>").format(tag, _inline(given["bold"] or given["italic"], address))
