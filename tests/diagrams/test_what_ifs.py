"""What-ifs stand in the diagram of their recording as alternatives, where they branch off.

Covers: demos/custom_what_if, diagrams/diagram, diagrams/overview.
"""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.diagrams import Call, Fragment, mermaid, plantuml, sequence, svg
from gateway.diagrams.diagram import calls
from gateway.diagrams.what_ifs import Way, woven

CHAIN = [
    ("GET", "login", 200),
    ("GET", "book", 200),
    ("POST", "order", 201),
    ("POST", "pay", 201),
    ("GET", "bill", 200),
]


@pytest.fixture
def a_run(an_exchange):
    def make(*changed, chain=CHAIN):
        steps = [dict(changed).get(step, one) for step, one in enumerate(chain, 1)]
        return [
            an_exchange(step, id=f"{changed}{step}", method=method, target=f"/api/shop/{path}", status=status)
            for step, (method, path, status) in enumerate(filter(None, steps), 1)
        ]

    return make


@pytest.fixture
def drawn(a_recording, a_run):
    """The rows of the recording with variants, each (step, title, exchanges)."""

    def draw(*variants):
        told = [
            (replace(a_recording(steps, title=title), id=title, kind="variant", parent="01JREC", branched_at=at), steps)
            for at, title, steps in variants
        ]
        main = a_run()
        return sequence(a_recording(main), main, variants=told)

    return draw


def rows(diagram):
    return [row for chapter in diagram.chapters for row in chapter.rows]


def shape(found):
    """Rows as "3" for a call, ("alt", [(label, rows), ...]) for a fragment."""
    return [
        str(row.step) if isinstance(row, Call) else (row.kind, [(one.label, shape(one.rows)) for one in row.sections])
        for row in found
    ]


def test_one_step_done_otherwise_is_an_alternative_of_that_step_alone(drawn, a_run):
    other = a_run((2, ("GET", "unknown", 404)))
    assert shape(rows(drawn((2, "What if, at step 2: unknown", other)))) == [
        "1", ("alt", [("as recorded", ["2"]), ("what if: unknown", ["2"])]), "3", "4", "5",
    ]  # fmt: skip


def test_a_way_that_never_comes_back_goes_to_its_end(drawn, a_run):
    other = a_run((3, ("POST", "order", 401)), (4, ("POST", "pay", 404)), (5, None))
    assert shape(rows(drawn((3, "not signed in", other)))) == [
        "1", "2", ("alt", [("as recorded", ["3", "4"]), ("what if: not signed in · ends here", ["3", "4"])]), "5",
    ]  # fmt: skip


def test_variants_that_share_steps_share_them_in_the_picture(drawn, a_run):
    gone = ("GET", "gone", 410)
    first = a_run((2, gone), (3, ("POST", "a", 404)))
    second = a_run((2, gone), (3, ("POST", "b", 404)))
    found = rows(drawn((2, "A", first), (2, "B", second)))
    assert shape(found) == [
        "1",
        ("alt", [("as recorded", ["2", "3"]),
                 ("what if: A / B", ["2", ("alt", [("what if: A", ["3"]), ("what if: B", ["3"])])])]),
        "4", "5",
    ]  # fmt: skip
    assert sum(call.path == "/api/shop/gone" for call in calls(found)) == 1


def test_two_what_ifs_of_different_steps_duplicate_nothing(drawn, a_run):
    found = rows(drawn((2, "A", a_run((2, ("GET", "a", 404)))), (4, "B", a_run((4, ("POST", "b", 402))))))
    assert [row.kind if isinstance(row, Fragment) else row.step for row in found] == [1, "alt", 3, "alt", 5]
    assert sum(1 for _ in calls(found)) == 7


def test_an_additional_step_is_optional_and_a_missing_one_is_named(drawn, a_run):
    more = a_run(chain=[*CHAIN[:2], ("GET", "extra", 200), *CHAIN[2:]])
    less = a_run((4, None))
    assert shape(rows(drawn((None, "with extra", more))))[2] == ("opt", [("what if: with extra", ["3"])])
    assert shape(rows(drawn((None, "no pay", less))))[3] == ("opt", [("left out: no pay", ["4"])])


def test_the_step_that_was_changed_on_purpose_is_shown_though_nothing_in_it_differs(drawn, a_run):
    assert [one[0] for one in shape(rows(drawn((3, "other header", a_run()))))] == ["1", "2", "alt", "4", "5"]


def test_a_variant_that_ends_early_is_no_alternative(drawn, a_run):
    assert shape(rows(drawn((None, "until 3", a_run((4, None), (5, None)))))) == ["1", "2", "3", "4", "5"]


def test_every_writer_draws_the_alternatives(drawn, a_run):
    diagram = drawn((2, "unknown; ISBN", a_run((2, ("GET", "unknown", 404)))))
    assert "and 1 what-if between" in diagram.about
    lines = mermaid(diagram).splitlines()
    assert "  alt as recorded" in lines
    assert "  else what if: unknown\uff1b ISBN" in lines
    text = plantuml(diagram).splitlines()
    assert "alt as recorded" in text
    assert "else what if: unknown<U+003B> ISBN" in text
    picture = svg(diagram)
    assert picture.count('class="frame"') == 1
    assert picture.count('class="between"') == 1
    assert ">what if: unknown; ISBN</text>" in picture


def test_a_long_alternative_is_continued_in_the_next_chapter(a_recording, an_exchange):
    def run(word):
        names = ["".join("abcdefghij"[int(digit)] for digit in str(step)) for step in range(1, 61)]
        return [an_exchange(step, target=f"/api/{word}/{name}") for step, name in enumerate(names, 1)]

    main, other = run("orders"), run("users")
    variant = replace(a_recording(other, title="others"), id="v", parent="01JREC", branched_at=1)
    chapters = sequence(a_recording(main), main, variants=[(variant, other)]).chapters
    assert max(sum(1 for _ in calls(chapter.rows)) for chapter in chapters) <= 40
    labels = [section.label for chapter in chapters for row in chapter.rows for section in row.sections]
    assert "as recorded (continued)" in labels
    assert "what if: others (continued)" in labels
    assert sum(1 for chapter in chapters for _ in calls(chapter.rows)) == 120


STEPS = st.lists(st.sampled_from("abcd"), max_size=7)


def way(label, letters):
    made = [(("GET", letter), (Call(at, f"{label}{at}", 1, "GET", letter, "200 OK", "ok"),)) for at, letter in letters]
    return Way(label, tuple(made))


def walked(found, label):
    """What somebody reads who goes this way through the diagram."""
    for row in found:
        if isinstance(row, Call):
            yield row.path
            continue
        mine = [one for one in row.sections if label in re.findall(r"v\d", one.label)]
        if row.kind == "opt":
            left_out = row.sections[0].label.startswith("left out")
            if bool(mine) != left_out:
                yield from walked(row.sections[0].rows, label)
        else:
            recorded = [row.sections[0]] if row.sections[0].label == "as recorded" else []
            for section in mine or recorded:
                yield from walked(section.rows, label)


@given(STEPS, st.lists(STEPS, max_size=3))
def test_every_way_can_be_read_from_the_diagram_and_the_recordings_own_is_whole(main, variants):
    ways = [way(f"v{number}", list(enumerate(letters))) for number, letters in enumerate(variants)]
    found = woven(way("", list(enumerate(main))), ways)
    assert list(walked(found, "")) == main
    for number, letters in enumerate(variants):
        read = list(walked(found, f"v{number}"))
        assert read[: len(letters)] == letters
        assert read[len(letters) :] == main[len(main) - (len(read) - len(letters)) :], (
            "where it ended, the rest is recorded"
        )
