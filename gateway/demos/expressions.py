"""The expressions in demo.yaml: "{{ price * qty }}", "Bearer {{ token }}". Sandboxed, native values. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

LARGEST = 100_000  # characters or items that one expression may make: a typing error must not eat the machine
HUGE = 10**15
MARK = re.compile(r"\{\{|\{%|\{#")


class ExpressionError(Exception):
    """An expression could not be worked out; `missing` names the value that is not known yet, if that is why."""

    def __init__(self, message: str, missing: str = "") -> None:
        super().__init__(message)
        self.missing = missing


class _Sandbox(ImmutableSandboxedEnvironment):
    """No globals; * and ** only as far as a form could need them."""

    intercepted_binops = frozenset(("*", "**"))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        sizes = [len(side) for side in (left, right) if isinstance(side, str | list | tuple | bytes)]
        numbers = [abs(side) for side in (left, right) if isinstance(side, int | float)]
        if sizes and numbers and sizes[0] * max(numbers) > LARGEST:
            raise ExpressionError(f"'{operator}' would make something too large")
        if operator == "**" and numbers and (max(numbers) > HUGE or (len(numbers) == 2 and abs(numbers[1]) > 64)):
            raise ExpressionError("'**' would make something too large")
        return super().call_binop(context, operator, left, right)


_ENVIRONMENT = _Sandbox(undefined=jinja2.StrictUndefined, autoescape=False)
_ENVIRONMENT.globals.clear()


def is_expression(value: object) -> bool:
    return isinstance(value, str) and MARK.search(value) is not None


def names_in(text: str) -> frozenset[str]:
    """The values that an expression needs; ExpressionError when it cannot be read."""
    return frozenset(meta.find_undeclared_variables(_parsed(text)))


def names_in_all(value: Any) -> frozenset[str]:
    """The values that the expressions anywhere in a nested value need."""
    if isinstance(value, Mapping):
        return frozenset().union(*(names_in_all(item) for item in value.values()))
    if isinstance(value, list | tuple):
        return frozenset().union(*(names_in_all(item) for item in value))
    return names_in(value) if is_expression(value) else frozenset()


def worked_out(value: Any, values: Mapping[str, Any]) -> Any:
    """`value` with every expression in it worked out: one alone keeps its type, one within text becomes text."""
    if isinstance(value, Mapping):
        return {key: worked_out(item, values) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [worked_out(item, values) for item in value]
    if not is_expression(value):
        return value
    try:
        alone, template = _compiled(value)
        return template(dict(values)) if alone else template.render(dict(values))
    except jinja2.UndefinedError as error:
        raise ExpressionError(str(error.message or error), _first_missing(value, values)) from None
    except ExpressionError:
        raise
    except Exception as error:  # an author's expression may fail in any way that Python can
        raise ExpressionError(f"{value!r} fails: {error}") from None


@lru_cache(maxsize=512)
def _compiled(text: str) -> tuple[bool, Any]:
    body = _parsed(text).body
    if len(body) == 1 and isinstance(body[0], nodes.Output) and len(body[0].nodes) == 1 and text.strip() == text:
        only = body[0].nodes[0]
        if not isinstance(only, nodes.TemplateData):
            inner = text.removeprefix("{{").removesuffix("}}").strip("-+ \t\r\n")
            return True, _alone(inner)
    return False, _ENVIRONMENT.from_string(text)


def _alone(inner: str) -> Any:
    """One expression as a function of the values; an undefined result is an error like anywhere else."""
    expression = _ENVIRONMENT.compile_expression(inner, undefined_to_none=False)

    def value_of(values: dict[str, Any]) -> Any:
        found = expression(**values)
        if isinstance(found, jinja2.Undefined):
            str(found)  # StrictUndefined raises with its own words
        return found

    return value_of


def _parsed(text: str) -> nodes.Template:
    try:
        return _ENVIRONMENT.parse(text)
    except jinja2.TemplateSyntaxError as error:
        raise ExpressionError(f"{text!r} cannot be read: {error.message}") from None


def _first_missing(text: str, values: Mapping[str, Any]) -> str:
    return next(iter(sorted(names_in(text) - set(values))), "")
