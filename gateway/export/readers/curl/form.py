"""-F of curl: one word becomes a part of a form (curl(1), --form). Pure."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ....errors import UsageError
from ....model.multipart import Part, backslash_quoted, encode, percent_quoted, type_of_file


@dataclass(slots=True)
class FormPart:
    name: str
    data: bytes
    file_name: str | None = None
    content_type: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def form_body(parts: Sequence[FormPart], *, escaped: bool) -> tuple[bytes, str]:
    """(body, content type)."""
    found = [Part(one.name or None, one.data, one.file_name, one.content_type, one.headers) for one in parts]
    body, boundary = encode(found, quoted=backslash_quoted if escaped else percent_quoted)
    return body, f"multipart/form-data; boundary={boundary}"


def form_part(word: str, read: Callable[[str], bytes], *, literal: bool, where: str) -> FormPart:
    """name=content, name=@file, name=<file, each with ;type= ;filename= ;headers= ;encoder=; as it is when literal.
    UsageError for another form of word."""
    name, equals, content = word.partition("=")
    if not equals:
        raise UsageError(f"--form {word[:40]!r} is not name=content", where=where)
    if literal:
        return FormPart(name, content.encode("utf-8", "surrogateescape"))
    if content.startswith("(") or (not name and content == ")"):
        raise UsageError("--form: parts in parts are not read", where=where, hint="paste the body with --data-raw")
    sign = content[:1] if content[:1] in ("@", "<") else ""
    value, settings = _split(content[len(sign) :], files=sign == "@", where=where)
    data = read(value) if sign else value.encode("utf-8", "surrogateescape")
    part = FormPart(name, data)
    if sign == "@":
        part.file_name = "-" if value == "-" else value.replace("\\", "/").rpartition("/")[2]
    part.file_name = settings.get("filename", part.file_name)
    default = type_of_file(value) if sign == "@" and value != "-" else ""
    part.content_type = settings.get("type") or (type_of_file(part.file_name, default) if part.file_name else "")
    part.headers = _headers(settings, read)
    return _encoded(part, settings.get("encoder", ""), where)


def _split(text: str, *, files: bool, where: str) -> tuple[str, dict[str, str]]:
    """(content, its settings); what is in double quotes may hold semicolons."""
    content, at = _word(text, 0, files=files)
    settings: dict[str, str] = {}
    last = ""
    while at < len(text):
        if text[at] == ",":
            raise UsageError("--form: several files in one part are not read", where=where, hint="one -F for each file")
        at += 1
        while text[at : at + 1].isspace():
            at += 1
        found = re.compile(r"(type|filename|headers|encoder)=\s*", re.IGNORECASE).match(text, at)
        if found:
            last = found[1].lower()
            if last == "type":
                stops = [text.find(sign, found.end()) for sign in (";," if files else ";")]
                end = min((stop for stop in stops if stop >= 0), default=len(text))
                settings["type"], at = text[found.end() : end].strip(), end
            else:
                value, at = _word(text, found.end(), files=files)
                settings[last] = f"{settings['headers']}\n{value}" if last == "headers" and last in settings else value
        else:
            value, at = _word(text, at, files=files)
            if last == "type":  # a parameter of the type, as charset=utf-8
                settings["type"] += f";{value}" if text[at - len(value) - 1] == ";" else f"; {value}"
    return content, settings


def _word(text: str, at: int, *, files: bool) -> tuple[str, int]:
    """Up to the semicolon (between files also a comma), or what stands in double quotes."""
    while text[at : at + 1].isspace():
        at += 1
    end = r"[^;,]*" if files else r"[^;]*"
    if text[at : at + 1] == '"':
        quoted = re.compile(
            r'"((?:[^"\\]|\\.)*)"\s*(?=;|,|$)' if files else r'"((?:[^"\\]|\\.)*)"\s*(?=;|$)', re.DOTALL
        ).match(text, at)
        if quoted:
            return re.sub(r'\\([\\"])', r"\1", quoted[1]), quoted.end()
    plain = re.compile(end, re.DOTALL).match(text, at)
    assert plain is not None
    return plain[0].rstrip(), plain.end()


def _headers(settings: dict[str, str], read: Callable[[str], bytes]) -> tuple[tuple[str, str], ...]:
    lines = settings.get("headers", "")
    if lines[:1] in ("@", "<"):
        lines = read(lines[1:]).decode("utf-8", "surrogateescape")
    pairs = (line.partition(":") for line in lines.splitlines() if ":" in line and not line.startswith("#"))
    return tuple((name.strip(), value.strip()) for name, _, value in pairs)


def _encoded(part: FormPart, encoder: str, where: str) -> FormPart:
    if not encoder:
        return part
    if encoder == "base64":
        text = b64encode(part.data)
        part.data = b"\r\n".join(text[at : at + 76] for at in range(0, len(text), 76))
    elif encoder not in ("binary", "8bit", "7bit"):
        raise UsageError(
            f"--form: the encoder {encoder[:20]!r} is not read", where=where, hint="paste the body with --data-raw"
        )
    part.headers = (("Content-Transfer-Encoding", encoder), *part.headers)
    return part
