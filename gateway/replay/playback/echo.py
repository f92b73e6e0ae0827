"""Values that a client makes up itself and the recorded response repeats: today's client gets its own back. Pure.

A client that asks with `id: 12` and is answered `id: 7` takes the response for another one's: JSON-RPC, Relay, JSONP,
OpenID Connect and message buses all compare. What a client makes up is known by the names that the protocols give it;
what a recorded response repeats is what stands in it under the same name, or, where the value is too long for a
coincidence, anywhere.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final
from urllib.parse import quote

from ...model import headers
from ...model.bodies import charset, format_of, text_of
from ...model.exchange import Chunk
from ...model.message import Body, Pairs, Request, Response
from .request_table import Mismatch, Scalar

# Names of queries and members, without case and separators. Those of a query are few: an id there is a filter.
IN_QUERY: Final = frozenset((
    "callback", "jsonp", "jsoncallback", "jsonpcallback", "nonce", "state", "requestid", "xrequestid",
    "clientrequestid", "correlationid", "traceid", "codechallenge", "clienttoken",
))  # fmt: skip
IN_BODY: Final = IN_QUERY | frozenset((
    "clientmutationid", "messageid", "msgid", "idempotencykey", "spanid", "transactionid", "clientrequesttoken",
    "codeverifier", "dedupid", "deduplicationid", "messagededuplicationid", "requesttoken", "reqid", "invocationid",
    "clientmsgid", "traceparent", "clientreferenceid",
))  # fmt: skip
CALLBACKS: Final = frozenset(("callback", "jsonp", "jsoncallback", "jsonpcallback", "cb"))
IDENTIFIER: Final = re.compile(r"[A-Za-z_$][\w$.]{0,200}")
# What keeps caches away, and what says when a request was made: it chooses nothing.
TRANSPORT: Final = frozenset((
    "", "t", "ts", "cb", "cachebust", "cachebuster", "cachebreaker", "nocache", "rnd", "rand", "random", "dc", "bust",
    "timestamp", "time", "now", "epoch", "r", "tick",
))  # fmt: skip
# Of signed URLs: AWS, Google, Azure, CloudFront, Alibaba; new whenever the URL is made.
SIGNED: Final = re.compile(
    r"x-(?:amz|goog|oss|cos|tos|obs)-(?:signature|date|credential|expires|security-token|algorithm|signedheaders"
    r"|content-sha256)|signature|sig|expires|key-pair-id|policy|awsaccesskeyid|googleaccessid|ossaccesskeyid|hmac|sign"
    r"|s[eptvri]|sks|skt|ske|skv|skoid|sktid|spr|ses|hdnts|hdnea|verify|exp|expiry|expire",
    re.IGNORECASE,
)
VENDOR: Final = re.compile(r"x-(?:amz|goog|oss|cos|tos|obs)-", re.IGNORECASE)
MOMENT: Final = re.compile(r"\d{9,19}(?:\.\d+)?|0?\.\d{4,}|(?=.*(?:\d|[a-z][A-Z]|[A-Z][a-z][A-Z]))[A-Za-z0-9_-]{6,64}")
RANDOM: Final = re.compile(r"(?=.*(?:\d|[a-z][A-Z]))\S{6,}|[A-Za-z0-9_-]{20,}|\d+")
LONG: Final = 6  # characters from which a value with a digit is hardly there by chance
ECHOED: Final = frozenset((
    *headers.TRACE, *headers.RUN_IDS, "origin", "access-control-request-headers", "access-control-request-method",
    "request-id", "correlation-id", "client-request-id", "x-client-request-id", "x-ms-client-request-id",
    "idempotency-key", "x-idempotency-key", "x-message-id", "x-transaction-id", "x-client-trace-id", "x-opaque-id",
))  # fmt: skip
CORS: Final = {
    "origin": "access-control-allow-origin", "access-control-request-headers": "access-control-allow-headers",
    "access-control-request-method": "access-control-allow-methods",
}  # fmt: skip
STALE: Final = frozenset((*headers.OF_THE_CODING, *headers.DIGESTS))  # once the body is another one


@dataclass(frozen=True, slots=True)
class Pair:
    """A value of the recorded request, and today's at the same place."""

    where: str
    name: str
    recorded: Scalar
    asked: Scalar


def plain(name: str) -> str:
    """A name without case and separators: "clientMutationId" and "client_mutation_id" are one."""
    return re.sub(r"[^a-z0-9]", "", name.rpartition("/")[2].lower())


def is_made_up(found: Mismatch, *, rpc: bool = False) -> bool:
    """Whether a client makes this value up for every request; `rpc` where the body is a JSON-RPC call."""
    if found.where not in ("query", "body") or found.recorded is None or found.asked is None:
        return False
    word, values = plain(found.name), (str(found.recorded), str(found.asked))
    if word in CALLBACKS and found.where == "query":
        return all(IDENTIFIER.fullmatch(value) for value in values)
    if rpc and found.where == "body" and re.fullmatch(r"(?:/\d+)?/id", found.name):
        return True
    if found.where == "body" and word == "date" and "/header/" in found.name:
        return True  # Jupyter's message headers
    if (
        found.where == "body"
        and found.name.startswith("ical ")
        and plain(found.name.removeprefix("ical ")) in OF_CALENDARS
    ):
        return True
    return word in (IN_QUERY if found.where == "query" else IN_BODY) and all(RANDOM.fullmatch(each) for each in values)


# Within a segment: "a1b2....ics" of a calendar, "upload-01HGW..." of a file.
EMBEDDED: Final = re.compile(
    r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-7][0-9A-HJKMNP-TV-Z]{25}|(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])"
)
MAKES: Final = frozenset(("PUT", "POST", "MKCOL", "MKCALENDAR"))
OF_CALENDARS: Final = frozenset(("uid", "dtstamp", "created", "lastmodified", "completed", "rev", "prodid"))


def made_in_path(found: Mismatch, method: str) -> list[tuple[str, str]]:
    """The ids that a client makes up for what it puts there: (recorded, asked); [] where it is no such difference."""
    if found.where != "path" or method not in MAKES:
        return []
    one, other = str(found.recorded), str(found.asked)
    pairs = list(zip(EMBEDDED.findall(one), EMBEDDED.findall(other), strict=False))
    return pairs if pairs and EMBEDDED.sub("", one) == EMBEDDED.sub("", other) else []


def is_transport(found: Mismatch) -> bool:
    """Whether a difference only keeps caches away, or is a new signature for the same thing."""
    if found.where != "query":
        return False
    texts = [each for each in (found.recorded, found.asked) if isinstance(each, str)]
    if VENDOR.match(found.name) and SIGNED.fullmatch(found.name):
        return True
    if SIGNED.fullmatch(found.name) and all(len(text) >= 8 and re.search(r"\d", text) for text in texts):
        return bool(texts)
    return plain(found.name) in TRANSPORT and bool(texts) and all(MOMENT.fullmatch(text) for text in texts)


def is_rpc(request: Request) -> bool:
    """Whether the body is a call whose response names its id: JSON-RPC, or a batch of such calls."""
    data = request.body.data[:4096]
    return b'"jsonrpc"' in data or (b'"method"' in data and b'"params"' in data and b'"id"' in data)


def header_pairs(recorded: Request, asked: Request) -> Iterator[Pair]:
    """The headers whose value a response may repeat."""
    today = {name.lower(): value for name, value in asked.headers}
    for name, value in recorded.headers:
        low = name.lower()
        if low in ECHOED and low in today and today[low] != value:
            yield Pair("header", low, value, today[low])


def pairs_of(mismatches: Iterable[Mismatch], asked: dict[tuple[str, str], Scalar]) -> Iterator[Pair]:
    """What was asked otherwise than recorded, in today's own words: `asked` has the values of the request as sent."""
    for each in mismatches:
        value = asked.get((each.where, each.name), each.asked)
        if each.recorded is not None and value is not None:
            yield Pair(each.where, each.name, each.recorded, value)


def with_todays(response: Response, pairs: Sequence[Pair]) -> Response:
    """The response with today's values where it repeats the recorded ones; itself where it repeats none."""
    pairs = [pair for pair in pairs if _is_scalar(pair.recorded) and _is_scalar(pair.asked)]
    if not pairs:
        return response
    fields = tuple((name, _header(name.lower(), value, pairs)) for name, value in response.headers)
    body = _body(response, pairs)
    if body is None:
        return response if fields == response.headers else replace(response, headers=fields)
    return replace(response, headers=_without_stale(fields), body=Body(len(body), body))


EVENT_END: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")


def events_with_todays(chunks: Sequence[Chunk], pairs: Sequence[Pair]) -> Sequence[Chunk]:
    """The pieces of an event stream with today's values in its events; as recorded where it repeats none.

    An event that is changed comes whole, at the moment at which its last byte came then.
    """
    pairs = [pair for pair in pairs if pair.where != "header" and _is_scalar(pair.recorded) and _is_scalar(pair.asked)]
    received = [chunk for chunk in chunks if chunk.direction == "received"]
    whole, ends = b"".join(chunk.data for chunk in received), list(accumulate(len(chunk.data) for chunk in received))
    found: list[Chunk] = []
    at, changed = 0, False
    for end in (*(match.end() for match in EVENT_END.finditer(whole)), len(whole)):
        if end > at and pairs:
            event = whole[at:end].decode("utf-8", "surrogateescape")
            now = event
            for pair in pairs:
                now = _in_text(now, pair, is_json=True)
            changed |= now != event
            piece = received[bisect_left(ends, end)]
            found.append(replace(piece, data=now.encode("utf-8", "surrogateescape")))
        at = end
    return found if changed else chunks


def _is_scalar(value: Scalar) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


def _without_stale(fields: Pairs) -> Pairs:
    return tuple(pair for pair in fields if pair[0].lower() not in STALE)


def _header(name: str, value: str, pairs: Sequence[Pair]) -> str:
    whole = [
        pair for pair in pairs if pair.where == "header" and value == pair.recorded and _goes_with(name, pair.name)
    ]
    if whole:
        return str(whole[0].asked)
    for pair in pairs:
        before, after = str(pair.recorded), str(pair.asked)
        if pair.where != "header" and is_distinct(before):
            value = _everywhere(value, before, after)
    return value


def _goes_with(name: str, asked: str) -> bool:
    """Which header of a request comes back under which name."""
    return CORS.get(asked) == name or plain(name).removeprefix("x") == plain(asked).removeprefix("x")


def is_distinct(value: str) -> bool:
    """Whether a value is not a word or a small number that a response may hold by itself."""
    return len(value) >= LONG and (re.search(r"\d", value) is not None or len(value) >= 3 * LONG)


def _everywhere(text: str, before: str, after: str) -> str:
    """Each place at which the value stands as a whole word, also as it is spelled in URLs."""
    for one, other in dict.fromkeys(((before, after), (quote(before, safe=""), quote(after, safe="")))):
        text = other.join(re.split(rf"(?<![A-Za-z0-9]){re.escape(one)}(?![A-Za-z0-9])", text))
    return text


def _body(response: Response, pairs: Sequence[Pair]) -> bytes | None:
    """The body with today's values, without its codings; None where nothing changes."""
    text = text_of(response)
    if not text:
        return None
    is_json, changed = format_of(response, text) == "json", text
    for pair in sorted(pairs, key=lambda pair: pair.where != "header"):  # a request id may hold another value
        if pair.where != "header" or is_distinct(str(pair.recorded)):
            changed = _in_text(changed, pair, is_json=is_json)
    try:
        return None if changed == text else changed.encode(charset(response))
    except UnicodeEncodeError:
        return None


def _in_text(text: str, pair: Pair, *, is_json: bool) -> str:
    before, after = str(pair.recorded), str(pair.asked)
    if pair.where == "query" and plain(pair.name) in CALLBACKS:
        call = rf"^((?:/\*.*?\*/)?\s*(?:;\s*)?(?:typeof\s+)?){re.escape(before)}(?=\s*[(&=])"
        return re.sub(call, lambda match: match[1] + after, text)
    if is_json:
        text = _members(text, pair)
    if is_distinct(before):
        spelled = (json.dumps(each, ensure_ascii=False)[1:-1] if is_json else each for each in (before, after))
        text = _everywhere(text, *spelled)
    return text


def _members(text: str, pair: Pair) -> str:
    """Members of the same name and value, such as the `id` of a JSON-RPC response; every other token stays as it is."""
    name = pair.name.rpartition("/")[2]
    if not name or pair.where not in ("body", "query"):
        return text
    before, after = (json.dumps(each, ensure_ascii=False) for each in (pair.recorded, pair.asked))
    member = rf'("{re.escape(name)}"\s*:\s*){re.escape(before)}(?=\s*[,}}\]])'
    return re.sub(member, lambda match: match[1] + after, text)
