"""Whatever stands where something else is expected, a file is read or refused with a word: nothing else happens.

Covers: export/readers/import_report.
"""

from __future__ import annotations

import json
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from har_dialects import DIALECTS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from postman_kinds import COLLECTIONS

from gateway.errors import UsageError
from gateway.export.readers.import_file import no_files, read
from gateway.export.readers.import_report import report

ODD: list[Any] = [
    None, True, 0, -1, 1e400, 10**30, "", "x", "\ud800", [], {}, [None], [[]], [{}], {"a": 1}, "[", "http://", "{{a}}",
    "://", "http://[::1", "http://%zz/", ":", {"key": None}, [{"key": 1, "value": []}], [{"name": 1, "value": {}}],
]  # fmt: skip
SOURCES = [one.log for one in DIALECTS] + list(COLLECTIONS.values())


def places(value: Any) -> list[tuple[Any, Any]]:
    """(container, key) of everything in a document."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        one = waiting.pop()
        items = one.items() if isinstance(one, dict) else enumerate(one) if isinstance(one, list) else ()
        for key, inner in items:
            found.append((one, key))
            waiting.append(inner)
    return found


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_file_with_an_odd_value_is_read_or_refused(data):
    document = json.loads(json.dumps(data.draw(st.sampled_from(SOURCES))))
    for _ in range(data.draw(st.integers(1, 3))):
        found = places(document)
        if not found:
            break
        container, key = found[data.draw(st.integers(0, len(found) - 1))]
        container[key] = deepcopy(data.draw(st.sampled_from(ODD)))  # a next draw may change it in place
    with suppress(UsageError):
        taken = read(json.dumps(document).encode("utf-8", "surrogatepass"), name="x", read_file=no_files)
        told = report("x", taken.format, taken.recordings, taken.omissions).as_json()
        assert told["steps"] == sum(len(one.exchanges) for one in taken.recordings) > 0
        for step in taken.recordings[0].exchanges:
            step.request.target.encode("latin-1")
            step.url.encode("utf-8")
            assert step.request.target.isprintable() and " " not in step.request.target


@pytest.mark.parametrize("value", ODD, ids=repr)
def test_an_odd_value_anywhere_in_one_request(value):
    """Every place of one request of each kind of file, one after another."""
    request = {"method": "POST", "url": {"raw": "http://h/a", "host": ["h"], "path": ["a"], "query": [{"key": "a", "value": "1"}]},
               "header": [{"key": "A", "value": "1"}], "body": {"mode": "raw", "raw": "x", "options": {"raw": {"language": "json"}}},
               "auth": {"type": "basic", "basic": [{"key": "username", "value": "u"}]}}  # fmt: skip
    collection = {"info": {"name": "x"}, "variable": [{"key": "v", "value": "1"}],
                  "item": [{"name": "r", "event": [{"listen": "test", "script": {"exec": ["x"]}}], "request": request,
                            "response": [{"name": "e", "code": 200, "body": "{}", "header": []}]}]}  # fmt: skip
    taken, refused = 0, 0
    for source in (collection, DIALECTS[1].log):
        for index in range(len(places(source))):
            document = json.loads(json.dumps(source))
            container, key = places(document)[index]
            container[key] = value
            try:
                found = read(json.dumps(document).encode("utf-8", "surrogatepass"), name="x", read_file=no_files)
            except UsageError as error:
                refused += 1
                assert str(error)
                continue
            taken += 1
            steps = [one for recording in found.recordings for one in recording.exchanges]
            assert steps
            assert all(one.request.target.isprintable() and one.request.method for one in steps)
    assert taken > refused, "one odd value among dozens is no reason to refuse a file"
