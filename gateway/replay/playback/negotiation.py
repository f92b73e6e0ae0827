"""Which of several recorded responses to one request its headers choose: version, tenant, Accept, language, user. Pure.

Servers choose by headers, and say so in Vary at best (RFC 9110 section 12.5.5). Headers that decide by their meaning
have to agree, else the request is another one. Of the others those that differed in the recording are a preference: who
sends the recorded value gets what was recorded for it, and who sends a value that was never seen gets any.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ...model import headers
from ...model.bodies import media_type
from ...model.exchange import Exchange
from ...model.message import Message, Request
from .request_table import CREDENTIALS, Mismatch

# Another value asks for another thing.
DECISIVE: Final = re.compile(
    r"soapaction|x-http-method(?:-override)?|x-method-override|(?:x-)?(?:.*-)?api-version|accept-version|x-ms-version"
    r"|.*tenant.*|x-amz-target|x-(?:org|organization|organisation|account|workspace|project|realm|store|shop|site|market)"
    r"(?:-(?:id|key|name|code))?|depth|destination|overwrite|hx-request|turbo-frame|x-inertia|x-pjax|prefer|x-goog-fieldmask"
)
# Named by Vary, and distinguished in ways of their own, or by nobody.
NOT_BY_VARY: Final = frozenset((
    "*", "accept-encoding", "origin", "cookie", "user-agent", "accept", "accept-language", "authorization", "referer",
    "range", "if-range", "x-ms-range", *headers.CLIENT_CACHE, *headers.CREDENTIALS,
))  # fmt: skip
IGNORED: Final = frozenset((
    *headers.HOP_BY_HOP, *headers.FRAMING, *headers.GATEWAY_REQUEST, *headers.TRACE, *headers.RUN_IDS, "date",
    *headers.FORWARDING, *headers.WEBSOCKET, *headers.CLIENT_CACHE, "accept-encoding", "user-agent",
    "range", "if-range", "x-ms-range", "accept", "accept-language", "cookie", "origin", "referer", "priority",
    "access-control-request-headers",
))  # fmt: skip


def chosen(asked: Request, candidates: Sequence[Exchange]) -> list[Exchange]:
    """Those of the recorded steps of one request that its headers choose; none where they ask for something else."""
    found = [one for one in candidates if next(apart(asked, one), None) is None]
    found = _by_accept(asked, found)
    for name in _differing(found):
        found = [one for one in found if value_of(one.request, name) == value_of(asked, name)] or found
    found = _by_language(asked, found)
    for name in _differing_cookies(found):
        mine = _cookies(asked).get(name)
        found = [one for one in found if _cookies(one.request).get(name) == mine] or found
    return found


def apart(asked: Request, one: Exchange) -> Iterator[Mismatch]:
    """The headers by which a recorded request is another one."""
    names = {low for name, _ in (*asked.headers, *one.request.headers) if DECISIVE.fullmatch(low := name.lower())}
    vary = one.response.header("vary") if one.response else ""
    names |= {low for word in vary.split(",") if (low := word.strip().lower()) and low not in NOT_BY_VARY}
    for name in sorted(names - {each for each in names if each.startswith("sec-")}):
        before, after = value_of(one.request, name), value_of(asked, name)
        if before != after:
            yield Mismatch("header", name, before, after)


def value_of(request: Message, name: str) -> str | None:
    """All values of a header, joined; None where it is not sent."""
    found = [" ".join(value.split()) for key, value in request.headers if key.lower() == name]
    return ", ".join(found) if found else None


def _differing(candidates: Sequence[Exchange]) -> list[str]:
    """The headers whose values differ among recorded requests: credentials first."""
    if len(candidates) < 2:
        return []
    names = {name.lower() for one in candidates for name, _ in one.request.headers}
    names = {name for name in names if name not in IGNORED and not name.startswith("sec-")}
    apart = [name for name in names if len({value_of(one.request, name) for one in candidates}) > 1]
    return sorted(apart, key=lambda name: (name not in CREDENTIALS, name))


# -- Accept (RFC 9110 section 12.5.1)


def _by_accept(asked: Request, candidates: list[Exchange]) -> list[Exchange]:
    """By the very same Accept, else by the type of what came; a type that is not accepted is no response."""
    field = value_of(asked, "accept")
    if field is None or not candidates:
        return candidates
    same = [one for one in candidates if value_of(one.request, "accept") == field]
    if same:
        return same
    weights = {one.step: _weight(field, one) for one in candidates}
    best = max(weights.values())
    if best > 0:
        return [one for one in candidates if weights[one.step] == best]
    # A server that did not mind what its recorded client accepted does not mind today's.
    return [one for one in candidates if _weight(value_of(one.request, "accept") or "*/*", one) <= 0]


def _weight(field: str, one: Exchange) -> float:
    kind = media_type(one.response) if one.response else ""
    if not kind or (one.status or 0) >= 400 or not (one.response and one.response.body.size):
        return 1.0
    best, exact = 0.0, -1
    for part in field.lower().split(","):
        name, _, parameters = part.partition(";")
        match = re.search(r"(?:^|;)\s*q\s*=\s*([0-9.]+)", parameters)
        weight = float(match[1]) if match and re.fullmatch(r"\d(?:\.\d+)?", match[1]) else 1.0
        name = name.strip()
        rank = 2 if name == kind else 1 if name == kind.partition("/")[0] + "/*" else 0 if name in ("*/*", "*") else -1
        if rank > exact:
            best, exact = weight, rank
    return best


# -- Accept-Language


def _by_language(asked: Request, candidates: list[Exchange]) -> list[Exchange]:
    """By the same field, else by the first language that one of several responses has; else any."""
    field = value_of(asked, "accept-language")
    if field is None or len({value_of(one.request, "accept-language") for one in candidates}) < 2:
        return candidates
    same = [one for one in candidates if value_of(one.request, "accept-language") == field]
    if same:
        return same
    for tag in _tags(field):
        fitting = [one for one in candidates if tag in _languages(one)]
        if fitting:
            return fitting
    return candidates


def _tags(field: str) -> list[str]:
    """Primary tags, the most wanted first: "de" of "de-CH;q=0.9"."""
    pairs = []
    for part in field.lower().split(","):
        name, _, weight = part.partition(";q=")
        pairs.append(
            (-float(weight) if re.fullmatch(r"\s*\d(?:\.\d+)?\s*", weight) else -1.0, name.strip().partition("-")[0])
        )
    return [name for _, name in sorted(pairs, key=lambda pair: pair[0]) if name]


def _languages(one: Exchange) -> list[str]:
    said = value_of(one.response, "content-language") if one.response else None
    return _tags(said) if said else _tags(value_of(one.request, "accept-language") or "")[:1]


# -- cookies


def _cookies(request: Request) -> dict[str, str]:
    pairs = (pair.strip().partition("=") for pair in (value_of(request, "cookie") or "").replace(", ", "; ").split(";"))
    return {name: value for name, equals, value in pairs if equals}


def _differing_cookies(candidates: Sequence[Exchange]) -> Iterable[str]:
    if len(candidates) < 2:
        return ()
    jars = [_cookies(one.request) for one in candidates]
    names = dict.fromkeys(name for jar in jars for name in jar)
    return [name for name in names if len({jar.get(name) for jar in jars}) > 1]
