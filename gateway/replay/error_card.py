"""The 404 card: why this step failed where its sibling did not, as a sentence and a table. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from ..correlation.urls import collection_of
from ..model.bodies import text_of
from ..model.exchange import Exchange
from ..model.failures import failed_of
from ..model.message import SAFE
from ..model.operations import operation_of
from ..model.singular import singular
from .branch import scalars
from .differences.difference import Difference, diff_requests
from .differences.json_difference import read_json
from .differences.noise import GENERIC, SEALED, Context, words_of
from .differences.step_pairs import VALUE, kind_of
from .error_words import error_words
from .fault import fault_of

CREDENTIALS: Final = ("authorization", "x-api-key", "x-auth-token", "cookie")
REFUSALS: Final = (401, 403, 407)
UNKNOWN: Final = (404, 410)
DEEP: Final = 3  # levels of a response in which a value's name is looked for
MOST: Final = 3  # request differences that a sentence names
WORD: Final = re.compile(r"[^\s\"'“”,;()]+")


@dataclass(frozen=True, slots=True)
class CardRow:
    """One thing that separates the two. "" where one side has nothing."""

    place: str  # "query isbn", "route"
    failing: str
    succeeding: str


# What a card found: an injected fault, a change of an earlier step, another order, nothing but the route, a value that
# the server does not know, other differences of the requests, or nothing.
CardKind = Literal["fault", "earlier", "order", "route", "unknown", "request", "unexplained"]


@dataclass(frozen=True, slots=True)
class Card:
    """`sentence` is for people; `rows` is the smallest difference of the two requests and of their routes."""

    status: int
    sentence: str
    rows: tuple[CardRow, ...]
    failing: str  # ids of the exchanges
    succeeding: str
    kind: CardKind = "request"
    name: str = ""  # of an unknown value: "isbn"
    place: str = ""  # where the failing one was answered: "catalogue@qa"
    says: str = ""  # what its response says itself


def card(
    failing: Exchange,
    succeeding: Exchange,
    drift: Mapping[str, str] | None = None,
    *,
    before: tuple[Sequence[Exchange], Sequence[Exchange]] = ((), ()),
    changed: str = "",
) -> Card | None:
    """Why one failed and the other did not; None unless that is so.

    `drift` is from the good run to the other one; `before` is what was sent before each of the two, in its own run;
    `changed` is what its user changed of an earlier step: "step 2 was changed (path 978-9)".
    """
    if not fails(failing) or not failing.status or not succeeding.status or fails(succeeding):
        return None
    found = _found(failing, succeeding, drift, before, changed)
    return replace(found, place=route_of(failing), says=reason_of(failing))


def _found(
    failing: Exchange, succeeding: Exchange, drift: Mapping[str, str] | None,
    before: tuple[Sequence[Exchange], Sequence[Exchange]], changed: str,
) -> Card:  # fmt: skip
    status = failing.status or 0
    requests = diff_requests(succeeding.request, failing.request, Context(drift or {}))
    found = [one for one in requests if _counts(one, status)]
    rows = [CardRow(place_of(one), _text(one.replayed), _text(one.recorded)) for one in found]
    routes = route_of(failing), route_of(succeeding)
    if routes[0] != routes[1]:
        rows.append(CardRow("route", *routes))
    if (fault := fault_told(failing)) and not fault_told(succeeding):
        return Card(status, f"{status} because a fault was injected: {fault}.",
                    (*rows, CardRow("fault", fault, "")), failing.id, succeeding.id, "fault")  # fmt: skip
    if changed and not found:
        told = f"{label(failing)} after {changed}; without that change the same request answers {succeeding.status}"
        reason = reason_of(failing)
        sentence = f"{told}." + (f" It says: {reason}" if reason else "")
        rows.append(CardRow("earlier", changed, ""))
        return Card(status, sentence, tuple(rows), failing.id, succeeding.id, "earlier")
    cause = ("", "") if rows or failing.failure else _sooner_or_later(failing, succeeding, before)
    rows += [CardRow("order", *_places_of(cause))] if cause[0] else []
    if cause[0]:
        return Card(status, _ordered(failing, succeeding, cause), tuple(rows), failing.id, succeeding.id, "order")
    kind, name, sentence = _requests(failing, succeeding, found)
    return Card(status, sentence, tuple(rows), failing.id, succeeding.id, kind, name)


def label(failing: Exchange) -> str:
    """The status of a failure; one inside a 2xx says so."""
    return str(failing.status) if (failing.status or 0) >= 400 else f"{failing.status} with a failure in it"


def fault_told(exchange: Exchange) -> str:
    """What was injected into an exchange, in words; "" when nothing was."""
    if exchange.mode != "fault":
        return ""
    return str(fault_of(exchange) or "routes.yaml asks for it")


def _counts(difference: Difference, status: int) -> bool:
    """Whether it may be the reason. Tokens are new at every sign-in: only a response about them tells them apart."""
    token = difference.where == "request.headers" and difference.pointer in CREDENTIALS
    if token and difference.kind == "changed" and _text(difference.recorded) == _text(difference.replayed):
        return status in REFUSALS and difference.cause != "correlated"
    return not difference.expected


def changed_words(recorded: Exchange, sent: Exchange, drift: Mapping[str, str]) -> str:
    """What was sent otherwise than recorded, this run's own values aside: "step 2 was changed (path /books/978-9)"."""
    found = [
        one for one in diff_requests(recorded.request, sent.request, Context(drift))
        if not one.expected and _counts(one, 404) and one.cause in ("data", "contract", "unknown")
    ]  # fmt: skip
    if not found:
        return ""
    words = [f"{place_of(one)} {_text(one.replayed)}".strip() for one in found[:MOST]]
    return f"step {recorded.step} was changed ({', '.join(words)})"


def card_json(found: Card) -> dict[str, Any]:
    """A card as the API shows it."""
    return {
        "status": found.status,
        "kind": found.kind,
        "name": found.name,
        "place": found.place,
        "says": found.says,
        "sentence": found.sentence,
        "rows": [{"place": row.place, "failing": row.failing, "succeeding": row.succeeding} for row in found.rows],
        "failing": found.failing,
        "succeeding": found.succeeding,
    }


CardFacts = Mapping[str, Any]  # a card as card_json has it


def cause_of(found: CardFacts) -> object:
    """What equal causes have in common: status, kind, place, what differs by name, and the response's words. Values are
    left out: the same cause has others at each step. Story, slides, documents, pages and command line group by it.
    """
    places = tuple(without_values(row["place"]) for row in found["rows"])
    return found["status"], found["kind"], found["name"], found["place"], places, without_values(found["says"])


def without_values(text: str) -> str:
    """A text without its values: words that hold a digit."""
    return WORD.sub(lambda found: "#" if any(map(str.isdigit, found[0])) else found[0], text)


def shared_causes(told: Iterable[tuple[int, CardFacts]]) -> dict[int, tuple[int, tuple[int, ...]]]:
    """Of (step, its card): step -> (the first step with this cause, the later ones). A cause stands once."""
    steps: dict[object, list[int]] = {}
    keys: dict[int, object] = {}
    for step, found in told:
        keys[step] = cause_of(found)
        steps.setdefault(keys[step], []).append(step)
    return {step: (steps[key][0], tuple(steps[key][1:])) for step, key in keys.items()}


def sibling(failing: Exchange, others: Sequence[Exchange]) -> Exchange | None:
    """The successful exchange that is nearest to this one: the same kind of request, the fewest differences."""
    asked = _operation(failing)
    fitting = [
        other for other in others
        if other.status and other.status < 400 and other.id != failing.id and _is_like(failing, other)
        and _operation(other) == asked and not fails(other)
    ]  # fmt: skip
    return min(fitting, key=lambda other: (_distance(failing, other), abs(other.step - failing.step)), default=None)


def _operation(exchange: Exchange) -> str:
    found = operation_of(exchange.request)
    return found.label if found else ""


def _is_like(one: Exchange, other: Exchange) -> bool:
    """Whether two requests ask for the same kind of thing: GET /books/7 and GET /books/8, not GET /users/7."""
    if (one.method, one.cluster) != (other.method, other.cluster):
        return False
    if kind_of(one) == kind_of(other):
        return True
    words, others = one.path.split("/"), other.path.split("/")
    if len(words) != len(others):
        return False
    apart = [(a, b) for a, b in zip(words, others, strict=False) if a != b]
    return len(apart) <= 1 and all(any(map(str.isdigit, a + b)) for a, b in apart)


def _distance(one: Exchange, other: Exchange) -> int:
    found = diff_requests(other.request, one.request, Context())
    return sum(1 for difference in found if not difference.expected) + (route_of(one) != route_of(other))


def route_of(exchange: Exchange) -> str:
    """ "catalogue@qa"."""
    return f"{exchange.cluster}@{exchange.environment}" if exchange.cluster else "no cluster"


def place_of(difference: Difference) -> str:
    """ "query isbn", "path", "header authorization", "body /qty"."""
    part = difference.where.removeprefix("request.").replace("headers", "header")
    return f"{part} {difference.pointer}".strip()


def _sooner_or_later(
    failing: Exchange, succeeding: Exchange, before: tuple[Sequence[Exchange], Sequence[Exchange]]
) -> tuple[str, str]:
    """("after" or "before", which write): the write that came before only one of two equal requests; else ("", "")."""
    here, there = (Counter(map(_write_of, each)) for each in before)
    for kind, counts, others in (("after", there, here), ("before", here, there)):
        extra = [write for write in counts - others if write]
        if extra:
            return kind, extra[-1]
    return "", ""


def _write_of(exchange: Exchange) -> str:
    """ "POST /api/orders/{}" of a write that went well; "" for everything else."""
    good = exchange.method not in SAFE and exchange.status is not None and exchange.status < 400
    return f"{exchange.method} {VALUE.sub('{}', exchange.path)}" if good else ""


def _places_of(cause: tuple[str, str]) -> tuple[str, str]:
    kind, write = cause
    return (f"before {write}", f"after {write}") if kind == "after" else (f"after {write}", f"before {write}")


def _ordered(failing: Exchange, succeeding: Exchange, cause: tuple[str, str]) -> str:
    status, good, where = label(failing), succeeding.status, route_of(failing)
    kind, write = cause
    if kind == "after":
        told = f"{status} because {write} had not been sent before; after it the same request answers {good}"
    elif write == _write_of(replace(failing, status=200)):
        told = f"{status} because the same request had been answered before: the first time it answers {good}"
    else:
        told = f"{status} because {write} had been sent before; without it the same request answers {good}"
    reason = reason_of(failing)
    return f"{told} on {where}." + (f" It says: {reason}" if reason else "")


def _requests(
    failing: Exchange, succeeding: Exchange, found: Sequence[Difference]
) -> tuple[CardKind, str, str]:  # fmt: skip
    """(kind, name of the unknown value, sentence) of what the two requests and their routes say."""
    status, good = label(failing), succeeding.status
    here, there = route_of(failing), route_of(succeeding)
    reason = reason_of(failing)
    because = f" It says: {reason}" if reason else ""
    if not found and here != there:
        return "route", "", f"{status} only on {here}: the same request answers {good} on {there}.{because}"
    if not found:
        told = f"{status} although the same request answered {good}: something changed in between"
        return "unexplained", "", f"{told}.{because}"
    if len(found) == 1 and here == there and (unknown := _unknown(found[0], failing, succeeding)):
        name, bad, well = unknown
        told = f"{status} because {name} {bad} is unknown on {here}; {well} answers {good}"
        return "unknown", name, f"{told}.{because}"
    told = "; ".join(_told(one, good) for one in found[:MOST]) + ("; ..." if len(found) > MOST else "")
    where = f" on {here}" if here == there else f", on {here} instead of {there}"
    return "request", "", f"{status} because {told}{where}.{because}"


def _unknown(one: Difference, failing: Exchange, succeeding: Exchange) -> tuple[str, str, str] | None:
    """(name, value, the one that answers) of "isbn 978-9 is unknown, 978-1 answers"; None where it is no such thing."""
    if failing.status not in UNKNOWN or one.kind != "changed":
        return None
    values = str(one.replayed), str(one.recorded)
    name = one.pointer.rpartition("/")[2]
    if one.where == "request.path":
        apart = _segments(*values)
        if apart is None:
            return None
        values, before = apart
        called = _name_of(values[1], succeeding)
        general = not called or called.lower() in ("id", "_id", "uuid")  # "order 9", not "id 9", where the path says so
        name = (before if general and any(map(str.isdigit, "".join(values))) else "") or called
        if not name:  # two words, not two ids
            return None
    elif one.where not in ("request.query", "request.body"):
        return None
    if SEALED.fullmatch(values[0]):
        return None
    return name, _text(values[0]), _text(values[1])


def _segments(failing: str, succeeding: str) -> tuple[tuple[str, str], str] | None:
    """((the one segment that differs, of each), what the one before it calls it); None when more differs."""
    words, others = failing.split("/"), succeeding.split("/")
    apart = [at for at, (a, b) in enumerate(zip(words, others, strict=False)) if a != b]
    if len(words) != len(others) or len(apart) != 1:
        return None
    at = apart[0]
    return (words[at], others[at]), singular(words[at - 1].lower())


def _name_of(value: str, answered: Exchange) -> str:
    """What the good response calls this value: "isbn" of "978-1"; not "authorId" of the 1 that names a post."""
    text = text_of(answered.response) if answered.response else None
    try:
        document = read_json(text) if text else None
    except ValueError:
        return ""
    entity = frozenset(collection_of(answered.request.target))
    pairs = ((pointer, str(found)) for pointer, found in scalars(document) if pointer.count("/") <= DEEP)
    names = [pointer.rpartition("/")[2] for pointer, found in pairs if found == value]
    return next((name for name in names if _fits(name, entity)), "")


def _fits(name: str, entity: frozenset[str]) -> bool:
    """Whether a member names the thing itself: an id of another thing has that thing's name in it."""
    words = words_of(name)
    return not words & {"id", "ids", "uuid", "key"} or not (words - GENERIC) - entity


def _told(difference: Difference, good: int | None) -> str:
    place = place_of(difference)
    bad, well = difference.replayed, difference.recorded
    if difference.kind == "added":
        return f"{place} {_text(bad)} is sent, and {good} comes without it"
    if difference.kind == "removed":
        return f"{place} is not sent, and {good} comes with {_text(well)}"
    if place == "path":
        return _paths(str(bad), str(well), good)
    if _text(bad) == _text(well):
        return f"{place} is another secret than the one that answers {good}"
    return f"{place} is {_text(bad)}, and {_text(well)} answers {good}"


def _paths(failing: str, succeeding: str, good: int | None) -> str:
    """Only the segment that differs, when it is one."""
    if (apart := _segments(failing, succeeding)) is not None:
        return f"the path has {apart[0][0]}, and {apart[0][1]} answers {good}"
    return f"the path is {failing}, and {succeeding} answers {good}"


def reason_of(exchange: Exchange) -> str:
    """What the response itself says about its failure."""
    return _text(error_words(exchange))


def fails(exchange: Exchange) -> bool:
    """Whether it has a card: no response, an error status, or a failure inside a 2xx."""
    return exchange.failure is not None or (exchange.status or 0) >= 400 or failed_of(exchange) is not None


def _text(value: Any) -> str:
    if value is None:
        return ""
    text = SEALED.sub("(sealed)", value if isinstance(value, str) else str(value))
    return text if len(text) <= 200 else text[:199] + "…"
