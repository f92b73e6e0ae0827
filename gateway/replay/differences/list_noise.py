"""What a list, a missing member, a repeated value tell: what is of this run, and what a server holds besides. Pure.

Two servers hold different things. A list of them is as it should be when what this run made is in it; what else is in
it is the server's own. A member that is gone, and an item of this run that is missing, are never harmless.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Final
from urllib.parse import unquote

from ...correlation.urls import collection_of
from ...model.exchange import Exchange
from ...model.message import Request
from ..playback.request_table import fields_of
from .header_kinds import is_of_one_run
from .json_difference import MISSING, Change
from .noise import GENERIC, Context, Uses, Verdict, unexplained
from .value_kinds import TIMES, words_of

READS: Final = frozenset(("GET", "HEAD", "PROPFIND", "REPORT", "SEARCH", "QUERY"))
# A list under one of these names, or at the top, is what was asked for; any other belongs to one thing.
WRAPPERS: Final = frozenset((
    "data", "results", "result", "value", "rows", "hits", "content", "entries", "records", "list", "objects", "docs",
    "members", "member", "embedded", "response", "contents", "entry", "feed", "channel", "item", "items", "multistatus",
    "listbucketresult", "edges", "nodes", "page", "collection",
))  # fmt: skip
TOTALS: Final = frozenset((
    "total", "count", "found", "elements", "records", "recordstotal", "pages", "length", "size", "filtered", "entries",
    "results", "rows", "hits", "last", "numfound",
))  # fmt: skip
TROUBLE: Final = frozenset((
    "error", "errors", "fault", "faultstring", "exception", "failure", "failures", "problem", "problems", "warning",
    "warnings", "violation", "violations", "invalid",
))  # fmt: skip
ID: Final = ("id", "_id", "uuid", "uid", "key", "name", "slug", "code", "href", "url", "number")
HELD: Final = "what this environment holds besides"


def is_item(pointer: str) -> bool:
    """Whether a place is an item of a list: "/items/3", "/multistatus/response[2]"."""
    last = pointer.rpartition("/")[2]
    return last.isdigit() or last.endswith("]")


def reads_list(request: Request) -> bool:
    """Whether a request asks for a list of things: GET /orders, not /orders/7 and not /cart."""
    if request.method not in READS:
        return False
    words = [unquote(word) for word in request.target.partition("?")[0].split("/") if word]
    last = words[-1] if words else ""
    if request.method in ("PROPFIND", "REPORT", "SEARCH"):
        return True
    plural = re.fullmatch(r"_?[A-Za-z-]*(?:s|list|all|search|find|query)", last, re.IGNORECASE) is not None
    return not last or (plural and not last.lower().endswith(("ss", "us", "status")))


def one_sided(change: Change, context: Context, *, is_header: bool) -> Verdict:
    """The cause of a header, a member or an item that only one of two responses has."""
    name = change.pointer.partition(" ")[0] if is_header else change.name
    if is_header:
        return _header(name, change, context)
    if words_of(name) & TROUBLE:
        return unexplained(context)
    if is_item(change.pointer) and (told := _item(change, context)) is not None:
        return told
    if change.kind == "removed" or is_item(change.pointer):
        return unexplained(context)
    return Verdict("unknown", "the recorded response has nothing here")


def _header(name: str, change: Change, context: Context) -> Verdict:
    if is_of_one_run(name):
        return Verdict("noise", "a header of one request, one machine or one cache", "none")
    if (
        name in ("vary", "content-encoding", "accept-ranges")
        and "encoding" in str(change.recorded) + str(change.replayed).lower()
    ):
        return Verdict("noise", "another coding of the same content", "none")
    if name == "set-cookie":
        return unexplained(context) if change.kind == "removed" else Verdict("unknown", "a cookie that is new here")
    if change.kind == "added" or name in ("etag", "last-modified"):
        return Verdict("unknown", "only one of the two has this header")
    return unexplained(context)


def _item(change: Change, context: Context) -> Verdict | None:
    """An item of a list of things that only one side has; None where the list belongs to one thing."""
    if not context.reads_list or not _is_listing(change.pointer):
        return None
    item = change.replayed if change.kind == "added" else change.recorded
    if not isinstance(item, (dict, str)):
        return None
    keys = _keys_of(item)
    if change.kind == "removed":
        if any(context.bound(key) for key in keys):
            return Verdict("data", "this run made it, and the list does not have it", "high")
        return Verdict("noise", "what the other environment held besides", "none") if context.moved else None
    own = _own(context, keys)
    if own or context.moved:
        return Verdict("noise", "this run's own, beside that of the recording" if own else HELD, "none")
    return Verdict("unknown", "more of them than when it was recorded")


def _own(context: Context, keys: set[str]) -> bool:
    """Whether an item is one that this run made: its key stands for a recorded one."""
    return any(value in keys for value in context.drift.values())


def _keys_of(item: Any) -> set[str]:
    if isinstance(item, str):
        return set(re.findall(r"[A-Za-z0-9_-]+", item[:2000])) | {item}
    return {
        str(item[name]) for name in ID if isinstance(item.get(name), (str, int)) and not isinstance(item[name], bool)
    }


def _is_listing(pointer: str) -> bool:
    """Whether all names above an item are those of an envelope, or the one name is that of the things themselves."""
    names = [re.sub(r"\[\d+\]$|^_", "", part).lower() for part in pointer.split("/") if part and not part.isdigit()]
    above = names[:-1] if pointer.endswith("]") else names
    if pointer.endswith("]"):
        return len(above) <= 2
    return len(above) <= 2 and all(name in WRAPPERS for name in above[:-1])


def of_a_list(name: str, change: Change, context: Context) -> Verdict | None:
    """How many there are in a list that was asked for; None where it is no such number."""
    if not context.reads_list or isinstance(change.recorded, bool) or isinstance(change.replayed, bool):
        return None
    own = name.rpartition("/")[2]
    words = words_of(own) - {"x", "num", "number", "of", "items"}
    if not words or not words <= TOTALS | {"count"} or change.pointer.count("/") > 3:
        return None
    values = str(change.recorded), str(change.replayed)
    if not all(value.isdigit() for value in values):
        return None
    before, after = map(int, values)
    if context.moved:
        return Verdict("noise", "as many as this environment holds", "none")
    return Verdict("noise", "a list that grew", "none") if after >= before else None


def not_yet(name: str, change: Change, context: Context) -> Verdict:
    """A value on one side, null on the other: a moment may not have come yet, anything else is data."""
    if change.recorded is MISSING or change.replayed is MISSING or not words_of(name.rpartition("/")[2]) & TIMES:
        return unexplained(context)
    return Verdict("unknown", "a moment that had come in only one of the two runs")


def echoes(recorded: Request, live: Request) -> dict[str, tuple[tuple[str, str], ...]]:
    """Recorded value -> (name, "" in the path; what the live request has there), for every value of a request."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, before, after in _values(recorded, live):
        found.setdefault(before, []).append((name, after))
    return {value: tuple(pairs) for value, pairs in found.items()}


def _values(recorded: Request, live: Request) -> Iterator[tuple[str, str, str]]:
    after = fields_of(live, headers=False)
    for (where, place), value in fields_of(recorded, headers=False).items():
        sent = after.get((where, place))
        if where in ("path", "query", "body") and _is_scalar(value) and _is_scalar(sent) and str(value):
            yield "" if where == "path" else place.rpartition("/")[2], str(value), str(sent)


def _is_scalar(value: object) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


class LaterRequests:
    """Which values of a recording later requests send, and under which names; looked up when somebody asks."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self._exchanges = exchanges

    @cached_property
    def _index(self) -> dict[str, list[tuple[int, frozenset[str]]]]:
        found: dict[str, list[tuple[int, frozenset[str]]]] = {}
        for one in self._exchanges:
            for value, names in _sent(one.request):
                found.setdefault(value, []).append((one.step, names))
        return found

    def after(self, recorded: Exchange) -> Uses:
        """Whether a request after this step sends a value that came in it.

        A long value is the same thing wherever it stands; a short one only under the same name.
        """
        about = frozenset(collection_of(recorded.request.target))

        def used(value: str, name: str) -> bool:
            later = [names for step, names in self._index.get(value, ()) if step > recorded.step]
            if not later or _is_distinct(value):
                return bool(later)
            words = words_of(name)
            wanted = (words - GENERIC) or about
            return any(names & wanted or (names & words and not names - words) for names in later)

        return used


def _is_distinct(value: str) -> bool:
    return len(value) >= 8 or (len(value) >= 4 and any(map(str.isdigit, value)))


def _sent(request: Request) -> Iterator[tuple[str, frozenset[str]]]:
    """The values of a request, each with the words of its name; of a path's segment those of the one before it."""
    words = [unquote(word) for word in request.target.partition("?")[0].split("/")]
    for (where, place), value in fields_of(request, headers=True).items():
        if where == "method" or not _is_scalar(value):
            continue
        if where == "path":
            yield str(value), frozenset((*collection_of("/" + words[int(place) - 1]), "id"))
        else:
            yield str(value), words_of(place.rpartition("/")[2])
