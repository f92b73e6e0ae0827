"""`gateway annotate REC --assert`, and `gateway show REC --assertions`: what steps must answer. I/O."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..console.asserting import assertions_json, changes
from ..errors import UsageError
from .shown import cut, table

if TYPE_CHECKING:
    from ..store import SqliteStore
    from .client import Server

API = "/_gateway/api/v1/recordings/"


def print_assertions(store: SqliteStore, recording: str, *, as_json: bool) -> None:
    """What the steps must answer, and whether they did when they were recorded."""
    found = assertions_json(store, recording)
    print(json.dumps(found, indent=2) if as_json else assertions_text(found["items"]))


def assertions_text(items: Sequence[dict[str, Any]]) -> str:
    """A line for each."""
    if not items:
        return "nothing is asserted: gateway annotate REC --assert 3:status=201"
    rows = [("holds" if one["passed"] else "fails", cut(one["assertion"], 100), one["message"] or "") for one in items]
    return table(("recorded", "assertion", "what came"), rows)


def assert_about(
    store: SqliteStore, id: str, add: Sequence[str], remove: Sequence[str], *, server: Server | None,
    write: Callable[[Sequence[str], Sequence[str]], None],
) -> str:  # fmt: skip
    """Ask the gateway that runs, or check and write here; what was done, in words."""
    add = [_with_file(text) for text in add]
    if server is not None:
        body = {"add": add, "remove": list(remove)}
        server.call("PATCH", f"{API}{quote(id, safe='')}/assertions", body)
    else:
        _, told, gone = changes(store, id, add, remove)
        write(told, gone)
    words = [f"asserted {cut(', '.join(add), 200)}"] if add else []
    return "; ".join([*words, *([f"no longer {cut(', '.join(remove), 200)}"] if remove else [])])


def _with_file(text: str) -> str:
    """3:schema=@file.json: the schema that the file holds."""
    before, mark, name = text.partition("schema=@")
    if not mark:
        return text
    try:
        return f"{before}schema={json.dumps(json.loads(Path(name).read_text('utf-8')))}"
    except ValueError as error:
        raise UsageError(f"is not JSON: {error}", where=name) from None
