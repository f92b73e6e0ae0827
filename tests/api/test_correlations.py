"""Where values flow, on the page and in the API, and what a reader decides about it."""

from __future__ import annotations

import re

import pytest
from sessions import session

from gateway.api.openapi import PREFIX
from gateway.model.recording import Recording

CHAIN = """
POST /api/users
{"name": "Mary"}
-> 201
{"id": 127}

POST /api/issues
{"title": "Broken", "assignee_id": 127}
-> 201
{"number": 318}

GET /api/issues/318
-> 200
{"number": 318}
"""
ID = "01KRECORDING0000000000CHAIN"
PAGE = f"/_gateway/recordings/{ID}"
API = f"{PREFIX}recordings/{ID}/correlations"


@pytest.fixture
def book(book):
    book.add(Recording(ID, "A chain", "s"), *session(CHAIN))
    return book


async def statuses(client):
    found = await (await client.get(API)).json()
    return {each["sink"]["place"]: each["status"] for each in found["items"]}


async def test_the_api_tells_what_flows_where(client):
    found = await (await client.get(API)).json()
    assert [(each["sink"]["place"], each["source"]["place"], each["status"]) for each in found["items"]] == [
        ("2:json:/assignee_id", "1:json:/id", "suggested"),
        ("3:path:3", "2:json:/number", "auto"),
    ]
    assert [each["variable"] for each in found["inputs"]] == ["name", "title"]
    one = await (await client.get(API, params={"step": "3"})).json()
    assert [each["variable"] for each in one["items"]] == ["issue_id"]


async def test_a_suggestion_is_accepted_and_taken_back(client):
    found = await (await client.get(API)).json()
    id = found["items"][0]["id"]
    answer = await client.patch(API, json={"accept": [id[:6]]})
    assert answer.status == 200, await answer.text()
    assert (await statuses(client))["2:json:/assignee_id"] == "confirmed"
    assert (await client.patch(API, json={"forget": [id]})).status == 200
    assert (await statuses(client))["2:json:/assignee_id"] == "suggested"


async def test_a_declaration_is_kept_and_rejected_again(client):
    await client.patch(API, json={"declare": ["2:json.assignee_id=1:json:/id"]})
    found = await (await client.get(API)).json()
    declared = next(each for each in found["items"] if each["status"] == "declared")
    assert declared["sink"]["place"] == "2:json:/assignee_id"
    assert (await client.patch(API, json={"reject": [declared["id"]]})).status == 200
    assert (await statuses(client))["2:json:/assignee_id"] == "suggested"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "nothing is decided"),
        ({"accept": ["ffffffff"]}, "there is no binding 'ffffffff'"),
        ({"declare": ["2:json.asignee_id=1:json:/id"]}, "did you mean 'json.assignee_id'?"),
    ],
    ids=["nothing", "unknown", "misspelt"],
)
async def test_what_is_not_there_cannot_be_decided(client, body, said):
    answer = await client.patch(API, json=body)
    assert answer.status == 400
    assert said in (await answer.json())["detail"]


async def test_the_page_shows_values_and_takes_decisions(client):
    text = await (await client.get(f"{PAGE}?tab=values")).text()
    section = text[text.index('id="values"') :]
    assert "issue_id" in section
    assert "assignee_id" in section
    assert "2 values that the client said first" in section
    token = re.search(r'name="csrf_token" value="(\w+)"', section)[1]
    id = re.search(r'name="accept" value="(\w+)"', section)[1]
    answer = await client.post(f"{PAGE}/correlations", data={"csrf_token": token, "accept": id}, allow_redirects=False)
    assert answer.status == 303
    assert answer.headers["Location"] == f"{PAGE}?values=all#values"
    assert (await statuses(client))["2:json:/assignee_id"] == "confirmed"


SECOND = "01KRECORDING0000000SECOND"


@pytest.fixture
def again(book):
    """Another run of the chain, whose ids are others."""
    book.add(Recording(SECOND, "Again", "s"), *session(CHAIN.replace("127", "4711").replace("318", "90")))


async def test_a_second_run_decides_by_api(client, again):
    answer = await client.patch(API, json={"second": SECOND})
    assert answer.status == 200, await answer.text()
    assert set((await statuses(client)).values()) == {"confirmed"}


async def test_decisions_come_as_yaml_and_are_taken_from_it(client, again):
    await client.patch(API, json={"second": SECOND})
    answer = await client.get(API.replace("correlations", "decisions"))
    text = await answer.text()
    assert answer.content_type == "application/yaml"
    assert "- 2:json:/assignee_id=1:json:/id" in text
    other = f"{PREFIX}recordings/{SECOND}/correlations"
    taken = await client.patch(other, json={"yaml": text})
    assert taken.status == 200, await taken.text()
    assert {each["status"] for each in (await taken.json())["items"]} == {"confirmed"}
    refused = await client.patch(other, json={"yaml": "acept: [x]"})
    assert refused.status == 400
    assert "did you mean 'accept'?" in await refused.text()


async def test_the_page_takes_a_second_run_and_yaml(client, again):
    page = await (await client.get(f"{PAGE}?tab=values")).text()
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    answer = await client.post(f"{PAGE}/correlations", data={"csrf_token": token, "second": SECOND})
    assert answer.status == 200, await answer.text()
    assert set((await statuses(client)).values()) == {"confirmed"}
    data = {"csrf_token": token, "yaml": "reject:\r\n- 3:path:3=2:json:/number\r\n"}
    await client.post(f"{PAGE}/correlations", data=data)
    assert (await statuses(client))["3:path:3"] == "rejected"


async def test_every_value_is_told_once_with_all_places_that_need_it(client, book):
    longer = (
        CHAIN
        + """
GET /api/issues/318/watchers
-> 200
[]
"""
    )
    book.add(Recording("01KRECORDING0000000LONGER", "Longer", "s"), *session(longer))
    answer = await client.get(f"{PREFIX}recordings/01KRECORDING0000000LONGER/values")
    found = await answer.json()
    told = [
        (each["variable"], each["state"], each["source"]["place"], [sink["place"] for sink in each["sinks"]])
        for each in found["items"]
    ]
    assert told == [
        ("assignee_id", "suggested", "1:json:/id", ["2:json:/assignee_id"]),
        ("issue_id", "held", "2:json:/number", ["3:path:3", "4:path:3"]),
    ]
    assert [len(each["ids"]) for each in found["items"]] == [1, 2]
    assert [each["variable"] for each in found["inputs"]] == ["name", "title"]
    assert found["next"] is None
