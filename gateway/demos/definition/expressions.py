"""The expressions in demo.yaml: "{{ price * qty }}", "Bearer {{ token }}". Sandboxed, limited, native values. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import jinja2
from jinja2 import meta, nodes
from jinja2.environment import TemplateExpression

from ...model.caches import remembered
from .expression_limits import LimitedSandbox, LimitError, limited

MARK = re.compile(r"\{\{|\{%|\{#")
REMEMBERED: Final = 512  # texts that stay compiled,
LONGEST: Final = 4096  # of at most so many letters: readers type some of them


class ExpressionError(Exception):
    """An expression could not be worked out; `missing` names the value that is not known yet, if that is why."""

    def __init__(self, message: str, missing: str = "") -> None:
        super().__init__(message)
        self.missing = missing


_ENVIRONMENT = LimitedSandbox()


def is_expression(value: object) -> bool:
    return isinstance(value, str) and MARK.search(value) is not None


def literal(value: Any) -> Any:
    """What a reader typed, written so that it is worked out to itself: text that holds an expression stays text."""
    if isinstance(value, Mapping):
        return {key: literal(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [literal(item) for item in value]
    return "{{ " + json.dumps(value, ensure_ascii=False) + " }}" if is_expression(value) else value


@remembered(REMEMBERED, LONGEST)
def names_in(text: str) -> frozenset[str]:
    """The values that an expression needs; ExpressionError when it cannot be read, or uses what it may not."""
    _compiled(text)
    return frozenset(meta.find_undeclared_variables(_parsed(text)))


def names_in_all(value: Any) -> frozenset[str]:
    """The values that the expressions anywhere in a nested value need."""
    if isinstance(value, Mapping):
        return frozenset().union(*(names_in_all(item) for item in value.values()))
    if isinstance(value, list | tuple):
        return frozenset().union(*(names_in_all(item) for item in value))
    return names_in(value) if is_expression(value) else frozenset()


def worked_out(value: Any, values: Mapping[str, Any]) -> Any:
    """`value` with every expression in it worked out: one alone keeps its type, one within text becomes text.

    All of them together have one budget of steps (expression_limits.py).
    """
    with limited():
        return _worked_out(value, values)


def _worked_out(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        return {key: _worked_out(item, values) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_worked_out(item, values) for item in value]
    if not is_expression(value):
        return value
    try:
        template = _compiled(value)
        if isinstance(template, jinja2.Template):
            return template.render(dict(values))
        found = template(**values)
        if isinstance(found, jinja2.Undefined):
            str(found)  # StrictUndefined raises with its own words
        return found
    except jinja2.UndefinedError as error:
        raise ExpressionError(str(error.message or error), _first_missing(value, values)) from None
    except ExpressionError:
        raise
    except Exception as error:  # an author's expression may fail in any way that Python can
        raise ExpressionError(f"{_short(value)} fails: {error}") from None


@remembered(REMEMBERED, LONGEST)
def _compiled(text: str) -> jinja2.Template | TemplateExpression:
    """A template, or for one expression alone what gives its value with its type."""
    tree = _parsed(text)
    alone = _alone(tree) if text.strip() == text else None
    try:
        if alone is None:
            return _ENVIRONMENT.template_of(tree)
        result = nodes.Assign(nodes.Name("result", "store", lineno=1), alone, lineno=1)
        template = nodes.Template([result], lineno=1)
        template.set_environment(_ENVIRONMENT)
        return TemplateExpression(_ENVIRONMENT.template_of(template), undefined_to_none=False)
    except jinja2.TemplateSyntaxError as error:
        raise ExpressionError(f"{_short(text)} cannot be read: {error.message}") from None
    except LimitError as error:
        raise ExpressionError(f"{_short(text)}: {error}") from None
    except (RecursionError, MemoryError, SyntaxError):  # the last two are what Python's own compiler says of nesting
        raise _too_deep(text) from None


def _alone(tree: nodes.Template) -> nodes.Expr | None:
    """The expression that a text consists of; None when there is text around it, or more than one."""
    body = tree.body
    if len(body) != 1 or not isinstance(body[0], nodes.Output) or len(body[0].nodes) != 1:
        return None
    only = body[0].nodes[0]
    return None if isinstance(only, nodes.TemplateData) else only


def _parsed(text: str) -> nodes.Template:
    try:
        return _ENVIRONMENT.parse(text)
    except jinja2.TemplateSyntaxError as error:
        raise ExpressionError(f"{_short(text)} cannot be read: {error.message}") from None
    except RecursionError:
        raise _too_deep(text) from None


def _too_deep(text: str) -> ExpressionError:
    return ExpressionError(f"{_short(text)} is nested too deeply")


def _short(text: str) -> str:
    return repr(text if len(text) <= 200 else f"{text[:200]} ...")


def _first_missing(text: str, values: Mapping[str, Any]) -> str:
    return next(iter(sorted(names_in(text) - set(values))), "")
