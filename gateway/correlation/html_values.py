"""Fields, tokens and links of an HTML page. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Final

from .lexicon import IDISH, TOKENS
from .names import role_of, words
from .response_value import ValuePlace, token_places, url_places
from .urls import is_url, shape

TAG: Final = re.compile(r"<(/?[a-z][a-z0-9]*)((?:\s[^<>]*)?)>", re.IGNORECASE)
ATTRIBUTE: Final = re.compile(r"""(?<![-\w:.])([a-zA-Z_:][-\w:.]*+)\s*+=\s*+(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
TAGS: Final = frozenset(("input", "meta", "a", "form", "button", "link", "option", "textarea"))
SCRIPT: Final = re.compile(r"<script[^<>]*+>", re.IGNORECASE)
SCRIPT_END: Final = re.compile(r"</script>", re.IGNORECASE)


def html_places(text: str) -> Iterator[ValuePlace]:
    """What repeats is counted, so that a place names one of them; an option has the name of its list."""
    counts: dict[str, int] = {}
    chosen_from = ""
    for tag, rest in TAG.findall(text):
        low = tag.lower()
        if low in ("select", "/select"):
            chosen_from = attributes(rest).get("name", "")
        if rest and (low in TAGS or "data-" in rest):
            yield from _element(low, attributes(rest), counts, chosen_from)
    for script in scripts(text):
        yield from token_places("text", "", script)


def attributes(text: str) -> dict[str, str]:
    """The attributes of a tag, entities decoded."""
    return {name.lower(): unescape(a or b or c) for name, a, b, c in ATTRIBUTE.findall(text)}


def _element(tag: str, found: dict[str, str], counts: dict[str, int], chosen_from: str) -> Iterator[ValuePlace]:
    name = found.get("name") or found.get("property") or found.get("itemprop") or ""
    if tag == "option":
        name = chosen_from
    value = found.get("content" if tag == "meta" else "value", "")
    if value and (name or tag == "option") and (tag != "meta" or _telling(name)):
        path = _counted(f"{tag}[{name}]", counts)
        yield ValuePlace("html", path, name, value, role_of(name))
    for attribute in ("href", "action", "formaction"):
        url = found.get(attribute, "")
        if url.startswith(("/", "http://", "https://")) and is_url(url):
            yield from url_places("href", _counted(f"{tag}[{shape(url)}]", counts), url)
    for attribute, text in found.items():
        if attribute.startswith("data-") and text:
            path = _counted(f"{tag}[{attribute}]", counts)
            yield ValuePlace("html", path, attribute[5:], text, role_of(attribute[5:]))


def _telling(name: str) -> bool:
    return any(word in TOKENS or word in IDISH for word in words(name))


def _counted(path: str, counts: dict[str, int]) -> str:
    counts[path] = counts.get(path, 0) + 1
    return path if counts[path] == 1 else f"{path}~{counts[path]}"


def scripts(text: str) -> Iterator[str]:
    """What stands in each script element, in one pass."""
    at = 0
    while (begin := SCRIPT.search(text, at)) and (end := SCRIPT_END.search(text, begin.end())):
        if end.start() > begin.end():
            yield text[begin.end() : end.start()]
        at = end.end()
