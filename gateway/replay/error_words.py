"""What a failing response says of itself: problem details, errors of JSON and GraphQL, faults, pages, text. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any, Final

from ..model.bodies import format_of, text_of
from ..model.exchange import Exchange
from ..model.failures import failed_of
from ..model.message import Response
from .differences.json_difference import read_json

# Members that hold words, the most telling first: RFC 9457, OAuth (RFC 6749 section 5.2), AWS, Google, FastAPI, Django.
SAYS: Final = (
    "detail", "message", "error_description", "errorMessage", "error_message", "msg", "error", "reason", "description",
    "title", "Message", "fault", "faultstring", "__type", "non_field_errors",
)  # fmt: skip
HOLDERS: Final = ("error", "errors", "fault", "exception", "Error", "detail", "problem", "meta", "data")
DEEP: Final = 4  # levels
LONGEST: Final = 300  # characters
ELEMENTS: Final = re.compile(
    r"<(?:\w+:)?(faultstring|Text|Message|message|detail|description|title|error)\b[^<>]*>([^<]{1,2000})<"
)
HEADINGS: Final = re.compile(r"<(h1|title|h2)\b[^>]*>(.{1,2000}?)</\1>", re.IGNORECASE | re.DOTALL)
TAG: Final = re.compile(r"<[^<>]{0,500}>")


def error_words(exchange: Exchange) -> str:
    """The failure in the response's own words, on one line; "" where it says nothing."""
    if exchange.failure:
        return exchange.failure.detail or exchange.failure.kind.replace("_", " ")
    if (failed := failed_of(exchange)) is not None:
        return failed.says
    if exchange.response is None or (exchange.status or 0) < 400:
        return ""
    return one_line(_words(exchange.response))


def one_line(text: str) -> str:
    """Words without line breaks, shortened."""
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _words(response: Response) -> str:
    text = text_of(response)
    if not text:
        return response.header("x-error") or response.header("x-error-message")
    form = format_of(response, text)
    if form == "json":
        try:
            return next(_of_json(read_json(text), 0), "")
        except ValueError:
            return ""
    if form == "xml":
        found = dict(ELEMENTS.findall(text[:100_000]))
        names = ("faultstring", "Text", "Message", "message", "detail", "description", "title", "error")
        return unescape(next((found[name] for name in names if name in found), ""))
    if form == "html":
        headings = {name.lower(): words for name, words in reversed(HEADINGS.findall(text[:100_000]))}
        return unescape(TAG.sub(" ", headings.get("h1") or headings.get("title") or headings.get("h2") or ""))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0] if lines and form == "text" else ""


def _of_json(value: Any, depth: int) -> Iterator[str]:
    """Words in the usual members, then in those of what holds an error: errors[0].message, error.message."""
    if isinstance(value, str):
        if value.strip():
            yield value
    elif isinstance(value, list):
        for item in value[:3]:
            yield from _of_json(item, depth + 1)
    elif isinstance(value, dict) and depth <= DEEP:
        for name in SAYS:
            if isinstance(value.get(name), str) and value[name].strip():
                yield value[name]
        for name in HOLDERS:
            if isinstance(value.get(name), (dict, list)):
                yield from _of_json(value[name], depth + 1)
        yield from _by_field(value, depth)


def _by_field(value: dict[str, Any], depth: int) -> Iterator[str]:
    """Messages by field, as form validators write them: {"email": ["is not valid"]}."""
    for name, said in value.items():
        first = said[0] if isinstance(said, list) and said else None
        if isinstance(first, str) and len(first) > 2 and " " in first:
            yield f"{name}: {first}" if depth or len(value) > 1 or name else first
