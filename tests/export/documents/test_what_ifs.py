"""What-ifs and replays are told of in the chapter of what they come from.

Covers: export/documents/html, export/documents/markdown, export/documents/page_templates.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.export import Beside
from gateway.export.documents import html, markdown
from gateway.export.documents.guide import guide
from gateway.model.exchange import Exchange

MISSING = b'{"detail": "978-9 is not in the catalogue"}'


def steps_of(recording: str, *exchanges: Exchange) -> list[Exchange]:
    return [replace(one, id=f"{recording}-{one.step}", recording=recording) for one in exchanges]


@pytest.fixture
def chain(an_exchange, a_recording):
    find = an_exchange(1, target="/api/catalogue/books/978-1", cluster="catalogue", received=b'{"price": 12.5}')
    pay = an_exchange(2, method="POST", sent=b'{"amount": 12}', status=201)
    return a_recording(2, id="R"), steps_of("R", find, pay)


@pytest.fixture
def unknown(an_exchange, a_recording):
    find = an_exchange(1, target="/api/catalogue/books/978-9", cluster="catalogue", status=404, received=MISSING)
    pay = an_exchange(2, method="POST", sent=b'{"amount": 12}', status=409)
    variant = a_recording(
        2, id="V", title="unknown book", kind="variant", parent="R", branched_at=1, notes=("Do *not* retry.",)
    )
    return variant, steps_of("V", find, pay)


@pytest.fixture
def on_test(an_exchange, a_recording):
    find = an_exchange(
        1, target="/api/catalogue/books/978-1", cluster="catalogue", environment="test", received=b'{"price": 13.5}'
    )
    pay = an_exchange(2, method="POST", sent=b'{"amount": 12}', status=201)
    return a_recording(2, id="T", title="on test", kind="replay", parent="R"), steps_of("T", find, pay)


def test_a_what_if_is_a_card_of_its_recording_and_no_chapter(chain, unknown):
    (chapter,) = guide([chain, unknown]).chapters
    (one,) = chapter.what_ifs
    assert (one.title, one.exchange.status, one.says) == ("unknown book", 404, "978-9 is not in the catalogue")
    assert "978-9" in one.sentence and "978-1 answers 200" in one.sentence
    assert [row.place for row in one.rows] == ["path"]
    assert one.after == ((2, 201, 409),)


def test_what_could_not_be_sent_any_more_is_said(chain, unknown):
    (chapter,) = guide([chain, (unknown[0], unknown[1][:1])]).chapters
    assert chapter.what_ifs[0].stopped == 1


def test_a_what_if_whose_recording_is_not_there_is_a_chapter(unknown):
    (chapter,) = guide([unknown]).chapters
    assert (chapter.scenario.title, chapter.what_ifs) == ("unknown book", ())


def test_both_documents_show_the_card(chain, unknown):
    page, text = html.dump([chain, unknown], version="1"), markdown.dump([chain, unknown], version="1")
    assert '<a href="#what-if-1-1"><span>1</span><span>unknown book</span>' in page
    assert '<article class="card" id="what-if-1-1"' in page and "Do <em>not</em> retry." in page
    assert "How to get, or avoid, this 404" in page and "## How to get, or avoid, this 404" in text
    assert "### 404: what if unknown book (step 1)" in text
    assert "Because of it: step 2 409 instead of 201." in text


def test_every_status_of_a_what_if_is_in_the_reference(chain, unknown):
    page = html.dump([chain, unknown], version="1")
    assert '<a href="#what-if-1-1">step 1</a>' in page
    assert "409" in page.partition('id="reference"')[2]


def test_a_replay_on_another_environment_is_compared(chain, on_test):
    (chapter,) = guide([chain, on_test]).chapters
    (one,) = chapter.compared
    assert one.places == ("catalogue@test",)
    assert [(other.step.step, other.differences) for other in one.others] == [(1, (("body /price", "12.5", "13.5"),))]
    assert "The same chain again: on test (catalogue@test)" in html.dump([chain, on_test], version="1")
    assert "## The same chain again: on test (catalogue@test)" in markdown.dump([chain, on_test], version="1")


def test_a_replay_without_differences_says_so(chain):
    again = replace(chain[0], id="A", title="again", kind="replay", parent="R"), steps_of("A", *chain[1])
    assert "Every step was answered as before." in html.dump([chain, again], version="1")


def test_versions_are_told_where_they_are_known(chain):
    known = Beside(version=lambda cluster, environment, moment: "1.9.3" if cluster == "catalogue" else "")
    assert "<td>1.9.3</td>" in html.dump([chain], version="1", beside=known)
    assert "| 1.9.3 |" in markdown.dump([chain], version="1", beside=known)
    assert "Version" not in markdown.dump([chain], version="1")
