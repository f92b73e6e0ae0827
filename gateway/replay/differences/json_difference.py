"""Where two JSON values are unequal: members by name, arrays by their items' keys, each place a JSON Pointer. Pure."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import chain
from typing import Any, Final, Literal

from .value_kinds import judge

Kind = Literal["changed", "type", "removed", "added", "order"]

DEEPEST: Final = 200  # levels; what lies below is compared as a whole
ALIGNED: Final = 400  # items that are aligned with care: that may cost their product
KEYS: Final = ("id", "_id", "uuid", "key", "name", "code", "isbn", "sku", "slug", "number", "href", "url", "type")


Alias = Callable[[str], Sequence[str]]  # a recorded key -> what the other run may call it


def no_alias(key: str) -> Sequence[str]:
    """Keys of which nothing is known are the same in both."""
    return ()


class Missing:
    """What stands for a member that one side does not have."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


@dataclass(frozen=True, slots=True)
class Change:
    """One unequal place. `recorded` or `replayed` is MISSING where that side has nothing."""

    pointer: str  # RFC 6901, in the recorded document where it exists there
    kind: Kind
    recorded: Any
    replayed: Any

    @property
    def name(self) -> str:
        """The nearest member name: "id" of "/items/3/id" and of "/id/0"."""
        words = [word for word in self.pointer.split("/") if word and not word.isdigit()]
        return words[-1].replace("~1", "/").replace("~0", "~") if words else ""


def change_of(pointer: str, recorded: Any, replayed: Any) -> Change:
    """The change of a place whose two values are unequal; MISSING stands for none."""
    if recorded is MISSING:
        return Change(pointer, "added", recorded, replayed)
    return Change(pointer, "removed" if replayed is MISSING else "changed", recorded, replayed)


def read_json(text: str) -> Any:
    """The value; numbers stay numbers, however big. ValueError when it is not JSON."""
    try:
        return json.loads(text, parse_float=_fraction, parse_constant=_refused)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except json.JSONDecodeError:
        raise
    except ValueError:  # an integer that Python's own reading refuses, or a constant that is none of JSON's
        return json.loads(text, parse_int=_integer, parse_float=_fraction, parse_constant=_refused)


def _integer(text: str) -> int | str:
    return int(text) if len(text) <= 4000 else text  # Python refuses longer ones; they are still equal or not


def _fraction(text: str) -> float | str:
    value = float(text)
    return text if value in (float("inf"), float("-inf")) else value


def _refused(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def json_changes(
    recorded: Any, replayed: Any, pointer: str = "", depth: int = 0, alias: Alias = no_alias
) -> Iterator[Change]:
    """Every unequal place, in document order. Items of lists are paired by their keys, as `alias` translates them."""
    if type(recorded) is type(replayed) and isinstance(recorded, (dict, list)) and depth < DEEPEST:
        if _spelled_alike(recorded, replayed):
            return
        if isinstance(recorded, dict):
            yield from _members(recorded, replayed, pointer, depth + 1, alias)
        else:
            yield from _items(recorded, replayed, pointer, depth + 1, alias)
    elif not same(recorded, replayed):
        kind: Kind = "changed" if json_type(recorded) == json_type(replayed) else "type"
        yield Change(pointer, kind, recorded, replayed)


def _spelled_alike(recorded: Any, replayed: Any) -> bool:
    """A quick look at what has members: most of two documents is the same, letter by letter."""
    try:
        return bool(recorded == replayed) and AS_IT_STANDS.encode(recorded) == AS_IT_STANDS.encode(replayed)
    except RecursionError:
        return False


def _plainly_same(recorded: Any, replayed: Any) -> bool:
    """A quick look at scalars, of which a list may have very many."""
    return type(recorded) is type(replayed) and type(recorded) in (int, float, str) and recorded == replayed


def same(recorded: Any, replayed: Any) -> bool:
    """Equality of JSON values: 1 equals 1.0, but true is no 1."""
    if isinstance(recorded, bool) or isinstance(replayed, bool):
        return recorded is replayed
    if isinstance(recorded, (dict, list)) and type(recorded) is type(replayed):
        return canonical(recorded) == canonical(replayed)
    return bool(recorded == replayed)


def json_type(value: Any) -> str:
    """ "object", "array", "string", "number", "boolean" or "null"."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list):
        return "array"
    return "string" if isinstance(value, str) else "number"


AS_IT_STANDS: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False)
ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def canonical(value: Any) -> str:
    """Equal texts for equal values, whatever the order of members."""
    return ENCODER.encode(value)


def _members(
    recorded: Mapping[str, Any], replayed: Mapping[str, Any], pointer: str, depth: int, alias: Alias
) -> Iterator[Change]:
    renamed = {} if recorded.keys() == replayed.keys() else _renamed(recorded, replayed, alias)
    for name, value in recorded.items():
        place, new = f"{pointer}/{escaped(name)}", renamed.get(name, name)
        if new != name:
            yield Change(place, "changed", name, new)
        if new in replayed:
            yield from json_changes(value, replayed[new], place, depth, alias)
        else:
            yield Change(place, "removed", value, MISSING)
    known = {*recorded, *renamed.values()}
    for name, value in replayed.items():
        if name not in known:
            yield Change(f"{pointer}/{escaped(name)}", "added", MISSING, value)


def _renamed(recorded: Mapping[str, Any], replayed: Mapping[str, Any], alias: Alias) -> dict[str, str]:
    """Members whose names are ids: recorded name -> the name in the other run, as `alias` knows it, else by place."""
    gone, new = [name for name in recorded if name not in replayed], [name for name in replayed if name not in recorded]
    found: dict[str, str] = {}
    for name in gone:
        known = next((each for each in alias(name) if each in new and each not in found.values()), None)
        if known is not None:
            found[name] = known
    left, over = [name for name in gone if name not in found], [name for name in new if name not in found.values()]
    if len(left) == len(over) and all(judge("", *pair).kind == "noise" for pair in zip(left, over, strict=True)):
        found |= dict(zip(left, over, strict=True))
    return found


def escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _items(recorded: list[Any], replayed: list[Any], pointer: str, depth: int, alias: Alias) -> Iterator[Change]:
    pairs = item_pairs(recorded, replayed, alias)
    both = [(i, j) for i, j in pairs if i is not None and j is not None]
    if len(both) == len(pairs) and [j for _, j in both] != sorted(j for _, j in both):
        yield Change(pointer, "order", recorded, replayed)
    for i, j in pairs:
        if i is None and j is not None:
            yield Change(f"{pointer}/{j}", "added", MISSING, replayed[j])
        elif j is None and i is not None:
            yield Change(f"{pointer}/{i}", "removed", recorded[i], MISSING)
        elif i is not None and j is not None and not _plainly_same(recorded[i], replayed[j]):
            yield from json_changes(recorded[i], replayed[j], f"{pointer}/{i}", depth, alias)


Pair = tuple[int | None, int | None]


def item_pairs(recorded: list[Any], replayed: list[Any], alias: Alias) -> list[Pair]:
    """Which item belongs to which: by a key that tells all of them apart, else by content, else by place."""
    for key in KEYS if recorded and replayed and isinstance(recorded[0], dict) else ():
        before, after = _by_key(recorded, key), _by_key(replayed, key)
        if before is None or after is None:
            continue
        before, is_known = _aliased(before, after, alias)
        shared = before.keys() & after.keys()
        if is_known or len(shared) * 2 >= max(len(before), len(after), 1):  # else the keys themselves were made anew
            left: list[Pair] = [(index, after.get(word)) for word, index in before.items()]
            return left + [(None, index) for word, index in after.items() if word not in before]
    return _by_content([_comparable(item) for item in recorded], [_comparable(item) for item in replayed])


def _aliased(before: dict[str, int], after: Mapping[str, int], alias: Alias) -> tuple[dict[str, int], bool]:
    """The recorded keys as the other run calls them, and whether it has an item of such a key."""
    found: dict[str, int] = {}
    for word, index in before.items():
        kind, _, key = word.partition(" ")
        names = (f"{kind} {each}" for each in alias(key))
        new = next((name for name in names if name in after and name not in found), word)
        found[new if new not in found else word] = index
    return found, found.keys() != before.keys()


def _comparable(value: Any) -> Any:
    """Equal hashable things for equal values: numbers are themselves, everything else is its text."""
    return value if type(value) in (int, float) else canonical(value)


def _by_key(items: list[Any], key: str) -> dict[str, int] | None:
    """Key -> index when every item is an object with a key of its own."""
    found: dict[str, int] = {}
    for index, item in enumerate(items):
        value = item.get(key) if isinstance(item, dict) else None
        if not isinstance(value, (str, int)) or isinstance(value, bool):
            return None
        found[f"{json_type(value)} {value}"] = index
    return found if len(found) == len(items) else None


def _by_content(recorded: Sequence[Any], replayed: Sequence[Any]) -> list[Pair]:
    """Equal beginnings and ends pair off; in between equal items do, and the rest by place."""
    if len(recorded) == len(replayed) and Counter(recorded) == Counter(replayed):
        return _reordered(recorded, replayed)
    start, end = common_ends(recorded, replayed)
    before, after = range(start, len(recorded) - end), range(start, len(replayed) - end)
    pairs: list[Pair] = [(index, index) for index in range(start)]
    pairs += aligned(recorded, replayed, before, after)
    return pairs + [(len(recorded) - end + index, len(replayed) - end + index) for index in range(end)]


def _reordered(recorded: Sequence[Any], replayed: Sequence[Any]) -> list[Pair]:
    """The same items in another order."""
    places: dict[Any, list[int]] = {}
    for index in reversed(range(len(replayed))):
        places.setdefault(replayed[index], []).append(index)
    return [(index, places[item].pop()) for index, item in enumerate(recorded)]


def common_ends(recorded: Sequence[Any], replayed: Sequence[Any]) -> tuple[int, int]:
    """How many items are equal at the beginning, and how many of the others at the end."""
    shorter = min(len(recorded), len(replayed))
    start = next((index for index in range(shorter) if recorded[index] != replayed[index]), shorter)
    left = shorter - start
    return start, next((index for index in range(left) if recorded[-1 - index] != replayed[-1 - index]), left)


def aligned(recorded: Sequence[Any], replayed: Sequence[Any], before: range, after: range) -> Iterator[Pair]:
    """Index pairs of two ranges: equal items pair off, and what is left in between by place."""
    if len(before) == len(after):
        return _side_by_side(before, after)
    if max(len(before), len(after)) > ALIGNED:
        return _anchored(recorded, replayed, before, after)
    matcher = SequenceMatcher(None, [recorded[i] for i in before], [replayed[j] for j in after], autojunk=False)
    codes = matcher.get_opcodes()
    return chain.from_iterable(_side_by_side(before[i:i_end], after[j:j_end]) for _, i, i_end, j, j_end in codes)


def _anchored(recorded: Sequence[Any], replayed: Sequence[Any], before: range, after: range) -> Iterator[Pair]:
    """For long ranges: items that stand once on either side, and in the same order, hold the rest in place."""
    once = Counter(recorded[i] for i in before), Counter(replayed[j] for j in after)
    places = {replayed[j]: j for j in after if once[1][replayed[j]] == 1}
    found = [(i, places[recorded[i]]) for i in before if once[0][recorded[i]] == 1 and recorded[i] in places]
    i, j = before.start, after.start
    for anchor, counterpart in _rising(found):
        if i < anchor or j < counterpart:
            yield from _side_by_side(range(i, anchor), range(j, counterpart))
        yield anchor, counterpart
        i, j = anchor + 1, counterpart + 1
    yield from _side_by_side(range(i, before.stop), range(j, after.stop))


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest part of the pairs, in order, whose second numbers rise (patience sorting)."""
    tops: list[int] = []
    at: list[int] = []  # index of the pair on top of each pile
    below: list[int] = []
    for index, (_, place) in enumerate(pairs):
        pile = bisect_left(tops, place)
        below.append(at[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [place]
        at[pile : pile + 1] = [index]
    found, index = [], at[-1] if at else -1
    while index >= 0:
        found.append(pairs[index])
        index = below[index]
    return found[::-1]


def _side_by_side(before: range, after: range) -> Iterator[Pair]:
    shorter = min(len(before), len(after))
    yield from zip(before[:shorter], after[:shorter], strict=True)
    yield from ((index, None) for index in before[shorter:])
    yield from ((None, index) for index in after[shorter:])
