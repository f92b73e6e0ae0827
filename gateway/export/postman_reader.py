"""Postman collections 2.1: their saved examples become a recording; other requests come without an answer. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import quote, quote_plus

from ..model.exchange import Exchange
from ..model.message import Body, Pairs, Request, Response
from ..model.recording import Recording
from .foreign_json import Node
from .imported_recording import Imported, Locate, placed
from .urls import ascii_url, split_origin

DEEP = 20  # folders in folders
_VARIABLE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")


def load(root: Node, locate: Locate) -> list[Imported]:
    """One recording per collection, in the order of its items."""
    variables = {node.at("key").text(""): str(node.at("value").value or "") for node in root.at("variable").items()}
    found = [placed(one, locate) for one in _items(root.at("item"), variables, 0)]
    steps = tuple(replace(exchange, step=step) for step, exchange in enumerate(found, 1))
    info = root.at("info")
    notes = (description,) if (description := _described(info)) else ()
    recording = Recording(id="", title=_text(info.at("name")), session="", kind="import", notes=notes)
    return [Imported(recording, steps)]


def _text(node: Node) -> str:
    return node.text().strip() if isinstance(node.value, str) else ""


def _described(node: Node) -> str:
    """A description is text, or an object that holds it."""
    about = node.at("description")
    return _text(about.at("content")) if isinstance(about.value, dict) else _text(about)


def _items(node: Node, variables: Mapping[str, str], depth: int) -> Iterator[Exchange]:
    if depth > DEEP:
        raise node.wrong(f"has more than {DEEP} folders in folders")
    for item in node.items():
        if item.has("item"):
            yield from _items(item.at("item"), variables, depth + 1)
        elif item.has("request"):
            examples = list(item.at("response").items())
            notes = tuple(note for note in (_text(item.at("name")), _described_request(item)) if note)
            for example in examples:
                asked = example.at("originalRequest") if example.has("originalRequest") else item.at("request")
                yield _exchange(asked, example, variables, notes)
            if not examples:
                yield _exchange(item.at("request"), None, variables, notes)


def _described_request(item: Node) -> str:
    return _described(item.at("request")) if isinstance(item.at("request").value, dict) else ""


def _exchange(asked: Node, answer: Node | None, variables: Mapping[str, str], notes: tuple[str, ...]) -> Exchange:
    simple = isinstance(asked.value, str)
    url = _url(asked if simple else asked.at("url"), variables)
    rest = split_origin(url)[1].partition("#")[0]
    body, media, left = (Body(), "", ()) if simple else _body(asked.at("body"), variables)
    fields = () if simple else _headers(asked.at("header"), variables)
    request = Request(
        headers=_typed(fields, media),
        body=body,
        method="GET" if simple else _method(asked.at("method")),
        target=rest if rest.startswith("/") else f"/{rest}",
    )
    response = _response(answer) if answer is not None else None
    return Exchange(
        id="", recording="", step=0, session="", started_at="", url=url, request=request, response=response,
        status=response.status if response else None, notes=(*notes, *left),
    )  # fmt: skip


def _method(node: Node) -> str:
    method = node.text("GET").strip() or "GET"
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", method):
        raise node.wrong("is no method")
    return method


def _filled(text: str, variables: Mapping[str, str]) -> str:
    """Variables that the collection defines; others, and empty ones, stay as they are."""
    for _ in range(3):  # a value may name another variable, but not without end
        text = _VARIABLE.sub(lambda match: variables.get(match[1], "")[:10_000] or match[0], text)
    return text


def _url(node: Node, variables: Mapping[str, str]) -> str:
    raw = node.text() if isinstance(node.value, str) else _text(node.at("raw"))
    url = _filled(raw, variables).strip()
    if "://" not in url.partition("?")[0]:
        url = f"http://{url.lstrip('/')}" if url and not url.startswith("/") else f"http://unknown.invalid{url}"
    origin, rest = split_origin(ascii_url(url))
    if not origin:  # a variable stands for the origin
        return ascii_url(f"http://unknown.invalid/{url.partition('://')[2]}")
    return origin + (rest if rest.startswith("/") else f"/{rest}")


def _headers(node: Node, variables: Mapping[str, str]) -> Pairs:
    """A list of pairs; old collections have one text."""
    if isinstance(node.value, str):
        pairs = (line.partition(":") for line in node.text().splitlines() if ":" in line)
        return tuple((name.strip(), value.strip()) for name, _, value in pairs if name.strip())
    found = []
    for item in node.items():
        if item.value is not None and not item.has("disabled") and _text(item.at("key")):
            value = _filled(_text(item.at("value")), variables)
            found.append((_text(item.at("key")).replace("\n", " "), re.sub(r"[\r\n\0]+", " ", value)))
    return tuple(found)


def _typed(fields: Pairs, media: str) -> Pairs:
    """With the type that Postman adds by itself; a form has the boundary of its parts."""
    others = tuple(field for field in fields if field[0].lower() != "content-type")
    if not media or (len(others) < len(fields) and "boundary" not in media):
        return fields
    return (*others, ("Content-Type", media))


def _body(node: Node, variables: Mapping[str, str]) -> tuple[Body, str, tuple[str, ...]]:
    """(body, media type, notes about what is not in it). Files of the machine that made the collection stay unread."""
    if not isinstance(node.value, dict):
        return Body(), "", ()
    mode, media = node.at("mode").value, ""
    if mode == "formdata":
        return _parts(node.at("formdata"), variables)
    if mode == "raw":
        text = _filled(_text(node.at("raw")), variables)
        options = node.at("options")
        language = options.at("raw").at("language").value if _is_object(options, "raw") else None
        media = "application/json" if language == "json" else ""
    elif mode == "urlencoded":
        pairs = ((_text(item.at("key")), _text(item.at("value"))) for item in node.at("urlencoded").items())
        media = "application/x-www-form-urlencoded"
        text = "&".join(f"{quote_plus(key)}={quote_plus(_filled(value, variables))}" for key, value in pairs)
    elif mode == "graphql":
        text, media = json.dumps(node.at("graphql").value), "application/json"
    else:
        return Body(), "", ("Its body is a file, which was not read.",) if mode == "file" else ()
    data = text.encode("utf-8", "replace")
    return Body(len(data), data), media if data else "", ()


def _is_object(node: Node, key: str) -> bool:
    return isinstance(node.value, dict) and isinstance(node.value.get(key), dict)


def _parts(node: Node, variables: Mapping[str, str]) -> tuple[Body, str, tuple[str, ...]]:
    """A form of several parts (RFC 7578)."""
    parts, left = [], []
    for item in node.items():
        name = re.sub(r'[\r\n"]', lambda found: quote(found[0]), _text(item.at("key")))
        if item.at("disabled").value is True:
            continue
        if item.at("type").value == "file":
            left.append(f"Its part {name} is a file, which was not read.")
            continue
        value = _filled(_text(item.at("value")), variables)
        parts.append(f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n')
    if not parts:
        return Body(), "", tuple(left)
    boundary = "import"
    while any(boundary in part for part in parts):
        boundary += "-x"
    data = "".join(f"--{boundary}\r\n{part}" for part in (*parts, ""))[:-2] + "--\r\n"
    encoded = data.encode("utf-8", "replace")
    return Body(len(encoded), encoded), f"multipart/form-data; boundary={boundary}", tuple(left)


def _response(node: Node) -> Response | None:
    if node.value is None or not node.has("code"):
        return None
    data = node.at("body").text("").encode()
    headers = tuple(
        (name, value) for name, value in _headers(node.at("header"), {}) if name.lower() != "content-encoding"
    )
    return Response(
        headers=headers, body=Body(len(data), data), status=node.at("code").whole(least=100, most=999),
        reason=re.sub(r"\s+", " ", _text(node.at("status"))),
    )  # fmt: skip
