"""Export formats: one file per format, and FORMATS, the table of all. Pure."""

from __future__ import annotations

from ..errors import UsageError, did_you_mean
from . import bundle, d2, har, json, mermaid, openapi, plantuml, svg
from .documents import html, markdown
from .format import ALONE, ApiServer, Beside, Format, Recordings, no_chunks
from .runnable import arazzo, bruno, curl_script, http_file, hurl, postman, python, rest_file, wiremock
from .scenario.recording_groups import roots
from .scenario.templated_text import identifier

__all__ = [
    "ALONE",
    "FORMATS",
    "ApiServer",
    "Beside",
    "Format",
    "Recordings",
    "dump",
    "files",
    "format_named",
    "no_chunks",
    "stem",
]

_ROWS = (
    Format("mermaid", "Mermaid sequence diagram", "text/vnd.mermaid", ".mmd", mermaid.dump, many=False),
    Format("svg", "Sequence diagram as a picture", "image/svg+xml", ".svg", svg.dump, many=False),
    Format("d2", "D2 sequence diagram", "text/x-d2", ".d2", d2.dump, many=False),
    Format("plantuml", "PlantUML sequence diagram", "text/x-plantuml", ".puml", plantuml.dump, many=False),
    Format(
        "markdown", "How to use these APIs, as a page for a wiki or a repository", "text/markdown", ".md", markdown.dump
    ),
    Format("html", "How to use these APIs, as one file that presents itself", "text/html", ".html", html.dump),
    Format("har", "HTTP Archive 1.2", "application/json", ".har", har.dump),
    Format("curl", "bash script of curl commands", "text/x-shellscript", ".sh", curl_script.dump),
    Format("python", "Python script, standard library only", "text/x-python", ".py", python.dump),
    Format("hurl", "Hurl file", "text/plain", ".hurl", hurl.dump),
    Format("http", "file of requests for editors and httpyac", "text/plain", ".http", http_file.dump),
    Format("rest", "file of requests in the syntax that all editors share", "text/plain", ".rest", rest_file.dump),
    Format("postman", "Postman collection 2.1", "application/json", ".postman_collection.json", postman.dump),
    Format(
        "bruno",
        "OpenCollection 1.0.0 for Bruno, a file per request",
        "application/yaml",
        bruno.SUFFIX,
        bruno.dump,
        files=bruno.files,
    ),
    Format(
        "openapi",
        "OpenAPI 3.1 of what was seen, a file per cluster",
        "application/json",
        openapi.SUFFIX,
        openapi.dump,
        files=openapi.files,
        by_cluster=True,
    ),
    Format(
        "arazzo",
        "Arazzo 1.0.1 workflows with the descriptions they are about",
        "application/yaml",
        arazzo.SUFFIX,
        arazzo.dump,
        files=arazzo.files,
    ),
    Format("wiremock", "WireMock mappings, a mock server", "application/json", ".wiremock.json", wiremock.dump),
    Format("bundle", "recordings without loss, for another gateway", "application/json", ".bundle.json", bundle.dump),
    Format("json", "recordings and exchanges, complete, as the API shows them", "application/json", ".json", json.dump),
)

FORMATS: dict[str, Format] = {format.name: format for format in _ROWS}


def format_named(name: str) -> Format:
    """By name; UsageError says which is near and which exist."""
    if name in FORMATS:
        return FORMATS[name]
    raise UsageError(
        f"there is no format '{name}'{did_you_mean(name.lower(), FORMATS)}", hint=f"one of {', '.join(FORMATS)}"
    )


def dump(format: Format, recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str:
    """The text of an export; UsageError when the format holds one recording and several are given."""
    _check(format, recordings)
    return format.dump(recordings, version=version, beside=beside)


def files(format: Format, recordings: Recordings, *, version: str, beside: Beside = ALONE) -> dict[str, str]:
    """The same as files by name, for a folder or an archive: one, unless the format is made of several."""
    _check(format, recordings)
    if format.files is not None:
        return dict(format.files(recordings, version=version, beside=beside))
    return {f"{stem(recordings)}{format.suffix}": format.dump(recordings, version=version, beside=beside)}


def stem(recordings: Recordings) -> str:
    """A file's name without its suffix: letters and digits of the first title, else its id."""
    first = next(iter(recordings), None)
    return identifier(first[0].title or first[0].id, "recording").replace("_", "-") if first else "nothing"


def _check(format: Format, recordings: Recordings) -> None:
    found = len(roots(recordings))
    if found > 1 and not format.many:
        many = ", ".join(each.name for each in _ROWS if each.many)
        raise UsageError(
            f"{format.name} shows one recording, not {found}",
            hint=f"its what-ifs with it, or one of {many} for several",
        )
