"""The environments that a request itself asks for, by Gateway-Env or baggage, as every part reads them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Override = tuple[str, bytes]  # ("header" | "baggage", the value of one header line)


def overrides_of(headers: Iterable[tuple[bytes, bytes]]) -> list[Override]:
    """The header lines that may choose an environment, in their order."""
    found: list[Override] = []
    for name, value in headers:
        low = name.lower()
        if low == b"gateway-env":
            found.append(("header", value))
        elif low == b"baggage" and b"gateway-env." in value:
            found.append(("baggage", value))
    return found


def chosen(overrides: Sequence[Override]) -> tuple[str, dict[str, str]]:
    """(where from, {cluster: environment}): of the first line that chooses anything, Gateway-Env before baggage.

    ValueError names a malformed part.
    """
    for source, value in sorted(overrides, key=lambda one: one[0] != "header"):
        found = parse_overrides(value) if source == "header" else baggage_overrides(value)
        if found:
            return source, found
    return "", {}


def parse_overrides(value: bytes) -> dict[str, str]:
    """Gateway-Env: "orders=qa, payments=test" -> {"orders": "qa", ...}; ValueError names a malformed part."""
    found: dict[str, str] = {}
    for part in value.decode("latin-1").split(","):
        cluster, equals, environment = part.strip().partition("=")
        if not part.strip():
            continue
        if not equals or not cluster.strip() or not environment.strip():
            raise ValueError(f"{part.strip()!r} is not cluster=environment")
        found[cluster.strip()] = environment.strip()
    return found


def baggage_overrides(value: bytes) -> dict[str, str]:
    """W3C baggage members "gateway-env.orders=qa" -> {"orders": "qa"}; other members are not ours."""
    found: dict[str, str] = {}
    for member in value.decode("latin-1").split(","):
        key, _, rest = member.strip().partition("=")
        if key.strip().startswith("gateway-env."):
            found[key.strip()[12:]] = rest.partition(";")[0].strip()
    return found
