"""A Python script that sends a recording's requests and checks the responses; standard library alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ..format import ALONE, Beside, Recordings
from ..scenario.scenario import Scenario, ScenarioStep, scenario
from ..scenario.templated_text import Text, shell_name
from ..scenario.variables import KeptVariable
from .file_comments import about_file, step_title

_HEAD = '''\
#!/usr/bin/env python3
"""{title}"""

import http.client
import http.cookiejar
import json
import os
import re
import sys
import urllib.error
import urllib.request


class Unfollowed(urllib.request.HTTPRedirectHandler):
    """Every response is looked at, redirects as well."""

    def redirect_request(self, *args):
        return None


jar = http.cookiejar.CookieJar()
opener = urllib.request.build_opener(Unfollowed, urllib.request.HTTPCookieProcessor(jar))
failed = []


class Response:
    def __init__(self, step, status, headers, body):
        self.step, self.status, self.headers, self.body = step, status, headers, body

    def json(self, *keys):
        """The value that these keys lead to, as text."""
        try:
            found = json.loads(self.body)
            for key in keys:
                found = found[int(key)] if isinstance(found, list) else found[key]
        except (ValueError, LookupError, TypeError):
            return self.missing(".".join(keys) or "a JSON value")
        return found if isinstance(found, str) else json.dumps(found)

    def header(self, name):
        return self.headers[name] if name in self.headers else self.missing(name)

    def cookie(self, name):
        for line in self.headers.get_all("Set-Cookie") or ():
            key, _, rest = line.partition("=")
            if key.strip() == name:
                return rest.partition(";")[0].strip().strip('"')
        return self.missing("cookie " + name)

    def text(self):
        return self.body.decode("utf-8", "replace")

    def cut(self, pattern, text):
        found = re.search(pattern, text)
        return found[1] if found else self.missing(pattern)

    def missing(self, what):
        sys.exit("step %s: the response has no %s, and later steps need it" % (self.step, what))


def asked(request):
    try:
        return opener.open(request, timeout=60)
    except urllib.error.HTTPError as error:
        return error


def call(step, method, url, headers=(), body=None, expect=0):
    if isinstance(body, str):
        body = body.encode()
    request = urllib.request.Request(url, body, method=method)
    for name, value in headers:
        request.add_header(name, value.encode().decode("latin-1"))  # sent as UTF-8
    if body is not None and not request.has_header("Content-type"):
        request.add_header("Content-Type", "application/octet-stream")
    try:
        with asked(request) as opened:
            found = Response(step, opened.status, opened.headers, opened.read())
            good, came = expect in (0, found.status), found.status
    except (OSError, http.client.HTTPException) as error:
        found, good, came = Response(step, 0, http.client.HTTPMessage(), b""), False, error
    print("%-4s step %-4s %s %s: %s%s" % (
        "ok" if good else "FAIL", step, method, url, came, "" if good else ", expected %s" % expect))
    if not good:
        failed.append(step)
    return found


'''


def dump(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str:
    """Recordings follow each other in one script."""
    found = [scenario(recording, exchanges, beside.decisions(recording.id)) for recording, exchanges in recordings]
    title = ascii("; ".join(one.title for one in found))[1:-1].replace('"', "'")
    lines = [_HEAD.format(title=title or "Nothing recorded").rstrip("\n"), "", ""]
    for one in found:
        lines += [f"# {line}" for line in about_file(one, version)]
        lines += _variables(one)
        for step in one.steps:
            lines += ["", *_step(one, step)]
        lines.append("")
    lines.append('sys.exit("failed: steps %s" % ", ".join(map(str, failed)) if failed else 0)')
    return "\n".join(lines) + "\n"


def _variables(found: Scenario) -> Iterator[str]:
    """Every variable may be given by the environment, in capitals."""
    pairs = [(one.variable, one.base) for one in found.targets] + [(one.variable, one.default) for one in found.inputs]
    yield "v = {"
    for name, value in pairs:
        yield f'    "{name}": os.environ.get("{shell_name(name)}", {value!a}),'
    yield "}"


def _step(found: Scenario, step: ScenarioStep) -> Iterator[str]:
    yield f"# {step_title(step)}"
    if step.obstacle:
        yield f"# skipped: {step.obstacle}"
        return
    yield "response = call("
    path = f" + {_joined(step.path)}" if step.path else ""
    yield f'    {step.number}, {step.method!a}, v["{step.target.variable}"]{path},'
    headers = ", ".join(f"({name!a}, {_joined(value)})" for name, value in step.headers)
    if headers:
        yield f"    headers=[{headers}],"
    if step.body.data:
        yield f"    body={_joined(step.body.text) if step.body.is_text else ascii(step.body.data)},"
    yield f"    expect={step.status},"
    yield ")"
    yield from (f'v["{keep.variable}"] = {_kept(keep)}' for keep in step.keeps)
    yield from (f"# {line}" for line in found.left.get(step.number, ()))


def _joined(text: Text) -> str:
    """An expression: literals and variables added up."""
    return " + ".join(ascii(part) if isinstance(part, str) else f'v["{part.name}"]' for part in text) or "''"


def _kept(keep: KeptVariable) -> str:
    if keep.part == "body":
        found = "response.text()"
    else:
        part = ", ".join(map(ascii, keep.keys)) if keep.part == "json" else ascii(keep.path)
        found = f"response.{keep.part}({part})"
    return f"response.cut({keep.pattern!a}, {found})" if keep.pattern else found
