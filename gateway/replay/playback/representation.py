"""The part of a recorded representation that a request asks for: ranges, conditions, codings. Pure.

A browser that seeks in a film, a client with a warm cache and one that reads no brotli ask for one and the same thing
in other words than the recorded client did. From a whole that was recorded the right response to each follows
(RFC 9110 sections 12.5.3, 13 and 14).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

from ...model.bodies import codings, decoded
from ...model.codings import ENCODERS, accepts, best_coding, names_coding
from ...model.message import Body, Pairs, Request, Response

READS: Final = frozenset(("GET", "HEAD"))
ONE_RANGE: Final = re.compile(r"\s*bytes\s*=\s*(?:(\d{1,18})\s*-\s*(\d{0,18})|-\s*(\d{1,18}))\s*")
CONTENT_RANGE: Final = re.compile(r"\s*bytes\s+(\d{1,18})-(\d{1,18})/(\d{1,18}|\*)\s*")
# What a 304 carries of its 200 (RFC 9110 section 15.4.5), and what clients need beside it.
WITH_304: Final = frozenset((
    "cache-control", "content-location", "date", "etag", "expires", "vary", "last-modified", "set-cookie",
    "access-control-allow-origin", "access-control-allow-credentials", "access-control-expose-headers",
))  # fmt: skip
# What holds only for the very bytes.
OF_THE_BYTES: Final = frozenset(("content-md5", "digest", "content-digest", "repr-digest", "content-length"))


@dataclass(frozen=True, slots=True)
class RepresentationPart:
    """Bytes of a whole, from `first` on; `total` is the size of the whole, None where nobody said."""

    first: int
    data: bytes
    total: int | None

    @property
    def end(self) -> int:
        return self.first + len(self.data)


def range_of(request: Request) -> str:
    """The Range header without its spaces; "" when there is none, or its unit is not bytes.

    Azure's clients write x-ms-range, which that service prefers (its "Get Blob" reference).
    """
    value = "".join((request.header("x-ms-range") or request.header("range")).split()).lower()
    return value if value.startswith("bytes=") else ""


def wants_part(request: Request) -> bool:
    """Whether a request asks for a part of what it names."""
    return request.method in READS and bool(range_of(request))


def part_of(response: Response) -> RepresentationPart | None:
    """The bytes that a response has of its representation; None for several parts at once, or no such response."""
    if response.body.truncated:
        return None
    if response.status == 200:
        return RepresentationPart(0, response.body.data, len(response.body.data))
    match = CONTENT_RANGE.fullmatch(response.header("content-range")) if response.status == 206 else None
    if match is None or int(match[2]) - int(match[1]) + 1 != len(response.body.data):
        return None
    return RepresentationPart(int(match[1]), response.body.data, None if match[3] == "*" else int(match[3]))


def partial(request: Request, recorded: Sequence[Response]) -> Response | None:
    """The response to a request for a part, out of recorded responses of the same thing; None when they do not hold it.

    An If-Range that names another version asks for the whole (RFC 9110 section 13.1.5).
    """
    for response in recorded:
        part = part_of(response)
        if part is None:
            continue
        if not _is_this_version(request, response):
            return whole(recorded)
        bounds = _bounds(range_of(request), part.total)
        if bounds == "unsatisfiable":
            fields = (*_without(response.headers, OF_THE_BYTES | {"content-range", "content-encoding", "content-type"}),
                      ("Content-Range", f"bytes */{part.total}"))  # fmt: skip
            return replace(response, status=416, reason="Range Not Satisfiable", headers=fields, body=Body())
        if isinstance(bounds, tuple) and part.first <= bounds[0] and bounds[1] < part.end:
            data = part.data[bounds[0] - part.first : bounds[1] + 1 - part.first]
            total = "*" if part.total is None else part.total
            fields = (*_without(response.headers, OF_THE_BYTES | {"content-range"}),
                      ("Content-Range", f"bytes {bounds[0]}-{bounds[1]}/{total}"))  # fmt: skip
            return replace(
                response,
                status=206,
                reason="Partial Content",
                headers=fields,
                body=replace(_body(data), plain=response.body.plain),
            )
    return whole(recorded) if range_of(request).count("-") > 1 else None


def whole(recorded: Sequence[Response]) -> Response | None:
    """A whole response: one that was recorded, or a part that is all of it."""
    for response in recorded:
        part = part_of(response)
        if part is not None and part.first == 0 and part.total == len(part.data):
            fields = _without(response.headers, OF_THE_BYTES | {"content-range"})
            return response if response.status == 200 else replace(response, status=200, reason="OK", headers=fields)
    return None


def _bounds(value: str, total: int | None) -> tuple[int, int] | str:
    """First and last byte of a single range; "several", or "unsatisfiable"."""
    match = ONE_RANGE.fullmatch(value)
    if match is None:
        return "several"
    if match[3] is not None:  # the last so many bytes
        if total is None:
            return "several"
        return (max(0, total - int(match[3])), total - 1) if total and int(match[3]) else "unsatisfiable"
    first = int(match[1])
    if total is not None and first >= total:
        return "unsatisfiable"
    if match[2] == "":
        return (first, total - 1) if total is not None else "several"
    last = int(match[2]) if total is None else min(int(match[2]), total - 1)
    return (first, last) if first <= last else "several"  # an invalid range is as none


def _is_this_version(request: Request, response: Response) -> bool:
    condition = request.header("if-range").strip()
    if not condition:
        return True
    if condition.startswith(('"', "W/")):
        return condition == response.header("etag").strip() and not condition.startswith("W/")
    return condition == response.header("last-modified").strip()


# -- conditions


def is_conditional(request: Request) -> bool:
    """Whether a client that has a copy asks whether it is still good."""
    return request.method in READS and bool(request.header("if-none-match") or request.header("if-modified-since"))


def is_fresh(request: Request, response: Response) -> bool:
    """Whether the client's copy is the recorded version, so that 304 is the response (RFC 9110 section 13.2.2)."""
    tags = request.header("if-none-match")
    if tags:
        tag = _weak(response.header("etag"))
        return bool(tag) and (tags.strip() == "*" or tag in map(_weak, re.findall(r'(?:W/)?"[^"]*"|[^\s,]+', tags)))
    since, modified = _moment(request.header("if-modified-since")), _moment(response.header("last-modified"))
    return since is not None and modified is not None and modified <= since


def _weak(tag: str) -> str:
    return tag.strip().removeprefix("W/")


def _moment(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text) if text else None
    except (ValueError, TypeError, IndexError):
        return None


def not_modified(response: Response) -> Response:
    """The 304 that belongs to a 200."""
    fields = tuple(pair for pair in response.headers if pair[0].lower() in WITH_304)
    return replace(response, status=304, reason="Not Modified", headers=fields, body=Body(), trailers=())


# -- codings


def in_coding_for(request: Request, response: Response) -> Response:
    """The response in a coding that the client reads: byte-true where it reads the recorded one."""
    if response.body.plain or not response.body.data or response.status == 206 or not names_coding(codings(response)):
        return response
    field = request.header("accept-encoding") or None
    if all(accepts(field, coding) for coding in codings(response) if names_coding([coding])):
        return response
    data, problem = decoded(response)
    if problem is not None:
        return response
    fields = _without(response.headers, OF_THE_BYTES | {"content-encoding"})
    if (coding := best_coding(field)) is not None:
        data, fields = ENCODERS[coding](data), (*fields, ("Content-Encoding", coding))
    return replace(response, headers=fields, body=_body(data))


def _body(data: bytes) -> Body:
    return Body(len(data), data)


def _without(headers: Pairs, names: frozenset[str] | set[str]) -> Pairs:
    return tuple(pair for pair in headers if pair[0].lower() not in names)
