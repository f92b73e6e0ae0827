"""Styles of API: what the client sends to another server, whose values are others, is what it would have sent there."""

from __future__ import annotations

import pytest
from sessions import session

from gateway.correlation import correlate, evaluate, rebind
from gateway.correlation.names import EXACT, affinity, role_of, segment_entity

# @1, @2 ... stand for values: the recorded ones, then those of the fresh server.
STYLES = {
    "a link is followed, whatever its parts are called": (
        """
GET /start
-> 200
{"next": "/files/@1?part=7&sig=@2"}

GET /files/@1?part=7&sig=@2
-> 200
""",
        ("a1", "9a0f1c"), ("c4", "77be20"),
    ),
    "keys in brackets": (
        """
POST /odata/Orders
{"qty": 1}
-> 201
Location: /odata/Orders(@1)
{"OrderKey": @1}

POST /odata/Notes
{"Order@odata.bind": "Orders(@1)"}
-> 201

GET /odata/Orders(@1)/Notes?$top=5
-> 200
""",
        ("70131",), ("9",),
    ),
    "elements and attributes of XML": (
        """
POST /ws
Content-Type: text/xml
<e:Envelope><Place><Article>T</Article></Place></e:Envelope>
-> 200
Content-Type: text/xml; charset=utf-8
<e:Envelope><Order ref="@2"><OrderNumber>1</OrderNumber></Order><Order><OrderNumber>@1</OrderNumber></Order></e:Envelope>

POST /ws
Content-Type: text/xml
<e:Envelope><Get><OrderNumber>@1</OrderNumber></Get><Order ref="@2"/></e:Envelope>
-> 200
""",
        ("4500091873", "AB-7731-X"), ("4500099999", "QQ&9-0001"),
    ),
    "a type beside the id": (
        """
POST /invoices
{"net": 8}
-> 201
{"type": "invoice", "id": @1}

POST /comments
{"target": {"type": "invoice", "id": @1}}
-> 201
{"id": @2}

POST /tags
{"entity_type": "comment", "entity_id": @2}
-> 201
""",
        ("881", "55"), ("12", "13"),
    ),
    "names that are paths, and a verb behind a colon": (
        """
POST /v2/projects/tea/subscriptions
{"deadline": 10}
-> 200
{"name": "projects/tea/subscriptions/@1"}

POST /v2/projects/tea/subscriptions/@1:pull
{"max": 1}
-> 200
""",
        ("sub-x91ka",), ("sub-qq7zz",),
    ),
    "a hidden field and a chosen option": (
        """
GET /apply
-> 200
<form><input type="hidden" name="quote" value="@1"><select name="plan"><option value="@2">S</option></select></form>

POST /apply
quote=@1&plan=@2
-> 200
""",
        ("2231", "p-31"), ("8", "p-32"),
    ),
    "a JSON document in a multipart field": (
        """
POST /folders
{"name": "Cups"}
-> 201
{"folderId": "@1"}

POST /assets
Content-Type: multipart/form-data; boundary=xx77
--xx77
Content-Disposition: form-data; name="meta"
|
{"folder": "@1", "dpi": 40}
--xx77--
-> 201
""",
        ("fld_2Rz",), ("fld_9Qw",),
    ),
    "only if it is still the same": (
        """
GET /docs/7
-> 200
{"id": 7, "primary_term": @1, "etag": "@2"}

PUT /docs/7?if_primary_term=@1
If-Match: "@2"
{"text": "new"}
-> 200
""",
        ("2", "MTA2"), ("5", "MTA9"),
    ),
    "a list of ids, named by a word in front": (
        """
POST /invoices
{"net": 8}
-> 201
{"invoiceIds": [@1]}

GET /search?in=invoice,@1
-> 200
""",
        ("8811",), ("9012",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STYLES)
def test_the_same_client_at_another_server(name: str) -> None:
    text, recorded, fresh = STYLES[name]
    mine, theirs = session(filled(text, recorded)), session(filled(text, fresh))
    answers = {each.step: each for each in theirs}
    found = correlate(mine)
    for before, wanted in zip(mine, theirs, strict=True):
        bindings = found.of_step(before.step)
        request = rebind(before.request, bindings, {each.id: evaluate(each, answers) for each in bindings})
        assert (request.target, request.body.data) == (wanted.request.target, wanted.request.body.data)
        assert request.header("if-match") == wanted.request.header("if-match")


def filled(text: str, values: tuple[str, ...]) -> str:
    for number, value in enumerate(values, 1):
        text = text.replace(f"@{number}", value.replace("&", "&amp;") if "</" in text else value)
    return text


def test_a_number_used_again_comes_from_what_was_made_last() -> None:
    steps = session("""
POST /slots
-> 201
{"slot": 3}

DELETE /slots/3
-> 204

POST /slots
-> 201
{"slot": 3}

PUT /slots/3
{"parcel": "P"}
-> 200
""")
    found = {str(each.sink): str(each.source) for each in correlate(steps).in_force}
    assert found == {"2:path:2": "1:json:/slot", "4:path:2": "3:json:/slot"}


@pytest.mark.parametrize(
    ("many", "one"),
    [
        ("sales", "sale"), ("leaves", "leave"), ("leaves", "leaf"), ("wolves", "wolf"), ("menus", "menu"),
        ("aliases", "alias"), ("sizes", "size"), ("mice", "mouse"), ("buses", "bus"), ("movies", "movie"),
    ],
)  # fmt: skip
def test_one_of_many_has_the_name_of_the_many(many: str, one: str) -> None:
    level, _ = affinity(role_of(f"{one}Id"), role_of("id", segment_entity(many)))
    assert level == EXACT


def test_people_children_and_statuses_are_in_the_singular() -> None:
    steps = session("""
POST /people
{"first": "Uma"}
-> 201
{"id": 4471, "children": [{"id": 61}], "statuses": [{"id": 88}]}

POST /meetings
{"person_id": 4471, "childId": 61}
-> 201

DELETE /statuses/88
-> 204
""")
    found = {str(each.sink): str(each.source) for each in correlate(steps).in_force}
    assert found == {
        "2:json:/person_id": "1:json:/id",
        "2:json:/childId": "1:json:/children/0/id",
        "3:path:2": "1:json:/statuses/0/id",
    }


def test_what_the_client_said_first_is_no_link_even_when_a_link_repeats_it() -> None:
    steps = session("""
GET /parts?per_page=2
-> 200
Link: </parts?per_page=2&after=x91k>; rel="next"
[]

GET /parts?per_page=2&after=x91k
-> 200
""")
    assert {str(each.sink) for each in correlate(steps).in_force} == {"2:query:after"}
