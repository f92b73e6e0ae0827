"""WireMock mappings (3.x): what was recorded as a mock server; repeated calls answer in sequence. Pure."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Any

from ...model.bodies import decoded, text_of
from ...model.exchange import Exchange
from ...model.headers import GATEWAY_RESPONSE, HOP_BY_HOP, OF_THE_CODING
from ...model.text import clean
from ..format import ALONE, Beside, Recordings
from ..json import dumped
from ..scenario.sealed_secrets import PLACEHOLDER
from ..urls import ascii_url

Object = dict[str, Any]
# Of the connection, or no longer true where the body stands without its codings.
_DROPPED = frozenset((*HOP_BY_HOP, *OF_THE_CODING, *GATEWAY_RESPONSE, "via", "date", "server-timing"))
_ANY = "${json-unit.any-string}"


def dump(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str:
    """All recordings in one file, in order; for the folder `mappings`, or POST /__admin/mappings/import."""
    exchanges = [exchange for _, steps in recordings for exchange in steps]
    told = [exchange for exchange in exchanges if not _obstacle(exchange)]
    presence = _presence(told)
    mappings: list[Object] = []
    groups: dict[str, list[Object]] = {}
    for exchange in told:
        mapping = _mapping(exchange, presence)
        groups.setdefault(json.dumps(mapping["request"], sort_keys=True), []).append(mapping)
        mappings.append(mapping)
    for number, group in enumerate(groups.values(), 1):
        _in_sequence(number, group)
    kept = [mapping for mapping in mappings if mapping]
    left = [f"step {one.step}: {_obstacle(one)}" for one in exchanges if _obstacle(one)]
    meta: Object = {"total": len(kept), "writtenBy": f"What-If Gateway {clean(version)}"}
    return dumped({"mappings": kept, "meta": meta | ({"notExpressible": left} if left else {})})


def _obstacle(exchange: Exchange) -> str:
    if exchange.stream:
        return f"WireMock has no word for a {'WebSocket' if exchange.stream == 'websocket' else 'stream of events'}"
    if exchange.response is None:
        return "no response came" if exchange.failure is None else f"it failed: {exchange.failure.kind}"
    if exchange.response.body.truncated:
        return "the recording cut the body of the response"
    return "" if 200 <= (exchange.status or 0) <= 599 else f"a mock cannot answer {exchange.status}"


def _in_sequence(number: int, group: list[Object]) -> None:
    """Equal requests are answered in turn; the last response stays. Where all are equal, one is enough."""
    answers = [json.dumps(mapping["response"], sort_keys=True) for mapping in group]
    if len(set(answers)) == 1:
        for mapping in group[1:]:
            mapping.clear()
        return
    for index, mapping in enumerate(group):
        state = {"scenarioName": f"repeated {number}", "requiredScenarioState": f"{index}" if index else "Started"}
        mapping.update(state | ({"newScenarioState": f"{index + 1}"} if index + 1 < len(group) else {}))


def _presence(exchanges: Sequence[Exchange]) -> set[tuple[str, str]]:
    """(method, target) of requests that came with and without Authorization: then it decides."""
    seen: dict[tuple[str, str], set[bool]] = {}
    for one in exchanges:
        seen.setdefault((one.method, one.request.target), set()).add(bool(one.request.header("authorization")))
    return {key for key, kinds in seen.items() if len(kinds) > 1}


def _mapping(exchange: Exchange, presence: set[tuple[str, str]]) -> Object:
    note = next((note.strip() for note in exchange.notes if note.strip()), "")
    name = f"step {exchange.step}: {exchange.method} {exchange.path}" + (f" · {note}" if note else "")
    return {
        "name": clean(name),
        "request": _request(exchange, presence),
        "response": _response(exchange),
        "metadata": {"step": exchange.step, "cluster": exchange.cluster, "environment": exchange.environment},
    }


def _request(exchange: Exchange, presence: set[tuple[str, str]]) -> Object:
    target = ascii_url(exchange.request.target)
    matched: Object = {"method": exchange.method}
    matched |= {"urlPattern": _pattern(target)} if PLACEHOLDER.search(target.encode()) else {"url": target}
    headers: Object = {}
    if exchange.override and exchange.cluster:
        headers["Gateway-Env"] = {"contains": f"{exchange.cluster}={exchange.environment}"}
    if (exchange.method, exchange.request.target) in presence:
        there = bool(exchange.request.header("authorization"))
        headers["Authorization"] = {"matches": ".+"} if there else {"absent": True}
    if headers:
        matched["headers"] = headers
    bodies = list(_bodies(exchange))
    return matched | ({"bodyPatterns": bodies} if bodies else {})


def _bodies(exchange: Exchange) -> Iterator[Object]:
    """The request's body as a pattern; a sealed secret matches anything."""
    request = exchange.request
    data, _ = decoded(request)
    text = text_of(request)
    if not data or request.body.truncated:
        return
    if text is None:
        yield {"binaryEqualTo": b64encode(data).decode()}
    elif _is_json(text):
        yield {"equalToJson": PLACEHOLDER.sub(_ANY.encode(), text.encode()).decode()}
    elif PLACEHOLDER.search(text.encode()):
        yield {"matches": f"(?s){_pattern(text)}"}
    else:
        yield {"equalTo": text}


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_int=len, parse_float=len)
    except (ValueError, RecursionError):
        return False
    return True


def _pattern(text: str) -> str:
    """An expression of Java: what is not a letter or digit is escaped."""
    parts = PLACEHOLDER.split(text.encode())
    return ".+".join("".join(map(_escaped, part.decode("utf-8", "replace"))) for part in parts)


def _escaped(char: str) -> str:
    return f"\\{char}" if char.isascii() and not char.isalnum() else char


def _response(exchange: Exchange) -> Object:
    response = exchange.response
    assert response is not None
    answer: Object = {"status": exchange.status}
    if response.reason:
        answer["statusMessage"] = clean(response.reason)
    headers: dict[str, Any] = {}
    for name, value in response.headers:
        if name.lower() not in _DROPPED:
            before = headers.get(name)
            headers[name] = value if before is None else [*(before if isinstance(before, list) else [before]), value]
    if headers:
        answer["headers"] = headers
    return answer | _body(exchange)


def _body(exchange: Exchange) -> Object:
    response = exchange.response
    if response is None or not response.body.data:
        return {}
    text, data = text_of(response), decoded(response)[0]
    if text is not None and text.encode("utf-8", "replace") == data:
        return {"body": text}
    return {"base64Body": b64encode(data).decode()}
