"""The JSON API's calls about correlations. I/O."""

from __future__ import annotations

from aiohttp import web

from ..correlation import Verdicts
from ..services.correlations import decide, decided, flows, values
from ..web.keys import SERVICES
from .operation import ApiCall, ApiField, query_int, read_body
from .schemas import BOOLEAN, INTEGER, NUMBER, TEXT, TEXT_OR_NULL, TEXTS, shape

YAML = "application/yaml"  # RFC 9512
VERDICTS = (
    ApiField("accept", "strings", "ids of correlations that hold"),
    ApiField("reject", "strings", "ids of correlations that do not"),
    ApiField("declare", "strings", "correlations of your own, such as 3:path.order_id=2:json:/id"),
    ApiField("forget", "strings", "ids whose decision is taken back"),
    ApiField("yaml", "string", "decisions as GET recordings/{id}/decisions gives them"),
    ApiField(
        "second", "string", "another recording of this chain: what moved together in it holds, what stayed does not"
    ),
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
VALUE = shape(
    variable=TEXT, value=TEXT, state={"enum": ["held", "suggested", "rejected"]}, status=TEXT, confidence=NUMBER,
    source=SOURCE, transforms=TEXTS, alternates=_list(SOURCE), sinks=_list(SINK), ids=TEXTS, why=TEXT,
)  # fmt: skip
INPUT = shape(variable=TEXT, value=TEXT, secret=BOOLEAN, generator=TEXT_OR_NULL, sinks=_list(SINK))
CORRELATIONS = shape(items=_list(BINDING), inputs=_list(INPUT), next=TEXT_OR_NULL)


async def list_correlations(request: web.Request) -> web.Response:
    step = query_int(request, "step", 0, most=1_000_000) or None
    return web.json_response(await values(request.app[SERVICES], request.match_info["id"], step=step))


async def decide_correlations(request: web.Request) -> web.Response:
    body = await read_body(request, VERDICTS)
    services = request.app[SERVICES]
    yaml, second = body.pop("yaml", ""), body.pop("second", "")
    verdicts = Verdicts(**{name: tuple(said) for name, said in body.items()})
    id = await decide(services, request.match_info["id"], verdicts, yaml=yaml, second=second)
    return web.json_response(await values(services, id))


async def list_values(request: web.Request) -> web.Response:
    found = await flows(request.app[SERVICES], request.match_info["id"], steps=0, asked=True)
    return web.json_response((found or {}) | {"next": None})


async def get_decisions(request: web.Request) -> web.Response:
    text = await decided(request.app[SERVICES], request.match_info["id"])
    name = f"decisions-{request.match_info['id']}.yaml"
    safe = "".join(mark if mark.isalnum() or mark in "-._" else "-" for mark in name)
    return web.Response(
        body=text.encode("utf-8", "replace"), content_type=YAML, charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{safe}"'},
    )  # fmt: skip


OPERATIONS = (
    ApiCall(
        "GET",
        "recordings/{id}/correlations",
        list_correlations,
        "Which value of which answer a later request needs, and what the client says by itself",
        CORRELATIONS,
        query=(ApiField("step", "integer", "only what this step needs"),),
    ),
    ApiCall(
        "PATCH",
        "recordings/{id}/correlations",
        decide_correlations,
        "Accept, reject, declare or forget correlations",
        CORRELATIONS,
        body=VERDICTS,
    ),
    ApiCall(
        "GET",
        "recordings/{id}/values",
        list_values,
        "Each value that moves, once: where it comes from, every place that needs it, and what was decided",
        shape(items=_list(VALUE), inputs=_list(INPUT), next=TEXT_OR_NULL),
    ),
    ApiCall(
        "GET",
        "recordings/{id}/decisions",
        get_decisions,
        "What was decided about correlations, as YAML",
        TEXT,
        media=YAML,
    ),
)
