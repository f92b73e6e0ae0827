"""Front ends of other origins: which may call, which were refused, and allowing one by a line of routes.yaml. I/O."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..routes.validation import origin_problem
from .audit_log import note

if TYPE_CHECKING:
    from ..model.audit import Who
    from ..protocols import Services


def origins_json(services: Services) -> dict[str, Any]:
    """The origins that routes.yaml lists, and those that were refused since the start, seen last first."""
    cors = services.routes.table.cors
    listed = [*map(_text, sorted(cors.origins)), *(f"{_text(one)}:*" for one in sorted(cors.any_port))]
    refused = [
        asdict(one) | {"at": _moment(one.at)}
        for one in services.refused_origins.all()
        if not _allows(services, one.origin)
    ]
    return {"origins": listed, "credentials": cors.credentials, "refused": refused}


async def allow(services: Services, origin: str, *, source: str, who: Who) -> dict[str, Any]:
    """List an origin in routes.yaml, and put that in force. Audited. UsageError when it is no origin."""
    if why := origin_problem(origin):
        raise UsageError(why)
    line = None
    if not _allows(services, origin):
        revision, line = await services.routes.allow_origin(origin, source=source)
        note(
            services,
            "cors",
            origin,
            f"allowed to call ({services.routes.file.name}:{line}, {revision.id[:8]})",
            who=who,
            source=source,
        )
    services.refused_origins.forget(origin)
    return {"origin": origin, "file": services.routes.file.name, "line": line} | origins_json(services)


def _allows(services: Services, origin: str) -> bool:
    return services.routes.table.cors.allows(origin.encode("latin-1", "replace"))


def _text(value: bytes) -> str:
    return value.decode("latin-1")


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
