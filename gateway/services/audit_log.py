"""The audit log of what people do here: every move, deletion and unmasking, with who asked. I/O."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from typing import TYPE_CHECKING

from ..model.audit import Action, AuditEntry, Who, audit_json

if TYPE_CHECKING:
    from ..protocols import Services

log = logging.getLogger("gateway.audit")


def note(services: Services, action: Action, subject: str, detail: str = "", *, who: Who, source: str) -> Future[None]:
    """Write a line of the audit. What must not happen unseen, an unmasking, awaits the result first:

        await asyncio.wrap_future(note(services, "reveal", f"{id}/{step}", who=who_of(request), source="console"))

    Else nobody need wait: a line that cannot be stored is in the log.
    """
    entry = AuditEntry(action, subject, detail, source, who)
    future = services.recorder.add_audit(entry)
    future.add_done_callback(lambda done: _tell(entry, done))
    return future


def _tell(entry: AuditEntry, done: Future[None]) -> None:
    if not done.cancelled() and done.exception() is not None:
        log.error("not in the audit, because the store fails: %s", ascii(audit_json(entry)))
