"""What differs between two exchanges: each unequal place with a cause and a severity. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from ...correlation.urls import collection_of
from ...model import headers
from ...model.bodies import decoded, media_type, text_of
from ...model.exchange import Exchange
from ...model.message import Message, Pairs, Request
from ..fault import injected_places
from .body_changes import body_changes, form_pairs
from .json_difference import MISSING, Change, read_json
from .list_noise import echoes, is_item, not_yet, of_a_list, one_sided, reads_list
from .noise import EXPECTED, SEALED, Cause, Context, DifferencePlace, Severity, Verdict, judged, unexplained

MOST: Final = 1000  # differences of one exchange that are listed one by one
SHOWN: Final = 500  # letters of a value that are shown

# Fields that every run has its own of: telling them would leave no two exchanges the same.
VOLATILE: Final = frozenset((
    *headers.HOP_BY_HOP, *headers.FRAMING, *headers.WEBSOCKET, *headers.TRACE, *headers.RUN_IDS, *headers.MOMENTS,
    *headers.QUOTAS, *headers.REPORTING, *headers.FORWARDING, *headers.GATEWAY_REQUEST, *headers.GATEWAY_RESPONSE,
    "user-agent", "content-encoding",
))  # fmt: skip

LIST: Final = re.compile(r"\[\s*[{\]]|<(?:\w+:)?(response|contents|entry|item)\b", re.IGNORECASE)  # a list of things
LISTS: Final = frozenset((
    "vary", "allow", "access-control-expose-headers", "access-control-allow-headers", "access-control-allow-methods",
    "accept-patch", "accept-post", "dav", "content-language", "cache-control", "public", "permissions-policy",
    "clear-site-data", "strict-transport-security", "ms-author-via",
))  # fmt: skip
PORT: Final = re.compile(r"(?<![0-9])[0-9]{4,5}$")  # servers on one host tell their cookies apart by the port: Jupyter
SAID: Final = ("request.query", "request.body")
Kind = Literal["changed", "type", "removed", "added", "order"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One unequal place. `pointer` is a JSON Pointer, a field's name, "line 12", or "" for the whole."""

    where: str  # "status", "response.headers", "response.body", "request.query" ...
    pointer: str
    recorded: Any  # JSON-ready, shortened; None where that side has nothing
    replayed: Any
    severity: Severity
    cause: Cause
    kind: Kind = "changed"
    why: str = ""

    @property
    def expected(self) -> bool:
        """Whether every run may differ here."""
        return self.cause in EXPECTED or self.severity == "none"

    @property
    def unsure(self) -> bool:
        """Whether nobody knows the cause, and no later request needs the value."""
        return self.cause == "unknown" and self.severity != "none"


def difference_json(difference: Difference) -> dict[str, Any]:
    """A difference as the API and `--json` show it."""
    return {
        "where": difference.where,
        "pointer": difference.pointer,
        "recorded": difference.recorded,
        "replayed": difference.replayed,
        "severity": difference.severity,
        "cause": difference.cause,
        "kind": difference.kind,
        "why": difference.why,
    }


def outcome(differences: Sequence[Difference]) -> Literal["same", "expected", "unsure", "differs"]:
    """ "same", "expected" when every run may differ so, "unsure" where nobody knows the cause, else "differs"."""
    if not differences:
        return "same"
    if any(not (difference.expected or difference.unsure) for difference in differences):
        return "differs"
    return "unsure" if any(difference.unsure for difference in differences) else "expected"


def place_of(exchange: Exchange) -> DifferencePlace:
    """Where an exchange was answered."""
    parts = urlsplit(exchange.upstream_url)
    return DifferencePlace(
        exchange.cluster, exchange.environment, f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
    )


def context_of(recorded: Exchange, replayed: Exchange, drift: Mapping[str, str] | None = None) -> Context:
    """The context of a comparison: where both were answered, what was asked, and what this run calls it."""
    injected = injected_places(recorded) | injected_places(replayed)
    one, other = recorded.request, replayed.request
    same = (one.method, one.target, one.body.data) == (other.method, other.target, other.body.data)
    made = one.method == "POST" and recorded.status == replayed.status and 200 <= (recorded.status or 0) < 300
    return Context(
        drift if drift is not None else {}, place_of(recorded), place_of(replayed), injected=injected,
        same_request=same, echoes=echoes(one, other), about=frozenset(collection_of(one.target)),
        reads_list=reads_list(one), makes=made,
    )  # fmt: skip


def diff(recorded: Exchange, replayed: Exchange, context: Context | None = None) -> list[Difference]:
    """Every difference of two exchanges: what was asked, then what was answered."""
    context = context or context_of(recorded, replayed)
    found = list(islice(diff_requests(recorded.request, replayed.request, context), MOST))
    return (found + diff_answers(recorded, replayed, context))[:MOST]


def diff_requests(recorded: Request, replayed: Request, context: Context) -> Iterator[Difference]:
    """Method, path, query, headers, body."""
    if recorded.method != replayed.method:
        yield Difference("request.method", "", recorded.method, replayed.method, "high", "data")
    before, after = recorded.target.partition("?"), replayed.target.partition("?")
    if before[0] != after[0]:
        verdict = judged("", before[0], after[0], context)
        if verdict.cause in ("noise", "time"):  # what was asked for is never a value that only happens to be another
            verdict = unexplained(context)
        yield Difference("request.path", "", before[0], after[0], "medium", verdict.cause, why=verdict.why)
    yield from _pairs("request.query", form_pairs(before[2]), form_pairs(after[2]), context)
    yield from _pairs("request.headers", _fields(recorded.headers), _fields(replayed.headers), context)
    yield from diff_bodies("request.body", recorded, replayed, context)


def diff_answers(recorded: Exchange, replayed: Exchange, context: Context) -> list[Difference]:
    """Status, headers, body, or the failure where no response came."""
    return [_injected(one, context.injected) for one in islice(_answers(recorded, replayed, context), MOST)]


def _injected(difference: Difference, places: frozenset[str]) -> Difference:
    """What a fault changed on purpose is nobody's mistake, and told all the same."""
    if not places or difference.expected:
        return difference
    here = difference.where + difference.pointer
    hit = "*" in places or (difference.where == "response.body" and not difference.pointer and "status" in places)
    if hit or any(here == place or here.startswith(f"{place}/") for place in places):
        return replace(difference, cause="injected", why="a fault was injected here")
    return difference


def _answers(recorded: Exchange, replayed: Exchange, context: Context) -> Iterator[Difference]:
    if recorded.status != replayed.status:
        verdict = unexplained(context)
        yield Difference("status", "", recorded.status, replayed.status, "high", verdict.cause, why=verdict.why)
    broke, breaks = (one.failure.kind if one.failure else None for one in (recorded, replayed))
    if broke != breaks:
        yield Difference("failure", "", broke, breaks, "high", unexplained(context).cause)
    before, after = recorded.response, replayed.response
    if before is None or after is None:
        return
    if recorded.status != replayed.status:  # two different documents: their members tell nothing
        yield from _whole("response.body", before, after, context)
        return
    yield from _pairs("response.headers", _fields(before.headers), _fields(after.headers), context)
    yield from diff_bodies("response.body", before, after, context)


# -- headers and queries


def _fields(headers: Pairs) -> dict[str, str]:
    """Fields by their small name, repeats joined; cookies by name, without their attributes."""
    found: dict[str, str] = {}
    for name, value in headers:
        low = name.lower()
        if low in VOLATILE:
            continue
        if low == "set-cookie":
            cookie, _, content = value.partition(";")[0].partition("=")
            low, value = f"set-cookie {PORT.sub('*', cookie.strip())}", content.strip()
        found[low] = f"{found[low]}, {value}" if low in found else value
    return found


def _pairs(where: str, before: Mapping[str, str], after: Mapping[str, str], context: Context) -> Iterator[Difference]:
    for name, value in before.items():
        if name not in after:
            yield _of_change(where, Change(name, "removed", value, MISSING), context, name=name)
        elif _plain(name, value) != _plain(name, after[name]):
            yield _of_change(where, Change(name, "changed", value, after[name]), context, name=name)
    for name, value in after.items():
        if name not in before:
            yield _of_change(where, Change(name, "added", MISSING, value), context, name=name)


def _plain(name: str, value: str) -> str:
    if name in LISTS:  # the same words in another order are the same list (RFC 9110 section 5.6.1)
        return ",".join(sorted({word.strip().lower() for word in value.split(",") if word.strip()}))
    return value.replace(" ", "").lower() if name == "content-type" else value


# -- bodies


def diff_bodies(where: str, before: Message, after: Message, context: Context) -> Iterator[Difference]:
    """By structure where the two bodies have one, else as a whole."""
    if before.body == after.body and media_type(before) == media_type(after):
        return
    changes = body_changes(before, after, alias=context.alias)
    if changes is None:
        yield from _whole(where, before, after, context)
        return
    if context.reads_list and not any(LIST.search(text or "") for text in (text_of(before), text_of(after))):
        context = replace(context, reads_list=False)
    for change, name in changes:
        yield _of_change(where, change, context, name=name)


def _whole(where: str, before: Message, after: Message, context: Context) -> Iterator[Difference]:
    """The two bodies as one difference."""
    if decoded(before)[0] == decoded(after)[0]:
        return
    verdict = unexplained(context)
    yield Difference(where, "", _body_shown(before), _body_shown(after), "medium", verdict.cause, why=verdict.why)


def _body_shown(message: Message) -> Any:
    text = text_of(message)
    if text is None:
        return f"[{message.body.size} bytes of {media_type(message) or 'unknown type'}]"
    try:
        return _shown(read_json(text))
    except ValueError:
        return _shown(text)


# -- one change


def _of_change(where: str, change: Change, context: Context, *, name: str) -> Difference:
    verdict = _verdict(where, change, context, name)
    severity = verdict.severity or _severity(where, change)
    cause: Cause = "contract" if verdict.cause == "data" and _breaks(where, change) else verdict.cause
    if cause in ("noise", "time"):
        severity = "none"
    return Difference(
        where, change.pointer, _shown(change.recorded), _shown(change.replayed), severity, cause, change.kind,
        verdict.why,
    )  # fmt: skip


def _breaks(where: str, change: Change) -> bool:
    """Whether it is the form of the response that changed: members and types, not the items of a list or a value."""
    if where.endswith("headers"):
        return change.pointer == "content-type"
    return where == "response.body" and (
        (change.kind == "type" and None not in (change.recorded, change.replayed))
        or (change.kind in ("removed", "added") and not is_item(change.pointer))
    )


def _verdict(where: str, change: Change, context: Context, name: str) -> Verdict:
    place = f"{where}{'/' if where.endswith('headers') else ''}{change.pointer}"
    if change.kind == "order":
        return Verdict("order", "the same items in another order", "low")
    if change.kind in ("removed", "added", "type") and f"{where}{change.pointer}" in context.noise:
        return Verdict("noise", "other runs of this recording differ here, too", "none")
    if where.startswith("response") and change.kind in ("removed", "added"):
        return one_sided(change, context, is_header=where.endswith("headers"))
    if change.kind == "type" and None in (change.recorded, change.replayed):
        return not_yet(name, change, context)
    if change.kind != "changed":
        return unexplained(context)
    if where in SAID and _other_secret(change, context):
        return Verdict("data", "another secret")
    if where.startswith("response") and (told := of_a_list(name, change, context)) is not None:
        return told
    return judged(name, change.recorded, change.replayed, context, place=place)


def _other_secret(change: Change, context: Context) -> bool:
    """Equal secrets have equal placeholders: where the client says one by itself, another one is another request."""
    before, after = str(change.recorded), str(change.replayed)
    both = SEALED.fullmatch(before) and SEALED.fullmatch(after)
    return bool(both) and context.drift.get(before) != after


def _severity(where: str, change: Change) -> Severity:
    if change.kind in ("removed", "type"):
        return "medium" if where.endswith("headers") or None in (change.recorded, change.replayed) else "high"
    if change.kind == "added":
        return "low"
    return "high" if where.endswith("headers") and change.pointer == "content-type" else "medium"


def _shown(value: Any) -> Any:
    """The value as it goes into JSON, shortened."""
    if value is MISSING:
        return None
    if isinstance(value, str):
        return value if len(value) <= SHOWN else value[: SHOWN - 1] + "…"
    if isinstance(value, (dict, list)):
        text = json.dumps(value, ensure_ascii=False)
        return value if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
    return value
