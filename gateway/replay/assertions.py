"""What a step must answer: its status, a JSONPath, a field, a schema, its time. One line of text each. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jsonpath

from ..errors import UsageError
from ..model.bodies import text_of
from ..model.exchange import Exchange
from .differences.json_difference import read_json, same
from .json_schema import check_schema, faults

EXAMPLES: Final = "3:status=201, 3:$.total>=25, 3:$.id exists, 3:header:etag exists, 3:took<200ms, 3:schema={...}"
STEP = re.compile(r"([1-9][0-9]{0,8}):\s*(.+)", re.DOTALL)
WORDS = re.compile(r"(.*\S)\s+(exists|absent)", re.DOTALL)
OPERATORS: Final = ("!=", "<=", ">=", "=", "<", ">", "~")  # the longer ones first
TIME = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s)?")
SHOWN: Final = 120  # letters of a value in a message

ORDERS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": lambda one, other: one < other, "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other, ">=": lambda one, other: one >= other,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Assertion:
    """`subject` is status, took, body, schema, header:NAME or a JSONPath; `operator` one of OPERATORS or a word."""

    step: int
    subject: str
    operator: str
    value: str = ""

    def __str__(self) -> str:
        """As `read_assertion` reads it."""
        apart = " " if self.operator.isalpha() else ""
        return f"{self.step}:{self.subject}{apart}{self.operator}{self.value}"


@dataclass(frozen=True, slots=True)
class Checked:
    """`message` says what came instead; "" when it holds."""

    assertion: Assertion
    message: str = ""

    @property
    def passed(self) -> bool:
        return not self.message


def checked_json(one: Checked) -> dict[str, Any]:
    return {"assertion": str(one.assertion), "passed": one.passed, "message": one.message or None}


def read_assertion(text: str) -> Assertion:
    """ "3:status=201"; UsageError says what is off."""
    match = STEP.fullmatch(text.strip())
    if not match:
        raise UsageError(f"{text[:80]!r} is not STEP:SOMETHING", hint=EXAMPLES)
    found = Assertion(int(match[1]), *_parts(match[2].strip()))
    _check(found, text)
    return found


def _parts(text: str) -> tuple[str, str, str]:
    """(subject, operator, value): the first operator that stands outside brackets and quotes."""
    if match := WORDS.fullmatch(text):
        return match[1], match[2], ""
    depth, quote = 0, ""
    for at, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'" and depth:
            quote = letter
        elif letter in "[(":
            depth += 1
        elif letter in "])":
            depth -= 1
        elif not depth and (operator := next((one for one in OPERATORS if text.startswith(one, at)), "")):
            return text[:at].strip(), operator, text[at + len(operator) :].strip()
    raise UsageError(f"{text[:80]!r} compares nothing", hint=EXAMPLES)


def _check(one: Assertion, text: str) -> None:
    kind = one.subject.partition(":")[0]
    if one.subject.startswith("$"):
        try:
            jsonpath.compile(one.subject)
        except jsonpath.JSONPathError as error:
            raise UsageError(f"{one.subject!r} is no JSONPath: {error}", where=text[:80]) from None
    elif one.subject == "schema":
        if one.operator != "=":
            raise UsageError("a schema is given with =", where=text[:80])
        check_schema(_schema(one))
    elif one.subject == "took":
        if one.operator not in ("<", "<=") or not TIME.fullmatch(one.value):
            raise UsageError("a time is given as took<200ms", where=text[:80])
    elif one.subject == "status":
        if one.operator not in ("=", "!=", *ORDERS) or not re.fullmatch(r"[1-5][0-9]{2}", one.value):
            raise UsageError("a status is given as status=201, status<400", where=text[:80])
    elif kind not in ("header", "body") or (kind == "header" and not one.subject[7:]):
        raise UsageError(f"{one.subject[:40]!r} is nothing that an answer has", hint=EXAMPLES)
    if (
        one.operator in ORDERS
        and one.subject not in ("status", "took")
        and not isinstance(_value(one.value), (int, float))
    ):
        raise UsageError(f"{one.value[:40]!r} is not a number to compare with", where=text[:80])


def _schema(one: Assertion) -> Any:
    try:
        return read_json(one.value)
    except ValueError as error:
        raise UsageError(f"the schema of step {one.step} is not JSON: {error}") from None


def _value(text: str) -> Any:
    try:
        return read_json(text)
    except ValueError:
        return text


def as_recorded(exchanges: Iterable[Exchange]) -> list[Assertion]:
    """The status of every step."""
    return [Assertion(one.step, "status", "=", str(one.status)) for one in exchanges if one.status is not None]


def check(assertions: Sequence[Assertion], answered: Exchange) -> Iterator[Checked]:
    """Each assertion about this step, on what it was answered."""
    for one in assertions:
        yield Checked(one, _failing(one, answered))


def _failing(one: Assertion, answered: Exchange) -> str:
    """What came instead; "" when it holds."""
    if one.subject == "status":
        return _compared(one, [answered.status], "the status")
    if one.subject == "took":
        return _in_time(one, answered)
    response = answered.response
    if response is None:
        return "no answer was recorded"
    if one.subject.startswith("header:"):
        name = one.subject[7:].strip().lower()
        return _compared(one, [value for key, value in response.headers if key.lower() == name], one.subject, text=True)
    if response.body.truncated:
        return "the record kept only a part of the answer"
    text = text_of(response)
    if one.subject == "body":
        return _compared(one, [] if text is None else [text], "the body", text=True)
    try:
        document = read_json(text or "")
    except ValueError:
        return "the answer is not JSON"
    if one.subject == "schema":
        return "; ".join([*_first(faults(document, _schema(one)))])
    return _compared(one, jsonpath.findall(one.subject, document), one.subject)


def _first(found: Iterator[str]) -> Iterator[str]:
    for count, fault in enumerate(found):
        if count == 3:
            yield "..."
            return
        yield fault


def _in_time(one: Assertion, answered: Exchange) -> str:
    match = TIME.fullmatch(one.value)
    took = answered.timing.total_ms
    if match is None or took is None:
        return "its time is not known"
    most = float(match[1]) * (1000 if match[2] == "s" else 1)
    return "" if ORDERS[one.operator](took, most) else f"it took {took:.1f} ms"


def _compared(one: Assertion, found: Sequence[Any], what: str, *, text: bool = False) -> str:
    """Every value that was found must be so."""
    if one.operator in ("exists", "absent"):
        return "" if bool(found) == (one.operator == "exists") else f"{what} is {'not ' if not found else ''}there"
    if not found:
        return f"{what} is not there"
    wanted = one.value if text else _value(one.value)
    bad = next((value for value in found if not _holds(one, value, wanted)), None)
    if bad is None and all(_holds(one, value, wanted) for value in found):
        return ""
    return f"{what} is {_shown(bad)}"


def _holds(one: Assertion, value: Any, wanted: Any) -> bool:
    if one.operator == "=":
        return same(value, wanted)
    if one.operator == "!=":
        return not same(value, wanted)
    if one.operator == "~":
        return one.value in (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    number, bound = _number(value), _number(wanted)
    return number is not None and bound is not None and ORDERS[one.operator](number, bound)


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        value = _value(value)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
