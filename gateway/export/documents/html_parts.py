"""Pieces of the HTML document: recorded words as text, code, statuses, tables, links to steps. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from ...model.exchange import Exchange
from ...model.failures import failed_of
from ...model.text import clean
from .guide import GuideChapter, ended

VARIABLE = re.compile(r"\{\{([a-z][a-z0-9_]*)\}\}")


def text(words: str) -> str:
    """Recorded words as nothing but words."""
    return escape(clean(words))


def block(words: str) -> str:
    """Code with its variables marked; what can be seen was seen to before."""
    return f"<pre>{_marked(escape(words))}</pre>"


def code(words: str) -> str:
    return f"<code>{_marked(text(words))}</code>"


def _marked(markup: str) -> str:
    """Values by their names. The braces stay: without them a name would be a word among words."""
    return VARIABLE.sub(r"<var>{{\1}}</var>", markup)


def hue(exchange: Exchange) -> str:
    status = exchange.status or 0
    if exchange.failure or status >= 500 or not status or failed_of(exchange):
        return "bad"
    return "warn" if status >= 400 else "redirect" if status >= 300 else "ok"


def status(exchange: Exchange) -> str:
    words = ended(exchange, with_reason=True)
    return f'<span class="status {hue(exchange)}">{text(words)}</span>'


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells are markup."""
    top = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    body = "".join(
        f"<tr>{''.join(cell if cell.startswith('<td') else f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def link(number: int, chapter: GuideChapter) -> str:
    """To a step of the chapter; words alone where the document does not show it."""
    anchor = chapter.steps.get(number)
    return f'<a href="#{anchor}">step {number}</a>' if anchor else f"step {number}"


def linked(sentence: str, chapter: GuideChapter) -> str:
    """Every step that a sentence names as a link to it."""
    return re.sub(r"step (\d{1,9})\b", lambda found: link(int(found[1]), chapter), text(sentence))
