"""The pages about the gateway itself: what it holds and what it missed, and how it was started. I/O."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from aiohttp import web

from ..settings import SETTINGS
from ..web.keys import SERVICES

HIDDEN = ("password", "viewer_password")
# option of `gateway serve` -> the field of Options that holds it
NAMES = {"allow_host": "hosts", "no_health": "health_interval"}


async def statistics(request: web.Request) -> dict[str, Any]:
    """Counters of this run, and what the recordings file holds."""
    services = request.app[SERVICES]
    status = services.recorder.status()
    held = await asyncio.to_thread(services.store.statistics)
    sessions = services.sessions.all()
    return {
        "run": {
            "recorded": status.recorded,
            "missed": status.missed,
            "backlog_bytes": status.backlog,
            "problem": status.reason,
            "sessions": len(sessions),
            "playing": sum(1 for session in sessions if session.modes),
        },
        "store": asdict(held) | {"file": services.options.recordings.name},
    }


async def settings(request: web.Request) -> dict[str, Any]:
    """Every option of this server with its value, and what routes.yaml says about recording."""
    services = request.app[SERVICES]
    options = {name: getattr(services.options, name) for name in services.options.__dataclass_fields__}
    return {"items": _rows(options), "recording": _rules(services.routes.table.recording), "next": None}


def _rows(options: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows, shown = [], set()
    for setting in SETTINGS:
        name = NAMES.get(setting.name, setting.name)
        if "serve" not in setting.commands or name not in options or name in shown:
            continue
        shown.add(name)
        value = options[name]
        rows.append(
            {
                "option": setting.flag if name == setting.name else f"--{name.replace('_', '-')}",
                "value": ("set" if value else "not set") if name in HIDDEN else _plain(value),
                "default": "" if name in HIDDEN else _plain(setting.default),
                "changed": bool(value) if name in HIDDEN else _plain(value) != _plain(setting.default),
                "variable": setting.variable("serve"),
                "help": setting.help,
            }
        )
    return rows


def _plain(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "", True: "yes", False: "no"}[value]
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _rules(rules: Any) -> dict[str, Any]:
    return {
        "max_body": rules.max_body,
        "keep_days": rules.keep_days,
        "keep_bytes": rules.keep_bytes,
        "skip": rules.skip.pattern.decode("utf-8", "replace") if rules.skip else None,
    }
