"""Why two values of two runs differ: the cause, and whether it is harmless. Pure.

A difference of a known harmless cause is expected; one of a form, a state or a value of data differs; one of which
nobody knows the cause differs where a later request sends the value, else it is unsure: the table of docs/replay.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import unquote

from .header_kinds import judge_header
from .value_kinds import AN_ID, IDS, SEALED, UNKNOWN, Judgement, judge, words_of

Cause = Literal["correlated", "time", "noise", "order", "route", "injected", "contract", "data", "unknown"]
Severity = Literal["none", "low", "medium", "high"]

EXPECTED: Final[frozenset[Cause]] = frozenset(("correlated", "time", "noise", "order"))
GENERIC: Final = IDS | {
    "name",
    "value",
    "slug",
    "path",
    "data",
    "attributes",
    "self",
    "new",
}  # words that name no thing
LONGEST: Final = 100_000  # characters of a text in which bound values are looked for


@dataclass(frozen=True, slots=True)
class DifferencePlace:
    """Where an exchange was answered."""

    cluster: str = ""
    environment: str = ""
    upstream: str = ""  # "http://127.0.0.1:9301"


@dataclass(frozen=True, slots=True)
class Bound:
    """What this run has in the place of a recorded value, and the words of what it is: "author" of authorId."""

    after: str
    role: frozenset[str]


class Drift(dict[str, str]):
    """Recorded value -> this run's. Where 1 was an author and a post, `roles` holds both, the dictionary the latest."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        super().__init__(values or {})
        self.roles: dict[str, list[Bound]] = {}

    def learn(self, before: str, after: str, role: frozenset[str]) -> None:
        """Keep one value of a role. A later value of the same role takes the place of the first."""
        known = self.roles.setdefault(before, [])
        known[:] = [each for each in known if each.role != role]
        known.append(Bound(after, role))
        if before != after:
            self[before] = after

    def of(self, before: str) -> Sequence[Bound]:
        """All that stands for a recorded value."""
        found = self.roles.get(before)
        return found if found is not None else ([Bound(self[before], frozenset())] if before in self else ())


Uses = Callable[
    [str, str], bool
]  # (a recorded value, the name under which it came) -> whether a later request sends it


def _never(value: str, name: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of the two runs when their exchanges are compared."""

    drift: Mapping[str, str] = field(default_factory=dict)  # recorded value -> what this run has in its place
    recorded: DifferencePlace = DifferencePlace()
    replayed: DifferencePlace = DifferencePlace()
    noise: frozenset[str] = frozenset()  # "response.body/etag": places that other runs of the same chain changed, too
    learned: Mapping[str, frozenset[str]] = field(default_factory=dict)  # place -> what earlier runs there had, all
    # of them another value
    injected: frozenset[str] = frozenset()  # places that a fault changed on purpose; "*" for all of the response
    moves: str = ""  # "; moved by console at 10:12": what the route history says about the two places
    same_request: bool = True  # whether the very same was asked: only then is the place the cause of another response
    used: Uses = _never
    echoes: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    # of the request: recorded value -> (its name, "" in the path; what this run sent there)
    about: frozenset[str] = frozenset()  # the words of what was asked for: "post" of /posts/1
    makes: bool = False  # whether something was made: a POST that the server took
    reads_list: bool = False  # whether a list of things was asked for: GET /orders

    @property
    def moved(self) -> bool:
        """Whether the two were answered at different places."""
        return bool(self.recorded.environment and self.replayed.environment) and (
            (self.recorded.cluster, self.recorded.environment) != (self.replayed.cluster, self.replayed.environment)
            or (
                bool(self.recorded.upstream and self.replayed.upstream)
                and self.recorded.upstream != self.replayed.upstream
            )
        )

    def alias(self, key: str) -> Sequence[str]:
        """What this run may call a recorded key."""
        return [each.after for each in self.bound(key)]

    def bound(self, before: str) -> Sequence[Bound]:
        """All that stands for a recorded value in this run."""
        if isinstance(self.drift, Drift):
            return self.drift.of(before)
        return [Bound(self.drift[before], frozenset())] if before in self.drift else ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """A cause, its reason in words, and the severity when it overrules that of the place."""

    cause: Cause
    why: str = ""
    severity: Severity | None = None


def judged(name: str, recorded: Any, replayed: Any, context: Context, *, place: str = "") -> Verdict:
    """The cause of a changed scalar; `name` is the member's, the element's or the header's.

    `place` is "response.headers/etag" of a header; where it is one, the header's own grammar decides.
    """
    before, after = scalar_text(recorded), scalar_text(replayed)
    if before is None or after is None:
        return unexplained(context)
    if (known := _known(name, before, after, context)) is not None:
        return known
    if place in context.noise:
        return Verdict("noise", "other runs of this recording differ here, too", "none")
    if place in context.learned and after not in context.learned[place] and not context.used(before, name):
        return Verdict("noise", "every run on this environment has another value here", "none")
    if context.moved and isinstance(recorded, str) and context.recorded.upstream and context.replayed.upstream:
        # A link into the server itself: what is behind its address decides.
        recorded = before = before.replace(context.recorded.upstream, context.replayed.upstream)
    if ".headers" in place:
        told = judge_header(name.partition(" ")[0], before, after)
    else:
        told = judge(name, recorded, replayed)
    return _of_kind(told, name, before, context)


def _known(name: str, before: str, after: str, context: Context) -> Verdict | None:
    """What the two runs themselves say about a value: bound, repeated from the request, named after the place."""
    own = name.rpartition("/")[2]
    if (echoed := _echoed(own, before, after, context)) is not None:
        return echoed
    bound = context.bound(before)
    fitting = _fitting(bound, name, context)
    if any(each.after == after for each in fitting or bound):
        return Verdict("correlated", "this run's own value, which later requests use")
    spelled = "%" in before and _is_drifted(unquote(before), unquote(after), context.drift)
    if spelled or _is_drifted(before, after, context.drift):
        return Verdict("correlated", "holds this run's own values")
    sure = fitting or (bound if len({each.after for each in bound}) == 1 and len(before) > 2 else ())
    if sure and sure[0].after != before and (fitting or len(before) > 2):
        told = f"{shown(sure[0].after)} stands for {shown(before)} in this run, not {shown(after)}"
        return Verdict("data", told, "high")
    if context.moved and rerouted(before, context) == after:
        where = f"{context.replayed.cluster}@{context.replayed.environment}"
        return Verdict("route", f"names where it was answered: {where}", "none")
    return None


def _plain(before: str, drift: Mapping[str, str]) -> Sequence[Bound]:
    return [Bound(drift[before], frozenset())] if before in drift else ()


def _fitting(bound: Sequence[Bound], name: str, context: Context) -> Sequence[Bound]:
    """Those of the same role: by the words of the name, else by what was asked for. One value has no other role."""
    if len({each.after for each in bound}) < 2:
        return bound if bound and (words_of(name) & IDS) and _no_other_role(bound[0], name, context) else ()
    words = words_of(name) - GENERIC
    return [each for each in bound if each.role & words] or [
        each for each in bound if each.role & context.about and not words
    ]


def _no_other_role(bound: Bound, name: str, context: Context) -> bool:
    """Whether nothing says that the name is of another thing than the bound value."""
    words = (words_of(name.rpartition("/")[2]) - GENERIC) or context.about
    return not bound.role or not words or bool(bound.role & words)


def _echoed(own: str, before: str, after: str, context: Context) -> Verdict | None:
    """A value that the request of this very step said, and the response repeats."""
    names = words_of(own)
    for said, sent in context.echoes.get(before, ()):
        if said.lower() != own.lower() and not (said == "" and names & IDS):
            continue
        if sent == after:
            return Verdict("correlated", "what this run's request said")
        if sent == before and names & IDS:
            return Verdict("data", f"the request names {shown(before)}, the answer {shown(after)}", "high")
    return None


def _of_kind(told: Judgement, name: str, before: str, context: Context) -> Verdict:
    if told == UNKNOWN and before.isdigit() and context.makes and words_of(name) == context.about:
        told = AN_ID  # POST /orders answers {"order": 501}
    if told.kind == "data":
        found = unexplained(context)
        return Verdict(found.cause, told.why or found.why)
    if told.opaque and context.used(before, name):
        return Verdict("data", "a later request sends the recorded value, and nothing bound it", "high")
    if told.kind == "unknown":
        return Verdict("unknown", told.why)
    return Verdict("time" if told.kind == "time" else "noise", told.why, "none")


def unexplained(context: Context) -> Verdict:
    """A difference of a value that people mean: the other place explains it only where the same was asked there."""
    if context.moved and context.same_request:
        before, after = context.recorded, context.replayed
        then, now = f"{before.cluster}@{before.environment}", f"{after.cluster}@{after.environment}"
        return Verdict("route", f"{then} then, {now} now{context.moves}")
    return Verdict("data")


def scalar_text(value: Any) -> str | None:
    """A JSON scalar as it stands in a URL; None for what is not worth comparing by value."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    return value if isinstance(value, str) else repr(value)


WORD_EDGES: Final = r"(?<![A-Za-z0-9]){}(?![A-Za-z0-9])"


def drifted(text: str, drift: Mapping[str, str]) -> str:
    """The text with every recorded value that stands in it as a whole word replaced by this run's."""
    found = _standing(text, drift)
    if not found or len(text) > LONGEST:
        return text
    return re.sub(WORD_EDGES.format(f"(?:{_any_of(found)})"), lambda match: drift[match[0]], text)


def _is_drifted(before: str, after: str, drift: Mapping[str, str]) -> bool:
    """Whether a text is the recorded one with this run's values, each word with any that it stands for.

    A number of one or two digits in a sentence is rather a count than an id: only between slashes and the like.
    """
    found = _standing(before, drift)
    if not found or len(before) > LONGEST or before in found:
        return False
    if " " in before.strip():
        found = [value for value in found if len(value) > 2]
    if not found:
        return False
    pieces = re.split(WORD_EDGES.format(f"({_any_of(found)})"), before)
    parts = []
    for index, piece in enumerate(pieces):
        bound = drift.of(piece) if isinstance(drift, Drift) else _plain(piece, drift)
        parts.append(_any_of([each.after for each in bound]) if index % 2 else re.escape(piece))
    return re.fullmatch("".join(f"(?:{part})" for part in parts), after) is not None


def _standing(text: str, drift: Mapping[str, str]) -> list[str]:
    return [value for value in drift if value and value in text]


def _any_of(values: Iterable[str]) -> str:
    return "|".join(re.escape(value) for value in sorted(values, key=len, reverse=True))


def rerouted(text: str, context: Context) -> str:
    """The text as the other place would have written it: its environment's name, its URL."""
    before, after = context.recorded, context.replayed
    names = {before.environment: after.environment, before.upstream: after.upstream}
    return drifted(drifted(text, {key: value for key, value in names.items() if key and value}), context.drift)


def shown(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


__all__ = (
    "EXPECTED",
    "GENERIC",
    "SEALED",
    "Bound",
    "Cause",
    "Context",
    "DifferencePlace",
    "Drift",
    "Severity",
    "Uses",
    "Verdict",
    "drifted",
    "judged",
    "unexplained",
    "words_of",
)  # fmt: skip
