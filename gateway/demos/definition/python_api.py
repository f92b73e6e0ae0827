"""What the Python file of a demo says: `@step`, `@what_if`, `call`, `field`, `cluster`, `routes`, `demo`. Pure.

The signature of a step's function is its form. The function makes its calls with `call(...)`, which gives the response;
what it returns as a mapping is kept. A function that yields its calls is sent their responses instead.
"""

from __future__ import annotations

import inspect
import json as json_module
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from dataclasses import field as with_default
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from ...errors import did_you_mean
from .schema import Upload

if TYPE_CHECKING:
    from .keep_rules import StepResponse

Function = TypeVar("Function", bound=FunctionType)
KINDS: Final[tuple[tuple[type, str], ...]] = (
    (bool, "checkbox"), (int, "number"), (float, "number"), (str, "text"), (Upload, "file"), (dict, "json"),
    (list, "json"),
)  # fmt: skip
SESSION: Final = "session"  # a parameter of this name is given the session's values
STEP, WHAT_IFS = "__gateway_step__", "__gateway_what_ifs__"  # attributes of a decorated function
PLACE: Final = re.compile(r"\{(\w+)\}")
VERBS: Final = ("set", "unset", "headers", "via", "path", "body", "delay", "expect", "why")


class NoResponse(Exception):
    """A call of `call` brought no response; the words say why."""


@dataclass(frozen=True, slots=True)
class WantedCall:
    """A call that a function asks for: "POST orders:/orders", with a JSON body, a form, bytes, or none. `names` are
    values for the places of its path, before fields and session."""

    target: str
    json: Any = None
    form: Mapping[str, Any] | None = None
    body: bytes | None = None
    query: Mapping[str, Any] = with_default(default_factory=dict)
    headers: Mapping[str, str] = with_default(default_factory=dict)
    names: Mapping[str, Any] = with_default(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """The response to a call."""

    answer: StepResponse

    @property
    def status(self) -> int:
        return self.answer.status

    @property
    def text(self) -> str:
        return self.answer.body.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        """The JSON of the response; ValueError when it is none."""
        return json_module.loads(self.answer.body)

    def header(self, name: str) -> str:
        return next((value for key, value in self.answer.headers if key.lower() == name.lower()), "")


@dataclass(slots=True)
class DeclaredModule:
    """What a module says besides its steps: of routes (name None: of the table itself) and of the demo, with lines."""

    clusters: list[tuple[str | None, Any, int]] = with_default(default_factory=list)
    demo: dict[str, Any] = with_default(default_factory=dict)
    demo_line: int = 1


_module: ContextVar[DeclaredModule | None] = ContextVar("declared module", default=None)
_ask: ContextVar[Callable[[WantedCall], Reply] | None] = ContextVar("who makes the calls", default=None)


@contextmanager
def declaring() -> Iterator[DeclaredModule]:
    """While a module runs: what it declares."""
    found = DeclaredModule()
    token = _module.set(found)
    try:
        yield found
    finally:
        _module.reset(token)


@contextmanager
def answering(ask: Callable[[WantedCall], Reply] | None) -> Iterator[None]:
    """While a step's function runs: `call` asks this, and gives the response."""
    token = _ask.set(ask)
    try:
        yield
    finally:
        _ask.reset(token)


# -- in a module


def cluster(name: str, url: str | None = None, **keys: Any) -> None:
    """Say where the APIs of a cluster are: `cluster("orders", qa="https://qa.example")`, or one URL alone. `keys` are
    environments with their URLs, and the keys of a cluster in routes.yaml."""
    _declare(name, keys if url is None else url if not keys else {"upstreams": {"dev": url}, **keys})


def routes(**keys: Any) -> None:
    """Keys of routes.yaml beside the clusters: environments, redact, cors, recording, writes."""
    _declare(None, keys)


def _declare(name: str | None, keys: Any) -> None:
    module = _module.get()
    if module is not None:
        module.clusters.append((name, keys, _line(2)))


def _line(above: int) -> int:
    """The line in which a function of this file was called, so many callers up."""
    frame = inspect.currentframe()
    for _ in range(above + 1):
        frame = frame.f_back if frame is not None else None
    return frame.f_lineno if frame is not None else 1


def demo(title: str = "", **keys: Any) -> None:
    """The demo's title and other keys: about, logo, colours, layout, page. Without it the module's first words."""
    module = _module.get()
    if module is not None:
        module.demo = ({"title": title} if title else {}) | keys
        module.demo_line = _line(1)


# -- of a step


@dataclass(frozen=True, slots=True)
class StepMark:
    """What `@step` says of a function."""

    title: str
    keys: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WhatIfMark:
    """What `@what_if` says, and in which line."""

    name: str
    spec: Mapping[str, Any]
    line: int


@overload
def step(title: Function) -> Function: ...
@overload
def step(title: str = "", **keys: Any) -> Callable[[Function], Function]: ...
def step(title: Any = "", **keys: Any) -> Any:
    """Make a step of a function. Without a title its name is one; `keys` are keys of a step: call (what the page shows
    of it), about, after, expect, why, keep, page, what_if."""

    def mark(function: Function) -> Function:
        named = function.__name__.replace("_", " ").strip()
        setattr(function, STEP, StepMark(title or named[:1].upper() + named[1:], keys))
        return function

    if isinstance(title, FunctionType):
        function, title = title, ""
        return mark(function)
    return mark


def what_if(name: str, **keys: Any) -> Callable[[Function], Function]:
    """A what-if of the step below: the verbs of a what-if, and fields with other values."""
    spec = {key: value for key, value in keys.items() if key in VERBS}
    if others := {key: value for key, value in keys.items() if key not in VERBS}:
        spec["set"] = {**spec.get("set", {}), **others}
    found = WhatIfMark(name, spec, _line(1))

    def mark(function: Function) -> Function:
        setattr(function, WHAT_IFS, [found, *getattr(function, WHAT_IFS, [])])  # the lowest decorator comes first
        return function

    return mark


def field(**keys: Any) -> Mapping[str, Any]:
    """Keys of a field beside its type, as demo.yaml has them: `qty: Annotated[int, field(min=1)] = 1`."""
    return keys


def call(
    target: str,
    *,
    json: Any = None,
    form: Mapping[str, Any] | None = None,
    body: bytes | None = None,
    query: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    **names: Any,
) -> Any:
    """Make a call: "METHOD cluster:/path" as in demo.yaml. `{x}` in the path is one of `names`, a field, or a value of
    the session, percent-encoded.

    Gives the response; in a function that yields, the call itself. NoResponse when nothing comes, TypeError for an
    argument that `call` does not have."""
    if unknown := sorted(set(names) - set(PLACE.findall(target))):
        known = ("json", "form", "body", "query", "headers")
        near = did_you_mean(unknown[0], known) or f"; it has {', '.join(known)}"
        raise TypeError(f"call() has no '{unknown[0]}'{near}")
    wanted = WantedCall(target, json, form, body, query or {}, headers or {}, names)
    ask = _ask.get()
    return wanted if ask is None else ask(wanted)


def form_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The fields that a signature asks for, as demo.yaml would declare them."""
    hints = typing.get_type_hints(function, include_extras=True)
    parameters = inspect.signature(function).parameters.values()
    return {one.name: _field(one, hints.get(one.name)) for one in parameters if one.name != SESSION}


def _field(parameter: inspect.Parameter, hint: Any) -> Any:
    """A field; without a type, the default gives it, as in demo.yaml."""
    default = None if parameter.default is inspect.Parameter.empty else parameter.default
    if hint is None:
        return {"type": "json", "default": default} if isinstance(default, dict | list) else default
    if typing.get_origin(hint) is typing.Annotated:
        plain, *extras = typing.get_args(hint)
        keys = {key: value for extra in extras if isinstance(extra, Mapping) for key, value in extra.items()}
        declared = _field(parameter, plain)
        return (declared if isinstance(declared, dict) else {"default": declared}) | keys
    if typing.get_origin(hint) is typing.Literal:
        return {"choices": list(typing.get_args(hint)), "default": default}
    options = [each for each in typing.get_args(hint) if each is not type(None)] or [hint]
    plain = typing.get_origin(options[0]) or options[0]
    kind = next((name for known, name in KINDS if isinstance(plain, type) and issubclass(plain, known)), "text")
    return default if kind == "text" else {"type": kind, "default": default}


def arguments(function: Callable[..., Any], fields: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """What the function is called with; an empty field is its default, or None."""
    found: dict[str, Any] = {}
    for one in inspect.signature(function).parameters.values():
        empty = None if one.default is inspect.Parameter.empty else one.default
        given = fields.get(one.name)
        found[one.name] = dict(values) if one.name == SESSION else empty if given is None else given
    return found
