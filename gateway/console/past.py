"""Where every cluster lived at an earlier moment, told from the changes since. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from ..errors import UsageError
from ..model.recording import Revision

MOVED = re.compile(r"(?P<cluster>[^\s:]+): (?P<before>\S+) -> (?P<after>\S+)")
ADDED = re.compile(r"(?P<cluster>[^\s:]+): added.*")


def read_moment(text: str) -> datetime:
    """A date, or a date with a time; UTC without an offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"at={text[:40]!r} is not a time such as 2026-11-22T06:00 (UTC)") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def in_force_at(revisions: Sequence[Revision], moment: datetime) -> Revision | None:
    """The newest revision accepted by then, of a list that is newest first."""
    return next((one for one in revisions if read_moment(one.accepted_at) <= moment), None)


def environments_at(now: Mapping[str, str], revisions: Sequence[Revision], then: Revision | None) -> dict[str, str]:
    """Cluster -> environment when `then` was in force: today's, with every later change undone, newest first."""
    found = dict(now)
    for revision in revisions:
        if revision is then:
            break
        for change in revision.changes:
            if (move := MOVED.fullmatch(change)) and found.get(move["cluster"]) == move["after"]:
                found[move["cluster"]] = move["before"]
            elif added := ADDED.fullmatch(change):
                found.pop(added["cluster"], None)
    return found
