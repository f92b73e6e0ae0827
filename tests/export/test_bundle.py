"""Our own bundle: nothing is lost, and what is off is refused with its place.

Covers: export/readers/foreign_json.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UsageError
from gateway.export import Beside, bundle
from gateway.export.readers.foreign_json import parsed
from gateway.export.readers.imported_recording import renewed
from gateway.model.exchange import Chunk, Exchange, Failure, Timing
from gateway.model.message import Body, Request, Response
from gateway.model.recording import Recording

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=12)
PAIRS = st.lists(st.tuples(WORDS, WORDS), max_size=3).map(tuple)
BODIES = st.builds(
    lambda data, more, kept, plain: Body(len(data) + more, data, kept, plain),
    st.binary(max_size=20), st.integers(0, 5), st.none() | st.integers(0, 30), st.booleans(),
)  # fmt: skip
TARGETS = st.text("abc/?=&%\xe9\xff", min_size=1, max_size=12).map(lambda text: "/" + text)


@st.composite
def exchanges(draw, step):
    target, answered = draw(TARGETS), draw(st.booleans())
    status = draw(st.integers(100, 599)) if answered else None
    response = Response("1.1", draw(PAIRS), draw(BODIES), draw(PAIRS), status, draw(WORDS)) if answered else None
    ms = st.none() | st.floats(0, 1e6).map(lambda value: round(value, 3))
    return Exchange(
        id=f"x{step}", recording="r", step=step, session="s",
        started_at=f"2026-11-22T06:00:{step:02}.{draw(st.integers(0, 999999)):06}Z", url=f"http://127.0.0.1:8080{target}",
        request=Request("1.1", draw(PAIRS), draw(BODIES), draw(PAIRS), draw(st.sampled_from(["GET", "POST"])), target),
        response=response, status=status, cluster=draw(WORDS), environment=draw(WORDS), upstream_url=draw(WORDS),
        routes_revision=draw(WORDS), mode=draw(st.sampled_from(["live", "playback", "replay", "fault"])),
        override=draw(st.sampled_from([None, "pin", "header"])),
        failure=None if answered else Failure("dns_error", draw(WORDS)),
        timing=Timing(draw(ms), draw(ms), draw(ms), draw(ms)), stream=draw(st.sampled_from(["", "sse", "websocket"])),
        attempts=draw(st.integers(1, 3)), rewritten=draw(PAIRS),
        notes=tuple(draw(st.lists(WORDS, max_size=2))), tags=tuple(draw(st.lists(WORDS, max_size=2))),
    )  # fmt: skip


CHUNKS = (Chunk(0, 1.5, "received", b"data: x\n\n", 9), Chunk(1, 2.5, "sent", b"\xff\x00", 7))


def chunks_of(_exchange):
    return CHUNKS


@given(st.data(), WORDS)
def test_what_is_written_is_read_again(data, title):
    steps = tuple(data.draw(exchanges(step)) for step in range(1, data.draw(st.integers(1, 3)) + 1))
    recording = Recording(id="r", title=title, session="s", notes=("n",), tags=("t",), pinned=True)
    text = bundle.dump([(recording, steps)], version="1", beside=Beside(chunks=chunks_of))
    one = bundle.load(parsed(text))[0]
    assert one.exchanges == tuple(replace(each, id="", recording="", session="") for each in steps)
    assert one.recording == replace(recording, id="", session="", kind="import")
    assert all(one.chunks[each.step] == CHUNKS for each in steps if each.stream)


def test_a_variant_keeps_its_parent_under_new_ids(bookshop):
    recording, steps = bookshop
    variant = replace(recording, id="01JVARIANT", parent=recording.id, branched_at=3, kind="variant")
    text = bundle.dump([bookshop, (variant, steps[:3])], version="1")
    numbers = iter(range(1000))
    first, second = renewed(bundle.load(parsed(text)), new_id=lambda: f"new{next(numbers)}", now=0.0)
    assert (second.recording.parent, second.recording.branched_at) == (first.recording.id, 3)
    ids = [one.recording.id for one in (first, second)] + [each.id for one in (first, second) for each in one.exchanges]
    assert len(set(ids)) == len(ids)
    again = bundle.dump([(one.recording, one.exchanges) for one in (first, second)], version="2")
    assert again == text


def test_the_version_of_the_gateway_is_not_in_it(bookshop):
    assert bundle.dump([bookshop], version="1") == bundle.dump([bookshop], version="2")


def changed(bookshop, path, value):
    data = json.loads(bundle.dump([bookshop], version="1"))
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return parsed(json.dumps(data))


FIRST = ("recordings", 0, "exchanges", 0)


@pytest.mark.parametrize(
    ("path", "value", "where", "words"),
    [
        (("gateway_bundle",), 2, "gateway_bundle", "reads bundles of version 1"),
        (("recordings",), {}, "recordings", "is not a list"),
        ((*FIRST, "step"), 0, "recordings[0].exchanges[0].step", "whole number"),
        ((*FIRST, "started_at"), "soon", "recordings[0].exchanges[0].started_at", "is not a time"),
        ((*FIRST, "request", "target"), "/a b", "recordings[0].exchanges[0].request.target", "first line"),
        ((*FIRST, "request", "method"), "GET /\r\n", "recordings[0].exchanges[0].request.method", "first line"),
        (
            (*FIRST, "request", "body"),
            {"size": 1, "base64": "%"},
            "recordings[0].exchanges[0].request.body.base64",
            "base64",
        ),
        ((*FIRST, "failure"), ["nonsense", ""], "recordings[0].exchanges[0].failure", "kind of failure"),
        ((*FIRST, "attempts"), 1 << 70, "recordings[0].exchanges[0].attempts", "whole number"),
        (("recordings", 0, "parent"), 5, "recordings[0].parent", "whole number"),
        ((*FIRST, "mode"), "odd", "recordings[0].exchanges[0].mode", "is not one of live"),
        (
            (*FIRST, "request", "headers"),
            [["one"]],
            "recordings[0].exchanges[0].request.headers[0]",
            "name and a value",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_off_is_named_by_its_place(bookshop, path, value, where, words):
    with pytest.raises(UsageError) as caught:
        bundle.load(changed(bookshop, path, value))
    assert caught.value.where == where
    assert words in caught.value.message
