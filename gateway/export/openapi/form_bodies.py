"""Forms as schemas: fields of URL-encoded and multipart bodies, files with their media types. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from email.message import Message as Part
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from ...model.bodies import decoded
from ...model.message import Message
from .schema_inference import sample_of, schema_of

Object = dict[str, Any]


def members(pairs: Iterable[tuple[str, str]]) -> Object:
    """The fields of a form by name; a name that comes several times, or ends in [], has a list."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 or name.endswith("[]") else values[0] for name, values in found.items()}


def multipart(bodies: Sequence[Message]) -> Object:
    """Schema and encodings of multipart bodies; {} where no part of them can be read."""
    forms = [form for body in bodies if (form := list(_parts(body)))]
    if not forms:
        return {}
    names = list(dict.fromkeys(name for form in forms for name, _ in form))
    properties = {name: _property([[part for key, part in form if key == name] for form in forms]) for name in names}
    required = [name for name in names if all(any(key == name for key, _ in form) for form in forms)]
    schema: Object = {"type": "object", "properties": properties}
    typed = {name: type for name in names if (type := _type(forms, name))}
    found: Object = {"schema": schema | ({"required": required} if required else {})}
    return found | ({"encoding": {name: {"contentType": type} for name, type in typed.items()}} if typed else {})


def _parts(body: Message) -> Iterator[tuple[str, Part]]:
    """(field name, part); nothing of a body that was cut or is no multipart."""
    head = f"Content-Type: {body.content_type}\r\n\r\n".encode("latin-1", "replace")
    found = BytesParser(policy=HTTP).parsebytes(head + decoded(body)[0])
    for part in found.get_payload() if found.is_multipart() else ():
        if isinstance(part, Part) and (name := part.get_param("name", header="content-disposition")):
            yield str(name), part


def _property(forms: Sequence[Sequence[Part]]) -> Object:
    parts = [part for form in forms for part in form]
    if any(part.get_filename() for part in parts):
        found: Object = {"type": "string", "contentMediaType": parts[0].get_content_type()}
    else:
        texts = [_text(part) for part in parts]
        json = [value for text in texts for good, value in [sample_of(text)] if good and isinstance(value, dict | list)]
        found = schema_of(json if len(json) == len(texts) else texts)
    return {"type": "array", "items": found} if any(len(form) > 1 for form in forms) else found


def _text(part: Part) -> str:
    data = part.get_payload(decode=True)
    return data.decode("utf-8", "replace") if isinstance(data, bytes) else str(data)


def _type(forms: Sequence[Sequence[tuple[str, Part]]], name: str) -> str:
    """What a part's Content-Type says; "" where it has none or only says that it is text."""
    types = {part.get_content_type() for form in forms for key, part in form if key == name and part["content-type"]}
    return ", ".join(sorted(types - {"text/plain"}))
