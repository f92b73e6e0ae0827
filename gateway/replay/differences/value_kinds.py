"""What kind of value changed from one run to the next: a time, something made anew, data, or nobody knows. Pure.

Two runs of one chain on one server never give the same ids, times, tags and tokens; they do give the same words, prices
and states. A value is judged by its looks and by the name under which it stands. Where neither says enough the kind is
`unknown`: it is never guessed to be harmless.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

Kind = Literal["time", "noise", "data", "unknown"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The kind of a change, and why it is that."""

    kind: Kind
    why: str = ""
    opaque: bool = False  # a later request may need the very value: an id, a tag, a revision


DATA: Final = Judgement("data")
UNKNOWN: Final = Judgement("unknown", "nothing says whether every run has its own here", opaque=True)
ANEW: Final = Judgement("noise", "made anew by every run", opaque=True)
AN_ID: Final = Judgement("noise", "an id made anew", opaque=True)
A_LINK: Final = Judgement("noise", "a link to something made anew", opaque=True)
A_TIME: Final = Judgement("time", "a time")
A_DURATION: Final = Judgement("time", "a duration")
A_LEVEL: Final = Judgement("noise", "a level that every run changes")
A_COUNTER: Final = Judgement("noise", "a counter that grew")

WORDS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")


def words_of(name: str) -> frozenset[str]:
    """ "orderId", "order_id" and "Order-Id" are all {"order", "id"}."""
    found = {word.lower() for word in WORDS.findall(name)}
    if name.lower().replace("-", "").replace("_", "").endswith("etag"):
        found.add("etag")  # "eTag" and "e-tag" too
    return frozenset(found)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# -- names, by what stands under them

IDS: Final = _words(
    "id ids uid uuid guid oid pk number no nr ref reference etag trace span correlation cursor seq sequence serial key "
    "arn sid handle node hash sha checksum digest md5 crc integrity commit fingerprint signature sig token csrf xsrf "
    "nonce ticket session viewstate pid rev revision lsn etags continuation marker offset jti txn transaction request"
)
VERSIONS: Final = _words("version revision rev generation resourceversion lock lockversion seq sequence epoch")
TIMES: Final = _words(
    "at date time times timestamp ts created updated modified changed accessed expires expiry expiration iat exp nbf "
    "issued since until started finished ended completed seen sync synced login logged now when published stamp "
    "dtstamp lastmodified creationdate getlastmodified last"
)
# Moments that somebody chose: another one is another order, another person.
CHOSEN: Final = _words(
    "due birth birthday born delivery deadline departure arrival appointment dtstart dtend departs arrives valid "
    "booked reserved scheduled checkin checkout dob anniversary holiday"
)
DURATIONS: Final = _words(
    "ms took duration elapsed latency uptime age seconds millis nanos micros runtime timing ago msec usec"
)
SETTINGS: Final = _words(
    "timeout interval period retention limit max min maximum minimum threshold delay per page pages step capacity"
)
COUNTERS: Final = _words(
    "count counts counter views hits visits logins downloads clicks reads writes requests usage used sequence calls"
)
LEVELS: Final = _words("stock remaining available left quota load inventory free memory heap cpu disk rss threads")
# Codes of persons and goods: another one is another person, whatever it looks like.
CODES: Final = _words(
    "isbn ean gtin upc iban bic phone tel telephone mobile fax email mail zip postal postcode colour color birthday"
)
# What people mean: words, money, addresses, states. Another value is another thing, whatever it looks like.
MEANT: Final = _words(
    "price amount total sum cost fee tax vat qty quantity balance discount rate score points percent percentage grade "
    "rating weight height width depth lat lon lng latitude longitude year month day isbn ean gtin upc iban bic phone "
    "tel telephone mobile fax email mail zip postal postcode street city country address colour color currency "
    "lang language locale status state role roles plan title description subject color kind type priority rank level "
    "first lastname surname firstname gender edition author publisher birthday"
)
MACHINES: Final = _words("host hostname pod backend server served machine instance worker container replica shard")

# -- values, by their looks

SEALED: Final = re.compile(r"sealed_[a-z2-7]{20}_[0-9]{1,10}")
UUID: Final = re.compile(r"(?:urn:uuid:)?\{?[0-9a-fA-F]{8}-(?:[0-9a-zA-Z]{4}-){3}[0-9a-zA-Z]{11,12}\}?")
ULID: Final = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
LONG_HASH: Final = re.compile(r"(?:0x)?[0-9a-f]{40,128}")
# Positions made of counters: "t9-16_3_0_1" of Matrix, "4_0_1_17"; no version or address, which have dots.
POSITION: Final = re.compile(r"(?<![a-z0-9])[a-z]{0,3}[0-9]++(?:[-_~][0-9]++){3,}")
HEX_NUMBER: Final = re.compile(r"0x[0-9a-f]{1,15}")
ZONE_NAME: Final = re.compile(r"[a-z]{2}(?:-[a-z]+)+-?\d[a-z]|[a-z]+-[a-z]+\d-[a-z]")  # of AWS, of Google
HEX: Final = re.compile(r"(?:sha\d+[:-]|0x)?(?:(?:[0-9a-f]{2}){8,64}|(?:[0-9A-F]{2}){8,64})")
TOKEN: Final = re.compile(
    r"(?=[^0-9]*[0-9])(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])[A-Za-z0-9_\-+/=.~$!][A-Za-z0-9_\-+/=.~:]{15,}"
)
BASE64: Final = re.compile(r"(?:[a-z0-9]+-)?(?=[A-Za-z0-9+/_-]*(?:[0-9+/]|[a-z][A-Z]))[A-Za-z0-9+/_-]{10,}={0,2}")
SURE: Final = 32  # letters, digits and capitals mixed: no state and no price is that long
PREFIXED: Final = re.compile(r"([A-Za-z]{2,12}_)(?=[A-Za-z0-9]*[0-9])[A-Za-z0-9]{6,40}")
LONG_NUMBER: Final = re.compile(r"\d{13,}")
COUCH: Final = re.compile(r"\d+-(?:[0-9a-f]{32}|g1[A-Za-z0-9_-]+)")  # a revision, an update sequence
LSN: Final = re.compile(r"[0-9A-F]+/[0-9A-F]{4,8}")
GENERATED: Final = (
    (SEALED, "a secret made anew"),
    (UUID, "a UUID made anew"),
    (ULID, "an id made anew"),
    (HEX, "a random value made anew"),
    (COUCH, "a revision made anew"),
    (TOKEN, "a random value made anew"),
    (PREFIXED, "an id made anew"),
    (LONG_NUMBER, "an id made anew"),
    (LSN, "a position in a log"),
    (POSITION, "a position made of counters"),
)

MONTH: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
DAY: Final = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
CLOCK: Final = r"\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\s?[AP]M)?"
ZONE: Final = r"\s?(?:Z|UTC|GMT|[A-Z]{3,4}|[+-]\d\d:?\d\d)?(?:\[[A-Za-z/_]+\])?"
MOMENT: Final = re.compile(
    rf"\d{{4}}[-/.]\d\d[-/.]\d\d[T ,]+{CLOCK}{ZONE}"  # ISO 8601, SQL, logs
    rf"|\d{{8}}T\d\d:?\d\d(?::?\d\d)?{ZONE}"  # iCalendar, XML-RPC
    rf"|{DAY},? \d\d?[ -]{MONTH}[ -]\d{{2,4}} {CLOCK}{ZONE}"  # RFC 5322, RFC 850
    rf"|{DAY} {MONTH} [ \d]\d {CLOCK}{ZONE}(?: \d{{4}})?"  # asctime, Java, Unix date
    rf"|\d\d?/{MONTH}/\d{{4}}:{CLOCK}{ZONE}"  # access logs
    rf"|{MONTH} \d\d?,? \d{{4}},? (?:at )?{CLOCK}{ZONE}|\d\d?[./]\d\d?[./]\d{{4}},? {CLOCK}{ZONE}"
    r"|/Date\(-?\d{10,}(?:[+-]\d{4})?\)/"  # older .NET
)
DATE: Final = re.compile(rf"\d{{4}}[-/.]\d\d[-/.]\d\d|\d{{8}}(?=$)|\d\d?[./]\d\d?[./]\d{{4}}|\d\d? {MONTH} \d{{4}}")
NEVER: Final = re.compile(r"0001-01-01.*|1970-01-01T00:00:00.*|0000-00-00.*|1601-01-01.*|9999-12-31.*")
SPAN: Final = (
    r"(?:-?\d+(?:[.,]\d+)?\s?(?:ns|µs|μs|us|ms|s|m|h|d|sec|secs|second|seconds|min|mins|minute|minutes|hour|hours|day"
    r"|days|week|weeks|millis|milliseconds)\b)"
)
DURATION: Final = re.compile(
    rf"{SPAN}(?:\s?{SPAN})*|-?P(?=[\dT])(?:\d+D)?(?:T(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?"
    r"|(?:\d+\.)?\d\d:\d\d:\d\d(?:\.\d+)?"
)
AGO: Final = re.compile(
    rf"(?:{SPAN}|an? (?:few )?(?:second|minute|hour|day|moment)s?|a moment|few seconds|moments) ago|just now"
    rf"|now|(?:in )?(?:{SPAN}|an? (?:minute|hour|day))|up .*\d.*",
    re.IGNORECASE,
)
# Within a sentence.
PIECES: Final = re.compile(
    rf"(?P<time>{MOMENT.pattern}|\b\d{{1,3}}:\d\d:\d\d(?:[.,]\d+)?\b)"
    r"|(?P<id>\b[0-9a-fA-F]{8}-(?:[0-9a-zA-Z]{4}-){3}[0-9a-zA-Z]{11,12}\b|\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{12,128}\b"
    r"|\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b|\bsealed_[a-z2-7]{20}_[0-9]{1,10}\b|\b\d{13,}\b|\bpid[ =:]+\d+)"
    rf"|(?P<span>\b{SPAN})"
)
WORDY: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", re.UNICODE)


def judge(name: str, before: object, after: object) -> Judgement:
    """The kind of a change of a scalar under a name: a member, an element, a column, a header.

    The name may have the one above it before it, "sizes/active": it counts where the own one says nothing.
    """
    parent, _, own = name.rpartition("/")
    last = (WORDS.findall(own) or [""])[-1].lower()
    told = _judge(words_of(own), last, before, after)
    return _judge(words_of(name), last, before, after) if told.kind == "unknown" and parent else told


def _judge(names: frozenset[str], last: str, before: object, after: object) -> Judgement:
    if isinstance(before, bool) or isinstance(after, bool) or before is None or after is None:
        return DATA
    if isinstance(before, (int, float)) and isinstance(after, (int, float)):
        return _numbers(names, before, after)
    return _texts(names, last, str(before), str(after))


# -- numbers


def _numbers(names: frozenset[str], before: float, after: float) -> Judgement:
    if _is_moment(before) and _is_moment(after) and not names & (MEANT | CHOSEN):
        return A_TIME
    if names & MEANT:
        return DATA
    if names & DURATIONS or ("in" in names and names & TIMES):
        return A_DURATION
    if names & SETTINGS and not names & (LEVELS | {"sizes", "disk"}):
        return DATA
    if names & TIMES and min(before, after) > 0:
        return A_TIME
    if names & (COUNTERS | {"counter", "sizes"}):
        return A_COUNTER if after >= before else DATA
    if names & LEVELS:
        return A_LEVEL
    if names & (IDS | VERSIONS) and _is_whole(before) and _is_whole(after):
        return AN_ID
    return UNKNOWN if _is_whole(before) and _is_whole(after) else DATA


def _is_whole(number: float) -> bool:
    return isinstance(number, int) and number >= 0


def _is_moment(number: float) -> bool:
    """Between 2001 and 2100, in seconds, or a whole number of milli-, micro- or nanoseconds."""
    seconds = 978_307_200, 4_102_444_800
    scales = (1, 10**3, 10**6, 10**9) if isinstance(number, int) else (1, 10**3)
    return any(seconds[0] * scale <= number <= seconds[1] * scale for scale in scales)


# -- texts


def _texts(names: frozenset[str], last: str, before: str, after: str) -> Judgement:
    if not before.strip() or not after.strip():
        return DATA
    if HEX_NUMBER.fullmatch(before) and HEX_NUMBER.fullmatch(after):  # quantities of Ethereum: "0x5208"
        return A_LEVEL if "gas" in names else _numbers(names, int(before, 16), int(after, 16))
    if (told := _moments(names, before, after)) is not None:
        return told
    if _is_number(before) and _is_number(after):
        return _number_texts(names, before, after)
    if names & MEANT and not _is_named_id(names, last, before, after):
        return _sentence(before, after, meant=True)
    for pattern, why in GENERATED:
        if pattern.fullmatch(before) and pattern.fullmatch(after) and _alike(pattern, before, after):
            return Judgement("noise", why, opaque=True)
    if _is_link(before) and _is_link(after):
        return links(before, after)
    if ZONE_NAME.fullmatch(before) and ZONE_NAME.fullmatch(after):
        return Judgement("noise", "the place where it was put")
    if names & MACHINES and not re.search(r"\s", before + after):
        return Judgement("noise", "the machine that answered")
    if names & (IDS | VERSIONS) and _are_opaque(before, after):
        return AN_ID
    return _sentence(before, after)


def _is_named_id(names: frozenset[str], last: str, before: str, after: str) -> bool:
    """Whether an id stands under a name of data: the RoleId of a role, the txn_1GkX of a balance_transaction."""
    if SEALED.fullmatch(before) and SEALED.fullmatch(after):
        return True
    if names & CODES:
        return False
    if last in IDS and _are_opaque(before, after):
        return True
    if min(len(before), len(after)) >= SURE and TOKEN.fullmatch(before) and TOKEN.fullmatch(after):
        return True
    return any(pattern.fullmatch(before) and pattern.fullmatch(after) for pattern in (UUID, ULID, PREFIXED, LONG_HASH))


def _alike(pattern: re.Pattern[str], before: str, after: str) -> bool:
    """Ids with a prefix are of one kind only under one prefix."""
    return pattern is not PREFIXED or before.partition("_")[0] == after.partition("_")[0]


def _moments(names: frozenset[str], before: str, after: str) -> Judgement | None:
    """Times and durations; None where these are none."""
    if any(bool(NEVER.fullmatch(one)) for one in (before, after)) and MOMENT.fullmatch(before):
        return DATA if NEVER.fullmatch(before) is None or NEVER.fullmatch(after) is None else A_TIME
    if MOMENT.fullmatch(before) and MOMENT.fullmatch(after):
        return DATA if names & CHOSEN else A_TIME
    if DATE.fullmatch(before) and DATE.fullmatch(after):
        return A_TIME if names and names <= TIMES | {"day", "today", "on", "of"} else None if _digits(before) else DATA
    if DURATION.fullmatch(before) and DURATION.fullmatch(after):
        return DATA if names & SETTINGS else A_DURATION
    if AGO.fullmatch(before) and AGO.fullmatch(after):
        return A_TIME
    return None


def _digits(text: str) -> bool:
    return text.isdigit()


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d{1,40}(?:\.\d{1,20})?", text) is not None


def _number_texts(names: frozenset[str], before: str, after: str) -> Judgement:
    """Numbers as texts: a code with a leading zero is no count."""
    if names & (MEANT | CHOSEN):
        return DATA
    values = [float(one) if "." in one else int(one) for one in (before, after)]
    if any("." in one for one in (before, after)) and names & VERSIONS:
        return DATA  # "2.0" is a version that people chose
    if LONG_NUMBER.fullmatch(before) and LONG_NUMBER.fullmatch(after) and not all(map(_is_moment, values)):
        return AN_ID
    return _numbers(names, *values)


def _are_opaque(before: str, after: str) -> bool:
    """Whether both are names for something. Random letters may have no digit by chance: 3 in 100 of AROA and sixteen
    more have none, but no two words of sixteen letters, or ten capitals, are of one length under the name of an id.
    """
    if _is_opaque(before) and _is_opaque(after):
        return True
    return len(before) == len(after) and all(LETTERS.fullmatch(each) for each in (before, after))


LETTERS: Final = re.compile(r"[A-Z0-9]{16,}|[A-Z]{10,}|[a-z0-9]{16,}|[A-Za-z0-9]{20,}")


def _is_opaque(text: str) -> bool:
    """Whether a text is a name for something rather than words: one word, with a digit, a capital inside, or signs."""
    if not text or re.search(r"\s", text) or len(text) > 4096:
        return False
    if re.fullmatch(r"v?\d+\.\d[\w.+-]*|v\d{1,3}", text):  # a version that people chose
        return False
    return bool(re.search(r"\d|[a-z][A-Z]|[+/=]", text)) or (text.startswith(('"', 'W/"')) and len(text) > 2)


# -- links


def _is_link(text: str) -> bool:
    if re.search(r"[\s<>]", text) or len(text) > 8192:
        return False
    return (
        bool(re.match(r"[a-z][a-z0-9+.-]{1,20}:", text)) or text.startswith(("/", "./", "../")) or text.count("/") > 1
    )


def links(before: str, after: str) -> Judgement:
    """Two URLs, paths or names of resources: the same place but for ids, times and signatures in it."""
    try:
        one, other = urlsplit(before), urlsplit(after)
    except ValueError:
        return DATA
    if (one.scheme, one.netloc.rpartition("@")[2]) != (other.scheme, other.netloc.rpartition("@")[2]):
        return DATA
    parts, others = re.split(r"[/:;]", one.path), re.split(r"[/:;]", other.path)
    if len(parts) != len(others):
        return DATA
    found = [_segment(unquote(a), unquote(b)) for a, b in zip(parts, others, strict=True) if a != b]
    pairs = parse_qsl(one.query, keep_blank_values=True), parse_qsl(other.query, keep_blank_values=True)
    if [name for name, _ in pairs[0]] != [name for name, _ in pairs[1]]:
        return DATA
    found += [_parameter(name, a, b) for (name, a), (_, b) in zip(*pairs, strict=True) if a != b]
    if one.fragment != other.fragment:
        found.append(_segment(one.fragment, other.fragment))
    return next(
        (each for each in found if each.kind == "data"), next((each for each in found if each != A_LINK), A_LINK)
    )


def _segment(before: str, after: str) -> Judgement:
    """One segment: an id, or a name with an id in it, such as app.3f7c9a12.js or Untitled1.ipynb."""
    if _is_opaque(before) and _is_opaque(after):
        return A_LINK
    pieces = re.split(r"[.~@_-]", before), re.split(r"[.~@_-]", after)
    if len(pieces[0]) != len(pieces[1]):
        return DATA
    return A_LINK if all(a == b or (_is_opaque(a) and _is_opaque(b)) for a, b in zip(*pieces, strict=True)) else DATA


def _parameter(name: str, before: str, after: str) -> Judgement:
    told = judge(name, before, after)
    if told.kind == "data" and _is_opaque(before) and _is_opaque(after) and not words_of(name) & MEANT:
        return A_LINK
    return A_LINK if told.kind in ("noise", "time") else told


# -- sentences


def _sentence(before: str, after: str, *, meant: bool = False) -> Judgement:
    """Words with ids and times between them: the words decide."""
    if before == after:
        return A_TIME
    one, other = _skeleton(before), _skeleton(after)
    if one == other:
        return A_TIME if "\0time" in one or "\0span" in one else ANEW
    if meant:
        return DATA
    words, others = WORDY.findall(one), WORDY.findall(other)
    if words != others:
        alone = not re.search(r"\s", before.strip()) and not re.search(r"\s", after.strip())
        return UNKNOWN if alone and (_is_opaque(before) and _is_opaque(after)) else DATA
    return DATA if re.search(r"\d[.,]\d", one + other) else UNKNOWN


def _skeleton(text: str) -> str:
    """The text with what is known to be of one run replaced by its kind."""
    return PIECES.sub(lambda match: f"\0{match.lastgroup}\0", text[:100_000])
