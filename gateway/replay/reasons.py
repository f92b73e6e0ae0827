"""Why the steps of a recording failed: a reason for each, equal ones once with their count, one sentence of all. Pure.

The one engine of pages, slides and documents: `error_card` compares two exchanges, this chooses the two and words what
was found. A reason that nothing recorded supports is "none": it says so, and what the server said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from ..model.bodies import text_of
from ..model.exchange import FAILURE_KINDS, Exchange
from ..model.text import counted
from .differences.json_difference import read_json
from .differences.noise import SEALED
from .differences.step_pairs import VALUE
from .error_card import (
    Card,
    CardKind,
    CardRow,
    card,
    card_json,
    cause_of,
    fails,
    fault_told,
    label,
    reason_of,
    route_of,
    sibling,
    without_values,
)

ReasonKind = Literal[CardKind, "failure", "none"]

NEAR: Final = 150  # steps before and after a failure among which a success is looked for: comparing takes time
EXPLAINED: Final = 60  # different failures of one recording that are explained; the others are counted
SHORTS: Final = 3  # causes that a sentence names
DEEP: Final = 3  # levels of a response in which it may name another path
# Names that people write in capitals.
CAPITALS: Final = frozenset(("id", "isbn", "ean", "sku", "uuid", "url", "iban", "bic", "vin", "vat", "ip", "issn"))
PATH: Final = re.compile(r"/[A-Za-z0-9._~%!$&'()*+,;=:@/-]+")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What may answer better: `body` is what the branch call takes besides the step."""

    label: str  # "978-1", "on qa", "/titles/978-1"
    body: Mapping[str, Any] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one step failed. `cause` and `contrast` are a sentence in two parts; places stand in them as "orders@qa"."""

    step: int
    exchange: str
    status: str  # "404", "200 with a failure in it", "" without a response
    kind: ReasonKind
    place: str
    cause: str
    contrast: str = ""
    quotation: str = ""  # what the response says itself
    short: str = ""  # two or three words: "an unknown ISBN"
    succeeding: int = 0  # the step that did not fail, of this recording or of the one that it comes from
    succeeded: str = ""  # the id of its exchange
    attempt: Attempt | None = None
    card: Card | None = None

    @property
    def sentence(self) -> str:
        """Cause and contrast as plain text."""
        return f"{self.cause}; {self.contrast}" if self.contrast else f"{self.cause}."


@dataclass(frozen=True, slots=True)
class ReasonGroup:
    """Steps that failed for one reason, in order. `first` is shown; the others are like it."""

    first: Reason
    steps: tuple[int, ...]
    exchanges: tuple[str, ...]

    @property
    def count(self) -> int:
        return len(self.steps)


@dataclass(frozen=True, slots=True)
class Explained:
    """All failures of a recording: in groups, and how many of them were not looked at."""

    groups: tuple[ReasonGroup, ...] = ()
    unexplained: int = 0

    @property
    def failed(self) -> int:
        return sum(group.count for group in self.groups) + self.unexplained

    def of(self, exchange: str) -> ReasonGroup | None:
        """The group of one failing exchange."""
        return next((group for group in self.groups if exchange in group.exchanges), None)


def explained(exchanges: Sequence[Exchange], cards: Mapping[str, tuple[Card, Exchange]] | None = None) -> Explained:
    """Why each failing step failed.

    `cards`: by exchange, what a comparison with the recording that this one comes from has found, and the step there.
    """
    told: dict[object, Reason] = {}
    groups: dict[object, list[Exchange]] = {}
    first: dict[object, Reason] = {}
    unexplained = 0
    for at, one in enumerate(exchanges):
        if not fails(one):
            continue
        alike = _alike(one), one.id in (cards or {})
        if alike not in told:
            if len(told) == EXPLAINED:
                unexplained += 1
                continue
            told[alike] = reason(one, exchanges[max(0, at - NEAR) : at + NEAR], (cards or {}).get(one.id))
        group = _group(told[alike], one)
        groups.setdefault(group, []).append(one)
        first.setdefault(group, told[alike])
    found = [
        ReasonGroup(first[key], tuple(one.step for one in steps), tuple(one.id for one in steps))
        for key, steps in groups.items()
    ]
    return Explained(tuple(found), unexplained)


def reason(
    failing: Exchange, others: Sequence[Exchange], known: tuple[Card, Exchange] | None = None
) -> Reason:  # fmt: skip
    """Why one step failed, among the steps around it."""
    near = known[1] if known else sibling(failing, others)
    found = known[0] if known else None
    if found is None and near is not None:
        sooner = [[one for one in others if one.step < each.step] for each in (failing, near)]
        found = card(failing, near, before=(sooner[0], sooner[1]))
    if found is None or near is None or (failing.failure and found.kind != "route"):
        return _alone(failing)
    if failing.failure:  # its own reason, and another place that answers
        return replace(
            _alone(failing), contrast=_words(failing, near, found)[1], succeeding=near.step, succeeded=near.id,
            attempt=attempt(failing, near, found), card=found,
        )  # fmt: skip
    cause, contrast, short = _words(failing, near, found)
    return Reason(
        failing.step, failing.id, label(failing), found.kind, route_of(failing), cause, contrast, reason_of(failing),
        short, near.step, near.id, attempt(failing, near, found), found,
    )  # fmt: skip


def _alike(one: Exchange) -> object:
    """Failures of equal requests at one place have one reason."""
    return one.method, one.request.target, one.request.body.data, route_of(one), one.status, one.mode, reason_of(one)


def _group(one: Reason, failing: Exchange) -> object:
    """By the cause that its card has; without one by the kind of request, place, status and the response's words."""
    if one.card is not None and one.kind != "failure":
        return cause_of(card_json(one.card))
    alone = one.cause if one.kind == "failure" else f"{failing.method} {VALUE.sub('#', failing.path)}"
    return one.status, one.kind, one.place, without_values(one.quotation), without_values(alone)


def _alone(failing: Exchange) -> Reason:
    """Of a step that can be compared with nothing: what is known of it by itself."""
    place, said = route_of(failing), reason_of(failing)
    if (fault := fault_told(failing)) and not failing.failure:
        status = label(failing)
        return Reason(failing.step, failing.id, status, "fault", place, f"{status} because it was simulated: {fault}",
                      quotation=said, short=f"a simulated {failing.status}")  # fmt: skip
    if failing.failure:
        title = FAILURE_KINDS.get(failing.failure.kind, (0, failing.failure.kind.replace("_", " ")))[1]
        where = f"{place}: " if failing.cluster else ""
        return Reason(failing.step, failing.id, str(failing.status or ""), "failure", place, f"{where}{title}",
                      quotation=said, short=_failure(failing))  # fmt: skip
    return Reason(failing.step, failing.id, label(failing), "none", place, "No reason found",
                  "nothing comparable was recorded.", said)  # fmt: skip


def _failure(failing: Exchange) -> str:
    kind = failing.failure.kind.replace("_", " ") if failing.failure else ""
    if not failing.cluster:
        return "a path that no cluster has" if kind == "destination not found" else kind
    return f"{kind} at {route_of(failing)}"


def _words(failing: Exchange, near: Exchange, found: Card) -> tuple[str, str, str]:
    """(cause, contrast, short) of a card."""
    status, good, here, there = label(failing), near.status, route_of(failing), route_of(near)
    told = found.sentence.partition(" It says: ")[0].rstrip(".")
    rows = [row for row in found.rows if row.place not in ("route", "order", "earlier", "fault")]
    match found.kind:
        case "route":
            elsewhere = f"@{near.environment}" if near.cluster == failing.cluster and near.environment else there
            return f"Only on {here}", f"{good} on {elsewhere}, same request.", f"only on {here}"
        case "unknown":
            name, row = written(found.name), _apart(rows[0])
            contrast = f"{row.succeeding} answers {good}."
            return f"{name[:1].upper()}{name[1:]} {row.failing} is unknown on {here}", contrast, f"an unknown {name}"
        case "fault":
            return f"{status} because it was simulated: {fault_told(failing)}", "", f"a simulated {failing.status}"
        case "unexplained":
            cause = f"{status} although the same request answered {good}"
            return cause, "something changed in between, and the recording does not show what.", "a change in between"
        case "order" | "earlier":
            cause, _, contrast = told.partition("; ")
            return cause, f"{contrast}." if contrast else "", {"order": "the order of calls"}.get(
                found.kind, "a change of an earlier step"
            )  # fmt: skip
        case _:
            if len(rows) == 1 and here == there:
                return _one_row(status, good, _apart(rows[0]))
            if len(rows) == 1 and rows[0].failing and not SEALED.search(rows[0].failing):
                return told, "", f"{_apart(rows[0]).failing} on {here}"
            return told, "", f"{counted(len(found.rows), 'difference')} of the requests"


def _one_row(status: str, good: int | None, row: CardRow) -> tuple[str, str, str]:
    name = written(row.place.rpartition(" ")[2].rpartition("/")[2] or row.place)
    if row.place == "path":
        cause = f"{status} because the path has {row.failing}"
        return cause, f"with {row.succeeding} it answers {good}.", f"{row.failing} in the path"
    if not row.failing:
        return f"{status} because {name} is missing", f"with it, the answer is {good}.", f"no {name}"
    if not row.succeeding:
        return f"{status} because {name} is sent", f"without it, the answer is {good}.", f"{name} that is sent"
    if row.failing == row.succeeding:
        return f"{status} because {name} is another secret", f"with the first one it answers {good}.", f"another {name}"
    return (
        f"{status} because {name} is {row.failing}",
        f"with {row.succeeding} it answers {good}.",
        f"{name} {row.failing}",
    )


def written(name: str) -> str:
    """A member's name as people write it: "ISBN"."""
    return name.upper() if name.lower() in CAPITALS else name


def _apart(row: CardRow) -> CardRow:
    """Of two paths the one segment that differs, where it is one."""
    words, others = row.failing.split("/"), row.succeeding.split("/")
    apart = [(a, b) for a, b in zip(words, others, strict=False) if a != b]
    if row.place != "path" or len(words) != len(others) or len(apart) != 1:
        return row
    return CardRow(row.place, *apart[0])


# -- what to try


def attempt(failing: Exchange, near: Exchange, found: Card) -> Attempt | None:
    """The path that the response names, else the succeeding environment or values; None where a secret is needed."""
    if found.kind in ("order", "earlier", "unexplained", "fault"):
        return None
    if (path := named_path(failing)) and failing.prefix is not None:
        return Attempt(path, {"set": [f"path={failing.prefix.rstrip('/')}{path}"]})
    if found.kind == "route":
        return Attempt(f"on {near.environment}", {"env": [f"{near.cluster}={near.environment}"]})
    edits, taken, moved = list[str](), list[str](), list[str]()
    for row in found.rows:
        if row.place == "route" and near.cluster == failing.cluster and near.environment:
            moved.append(f"{near.cluster}={near.environment}")
            continue
        if not (places := _places(row)):
            return None
        for place, value in places:
            if value is None:
                taken.append(place)
            else:
                edits.append(f"{place}={value}")
    if not edits and not taken:
        return None
    single = _apart(found.rows[0]).succeeding if len(found.rows) == 1 else ""
    body: dict[str, Any] = {"set": edits, "unset": taken, "env": moved}
    body = {name: value for name, value in body.items() if value}
    return Attempt(single if 0 < len(single) <= 40 else f"as step {near.step}", body)


def _places(row: CardRow) -> list[tuple[str, str | None]]:
    """A row as edits of the branch call: (place, value, None to leave it out). Empty where it cannot be written."""
    part, _, name = row.place.partition(" ")
    if SEALED.search(row.succeeding) or "(sealed)" in row.succeeding or "…" in row.succeeding:
        return []
    if part == "path":
        words, others = row.failing.split("/"), row.succeeding.split("/")
        if len(words) != len(others):
            return [("path", row.succeeding)]
        pairs = enumerate(zip(words, others, strict=True))
        return [(f"path:{at}", good) for at, (bad, good) in pairs if bad != good]
    place = {"query": f"query:{name}", "body": f"json:{name}", "header": f"header:{name}"}.get(part, "")
    if not place or not name or (part == "body" and not name.startswith("/")):
        return []
    return [(place, row.succeeding or None)]


def edits_that_fail(found: Card) -> list[str]:
    """What makes the good request of a card fail, as lines of edits: "json:/qty=0", "-header:X". [] where it cannot be
    written, or where another place or order made the difference.
    """
    lines = []
    for row in found.rows:
        places = _places(CardRow(row.place, row.succeeding, row.failing))
        if not places:
            return []
        lines += [f"-{place}" if value is None else f"{place}={value}" for place, value in places]
    return lines


def named_path(failing: Exchange) -> str:
    """The other path that a failing response names: "/titles/978-1"; "" when it names none, or several."""
    text = text_of(failing.response) if failing.response else None
    try:
        document = read_json(text) if text and len(text) < 10_000 else None
    except ValueError:
        return ""
    own = failing.path.removeprefix(failing.prefix or "")
    found = {one for one in _strings(document, 0) if PATH.fullmatch(one) and one not in (own, failing.path)}
    return found.pop() if len(found) == 1 else ""


def _strings(value: Any, depth: int) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping) and depth < DEEP:
        for name, member in value.items():
            if name not in ("type", "instance"):  # of RFC 9457: what failed, not what would not
                yield from _strings(member, depth + 1)
    elif isinstance(value, list) and depth < DEEP:
        for item in value[:20]:
            yield from _strings(item, depth + 1)


# -- one sentence


@dataclass(frozen=True, slots=True)
class Summary:
    """A recording in one sentence of facts: how much, what failed, why in a few words."""

    calls: str  # "7 calls to 4 APIs."
    failed: str  # "3 failed, for 3 reasons:", "" when nothing failed
    causes: tuple[str, ...] = ()  # at most three
    more: str = ""  # "and 2 more", "1 without a reason found"

    @property
    def text(self) -> str:
        """All of it as plain text."""
        tail = ", ".join(filter(None, (*self.causes, self.more)))
        return " ".join(filter(None, (self.calls, self.failed, f"{tail}." if tail else "")))


def summary(exchanges: Sequence[Exchange], found: Explained, *, total: int = 0) -> Summary:
    """`total` are the steps of a recording of which only the first were read."""
    count, servers = len(exchanges), {one.server for one in exchanges if one.server}
    calls = f"{counted(count, 'call')}" + (f" to {counted(len(servers), 'API')}" if servers else "")
    if total > count:
        calls = f"{total} calls, of which the first {count} are explained here"
    if not found.failed:
        return Summary(f"{calls}.", "All answered as expected." if count and not _open(exchanges) else "")
    known = [group for group in found.groups if group.first.kind != "none"]
    unknown = found.failed - sum(group.count for group in known)
    causes = tuple(dict.fromkeys(group.first.short for group in known if group.first.short))
    for_ = {0: "", 1: ", for one reason"}.get(len(known), f", for {len(known)} reasons")
    rest = f"and {len(causes) - SHORTS} more" if len(causes) > SHORTS else ""
    without = f"{unknown} without a reason found" if unknown else ""
    more = ", ".join(filter(None, (rest, without)))
    failed = f"{found.failed} failed{for_}{':' if causes or more else '.'}"
    return Summary(f"{calls}.", failed, causes[:SHORTS], more)


def _open(exchanges: Sequence[Exchange]) -> bool:
    return any(one.state != "done" for one in exchanges)
