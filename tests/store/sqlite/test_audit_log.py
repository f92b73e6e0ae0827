"""The audit: lines are added, found by words, read page by page, and outlive what they tell of.

Covers: model/audit.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from captures import a_capture, recorded
from postgres import BOTH

from gateway.errors import UsageError
from gateway.model.audit import AuditEntry, Who
from gateway.store import open_store

ENGINES = BOTH
REC = "01JREC0000000000000000000A"
ADA = Who("operator", "ada", "127.0.0.1", "7KQ2")


def an_entry(number: int = 1, **facts) -> AuditEntry:
    return AuditEntry("move", f"orders{number}", "qa -> test", "console", facts.get("who", ADA))


async def test_a_line_comes_back_as_it_was_with_the_time_of_the_gateway(path: Path, recorder) -> None:
    await asyncio.wrap_future(recorder.add_audit(an_entry()))
    (found,) = open_store(path).audit().items
    assert found.at.startswith("20")
    assert found.at.endswith("Z")
    assert (found.action, found.subject, found.detail, found.source) == ("move", "orders1", "qa -> test", "console")
    assert found.who == ADA


async def test_newest_first_page_by_page(path: Path, recorder) -> None:
    for number in range(5):
        await asyncio.wrap_future(recorder.add_audit(an_entry(number)))
    store = open_store(path)
    first = store.audit(limit=2)
    assert [one.subject for one in first.items] == ["orders4", "orders3"]
    second = store.audit(limit=3, cursor=first.next)
    assert [one.subject for one in second.items] == ["orders2", "orders1", "orders0"]
    assert second.next is None
    with pytest.raises(UsageError, match="is no cursor"):
        store.audit(cursor="x")


@pytest.mark.parametrize(
    ("words", "count"),
    [("", 2), ("ORDERS1", 1), ("orders viewer", 1), ("127.0.0.1", 1), ("%", 0), ("orders1 viewer", 0)],
)
async def test_every_word_must_stand_in_the_line(path: Path, recorder, words: str, count: int) -> None:
    for entry in (an_entry(1), an_entry(2, who=Who("viewer"))):
        await asyncio.wrap_future(recorder.add_audit(entry))
    assert len(open_store(path).audit(words).items) == count


async def test_a_deleted_recording_keeps_its_lines(path: Path, recorder) -> None:
    await recorded(recorder, a_capture(1))
    await asyncio.wrap_future(recorder.add_audit(AuditEntry("delete", REC, "", "api", ADA)))
    await asyncio.wrap_future(recorder.delete(REC))
    assert [one.subject for one in open_store(path).audit(REC).items] == [REC]
