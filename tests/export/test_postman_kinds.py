"""Postman collections are stored as newman 6.2 sent them; `make consumers` sends them again.

Covers: export/readers/postman_auth.
"""

from __future__ import annotations

import json

import pytest
from postman_kinds import COLLECTIONS, GOLDEN, stored

SENT = json.loads(GOLDEN.read_text("utf-8"))
HOST = "127.0.0.1:8099"


@pytest.mark.parametrize(
    ("collection", "kind"), [(name, kind) for name, kinds in SENT.items() for kind in kinds], ids=str
)
def test_what_newman_sent_is_what_is_stored(collection, kind):
    text = json.dumps(COLLECTIONS[collection]).replace("HOST", HOST).replace("PORT", HOST.partition(":")[2])
    assert stored(text)[kind] == SENT[collection][kind]


def test_every_request_of_the_kinds_was_sent():
    text = {name: json.dumps(one).replace("HOST", HOST).replace("PORT", "8099") for name, one in COLLECTIONS.items()}
    assert {name: set(stored(one)) for name, one in text.items()} == {name: set(kinds) for name, kinds in SENT.items()}
    assert sum(map(len, SENT.values())) >= 100
