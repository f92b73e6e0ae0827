"""What the route history says about a step that was answered elsewhere: who moved its cluster, and when. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.exchange import Exchange
from ..model.recording import Revision


def moved_since(cluster: str, before: str, after: str, revisions: Sequence[Revision], *, since: str = "") -> str:
    """ "; moved 2026-11-22 10:12 (UTC) by console"; "" when no revision after `since` says so. Newest first."""
    change = f"{cluster}: {before} -> {after}"
    for revision in revisions:
        if change in revision.changes and revision.accepted_at[:19] >= since[:19]:
            return f"; moved {revision.accepted_at[:16].replace('T', ' ')} (UTC) by {revision.source}"
    return ""


def moved_between(recorded: Exchange, replayed: Exchange, revisions: Sequence[Revision]) -> str:
    """The same, of a step that two places answered, where it was the route table that chose both: no header, no pin."""
    if recorded.override or replayed.override:
        return ""
    if recorded.cluster != replayed.cluster or recorded.environment == replayed.environment:
        return ""
    places = recorded.environment, replayed.environment
    return moved_since(recorded.cluster, *places, revisions, since=recorded.started_at)
