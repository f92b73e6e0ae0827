"""Path templates: which segments of recorded paths name one thing among many, and what they are called. Pure.

A segment is a parameter by evidence, never by a digit alone: an earlier response gave it, its own response says that it
is the name of the thing, it has a shape that only ids have, or it is a number or a code in a collection, or it varies
where its neighbours do not. Whatever has no evidence stays as it is: `v2`, `oauth2`, `mp3`, `_find`, `-`, `2026` as a
folder, `Untitled.ipynb`. A parameter that was missed is a longer document; a literal that became one is a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from .singular import is_plural, singular


@dataclass(frozen=True, slots=True)
class Path:
    """A recorded path, taken apart at its slashes. `group` is what the path belongs to: its cluster.

    `bound`: indexes of segments that an earlier response gave. `named`: indexes of segments that the path's own
    response repeats as the id or the name of the thing.
    """

    group: str
    segments: tuple[str, ...]
    bound: frozenset[int] = frozenset()
    named: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Parameter:
    """A place of a template: the segment at `index` is `before`, the value, `after`."""

    index: int
    name: str
    value: str  # percent-decoded
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """Such as "/orders/{order_id}", and what one path has in its places, in order."""

    path: str
    parameters: tuple[Parameter, ...]


def templates(paths: Sequence[Path]) -> list[Template]:
    """The template of every path, found over all paths of its group together."""
    groups: dict[str, list[int]] = {}
    for index, path in enumerate(paths):
        groups.setdefault(path.group, []).append(index)
    found: dict[int, Template] = {}
    for group, members in groups.items():
        _walk(_TemplateNode(group, paths, members), found)
    return [found[index] for index in range(len(paths))]


# -- what segments look like


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ID: Final = re.compile(
    r"""[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}    # UUID
      | [0-9A-HJKMNP-TV-Z]{26}                                  # ULID
      | (?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{7,}        # a hash, or the beginning of one
      | (?=[0-9A-F]*[0-9])(?=[0-9A-F]*[A-F])[0-9A-F]{8,}
      | \d{5,}
      | [a-z]{1,8}_(?=\w*\d)[0-9A-Za-z]{6,}                     # cus_9s6XKzkNRiz8i3
      | sealed_\w+                                              # a secret
      | [^@\s/]+@[\w-]+(?:\.[\w-]+)+                            # an address
      | \d{1,3}(?:\.\d{1,3}){3}
      | (?=[\w.~=-]*\d)(?=[\w.~=-]*[A-Za-z])[\w.~=-]{20,}
      | (?:urn|arn|did):\S+""",
    re.VERBOSE,
)
_DATE: Final = re.compile(r"(?:19|20)\d\d-(?:\d\d(?:-\d\d(?:[T ]\S+)?)?|W\d\d|Q[1-4])")
_DAY: Final = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])[0-3]\d")
_NUMBER: Final = re.compile(r"-?\d{1,4}|-?\d+\.\d{3,}|\d+(?:-\d+)+")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_VERSION: Final = re.compile(r"[vV]\d\w*+(?:[.-]\w++)*+|[\w.-]*[-_.][vV]\d+(?:\.\d+)*|\d{1,2}(?:\.\d{1,3}){0,2}")
_FILE: Final = re.compile(r"(.*[^.])(\.(?:[A-Za-z][A-Za-z0-9]{0,5}|[A-Za-z]{7,10}|tar\.\w+))")
_VERB: Final = re.compile(r"([^:]+)(:[A-Za-z][A-Za-z]{2,})")
_ODATA: Final = re.compile(r"([A-Za-z]\w*\('?)([^()']+)('?\))")
# Words with a digit in them that name a protocol, a format, a machine or a service.
_TRADE: Final = re.compile(
    r"""(?:oauth[12]|saml[12]|mp[234]|mpeg4|h26[45]|ac3|id3|s3|ec2|md[45]|sha-?(?:1|2|3|224|256|384|512)|crc(?:16|32)
      |base-?(?:16|32|58|64)|utf-?(?:7|8|16|32)|ipv?[46]|x509|x86|x64|arm(?:64|v7)|amd64|win(?:32|64)|es[5678]|html[45]
      |css[234]|web[23]|log4j|neo4j|sqlite3|python[23]|php[5-8]|java\d{1,2}|http[123]|iso-?\d{4,5}|rfc-?\d{1,4}
      |[rhpe]s(?:256|384|512)|[234]fa|[2345][dkgx]|3ds2?|2factor|i18n|l10n|k8s|a11y|p2p|b2[bc]|c2c|e2e|u2f|w3c|24h|24x7)
      (?:[-_.].*)?""",
    re.VERBOSE | re.IGNORECASE,
)
_API: Final = _set("api apis rest restapi version versions v ws rpc soap service services svc gateway public internal")
_VERSIONED: Final = _set("versions version releases release revisions revision tags tag builds build")
# Below these, years, words and file names are the names of folders and files.
_FOLDERS: Final = _set(
    "file files content contents folder folders dir directory directories path paths tree blob blobs raw download "
    "downloads archive archives static assets asset media upload uploads public dav webdav storage backup backups log "
    "logs export exports report reports statement statements blog calendar calendars holidays news photos images docs "
    "documents notebooks notes pages browse fs sites year years season budget budgets"
)
# What is done to, or asked of, a collection: words in the place of an id that are none.
_ACTIONS: Final = _set(
    "me self current latest last first next previous new all any none default active inactive open closed pending mine "
    "search find query count stats statistics summary total totals export import download upload batch bulk list index "
    "login logout signin signup signout register verify validate check status health info details history top popular "
    "trending recent featured recommended daily weekly monthly yearly today yesterday now settings preferences "
    "config schema schemas types options metadata meta autocomplete suggest suggestions filter filters facets "
    "sync refresh reset restore archive archived deleted trash draft drafts published public private shared admin root "
    "home callback authorize token tokens revoke confirm cancel approve reject submit "
    "complete aggregate random userinfo introspect"
)


@dataclass(slots=True)
class _TemplateNode:
    """Paths that have the same template up to here."""

    group: str
    paths: Sequence[Path]
    members: list[int]
    depth: int = 0
    above: tuple[str, ...] = ()  # the template's segments
    names: tuple[str, ...] = ()
    given: dict[int, tuple[Parameter, ...]] = field(default_factory=dict)

    def segment(self, index: int) -> str:
        return self.paths[index].segments[self.depth]

    @property
    def noun(self) -> str:
        """The nearest word before, in small letters; the group's name where there is none."""
        for above in reversed(self.above):
            if above.startswith("{"):
                return ""
            if re.search(r"[A-Za-z]{2}", above):
                return above.lower()
        return self.group.lower()

    @property
    def is_folder(self) -> bool:
        return any(above.lower() in _FOLDERS for above in self.above)

    @property
    def is_collection(self) -> bool:
        """Whether what stands before is a plural: "orders", "order-items", "orderItems"."""
        return bool(self.noun) and is_plural(re.split(r"[-_.]", _humps(self.noun_as_written).lower())[-1])

    @property
    def noun_as_written(self) -> str:
        return next((above for above in reversed(self.above) if re.search(r"[A-Za-z]{2}", above)), self.group)


@dataclass(frozen=True, slots=True)
class _SegmentValue:
    """A segment as the value that it holds, between what stands around it."""

    value: str
    before: str = ""
    after: str = ""


def _walk(node: _TemplateNode, found: dict[int, Template]) -> None:
    """Decides the segments at the node's depth, then those below, branch by branch."""
    going: dict[str, list[int]] = {}
    for index in node.members:
        if node.depth < len(node.paths[index].segments):
            going.setdefault(node.segment(index), []).append(index)
        else:
            path = "/" + "/".join(node.above)
            found[index] = Template(path, node.given.get(index, ()))
    values = _parameters(node, going)
    below: dict[tuple[str, str] | str, list[int]] = {}
    for segment, members in going.items():
        for index in members:
            value = values.get(segment) or (_SegmentValue(segment) if _is_bound(node, index) else None)
            key = (value.before, value.after) if value else segment
            below.setdefault(key, []).append(index)
    held = [values[segment] for segment in going if segment in values]
    name = _name(node, held)
    for key, members in below.items():
        _walk(_child(node, key, members, name), found)


def _child(node: _TemplateNode, key: tuple[str, str] | str, members: list[int], name: str) -> _TemplateNode:
    if isinstance(key, str):
        shown = key.replace("{", "%7B").replace("}", "%7D")
        return _TemplateNode(
            node.group, node.paths, members, node.depth + 1, (*node.above, shown), node.names, node.given
        )
    before, after = key
    given = dict(node.given)
    for index in members:
        segment = node.segment(index)
        value = unquote(segment[len(before) : len(segment) - len(after)])
        given[index] = (*given.get(index, ()), Parameter(node.depth, name, value, before, after))
    above = (*node.above, f"{before}{{{name}}}{after}")
    return _TemplateNode(node.group, node.paths, members, node.depth + 1, above, (*node.names, name), given)


def _is_bound(node: _TemplateNode, index: int) -> bool:
    return node.depth in node.paths[index].bound


# -- the evidence


def _parameters(node: _TemplateNode, going: dict[str, list[int]]) -> dict[str, _SegmentValue]:
    """The segments here that are values. What the segments are together says more than each alone."""
    found: dict[str, _SegmentValue] = {}
    open_: list[str] = []
    for segment, members in going.items():
        if any(_is_bound(node, index) for index in members):
            found[segment] = _SegmentValue(segment)
        elif value := _alone(node, segment, members, going):
            found[segment] = value
        else:
            open_.append(segment)
    return found | {segment: _SegmentValue(segment) for segment in _together(node, open_, going)}


def _alone(
    node: _TemplateNode, segment: str, members: Sequence[int], going: dict[str, list[int]]
) -> _SegmentValue | None:
    """A value by its shape and its place."""
    for pattern in (_ODATA, _VERB, _FILE):
        match = pattern.fullmatch(segment)
        if match is None or (pattern is _FILE and (_NUMBER.fullmatch(segment) or "@" in unquote(segment))):
            continue
        before, inner, after = match.groups() if pattern is _ODATA else ("", *match.groups())
        if pattern is _ODATA or _is_id(inner) or (inner.isdigit() and not (pattern is _FILE and node.is_folder)):
            return _SegmentValue(inner, before, after)
        if pattern is _FILE and not _ID.fullmatch(segment):
            return None  # a file, or a host, by its name
    last = all(len(node.paths[index].segments) == node.depth + 1 for index in members)
    return _SegmentValue(segment) if _is_value(node, segment, going, last, members) else None


def _is_id(text: str) -> bool:
    return _ID.fullmatch(unquote(text)) is not None


def _is_words(text: str) -> bool:
    """Whether words make up most of it, such as CreateS3TableIntegration; an id of chance has few and short ones."""
    words = re.findall(r"[A-Z]?[a-z]{3,}", text)
    return "@" not in unquote(text) and "_" not in text and sum(map(len, words)) >= max(6, 0.6 * len(text))


def _is_value(
    node: _TemplateNode, segment: str, going: dict[str, list[int]], last: bool, members: Sequence[int]
) -> bool:
    if not re.search(r"\w", segment) or segment[0] in "_$~*":
        return False
    if _VERSION.fullmatch(segment) and _is_version(node, segment, last):
        return False
    if _DATE.fullmatch(segment) or _DAY.fullmatch(segment):
        return (
            last or (node.is_collection and node.depth > 0) or bool(node.above and node.above[-1].startswith("{"))
        )  # else a version
    if _NUMBER.fullmatch(segment):
        return _is_number_of_a_thing(node, segment, going, last)
    if _is_id(segment) and not _is_words(segment):
        return True
    if segment.lower() in _ACTIONS:
        return False
    if any(node.depth in node.paths[index].named for index in members):
        return True
    return bool(re.search(r"\d", segment)) and _is_code(node, segment)


def _is_version(node: _TemplateNode, segment: str, last: bool) -> bool:
    """`v2` is one everywhere but in a list of versions; `2` and `1.1` are only where versions stand."""
    if segment[0].isdigit():
        at_root = node.depth == 0 and not node.is_collection and not last
        return at_root or (node.noun in _API - {"services", "versions"} and node.depth > 0 and not last)
    return node.noun not in _VERSIONED


def _is_number_of_a_thing(node: _TemplateNode, segment: str, going: dict[str, list[int]], last: bool) -> bool:
    if not _YEAR.fullmatch(segment):
        return not (node.is_folder and len(segment) == 2 and _YEAR.fullmatch(node.above[-1]))  # a month's folder
    if node.is_collection and not node.is_folder:
        return True
    return _varies(node, segment, going, _NUMBER)


def _is_code(node: _TemplateNode, segment: str) -> bool:
    """Letters and digits: an order number in a collection of orders, a word of the trade everywhere else."""
    if _TRADE.fullmatch(segment) or node.is_folder or _is_words(segment):
        return False
    return (node.is_collection and node.depth > 0) or bool(
        re.fullmatch(r"[A-Z]{1,8}[-_]?\d{2,}|(?=.*\d.*\d.*\d)[A-Za-z0-9-]{6,}", segment)
    )


def _varies(node: _TemplateNode, segment: str, going: dict[str, list[int]], kind: re.Pattern[str]) -> bool:
    """Whether others of its kind stand in its place, with the same behind them."""
    mine = _behind(node, going[segment])
    return any(
        other != segment and kind.fullmatch(other) and mine & _behind(node, members)
        for other, members in going.items()
    )  # fmt: skip


def _behind(node: _TemplateNode, members: Iterable[int]) -> set[str]:
    """The segments that follow; "" where the path ends."""
    rest = (node.paths[index].segments[node.depth + 1 : node.depth + 2] for index in members)
    return {segment[0] if segment else "" for segment in rest}


def _together(node: _TemplateNode, words: Sequence[str], going: dict[str, list[int]]) -> set[str]:
    """Names that are values because they vary and what follows them does not: /users/ann/orders, /users/bob/orders."""
    found: set[str] = set()
    if not node.is_folder:
        found |= _codes_that_vary(node, words, going)
    if not node.is_collection or node.is_folder or node.depth == 0:
        return found
    names = [word for word in words if _may_be_a_name(word)]
    for behind in {each for word in names for each in _behind(node, going[word])} - {""}:
        alike = {word for word in names if behind in _behind(node, going[word])}
        if len(alike) >= 3 and not _ID.fullmatch(behind):
            found |= alike
    capitals = {word for word in names if re.fullmatch(r"[A-Z]{2,5}", word)}
    return found | (capitals if len(capitals) >= 2 else set())


def _may_be_a_name(word: str) -> bool:
    return bool(word) and word.lower() not in _ACTIONS and word[0] not in "_$~*" and not re.fullmatch(r"\W+", word)


def _codes_that_vary(node: _TemplateNode, words: Sequence[str], going: dict[str, list[int]]) -> set[str]:
    """Equal words with other numbers behind them, with the same behind both: /table/t1/rows, /table/t2/rows."""
    by_shape: dict[tuple[str, frozenset[str]], set[str]] = {}
    for word in words:
        if re.search(r"\d", word) and not _VERSION.fullmatch(word) and not _DATE.fullmatch(word):
            behind = frozenset(_behind(node, going[word]))
            by_shape.setdefault((re.sub(r"\d+", "0", word), behind), set()).add(word)
    several = [alike for (_, behind), alike in by_shape.items() if len(alike) > 1 and (behind != {""} or node.depth)]
    return {word for alike in several if not all(map(_TRADE.fullmatch, alike)) for word in alike}


# -- names


def _name(node: _TemplateNode, held: Sequence[_SegmentValue]) -> str:
    """From "orders" to "order_id", from "by-email" to "email", "date" of dates; with a number where it is taken."""
    wanted = _wanted(node, held)
    number, name = 1, wanted
    while name in node.names:
        number += 1
        name = f"{wanted}_{number}"
    return name


def _wanted(node: _TemplateNode, held: Sequence[_SegmentValue]) -> str:
    if held and all(re.fullmatch(r"(?:19|20)\d\d-\d\d-\d\d", one.value) for one in held):
        return "date"
    word = _snake(held[0].before) if held and held[0].before else _word(node)
    by = re.fullmatch(r"(?:by|for|with)_(\w+)", word)
    if by:
        return by[1]
    head, _, last = word.rpartition("_")
    last = last if last == "people" else singular(last)
    name = f"{head}_{last}" if head else last
    return name if name.endswith("_id") or name == "id" else f"{name}_id"


def _word(node: _TemplateNode) -> str:
    """What a parameter is called after: the nearest literal before it that is a word, else its group."""
    for above in reversed(node.above):
        if above.startswith("{"):
            return re.sub(r"(?:_id)?(?:_\d+)?$", "", above[1:].partition("}")[0])
        word = _snake(re.sub(r"\{\w+\}.*|[-_.][vV]\d+$", "", above))
        if (
            re.search(r"[a-z]{2}", word)
            and word[0].isalpha()
            and not re.fullmatch(r"[vV]\d.*", above)
            and word not in _API
        ):
            return word
    word = _snake(node.group)
    return word if word[:1].isalpha() else "item"


def _snake(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", _humps(unquote(text)).lower()).strip("_")[:40]


def _humps(text: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
