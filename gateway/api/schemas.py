"""The shapes of the JSON API as JSON Schema (2020-12). Pure."""

from __future__ import annotations

from typing import Any

TEXT = {"type": "string"}
NUMBER = {"type": "number"}
INTEGER = {"type": "integer"}
BOOLEAN = {"type": "boolean"}
TEXTS = {"type": "array", "items": TEXT}
TEXT_OR_NULL = {"type": ["string", "null"]}
NUMBER_OR_NULL = {"type": ["number", "null"]}
INTEGER_OR_NULL = {"type": ["integer", "null"]}
PAIRS = {"type": "array", "items": {"type": "array", "items": TEXT, "minItems": 2, "maxItems": 2}}
MOMENT = {"type": "string", "format": "date-time"}


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def shape(**members: Any) -> dict[str, Any]:
    """An object with at least these members, all of them always there."""
    return {"type": "object", "properties": members, "required": list(members)}


def page(name: str, **members: Any) -> dict[str, Any]:
    """A list: its items, and the cursor of the next slice."""
    return shape(items={"type": "array", "items": ref(name)}, next=TEXT_OR_NULL, **members)


TIMING = shape(
    total_ms=NUMBER_OR_NULL, connect_ms=NUMBER_OR_NULL, first_byte_ms=NUMBER_OR_NULL, upstream_ms=NUMBER_OR_NULL
)
TIMING["properties"]["phases"] = {"type": "object", "additionalProperties": NUMBER}  # of an imported HAR
MESSAGE = {"http_version": TEXT, "headers": PAIRS, "body": ref("Body")}

SCHEMAS: dict[str, Any] = {
    "Problem": {
        "type": "object",
        "properties": {
            "type": TEXT,
            "title": TEXT,
            "status": INTEGER,
            "detail": TEXT,
            "instance": TEXT,
            "cluster": TEXT,
            "environment": TEXT,
            "upstream": TEXT,
            "hint": TEXT,
        },
        "required": ["type", "title", "status"],
    },
    "Body": shape(
        size=INTEGER,
        stored=INTEGER,
        truncated=BOOLEAN,
        content_type=TEXT_OR_NULL,
        text=TEXT_OR_NULL,
        base64=TEXT_OR_NULL,
    ),
    "Request": shape(**MESSAGE),
    "Response": shape(reason=TEXT, **MESSAGE),
    "Failure": shape(kind=TEXT, detail=TEXT),
    "Operation": shape(kind={"enum": ["graphql", "jsonrpc", "soap", "aws", "grpc"]}, name=TEXT, type=TEXT, label=TEXT),
    "Failed": shape(how={"enum": ["graphql", "jsonrpc", "soap", "grpc", "rule"]}, says=TEXT),
    "Timing": TIMING,
    "ImportReport": shape(
        name=TEXT,
        format=TEXT,
        steps=INTEGER,
        recordings={"type": "array", "items": shape(id=TEXT, title=TEXT, steps=INTEGER)},
        clusters={"type": "array", "items": shape(cluster=TEXT, environment=TEXT, steps=INTEGER)},
        unrouted={"type": "array", "items": shape(origin=TEXT, steps=INTEGER)},
        left_out={"type": "array", "items": shape(what=TEXT, why=TEXT, where=TEXT)},
    ),
    "Exchange": shape(
        id=TEXT,
        recording=TEXT,
        step=INTEGER,
        session=TEXT,
        started_at=MOMENT,
        method=TEXT,
        url=TEXT,
        path=TEXT,
        query=PAIRS,
        cluster=TEXT_OR_NULL,
        environment=TEXT_OR_NULL,
        upstream_url=TEXT_OR_NULL,
        routes_revision=TEXT_OR_NULL,
        mode={"enum": ["live", "playback", "replay", "fault"]},
        override=TEXT_OR_NULL,
        status=INTEGER_OR_NULL,
        request=ref("Request"),
        response={"oneOf": [ref("Response"), {"type": "null"}]},
        failure={"oneOf": [ref("Failure"), {"type": "null"}]},
        operation={"oneOf": [ref("Operation"), {"type": "null"}]},
        failed={"oneOf": [ref("Failed"), {"type": "null"}]},
        trace={"oneOf": [ref("Trace"), {"type": "null"}]},
        timing=ref("Timing"),
        notes=TEXTS,
        tags=TEXTS,
    ),
    "Finding": shape(
        id=TEXT,
        cluster=TEXT,
        environment=TEXT,
        operation=TEXT,
        method=TEXT,
        path=TEXT,
        rule=TEXT,
        severity={"enum": ["error", "warning", "info"]},
        side={"enum": ["request", "response"]},
        status=INTEGER_OR_NULL,
        pointer=TEXT,
        expected=TEXT,
        found=TEXT,
        contract=shape(source=TEXT, file=TEXT, line=INTEGER, sha256=TEXT),
        count=INTEGER,
        of=INTEGER,
        first=ref("Sighting"),
        last=ref("Sighting"),
        since=shape(cause=TEXT_OR_NULL, who=TEXT, why=TEXT, at=TEXT),
        accepted={"oneOf": [shape(why=TEXT, who=TEXT, at=TEXT), {"type": "null"}]},
    ),
    "Sighting": shape(exchange=TEXT, recording=TEXT, step=INTEGER, at=TEXT),
    "StepFindings": shape(step=INTEGER, findings={"type": "array", "items": ref("Finding")}),
    "ContractState": shape(cluster=TEXT, environment=TEXT, source=TEXT, title=TEXT, sha256=TEXT, problem=TEXT),
    "Coverage": shape(cluster=TEXT, environment=TEXT),
    "Trace": shape(id=TEXT, span=TEXT, made={"type": "boolean"}),
    "Recording": shape(
        id=TEXT,
        title=TEXT,
        session=TEXT,
        kind={"enum": ["live", "replay", "variant", "import"]},
        parent=TEXT_OR_NULL,
        branched_at=INTEGER_OR_NULL,
        started_at=TEXT,
        updated_at=TEXT,
        steps=INTEGER,
        clusters=TEXTS,
        notes=TEXTS,
        tags=TEXTS,
        pinned=BOOLEAN,
    ),
    "Relative": shape(
        id=TEXT,
        title=TEXT,
        kind=TEXT,
        parent=TEXT_OR_NULL,
        branched_at=INTEGER_OR_NULL,
        started_at=TEXT,
        steps=INTEGER,
        depth=INTEGER,
        variants=INTEGER,
        status=INTEGER_OR_NULL,
        outcomes={"type": "array", "items": shape(step=INTEGER, status=INTEGER_OR_NULL, exchange=TEXT)},
        card={},
    ),
    "Piece": shape(
        at_ms=NUMBER,
        direction={"enum": ["sent", "received"]},
        kind=TEXT,
        size=INTEGER,
        text=TEXT_OR_NULL,
        base64=TEXT_OR_NULL,
        problem=TEXT,
    ),
    "Health": shape(
        state={"enum": ["up", "down", "unknown"]},
        detail=TEXT,
        version=TEXT,
        checked_at=NUMBER,
        took_ms=NUMBER_OR_NULL,
        since=NUMBER,
        usual_ms=NUMBER_OR_NULL,
    ),
    "Fault": shape(delay=NUMBER, status=INTEGER_OR_NULL, rate=NUMBER),
    "Upstream": shape(
        environment=TEXT,
        url=TEXT,
        current=BOOLEAN,
        pinned=BOOLEAN,
        tls_verified={"type": ["boolean", "null"]},
        health=ref("Health"),
    ),
    "Cluster": shape(
        name=TEXT,
        path=TEXT,
        environment=TEXT,
        pinned=TEXT_OR_NULL,
        fault={"oneOf": [ref("Fault"), {"type": "null"}]},
        upstreams={"type": "array", "items": ref("Upstream")},
    ),
    "SeenSession": shape(
        session=TEXT,
        client=TEXT,
        agent=TEXT,
        address=TEXT,
        told_by=TEXT,
        seen_at=TEXT,
        recording=TEXT,
        steps=INTEGER,
        title=TEXT,
        yours=BOOLEAN,
        last={},
        pins={},
        faults={},
        modes={},
    ),
    "Revision": shape(id=TEXT, accepted_at=TEXT, source=TEXT, changes=TEXTS),
    "Login": shape(
        handle=TEXT,
        name=TEXT,
        role={"enum": ["operator", "viewer"]},
        address=TEXT,
        agent=TEXT,
        since=NUMBER,
        until=NUMBER,
    ),
    "AuditEntry": shape(
        at=MOMENT,
        action=TEXT,
        subject=TEXT,
        detail=TEXT,
        source=TEXT,
        role={"enum": ["operator", "viewer", "audience", "gateway", "command line"]},
        login=TEXT,
        session=TEXT,
        address=TEXT,
    ),
    "Moved": {
        **shape(
            cluster=TEXT, environment=TEXT, before=TEXT, revision=TEXT, changes=TEXTS, file=TEXT, line=INTEGER_OR_NULL
        ),
        "description": "`line` is where routes.yaml changed; null when it already said so.",
    },
    "Session": shape(
        id=TEXT,
        recording=TEXT,
        steps=INTEGER,
        title=TEXT,
        pins={"type": "object", "additionalProperties": shape(environment=TEXT, until=NUMBER)},
        faults={"type": "object", "additionalProperties": shape(fault=TEXT, rate=NUMBER)},
        modes={
            "type": "object",
            "additionalProperties": shape(mode=TEXT, recording=TEXT, title=TEXT, answered=INTEGER, missed=INTEGER),
        },
    ),
}
