"""What is to be said before the first request of a replay: writes that are guarded, secrets that are gone. Pure."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from ..correlation import Correlations
from ..errors import UsageError
from ..model.exchange import Exchange
from ..model.message import Request, is_write
from ..routes.overrides import chosen, overrides_of
from ..routes.table import RouteTable
from .branch import Edit, edited
from .plan import ReplayOptions
from .unseal import placeholders, reveal

# Schemes whose credentials prove a secret for one nonce, moment or message (RFC 7616, RFC 4559, RFC 5849, RFC 9449).
PROOFS: Final = {
    "digest": "Digest proof (for a nonce)",
    "ntlm": "NTLM proof",
    "negotiate": "Negotiate proof",
    "hawk": "Hawk proof",
    "aws4-hmac-sha256": "AWS signature (version 4)",
    "oauth": "OAuth 1.0 signature",
    "sharedkey": "Azure signature (Shared Key)",
    "sharedkeylite": "Azure signature (Shared Key Lite)",
    "dpop": "DPoP proof",
    "signature": "HTTP signature",
}
SIGNED: Final = {"oauth_signature": "OAuth 1.0 signature"}  # parameters of a query
SOON: Final = 3600.0  # seconds that a token ought to be good for


@dataclass(frozen=True, slots=True)
class GuardFinding:
    """`kind`: "ask" is a write that needs a yes, "refused" one that is not sent, "warning" what goes wrong, "note" what
    will before long."""

    step: int
    kind: Literal["ask", "refused", "warning", "note"]
    message: str


def findings(
    exchanges: Sequence[Exchange],
    correlations: Correlations,
    wanted: ReplayOptions,
    table: RouteTable,
    *,
    secrets: Mapping[str, str],
    now: float,
) -> list[GuardFinding]:
    """Everything worth knowing before, in the order of the steps. `now` is in seconds since the epoch."""
    found: list[GuardFinding] = []
    for exchange in exchanges:
        if wanted.includes(exchange.step):
            found += writing(exchange, wanted, table)
            found += credentials(exchange, correlations, wanted.edits.get(exchange.step, ()), secrets, now)
    return found


def writing(
    exchange: Exchange, wanted: ReplayOptions, table: RouteTable, request: Request | None = None
) -> Iterator[GuardFinding]:
    """What the write guard says about a step; `request` is what is sent, where it is known already."""
    step, fault = exchange.step, wanted.fault_of(exchange)
    request = request or _as_sent(exchange, wanted)
    path, method = request.target.partition("?")[0], request.method
    cluster = table.match(path.encode("latin-1", "replace"))
    if cluster is None:
        yield GuardFinding(step, "warning", f"no cluster has the path {path} any more")
        return
    environment = _asked(request, wanted.environments_of(exchange)).get(cluster.name, cluster.environment)
    upstream = cluster.upstreams.get(environment)
    where = f"{cluster.name}@{environment}"
    if upstream is None:
        yield GuardFinding(step, "warning", f"{cluster.name} has no upstream in {environment}")
    elif not is_write(method, request.headers) or (fault is not None and not fault.asks):
        return
    elif upstream.writes == "never":
        yield GuardFinding(step, "refused", f"{method} {path} writes to {where}, whose writes are: never")
    elif upstream.writes == "ask":
        yield GuardFinding(step, "ask", f"{method} {path} writes to {where}")


def _asked(request: Request, environments: Mapping[str, str]) -> Mapping[str, str]:
    """Where the request says it goes, its own header lines before this run's, as the gateway reads them."""
    lines = overrides_of((name.encode("latin-1", "replace"), value.encode()) for name, value in request.headers)
    run = ", ".join(f"{name}={value}" for name, value in environments.items())
    try:
        return chosen([*lines, ("header", run.encode())])[1]
    except ValueError:  # the gateway refuses it
        return environments


def _as_sent(exchange: Exchange, wanted: ReplayOptions) -> Request:
    """With the edits, as far as they fit: one that does not is reported at its step."""
    try:
        return edited(exchange.request, wanted.edits.get(exchange.step, ()))
    except UsageError:
        return exchange.request


def credentials(
    exchange: Exchange, correlations: Correlations, edits: Sequence[Edit], secrets: Mapping[str, str], now: float
) -> Iterator[GuardFinding]:
    """Secrets that nobody has any more, and tokens that are over, unless this run brings its own."""
    bound = " ".join(binding.value for binding in correlations.of_step(exchange.step))
    request = edited(exchange.request, [edit for edit in edits if edit.part in ("header", "cookie")])
    for name in placeholders(request):
        if name not in secrets and name not in bound:
            yield GuardFinding(exchange.step, "warning", f"the secret behind {name} is not in this recording")
    if proof := proof_of(request) or proof_of(reveal(request, secrets)):
        why = f"its {proof} cannot be made anew, for the secret behind it is in no recording: it is sent as recorded"
        yield GuardFinding(exchange.step, "warning", why)
    sealed = request.header("authorization")
    token = reveal(request, secrets).header("authorization").rpartition(" ")[2]
    expires = claims_of(token).get("exp")
    if not isinstance(expires, (int, float)) or sealed.rpartition(" ")[2] in bound:
        return
    if expires < now:
        yield GuardFinding(exchange.step, "warning", f"its bearer token expired {ago(now - expires)} ago")
    elif expires < now + SOON:
        yield GuardFinding(exchange.step, "note", f"its bearer token expires in {ago(expires - now)}")


def proof_of(request: Request) -> str:
    """What signs this very request with a secret that is never sent, in words; empty when nothing does."""
    scheme = request.header("authorization").partition(" ")[0].lower()
    if scheme in PROOFS:
        return PROOFS[scheme]
    query = request.target.partition("?")[2].lower()
    signed = next((words for name, words in SIGNED.items() if f"{name}=" in query), "")
    return signed or ("message signature (RFC 9421)" if request.header("signature-input") else "")


def claims_of(token: str) -> Mapping[str, Any]:
    """The claims of a JWT, unverified; none when it is no JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def ago(seconds: float) -> str:
    """5 minutes, 3 hours, 2 days."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{int(seconds)} seconds"


def guarded(found: Sequence[GuardFinding], *, yes: bool) -> dict[int, str]:
    """step -> why the write guard does not let it pass."""
    refused = {one.step: f"{one.message}; --until {one.step - 1} replays the steps before it" for one in found
               if one.kind == "refused"}  # fmt: skip
    asked = {} if yes else {one.step: f"{one.message}; --yes lets it" for one in found if one.kind == "ask"}
    return asked | refused
