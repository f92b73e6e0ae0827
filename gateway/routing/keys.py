"""Which keys routes.yaml knows at a place, told from its models. Pure."""

from __future__ import annotations

import types
from collections.abc import Iterable
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel


def keys_at(model: type[BaseModel], steps: Iterable[int | str]) -> list[str]:
    """The keys below a place; none where names are the author's own."""
    kind: Any = model
    for step in steps:
        kind = _below(kind, step)
    if not _is_model(kind):
        return []
    return [field.alias or name for name, field in kind.model_fields.items()]


def _below(kind: Any, step: int | str) -> Any:
    if _is_model(kind):
        fields = {field.alias or name: field.annotation for name, field in kind.model_fields.items()}
        return _bare(fields.get(str(step)))
    inner = get_args(kind)
    return _bare(inner[-1]) if inner else None


def _bare(kind: Any) -> Any:
    """Without Annotated and Optional."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        return _bare(next(one for one in get_args(kind) if one is not type(None)))
    return kind


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
