"""Authentication of Postman collections: what it adds to a request, as far as a file can tell. Pure.

Facts from the collection format 2.0 and 2.1 and from what newman 6.2 sends.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .foreign_json import JsonNode

# Kinds whose value is made for each request, from a clock, a body or a challenge of the server.
_MADE_LATER = {
    "akamai-edgegrid": "an EdgeGrid signature",
    "asap": "an ASAP token",
    "awsv4": "an AWS signature",
    "digest": "a Digest response",
    "edgegrid": "an EdgeGrid signature",
    "hawk": "a Hawk signature",
    "jwt": "a JWT that Postman signs",
    "ntlm": "an NTLM response",
    "oauth1": "an OAuth 1 signature",
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """A header and its value, or a pair of the query; `missing` says what a file cannot hold."""

    header: tuple[str, str] | None = None
    query: tuple[str, str] | None = None
    missing: str = ""


def credentials(node: JsonNode, filled: Callable[[str], str]) -> Credentials:
    """What an `auth` object adds; nothing for "noauth" and for what is empty."""
    kind = node.at("type").value
    if not isinstance(kind, str) or kind == "noauth":
        return Credentials()
    return credentials_of(kind, {key: filled(value) for key, value in _values(node.at(kind)).items()})


def credentials_of(kind: str, values: Mapping[str, str]) -> Credentials:
    """The same for values whose variables are filled in, by the names of Postman's format 2.1."""
    if kind in _MADE_LATER:
        return Credentials(missing=f"{_MADE_LATER[kind]} ({kind}) is made when the request is sent")
    if kind == "basic":
        pair = f"{values.get('username', '')}:{values.get('password', '')}".encode("utf-8", "replace")
        return Credentials(("Authorization", f"Basic {b64encode(pair).decode()}"))
    if kind == "bearer":
        token = values.get("token", "")
        return (
            Credentials(("Authorization", f"Bearer {token}"))
            if token
            else Credentials(missing="the bearer token is empty")
        )
    if kind == "apikey":
        return _api_key(values)
    if kind == "oauth2":
        return _oauth2(values)
    return Credentials(missing=f"authentication of the kind {kind!r} is not known here")


def _api_key(values: Mapping[str, str]) -> Credentials:
    key, value = values.get("key", ""), values.get("value", "")
    if not key:
        return Credentials(missing="the API key has no name")
    return Credentials(query=(key, value)) if values.get("in") == "query" else Credentials((key, value))


def _oauth2(values: Mapping[str, str]) -> Credentials:
    token = values.get("accessToken", "")
    if not token:
        return Credentials(missing="the OAuth 2 access token is not in the file; Postman asks for one")
    if values.get("addTokenTo") == "queryParams":
        return Credentials(query=("access_token", token))
    prefix = values.get("headerPrefix", "Bearer").strip()
    return Credentials(("Authorization", f"{prefix} {token}".strip()))


def _values(node: JsonNode) -> dict[str, str]:
    """2.1 has a list of pairs, 2.0 an object."""
    if isinstance(node.value, dict):
        return {key: _words(value) for key, value in node.value.items()}
    return {
        pair.value["key"]: _words(pair.value.get("value"))
        for pair in node.items()
        if isinstance(pair.value, dict) and isinstance(pair.value.get("key"), str)
    }


def _words(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
