"""Chains whose values are found by correlation, played to a client whose values are others."""

from __future__ import annotations

import pytest
from sessions import session

from gateway.correlation import correlate
from gateway.model.exchange import Exchange
from gateway.model.message import Body, Response
from gateway.replay.playback.matching import roles_of
from gateway.replay.playback.playback import Missed, Playback, PlaybackMatch
from gateway.replay.playback.recording_index import Tape

SOAP = """
POST /ws
Content-Type: text/xml
<Envelope><Place><Article>Tea</Article></Place></Envelope>
-> 200
Content-Type: text/xml
<Envelope><OrderNumber>@1</OrderNumber></Envelope>

POST /ws
Content-Type: text/xml
<Envelope><Pay currency="EUR"><OrderNumber>@1</OrderNumber><Sum>25</Sum></Pay></Envelope>
-> 200
"""
PAGES = """
GET /parts
-> 200
{"parts": [], "next": "/parts?page=2&cursor=k7Qm2xPw"}

GET /parts?page=2&cursor=k7Qm2xPw
-> 200
{"parts": [{"id": 501}]}
"""


def a_playback(text: str) -> Playback:
    steps = [playable(each) for each in session(text)]
    return Playback(Tape("R", "a chain", steps, roles=roles_of(correlate(steps))))


def an_answer(text: str) -> Response:
    """What an upstream answered this session."""
    return Response(headers=(("Content-Type", "text/xml"),), body=Body(len(text), text.encode()))


def playable(one: Exchange) -> Exchange:
    object.__setattr__(one, "cluster", "orders")
    return one


def ask(playback: Playback, text: str) -> PlaybackMatch | Missed:
    return playback.find(session(f"{text}\n-> 200\n")[0].request, "orders")


PAY = 'POST /ws\nContent-Type: text/xml\n<Envelope>{}</Envelope>'  # fmt: skip


@pytest.mark.parametrize(
    ("pay", "how"),
    [
        ('<Pay currency="EUR"><OrderNumber>4500091873</OrderNumber><Sum>25</Sum></Pay>', "exact"),
        ('<Pay  currency = "EUR">\n  <OrderNumber> 4500091873 </OrderNumber>\n  <Sum>25</Sum>\n</Pay>', ""),
        ('<Pay currency="EUR"><OrderNumber>4500099999</OrderNumber><Sum>25</Sum></Pay>', "role"),
        ('<Pay currency="EUR"><OrderNumber>4500091873</OrderNumber><Sum>26</Sum></Pay>', ""),
        ('<Pay currency="USD"><OrderNumber>4500091873</OrderNumber><Sum>25</Sum></Pay>', ""),
        ('<Pay currency="EUR"><OrderNumber>4500091873</OrderNumber><Sum>25</Sum><Tip/></Pay>', ""),
        ('<Pay currency="EUR"><OrderNumber>4500091873</OrderNumber><Sum>2&#53;</Sum></Pay>', ""),
    ],
)
def test_xml_matches_value_by_value_and_ids_by_their_role(pay: str, how: str) -> None:
    playback = a_playback(SOAP.replace("@1", "4500091873"))
    playback.heard(an_answer("<Envelope><OrderNumber>4500099999</OrderNumber></Envelope>"))
    found = ask(playback, PAY.format(pay))
    assert (found.how if isinstance(found, PlaybackMatch) else "") == how


def test_a_near_miss_in_xml_names_the_element() -> None:
    pay = '<Pay currency="EUR"><OrderNumber>4500091873</OrderNumber><Sum>26</Sum></Pay>'
    found = ask(a_playback(SOAP.replace("@1", "4500091873")), PAY.format(pay))
    assert isinstance(found, Missed)
    assert [str(one) for one in found.near[0].mismatches] == ['body Sum: recorded "25", asked "26"']


def test_space_between_elements_does_not_count() -> None:
    pay = '\n <Pay currency="EUR">\n  <OrderNumber>4500091873</OrderNumber>\n  <Sum>25</Sum>\n </Pay>\n'
    assert isinstance(ask(a_playback(SOAP.replace("@1", "4500091873")), PAY.format(pay)), PlaybackMatch)


def test_another_page_is_another_request_and_another_cursor_is_not() -> None:
    playback = a_playback(PAGES)
    unknown_cursor = ask(playback, "GET /parts?page=2&cursor=z9Zz1zzz")
    playback.heard(an_answer("<a href='/parts?page=2&cursor=z9Zz1zzz'>"))
    other_page = ask(playback, "GET /parts?page=3&cursor=k7Qm2xPw")
    other_cursor = ask(playback, "GET /parts?page=2&cursor=z9Zz1zzz")
    assert isinstance(other_page, Missed)
    assert isinstance(unknown_cursor, Missed)
    assert isinstance(other_cursor, PlaybackMatch)
