"""YAML of other tools as dicts, lists and texts: every scalar is its text, whatever a reader would make of it. Pure."""

from __future__ import annotations

from typing import Any

import yaml

from ...errors import UsageError

LIMIT = 8 << 20  # characters: the reader takes a second for each million
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def plain_yaml(text: str) -> Any:
    """The document; UsageError names the line that is none. Aliases are refused: ten can stand for billions."""
    if len(text) > LIMIT:
        raise UsageError(f"the file has {len(text)} characters of YAML; {LIMIT} are taken at most")
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=_LOADER)):
            raise UsageError("the file has YAML aliases, which are not read", hint="export it without them")
        return yaml.load(text, Loader=_LOADER)  # of this loader come texts, lists and dicts alone
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UsageError(f"not YAML: {error.problem}", where=where) from None
    except (yaml.YAMLError, ValueError) as error:
        raise UsageError(f"not YAML: {error}") from None
    except RecursionError:
        raise UsageError("the YAML is nested too deeply") from None
