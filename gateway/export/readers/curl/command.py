"""The words of one curl command become the requests that curl would send. Pure.

Stored is what the command asks for. What every curl adds by itself, and which depends on the program and not on the
command, is not: Host, User-Agent, Accept: */*, Content-Length, Expect, and the codings of --compressed.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import quote, unquote_to_bytes

from ....errors import UsageError
from ....model import headers
from ....model.message import Body, Request
from ...urls import split_origin
from ..import_report import Omission
from .form import FormPart, form_body, form_part
from .globs import globbed
from .options import Option, long_option, short_option
from .shell import CurlWords

ReadFile = Callable[[str], bytes]
_VARIABLE = re.compile(r"\$\{?\w+\}?|\$\{\w+\[@\]\}")
# How a body is separated from what follows: it belongs to the connection, and a replay writes it anew.
_FRAMING = frozenset(headers.FRAMING) - {"host"}
_DATES = ("%b %d %Y", "%d %b %Y", "%Y%m%d", "%b %d %Y %H:%M:%S", "%d %b %Y %H:%M:%S")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_FORM_TYPE = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class CurlOperation:
    """What the options up to --next add up to. Texts hold bytes that are no UTF-8 as surrogates."""

    where: str
    urls: list[str] = field(default_factory=list)
    uploads: list[str] = field(default_factory=list)
    method: str = ""
    headers: list[str] = field(default_factory=list)
    data: bytes | None = None
    form: list[FormPart] = field(default_factory=list)
    cookies: list[str] = field(default_factory=list)
    cookie_files: list[str] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)  # options of which the last one counts
    switches: set[str] = field(default_factory=set)
    omissions: list[Omission] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, and where it goes: "https://host:port"."""

    origin: str
    request: Request


def requests(command: CurlWords, read_file: ReadFile, jars: set[str]) -> tuple[list[Asked], list[Omission]]:
    """The requests of a command in the order in which curl sends them, and what of it could not be taken.

    `jars` are the cookie files that earlier commands of the text write; those of this one are added.
    UsageError names an option that is unknown or cannot be read, a value that is missing, a file without leave.
    """
    found: list[Asked] = []
    omissions: list[Omission] = []
    for operation in _operations(command, read_file):
        jars.update(filter(None, [operation.values.get("cookie-jar")]))
        _note_cookie_files(operation, read_file, jars)
        if not operation.urls:
            if found or operation.switches & {"help", "version", "manual"}:
                continue
            raise UsageError("the command has no URL", where=command.where)
        known = [url for url in operation.urls if url and not _VARIABLE.fullmatch(url)]
        for index, url in enumerate(known or operation.urls):  # `curl $OPTIONS http://...`: options, and no URL
            upload = operation.uploads[min(index, len(operation.uploads) - 1)] if operation.uploads else None
            for one in [url] if "globoff" in operation.switches else globbed(url):
                asked = _asked(operation, one, upload, command, read_file)
                if asked is None:
                    why = "only http and https are imported"
                    omissions.append(Omission(f"the transfer of {one[:80]}", why, command.where))
                else:
                    found.append(asked)
        omissions += operation.omissions
    return found, omissions


# Options.


def _operations(command: CurlWords, read_file: ReadFile) -> Iterator[CurlOperation]:
    operation = CurlOperation(command.where)
    variables: dict[str, bytes] = {}
    for option, value, is_on, expand in _options(command):
        if option.name == "next":
            yield operation
            operation = CurlOperation(command.where)
            continue
        if option.effect == "refused":
            raise UsageError(
                f"--{option.name}: {option.reason}", where=command.where, hint="paste the options themselves"
            )
        if option.effect == "unknowable" and is_on:
            operation.omissions.append(Omission(f"--{option.name}", option.reason, command.where))
        if expand:
            value = _with_variables(value, variables, command.where)
        if option.name == "variable":
            _variable(value, variables, command, read_file)
        elif option.takes_value:
            _apply(operation, option.name, value, NamedFiles(command, read_file))
        elif is_on:
            operation.switches.add(option.name)
        else:
            operation.switches.discard(option.name)
    yield operation


def _options(command: CurlWords) -> Iterator[tuple[Option, str, bool, bool]]:
    """(option, value, is it switched on, are its {{variables}} filled in); a URL is --url."""
    words, only_urls = iter(command.words), False
    for word in words:
        if only_urls or not word.startswith("-") or word == "-":
            yield long_option("--url", command.where)[0], word, True, False
        elif word == "--":
            only_urls = True
        elif word.startswith("--"):
            option, is_on = long_option(word, command.where)
            value = _value(option, words, word, command) if option.takes_value else ""
            yield option, value, is_on, word.startswith("--expand-")
        else:
            at = 1
            while at < len(word):
                option = short_option(word[at], word, command.where)
                at += 1
                value = ""
                if option.takes_value:
                    value = word[at:] or _value(option, words, f"-{word[at - 1]}", command)
                    at = len(word)
                yield option, value, True, False


def _value(option: Option, words: Iterator[str], name: str, command: CurlWords) -> str:
    value = next(words, None)
    if value is None and option.name != "help":
        raise UsageError(f"{name} lacks its value", where=command.where)
    return value or ""


@dataclass(frozen=True, slots=True)
class NamedFiles:
    """Reads what `@name` names: a file with leave, or what the text pipes into the command."""

    command: CurlWords
    read_file: ReadFile

    def read(self, name: str) -> bytes:
        """The file's bytes; UsageError when they would come from a program, and as `read_file` raises."""
        if name in ("-", "/dev/stdin", "."):
            if self.command.stdin is None:
                raise UsageError(
                    "the data comes from another program, which is not run", where=self.command.where,
                    hint="paste the data itself",
                )  # fmt: skip
            if isinstance(self.command.stdin, str):
                return _bytes(self.command.stdin)
            name = self.command.stdin.name
        try:
            return self.read_file(name)
        except UsageError as error:
            error.where = error.where or self.command.where
            raise


def _apply(operation: CurlOperation, name: str, value: str, files: NamedFiles) -> None:
    if name in ("data", "data-ascii", "data-binary", "data-raw", "data-urlencode", "json"):
        _add_data(operation, name, value, files)
    elif name == "url":
        operation.urls += files.read(value[1:]).decode().split() if value.startswith("@") else [value]
    elif name == "request":
        if not _TOKEN.fullmatch(value):
            raise UsageError(f"{value[:40]!r} is no method", where=operation.where)
        operation.method = value
    elif name == "header":
        lines = files.read(value[1:]).decode("utf-8", "surrogateescape").splitlines() if value[:1] == "@" else [value]
        operation.headers += [line for line in lines if line.strip()]
    elif name == "cookie":
        (operation.cookies if "=" in value else operation.cookie_files).append(value)
    elif name in ("form", "form-string"):
        operation.form.append(form_part(value, files.read, literal=name == "form-string", where=operation.where))
    elif name == "url-query":
        query = _bytes(value[1:]) if value.startswith("+") else _url_encoded(value, files)
        operation.queries.append(_text(query))
    elif name == "upload-file":
        operation.uploads.append(value)
    elif name == "etag-compare":
        operation.values[name] = files.read(value).decode("utf-8", "surrogateescape").strip()
    else:
        operation.values[name] = value


def _add_data(operation: CurlOperation, name: str, value: str, files: NamedFiles) -> None:
    if name == "data-urlencode":
        data = _url_encoded(value, files)
    elif value.startswith("@") and name != "data-raw":
        data = files.read(value[1:])
        if name in ("data", "data-ascii"):  # curl(1): carriage returns, newlines and null bytes are stripped out
            data = data.replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"")
    else:
        data = _bytes(value)
    before = operation.data or b""
    operation.data = before + (b"&" if before and name != "json" else b"") + data
    if name == "json":
        operation.switches.add("json")


def _url_encoded(value: str, files: NamedFiles) -> bytes:
    """content, =content, name=content, @file, name@file (curl(1), --data-urlencode): a space is a plus."""
    name, sign, content = value.partition("=")
    if not sign:
        name, sign, content = value.partition("@")
        if not sign:
            name, content = "", value
    data = files.read(content) if sign == "@" else _bytes(content)
    encoded = quote(data, safe="-._~").replace("%20", "+").encode()
    return _bytes(name) + b"=" + encoded if name else encoded


def _note_cookie_files(operation: CurlOperation, read_file: ReadFile, jars: set[str]) -> None:
    """A jar that the text itself fills is said; another file of cookies is refused without leave."""
    for name in filter(None, operation.cookie_files):
        why = "curl fills it while it runs"
        if name not in jars:
            try:
                read_file(name)
            except UsageError:
                what = f"{name[:40]!r}: a file of cookies is not read"
                raise UsageError(what, where=operation.where, hint="-b 'name=value'") from None
            why = "which of them curl sends depends on the host, the path and the day"
        operation.omissions.append(Omission(f"the cookies of the file {name[:40]}", why, operation.where))


def _variable(value: str, variables: dict[str, bytes], command: CurlWords, read_file: ReadFile) -> None:
    """--variable name=content, name@file; those of the environment are not known here."""
    found = re.fullmatch(r"(%?)(\w+)(?:\[[\d-]+\])?(?:([=@])(.*))?", value, re.DOTALL)
    if not found:
        raise UsageError(f"--variable {value[:40]!r} is not name=content", where=command.where)
    environment, name, sign, content = found.groups()
    if sign == "@":
        variables[name] = NamedFiles(command, read_file).read(content)
    elif sign == "=":
        variables[name] = _bytes(content)
    elif environment:
        raise UsageError(
            f"--variable %{name}: the environment is not read", where=command.where, hint=f"--variable {name}=..."
        )


def _with_variables(text: str, variables: dict[str, bytes], where: str) -> str:
    """--expand-...: {{name}} and {{name:trim:json:url:b64:64dec}} (curl(1), --variable)."""

    def filled(match: re.Match[str]) -> str:
        name, *functions = match[1].split(":")
        data = variables.get(name, b"")
        for function in functions:
            if function not in _FUNCTIONS:
                raise UsageError(f"--expand: {function[:20]!r} is no function of curl that is known here", where=where)
            data = _FUNCTIONS[function](data)
        return _text(data)

    return re.sub(r"(?<!\\)\{\{([\w:]+)\}\}", filled, text).replace("\\{{", "{{")


def _json_escaped(data: bytes) -> bytes:
    return json.dumps(_text(data), ensure_ascii=False)[1:-1].encode("utf-8", "surrogateescape")


_FUNCTIONS: dict[str, Callable[[bytes], bytes]] = {
    "trim": bytes.strip,
    "json": _json_escaped,
    "url": lambda data: quote(data, safe="-._~").encode(),
    "b64": b64encode,
    "64dec": lambda data: b64decode(data, validate=True),
}


# Requests.


def _asked(
    operation: CurlOperation, url: str, upload: str | None, command: CurlWords, read_file: ReadFile
) -> Asked | None:
    """None for what does not go over HTTP."""
    files = NamedFiles(command, read_file)
    parts = _address(operation, url)
    if parts is None:
        return None
    origin, path, query, user = parts
    body, media = _body(operation, files)
    as_query = "get" in operation.switches
    added = operation.queries
    if as_query and body is not None:
        added, body, media = [_text(body)], None, ""  # the data of -G stand in for --url-query, as curl does it
    if added:  # curl writes the hexadecimal digits of what it appends small
        appended = re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), "&".join(added))
        query = "&".join(part for part in (query, appended) if part)
    if upload:
        body = files.read(upload)
        if path.endswith("/") and upload not in ("-", "."):
            path += quote(upload.replace("\\", "/").rpartition("/")[2])
    method = operation.method or _method(operation, body, upload)
    if "head" in operation.switches and body is not None:
        raise UsageError("curl refuses --head together with data", where=command.where, hint="-X HEAD")
    target = operation.values.get("request-target") or path + (f"?{query}" if query is not None else "")
    version = "1.0" if "http1.0" in operation.switches else "1.1"
    headers = tuple(_headers(operation, media, user))
    data = body or b""
    request = Request(version, headers, Body(len(data), data), (), method, _ascii(target))
    return Asked(origin, request)


def _address(operation: CurlOperation, url: str) -> tuple[str, str, str | None, str | None] | None:
    """(origin, path, query, user:password); None for other schemes."""
    url = url.strip().partition("#")[0]
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", url):
        guessed = re.match(r"(ftp|dict|ldap|imap|smtp|pop3)\.", url, re.IGNORECASE)  # curl(1), --url
        scheme = operation.values.get("proto-default") or (guessed[1].lower() if guessed else "http")
        url = f"{scheme}://{url}"
    origin, rest = split_origin(url)
    scheme, _, authority = origin.partition("://")
    if scheme.lower() not in ("http", "https"):
        return None
    user, at, host = authority.rpartition("@")
    if not host or host.startswith(":"):
        raise UsageError(f"{url[:80]!r} is no URL over HTTP", where=operation.where)
    path, mark, query = rest.partition("?")
    if "path-as-is" not in operation.switches:
        path = _without_dots(path)
    path = path if path.startswith("/") else f"/{path}"
    credentials = unquote_to_bytes(user).decode("utf-8", "surrogateescape") if at else None
    return f"{scheme.lower()}://{_host(host)}", path, query if mark else None, credentials


def _host(host: str) -> str:
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return _ascii(host)


def _without_dots(path: str) -> str:
    """RFC 3986 section 5.2.4, which curl follows unless --path-as-is."""
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")
    for index, segment in enumerate(segments):
        is_last = index == len(segments) - 1
        if segment == "..":
            if len(kept) > 1:
                kept.pop()
            kept += [""] if is_last else []
        elif segment == ".":
            kept += [""] if is_last else []
        else:
            kept.append(segment)
    return "/".join(kept)


def _body(operation: CurlOperation, files: NamedFiles) -> tuple[bytes | None, str]:
    if operation.form:
        if operation.data is not None:
            raise UsageError("curl refuses --form together with --data", where=operation.where)
        return form_body(operation.form, escaped="form-escape" in operation.switches)
    if operation.data is None:
        return None, ""
    return operation.data, "" if "json" in operation.switches else _FORM_TYPE


def _method(operation: CurlOperation, body: bytes | None, upload: str | None) -> str:
    if "head" in operation.switches:
        return "HEAD"
    return "PUT" if upload else "POST" if body is not None else "GET"


def _headers(operation: CurlOperation, media: str, user: str | None) -> Iterator[tuple[str, str]]:
    """In the order in which curl writes them: a header that is given takes the place of curl's own."""
    custom = [pair for line in operation.headers if (pair := _header(line)) is not None]
    named = {name.lower() for name, _ in custom}
    is_form = media.startswith("multipart/")
    for name, value in _made_by_options(operation, user):
        if name.lower() not in named:
            yield name, value
    for name, given in custom:
        if given is not None and name.lower() not in _FRAMING and not (is_form and name.lower() == "content-type"):
            yield name, given
    if is_form:  # curl puts the boundary behind the type that is given
        own = next((value for name, value in custom if name.lower() == "content-type" and value), "")
        media = f"{own}; {media.partition('; ')[2]}" if own else media
    after = [("Content-Type", "application/json"), ("Accept", "application/json")]
    for name, value in [*(after if "json" in operation.switches else []), ("Content-Type", media)]:
        if value and (name.lower() not in named or (is_form and value == media)):
            yield name, value


def _made_by_options(operation: CurlOperation, user: str | None) -> Iterator[tuple[str, str]]:
    values = operation.values
    if credentials := _authorization(operation, user):
        yield "Authorization", credentials
    if wanted := _range(operation):
        yield "Range", wanted
    if values.get("user-agent"):
        yield "User-Agent", _line(values["user-agent"])
    if referer := values.get("referer", "").removesuffix(";auto"):
        yield "Referer", _line(referer)
    if operation.cookies:
        yield "Cookie", _line(";".join(operation.cookies))
    if values.get("etag-compare"):
        yield "If-None-Match", _line(values["etag-compare"])
    if "time-cond" in values:
        yield _condition(values["time-cond"], operation.where)


def _authorization(operation: CurlOperation, user: str | None) -> str:
    bearer = operation.values.get("oauth2-bearer")
    if bearer is not None:
        return f"Bearer {_line(bearer)}"
    given = operation.values.get("user", user)
    if given is None or operation.switches & {"digest", "ntlm", "negotiate", "anyauth", "ntlm-wb"}:
        return ""
    if "aws-sigv4" in operation.values:
        return ""
    if ":" not in given:
        given += ":"
    return f"Basic {b64encode(_bytes(given)).decode()}"


def _range(operation: CurlOperation) -> str:
    if "range" in operation.values:
        wanted = operation.values["range"]
        return f"bytes={wanted if '-' in wanted else wanted + '-'}"
    start = operation.values.get("continue-at", "")
    if start == "-":
        operation.omissions.append(
            Omission("--continue-at -", "where to go on depends on a file of the machine", operation.where)
        )
        return ""
    return f"bytes={start}-" if start and start != "0" else ""


def _condition(value: str, where: str) -> tuple[str, str]:
    """--time-cond: a date, or "-" and a date."""
    name = "If-Unmodified-Since" if value.startswith("-") else "If-Modified-Since"
    moment = _moment(value.removeprefix("-").removeprefix("="))
    if moment is None:
        raise UsageError(f"--time-cond {value[:40]!r} is no date that is understood here", where=where,
                         hint=f"-H '{name}: Sun, 06 Nov 1994 08:49:37 GMT'")  # fmt: skip
    return name, format_datetime(moment.astimezone(UTC), usegmt=True)


def _moment(text: str) -> datetime | None:
    """A date as curl reads them: those of mail and a few plain ones, but not ISO 8601 (curl_getdate(3))."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return next((found for form in _DATES if (found := _read_date(form, text)) is not None), None)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _read_date(form: str, text: str) -> datetime | None:
    try:
        return datetime.strptime(f"{text} +0000", f"{form} %z")
    except ValueError:
        return None


def _header(line: str) -> tuple[str, str | None] | None:
    """ "Name: value"; "Name:" takes curl's own away (value None), "Name;" is sent empty; other lines are not sent."""
    name, colon, value = line.partition(":")
    if not colon:
        name, semicolon, rest = line.partition(";")
        return (name.strip(), "") if semicolon and not rest.strip() and name.strip() else None
    if not name.strip():
        return None
    return _line(name.strip()), _line(value.strip()) if value.strip() else None


def _line(text: str) -> str:
    """A header of one line; bytes that are no UTF-8 become characters of Latin-1."""
    text = re.sub(r"[\r\n\0]+", " ", text)
    return text if _is_text(text) else _bytes(text).decode("latin-1")


def _is_text(text: str) -> bool:
    return not any("\udc80" <= char <= "\udcff" for char in text)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _ascii(text: str) -> str:
    """Every byte that is no sign of ASCII as %XX, as curl does it."""
    return "".join(char if "!" <= char <= "~" else "".join(f"%{byte:02x}" for byte in _bytes(char)) for char in text)
