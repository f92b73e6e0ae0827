"""What is known of fields that come again, and captures that need no look beyond it: most that clients send. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_from_bytes

from ..model.capture import Capture, RawPairs, joined
from ..model.headers import Fields
from .bodies import may_be_wide
from .echoes import is_token
from .names import Names
from .placeholders import Vault


@dataclass(frozen=True, slots=True)
class Known:
    """What came of fields under these rules and keys, and the secrets in them."""

    names: Names
    vault: Vault
    fields: RawPairs
    secrets: tuple[bytes, ...]
    passwords: tuple[bytes, ...]  # of those, and within them, what a person may have typed
    bare: bool  # whether a body under these fields is searched as it is: no content coding, no form
    text: bytes = field(init=False)  # values of the sealed fields
    needles: tuple[bytes, ...] = field(init=False)  # the secrets as they may stand again elsewhere

    def __post_init__(self) -> None:
        tokens = [secret for secret in self.secrets if is_token(secret)]
        spelled = (form for token in tokens for form in (token, quote_from_bytes(token, safe="").encode()))
        object.__setattr__(self, "needles", tuple(dict.fromkeys((*spelled, *self.passwords))))
        object.__setattr__(self, "text", b"\n".join([value for _, value in self.fields]))


def changes_known(capture: Capture, names: Names, vault: Vault) -> tuple[dict[str, Any], tuple[bytes, ...]] | None:
    """(what changes, the secrets in it) of a capture whose fields are known, and that holds nothing else to look at.

    None when it must be looked at.
    """
    request = known_of(capture.request_headers, names, vault)
    response = known_of(capture.response_headers, names, vault)
    if request is None or response is None or capture.failure or capture.rewritten or b"@" in capture.origin:
        return None
    if capture.request_trailers or capture.response_trailers or capture.reason not in names.clean:
        return None
    where = capture.target + b"\n" + capture.upstream_url.encode()
    sent = _harmless(capture.request_body, request, names)
    got = _harmless(capture.response_body, response, names)
    if sent is None or got is None or names.hint(where):
        return None
    changes: dict[str, Any] = {}
    secrets = request.secrets + response.secrets
    if not secrets:
        return changes, secrets
    needles = request.needles + response.needles
    text = b"\n".join((where, sent, got, request.text, response.text))
    if any(needle in text for needle in needles):
        return None
    if request.fields is not capture.request_headers:
        changes["request_headers"] = request.fields
    if response.fields is not capture.response_headers:
        changes["response_headers"] = response.fields
    return changes, secrets


def known_of(headers: RawPairs, names: Names, vault: Vault) -> Known | None:
    """What is known of fields, if it holds for these rules and keys."""
    if type(headers) is not Fields:
        return None
    known: Known | None = headers.sealed
    return known if known is not None and known.names is names and known.vault is vault else None


def _harmless(pieces: list[bytes], known: Known, names: Names) -> bytes | None:
    """A body, or None when it must be looked at."""
    if not pieces:
        return b""
    data = joined(pieces)
    return data if known.bare and not may_be_wide(data) and not names.hint(data) else None
