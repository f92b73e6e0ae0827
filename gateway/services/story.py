"""A recording as a story, its reasons and its one sentence: read once for pages, slides and exports. I/O; blocking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..correlation import correlate
from ..diagrams.story import Story, story
from ..errors import NotFoundError
from ..replay.compare import compare_runs
from ..replay.reasons import Explained, Summary, explained, summary
from .replay import all_steps

if TYPE_CHECKING:
    from ..model.exchange import Exchange
    from ..model.recording import Recording
    from ..protocols import Store
    from ..replay.error_card import Card

MOST: Final = 300  # steps that are shown; of longer recordings the first
FOLLOWED: Final = 200  # steps of a recording that is compared with the one that it comes from


@dataclass(frozen=True, slots=True)
class ToldStory:
    """What a page or a slide shows of a recording."""

    story: Story
    reasons: Explained
    summary: Summary
    exchanges: tuple[Exchange, ...]
    total: int  # steps of the recording


def title_of(recording: Recording, told: ToldStory | None) -> str:
    """The title that people or a demo gave; of a recording that nobody named what it does, else its id.

    The store names such a recording after its first request.
    """
    first = told.exchanges[0] if told and told.exchanges else None
    if told is None or first is None or not told.story.title:
        return recording.title or recording.id
    is_named = recording.title and not recording.title.startswith(f"{first.method} {first.path[:59]}")
    return recording.title if is_named else told.story.title


def read_story(store: Store, recording: Recording, environments: Sequence[str]) -> ToldStory:
    """The story of a recording; `environments` are those of routes.yaml, in its order. NotFoundError."""
    exchanges = store.exchanges(recording.id, limit=MOST).items
    found = explained(exchanges, against_parent(store, recording, exchanges))
    rows = story(
        exchanges, found, environments=environments, decisions=store.decisions(recording.id),
        revisions=store.revisions(), chunks=store.chunks,
    )  # fmt: skip
    told = summary(exchanges, found, total=recording.steps)
    return ToldStory(rows, found, told, tuple(exchanges), recording.steps)


def against_parent(
    store: Store, recording: Recording, exchanges: Sequence[Exchange]
) -> dict[str, tuple[Card, Exchange]]:  # fmt: skip
    """By exchange: why a step failed that ended well in the recording that this one comes from, and the step there."""
    if not recording.parent or recording.steps > FOLLOWED:
        return {}
    try:
        before = all_steps(store, store.recording(recording.parent).id)
    except NotFoundError:  # the parent was deleted
        return {}
    if not before:
        return {}
    correlations = correlate(before, store.decisions(recording.parent))
    pairs = compare_runs(recording.parent, recording.id, before, exchanges, correlations).steps
    return {
        pair.replayed.id: (pair.card, pair.recorded)
        for pair in pairs
        if pair.card and pair.replayed and pair.recorded and pair.card.failing == pair.replayed.id
    }
