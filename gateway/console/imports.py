"""The form that takes a file of others, and the page that reports the result. I/O (memory)."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from ..api.imports import take
from ..errors import UsageError
from ..services.imports import ImportFile
from ..web.guard import form_text
from ..web.keys import FORM, SERVICES
from ..web.uploads import SentFile
from ..web.view import View, view

KEPT: Final = 50  # reports that are remembered; what was left out stands in a note of the recording as well
REPORTS: Final = web.AppKey("import reports", OrderedDict[str, dict[str, Any]])


async def import_form(request: web.Request) -> web.Response:
    """The fields `file` and `as`. Leads to the report."""
    given = request[FORM].get("file")
    if not isinstance(given, SentFile) or not given.name:
        raise UsageError("no file was chosen", hint="go back and choose a HAR, a Postman collection, curl or a bundle")
    report = await take(request.app[SERVICES], ImportFile(given.data, given.name, form_text(request, "as")))
    first = report.recordings[0][0]
    reports = request.app[REPORTS]
    reports[first] = report.as_json()
    while len(reports) > KEPT:
        reports.popitem(last=False)
    raise web.HTTPSeeOther(f"/_gateway/imports/{quote(first, safe='')}")


async def import_report(request: web.Request) -> View:
    """What came, where it belongs, what was left out and why; null for an import of long ago."""
    id = request.match_info["id"]
    return view({"report": request.app[REPORTS].get(id), "recording": id})
