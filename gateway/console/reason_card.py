"""What a card with the reason of a failure needs: its words with places, and the addresses of its acts. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from .what_if_editor import draft_query

if TYPE_CHECKING:
    from ..model.exchange import Exchange
    from ..model.recording import Recording
    from ..replay.reasons import ReasonGroup

SAFE: Final = ("GET", "HEAD", "OPTIONS")


def places(exchanges: Sequence[Exchange]) -> frozenset[str]:
    """The places of which a sentence about these steps may speak: "catalogue@qa", "@qa"."""
    found = [one for one in exchanges if one.cluster and one.environment]
    return frozenset(f"{cluster}@{one.environment}" for one in found for cluster in (one.cluster, ""))


def place_parts(places: frozenset[str], text: str) -> list[tuple[str, str]]:
    """A sentence in parts: (text, environment), where "catalogue@qa" of a known place is ("catalogue", "qa")."""
    if not places:
        return [(text, "")]
    found = list[tuple[str, str]]()
    for part in re.split(f"({'|'.join(re.escape(one) for one in sorted(places, key=len, reverse=True))})", text):
        cluster, _, environment = part.rpartition("@") if part in places else (part, "", "")
        if cluster or environment:
            found.append((cluster, environment))
    return found


def acts(found: Recording, exchanges: Sequence[Exchange], group: ReasonGroup) -> dict[str, Any]:
    """The addresses of a reason's acts: the attempt as a ready what-if or as a draft, the comparison. `exchanges` are
    those of the recording that were read."""
    reason = group.first
    here = f"/_gateway/recordings/{quote(found.id, safe='')}"
    own = any(one.id == reason.succeeded for one in exchanges)
    base = found.id if own else found.parent
    compare = ""
    if reason.succeeding and base:
        pair = {"a": f"{base}/{reason.succeeding}", "b": f"{found.id}/{reason.step}"}
        compare = "/_gateway/diff?" + urlencode(pair)
    if reason.attempt is None:
        return {"label": "", "compare": compare, "ready": "", "draft": f"{here}/what-if/{reason.step}"}
    step = next((one for one in exchanges if one.step == reason.step), None)
    draft = f"{here}/what-if/{reason.step}?" + urlencode(draft_query(reason.attempt.body))
    safe = step is not None and step.method in SAFE
    ready = json.dumps([reason.step, dict(reason.attempt.body)]) if safe else ""
    return {"label": reason.attempt.label, "compare": compare, "ready": ready, "draft": draft}
