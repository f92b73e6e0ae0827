"""Where contracts come from: files that are watched, URLs that are fetched within limits. I/O; blocking.

A contract that cannot be read leaves the last good one in force, and says so. Nothing is fetched that routes.yaml does
not name: `$ref` to a URL is refused by `contracts.document`.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import urlsplit

from ..contracts.contract import Contract, folder_reader, no_contract
from ..contracts.document import MOST_BYTES, ContractPlace
from ..contracts.judge import ContractJudge, Scope
from ..errors import ConfigError, UpstreamError
from ..routes.table import CompiledCluster, ContractRules, is_url

MOST_FETCHED: Final = 16 << 20  # bytes
PATIENCE: Final = 10.0  # seconds for all of a document
REDIRECTS: Final = 3
RETRY: Final = 30.0  # seconds after which a URL that failed is tried again
Sign = tuple[int, int, int]  # inode, size, time of change


@dataclass(slots=True)
class ContractState:
    """A contract in force, and what is wrong with what came after it."""

    source: str
    shown: str
    judge: ContractJudge | None = None
    sha256: str = ""
    problem: str = ""  # why the document as it now stands is not in force; "" while it is
    problem_code: str = ""  # "unreachable" | "invalid"
    read_at: float = 0.0  # epoch seconds
    contents: dict[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def title(self) -> str:
        return self.judge.contract.title if self.judge else ""


class ContractSource:
    """One file or URL. `look` reads it again when it changed or is due."""

    def __init__(self, rules: ContractRules, environment: str) -> None:
        source, shown = rules.source_of(environment)
        self.state = ContractState(source, shown)
        self._headers, self._refresh = dict(rules.headers), max(1.0, rules.refresh)
        self._signs: dict[str, Sign | None] = {}
        self._due = 0.0

    def look(self) -> bool:
        """Read it, when it is another than before; whether another contract is in force now."""
        if is_url(self.state.source):
            if time.monotonic() < self._due:
                return False
        elif self._signs and {name: _sign(self._folder / name) for name in self._signs} == self._signs:
            return False
        before = self.state.sha256
        try:
            self._read()
        except ConfigError as error:
            self._failed("invalid", str(error))
        except UpstreamError as error:
            self._failed("unreachable", str(error).partition("\n")[0])
        else:
            self.state.problem = self.state.problem_code = ""
            self._due = time.monotonic() + self._refresh
        return self.state.sha256 != before

    def recall(self, contents: Mapping[str, bytes]) -> None:
        """The last good document of a URL, from before a restart."""
        root = next(iter(contents), "")
        try:
            contract = Contract(self.state.shown, root, folder_reader(contents))
        except ConfigError:
            return
        self.state.judge, self.state.contents = ContractJudge(contract), dict(contents)
        self.state.sha256 = contract.sha256(contents)

    @property
    def _folder(self) -> Path:
        return Path(self.state.source).parent

    def _failed(self, code: str, message: str) -> None:
        self.state.problem, self.state.problem_code = message, code
        self._due = time.monotonic() + min(self._refresh, RETRY)

    def _read(self) -> None:
        state, contents = self.state, dict[str, bytes]()
        if is_url(state.source):
            root = urlsplit(state.source).path.rpartition("/")[2] or "openapi"
            contents[root] = fetch(state.source, self._headers)
            contract = Contract(state.shown, root, folder_reader(contents))
        else:
            self._signs = {}
            root = Path(state.source).name
            contract = Contract(state.shown, root, lambda name: self._file(name, contents))
            touch_references(contract)
        sha256 = contract.sha256(contents)
        if sha256 != state.sha256:
            state.judge, state.sha256, state.contents = ContractJudge(contract), sha256, contents
        state.read_at = time.time()

    def _file(self, name: str, contents: dict[str, bytes]) -> bytes:
        """A file of the contract's folder; OSError for one that leads out of it or is too large."""
        path = self._folder / name
        self._signs[name] = _sign(path)
        folder = self._folder.resolve()
        if contents and not path.resolve().is_relative_to(folder):
            raise OSError(0, "it leads out of the contract's folder")
        if not path.is_file() and path.exists():
            raise OSError(0, "it is no file")
        with path.open("rb") as file:
            found = file.read(MOST_BYTES + 1)
        contents[name] = found
        return found


def touch_references(contract: Contract) -> None:
    """Read the files that a contract refers to, so that all of them are watched and hashed. ConfigError for the first
    `$ref` to another file that cannot be followed."""

    done: set[str] = set()
    while names := [name for name in contract.documents.files if name not in done]:
        for name in names:
            done.add(name)
            waiting: list[tuple[Any, tuple[str, ...]]] = [(contract.documents.files[name].value, ())]
            while waiting:
                value, tokens = waiting.pop()
                if isinstance(value, dict):
                    reference = value.get("$ref")
                    if isinstance(reference, str) and not reference.startswith("#") and not _is_example(tokens):
                        contract.documents.resolve(ContractPlace(name, tokens), reference)
                    waiting += [(one, (*tokens, key)) for key, one in value.items()]
                elif isinstance(value, list):
                    waiting += [(one, (*tokens, str(index))) for index, one in enumerate(value)]


def _is_example(tokens: tuple[str, ...]) -> bool:
    """Whether a `$ref` is part of an example or an extension, or the name of a member: there it refers to nothing."""
    if tokens[-1:] == ("properties",) or any(token.startswith("x-") for token in tokens):
        return True
    return bool({"example", "examples", "default", "enum", "const"} & set(tokens))


def _sign(path: Path) -> Sign | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


class _SameHost(urllib.request.HTTPRedirectHandler):
    """A few redirects, to the host that was asked."""

    max_redirections = REDIRECTS
    max_repeats = REDIRECTS

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        if _host(newurl) != _host(req.full_url):
            raise urllib.error.URLError("it redirects to another host")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _host(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2].lower()


def fetch(url: str, headers: Mapping[str, str]) -> bytes:
    """The document at a URL; UpstreamError says why it cannot be had, ConfigError when it is too large."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _SameHost())
    until = time.monotonic() + PATIENCE
    found = bytearray()
    try:
        request = urllib.request.Request(url, headers={"Accept": "application/json, application/yaml, */*", **headers})
        with opener.open(request, timeout=PATIENCE) as response:
            while piece := response.read1(1 << 16):
                found += piece
                if len(found) > MOST_FETCHED:
                    raise no_contract(url, f"it is larger than {MOST_FETCHED >> 20} MiB")
                if time.monotonic() > until:
                    said = f"the contract cannot be fetched: it takes longer than {PATIENCE:.0f} s"
                    raise UpstreamError(said, where=url)
    except urllib.error.HTTPError as error:
        raise UpstreamError(f"the contract cannot be fetched: {error.code} {error.reason}", where=url) from None
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise UpstreamError(f"the contract cannot be fetched: {reason}", where=url) from None
    return bytes(found)


def scope_of(cluster: CompiledCluster, environment: str) -> Scope:
    """How exchanges of a cluster are judged in an environment."""
    upstream, rules = cluster.upstreams.get(environment), cluster.contract
    base = upstream.base_path.decode("latin-1") if upstream else ""
    sets = frozenset(name.decode("latin-1").lower() for name, _ in upstream.headers) if upstream else frozenset[str]()
    checks = rules.check if rules else "none"
    return Scope(rules.base if rules else None, base, checks, sets)  # type: ignore[arg-type]
