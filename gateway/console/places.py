"""Where in routes.yaml, or in a file that it includes, a cluster's environment stands. Pure."""

from __future__ import annotations

from ..routing.checks import at
from ..routing.nodes import read_nodes, read_text
from ..routing.parse import unbundle


def place_of(text: str, cluster: str, *, name: str) -> tuple[str, int] | None:
    """(file, line) in a revision's text; None where the environment is not written down."""
    raw, included = unbundle(text)
    for file, content in ((name, raw), *included.items()):
        root, _ = read_nodes(read_text(content, file)[0], file)
        found = at(root, "clusters", cluster, "environment")
        if found is not None:
            return file, found.line
    return None
