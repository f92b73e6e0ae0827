"""What projects are made from: OpenAPI and Arazzo documents, HAR files, Postman collections; files and URLs. I/O."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

from ..contracts.contract import Contract
from ..contracts.document import read_document
from ..demos.authoring.contract_routes import ContractCluster, origin_cluster
from ..errors import ConfigError, Problem, UsageError
from ..export.readers.imported_recording import Cluster, locating, nowhere
from ..routes.table import ContractRules, is_url
from ..services.contract_sources import ContractSource, fetch
from ..services.drift import failure_of
from ..services.imports import ImportFile, taken
from ..store import open_store
from .recordings.imports import UNSERVED, write_imported

if TYPE_CHECKING:
    from ..store import StoreReader


KINDS: Final = (b"openapi", b"swagger", b"arazzo")


@dataclass(frozen=True, slots=True)
class ReadSource:
    """A contract with the bytes of its files. `is_named`: the user named it, not an Arazzo document."""

    source: str
    contract: Contract
    contents: dict[str, bytes]
    is_named: bool = True


@dataclass(frozen=True, slots=True)
class WorkflowSource:
    """An Arazzo document, with the places of its descriptions among the contracts, by the names that it gives them."""

    source: str
    document: Mapping[str, Any]
    descriptions: Mapping[str, ReadSource]


@dataclass(frozen=True, slots=True)
class RecordedSource:
    """A HAR file or a Postman collection."""

    source: str
    data: bytes

    @property
    def name(self) -> str:
        return urlsplit(self.source).path.replace("\\", "/").rpartition("/")[2] or "recorded"


@dataclass(slots=True)
class ProjectSources:
    """All that the user named, by what it is."""

    contracts: list[ReadSource] = field(default_factory=list)
    workflows: list[WorkflowSource] = field(default_factory=list)
    recorded: list[RecordedSource] = field(default_factory=list)


def read_sources(sources: Sequence[str]) -> ProjectSources:
    """Read them all; ConfigError, UpstreamError, UsageError for the first that cannot be read."""
    found, later = ProjectSources(), list[tuple[str, Mapping[str, Any]]]()
    for source in sources:
        data = _bytes(source)
        document = _document(data, source)
        if "openapi" in document or "swagger" in document:
            found.contracts.append(read_contract(source))
        elif "arazzo" in document:
            later.append((source, document))
        else:
            found.recorded.append(_recorded_source(source, data))
    for source, document in later:
        found.workflows.append(WorkflowSource(source, document, _descriptions(source, document, found.contracts)))
    return found


def read_contract(source: str, *, is_named: bool = True) -> ReadSource:
    """A contract; ConfigError, UpstreamError when it cannot be read."""
    reading = ContractSource(ContractRules(source, source), "")
    reading.look()
    state = reading.state
    if state.judge is None:
        raise failure_of(state)
    return ReadSource(source, state.judge.contract, state.contents, is_named)


def _recorded_source(source: str, data: bytes) -> RecordedSource:
    try:
        taken(ImportFile(data, source), nowhere)
    except UsageError as error:
        error.where = error.where or source
        error.hint = error.hint or "an OpenAPI 3.x or Arazzo document, a HAR file or a Postman collection"
        raise
    return RecordedSource(source, data)


def _bytes(source: str) -> bytes:
    if is_url(source):
        return fetch(source, {})
    try:
        with Path(source).open("rb") as file:
            data = file.read((64 << 20) + 1)
    except OSError as error:
        said = f"{source} cannot be read: {error.strerror or error}"
        raise ConfigError([Problem(source, 1, 1, "contract", said)]) from None
    if len(data) > 64 << 20:
        raise UsageError("the file has more than 64 MiB", where=source)
    return data


def _document(data: bytes, source: str) -> Mapping[str, Any]:
    """The values of a document of JSON or YAML; none for what is something else, which its own reader explains."""
    # A document of JSON may say at its end what it is; a HAR with such a document in a body has it escaped.
    is_said = any(word in data[:4096] or b'"%b"' % word in data for word in KINDS)
    is_document = is_said or source.endswith((".yaml", ".yml"))
    value = read_document(data, source).value if is_document else {}
    return value if isinstance(value, dict) else {}


def _descriptions(source: str, document: Mapping[str, Any], contracts: list[ReadSource]) -> dict[str, ReadSource]:
    """The OpenAPI descriptions of an Arazzo document, by name; those that nobody named are added to the contracts."""
    listed = document.get("sourceDescriptions")
    found: dict[str, ReadSource] = {}
    for one in listed if isinstance(listed, list) else ():
        name, url = (one.get("name"), one.get("url")) if isinstance(one, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(url, str) or one.get("type") == "arazzo":
            continue
        there = _beside(source, url)
        known = next((read for read in contracts if _is_same(read.source, there)), None)
        if known is None and is_url(there) and _host(there) != _host(source):
            said = f"sourceDescriptions: {name} is at {url[:200]}: it is not fetched unless it is named"
            raise ConfigError([Problem(source, 1, 1, "sourceDescriptions", said)], hint=f"--from {url[:200]}")
        if known is None:
            known = read_contract(there, is_named=False)
            contracts.append(known)
        found[name] = known
    return found


def _beside(source: str, url: str) -> str:
    if is_url(url) or is_url(source):
        return urljoin(source, url) if is_url(source) else url
    return str(Path(source).parent / url)


def _is_same(one: str, other: str) -> bool:
    """Whether two sources are one, or a file has the name of the document that a URL names."""
    if is_url(one) or is_url(other):
        return one == other or one.rpartition("/")[2] == other.rpartition("/")[2]
    return Path(one).resolve() == Path(other).resolve()


def _host(url: str) -> str:
    return urlsplit(url).netloc.lower()


# -- recorded requests


def origins_of(source: RecordedSource) -> dict[str, str]:
    """The servers that were asked, by their origins: an URL of each."""
    file, _ = taken(ImportFile(source.data, source.name), nowhere)
    found: dict[str, str] = {}
    for exchange in (exchange for one in file.recordings for exchange in one.exchanges):
        parts = urlsplit(exchange.upstream_url or exchange.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname:
            scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
            url = parts._replace(scheme=scheme, netloc=parts.netloc.rpartition("@")[2]).geturl()
            found.setdefault(f"{scheme}://{parts.netloc.rpartition('@')[2]}", url)
    return found


def clusters_for(source: RecordedSource, known: Sequence[Cluster], names: Iterable[str]) -> list[ContractCluster]:
    """A cluster for each server of recorded requests that none of the known ones has."""
    locate, made, taken_names = locating(known, UNSERVED), list[ContractCluster](), list(names)
    for origin, url in origins_of(source).items():
        if locate(url) is None:
            made.append(origin_cluster(origin, [*taken_names, *(one.name for one in made)]))
    return made


@contextmanager
def recorded(source: RecordedSource, clusters: Sequence[Cluster], redact: object = None) -> Iterator[StoreReader]:
    """A store for a moment with the recordings of a source, sealed as every record is: a demo holds no secret."""
    file, _ = taken(ImportFile(source.data, source.name), locating(clusters, UNSERVED))
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "recordings.db"
        asyncio.run(write_imported(path, file.recordings, redact))
        store = open_store(path)
        try:
            yield store
        finally:
            store.close()
