"""`gateway docs`: a small site of documents about recordings. I/O."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .. import __version__
from ..errors import NotFoundError, UsageError
from ..export import FORMATS
from ..export.documents.site import Templates, site
from ..model.text import counted
from ..services.export import Wish, beside, gathered
from .export import servers_now, write_folder
from .masked_store import masked_store
from .recordings import NAMED

MOST = 1 << 20  # bytes of a template


def docs_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", nargs="+", metavar="REC", help=NAMED)


def docs(args: argparse.Namespace) -> int:
    """Write the site; the first file to open is its index."""
    templates = _templates(args.template) if args.template else None
    store = masked_store(args)
    wish = Wish(FORMATS["html"], args.recording, variants=not args.without_variants)
    recordings = gathered(store, wish)
    found = site(recordings, version=__version__, beside=beside(store, servers_now(args)), templates=templates)
    write_folder(args.output, found)
    print(f"{args.output / next(iter(found))}: the first of {counted(len(found), 'file')}", file=sys.stderr)
    return 0


def _templates(path: Path) -> Templates:
    """A file that every document is written by, or a folder with document.* and perhaps index.*."""
    if not path.exists():
        raise NotFoundError("there is no such template", where=str(path))
    if path.is_file():
        return Templates({path.name: _text(path)}, (path.name,))
    texts = {file.name: _text(file) for file in sorted(path.iterdir()) if file.is_file()}
    documents = tuple(name for name in texts if name.startswith("document."))
    if not documents:
        raise UsageError("has no document.html or document.md", where=str(path), hint="docs/formats.md shows one")
    return Templates(texts, documents, next((name for name in texts if name.startswith("index.")), ""))


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > MOST:
            raise UsageError(f"a template of more than {MOST} bytes", where=str(file))
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        raise UsageError("is not UTF-8 text", where=str(file)) from None
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror or error}", where=str(file)) from None
