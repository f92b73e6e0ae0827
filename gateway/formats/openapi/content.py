"""Bodies as media types: a schema over all samples, and a few of them as examples. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl

from ...model.bodies import media_type, text_of
from ...model.message import Message
from ..guide import masked
from ..schema import sample_of, schema_of
from .seen import Sample

EXAMPLES = 5  # of one media type of one answer
EXAMPLE = 16 << 10  # characters
FORM = "application/x-www-form-urlencoded"
Object = dict[str, Any]
Bodies = Sequence[tuple[Message, Sample]]


def content(bodies: Bodies) -> Object:
    """By media type."""
    by_media: dict[str, list[tuple[Message, Sample]]] = {}
    for body in bodies:
        by_media.setdefault(media_type(body[0]) or "application/octet-stream", []).append(body)
    return {media: _media(media, found) for media, found in by_media.items()}


def _media(media: str, bodies: Bodies) -> Object:
    texts = [
        (sample, masked(text, sample.known)) for message, sample in bodies if (text := text_of(message)) is not None
    ]
    if not texts:
        return {}
    values = list(_values(media, [text for _, text in texts]))
    if len(values) < len(texts):  # not JSON, or not all of it
        return {"schema": {"type": "string"}, "examples": _examples(texts)}
    pairs = [(sample, value) for (sample, _), value in zip(texts, values, strict=True)]
    return {"schema": schema_of(values), "examples": _examples(pairs)}


def _values(media: str, texts: Sequence[str]) -> Iterator[Any]:
    if media == FORM:
        yield from (dict(parse_qsl(text, keep_blank_values=True)) for text in texts)
    else:
        yield from (value for text in texts for good, value in [sample_of(text)] if good)


def _examples(samples: Sequence[tuple[Sample, Any]]) -> Object:
    """Different ones only."""
    found: Object = {}
    told: set[str] = set()
    for sample, value in samples:
        text = json.dumps(value, sort_keys=True)
        main = sample.label.startswith("step_")
        about = {} if main else {"summary": sample.title}
        like = text if main else re.sub(r"\d+", "0", text)  # a what-if's other ids alone are no news
        if len(found) < EXAMPLES and len(text) <= EXAMPLE and like not in told:
            told |= {text, re.sub(r"\d+", "0", text)}
            found[sample.label] = about | {"value": value}
    return found
