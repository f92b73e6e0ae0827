"""The store's SQL in PostgreSQL's words. Pure.

What both engines are asked is written once, as SQLite understands it; these rules turn it. So a filter that is added or
changed asks the same of both, and the store's tests, which run on both, find what a rule does not cover.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

OR_IGNORE: Final = "INSERT OR IGNORE INTO"
# A pattern of SQLite's GLOB as one of LIKE: `*` is the only sign that our patterns have unescaped.
GLOB: Final = (
    r"LIKE replace(replace(replace(replace(replace(%s, '_', '\\_'), '%%', '\\%%'), '*', '%%'), '[?]', '?'), '[[]', '[')"
)
RULES: Final = tuple(
    (re.compile(pattern), to)
    for pattern, to in (
        (r"%", "%%"),  # a sign of psycopg's own
        (r"\?", "%s"),
        (OR_IGNORE, "INSERT INTO"),
        (r" INDEXED BY \w+", ""),  # the planner has its own opinion
        (r"SELECT value FROM json_each\(%s\)", "SELECT value::bigint FROM json_array_elements_text(%s::json)"),
        (r"(\S+) = %s COLLATE NOCASE", r"lower(\1) = lower(%s)"),
        (r"\bLIKE\b", "ILIKE"),  # SQLite's is blind to case
        (r"round\((\S+), 3\)", r"round((\1)::numeric, 3)::float8"),
        (r"\bmax\(([\w.]+), ([^()]+)\)", r"greatest(\1, \2)"),
        (r"\bmin\(coalesce\(", "least(coalesce("),
        (r"\binstr\(", "strpos("),
        (r"\(NULL\)", "(NULL::bigint)"),
        (r"LIMIT -1 ", "LIMIT ALL "),
        (r"json_extract\((\S+), '\$\.(\w+)'\)", r"(\1::json ->> '\2')"),
        (r"\bGLOB %s", GLOB),
    )
)


@lru_cache(maxsize=512)
def translated(sql: str) -> str:
    """A statement with `?` for its values, as psycopg and PostgreSQL want it."""
    found = sql
    for pattern, to in RULES:
        found = pattern.sub(to, found)
    if OR_IGNORE in sql:
        found = f"{found.rstrip().removesuffix(';')} ON CONFLICT DO NOTHING"
    return found
