"""docs/api.md names every call, page and probe, and no other.

Covers: api/preflight, api/rechecks, console/imports, console/lists, console/overview, console/find, console/saved_filters,
services/playback, web/view.
"""

import re
from pathlib import Path

from gateway.api.calls import OPERATIONS
from gateway.console.pages import PAGES
from gateway.web.probes import PROBES

TEXT = (Path(__file__).parents[2] / "docs" / "api.md").read_text()


def test_every_call_has_a_row_with_what_it_takes():
    rows = {
        row[1]: row[0] for row in re.finditer(r"^\| `((?:GET|POST|PUT|PATCH|DELETE) \S+)` \|.*$", TEXT, re.MULTILINE)
    }
    assert set(rows) == {f"{one.method} {one.path}" for one in OPERATIONS}
    for one in OPERATIONS:
        for field in (*one.query, *one.body):
            assert f"`{field.name}`" in rows[f"{one.method} {one.path}"], f"{one.path}: {field.name}"


def test_every_page_twin_and_probe_is_named():
    for path, twins, _, _ in PAGES:
        assert f"`{path}" in TEXT, path
        for twin in twins:
            assert f"`{twin}`" in TEXT, twin
    for handler in PROBES:
        assert f"`/_gateway/{handler.__name__}`" in TEXT
