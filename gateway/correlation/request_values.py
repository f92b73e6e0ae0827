"""Where a request carries values: path, query, fields, cookies, JSON, forms, multipart and text. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from ..model.bodies import format_of, media_type, text_of
from ..model.message import Request
from .information import DECIMAL, HIGH, LIMIT, bits_of
from .json_values import Path, parse, pointer, scalars
from .lexicon import ACTIONS, FILLER, JSON_WRAPPERS, OWN_FIELDS, WRAPPERS
from .model import Sink, SinkPart
from .names import Role, entity_of, one_of, role_of, segment_entity, words
from .response_value import LINE, LINES, LONG_TOKEN, NAMED_NUMBER, NO_THINGS, TEXTS
from .response_values import ALONE, WORD_ALONE, type_of
from .urls import KEYED, REFERENCE, UrlPiece, collection_of, is_url, pieces, query_pieces
from .xml_values import marks

SCHEME: Final = re.compile(r"(?:Bearer|Token|Basic|ApiKey|Api-Key|Key|JWT|DPoP)[ \t]+", re.IGNORECASE)
VERB: Final = re.compile(r"([^:]+):[a-z][A-Za-z]+")  # sub-x91ka:pull
ARGUMENT: Final = re.compile(r"(?<!\w)(\w++)\s*+:\s*+\[?\s*+\$(\w+)")  # of a GraphQL field: createPost(user_id: $u)
WRITTEN: Final = re.compile(r'(?<!\w)(\w++)\s*+:\s*+(?:"([^"\\]{1,200})"|([0-9]{1,20})\b)')
FIELD: Final = re.compile(r"[{]\s*(?:\w+\s*:\s*)?(\w+)")
BOUNDARY: Final = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
DOCUMENT_PART: Final = re.compile(r"(?i)^content-type:\s*application/(?:[\w.-]+\+)?json", re.MULTILINE)
PART: Final = re.compile(r'\bname="([^"]*)"', re.IGNORECASE)
SEPARATED: Final = re.compile(r"[^,:;|~._/=@-]+")
FILE: Final = re.compile(r"(.{3,})\.[A-Za-z][A-Za-z0-9]{1,5}", re.DOTALL)  # 7c1d9e02.ics
ELEMENT: Final = re.compile(r"[^,\s]+")
TOKEN: Final = re.compile(r"[^\s,:;|~/=@?&#\"'()<>{}\[\]*]+")  # what a separator ends: the words of a composite value
COMPACT: Final = re.compile(r"[^\s{}<>\"]{3,64}")
DATES: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*")


class Need:
    """One value of a request: its place, what its name says, and where it stands in the raw text of its part."""

    __slots__ = ("also", "at", "beside", "inner", "literal", "loose", "partial", "role", "sink", "value")

    def __init__(self, sink: Sink, value: str, role: Role, at: tuple[int, int] = (0, 0), literal: bool = False) -> None:
        self.sink, self.value, self.role, self.at, self.literal = sink, value, role, at, literal
        self.inner: tuple[Need, ...] = ()  # pieces of the value, tried when the whole has no source
        self.loose = False  # whether its name is the client's own choice: a GraphQL variable, a JSON-RPC parameter
        self.partial = False  # whether it is such a piece: 20 of 620017-20
        self.also: tuple[Role, ...] = ()  # what else it may name, told by what is beside it
        self.beside: Role | None = None  # of a piece: what the word before it in the same value says


def needs(request: Request, step: int) -> Iterator[Need]:
    """Every value of the request that could come from an earlier response."""
    about = about_of(request)
    yield from _target(request.target, step)
    yield from _fields(request, step)
    if not request.body.data:
        return
    kind = media_type(request)
    text = text_of(request)
    form = "" if not text else format_of(request, text)
    if kind.startswith("multipart/"):
        yield from _multipart(request, step)
    elif not text:
        return
    elif form == "form":
        yield from (_piece(piece, "form", step, about) for piece in query_pieces(text))
    elif form == "json":
        yield from _json(text, step, about)
    elif form == "xml" or kind.endswith("xml"):
        yield from _xml(text, step, about)
    elif kind in LINES:
        yield from _lines(text, step)
    elif kind in ("text/csv", "text/tab-separated-values"):
        yield from _cells(text[: 1 << 18], step, "," if kind == "text/csv" else "\t")
    else:
        if len(text) < ALONE and (word := WORD_ALONE.fullmatch(text)):
            yield Need(Sink(step, "text", "", "id", word.span(1)), word[1], role_of("id", about))
        yield from _json_lines(text[: 1 << 18], step, about)
        for match in islice(NAMED_NUMBER.finditer(text[:TEXTS]), RUNS * RUNS):
            name = f"{match[1].lower()}_id"
            if not set(words(match[1])) & NO_THINGS:
                yield Need(Sink(step, "text", "", name, match.span(2)), match[2], role_of(name))
        yield from _within(Sink(step, "text", ""), text[: 1 << 18])


def _lines(text: str, step: int) -> Iterator[Need]:
    """The values of lines such as "UID:7c1d9e02" (RFC 5545 section 3.1)."""
    counts: dict[str, int] = {}
    for match in LINE.finditer(text[: 1 << 18]):
        name = match[1].lower()
        counts[name] = counts.get(name, 0) + 1
        place = name if counts[name] == 1 else f"{name}~{counts[name]}"
        yield Need(Sink(step, "text", place, name, match.span(2)), match[2], role_of(name))


def _cells(text: str, step: int, separator: str) -> Iterator[Need]:
    """The unquoted cells of a table, named by its first line (RFC 4180)."""
    head, _, rows = text.partition("\n")
    names = [name.strip() for name in head.split(separator)]
    begin = len(head) + 1
    for line in rows.split("\n"):
        at = begin
        for name, cell in zip(names, line.split(separator), strict=False):
            if value := cell.strip():
                start = at + cell.index(value)
                yield Need(Sink(step, "text", "", name, (start, start + len(value))), value, role_of(name))
            at += len(cell) + 1
        begin += len(line) + 1


def about_of(request: Request) -> tuple[str, ...]:
    """What a request is about: by its path, or by the operation that its body names."""
    data = request.body.data
    if request.method == "POST" and data and len(data) < 1 << 18 and data.lstrip()[:1] in (b"{", b"["):
        if b'"jsonrpc"' in data and (match := METHOD.search(data)):
            return _operation_words(match[1].decode("utf-8", "replace")) or collection_of(request.target)
        if b'"query"' in data and (match := DOCUMENT.search(data)):
            return _operation(match[1].decode("utf-8", "replace")) or collection_of(request.target)
    if data and b"<methodName>" in data[:400] and (call := CALLED.search(data[:400])):
        parts = call[1].decode("utf-8", "replace").split(".")  # model.party.category.create: a category
        return _operation_words(parts[-2] if len(parts) > 1 else parts[0])
    return collection_of(request.target)


CALLED: Final = re.compile(rb"<methodName>\s*([^<>\s]{1,200})")  # of XML-RPC
METHOD: Final = re.compile(rb'"method"\s*:\s*"([^"\\]{1,200})"')
DOCUMENT: Final = re.compile(rb'"query"\s*:\s*"((?:[^"\\]|\\.)*)"')


def _operation_words(name: str) -> tuple[str, ...]:
    """The thing of "createTask", "task.create", "eth_getTransaction": what is neither verb nor wrapper."""
    found = tuple(word for word in words(name) if word not in FILLER and word not in ACTIONS)
    things = tuple(dict.fromkeys(word for word in found if word not in WRAPPERS))  # party.party.create: a party
    return things or found or words(name)[-1:]  # updatePost: a post


def _xml(text: str, step: int, about: tuple[str, ...]) -> Iterator[Need]:
    for mark in marks(text, about):
        sink = Sink(step, "text", mark.place, mark.name, (mark.start, mark.end))
        yield Need(sink, mark.value, role_of(mark.name, mark.about))


def _target(target: str, step: int) -> Iterator[Need]:
    about = collection_of(target)
    found = pieces(target)
    around = tuple(_id_of(segment_entity(each.value)) for each in found if each.kind == "segment" and each.literal)
    for piece in found:
        need = _piece(piece, "path" if piece.kind == "segment" else "query", step, about)
        if piece.kind == "segment":
            for inner in need.inner:
                inner.also += around
        yield need


def _id_of(entity: tuple[str, ...]) -> Role:
    return role_of("id", entity)


def _piece(piece: UrlPiece, part: SinkPart, step: int, about: tuple[str, ...]) -> Need:
    role = role_of(piece.name) if part == "path" else role_of(_of_many(piece.name.partition("~")[0]), about)
    need = Need(Sink(step, part, piece.key, piece.name), piece.value, role, (piece.start, piece.end), piece.literal)
    if not piece.literal and len(piece.value) > 2 and not DATES.fullmatch(piece.value):
        if part != "path" and piece.value.lstrip()[:1] in ("{", "["):
            need.inner = tuple(_document(piece.value, need.sink, about))
        need.inner = (
            need.inner or _of_url(need) or tuple(_composite(need)) or tuple(_within(need.sink, piece.value, role))
        )
        if part == "path" and (verb := VERB.fullmatch(piece.value)):
            sink = Sink(step, part, piece.key, piece.name, verb.span(1))
            need.inner = (Need(sink, verb[1], role, need.at),)
    return need


def _of_many(name: str) -> str:
    """ "things[]" and "things[0]" name one of them."""
    stem, bracket, _ = name.partition("[")
    return one_of(stem) if bracket and (name.endswith("[]") or name[len(stem) + 1 : -1].isdigit()) else name


def _of_url(need: Need) -> tuple[Need, ...]:
    """The pieces of a URL that is the value of a parameter."""
    sink = need.sink
    if sink.part == "path" or not is_url(need.value):
        return ()
    return tuple(
        Need(
            Sink(sink.step, sink.part, sink.path, piece.name, (piece.start, piece.end)),
            piece.value,
            role_of(piece.name),
        )
        for piece in pieces(need.value)
        if not piece.literal
    )


def pieces_of(need: Need) -> Iterator[Need]:
    """Every run of words of a value, the longest first: what an earlier response may have given as a whole.

    "artifacts:/2/16cf/files/model" has "artifacts:/2/16cf/files", "2/16cf/files/model", "/2/16cf" ...
    """
    value, sink = need.value, need.sink
    found = [match.span() for match in islice(TOKEN.finditer(value), RUNS + 1)]
    file = FILE.fullmatch(value)
    if len(value) > LIMIT or len(found) > RUNS or (sink.span is not None and sink.part != "header"):
        return
    if len(found) < 2 and not file:
        return
    spans = {(found[i][0], found[j][1]) for i in range(len(found)) for j in range(i, len(found))}
    spans |= {(start - 1, end) for start, end in spans if start and value[start - 1] == "/"}
    spans |= {(start, end + 1) for start, end in spans if value[end : end + 1] == "/"}
    spans |= {file.span(1)} if file else set()
    shift = sink.span[0] if sink.span else 0
    for start, end in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
        if end - start < len(value):
            place = Sink(sink.step, sink.part, sink.path, sink.name, (start + shift, end + shift))
            piece = Need(place, value[start:end], need.role, need.at)
            piece.partial, piece.also = True, need.also
            yield piece


RUNS: Final = 14  # words of a value that is looked through in pieces


def _listed(need: Need) -> Iterator[Need]:
    """The elements of "7,8,9" or "tg_0Ka1,tg_0Kb7"; those that have parts, such as "order:7", in their parts, too."""
    role = role_of(one_of(need.sink.name))
    for match in ELEMENT.finditer(need.value):
        if any(map(str.isdigit, match[0])):
            place = Sink(need.sink.step, need.sink.part, need.sink.path, need.sink.name, match.span())
            piece = Need(place, match[0], need.role, need.at)
            before = need.value[: match.start()].rpartition(",")[0].rpartition(",")[2]
            piece.also = (role, *((_id_of(entity_of(before)),) if before.isalpha() else ()))  # invoice,8811
            piece.partial = True
            yield piece


def _composite(need: Need) -> Iterator[Need]:
    """Two or more short values in one: 501:2, 7,8,9. A UUID or a token is one value."""
    value = need.value
    if "," in value and "=" not in value:
        yield from _listed(need)
        return
    if DECIMAL.fullmatch(value):
        return
    found = list(SEPARATED.finditer(value))
    if len(found) < 2 or (bits_of(value) >= 60 and "," not in value):
        return
    before = ""
    for match in found:
        if any(mark.isdigit() for mark in match[0]):
            sink = Sink(need.sink.step, need.sink.part, need.sink.path, need.sink.name, match.span())
            piece = Need(sink, match[0], need.role, need.at)
            piece.partial = True
            role = _id_of(entity_of(before)) if before.isalpha() else None  # invoice,8811
            piece.also = (role,) if role else ()
            piece.beside = role if len(before) > 2 else None
            yield piece
        before = match[0]


def _within(sink: Sink, text: str, role: Role | None = None) -> Iterator[Need]:
    """Values too random to be words, inside of a longer text."""
    for match in LONG_TOKEN.finditer(text):
        if bits_of(match[0]) >= HIGH and match[0] != text:
            place = Sink(sink.step, sink.part, sink.path, sink.name, match.span())
            yield Need(place, match[0], role or Role())


def _fields(request: Request, step: int) -> Iterator[Need]:
    seen: dict[str, int] = {}
    for field, value in request.headers:
        name = field.lower()
        if name == "cookie":
            for pair in value.split(";"):
                cookie, equals, content = pair.partition("=")
                if equals and content.strip(' "'):
                    sink = Sink(step, "cookie", cookie.strip(), cookie.strip())
                    yield Need(sink, content.strip(' "'), role_of(cookie.strip()))
        elif name not in OWN_FIELDS and not name.startswith(("sec-", "x-forwarded-", "x-b3-")) and value:
            seen[name] = seen.get(name, 0) + 1
            path = name if seen[name] == 1 else f"{name}~{seen[name]}"
            scheme = SCHEME.match(value)
            start = scheme.end() if scheme else 0
            sink = Sink(step, "header", path, name.removeprefix("x-"), (start, len(value)) if start else None)
            need = Need(sink, value[start:], role_of(name.removeprefix("x-")))
            need.inner = tuple(_within(sink, value, need.role)) if not start else ()
            yield need


def _json(text: str, step: int, about: tuple[str, ...]) -> Iterator[Need]:
    try:
        document = parse(text)
    except ValueError:  # lines of JSON, or none
        yield from _json_lines(text[: 1 << 18], step, about)
        yield from _within(Sink(step, "text", ""), text[: 1 << 18])
        return
    numbered = isinstance(document, dict) and "jsonrpc" in document  # whose id is the client's own counter
    given = _arguments(document)
    for start, end, path in scalars(text):
        if numbered and path in (("id",), ("jsonrpc",)):
            continue
        token = text[start:end]
        value = parse(token) if token[0] == '"' else "" if token in ("true", "false", "null") else token
        if value and len(value) <= LIMIT:
            named = given.get(str(path[-1]), "") if path[:1] == ("variables",) and len(path) == 2 else ""
            need = _json_need(value, path, (start, end), step, about, named)
            need.loose = numbered or path[:1] == ("variables",)
            if path == ("query",) and (written := tuple(_written(need, about))):
                need.inner = written
            if need.role.is_id:
                need.also = _types_beside(document, path)
            yield need
        elif value:
            yield from _within(Sink(step, "json", pointer(path), str(path[-1]) if path else ""), value[: 1 << 16])


def _written(need: Need, about: tuple[str, ...]) -> Iterator[Need]:
    """The arguments that are written into a GraphQL document: removeComment(id: "901")."""
    for match in WRITTEN.finditer(need.value):
        group = 2 if match[2] is not None else 3
        place = Sink(need.sink.step, "json", need.sink.path, match[1], match.span(group))
        piece = Need(place, match[group], role_of(match[1], about), need.at)
        piece.loose = True
        yield piece


def _json_lines(text: str, step: int, about: tuple[str, ...]) -> Iterator[Need]:
    """The values of one document a line (NDJSON, bulk calls), by their place in the whole text."""
    at = 0
    for line in text.splitlines(keepends=True):
        document = line.strip()
        if document[:1] in ("{", "["):
            start = at + line.index(document)
            for need in _document(document, Sink(step, "text", ""), about) if _is_document(document) else ():
                begin, end = need.sink.span or (0, 0)
                yield Need(replace(need.sink, span=(start + begin, start + end)), need.value, need.role)
        at += len(line)


def _is_document(text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _arguments(document: Any) -> dict[str, str]:
    """Variable -> the argument of a GraphQL document that takes it: {"u": "user_id"} of createPost(user_id: $u)."""
    query = document.get("query") if isinstance(document, dict) else None
    if not isinstance(query, str) or "variables" not in document:
        return {}
    return {match[2]: match[1] for match in ARGUMENT.finditer(query)}


def _json_need(value: str, path: Path, at: tuple[int, int], step: int, about: tuple[str, ...], named: str = "") -> Need:
    names = [part for part in path if isinstance(part, str)]
    name = named or (names[-1] if names else "_".join((*about, "id")))  # [501, 502] for /photos: ids of photos
    if path and isinstance(path[-1], int):
        name = one_of(name)
    role = role_of(name, _around(names[:-1], about))
    sink = Sink(step, "json", pointer(path), name)
    need = Need(sink, value, role, at)
    if is_url(value):
        need.inner = tuple(
            Need(Sink(step, "json", sink.path, piece.name, (piece.start, piece.end)), piece.value, role_of(piece.name))
            for piece in pieces(value)
            if not piece.literal
        )
    elif keyed := KEYED.fullmatch(value):
        within = keyed.span(3 if keyed[2] is None else 2)
        name = "_".join((*segment_entity(keyed[1]), "id"))
        need.inner = (Need(Sink(step, "json", sink.path, name, within), value[slice(*within)], role_of(name)),)
    elif REFERENCE.fullmatch(value):
        need.inner = tuple(
            Need(Sink(step, "json", sink.path, piece.name, (piece.start - 1, piece.end - 1)), piece.value,
                 role_of(piece.name))
            for piece in pieces(f"/{value}")
            if not piece.literal
        )  # fmt: skip
    elif COMPACT.fullmatch(value) and not DATES.fullmatch(value) and not value.isalnum():
        need.inner = tuple(_composite(need)) or tuple(_within(sink, value, role))
    elif len(value) > 16:
        need.inner = tuple(_within(sink, value, role))
    return need


def _types_beside(document: Any, path: Path) -> tuple[Role, ...]:
    """{"type": "invoice", "id": 881} and {"entity_type": "invoice", "entity_id": 881} name invoices."""
    node = document
    for part in path[:-1]:
        node = node[part]
    name = str(path[-1]) if path else ""
    if not isinstance(node, dict):
        return ()
    wanted = (*words(name)[:-1], "type")
    said = [entity_of(value) for key, value in node.items() if isinstance(value, str) and words(key) == wanted]
    found = [*said, type_of(node) if name == "id" else ()]
    return tuple(_id_of(entity) for entity in found if entity)


def _around(names: list[str], about: tuple[str, ...]) -> tuple[str, ...]:
    """The nearest name outside that is a thing: items of an order are items, not orders."""
    for name in reversed(names):
        if not set(words(name)) <= JSON_WRAPPERS:
            return entity_of(name) or words(name)
    return about


def _operation(query: str) -> tuple[str, ...]:
    """What a GraphQL document asks for, by its first field."""
    match = FIELD.search(query)
    return _operation_words(match[1]) if match else ()


def _multipart(request: Request, step: int) -> Iterator[Need]:
    for name, start, end in multipart_places(request):
        value = request.body.data[start:end].decode("utf-8", "replace")
        if value and len(value) <= LIMIT:
            short = name.partition("~")[0]
            need = Need(Sink(step, "multipart", name, short), value, role_of(short))
            about = () if name == short and not name.startswith("part ") else about_of(request)
            if value.lstrip()[:1] in "{[":
                need.inner = tuple(_document(value, need.sink, about))
            yield need


def _document(text: str, sink: Sink, about: tuple[str, ...]) -> Iterator[Need]:
    """The values of a JSON document in a field, those that are written as they are."""
    for need in _json(text, sink.step, about):
        at, end = need.at
        if text[at] == '"':
            at, end = at + 1, end - 1
        if need.value == text[at:end]:
            yield Need(Sink(sink.step, sink.part, sink.path, need.sink.name, (at, end)), need.value, need.role)


def multipart_places(request: Request) -> Iterator[tuple[str, int, int]]:
    """(name, start, end) of every field of a multipart form (RFC 7578), files of JSON among them, no other files; of
    other multipart bodies the documents, by their number: "part 1" (multipart/related, RFC 2387).
    """
    is_form = media_type(request) == "multipart/form-data"
    match = BOUNDARY.search(request.content_type)
    data = request.body.data
    if not match:
        return
    mark = b"--" + match[1].encode("latin-1", "replace")
    seen: dict[str, int] = {}
    number = 0
    at = data.find(mark)
    while at >= 0:
        number += 1
        after = data.find(mark, at + len(mark))
        head = data.find(b"\r\n\r\n", at, after if after >= 0 else len(data))
        if after < 0 or head < 0:
            return
        fields = data[at + len(mark) : head].decode("utf-8", "replace")
        name = PART.search(fields)
        if not is_form and not name and DOCUMENT_PART.search(fields):
            yield f"part {number}", head + 4, after - 2
        if name and ("filename" not in fields.lower() or DOCUMENT_PART.search(fields)):
            seen[name[1]] = seen.get(name[1], 0) + 1
            key = name[1] if seen[name[1]] == 1 else f"{name[1]}~{seen[name[1]]}"
            yield key, head + 4, after - 2
        at = after
