"""A small site of several recordings: a page to begin with, a document for each, their APIs. Pure."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import PurePosixPath

from ...errors import UsageError
from ...model.recording import Recording
from .. import openapi
from ..format import Beside, Recordings
from ..scenario.recording_groups import Run, is_variant
from ..scenario.scenario import scenario
from ..scenario.templated_text import free, identifier
from . import html, markdown
from .custom_template import guide_data, rendered
from .guide import about, guide
from .html_parts import text
from .html_style import LOOK
from .notes import prose
from .what_ifs import belongs

API = "api/"
_KINDS = {".md": "Markdown", ".html": "HTML"}


@dataclass(frozen=True, slots=True)
class Templates:
    """Somebody's own: all texts by name, the names of those that stand for ours, and the files to be copied."""

    texts: Mapping[str, str] = field(default_factory=dict)
    documents: tuple[str, ...] = ()  # "document.html", "document.md"
    index: str = ""


def site(recordings: Recordings, *, version: str, beside: Beside, templates: Templates | None = None) -> dict[str, str]:
    """The files by name. What-ifs and replays are within the document of what they come from."""
    own = templates or Templates()
    found: dict[str, str] = {}
    taken: set[str] = {"index"}
    entries = []
    for recording, group in groups(recordings):
        name = free(identifier(recording.title or recording.id, "recording").replace("_", "-"), taken)
        written = dict(_documents(name, group, version, beside, own))
        entries.append((recording, group, list(written)))
        found |= written
    described = openapi.files(recordings, version=version, beside=beside)
    return (
        {_index_name(own): _index(entries, list(described), version, beside, own)}
        | found
        | {f"{API}{name}": words for name, words in described.items()}
    )


def groups(recordings: Recordings) -> Iterator[tuple[Recording, list[Run]]]:
    """Every recording with those that its document describes."""
    for run in recordings:
        if not belongs(run[0], recordings):
            ids = {run[0].id}
            group = [run]
            for other in recordings:
                if other[0].id not in ids and other[0].parent in ids and belongs(other[0], recordings):
                    ids.add(other[0].id)
                    group.append(other)
            yield run[0], group


def _documents(
    name: str, group: Sequence[Run], version: str, beside: Beside, own: Templates
) -> Iterator[tuple[str, str]]:
    if own.documents:
        data = guide_data(guide(group, beside=beside), version)
        for template in own.documents:
            yield f"{name}{PurePosixPath(template).suffix}", rendered(own.texts, template, data)
        return
    yield f"{name}.html", html.dump(group, version=version, beside=beside)
    yield f"{name}.md", markdown.dump(group, version=version, beside=beside)


def _index_name(own: Templates) -> str:
    return f"index{PurePosixPath(own.index).suffix}" if own.index else "index.html"


Entries = Sequence[tuple[Recording, Sequence[Run], Sequence[str]]]


def _index(entries: Entries, described: Sequence[str], version: str, beside: Beside, own: Templates) -> str:
    if not entries:
        raise UsageError("there is nothing to write about")
    if own.index:
        documents = [
            {
                "title": recording.title or recording.id,
                "files": list(files),
                "about": about(scenario(*group[0], beside.decisions(recording.id))),
                "notes": list(recording.notes),
                "what_ifs": [one.title for one, _ in group[1:] if is_variant(one)],
            }
            for recording, group, files in entries
        ]
        return rendered(own.texts, own.index, {"documents": documents, "apis": list(described), "version": version})
    return "\n".join(_front(entries, described, version, beside)) + "\n"


def _front(entries: Entries, described: Sequence[str], version: str, beside: Beside) -> Iterator[str]:
    digest = b64encode(sha256(LOOK.encode()).digest()).decode()
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{digest}'; "
        "base-uri 'none'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>How to use these APIs</title>\n<style>{LOOK}</style>\n</head>\n<body class="front">\n'
        "<header><strong>How to use these APIs</strong></header>\n<main>\n<h1>How to use these APIs</h1>"
    )
    for recording, group, files in entries:
        yield from _entry(recording, group, files, beside)
    yield '<article class="step">\n<h2>The APIs</h2>\n<p>What was seen of each, as OpenAPI 3.1:</p>\n<ul>'
    yield from (
        f'<li><a href="{API}{text(name)}">{text(name.removesuffix(openapi.SUFFIX))}</a></li>' for name in described
    )
    yield "</ul>\n</article>"
    yield (
        f"<footer>Written by What-If Gateway {text(version)} from recordings. "
        "Secrets were sealed and are not in these files.</footer>\n</main>\n</body>\n</html>"
    )


def _entry(recording: Recording, group: Sequence[Run], files: Sequence[str], beside: Beside) -> Iterator[str]:
    page, *others = files
    told = about(scenario(*group[0], beside.decisions(recording.id))).partition(";")[0].rstrip(".")
    title = text(recording.title or recording.id)
    yield f'<article class="step">\n<h2><a href="{page}">{title}</a></h2>\n<p>{text(told)}.</p>'
    yield from (f'<div class="note">{prose(note)}</div>' for note in recording.notes if note.strip())
    if what_ifs := [one.title for one, _ in group[1:] if is_variant(one)]:
        yield f"<p>What if: {', '.join(map(text, what_ifs))}.</p>"
    links = " ".join(f'<a href="{other}">as {_KINDS.get(PurePosixPath(other).suffix, "text")}</a>' for other in others)
    yield f'<p class="facts">{links}</p>\n</article>' if links else "</article>"
