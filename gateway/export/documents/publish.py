"""Documents as MkDocs, Docusaurus, Backstage and Confluence want them. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ...diagrams import svg
from ...model.recording import Recording
from ...model.text import clean
from .. import openapi
from ..format import Beside, Recordings
from ..scenario.recording_groups import Run, diagram_of
from ..scenario.templated_text import free, identifier
from ..yaml import yaml_of
from . import markdown
from .site import groups
from .storage_format import code_spans, storage

API: Final = "api/"
_FENCE = re.compile(r"`{3,}")


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """A recording's document with its what-ifs; `name` is that of its file."""

    name: str
    title: str
    text: str  # Markdown
    picture: str  # SVG
    recording: Recording


@dataclass(frozen=True, slots=True)
class DocumentSet:
    """All pages, and the descriptions of the APIs by file name."""

    title: str
    pages: tuple[DocumentPage, ...]
    apis: Mapping[str, str]


def book(recordings: Recordings, *, version: str, beside: Beside) -> DocumentSet:
    """What is published, whatever the tool."""
    taken: set[str] = {"index"}
    pages = []
    for recording, group in groups(recordings):
        name = free(identifier(recording.title or recording.id, "recording").replace("_", "-"), taken)
        text = markdown.dump(group, version=version, beside=beside)
        title = clean(recording.title).strip() or f"Recording {recording.id}"
        pages.append(DocumentPage(name, title, text, _picture(group, beside), recording))
    apis = openapi.files(recordings, version=version, beside=beside)
    return DocumentSet("How to use these APIs", tuple(pages), apis)


def _picture(group: Sequence[Run], beside: Beside) -> str:
    return svg(diagram_of(group[0], group, beside), standalone=True)


def published(found: DocumentSet, target: str) -> dict[str, str]:
    """The files by name, for one of TARGETS."""
    return dict(TARGETS[target](found))


# -- the tools


def _mkdocs(
    found: DocumentSet, *, plugins: Sequence[str] = ("search",), theme: str = "material"
) -> Iterator[tuple[str, str]]:
    nav: list[Any] = [{"Home": "index.md"}, {"Recordings": [{page.title: f"{page.name}.md"} for page in found.pages]}]
    config = {
        "site_name": found.title,
        **({"theme": {"name": theme}} if theme else {}),
        "plugins": list(plugins),
        "markdown_extensions": ["tables", "md_in_html"],
        "nav": nav,
    }
    # The fence of Mermaid names a function of Python, which no plain YAML can say.
    fences = (
        "  - pymdownx.superfences:\n      custom_fences:\n        - name: mermaid\n          class: mermaid\n"
        "          format: !!python/name:pymdownx.superfences.fence_code_format\n"
    )
    text = yaml_of(config, comment=["Written by gateway docs; mkdocs serve shows it (pip install mkdocs-material)."])
    head, marker, rest = text.partition("markdown_extensions:\n")
    yield "mkdocs.yml", f"{head}{marker}{fences if theme else ''}{rest}"
    yield "docs/index.md", _index(found, "{}.md", API)
    for page in found.pages:
        yield f"docs/{page.name}.md", _folds(page.text)
    yield from ((f"docs/{API}{name}", text) for name, text in found.apis.items())


def _docusaurus(found: DocumentSet) -> Iterator[tuple[str, str]]:
    yield "docs/_category_.json", json.dumps({"label": found.title, "position": 1}, indent=2) + "\n"
    front = f"---\ntitle: {json.dumps(found.title)}\nsidebar_position: 1\n---\n\n"
    yield "docs/index.md", front + _index(found, "./{}.md", "pathname:///api/")
    for position, page in enumerate(found.pages, 2):
        head = f"---\ntitle: {json.dumps(page.title)}\nsidebar_position: {position}\n---\n\n"
        yield f"docs/{page.name}.md", head + _mdx(page.text.partition("\n")[2].lstrip())
    yield from ((f"static/{API}{name}", text) for name, text in found.apis.items())


def _backstage(found: DocumentSet) -> Iterator[tuple[str, str]]:
    yield from _mkdocs(found, plugins=("techdocs-core",), theme="")
    names = {name: identifier(name.removesuffix(openapi.SUFFIX)).replace("_", "-") for name in found.apis}
    component = {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {
            "name": "how-to-use-these-apis",
            "title": found.title,
            "annotations": {"backstage.io/techdocs-ref": "dir:."},
        },
        "spec": {
            "type": "documentation", "lifecycle": "experimental", "owner": "guests",
            "consumesApis": [*names.values()],
        },
    }  # fmt: skip
    entities: list[dict[str, Any]] = [component]
    for file, name in names.items():
        entities.append({
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "API",
            "metadata": {"name": name, "description": f"What was seen of {name}, by recording."},
            "spec": {
                "type": "openapi", "lifecycle": "experimental", "owner": "guests",
                "definition": {"$text": f"./docs/{API}{file}"},
            },
        })  # fmt: skip
    yield "catalog-info.yaml", "---\n".join(yaml_of(one) for one in entities)


def _confluence(found: DocumentSet) -> Iterator[tuple[str, str]]:
    """A page body for each recording, and its diagram as the attachment that it names."""
    yield "index.xhtml", storage(_index(found, "{}", API), "")
    for page in found.pages:
        body = page.text.partition("\n")[2].lstrip()  # Confluence shows the title above the page
        yield f"{page.name}.xhtml", storage(body, f"{page.name}.svg")
        yield f"{page.name}.svg", page.picture
    yield from ((f"{API}{name}", text) for name, text in found.apis.items())


TARGETS: Final[Mapping[str, Callable[[DocumentSet], Iterator[tuple[str, str]]]]] = {
    "mkdocs": _mkdocs,
    "docusaurus": _docusaurus,
    "backstage": _backstage,
    "confluence": _confluence,
}


# -- what differs in their Markdown


def _index(found: DocumentSet, link: str, api: str) -> str:
    lines = [f"# {found.title}", ""]
    lines += [f"- [{markdown.plain(page.title)}]({link.format(page.name)})" for page in found.pages]
    lines += ["", "What was seen of each API, as OpenAPI 3.1:", ""]
    lines += [f"- [{markdown.plain(name.removesuffix(openapi.SUFFIX))}]({api}{name})" for name in found.apis]
    return "\n".join(lines) + "\n"


def _folds(text: str) -> str:
    """Markdown within HTML is read by Python-Markdown where the element says so."""
    return text.replace("<details><summary>", '<details markdown="1"><summary>')


def _mdx(text: str) -> str:
    """Braces are code to MDX; outside of code they become characters."""
    out: list[str] = []
    fence = ""
    for line in text.split("\n"):
        opened = _FENCE.match(line)
        if opened and not fence:
            fence = opened[0]
        elif fence and line == fence:
            fence = ""
        elif not fence:
            line = _outside_code(line)
        out.append(line)
    return re.sub(r"(?m)^<details><summary>", "<details>\n<summary>", "\n".join(out))


def _outside_code(line: str) -> str:
    out, at = [], 0
    for begin, end in code_spans(line).items():
        out += [_braces(line[at:begin]), line[begin:end]]
        at = end
    return "".join([*out, _braces(line[at:])])


def _braces(text: str) -> str:
    return re.sub(r"\\?([{}])", lambda found: f"&#{ord(found[1])};", text)
