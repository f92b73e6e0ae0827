"""A demo as demo.yaml declares it: steps, fields, calls, what-ifs. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

# type in demo.yaml -> the type of its HTML input
KINDS: dict[str, str] = {
    "text": "text",
    "number": "text",
    "password": "password",
    "email": "email",
    "date": "date",
    "textarea": "textarea",
    "checkbox": "checkbox",
    "json": "textarea",
    "file": "file",
}


@dataclass(frozen=True, slots=True)
class DemoPlace:
    """Where something stands in its file; both count from 1."""

    line: int = 1
    column: int = 1


START = DemoPlace()


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a list; without a `label` the value itself is shown."""

    value: Any
    label: str = ""


@dataclass(frozen=True, slots=True)
class ChoicesFrom:
    """Options out of a kept value: `value` and `label` are JSONPaths into each of its items."""

    name: str
    value: str = "$"
    label: str = "$"
    place: DemoPlace = START


class Rules(Protocol):
    """What a value must be, as `field_rules` reads it."""

    @property
    def attributes(self) -> dict[str, Any]: ...
    def problem(self, value: Any) -> str: ...


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a step's form. `default` may be an expression; None is filled from the session. Fields one after the
    other with one `group` stand under that heading."""

    name: str
    kind: str = "text"
    default: Any = None
    label: str = ""
    help: str = ""
    choices: tuple[Any, ...] = ()
    place: DemoPlace = START
    choices_from: ChoicesFrom | None = None
    multiple: bool = False
    placeholder: str = ""
    group: str = ""
    rules: Rules | None = None

    @property
    def is_chosen(self) -> bool:
        """Whether the form shows a list."""
        return bool(self.choices) or self.choices_from is not None

    @property
    def is_secret(self) -> bool:
        """Whether what is typed here is never kept, shown or logged."""
        return self.kind == "password"

    @property
    def is_kept(self) -> bool:
        """Whether what is typed here becomes a value of the session: neither a secret nor a file does."""
        return self.kind not in ("password", "file")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a form brought along; it goes into one request and is kept nowhere else."""

    name: str
    content_type: str
    data: bytes

    def __str__(self) -> str:
        return f"{self.name} ({len(self.data)} bytes)"


@dataclass(frozen=True, slots=True)
class CallTemplate:
    """ "POST orders:/orders/{id}" in its parts."""

    method: str
    cluster: str
    path: str
    place: DemoPlace = START

    def __str__(self) -> str:
        return f"{self.method} {self.cluster}:{self.path}"


@dataclass(frozen=True, slots=True)
class BodyTemplate:
    """A body that was declared; `value` may hold expressions at any depth, None is no body at all."""

    value: Any


@dataclass(frozen=True, slots=True)
class Expect:
    """The statuses that a step or a what-if should lead to: 404, [401, 403], 4xx."""

    text: str
    ranges: tuple[tuple[int, int], ...]

    def __contains__(self, status: object) -> bool:
        return isinstance(status, int) and any(low <= status <= high for low, high in self.ranges)


SUCCESS = Expect("2xx", ((200, 299),))


@dataclass(frozen=True, slots=True)
class KeepRule:
    """A session value and where in the answer it comes from: $.json.path, header:Name, cookie:name, status."""

    name: str
    source: str
    place: DemoPlace = START


@dataclass(frozen=True, slots=True)
class ValueUse:
    """Values that one place of a step needs; `own` are the fields that it may take from the form itself."""

    names: frozenset[str]
    path: str
    place: DemoPlace
    own: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A named alternative of a step: what differs from the step, and what should come of it."""

    name: str
    slug: str
    set: Mapping[str, Any]
    unset: tuple[str, ...] = ()
    headers: Mapping[str, Any] | None = None
    via: Mapping[str, str] | None = None
    call: CallTemplate | None = None
    body: BodyTemplate | None = None
    delay: float = 0.0  # seconds to wait before the call
    expect: Expect | None = None
    why: str = ""
    place: DemoPlace = START
    via_places: Mapping[str, DemoPlace] | None = None


@dataclass(frozen=True, slots=True)
class DemoStep:
    """One form, one call."""

    title: str
    slug: str
    call: CallTemplate
    about: str = ""
    fields: tuple[FormField, ...] = ()
    headers: Mapping[str, Any] | None = None
    query: Mapping[str, Any] | None = None
    body: BodyTemplate | None = None
    send: str = "json"  # how the fields become a body: "json" | "form" | "multipart"
    keep: tuple[KeepRule, ...] = ()
    what_ifs: tuple[WhatIf, ...] = ()
    page: str = ""
    expect: Expect = SUCCESS
    why: str = ""
    uses: tuple[ValueUse, ...] = ()
    place: DemoPlace = START
    after: str | None = None  # the slug of the step that it follows, where that is not the one above it
    after_place: DemoPlace = START
    run: Callable[..., Any] | None = None  # a step of a Python module: the function that says what is called
    returns: tuple[str, ...] = ()  # names that the function returns, as far as its text tells
    parts: Mapping[str, tuple[str, ...]] | None = None  # of a function: by value the parts of calls that are made of it

    def what_if(self, slug: str) -> WhatIf | None:
        return next((what_if for what_if in self.what_ifs if what_if.slug == slug), None)

    @property
    def writes(self) -> frozenset[str]:
        """The session values that sending this step may write."""
        return frozenset(f.name for f in self.fields if f.is_kept) | {each.name for each in self.keep} | {*self.returns}


@dataclass(frozen=True, slots=True)
class Demo:
    """A hosted sequence of forms; `name` is its folder's."""

    name: str
    title: str
    steps: tuple[DemoStep, ...]
    about: str = ""
    logo: str = ""
    code: str = ""  # a Python module with more steps
    colours: Mapping[str, str] | None = None  # "accent", "band" -> "#0b7285"
    page: str = ""  # the page of the steps that have none of their own
    layout: str = ""  # a template around every step
    style: str = ""  # a style sheet of every page

    def step(self, slug: str) -> DemoStep | None:
        return next((step for step in self.steps if step.slug == slug), None)

    def before(self, step: DemoStep) -> DemoStep | None:
        """The step that this one follows; None for the first, and for one that follows none."""
        if step.after is not None:
            return self.step(step.after)
        at = self.steps.index(step)
        return self.steps[at - 1] if at else None

    def ancestors(self, step: DemoStep) -> tuple[DemoStep, ...]:
        """The way to a step, from the first one on, without the step itself."""
        way: list[DemoStep] = []
        above = self.before(step)
        while above is not None and above not in way:
            way.append(above)
            above = self.before(above)
        return tuple(reversed(way))

    def followers(self, step: DemoStep) -> tuple[DemoStep, ...]:
        """The steps that come next: several where the sequence branches."""
        return tuple(each for each in self.steps if self.before(each) is step)


def slug_of(title: str) -> str:
    """ "Find the book" -> "find-the-book", for URLs."""
    return re.sub(r"[\W_]+", "-", title.lower()).strip("-")
