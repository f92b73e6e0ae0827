"""Recordings with their what-ifs: which variants belong to which recording, and the one diagram of them all. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...diagrams import Diagram, sequence
from ...model.exchange import Exchange
from ...model.recording import Recording
from ..format import Beside, Recordings

Run = tuple[Recording, Sequence[Exchange]]


def is_variant(recording: Recording) -> bool:
    """Imported ones are what they were where they came from."""
    branched = recording.parent is not None and recording.branched_at is not None
    return recording.kind == "variant" or (recording.kind == "import" and branched)


def is_replay(recording: Recording) -> bool:
    again = recording.parent is not None and recording.branched_at is None
    return recording.kind == "replay" or (recording.kind == "import" and again)


def roots(recordings: Recordings) -> list[Run]:
    """The recordings whose parent is not among them."""
    ids = {recording.id for recording, _ in recordings}
    return [run for run in recordings if run[0].parent not in ids or run[0].parent == run[0].id]


def variants_of(recording: Recording, recordings: Recordings) -> Iterator[Run]:
    """Its variants and theirs, the nearest first."""
    seen, waiting = {recording.id}, [recording.id]
    while waiting:
        parent = waiting.pop(0)
        for run in recordings:
            if run[0].parent == parent and run[0].id not in seen:
                seen.add(run[0].id)
                waiting.append(run[0].id)
                yield run


def diagram_of(run: Run, recordings: Recordings, beside: Beside) -> Diagram:
    """The diagram of one recording, with those of its variants that are among these."""
    recording, exchanges = run
    variants = list(variants_of(recording, recordings))
    return sequence(
        recording, exchanges, chunks=beside.chunks, decisions=beside.decisions, variants=variants,
        environments=beside.environments,
    )  # fmt: skip


def diagrams(recordings: Recordings, beside: Beside) -> Iterator[Diagram]:
    """One for each recording that is no variant of another one."""
    return (diagram_of(run, recordings, beside) for run in roots(recordings))
