"""Header fields that remember what was made of them. Pure."""

from __future__ import annotations

from typing import Any


class Fields(list[tuple[bytes, bytes]]):
    """Fields that are likely to come again, as those of a client that keeps its connection: what was made of them is
    kept with them. Not to be changed once they were handed over."""

    __slots__ = ("content", "packed", "sealed", "session")

    def __init__(self, pairs: list[tuple[bytes, bytes]] | None = None) -> None:
        super().__init__(pairs or ())
        self.session = ""  # of the client that sent them, when they say which
        self.content: tuple[bytes, list[bytes]] | None = None  # of redact.headers.content_of
        self.packed: bytes | None = None  # of store.heads.pack
        self.sealed: Any = None  # of redact.sealer
