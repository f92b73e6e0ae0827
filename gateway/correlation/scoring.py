"""How sure it is that a value of a request comes from one of a response. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from .information import DATE, DECIMAL, ECHO, FULL, HIGH, SURE, WORDS, bits_of, is_rare, weight_of
from .lexicon import AMOUNTS, IDISH, OWN, QUANTITIES
from .names import CONFLICT, EXACT, NEAR, PEER, SAME, WEAK, Role, affinity, entity_of, is_lock, role_of
from .request_values import Need
from .response_value import ValuePlace
from .transforms import global_id, origins
from .urls import follows, lies_below, subject_of
from .value_index import Index, ShownValue

AUTOMATIC: Final = 0.60
SUGGESTED: Final = 0.30
LONG_NUMBER: Final = 19.0  # bits: six digits
RARE: Final = 20.0  # bits: wherever it is shown, it is the same thing
CODE_BITS: Final = 13.0  # four digits
SEGMENT: Final = re.compile(r"#segment=(-[0-9]+)$")
# Names of switches, whose 0 and 1 are no ids; not a feed, a seed or a table.
FLAG: Final = re.compile(
    r"(?:is|has|can|should|no|do|with)_.*|(?!.*(?:feed|seed|shed)$).{2,}(?:ed|able|ible)|on|off|flag"
)
SLUG: Final = re.compile(r"[^\W_][-_.][^\W_]")
CODE: Final = re.compile(r"(?=.*[0-9])[\w-]+")


@dataclass(frozen=True, slots=True)
class ScoringRules:
    """What the score is made of; the benchmark turns parts off to see what they are worth."""

    echo: bool = True
    entropy: bool = True
    names: bool = True


class ScoringTarget:
    """The request that needs values: where it goes, and which thing it is about."""

    __slots__ = ("subject", "target")

    def __init__(self, target: str) -> None:
        self.target, self.subject = target, subject_of(target)

    def follows(self, shown: ShownValue, need: Need) -> bool:
        """Whether the value stood in a link that this request follows, or in the form that it sends."""
        place, part = shown.place, need.sink.part
        if place.part == "html":
            field = part in ("form", "multipart", "query") and place.name == need.sink.name
            chosen = place.path.startswith("option[") and not set(need.role.words) & OWN
            return field and (chosen or place.path.startswith("input["))
        if part == "path" and shown.made and not need.partial and self._is_below(shown.made, need):
            return True
        if not place.link or part not in ("path", "query"):
            return False
        if follows(self.target, place.link):
            return part == "path" or place.name == need.sink.name
        return part == "path" and self._holds(place, need)

    def _is_below(self, collection: str, need: Need) -> bool:
        """Whether the segment is the one right below the path that made something: POST /boards, /boards/roadmap."""
        path = self.target.partition("?")[0]
        return path.startswith(f"{collection}/") and need.sink.path == str(collection.count("/") + 1)

    def _holds(self, place: ValuePlace, need: Need) -> bool:
        """Whether the path of the link stands in this one, and the value at the same place of it."""
        at = lies_below(self.target, place.link)
        piece = SEGMENT.search(place.text)
        count = sum(1 for each in place.link.partition("?")[0].split("/") if each)
        return bool(at and piece) and need.sink.path == str(at + count + int(piece[1] if piece else 0))

    def is_about(self, shown: ShownValue) -> bool:
        """Whether a response was about the same thing, or about what this one lies under."""
        same = self.subject in (shown.subject, shown.place.owner)
        return same or (shown.subject[:1] == "/" and self.subject.startswith(f"{shown.subject}/"))


@dataclass(frozen=True, slots=True)
class Candidate:
    """One role under which responses have shown the value, with all its places."""

    score: float
    role: Role
    shown: tuple[ShownValue, ...]
    transforms: tuple[str, ...]
    why: str
    level: float
    certain: bool = False  # chance cannot repeat the value: the side that showed it first made it


def candidates(need: Need, index: Index, rules: ScoringRules, target: ScoringTarget) -> list[Candidate]:
    """Every origin of the value worth mentioning, the best first."""
    found = list(_direct(need, need.value, index, rules, target))
    if not found or max(each.score for each in found) < AUTOMATIC:
        for text, transforms, penalty in origins(need.value):
            found += _direct(need, text, index, rules, target, transforms, penalty)
        if (inner := written_in(need)) is not None:
            found += _direct(inner[0], inner[0].value, index, rules, target, inner[1], 0.05)
    if not found:
        return found
    found.sort(key=_rank)
    best = found[0]
    rivals = {each.role.entity or each.role.words for each in found if _rivals(best, each)}
    if rivals and best.level < EXACT and rules.entropy and bits_of(need.value) < RARE:
        room = 1.0 - weight_of(best.shown[0].place.value) / FULL
        loss = 0.10 * math.log2(1 + len(rivals)) * room
        found = [each if each.level >= EXACT else _less(each, loss, len(rivals)) for each in found]
        found.sort(key=_rank)
    return found


def written_in(need: Need) -> tuple[Need, tuple[str, ...]] | None:
    """The id of one table in an id of all tables, with its transforms: 4471 of base64("Customer:4471")."""
    found = global_id(need.value)
    if found is None or need.sink.span is not None:
        return None
    return Need(need.sink, found.id, role_of("id", entity_of(found.type)), need.at), (
        f"format={found.before}{{}}",
        found.encoding,
    )


def _rank(candidate: Candidate) -> tuple[float, int]:
    """The best first; among equals the creator, or the last word on what changes."""
    late = latest_counts(candidate.role)
    if candidate.certain and candidate.score >= AUTOMATIC:
        return -1.0, -candidate.shown[-1].order if late else candidate.shown[0].order
    return -round(candidate.score, 2), -candidate.shown[-1].order if late else candidate.shown[0].order


def _rivals(best: Candidate, other: Candidate) -> bool:
    same = (other.role.entity or other.role.words) == (best.role.entity or best.role.words)
    return other is not best and not same and other.score > best.score - 0.15


def _less(candidate: Candidate, loss: float, rivals: int) -> Candidate:
    why = f"{candidate.why}; {rivals} other place{'s' if rivals > 1 else ''} had it too"
    score = candidate.score - loss
    return Candidate(score, candidate.role, candidate.shown, candidate.transforms, why, candidate.level)


def _direct(
    need: Need,
    text: str,
    index: Index,
    rules: ScoringRules,
    target: ScoringTarget,
    transforms: tuple[str, ...] = (),
    penalty: float = 0.0,
) -> Iterator[Candidate]:
    bits = bits_of(need.value) if rules.entropy else HIGH
    if bits <= 0:
        return
    weight = weight_of(need.value) if rules.entropy else 0.57
    for (role, _), shown in index.of(text).items():
        level, why = level_of(role, need) if rules.names else (WEAK, "")
        if level < PEER and _shown_about(role, need, bits):
            level, why = PEER, f"an answer about the {role.context[-1]} showed it"
        versioned = is_lock(role) and bits < LONG_NUMBER and not is_rare(need.value)
        if rules.names and (level < EXACT or versioned) and (linked := [o for o in shown if target.follows(o, need)]):
            again = [each for each in linked if each.made]
            shown = again[-1:] + [each for each in linked if not again or each.order > again[-1].order]
            level, why = EXACT, "the request follows a link of that answer"
        elif versioned and rules.names:
            shown = [each for each in shown if target.is_about(each)]
        if not shown or not _allowed(need, bits, level):
            continue
        score = weight + (level if level > 0 else level * (1.0 - weight / FULL)) - penalty
        if score >= SUGGESTED:
            reason = _reason(bits, why, transforms)
            yield Candidate(min(score, 0.99), role, tuple(shown), transforms, reason, level, bits >= HIGH)


def _shown_about(role: Role, need: Need, bits: float) -> bool:
    """A code or a long id, under whatever name, in the response about the very thing that the path asks for."""
    digits = any(map(str.isdigit, need.value))
    is_code = bits >= ECHO and digits and any(map(str.isalpha, need.value))
    is_number = bits >= LONG_NUMBER and need.value.isdigit() and role.is_id
    return (is_code or is_number) and need.role.is_id and bool(role.context) and role.context == need.role.entity


def level_of(role: Role, need: Need) -> tuple[float, str]:
    """The names' share of the score: fields with a meaning of their own, then words."""
    field = need.sink.path if need.sink.part == "header" else ""
    if field in ("if-match", "if-none-match"):
        tag = "etag" in role.words or (not role.is_many and set(role.words) & {"rev", "revision", "version"})
        return (EXACT, "an entity tag comes back") if tag else (CONFLICT, "no entity tag")
    if field in ("if-modified-since", "if-unmodified-since"):
        same = role.words == ("last", "modified")
        return (EXACT, "a date comes back") if same else (CONFLICT, "another date")
    if field == "last-event-id":
        return CONFLICT, "the client's own memory"
    level, why = affinity(role, need.role)
    for other in need.also:
        level, why = max((level, why), affinity(role, other))
    bits = bits_of(need.value)
    if level < WEAK and bits >= SURE:
        return WEAK, ""
    if level == SAME and role.words == need.role.words and bits >= CODE_BITS and CODE.fullmatch(need.value):
        return PEER, why
    return level, why


def _allowed(need: Need, bits: float, level: float) -> bool:
    """Words and small numbers need a name; a part of the API is no value; pieces of a value need certainty."""
    if need.literal:
        return level >= EXACT
    if WORDS.fullmatch(need.value):
        return level >= SAME
    if level >= EXACT:
        return True
    if need.partial:
        return bits >= HIGH or level >= NEAR or (bits >= LONG_NUMBER and level >= PEER)
    if bits < 20 and DECIMAL.fullmatch(need.value):
        return level >= NEAR
    return bits >= 20 or level >= WEAK


def may_be_stale(role: Role, need: Need) -> bool:
    """Whether a value that a response showed, and that nothing binds, is worth a look before a write sends it.

    Rare values are, whatever they are called. Small numbers and codes are wherever they may name a thing: what a
    response gave as an id, unless the request calls it a quantity; in a path as any value but a quantity. Words are
    under the same name, and in a path as an id.
    """
    value = need.value
    if is_rare(value):
        return True
    if DATE.fullmatch(value) or DECIMAL.fullmatch(value):
        return False
    level = level_of(role, need)[0]
    if WORDS.fullmatch(value) or need.literal:
        # A slug, red-fox, is rather a name than a word, whatever it is called.
        return level >= SAME or (role.is_id and (need.sink.part == "path" or SLUG.search(value) is not None))
    if is_lock(role) and (is_lock(need.role) or need.sink.path == "if-match"):
        return True  # a row's own stamp comes back
    if value in ("0", "1") and need.sink.part != "path" and FLAG.fullmatch("_".join(need.role.words)):
        return False
    named = role.is_id or need.sink.part == "path" or role.words == need.role.words
    return named and not is_quantity(need.role, need.also) and (role.is_id or not is_quantity(role))


def is_quantity(role: Role, also: Iterable[Role] = ()) -> bool:
    """Whether a name says how many, how much, when or where: a number under it names no thing. `floor_id` does."""
    if set(role.words) & IDISH:
        return False
    if role.words == ("value",) and set(role.context) & QUANTITIES:
        return True  # {"valueQuantity": {"value": 52}}
    return any(set(each.words) & QUANTITIES or each.is_many for each in (role, *also))


def _reason(bits: float, why: str, transforms: tuple[str, ...]) -> str:
    rarity = "chance cannot repeat it" if bits >= HIGH else "rare" if bits >= 20 else "a short value"
    return "; ".join(part for part in (why, rarity, " then ".join(transforms)) if part)


def latest_counts(role: Role) -> bool:
    """Versions and amounts change as the chain goes on: the last one shown is meant."""
    return is_lock(role) or any(word in AMOUNTS for word in role.words)
