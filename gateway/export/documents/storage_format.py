"""Our own Markdown as Confluence storage format: XHTML with macros for code, folds and pictures. Pure.

https://confluence.atlassian.com/doc/confluence-storage-format-790796544.html. It reads what markdown.py writes, and
nothing else: headings, paragraphs, tables, lists, fences, folds, rules; code, strong, stressed, links.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from html import escape, unescape

_INLINE = re.compile(
    r"(?P<ticks>`+)|\\(?P<sign>[\\`*_{}\[\]<>#|~!&])|\*\*(?P<strong>.+?)\*\*|\*(?P<em>[^*\n]+)\*"
    r"|\[(?P<words>(?:[^\[\]\\]|\\.)*+)\]\((?P<to>[^()\s]*+)\)"
)
_TICKS = re.compile(r"`+")
_FOLD = re.compile(r"<details><summary>(.*)</summary>")
_CELL = re.compile(r"(?<!\\)\|")
_LANGUAGES = {"http": "text", "js": "javascript", "": "text"}


def storage(markdown: str, picture: str) -> str:
    """The page's body; `picture` is the attachment that stands in the place of a Mermaid diagram."""
    return "\n".join(_blocks(markdown.split("\n"), picture)) + "\n"


def _blocks(lines: list[str], picture: str) -> Iterator[str]:
    at = 0
    while at < len(lines):
        line, start = lines[at], at
        if fence := re.match(r"(`{3,})(\w*)$", line):
            at = next((i for i in range(at + 1, len(lines)) if lines[i] == fence[1]), len(lines))
            yield _code("\n".join(lines[start + 1 : at]), fence[2], picture)
            at += 1
        elif fold := _FOLD.match(line):
            at = next((i for i in range(at + 1, len(lines)) if lines[i] == "</details>"), len(lines))
            yield _fold(fold[1], lines[start + 1 : at], picture)
            at += 1
        elif heading := re.match(r"(#{1,6}) (.*)", line):
            yield f"<h{len(heading[1])}>{_inline(heading[2])}</h{len(heading[1])}>"
            at += 1
        elif line.startswith("| "):
            at = _end(lines, at, lambda text: text.startswith("| "))
            yield _table(lines[start:at])
        elif line.startswith("- "):
            at = _end(lines, at, lambda text: text.startswith("- "))
            yield f"<ul>{''.join(f'<li>{_inline(item[2:])}</li>' for item in lines[start:at])}</ul>"
        elif line == "---":
            yield "<hr />"
            at += 1
        elif not line.strip():
            at += 1
        else:
            at = max(at + 1, _end(lines, at, _is_prose))
            yield f"<p>{'<br />'.join(map(_inline, lines[start:at]))}</p>"


def _is_prose(line: str) -> bool:
    return bool(line.strip()) and not re.match(r"#{1,6} |\| |`{3}|- |<details>", line)


def _end(lines: list[str], at: int, belongs: Callable[[str], bool]) -> int:
    while at < len(lines) and belongs(lines[at]):
        at += 1
    return at


def _code(text: str, language: str, picture: str) -> str:
    if language == "mermaid":
        return f'<ac:image ac:alt="How the APIs talk"><ri:attachment ri:filename="{escape(picture)}" /></ac:image>'
    inside = text.replace("]]>", "]]]]><![CDATA[>")
    name = _LANGUAGES.get(language, language)
    return (
        f'<ac:structured-macro ac:name="code"><ac:parameter ac:name="language">{name}</ac:parameter>'
        f"<ac:plain-text-body><![CDATA[{inside}]]></ac:plain-text-body></ac:structured-macro>"
    )


def _fold(title: str, lines: list[str], picture: str) -> str:
    inside = "".join(_blocks(lines, picture))
    return (
        f'<ac:structured-macro ac:name="expand"><ac:parameter ac:name="title">{escape(unescape(title))}</ac:parameter>'
        f"<ac:rich-text-body>{inside}</ac:rich-text-body></ac:structured-macro>"
    )


def _table(lines: list[str]) -> str:
    rows = [[cell.strip() for cell in _CELL.split(line.strip())[1:-1]] for line in lines]
    head = "".join(f"<th>{_inline(cell)}</th>" for cell in rows[0])
    body = "".join(f"<tr>{''.join(f'<td>{_inline(cell)}</td>' for cell in row)}</tr>" for row in rows[2:])
    return f"<table><tbody><tr>{head}</tr>{body}</tbody></table>"


def code_spans(text: str) -> dict[int, int]:
    """Where code begins and ends: a run of backticks, up to the next run of the same length (CommonMark, 6.1)."""
    runs = [found.span() for found in _TICKS.finditer(text)]
    later: dict[int, deque[int]] = {}
    for begin, end in runs:
        later.setdefault(end - begin, deque()).append(begin)
    spans: dict[int, int] = {}
    at = 0
    for begin, end in runs:
        if begin < at:
            continue
        slashes = begin - at - len(text[at:begin].rstrip("\\"))
        begin += slashes % 2  # the first backtick is a sign
        length, at = end - begin, end
        closing = later.get(length, deque())
        while closing and closing[0] < end:
            closing.popleft()
        if length and closing:
            spans[begin] = at = closing[0] + length
    return spans


def _inline(text: str) -> str:
    out, at, spans = [], 0, code_spans(text)
    while match := _INLINE.search(text, at):
        out.append(_words(text[at : match.start()]))
        at = match.end()
        if ticks := match["ticks"]:
            end = spans.get(match.start())
            if end is not None:
                code, at = text[at : end - len(ticks)], end
                out.append(f"<code>{escape(code.strip().replace(chr(92) + '|', '|'))}</code>")
            else:
                out.append(ticks)
        elif match["sign"]:
            out.append(escape(match["sign"]))
        elif match["strong"] or match["em"]:
            tag = "strong" if match["strong"] else "em"
            out.append(f"<{tag}>{_inline(match['strong'] or match['em'])}</{tag}>")
        else:
            out.append(_link(match["words"], match["to"]))
    return "".join([*out, _words(text[at:])])


def _words(text: str) -> str:
    return escape(unescape(text), quote=False)


def _link(words: str, to: str) -> str:
    """Within the page only: a recorded address is no link."""
    if to.startswith("#"):
        return f'<ac:link ac:anchor="{escape(to[1:])}"><ac:link-body>{_inline(words)}</ac:link-body></ac:link>'
    return _inline(words)
