"""The state that pages, probes and events report: problems of routes.yaml, what is in force, a session's pins. I/O."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..protocols import LiveSession, Services
    from ..replay.fault import Fault


def current_pins(session: LiveSession) -> dict[str, str]:
    """The pins that have not run out."""
    now = time.time()
    return {name: pin.environment for name, pin in session.pins.items() if not pin.until or pin.until > now}


def simulation_words(fault: Fault) -> str:
    """What is simulated, in words: "503", "3 s late, 503"."""
    return str(fault).removeprefix("answer ").replace("status ", "")


def problem_lines(services: Services) -> tuple[str, ...]:
    """Why routes.yaml as it stands is not in force: "routes.yaml:10:13: error: ...". Warnings do not count."""
    return tuple(str(problem) for problem in services.routes.problems if problem.severity == "error")


def routes_event(services: Services, changes: Sequence[str]) -> dict[str, Any]:
    """The data of a "routes" event."""
    table = services.routes.table
    return {
        "revision": table.revision,
        "changes": list(changes),
        "environments": {name: cluster.environment for name, cluster in table.clusters.items()},
        "problems": list(problem_lines(services)),
    }
