"""Several files as one ZIP archive; the same files always give the same bytes. Pure."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that ZIP can say: the time of an export is nobody's business


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    """An archive of these files, in their order."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # else the machine's own
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, encoded(data) if isinstance(data, str) else data)
    return target.getvalue()


def encoded(text: str) -> bytes:
    """UTF-8; half a surrogate pair, which no file can hold, as a question mark."""
    return text.encode("utf-8", "replace")
