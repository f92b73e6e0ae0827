"""What routes.yaml may say: every key with its type, default and description. Pure.

The models are the JSON Schema that editors use; `parse` turns their complaints into places and plain words.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, WithJsonSchema

from ..model.units import read_duration, read_size
from .upstream_url import read_url
from .yaml import FilledText, meaning

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
Guard = Literal["allow", "ask", "never"]
Kind = Literal["card", "email", "iban", "phone"]


def _duration(value: object) -> object:
    return value if not isinstance(value, (str, int, float)) or isinstance(value, bool) else _checked_duration(value)


def _checked_duration(value: str | float) -> str:
    read_duration(value)
    return str(value)


def _size(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return value
    read_size(value)
    return str(value)


def _typed(value: object) -> object:
    """A number or truth value that came from a variable."""
    return meaning(value) if isinstance(value, FilledText) else value


def _url(value: object) -> object:
    if isinstance(value, str):
        read_url(value)
    return value


def _upstream(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


def _short_upstream(schema: dict[str, JsonValue]) -> None:
    """An upstream may be its URL alone."""
    whole = dict(schema)
    schema.clear()
    text: JsonValue = {
        "type": "string",
        "format": "uri",
        "description": "the base URL, when nothing else is to be said",
    }
    schema["anyOf"] = [text, whole]


DURATION_SCHEMA = {"type": ["string", "number"], "examples": ["200ms", "5s", "2m"]}
SIZE_SCHEMA = {"type": ["string", "integer"], "examples": ["500kB", "1MiB"]}
Duration = Annotated[str, BeforeValidator(_duration), WithJsonSchema(DURATION_SCHEMA)]
Size = Annotated[str, BeforeValidator(_size), WithJsonSchema(SIZE_SCHEMA)]
Flag = Annotated[bool, BeforeValidator(_typed)]
Url = Annotated[str, BeforeValidator(_url), WithJsonSchema({"type": "string", "format": "uri"})]


class RoutesPart(BaseModel):
    """What all parts have in common: nothing is guessed, nothing unknown is let through."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TlsConfig(RoutesPart):
    """How to meet an https upstream."""

    ca: str | None = Field(default=None, description="PEM file with the authorities to trust instead of the system's")
    cert: str | None = Field(default=None, description="PEM file with the client certificate to show")
    key: str | None = Field(
        default=None, description="PEM file with the client certificate's key, when cert does not hold it"
    )
    verify: Flag = Field(default=True, description="false accepts any certificate: for test servers only")
    server_name: str | None = Field(
        default=None, description="the name to ask for (SNI) and to expect in the certificate"
    )


class TimeoutConfig(RoutesPart):
    """How long to wait for an upstream."""

    connect: Duration = Field(default="5s", description="for a connection, TLS included")
    response: Duration = Field(default="30s", description="for the first byte of the response")
    idle: Duration = Field(default="60s", description="between two pieces of a body")


class UpstreamConfig(RoutesPart):
    """Where a cluster lives in one environment."""

    model_config = ConfigDict(json_schema_extra=_short_upstream)

    url: Url = Field(description="the base URL; what follows the cluster's prefix is appended to its path")
    headers: dict[str, str] = Field(
        default={}, description="set on every request, in place of the client's of the same name"
    )
    rewrite: dict[str, str] = Field(
        default={},
        description="regular expression over the path after the prefix: what stands for it (\\1 for a group); "
        "the first that matches applies",
    )
    tls: TlsConfig | None = Field(default=None, description="certificates and names, for an https URL")
    timeout: TimeoutConfig = Field(default=TimeoutConfig(), description="how long to wait")
    host: Literal["upstream", "keep"] = Field(
        default="upstream",
        description="the Host that it gets: its own, with Origin and Referer to match, or the one that the client sent",
    )
    proxy: str | None = Field(
        default=None,
        description="the proxy of your network that leads there: http://host:port, env for the usual variables, none",
    )
    writes: Guard | None = Field(
        default=None, description="may a replay write here? The stricter of all that apply counts"
    )


class VersionConfig(RoutesPart):
    """Where an upstream says which build it is."""

    path: str = Field(description="the path to read, such as /version")
    pointer: str = Field(
        default="", description='JSON Pointer to the version in the answer, such as /build; "" for all of it'
    )


class FaultConfig(RoutesPart):
    """A what-if injected for everybody."""

    delay: Duration = Field(default="0s", description="wait that long first")
    status: Annotated[int, BeforeValidator(_typed)] | None = Field(
        default=None, ge=200, le=599, description="answer with this status, the upstream untouched"
    )
    rate: Annotated[float, BeforeValidator(_typed)] = Field(
        default=1.0, ge=0, le=1, description="the share of requests that it happens to: 0.1 for every tenth"
    )


class RedactConfig(RoutesPart):
    """What is sealed in recordings, on top of the safe defaults."""

    headers: list[str] = Field(default=[], description="names of header fields")
    json_paths: list[str] = Field(default=[], alias="json", description="JSONPath (RFC 9535) into bodies: $..iban")
    query: list[str] = Field(default=[], description="names of query parameters and form fields")
    kinds: list[Kind] = Field(default=[], description="personal data, wherever it stands: card, email, iban, phone")


class FailedWhenConfig(RoutesPart):
    """What a response of status 2xx says when it is a failure all the same."""

    model_config = ConfigDict(populate_by_name=True)

    pointer: str = Field(description="JSON Pointer to the member that tells, such as /ok")
    value: JsonValue = Field(alias="is", description="the value that it has when the call failed, such as false")
    says: str = Field(default="", description='JSON Pointer to the words, such as /message; "" for none')


def _contract(value: object) -> object:
    return {"source": value} if isinstance(value, str) else value


def _short_contract(schema: dict[str, JsonValue]) -> None:
    """A contract may be its source alone."""
    whole = dict(schema)
    schema.clear()
    text: JsonValue = {"type": "string", "description": "the file or URL, when nothing else is to be said"}
    schema["anyOf"] = [text, whole]


class ContractConfig(RoutesPart):
    """The OpenAPI document of a cluster, with which its exchanges are compared."""

    model_config = ConfigDict(json_schema_extra=_short_contract)

    source: str = Field(description="a file, beside routes.yaml, or an http or https URL")
    headers: dict[str, str] = Field(default={}, description="sent when a URL is fetched, to its host only")
    refresh: Duration = Field(default="10m", description="how often a URL is fetched; files are watched")
    base: str | None = Field(
        default=None, description="what stands before the contract's paths upstream; found out when absent"
    )
    environments: dict[str, str] = Field(default={}, description="environment: another source for it")
    ignore: list[str] = Field(
        default=[], description='findings that are none, as "RULE STATUS", "RULE /pointer/*" or "RULE METHOD /path/*"'
    )
    check: Literal["all", "responses", "none"] = Field(
        default="all", description="what is compared: responses and the requests that were accepted, or less"
    )


class ClusterConfig(RoutesPart):
    """A functional group of APIs that moves together."""

    path: str = Field(description="the public prefix; the longest that ends at a segment boundary wins")
    environment: str = Field(description="where the cluster lives now; `gateway move` changes this word")
    upstreams: dict[str, Annotated[UpstreamConfig, BeforeValidator(_upstream)]] = Field(
        min_length=1, description="environment: base URL, or a mapping with more"
    )
    strip: Flag = Field(default=True, description="cut the prefix off before the request goes on")
    names: list[str] = Field(
        default=[], description="host names under which the cluster also has the root: orders.localhost"
    )
    listen: str | None = Field(
        default=None, description="an address of its own at which it also has the root: 127.0.0.1:8085"
    )
    cache: Literal["none", "upstream"] = Field(
        default="none",
        description="may browsers keep responses? none, except static files, or as the upstream says",
    )
    rewrite_bodies: Flag = Field(
        default=False, description="translate upstream addresses in bodies of JSON, XML, HTML and text"
    )
    health: str | None = Field(default=None, description="path that is polled on every upstream and shown on the board")
    version: VersionConfig | None = Field(default=None, description="where every upstream says which build it is")
    fault: FaultConfig | None = Field(default=None, description="a what-if for everybody: delay, failure")
    writes: Guard | None = Field(default=None, description="may a replay write to this cluster? allow, ask or never")
    failed_when: list[FailedWhenConfig] = Field(
        default=[], description="responses of status 2xx that are failures all the same"
    )
    contract: Annotated[ContractConfig, BeforeValidator(_contract)] | None = Field(
        default=None, description="the OpenAPI document with which exchanges are compared: a file, a URL or a mapping"
    )
    redact: RedactConfig = Field(
        default=RedactConfig(), description="what is sealed of this cluster's exchanges, on top of what is of all"
    )


class CorsConfig(RoutesPart):
    """Front ends of other origins that may call through the gateway."""

    origins: list[str] = Field(default=[], description="origins such as http://localhost:4200; * is not possible")
    credentials: Flag = Field(default=False, description="let them send cookies and authorization")
    methods: list[str] = Field(default=[], description="the methods that they may use; empty for any")
    headers: list[str] = Field(default=[], description="the request fields that they may send; empty for any")
    max_age: Duration = Field(default="10m", description="how long a browser may remember the answer")


class KeepConfig(RoutesPart):
    """When recordings are tidied away; pinned ones stay."""

    days: Annotated[int, BeforeValidator(_typed)] | None = Field(default=None, ge=1, description="the greatest age")
    bytes: Size | None = Field(default=None, description="the greatest size of all recordings together")


class RecordingConfig(RoutesPart):
    """What is recorded, and for how long."""

    max_body: Size = Field(default="1MiB", description="what a record keeps of a body; the traffic itself is never cut")
    skip: list[str] = Field(
        default=[], description='requests that are not recorded, as "METHOD path": "GET *.js", "* /health"'
    )
    keep: KeepConfig = Field(default=KeepConfig(), description="when recordings are tidied away")


class RoutesConfig(RoutesPart):
    """Which cluster of APIs lives where."""

    version: Literal[1] = Field(description="of this format")
    environments: list[str] = Field(min_length=1, description="in the order in which a cluster moves to completion")
    clusters: dict[str, ClusterConfig] = Field(description="name: cluster")
    writes: dict[str, Guard] = Field(
        default={}, description="may a replay write there? environment: allow, ask or never"
    )
    redact: RedactConfig = Field(
        default=RedactConfig(), description="what is sealed in recordings, on top of the defaults"
    )
    cors: CorsConfig = Field(default=CorsConfig(), description="front ends of other origins that may call")
    recording: RecordingConfig = Field(default=RecordingConfig(), description="what is recorded, and for how long")
    include: list[str] = Field(
        default=[], description="further files with clusters: teams/*.yaml, relative to this file"
    )


def json_schema() -> dict[str, Any]:
    """The JSON Schema of routes.yaml, for editors."""
    schema = RoutesConfig.model_json_schema(by_alias=True)
    schema["patternProperties"] = {"^x-": {"description": "the author's own, such as a place for anchors"}}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "routes.yaml of What-If Gateway"} | {
        key: value for key, value in schema.items() if key != "title"
    }
