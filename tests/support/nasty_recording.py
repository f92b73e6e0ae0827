"""A recording with an exchange for every word: in its path, query, fields, bodies, reason, failure and notes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote

from gateway.model.exchange import Exchange, Failure, Timing
from gateway.model.message import Body, Pairs, Request, Response
from gateway.model.recording import Recording

ID = "01JNASTY000000000000000000"


def nasty_recording(words: Mapping[str, str], media: str = "application/json") -> tuple[Recording, list[Exchange]]:
    """Bodies hold a word as a member of JSON, or as text of another media type as it is."""
    exchanges = [_exchange(step, word, media) for step, word in enumerate(words.values(), 1)]
    recording = Recording(ID, "Nasty words", "s", started_at="2026-11-22T06:00:00.000000Z", steps=len(exchanges))
    return recording, exchanges


def _exchange(step: int, word: str, media: str) -> Exchange:
    """A wire carries no line ends in fields and no half characters; bodies, names and notes carry all of it."""
    line = " ".join(word.encode("utf-8", "replace").decode().replace("\0", "").split()) or "-"
    body = json.dumps({"word": word}).encode() if "json" in media else word.encode("utf-8", "surrogatepass")
    part = quote(word.encode("utf-8", "surrogatepass")[:600], safe="")
    name = quote(word.encode("utf-8", "surrogatepass")[:600].decode("utf-8", "ignore")[:60], safe="") or "-"
    target = f"/api/orders/{part}?{name}={part}&x={part}"
    fields: Pairs = (("Content-Type", media), ("X-Nasty", line[:4000]), ("Accept", "*/*"))
    answered: Pairs = (
        ("Content-Type", media),
        ("X-Nasty", line[:4000]),
        ("Location", f"/api/orders/{part}"),
    )
    return Exchange(
        id=f"01J{step:023d}",
        recording=ID,
        step=step,
        session="s",
        started_at=f"2026-11-22T06:{step // 60:02d}:{step % 60:02d}.000000Z",
        url=f"http://127.0.0.1:8080{target}",
        request=Request(method="POST", target=target, headers=fields, body=Body(len(body), body)),
        response=Response(status=200, reason=line[:100], headers=answered, body=Body(len(body), body)),
        status=200,
        cluster="orders",
        environment="qa",
        upstream_url=f"http://127.0.0.1:9202/{part}",
        timing=Timing(total_ms=10.0),
        failure=Failure("http_response_incomplete", word) if step % 9 == 0 else None,
        notes=(word,),
        tags=(line[:50],),
    )
