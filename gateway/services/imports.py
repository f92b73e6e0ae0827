"""Files of others on their way in: read, placed by the routes, given ids, reported. I/O (a clock, files with leave).

The command line and the API take a file in the same way; who writes the recordings differs.
"""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import UsageError
from ..export.readers.import_file import LIMIT, ImportedFile, ReadFile, no_files, read
from ..export.readers.import_report import ImportReport, report
from ..export.readers.imported_recording import Cluster, Locate, locating, nowhere, renewed
from ..ids import new_id


@dataclass(frozen=True, slots=True)
class ImportFile:
    """A file to import. `format`: one of IMPORTS, or "" to find out; `read_file`: what it may read beside itself."""

    data: bytes
    name: str = ""
    format: str = ""
    read_file: ReadFile = no_files


def locator(clusters: Iterable[Cluster] | None, own: str) -> Locate:
    """Where the routes know a URL; nowhere without routes. `own` is the gateway's public URL."""
    return nowhere if clusters is None else locating(clusters, own)


def taken(source: ImportFile, locate: Locate) -> tuple[ImportedFile, ImportReport]:
    """The recordings with new ids, ready to be written, and the report; UsageError says why a file is refused."""
    found = read(source.data, name=source.name, format=source.format, locate=locate, read_file=source.read_file)
    found = replace(found, recordings=renewed(found.recordings, new_id=new_id, now=time.time()))
    return found, report(source.name, found.format, found.recordings, found.omissions)


@dataclass(slots=True)
class Folder:
    """Reads files of one folder, never one outside it, and remembers them for a gateway that has to be sent them."""

    path: Path
    given: dict[str, bytes] = field(default_factory=dict)

    def read(self, name: str) -> bytes:
        """UsageError says that a file is missing, too large, or not in the folder."""
        inside = self.path.resolve()
        file = (inside / name).resolve()
        if not file.is_relative_to(inside):
            raise UsageError(f"{name[:80]!r} is not in the folder that may be read", hint=f"it is {inside}")
        try:
            with file.open("rb") as opened:
                data = opened.read(LIMIT + 1)
        except OSError as error:
            raise UsageError(f"{name[:80]!r} cannot be read: {error.strerror or error}") from None
        if len(data) > LIMIT:
            raise UsageError(f"{name[:80]!r} has more than {LIMIT} bytes")
        self.given[name] = data
        return data

    def packed(self, source: ImportFile, locate: Locate = nowhere) -> bytes:
        """The source with the files that it names, as one JSON for a gateway: a gateway reads no files by itself."""
        read(source.data, name=source.name, format=source.format, locate=locate, read_file=self.read)
        if not self.given:
            return source.data
        files = {name: b64encode(data).decode() for name, data in self.given.items()}
        return json.dumps({"gateway_import": 1, "data": b64encode(source.data).decode(), "files": files}).encode()
