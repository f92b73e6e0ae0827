"""The JSON API's calls about correlations. I/O."""

from __future__ import annotations

from aiohttp import web

from ..replay.correlation import Verdicts
from .correlating import decide, values
from .keys import SERVICES
from .operation import Field, Operation, query_int, read_body
from .schemas import BOOLEAN, INTEGER, NUMBER, TEXT, TEXT_OR_NULL, TEXTS, shape

VERDICTS = (
    Field("accept", "strings", "ids of correlations that hold"),
    Field("reject", "strings", "ids of correlations that do not"),
    Field("declare", "strings", "correlations of your own, such as 3:path.order_id=2:json:/id"),
    Field("forget", "strings", "ids whose decision is taken back"),
)
PLACE = {"place": TEXT, "step": INTEGER, "part": TEXT, "path": TEXT, "name": TEXT}
SPAN = {"type": ["array", "null"], "items": INTEGER}
SINK, SOURCE = shape(**PLACE, span=SPAN), shape(**PLACE)


def _list(item: dict[str, object]) -> dict[str, object]:
    return {"type": "array", "items": item}


BINDING = shape(
    id=TEXT,
    status={"enum": ["auto", "suggested", "confirmed", "declared", "rejected"]},
    confidence=NUMBER,
    variable=TEXT,
    value=TEXT,
    sink=SINK,
    source=SOURCE,
    transforms=TEXTS,
    alternates=_list(SOURCE),
    why=TEXT,
)
INPUT = shape(variable=TEXT, value=TEXT, secret=BOOLEAN, generator=TEXT_OR_NULL, sinks=_list(SINK))
CORRELATIONS = shape(items=_list(BINDING), inputs=_list(INPUT), next=TEXT_OR_NULL)


async def list_correlations(request: web.Request) -> web.Response:
    step = query_int(request, "step", 0, most=1_000_000) or None
    return web.json_response(await values(request.app[SERVICES], request.match_info["id"], step=step))


async def decide_correlations(request: web.Request) -> web.Response:
    body = await read_body(request, VERDICTS)
    services = request.app[SERVICES]
    verdicts = Verdicts(**{name: tuple(said) for name, said in body.items()})
    id = await decide(services, request.match_info["id"], verdicts)
    return web.json_response(await values(services, id))


OPERATIONS = (
    Operation(
        "GET",
        "recordings/{id}/correlations",
        list_correlations,
        "Which value of which answer a later request needs, and what the client says by itself",
        CORRELATIONS,
        query=(Field("step", "integer", "only what this step needs"),),
    ),
    Operation(
        "PATCH",
        "recordings/{id}/correlations",
        decide_correlations,
        "Accept, reject, declare or forget correlations",
        CORRELATIONS,
        body=VERDICTS,
    ),
)
