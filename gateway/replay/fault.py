"""Injected faults: a response that comes late, has another status, or lacks a field. What they make of it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from ..errors import UsageError, did_you_mean
from ..model.bodies import charset, text_of
from ..model.exchange import Exchange
from ..model.headers import OF_THE_CODING
from ..model.message import Body, Pairs, Response
from .branch import Edit, changed_json, read_set, read_unset, scalars
from .differences.json_difference import read_json

LONGEST: Final = 120.0  # seconds of delay
PARTS: Final = ("json", "header", "body", "name")
EXAMPLES: Final = "json:/price=0, header:ETag, body="
FIELD: Final = "Gateway-Fault"  # tells on the response, and in its record, what was injected


@dataclass(frozen=True, slots=True)
class Fault:
    """`delay` in seconds. A `status` alone is answered with the upstream untouched; with `edits`, it replaces the
    upstream's own. `edits` are of the response: its JSON, its headers, its body. `rate` is the share of the calls
    that it meets, 0 to 1."""

    delay: float = 0.0
    status: int | None = None
    edits: tuple[Edit, ...] = ()
    rate: float = 1.0

    @property
    def asks(self) -> bool:
        """Whether the upstream is asked at all."""
        return self.status is None or bool(self.edits)

    def __str__(self) -> str:
        """ "answer 2 s late, status 503, drop json:/id" """
        words = [f"{self.delay:g} s late"] if self.delay else []
        words += [f"status {self.status}"] if self.status is not None else []
        words += [str(edit).replace("unset ", "drop ") for edit in self.edits]
        return "answer " + ", ".join(words)

    @property
    def field(self) -> str:
        """As the Gateway-Fault field has it; `read_field` reads it again."""
        pairs: list[tuple[str, str]] = [("delay", f"{self.delay:g}")] if self.delay else []
        pairs += [("status", str(self.status))] if self.status is not None else []
        pairs += [("drop", place_of(one)) for one in self.edits if one.value is None]
        pairs += [
            ("alter", f"{place_of(one)}{':' if one.typed else ''}={one.value}")
            for one in self.edits
            if one.value is not None
        ]
        return urlencode(pairs, safe="/:")


def read_fault(
    *, delay: float = 0.0, status: int | None = None, alter: Iterable[str] = (), drop: Iterable[str] = (),
    rate: float = 1.0,
) -> Fault | None:  # fmt: skip
    """A fault as options give it, None when they give none; UsageError says what is off."""
    if not 0 <= delay <= LONGEST:
        raise UsageError(f"a delay of {delay:g} s is not from 0 to {LONGEST:g} s", where="delay")
    if status is not None and not 200 <= status <= 599:
        raise UsageError(f"{status} is not a status from 200 to 599", where="status")
    if not 0 < rate <= 1:
        raise UsageError(f"a rate of {rate:g} is not above 0 and at most 1", where="rate")
    edits = tuple(_checked(one) for one in (*map(read_set, alter), *map(read_unset, drop)))
    found = Fault(delay, status, edits, rate)
    return None if found == Fault(rate=rate) else found


def read_field(text: str) -> Fault | None:
    """What a Gateway-Fault field says; None when it is not one of ours."""
    pairs = parse_qsl(text, keep_blank_values=True)
    said = dict(pairs)
    try:
        return read_fault(
            delay=float(said.get("delay", 0)), status=int(said["status"]) if "status" in said else None,
            alter=[value for name, value in pairs if name == "alter"],
            drop=[value for name, value in pairs if name == "drop"],
        )  # fmt: skip
    except (ValueError, UsageError):
        return None


def faults_text(faults: Mapping[str, Fault]) -> str:
    """What is injected into a session's calls, by cluster, as it is stored; "" for nothing. `read_faults` reads it."""
    return json.dumps({name: [one.field, one.rate] for name, one in faults.items()}) if faults else ""


def read_faults(text: str) -> dict[str, Fault]:
    """The faults by cluster; what is not understood is left out."""
    found: dict[str, Fault] = {}
    for name, (field, rate) in (json.loads(text) if text else {}).items():
        if (fault := read_field(field)) is not None:
            found[name] = replace(fault, rate=float(rate))
    return found


def fault_of(exchange: Exchange) -> Fault | None:
    """The fault that was injected into an exchange for its session, as its record tells."""
    if exchange.mode != "fault" or exchange.response is None:
        return None
    return read_field(exchange.response.header(FIELD))


def injected_places(exchange: Exchange) -> frozenset[str]:
    """ "response.body/price": where an injected fault changed the response; "*" for all of it."""
    if exchange.mode != "fault":
        return frozenset()
    fault = fault_of(exchange)
    if fault is None or not fault.asks:
        return frozenset("*")
    found = {"status"} if fault.status is not None else set()
    for edit in fault.edits:
        part = {"header": "response.headers", "json": "response.body"}.get(edit.part)
        found.add(f"{part}{edit.name.lower() if edit.part == 'header' else edit.name}" if part else "response.body")
    return frozenset(found)


def place_of(edit: Edit) -> str:
    return edit.part if edit.part == "body" else edit.name if edit.part == "name" else f"{edit.part}:{edit.name}"


def resolved(response: Response, fault: Fault) -> Fault:
    """The fault with every bare name told as the one place of the response that has it."""
    return replace(fault, edits=tuple(_placed(response, one) for one in fault.edits))


def altered(response: Response, fault: Fault) -> Response:
    """The response with the fault in it, its length told anew. UsageError when a place is not in it."""
    for edit in fault.edits:
        edit = _placed(response, edit)
        if edit.part == "header":
            response = replace(response, headers=_with_field(response.headers, edit))
        else:
            response = _with_body(response, _body(response, edit))
    return response if fault.status is None else replace(response, status=fault.status, reason="")


def _checked(edit: Edit) -> Edit:
    if edit.part not in PARTS:
        raise UsageError(f"an answer has no {edit.part}", where=str(edit), hint=EXAMPLES)
    return edit


def _placed(response: Response, edit: Edit) -> Edit:
    """A bare name stands for the one member of the JSON that has it."""
    if edit.part != "name":
        return edit
    known = [pointer for pointer, _ in scalars(_json(response))]
    fitting = [pointer for pointer in known if pointer.rpartition("/")[2] == edit.name]
    if len(fitting) != 1:
        names = (pointer.rpartition("/")[2] for pointer in known)
        what = f"more than one place: {', '.join(fitting[:5])}" if fitting else "not in the answer"
        raise UsageError(f"{edit.name!r} is {what}{'' if fitting else did_you_mean(edit.name, names)}", hint=EXAMPLES)
    return replace(edit, part="json", name=fitting[0])


def _json(response: Response) -> Any:
    text = text_of(response) if response.body.data else None
    try:
        return read_json(text) if text else None
    except ValueError:
        return None


def _body(response: Response, edit: Edit) -> bytes:
    if edit.part == "body":
        return (edit.value or "").encode(charset(response), "replace")
    document = _json(response)
    if document is None:
        raise UsageError("the answer has no JSON body", hint="body=... replaces all of it")
    words = [word.replace("~1", "/").replace("~0", "~") for word in edit.name.split("/")[1:]]
    changed = changed_json(document, words, edit.make, edit.name)
    return json.dumps(changed, ensure_ascii=False).encode(charset(response), "replace")


def _with_body(response: Response, data: bytes) -> Response:
    headers = [(name, value) for name, value in response.headers if name.lower() not in OF_THE_CODING]
    return replace(
        response, headers=(*headers, ("Content-Length", str(len(data)))), body=Body(len(data), data), trailers=()
    )


def _with_field(headers: Pairs, edit: Edit) -> Pairs:
    low = edit.name.lower()
    kept = [(name, value) for name, value in headers if name.lower() != low]
    if edit.value is None and len(kept) == len(headers):
        known = dict.fromkeys(name.lower() for name, _ in headers)
        raise UsageError(f"the answer has no field {edit.name}{did_you_mean(low, known)}")
    return tuple(kept if edit.value is None else [*kept, (edit.name, edit.value)])
