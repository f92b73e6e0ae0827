"""Decisions as YAML, for this recording or another one of the chain, and what a second run proves.

Covers: correlation/decisions.
"""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sessions import session

from gateway.correlation import Decisions, Verdicts, correlate
from gateway.errors import UsageError
from gateway.model.exchange import Exchange
from gateway.replay.correlation_decisions import decisions_yaml, gathered, read_decisions, second_run, written

CHAIN = """
POST /api/users
{"name": "Mary"}
-> 201
{"id": @1}

POST /api/issues
{"title": "Broken", "assignee_id": @1, "vendor_id": 7}
-> 201
{"number": @2, "vendors": [{"id": @3}]}

GET /api/issues/@2?vendor=7
-> 200
{"number": @2}
"""


def a_chain(*values: str) -> list[Exchange]:
    text = CHAIN
    for number, value in enumerate(values or ("127", "318", "7"), 1):
        text = text.replace(f"@{number}", value)
    return session(text)


def ids(exchanges: list[Exchange]) -> dict[str, str]:
    return {str(each.sink): each.id for each in correlate(exchanges).bindings}


def test_what_was_decided_reads_like_declarations_and_comes_back() -> None:
    chain = a_chain()
    known = ids(chain)
    decisions = Decisions(
        accepted=frozenset((known["2:json:/assignee_id"],)), rejected=frozenset((known["3:path:3"],)),
    )  # fmt: skip
    text = decisions_yaml("Mary's chain", decisions, chain)
    assert text == (
        '# Correlations of "Mary\'s chain", as people and second runs decided.\nversion: 1\n'
        "accept:\n- 2:json:/assignee_id=1:json:/id\nreject:\n- 3:path:3=2:json:/number\ndeclare: []\n"
    )
    other = a_chain("4711", "90", "7")  # another run of the chain: other ids, the same places
    assert read_decisions(text, other) == Verdicts((ids(other)["2:json:/assignee_id"],), (ids(other)["3:path:3"],))


def test_declarations_are_checked_and_kept_as_they_are_written() -> None:
    text = "declare:\n- 2:json.assignee_id=1:json:/id\n"
    assert read_decisions(text, a_chain()).declare == ("2:json.assignee_id=1:json:/id",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("accept: [", "the decisions are no YAML: line "),
        ("[" * 5000, "the decisions are no YAML"),
        ("- a", "no mapping"),
        ("acept: [a]", "did you mean 'accept'?"),
        ("version: 2", "another version"),
        ("accept: yes", "accept is not a list"),
        ("accept: [{a: b}]", "accept is not a list"),
        ("accept: [9:path:3=2:json:/number]", "no correlation '9:path:3=2:json:/number'"),
        ("reject: [ffffffff]", "no correlation 'ffffffff'"),
        ("declare: [nonsense]", "is no binding"),
        ("declare: ['3:path.issue_id=2:json:/nothing']", "has nothing at json /nothing"),
        ("version: 1", "decides nothing"),
        ("", "no mapping"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_fit_is_refused_whole(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=r".*") as error:
        read_decisions(text, a_chain())
    assert said in str(error.value)


@given(st.text(max_size=60))
def test_no_text_is_too_odd(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert read_decisions(text, a_chain()) == read_decisions(text.strip(), a_chain()), "space around means nothing"


def test_a_second_run_confirms_what_moved_and_rejects_constants() -> None:
    first, second = a_chain(), a_chain("4711", "90", "8")
    known = ids(first)
    found = second_run(first, second, Decisions())
    assert set(found.accept) == {known["2:json:/assignee_id"], known["3:path:3"]}
    assert set(found.reject) == {id for sink, id in known.items() if sink == "3:query:vendor"}


def test_a_run_with_another_step_in_between_is_still_a_second_run() -> None:
    second = a_chain("4711", "90", "8")
    more = session("GET /api/health\n-> 200\n")
    shifted = [*more, *second]
    for at, each in enumerate(shifted, 1):
        object.__setattr__(each, "step", at)
    assert ids(a_chain())["3:path:3"] in second_run(a_chain(), shifted, Decisions()).accept


def test_a_run_with_the_same_values_proves_nothing() -> None:
    with pytest.raises(UsageError, match="proves nothing new"):
        second_run(a_chain(), a_chain(), Decisions())


def test_everything_that_is_said_is_gathered() -> None:
    chain = a_chain()
    known = ids(chain)
    issue = next(each for each in correlate(chain).bindings if str(each.sink) == "3:path:3")
    found = gathered(
        Verdicts(reject=(known["2:json:/assignee_id"][:6],)), chain, Decisions(), text=f"accept: ['{written(issue)}']"
    )
    assert found == Verdicts((issue.id,), (known["2:json:/assignee_id"],))
    with pytest.raises(UsageError, match="nothing is decided"):
        gathered(Verdicts(), chain, Decisions())


def test_a_token_of_another_length_is_still_the_same_place() -> None:
    text = """
POST /login
-> 200
{"token": "sealed_aaaabbbbccccddddeeee_@1"}

GET /me
Authorization: Bearer sealed_aaaabbbbccccddddeeee_@1
-> 200
"""
    short, long = session(text.replace("@1", "8")), session(text.replace("@1", "1024"))
    (binding,) = correlate(short).bindings
    (other,) = correlate(long).bindings
    assert written(binding) != written(other)
    assert read_decisions(f"accept: ['{written(binding)}']", long).accept == (other.id,)
