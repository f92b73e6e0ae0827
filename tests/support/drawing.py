"""Recordings that hold everything a diagram may show, with any word in any place."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from gateway.correlation import Correlations
from gateway.diagrams import Diagram, changes, sequence
from gateway.model.exchange import Exchange, Failure, Timing
from gateway.model.message import Body, Request, Response
from gateway.model.recording import Recording
from gateway.replay.compare import compare_runs

JSON = (("Content-Type", "application/json"),)


def an_exchange(step: int, word: str, **more: object) -> Exchange:
    """One whose every word is the same."""
    body = f'{{"order_id": "ord-8842-{step}917"}}'.encode()
    response = Response(headers=JSON, status=200, reason=word, body=Body(len(body), body))
    began = f"2026-11-22T06:00:{step % 60:02d}.000000Z"
    plain = Exchange(
        f"01J{step:023d}", "01JREC", step, "s", began, "http://127.0.0.1:8080/", Request(method="GET", target=word),
        response, 200, word, word, timing=Timing(total_ms=10.0), notes=(word,),
    )  # fmt: skip
    return replace(plain, **more)


def run_of(word: str) -> list[Exchange]:
    """A value that moves, calls at once, a poll, a move, a failure, a stream, noise."""
    needs = Request(method=word, target=f"/api/orders/ord-8842-1917/{word}")
    preflight = Request(method="OPTIONS", target="/", headers=(("Access-Control-Request-Method", "PUT"),))
    steps = [an_exchange(1, word), an_exchange(2, word, request=needs), an_exchange(3, word, request=preflight)]
    steps += [an_exchange(step, word, timing=Timing(total_ms=3000.0)) for step in (4, 5)]
    steps += [an_exchange(step, word, status=404) for step in range(6, 22)]
    steps.append(an_exchange(22, word, environment=f"{word} two"))
    steps.append(an_exchange(23, word, failure=Failure("connection_refused", word), response=None, status=502))
    events = Response(status=200, body=Body(9, b"data: 1\n\n"))
    return [*steps, an_exchange(24, word, stream="sse", response=events)]


@lru_cache(None)
def diagrams_of(word: str) -> dict[str, Diagram]:
    """A sequence with what-ifs, an overview, and two recordings side by side."""
    steps, recording = run_of(word), Recording("01JREC", word, "s", steps=24)
    variant = replace(recording, id="01JVAR", title=word, parent="01JREC", branched_at=2)
    other = [steps[0], replace(steps[1], status=409), an_exchange(3, f"{word}!"), *steps[5:]]
    plain = an_exchange(1, word, notes=())
    long = [
        replace(
            plain, id=str(step), step=step, request=Request(target=f"/{'abcdefghij'[step % 10] * step}", method=word)
        )
        for step in range(1, 166)
    ]
    pairs = compare_runs("a", "b", steps, other, Correlations()).steps
    return {
        "sequence": sequence(recording, steps, variants=[(variant, other)]),
        "overview": sequence(recording, long),
        "changes": changes(word, word, pairs),
    }
