"""Who changed, deleted or unmasked something, and when. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Action = Literal[
    "move",
    "delete",
    "reveal",
    "seal",
    "keys",
    "sign-in",
    "sign-out",
    "revoke",
    "present",
    "cors",
    "link",
    "join",
    "pin",
    "simulate",
    "accept",
    "forget",
]
Role = Literal["operator", "viewer", "audience", "gateway", "command line"]


@dataclass(frozen=True, slots=True)
class Who:
    """Who asked. `login` is the public handle of a signed-in session of the console, "" where none was needed; the
    gateway itself deletes what `recording.keep` says, and the command line what no gateway has open."""

    role: Role
    session: str = ""
    address: str = ""
    login: str = ""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit: what was done to what, such as "move" to "orders", "qa -> test", by whom."""

    action: Action
    subject: str  # a cluster, a recording, REC/STEP, a login
    detail: str  # "qa -> test"
    source: str  # "console", "api", "command line", "recording.keep"
    who: Who
    at: str = ""  # RFC 3339; empty until it is stored


def audit_json(entry: AuditEntry) -> dict[str, Any]:
    """An entry as the API shows it."""
    who = entry.who
    return {
        "at": entry.at,
        "action": entry.action,
        "subject": entry.subject,
        "detail": entry.detail,
        "source": entry.source,
        "role": who.role,
        "login": who.login,
        "session": who.session,
        "address": who.address,
    }
