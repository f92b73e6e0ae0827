"""The live list by recording, and the chips that teach the filter.

Covers: console/call_pane.
"""

import consoling
import pytest

from gateway.console.call_pane import read_pane
from gateway.console.live_groups import chips, grouped, is_failed


def a_row(recording="A", step=1, status=200, **facts):
    return {
        "recording": recording, "step": step, "status": status, "failure": None, "failed": None, "method": "GET",
        "cluster": "orders", "environment": "qa", "session": "me", "timing": {"total_ms": 3.0}, **facts,
    }  # fmt: skip


def test_calls_stand_below_their_recording_the_newest_first():
    rows = [a_row("B", 2), a_row("A", 9, 404), a_row("B", 1), a_row("A", 8)]
    first, second = grouped(rows, {"A": ("Order a book", "this browser", 9)})
    assert (first.recording, [row["step"] for row in first.rows], first.title) == ("B", [2, 1], "")
    assert (second.title, second.client, second.steps, second.failed) == ("Order a book", "this browser", 9, 1)


@pytest.mark.parametrize(
    ("facts", "failed"),
    [({}, False), ({"status": 302}, False), ({"status": 404}, True), ({"status": 503}, True),
     ({"status": None, "failure": {"kind": "dns_error"}}, True), ({"failed": {"how": "soap", "says": "no"}}, True)],
)  # fmt: skip
def test_what_failed(facts, failed):
    assert is_failed(a_row(**facts)) is failed


def test_a_chip_adds_its_term_counts_and_takes_it_away_again():
    rows = [
        a_row(status=404),
        a_row(method="POST", environment="dev"),
        a_row(session="other", timing={"total_ms": 1900.0}),
    ]
    found = {chip.label: chip for chip in chips("books", rows, "me")}
    assert {label: chip.count for label, chip in found.items()} == {
        "4xx": 1, "Slow > 1 s": 1, "Writes": 1, "This browser": 2, "orders": 3, "on qa": 2, "on dev": 1,
    }  # fmt: skip
    assert found["4xx"].query == "books status:4xx"
    assert found["on dev"].environment == "dev"
    (on,) = [chip for chip in chips("books status:4xx", [], "me") if chip.on]
    assert (on.label, on.query) == ("4xx", "books")


async def test_the_pane_has_the_call_its_json_and_why_it_failed(services, book):
    good, bad = (
        consoling.an_exchange(status=status, answer=answer, answer_headers=(("Content-Type", "application/json"),))
        for status, answer in ((200, b'{"id":7}'), (404, b'{"detail":"no such book"}'))
    )
    book.add(consoling.Recording(consoling.RECORDING, "Order a book", "browser"), good, bad)
    found = await read_pane(services, bad.id, "headers")
    assert found["tab"] == "headers"
    assert [line.path for line in found["json"]["response"]["lines"]] == ["$", "$.detail", "$"]
    assert found["recording"]["title"] == "Order a book"
    assert await read_pane(services, "01KNOTHING", "response") is None


async def test_long_json_begins_with_some_lines_and_shows_all_when_asked(services, book):
    long = consoling.an_exchange(
        answer=b"[" + b",".join(b"%d" % n for n in range(5000)) + b"]",
        answer_headers=(("Content-Type", "application/json"),),
    )
    book.add(consoling.Recording(consoling.RECORDING, "Long", "browser"), long)
    short, whole = [
        (await read_pane(services, long.id, "", whole=whole))["json"]["response"] for whole in (False, True)
    ]
    assert (len(short["lines"]), short["hidden"]) == (500, 4502)
    assert (len(whole["lines"]), whole["hidden"]) == (5002, 0)
