"""Why two values may differ although nothing is wrong: ids made anew, times, durations, levels, other routes. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Cause = Literal["correlated", "time", "noise", "order", "route", "injected", "contract", "data"]
Severity = Literal["none", "low", "medium", "high"]

EXPECTED: Final[frozenset[Cause]] = frozenset(("correlated", "time", "noise", "order"))

SEALED = re.compile(r"sealed_[a-z2-7]{20}_[0-9]{1,10}")
UUID = re.compile(r"\{?[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\}?")
ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
HEX = re.compile(r"(?:[0-9a-f]{2}){8,64}|(?:[0-9A-F]{2}){8,64}")
TIME = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?\s*(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"
)
TOKEN = re.compile(r"(?=[^0-9]*[0-9])(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])[A-Za-z0-9_\-+=.~][A-Za-z0-9_\-+/=.~]{15,}")
GENERATED: Final = (
    (SEALED, "a secret made anew"),
    (UUID, "a UUID made anew"),
    (ULID, "an id made anew"),
    (TIME, "a time"),
    (HEX, "a random value made anew"),
    (TOKEN, "a random value made anew"),
)

WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


IDS: Final = words(
    "id ids uid uuid guid number no ref reference etag nonce trace span correlation cursor seq sequence serial"
)
TIMES: Final = words(
    "at date time timestamp created updated modified expires expiry expiration iat exp nbf issued since until"
)
DURATIONS: Final = words("ms took duration elapsed latency uptime age seconds millis nanos ttl")
LEVELS: Final = words("stock remaining available left quota views hits visits load inventory")
TIMELY: Final = ("a time", "a duration")
BY_NAME: Final = (
    (IDS, "an id made anew"),
    (TIMES, "a time"),
    (DURATIONS, "a duration"),
    (LEVELS, "a level that every run changes"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an exchange was answered."""

    cluster: str = ""
    environment: str = ""
    upstream: str = ""  # "http://127.0.0.1:9301"


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of the two runs when their exchanges are compared."""

    drift: Mapping[str, str] = field(default_factory=dict)  # recorded value -> what this run has in its place
    recorded: Place = Place()
    replayed: Place = Place()
    noise: frozenset[str] = frozenset()  # "response.body/etag": places that other runs of the same chain changed, too
    injected: frozenset[str] = frozenset()  # places that a fault changed on purpose; "*" for all of the answer
    moves: str = ""  # "; moved by console at 10:12": what the route history tells of the two places

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


@dataclass(frozen=True, slots=True)
class Verdict:
    """A cause, its reason in words, and the severity when it overrules that of the place."""

    cause: Cause
    why: str = ""
    severity: Severity | None = None


def judged(name: str, recorded: Any, replayed: Any, context: Context, *, place: str = "") -> Verdict:
    """The cause of a changed scalar; `name` is the member's or the field's."""
    before, after = scalar_text(recorded), scalar_text(replayed)
    if before is None or after is None:
        return unexplained(context)
    expected = context.drift.get(before)
    if expected is not None and expected == after:
        return Verdict("correlated", "this run's own value, which later requests use")
    if drifted(before, context.drift) == after:
        return Verdict("correlated", "holds this run's own values")
    if expected is not None and expected != before and (len(before) > 2 or words_of(name) & IDS):
        return Verdict("data", f"{shown(expected)} stands for {shown(before)} in this run, not {shown(after)}", "high")
    if context.moved and rerouted(before, context) == after:
        where = f"{context.replayed.cluster}@{context.replayed.environment}"
        return Verdict("route", f"names where it was answered: {where}", "none")
    why = noise(name, before, after, isinstance(recorded, str))
    if not why and place in context.noise:
        why = "other runs of this recording differ here, too"
    return Verdict("time" if why in TIMELY else "noise", why, "none") if why else unexplained(context)


def unexplained(context: Context) -> Verdict:
    """A difference for which there is no harmless reason."""
    if context.moved:
        before, after = context.recorded, context.replayed
        then, now = f"{before.cluster}@{before.environment}", f"{after.cluster}@{after.environment}"
        return Verdict("route", f"{then} then, {now} now{context.moves}")
    return Verdict("data")


def noise(name: str, before: str, after: str, text: bool) -> str:
    """Why these two texts differ in every run; "" when they need not."""
    if text:
        for pattern, why in GENERATED:
            if pattern.fullmatch(before) and pattern.fullmatch(after):
                return why
    found = words_of(name)
    for names, why in BY_NAME:
        if found & names and shape(before) == shape(after):
            return why
    return ""


def words_of(name: str) -> set[str]:
    """ "orderId", "order_id" and "Order-Id" are all {"order", "id"}."""
    return {word.lower() for word in WORDS.findall(name)}


def shape(text: str) -> str:
    """The text with every run of digits as one 9, and of mixed letters and digits as one x."""
    return re.sub(r"[A-Za-z0-9]*[0-9][A-Za-z0-9]*", lambda run: "9" if run[0].isdigit() else "x", text)


def scalar_text(value: Any) -> str | None:
    """A JSON scalar as it stands in a URL; None for what is not worth comparing by value."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    return value if isinstance(value, str) else repr(value)


def drifted(text: str, drift: Mapping[str, str]) -> str:
    """The text with every recorded value that stands in it as a whole word replaced by this run's."""
    found = [value for value in drift if value and value in text]
    if not found or len(text) > 100_000:
        return text
    any_of_them = "|".join(re.escape(value) for value in sorted(found, key=len, reverse=True))
    return re.sub(rf"(?<![A-Za-z0-9])(?:{any_of_them})(?![A-Za-z0-9])", lambda match: drift[match[0]], text)


def rerouted(text: str, context: Context) -> str:
    """The text as the other place would have written it: its environment's name, its URL."""
    before, after = context.recorded, context.replayed
    names = {before.environment: after.environment, before.upstream: after.upstream}
    return drifted(drifted(text, {key: value for key, value in names.items() if key and value}), context.drift)


def shown(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
