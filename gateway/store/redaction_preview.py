"""What redaction rules would mask of recordings that were made before them: where, by which rule. I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from ..redact.preview import RedactionFinding, findings
from .masking import resealed, sealed_chunks
from .sqlite.reader import StoreReader

if TYPE_CHECKING:
    from ..model.exchange import Exchange
    from ..redact import Sealer


def preview(path: Path, recording: str, rules: object, sealer: Sealer) -> list[tuple[int, RedactionFinding]]:
    """The same of a whole recording (a full id) of a file. Blocking."""
    from . import open_store

    with closing(open_store(path)) as store:
        page = store.exchanges(recording)
        found = list(would_mask(store, page.items, rules, sealer))
        while page.next:
            page = store.exchanges(recording, cursor=page.next)
            found += would_mask(store, page.items, rules, sealer)
    return found


def would_mask(
    store: StoreReader, exchanges: Sequence[Exchange], rules: object, sealer: Sealer
) -> Iterator[tuple[int, RedactionFinding]]:
    """(step, what is masked there) of every place that these rules, and the defaults, mask. The store must be one
    that masks nothing itself. Blocking."""
    for one in exchanges:
        pieces = store.chunks(one.id) if one.stream else ()
        before, after, sealed = resealed(one, rules, sealer.seal)
        told = findings(before, after, rules)
        sealed_chunks(one, pieces, rules, sealer.seal_chunk)
        known = {one.placeholder for one in told}
        if pieces:
            _, _, sealed = resealed(one, rules, sealer.seal)
        told += [
            RedactionFinding(f"pieces of the {one.stream} stream", "in a message or event", name)
            for name, _ in getattr(sealed, "secrets", ())
            if pieces and name not in known
        ]
        yield from ((one.step, each) for each in told)
